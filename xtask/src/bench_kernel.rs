//! `bench-kernel`: what calls cost in the kernel, entered by stubs and by traps, and what whole programs cost. Counts of
//! the built-in machine: exact, the same in every run. `zeroos-cli/tests/cost.rs` holds them as upper bounds.

use std::fmt::Write;
use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::step::Step;

const ZEROOS: &str = "target/release/zeroos";
const CALLS: &str = "zeroos-cli/tests/fixtures/cost/calls.S";
/// A program that maps and unmaps as malloc does.
const MAPPINGS: &str = "zeroos-cli/tests/fixtures/cost/mappings.c";
/// A program that tells what calls about memory cost among many mappings, and among how many.
const MANY_MAPPINGS: &str = "zeroos-cli/tests/fixtures/cost/many_mappings.c";
const COUNTS: [u64; 4] = [10, 100, 1_000, 10_000];
const FOLDER: &str = "target/bench";

/// Calls of [`CALLS`] and the goal for the median with stubs and with traps; whether they are measured with threads.
const GOALS: [(&str, bool, u64, u64); 13] = [
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
    ("clone", true, 900, 900),
    ("exit_group", false, 20, 50),
];

/// Programs of `examples/`.
const PROGRAMS: [&str; 10] = [
    "hello-minimal-c/bin/gc-exec",
    "hello-c/bin/gc-exec",
    "hello-glibc/bin/gc-exec",
    "hello-rust/bin/gc-exec",
    "threads-c/bin/gc-exec",
    "float-c/bin/gc-exec",
    "rayon-rust/bin/gc-exec",
    "sum-rust/bin/gc-exec",
    "recover-rust/bin/gc-exec",
    "sqlite-rust/bin/gc-exec",
];
/// Those of [`PROGRAMS`] that are workloads: most of a hundred thousand instructions of theirs that the kernel may execute.
const WORKLOADS: [&str; 3] = ["sum-rust/bin/gc-exec", "recover-rust/bin/gc-exec", "sqlite-rust/bin/gc-exec"];
const SHARE: u64 = 500;
/// What is one of [`PROGRAMS`] and has goals of its own.
const HELLO: &str = "hello-c/bin/gc-exec";
const THREADS: &str = "threads-c/bin/gc-exec";

/// Measures, prints the tables and writes them to `target/bench/kernel.json`.
pub fn bench_kernel() -> Result<()> {
    fs::create_dir_all(crate::root().join(FOLDER))?;
    Step::new("cargo").args(["build", "--release", "--quiet", "--package", "zeroos-cli"]).run()?;
    fs::write(crate::root().join(FOLDER).join("data"), [7; 4096])?;
    let mut report = Map::new();
    let mut text = String::new();
    report.insert("calls".into(), calls_table(&mut text)?);
    let (programs, goals) = programs_tables(&mut text)?;
    report.insert("programs".into(), programs);
    report.insert("goals".into(), goals);
    report.insert("allocators".into(), allocators_table(&mut text)?);
    report.insert("many_mappings".into(), many_mappings_table(&mut text)?);
    let path = crate::root().join(FOLDER).join("kernel.json");
    fs::write(&path, serde_json::to_string_pretty(&report)? + "\n").with_context(|| path.display().to_string())?;
    println!("{text}\nWritten as JSON to {FOLDER}/kernel.json.");
    Ok(())
}

/// Single calls.
fn calls_table(text: &mut String) -> Result<Value> {
    let (single, threads) = (calls(false)?, calls(true)?);
    writeln!(text, "{:<34}{:>8}{:>8}{:>8}{:>8}", "kernel instructions, median", "direct", "goal", "trap", "goal")?;
    let mut rows = Vec::new();
    let mut row = |label: String, [direct, trap]: [u64; 2], direct_goal: u64, trap_goal: u64| {
        rows.push(json!({
            "call": label, "direct": direct, "direct_goal": direct_goal, "trap": trap, "trap_goal": trap_goal,
        }));
        writeln!(text, "{label:<34}{direct:>8}{direct_goal:>8}{trap:>8}{trap_goal:>8}")
    };
    for (name, with_threads, direct_goal, trap_goal) in GOALS {
        let measured = if with_threads { &threads } else { &single };
        let label = if with_threads { format!("{name} (threads)") } else { name.to_owned() };
        row(label, measured.each_ref().map(|stats| figure(stats, name, "median")), direct_goal, trap_goal)?;
        if name == "write" {
            // The cheapest one writes nothing.
            let alone = single.each_ref().map(|stats| figure(stats, name, "min"));
            row("write, the platform left out".into(), alone, direct_goal, trap_goal)?;
        }
    }
    Ok(Value::Array(rows))
}

/// What [`MAPPINGS`] costs by each rule of placing.
fn allocators_table(text: &mut String) -> Result<Value> {
    let program = compile(MAPPINGS, &[])?;
    let stats = format!("{FOLDER}/allocator.json");
    writeln!(text, "\n{:<34}{:>12}{:>12}{:>12}", "mapping and unmapping 4,000 times", "kernel", "mmap", "munmap")?;
    let mut rows = Vec::new();
    for allocator in ["first-fit", "buddy", "bump"] {
        Step::new(ZEROOS).args(["run", "--allocator", allocator, "--stats", &stats, &program]).quiet().run()?;
        let stats: Value = serde_json::from_str(&fs::read_to_string(crate::root().join(&stats))?)?;
        let kernel = stats["instructions"]["kernel"].as_u64().unwrap_or_default();
        let (mmap, munmap) = (figure(&stats, "mmap", "total"), figure(&stats, "munmap", "total"));
        writeln!(text, "{allocator:<34}{kernel:>12}{mmap:>12}{munmap:>12}")?;
        rows.push(json!({ "allocator": allocator, "kernel": kernel, "mmap": mmap, "munmap": munmap }));
    }
    Ok(Value::Array(rows))
}

/// Compiles a program that needs no library.
fn compile(source: &str, flags: &[&str]) -> Result<String> {
    let program = format!("{FOLDER}/mappings.elf");
    let compiler =
        Step::new("riscv64-linux-gnu-gcc").args(["-static", "-nostdlib", "-march=rv64gc", "-mabi=lp64d", "-O1"]);
    let compiler = compiler.args(["-fno-stack-protector", "-fno-builtin", "-Wl,--no-relax"]).args(flags);
    compiler.args(["-o", &program, source]).run()?;
    Ok(program)
}

/// What [`MANY_MAPPINGS`] tells.
fn many_mappings_table(text: &mut String) -> Result<Value> {
    write!(text, "\n{:<34}", "among so many mappings")?;
    COUNTS.iter().try_for_each(|count| write!(text, "{count:>12}"))?;
    writeln!(text)?;
    let mut rows = Vec::new();
    for kind in ["REGIONS", "STACKS"] {
        let mut table: Vec<(String, Vec<u64>)> = Vec::new();
        for count in COUNTS {
            let program = compile(MANY_MAPPINGS, &[&format!("-D{kind}"), &format!("-DCOUNT={count}")])?;
            let told = Step::new(crate::root().join(ZEROOS)).quiet().args(["run", &program]).output()?;
            for (index, line) in told.lines().enumerate() {
                let (name, figure) = line.rsplit_once(' ').context("a name and a figure")?;
                if table.len() <= index {
                    table.push((name.to_owned(), Vec::new()));
                }
                table[index].1.push(figure.parse()?);
            }
        }
        for (name, figures) in table {
            write!(text, "{name:<34}")?;
            figures.iter().try_for_each(|figure| write!(text, "{figure:>12}"))?;
            writeln!(text)?;
            rows.push(json!({ "call": name, "mappings": COUNTS, "instructions": figures }));
        }
    }
    Ok(Value::Array(rows))
}

/// Whole programs, and what they are held against.
fn programs_tables(text: &mut String) -> Result<(Value, Value)> {
    writeln!(
        text,
        "\n{:<30}{:>6}{:>12}{:>9}{:>9}{:>9}{:>8}{:>11}  code constants data stubs",
        "whole programs", "boot", "program", "direct", "trap", "share", "bytes", "sites"
    )?;
    let (mut rows, mut goals, mut highest_boot) = (Vec::new(), Vec::new(), 0);
    for program in PROGRAMS {
        let path = format!("examples/{program}");
        let [direct, trap] = [run(&path, "direct")?, run(&path, "trap")?];
        let count = |stats: &Value, name: &str| stats["instructions"][name].as_u64().unwrap_or_default();
        let (boot, own) = (count(&direct, "boot"), count(&direct, "program"));
        let (direct_kernel, trap_kernel) = (count(&direct, "kernel"), count(&trap, "kernel"));
        let share = 100.0 * direct_kernel as f64 / (direct_kernel + own) as f64;
        let bytes = direct["kernel_bytes"].as_u64().unwrap_or_default();
        let sites = sites(&path)?;
        let part = |name: &str| direct["kernel_parts"][format!("{name}_bytes")].as_u64().unwrap_or_default();
        let parts = ["code", "constant", "data", "stub"].map(part);
        writeln!(
            text,
            "{program:<30}{boot:>6}{own:>12}{direct_kernel:>9}{trap_kernel:>9}{share:>8.2}%{bytes:>8}{:>11}  {}",
            format!("{}/{}", sites[0], sites[1]),
            parts.map(|bytes| bytes.to_string()).join(" ")
        )?;
        rows.push(json!({
            "program": program, "boot": boot, "program_instructions": own, "kernel_direct": direct_kernel,
            "kernel_trap": trap_kernel, "kernel_share_percent": share, "kernel_bytes": bytes,
            "kernel_parts": direct["kernel_parts"], "sites_direct": sites[0], "sites": sites[1],
        }));
        highest_boot = highest_boot.max(boot);
        if program == HELLO {
            goals.push(("hello-c: kernel instructions".to_owned(), direct_kernel, 500));
            goals.push(("hello-c: bytes of kernel".to_owned(), bytes, 6 << 10));
        }
        if WORKLOADS.contains(&program) {
            goals.push((format!("{program}: kernel, of 100,000"), (share * 1000.0).round() as u64, SHARE));
        }
        if program == THREADS {
            goals.push(("a thread, pthread_create to pthread_join".to_owned(), thread(&direct), 900));
        }
    }
    goals.push(("entry to the program's first instruction".to_owned(), highest_boot, 40));
    goals.extend(build_times()?.map(|(name, found, goal)| (name.to_owned(), found, goal)));
    writeln!(text, "\n{:<50}{:>9}{:>9}", "goals", "found", "goal")?;
    for (name, found, goal) in &goals {
        writeln!(text, "{name:<50}{found:>9}{goal:>9}")?;
    }
    let goals = goals.iter().map(|(name, found, goal)| json!({ "name": name, "found": found, "goal": goal }));
    Ok((Value::Array(rows), goals.collect()))
}

/// Kernel instructions for one of the four threads: all calls that only they cause, and the wait for its end, which is the
/// dearest futex call.
fn thread(stats: &Value) -> u64 {
    let calls = ["mmap", "mprotect", "clone", "rt_sigprocmask", "exit", "munmap"];
    calls.map(|name| figure(stats, name, "total")).iter().sum::<u64>() / 4 + figure(stats, "futex", "max")
}

/// How long a build takes, in milliseconds, with nothing in the cache and again.
fn build_times() -> Result<[(&'static str, u64, u64); 2]> {
    let cache = crate::root().join(FOLDER).join("cache");
    // It is not there the first time.
    let _ = fs::remove_dir_all(&cache);
    let mut times = [0; 2];
    for time in &mut times {
        let started = Instant::now();
        let image = format!("{FOLDER}/image");
        let step = Step::new(crate::root().join(ZEROOS)).quiet().env("ZEROOS_CACHE_DIR", &cache);
        step.args(["build", "examples/rayon-rust/bin/gc-exec", "-o", &image]).output()?;
        *time = started.elapsed().as_millis() as u64;
    }
    Ok([("build, nothing cached: milliseconds", times[0], 6000), ("build again: milliseconds", times[1], 200)])
}

/// How many sites of `program` have stubs, and how many there are.
fn sites(program: &str) -> Result<[u64; 2]> {
    let (image, report) = (format!("{FOLDER}/image"), format!("{FOLDER}/report.json"));
    let options = ["build", program, "-o", &image, "--report", &report];
    Step::new(crate::root().join(ZEROOS)).quiet().args(options).output()?;
    let report: Value = serde_json::from_str(&fs::read_to_string(crate::root().join(&report))?)?;
    let count = |name: &str| report[name].as_u64().unwrap_or_default();
    Ok([count("direct"), count("direct") + count("trap")])
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

/// A figure of the call `name`.
fn figure(stats: &Value, name: &str, which: &str) -> u64 {
    let calls = stats["syscalls"].as_array().into_iter().flatten();
    let mut calls = calls.filter(|call| call["name"] == name);
    calls.next().and_then(|call| call["kernel_instructions"][which].as_u64()).unwrap_or_default()
}
