/* Pure computation, for measuring an engine: integer mixing, a sieve and a small matrix product, N rounds of each. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIEVE = 20000, SIDE = 24 };

static uint64_t mix(uint64_t state) {
    for (int i = 0; i < 20000; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state += state / 3 % 1000003;
    }
    return state;
}

static unsigned count_primes(void) {
    static unsigned char composite[SIEVE];
    unsigned count = 0;
    memset(composite, 0, sizeof composite);
    for (unsigned n = 2; n < SIEVE; n++) {
        if (composite[n]) continue;
        count++;
        for (unsigned multiple = 2 * n; multiple < SIEVE; multiple += n) composite[multiple] = 1;
    }
    return count;
}

static uint32_t matrix_trace(uint32_t seed) {
    static uint32_t a[SIDE][SIDE], b[SIDE][SIDE];
    uint32_t trace = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) a[i][j] = seed + i * j, b[i][j] = seed ^ (uint32_t)(i + j);
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            uint32_t sum = 0;
            for (int k = 0; k < SIDE; k++) sum += a[i][k] * b[k][j];
            if (i == j) trace += sum;
        }
    return trace;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    uint64_t state = 88172645463325252u;
    unsigned primes = 0;
    uint32_t trace = 0;

    for (int round = 0; round < rounds; round++) {
        state = mix(state);
        primes += count_primes();
        trace = matrix_trace((uint32_t)state + trace);
    }
    printf("%d rounds: state %016llx, primes %u, trace %08x\n", rounds, (unsigned long long)state, primes, trace);
    return 0;
}
