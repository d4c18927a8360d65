/* The smallest program most people start from: buffered stdio, flushed at exit. */
#include <stdio.h>

int main(int argc, char **argv) {
    printf("hello from %s\n", argc > 1 ? argv[1] : "C");
    return 0;
}
