/* Single and double precision arithmetic, printed in decimal and in hexadecimal, where no bit can hide. */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Operands reach the arithmetic through volatile, so that it happens at run time and not in the compiler. */
static volatile double third = 1.0 / 3.0, huge = 1e308, tiny = 5e-324, zero = 0.0, two = 2.0;
static volatile float single_third = 1.0f / 3.0f, single_two = 2.0f;

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double pi_by_leibniz(int terms) {
    double sum = 0;
    for (int k = 0; k < terms; k++)
        sum += (k % 2 ? -1.0 : 1.0) / (2 * k + 1);
    return 4 * sum;
}

int main(void) {
    printf("double %.17g %a\n", third + two, third * two);
    printf("float %.9g %a\n", single_third + single_two, single_third / single_two);
    printf("sqrt %.17g %.9g\n", sqrt(two), sqrtf(single_two));
    printf("fma %a, unfused %a\n", fma(third, 3.0, -1.0), third * 3.0 - 1.0);
    printf("fmaf %a\n", fmaf(single_third, 3.0f, -1.0f));
    printf("overflow %g, underflow %g, 1/0 %g, -1/0 %g\n", huge * 10, tiny / two, 1 / zero, -1 / zero);
    printf("0/0 is nan: %d, canonical bits %016llx\n", isnan(zero / zero),
           (unsigned long long)bits_of(zero / zero) & 0x7fffffffffffffffULL);
    printf("convert %d %ld %u %.1f\n", (int)(third * 100), (long)(two * 1e15), (unsigned)(single_two * 1.75f),
           (double)(float)0.1);
    printf("compare %d %d %d\n", third < two, zero == -zero, fmax(third, two) == two);
    printf("trig %.15f %.15f %.15f\n", sin(third), exp(third), log(two));
    printf("pi %.12f\n", pi_by_leibniz(20000));

    feclearexcept(FE_ALL_EXCEPT);
    volatile double inexact = two / 3.0;
    printf("flags: inexact %d, divide by zero %d (%.3f)\n", fetestexcept(FE_INEXACT) != 0,
           fetestexcept(FE_DIVBYZERO) != 0, inexact);
    static const struct { int mode; const char *name; } modes[] = {
        {FE_TONEAREST, "nearest"}, {FE_TOWARDZERO, "zero"}, {FE_DOWNWARD, "down"}, {FE_UPWARD, "up"}};
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
        fesetround(modes[i].mode);
        volatile double quotient = -two / 3.0;
        double rounded = rint(-2.5);
        fesetround(FE_TONEAREST);
        printf("towards %s: -2/3 %a, rint(-2.5) %g\n", modes[i].name, quotient, rounded);
    }
    return 0;
}
