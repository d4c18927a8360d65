//! `bench-kernel`: what calls cost in the kernel, entered by stubs and by traps, and what whole programs cost. Counts of
//! the built-in machine: exact, the same in every run.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::step::Step;

const ZEROOS: &str = "target/release/zeroos";
const CALLS: &str = "zeroos-cli/tests/fixtures/cost/calls.S";
const FOLDER: &str = "target/bench";

/// Calls of [`CALLS`] and the goal for the median with stubs and with traps; whether they are measured with threads.
const GOALS: [(&str, bool, u64, u64); 12] = [
    ("getpid", false, 4, 50),
    ("gettid", false, 4, 50),
    ("getuid", false, 4, 50),
    ("gettid", true, 20, 50),
    ("clock_gettime", false, 40, 80),
    ("write", false, 90, 140),
    ("read", false, 110, 160),
    ("futex", true, 45, 85),
    ("mmap", false, 350, 430),
    ("munmap", false, 350, 430),
    ("sched_yield", true, 90, 130),
    ("exit_group", false, 20, 50),
];

/// Programs of `examples/`.
const PROGRAMS: [&str; 7] = [
    "hello-minimal-c/bin/gc-exec",
    "hello-c/bin/gc-exec",
    "hello-glibc/bin/gc-exec",
    "hello-rust/bin/gc-exec",
    "threads-c/bin/gc-exec",
    "float-c/bin/gc-exec",
    "rayon-rust/bin/gc-exec",
];

/// Measures, prints the tables and writes them to `target/bench/kernel.json`.
pub fn bench_kernel() -> Result<()> {
    fs::create_dir_all(crate::root().join(FOLDER))?;
    Step::new("cargo").args(["build", "--release", "--quiet", "--package", "zeroos-cli"]).run()?;
    fs::write(crate::root().join(FOLDER).join("data"), [7; 4096])?;
    let mut report = Map::new();
    let single = calls(false)?;
    let threads = calls(true)?;

    let mut text = String::new();
    writeln!(text, "{:<34}{:>8}{:>8}{:>8}{:>8}", "kernel instructions, median", "direct", "goal", "trap", "goal")?;
    let mut rows = Vec::new();
    for (name, with_threads, direct_goal, trap_goal) in GOALS {
        let [direct, trap] = if with_threads { &threads } else { &single };
        let (direct, trap) = (median(direct, name), median(trap, name));
        let label = if with_threads { format!("{name} (threads)") } else { name.to_owned() };
        writeln!(text, "{label:<34}{direct:>8}{direct_goal:>8}{trap:>8}{trap_goal:>8}")?;
        rows.push(json!({ "call": label, "direct": direct, "direct_goal": direct_goal, "trap": trap, "trap_goal": trap_goal }));
    }
    report.insert("calls".into(), Value::Array(rows));

    writeln!(
        text,
        "\n{:<34}{:>6}{:>12}{:>10}{:>10}{:>14}",
        "kernel instructions, all", "boot", "program", "direct", "trap", "kernel bytes"
    )?;
    let mut rows = Vec::new();
    for program in PROGRAMS {
        let path = format!("examples/{program}");
        let [direct, trap] = [run(&path, "direct")?, run(&path, "trap")?];
        let count = |stats: &Value, name: &str| stats["instructions"][name].as_u64().unwrap_or_default();
        let (boot, own) = (count(&direct, "boot"), count(&direct, "program"));
        let (direct_kernel, trap_kernel) = (count(&direct, "kernel"), count(&trap, "kernel"));
        let bytes = direct["kernel_bytes"].as_u64().unwrap_or_default();
        writeln!(text, "{program:<34}{boot:>6}{own:>12}{direct_kernel:>10}{trap_kernel:>10}{bytes:>14}")?;
        rows.push(json!({
            "program": program, "boot": boot, "program_instructions": own,
            "kernel_direct": direct_kernel, "kernel_trap": trap_kernel, "kernel_bytes": bytes,
        }));
    }
    report.insert("programs".into(), Value::Array(rows));
    let path = crate::root().join(FOLDER).join("kernel.json");
    fs::write(&path, serde_json::to_string_pretty(&report)? + "\n").with_context(|| path.display().to_string())?;
    println!("{text}\nWritten as JSON to {FOLDER}/kernel.json.");
    Ok(())
}

/// The counts of the calls' program by stubs and by traps.
fn calls(threads: bool) -> Result<[Value; 2]> {
    let program = format!("{FOLDER}/calls{}", if threads { "-threads" } else { "" });
    let mut compiler = Step::new("riscv64-linux-gnu-gcc").quiet();
    compiler =
        compiler.args(["-static", "-nostdlib", "-march=rv64gc", "-mabi=lp64d", "-Wl,--build-id=none,--no-relax"]);
    if threads {
        compiler = compiler.arg("-DTHREADS");
    }
    compiler.args(["-o", &program, CALLS]).run()?;
    Ok([run(&program, "direct")?, run(&program, "trap")?])
}

/// The counts of a run of `program`.
fn run(program: &str, entry: &str) -> Result<Value> {
    let stats = format!("{FOLDER}/stats.json");
    let data = format!("/data={FOLDER}/data");
    let options = ["run", "--entry", entry, "--file", &data, "--stats", &stats, "--", program];
    Step::new(crate::root().join(ZEROOS)).quiet().args(options).output()?;
    let text = fs::read_to_string(crate::root().join(&stats)).with_context(|| stats.clone())?;
    Ok(serde_json::from_str(&text)?)
}

fn median(stats: &Value, name: &str) -> u64 {
    let calls = stats["syscalls"].as_array().into_iter().flatten();
    let mut calls = calls.filter(|call| call["name"] == name);
    calls.next().and_then(|call| call["kernel_instructions"]["median"].as_u64()).unwrap_or_default()
}
