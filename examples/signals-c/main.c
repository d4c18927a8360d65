// Signal handlers: raise, nesting, masks, the alternate stack, one-time handlers, a jump out of a handler, and a signal
// from one thread to another that is ready to run.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t depth, count;
static sigjmp_buf back;
static char alternate[16384];

static void nested(int signal) {
    depth++;
    printf("depth %d: signal %d\n", (int)depth, signal);
    if (signal == SIGUSR1)
        raise(SIGUSR2);
    depth--;
}

static void informed(int signal, siginfo_t *info, void *context) {
    char here;
    int on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
    printf("signal %d, si_signo %d, context %s, alternate stack %s\n", signal, info->si_signo, context ? "given" : "missing",
           on_alternate ? "yes" : "no");
}

static void counted(int signal) { count++; (void)signal; }
static void jumping(int signal) { siglongjmp(back, signal); }

static void *other(void *argument) {
    while (!count)
        sched_yield();
    puts("the other thread was interrupted");
    return argument;
}

int main(void) {
    struct sigaction action = {.sa_handler = nested};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    double kept = 1.5;
    raise(SIGUSR1);
    printf("after it: %.1f\n", kept * 2);

    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, NULL);
    struct sigaction with_information = {.sa_sigaction = informed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGTERM, &with_information, NULL);
    raise(SIGTERM);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGTERM);
    puts("blocked");
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    puts("unblocked");

    struct sigaction once = {.sa_handler = counted, .sa_flags = SA_RESETHAND};
    sigaction(SIGHUP, &once, NULL);
    raise(SIGHUP);
    struct sigaction now;
    sigaction(SIGHUP, NULL, &now);
    printf("handled %d time, then %s\n", (int)count, now.sa_handler == SIG_DFL ? "default" : "still set");

    struct sigaction jump = {.sa_handler = jumping};
    sigaction(SIGALRM, &jump, NULL);
    int signal = sigsetjmp(back, 1);
    if (!signal)
        raise(SIGALRM);
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("jumped with %d, blocked %d\n", signal, sigismember(&set, SIGALRM));

    count = 0;
    struct sigaction plain = {.sa_handler = counted};
    sigaction(SIGHUP, &plain, NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, other, NULL);
    sched_yield();
    pthread_kill(thread, SIGHUP);
    pthread_join(thread, NULL);

    return 0;
}
