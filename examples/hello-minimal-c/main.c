/* Two system calls of its own and nothing else: the floor for image size and instruction count. */
#include <unistd.h>

int main(void) {
    static const char greeting[] = "hello\n";
    return write(STDOUT_FILENO, greeting, sizeof greeting - 1) == sizeof greeting - 1 ? 0 : 1;
}
