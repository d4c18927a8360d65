//! How fast the built-in machine executes a compute loop, beside QEMU on the same program: `cargo bench`.
//!
//! The instructions are counted once, by the machine; both are timed on the whole run, QEMU with its start-up.
#![allow(clippy::unwrap_used)] // nothing can be measured when a step fails

#[path = "../tests/machine_against_qemu/toolchain.rs"]
#[allow(dead_code)] // the tests use all of it
mod toolchain;

use std::process::Command;
use std::time::Instant;

use toolchain::Program;
use zeroos::machine::Ending;

const COMPILER: &str = "riscv64-linux-gnu-gcc";

/// Sieve, sort, hash and a call in the inner loop: branches, loads, stores, shifts, multiplications.
const INTEGER: &str = r#"
static unsigned char composite[65536];
static unsigned data[4096];
static __attribute__((noinline)) unsigned mix(unsigned hash, unsigned value) {
    hash ^= value; hash *= 16777619u; return hash ^ hash >> 15;
}
static unsigned work(unsigned rounds) {
    unsigned hash = 2166136261u;
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < sizeof composite; i++) composite[i] = 0;
        for (unsigned i = 2; i * i < sizeof composite; i++)
            if (!composite[i]) for (unsigned j = i * i; j < sizeof composite; j += i) composite[j] = 1;
        for (unsigned i = 0; i < 4096; i++) data[i] = hash = mix(hash, composite[i * 16 + 1] + i);
        for (unsigned gap = 2048; gap; gap /= 2)
            for (unsigned i = gap; i < 4096; i++) {
                unsigned value = data[i], j = i;
                for (; j >= gap && data[j - gap] > value; j -= gap) data[j] = data[j - gap];
                data[j] = value;
            }
        for (unsigned i = 0; i < 4096; i++) hash = mix(hash, data[i]);
    }
    return hash;
}
"#;

/// A Mandelbrot row and a damped recurrence: additions, multiplications, divisions, fused operations, comparisons.
const FLOAT: &str = r#"
static unsigned work(unsigned rounds) {
    unsigned inside = 0;
    double sum = 0.1;
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < 4096; i++) {
            double x = i / 2048.0 - 1.5, y = 0.3 + round * 0.01, u = 0, v = 0;
            unsigned n = 0;
            for (; n < 40 && u * u + v * v < 4.0; n++) { double t = u * u - v * v + x; v = 2 * u * v + y; u = t; }
            sum = sum * 0.99 + n / (1.0 + sum);
            inside += n;
        }
    return inside + (unsigned)sum;
}
"#;

/// Prints the result's low byte, so that nothing is optimised away, and exits.
const START: &str = r#"
static long call(long number, long a, long b, long c) {
    register long a7 asm("a7") = number, a0 asm("a0") = a, a1 asm("a1") = b, a2 asm("a2") = c;
    asm volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
    return a0;
}
static unsigned char byte;
void _start(void) { byte = work(ROUNDS); call(64, 1, (long)&byte, 1); call(93, 0, 0, 0); }
"#;

fn main() {
    println!("{:<10} {:>14} {:>16} {:>16}", "loop", "instructions", "machine", "qemu-riscv64");
    measure("integer", INTEGER, 100);
    measure("float", FLOAT, 400);
}

fn measure(name: &str, source: &str, rounds: u32) {
    let program = Program::build(name, &compile(source, rounds));
    let start = Instant::now();
    let expected = program.run_on_qemu();
    let qemu = start.elapsed();
    let start = Instant::now();
    let (ending, output, counts) = program.run_on_machine();
    let machine = start.elapsed();
    assert_eq!((ending, output), (Ending::Exited { status: 0 }, expected), "{name}");
    let speed = |time: std::time::Duration| counts.total as f64 / time.as_secs_f64() / 1e6;
    println!("{name:<10} {:>14} {:>12.0} M/s {:>12.0} M/s", counts.total, speed(machine), speed(qemu));
}

/// The program in assembly.
fn compile(source: &str, rounds: u32) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (c, assembly) = (directory.path().join("loop.c"), directory.path().join("loop.s"));
    std::fs::write(&c, format!("#define ROUNDS {rounds}\n{source}{START}")).expect("a writable temporary directory");
    let status = Command::new(COMPILER)
        .args(["-O2", "-S", "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-ffreestanding", "-fno-builtin"])
        .args(["-fno-pic", "-fno-asynchronous-unwind-tables", "-fno-tree-loop-distribute-patterns", "-o"])
        .arg(&assembly)
        .arg(&c)
        .status()
        .unwrap_or_else(|error| panic!("{COMPILER}: {error}; install the package gcc-riscv64-linux-gnu"));
    assert!(status.success(), "{COMPILER} failed");
    std::fs::read_to_string(assembly).expect("the compiler's output")
}
