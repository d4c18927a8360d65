//! Sources of guest programs without a libc.

/// What a C guest needs to make calls by itself: `call(number, …)`, `print`, and `main(argc, argv, envp)`.
pub const RUNTIME: &str = r#"
static inline long call(long number, long a, long b, long c, long d) {
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
    return a0;
}
static void print(const char *text) {
    long length = 0;
    while (text[length]) length++;
    call(64, 1, (long)text, length, 0);
}
__attribute__((used)) static int main(long argc, char **argv, char **envp);
__attribute__((used)) static void start(long *stack) {
    long argc = stack[0];
    call(93, main(argc, (char **)(stack + 1), (char **)(stack + 2 + argc)), 0, 0, 0);
}
__asm__(".globl _start\n_start: .option push\n.option norelax\nlla gp, __global_pointer$\n.option pop\n"
        "mv a0, sp\ncall start\n");
"#;

/// Shows all that a program is given: arguments, environment, the file `/data/file`, standard input.
pub fn shows_its_inputs() -> String {
    format!(
        r#"{RUNTIME}
static int main(long argc, char **argv, char **envp) {{
    static char buffer[4096];
    for (long i = 0; i < argc; i++) {{ print("arg "); print(argv[i]); print("\n"); }}
    for (long i = 0; envp[i]; i++) {{ print("env "); print(envp[i]); print("\n"); }}
    long fd = call(56, -100, (long)"/data/file", 0, 0);
    if (fd >= 0) {{
        long count = call(63, fd, (long)buffer, sizeof buffer, 0);
        print("file "); call(64, 1, (long)buffer, count, 0);
    }} else print("no file\n");
    long count;
    while ((count = call(63, 0, (long)buffer, sizeof buffer, 0)) > 0) {{
        print("input "); call(64, 1, (long)buffer, count, 0);
    }}
    call(64, 2, (long)"to stderr\n", 10, 0);
    return argc;
}}
"#
    )
}

/// Answers its private input: how often each opening gives it, and its bytes as public output, between words on the console.
pub fn answers_its_input() -> String {
    format!(
        r#"{RUNTIME}
static int main(long argc, char **argv, char **envp) {{
    static char buffer[4096];
    long output = call(56, -100, (long)"/dev/zkvm/output", 1, 0);
    for (int round = 0; round < 2; round++) {{
        long input = call(56, -100, (long)"/dev/zkvm/input", 0, 0), count;
        while ((count = call(63, input, (long)buffer, sizeof buffer, 0)) > 0) call(64, output, (long)buffer, count, 0);
        call(57, input, 0, 0, 0);
        print("round\n");
    }}
    if (call(63, output, (long)buffer, 1, 0) != -9) return 1;
    if (call(63, 0, (long)buffer, sizeof buffer, 0) != 0) return 2;
    return 0;
}}
"#
    )
}
