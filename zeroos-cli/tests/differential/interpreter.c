// Makes the system calls of a script from standard input, one after the other, and prints for each its result and a hash of
// the memory that calls work on. A step is 7 words of 64 bits: the number, then six arguments. The top byte of an argument
// says what it is (`decode`); two numbers stand for no call: POKE stores the second argument at the first, PEEK gives a hash of
// as many bytes as the second says at the first. The bits of a number from 16 on say which thread makes the call: 0 is the one that
// reads the script and hands calls to the others. Nothing is handed over before everything else came to rest: a call that is
// not done after a while is BLOCKED, its result is in the arena when it is.
typedef unsigned long word;

enum { STEPS = 1024, ARENA = 16384, POKE = 0xffff, PEEK = 0xfffe, MREMAP = 216, BRK = 214, MMAP = 222, LOG = 0x3800 };
enum { THREADS = 3, STACK = 16384, RESULTS = 0x3c00, IDLE = 0, GIVEN = 1, DONE = 2, BLOCKED = 0xb10c, BUSY = 0xb05e };

// These have addresses that the linker is told, so that what lies in memory does not depend on the compiler.
static unsigned char arena[ARENA] __attribute__((section(".arena"), aligned(4096)));
static unsigned char scratch[4096] __attribute__((section(".scratch"), aligned(4096)));
static word script[STEPS * 7], results[STEPS], first_break;
static char line[80];

// What a thread does: its state is a futex word.
static struct worker {
    volatile int state;
    word tid, number, arguments[6], result;
} workers[THREADS];
static unsigned char stacks[THREADS][STACK] __attribute__((aligned(16)));

static word call(word number, const word *a) {
    register word a7 __asm__("a7") = number;
    register word a0 __asm__("a0") = a[0];
    register word a1 __asm__("a1") = a[1];
    register word a2 __asm__("a2") = a[2];
    register word a3 __asm__("a3") = a[3];
    register word a4 __asm__("a4") = a[4];
    register word a5 __asm__("a5") = a[5];
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
    return a0;
}

// Writes down that a signal came: where the next one goes is in the first byte.
static __attribute__((section(".handler"))) void handler(int signal) {
    volatile unsigned char *log = arena + LOG;
    log[0] = log[0] % 254 + 1;
    log[log[0]] = signal;
}

static word decode(word argument) {
    word none[6] = {0};
    switch (argument >> 56) {
        case 0xa1: return (word)arena + (argument & 0xffffffff);
        // The result of an earlier step, and so many bytes further.
        case 0xa2: return results[argument & (STEPS - 1)] + (argument >> 16 & 0xffffffff);
        case 0xa4: return first_break + (argument & 0xffffffff);
        // Memory that is not hashed.
        case 0xa5: return (word)scratch + (argument & 0xffffffff);
        case 0xa6: return (word)handler;
        case 0xa7: return call(172, none);
        case 0xa8: return workers[(argument & 3) % THREADS].tid;
        default: return argument;
    }
}

static word hash(const void *bytes, word count) {
    const word *words = bytes;
    word hash = 0xcbf29ce484222325;
    for (word i = 0; i < count / 8; i++) hash = (hash ^ words[i] ^ hash >> 29) * 0x100000001b3;
    return hash ^ hash >> 32;
}

static char *hex(char *at, word value) {
    int digits = 1;
    while (digits < 16 && value >> (4 * digits)) digits++;
    for (int i = digits - 1; i >= 0; i--) *at++ = "0123456789abcdef"[value >> (4 * i) & 15];
    return at;
}

// Where memory lies is not compared, unless it was asked for.
static word shown(word number, const word *a, word result) {
    if (number == PEEK) return result & 63;
    if (result > -4096ul) return result;
    if (number == MMAP) return result == a[0] ? 1 : 2;
    if (number == MREMAP) return result == a[0] ? 1 : result == a[4] ? 3 : 2;
    if (number == BRK) return result - first_break;
    return result;
}

static void print(char *end) {
    word print[6] = {1, (word)line, end - line};
    call(64, print);
}

static void futex(struct worker *worker, word operation, word value) {
    word a[6] = {(word)&worker->state, operation | 128, value};
    call(98, a);
}

__attribute__((used)) static void work(struct worker *worker) {
    for (;;) {
        while (worker->state != GIVEN) futex(worker, 0, worker->state);
        word result = call(worker->number, worker->arguments);
        worker->result = result;
        ((word *)(arena + RESULTS))[worker - workers] = shown(worker->number, worker->arguments, result);
        __asm__ volatile("" : : : "memory");
        worker->state = DONE;
    }
}

// Starts a thread on the stack whose top is a1; its worker is there.
word start_worker(word flags, word *top);
__asm__("start_worker: li a7, 220\nli a2, 0\nli a3, 0\nli a4, 0\necall\nbnez a0, 1f\nld a0, 0(sp)\ncall work\n1: ret\n");

// Lets all others go on until none of them does anything: nobody else runs then, and they need no time.
static void settle(void) {
    word time[2] = {0, 50000000}, a[6] = {(word)time};
    if (workers[0].tid | workers[1].tid | workers[2].tid) call(101, a);
}

static word hand_over(struct worker *worker, word number, const word *a) {
    if (worker->state == GIVEN) return BUSY;
    if (!worker->tid) {
        word *top = (word *)(stacks[worker - workers] + STACK - 16);
        top[0] = (word)worker;
        worker->tid = start_worker(0x50f00, top);
    }
    worker->number = number;
    for (int i = 0; i < 6; i++) worker->arguments[i] = a[i];
    __asm__ volatile("" : : : "memory");
    worker->state = GIVEN;
    futex(worker, 1, 1);
    settle();
    return worker->state == DONE ? worker->result : BLOCKED;
}

static void interpret(void) {
    word length = 0, none[6] = {0};
    for (;;) {
        word a[6] = {0, (word)script + length, sizeof script - length};
        word count = call(63, a);
        if (count == 0 || count > sizeof script) break;
        length += count;
    }
    // Whatever was inherited.
    for (word fd = 3; fd < 64; fd++) {
        word a[6] = {fd};
        call(57, a);
    }
    first_break = call(BRK, none);
    for (word step = 0; step < length / 56; step++) {
        word *words = script + 7 * step, a[6];
        for (int i = 0; i < 6; i++) a[i] = decode(words[1 + i]);
        if (words[0] == POKE) {
            *(volatile word *)a[0] = a[1];
            continue;
        }
        word thread = words[0] >> 16, number = words[0] & 0xffff, result;
        if (number == PEEK) result = hash((void *)a[0], a[1]);
        else if (thread == 0) result = call(number, a);
        else result = hand_over(workers + (thread - 1) % THREADS, number, a);
        if (thread == 0) settle();
        results[step] = result;
        char *end = hex(line, shown(number, a, result));
        *end++ = ' ';
        end = hex(end, hash(arena, ARENA) & 255);
        *end++ = '\n';
        print(end);
    }
    char *end = hex(line, hash(arena, ARENA));
    *end++ = '\n';
    print(end);
    call(94, none);
}

#ifndef RECORDER
void _start(void) { interpret(); }
#endif
