//! Measures how fast images run: the built-in machine beside `qemu-riscv64`, on a compute loop.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::demo::zeroos;
use crate::step::{Step, cargo};

const PROGRAM: &str = "examples/compute-c/bin/gc-exec";
const IMAGE: &str = "target/bench/compute-c.zeroos.elf";
const STATS: &str = "target/bench/stats.json";
/// Rounds of the program: about 150 million instructions.
const ROUNDS: &str = "200";
/// Each engine runs this often and its best time counts: the others measure what else the machine did.
const REPETITIONS: usize = 3;

/// Builds in release, checks that both engines print the same, and prints a table of their speeds.
pub fn bench() -> Result<()> {
    fs::create_dir_all(crate::root().join("target/bench"))?;
    cargo().args(["build", "--release", "--package", "zeroos-cli"]).run()?;
    zeroos().args(["build", PROGRAM, "-o", IMAGE, "--arg", ROUNDS]).run()?;

    let (builtin, builtin_output) = best(|| zeroos().args(["run", "--stats", STATS, IMAGE]))?;
    let (qemu, qemu_output) = best(|| Step::new("qemu-riscv64").args([PROGRAM, ROUNDS]))?;
    if builtin_output != qemu_output {
        bail!("the engines disagree:\nbuilt-in:     {builtin_output}qemu-riscv64: {qemu_output}");
    }

    let stats = fs::read_to_string(crate::root().join(STATS)).context(STATS)?;
    let stats: Value = serde_json::from_str(&stats).context(STATS)?;
    let count = |name: &str| {
        let value = stats.pointer(name).and_then(Value::as_u64);
        value.with_context(|| format!("no {name} in {STATS}"))
    };
    let (total, program) = (count("/instructions/total")?, count("/instructions/program")?);
    println!("{:<18}{:>14}{:>10}{:>20}", "engine", "instructions", "seconds", "million a second");
    for (engine, instructions, time) in [("built-in machine", total, builtin), ("qemu-riscv64", program, qemu)] {
        let seconds = time.as_secs_f64();
        let speed = instructions as f64 / seconds / 1e6;
        println!("{engine:<18}{instructions:>14}{seconds:>10.3}{speed:>20.1}");
    }
    Ok(())
}

/// The best time of a few runs, start-up included, and the output, which must not change.
fn best(step: impl Fn() -> Step) -> Result<(Duration, String)> {
    let mut best: Option<(Duration, String)> = None;
    for _ in 0..REPETITIONS {
        let started = Instant::now();
        let output = step().output()?;
        let time = started.elapsed();
        best = match best {
            Some((_, earlier)) if earlier != output => bail!("two runs differ:\n{earlier}{output}"),
            Some((fastest, earlier)) if fastest <= time => Some((fastest, earlier)),
            _ => Some((time, output)),
        };
    }
    best.context("at least one run")
}
