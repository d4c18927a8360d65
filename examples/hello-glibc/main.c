/* The same greeting, linked against static glibc instead of musl. */
#include <stdio.h>

int main(int argc, char **argv) {
    printf("hello from %s\n", argc > 1 ? argv[1] : "C");
    return 0;
}
