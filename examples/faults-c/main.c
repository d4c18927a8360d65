// Faults as signals: a handler learns the address, jumps out or goes on behind the instruction, in any thread.
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <ucontext.h>

static sigjmp_buf back;

static void jump_out(int number, siginfo_t *info, void *context) {
    (void)context;
    printf("signal %d, code %d", number, info->si_code);
    if (number == SIGSEGV) printf(", address %p", info->si_addr);
    puts("");
    siglongjmp(back, 1);
}

// Goes on behind the 4 bytes of the instruction.
static void pass_over(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.__gregs[0] += 4;
}

static void *in_thread(void *unused) {
    if (sigsetjmp(back, 1) == 0) *(volatile int *)0x18 = 1;
    puts("the thread goes on");
    return unused;
}

int main(void) {
    static char stack[16384];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    struct sigaction action = {.sa_sigaction = jump_out, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGTRAP, &action, NULL);
    if (sigsetjmp(back, 1) == 0) *(volatile int *)8 = 1;
    if (sigsetjmp(back, 1) == 0) printf("%d\n", *(volatile int *)16);
    if (sigsetjmp(back, 1) == 0) __asm__ volatile(".word 0");
    if (sigsetjmp(back, 1) == 0) __asm__ volatile("ebreak");

    // Whatever is in registers stays there, floating point included where there is any.
    action.sa_sigaction = pass_over;
    sigaction(SIGSEGV, &action, NULL);
    register uint64_t kept __asm__("s5") = 7;
    uint64_t sum;
    volatile double half = 0.5;
    double product = half * 3;
    __asm__ volatile(".option push\n.option norvc\nli t3, 5\nsd zero, 24(zero)\nadd %0, t3, %1\n.option pop"
                     : "=r"(sum)
                     : "r"(kept)
                     : "t3", "memory");
    printf("passed over: %d %g\n", (int)sum, product + half);

    action.sa_sigaction = jump_out;
    sigaction(SIGSEGV, &action, NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    fflush(stdout);
    signal(SIGSEGV, SIG_DFL);
    *(volatile int *)32 = 1;
    puts("not reached");
}
