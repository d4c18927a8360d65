// Makes the system calls of a script from standard input, one after the other, and prints for each its result and a hash of
// the memory that calls work on. A step is 7 words of 64 bits: the number, then six arguments. The top byte of an argument
// says what it is (`decode`); two numbers stand for no call: POKE stores the second argument at the first, PEEK gives a hash of
// as many bytes as the second says at the first.
typedef unsigned long word;

enum { STEPS = 1024, ARENA = 16384, POKE = 0xffff, PEEK = 0xfffe, MREMAP = 216, BRK = 214, MMAP = 222, LOG = 0x3800 };

// These have addresses that the linker is told, so that what lies in memory does not depend on the compiler.
static unsigned char arena[ARENA] __attribute__((section(".arena"), aligned(4096)));
static unsigned char scratch[4096] __attribute__((section(".scratch"), aligned(4096)));
static word script[STEPS * 7], results[STEPS], first_break;
static char line[80];

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
        word result = words[0] == PEEK ? hash((void *)a[0], a[1]) : call(words[0], a);
        results[step] = result;
        char *end = hex(line, shown(words[0], a, result));
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
