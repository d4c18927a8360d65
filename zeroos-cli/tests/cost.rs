//! What the kernel costs, by exact counts. The bounds are upper bounds: lower them when the kernel gets better.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

mod tool;

use std::process::Command;

use tool::{Workplace, example};

/// Most instructions into the kernel and out again by a trap for a call that does nothing.
const NOTHING_BY_TRAP: u64 = 52;
/// The same by a stub: the call is in the stub.
const NOTHING_DIRECT: u64 = 2;
/// Most instructions from the image's entry to the program's first one.
const BOOT: u64 = 28;
/// `getpid`, a call that does nothing: it returns a constant.
const GETPID: u64 = 172;

/// Instructions in the kernel and bytes of kernel of `examples/hello-c`.
const HELLO: (u64, u64) = (288, 5632);
/// The kernel of `fixtures/cost/locks.S`, what a C library's `printf` needs: bytes of code, constants, data and stubs.
const LOCKS: [(&str, u64); 4] = [("code", 3072), ("constant", 1016), ("data", 856), ("stub", 326)];
/// Instructions in the kernel for a thread of `examples/threads-c`, from `pthread_create` to the end of `pthread_join`.
const THREAD: u64 = 889;
/// `write` of nothing, to the console: what a write costs without what the platform does for each byte.
const EMPTY_WRITE: [u64; 2] = [58, 88];

/// Medians of the calls in `fixtures/cost/calls.S`, each with six live registers: number, name, most instructions direct
/// and by a trap. Console output and input include what the platform itself does.
const WITHOUT_THREADS: [(u64, &str, u64, u64); 9] = [
    (172, "getpid", 2, 50),
    (178, "gettid", 2, 50),
    (174, "getuid", 2, 50),
    (113, "clock_gettime", 32, 73),
    (64, "write", 97, 127),
    (63, "read", 110, 140),
    (222, "mmap", 57, 95),
    (215, "munmap", 89, 119),
    (94, "exit_group", 7, 36),
];

/// The same in a kernel with threads.
const WITH_THREADS: [(u64, &str, u64, u64); 6] = [
    (172, "getpid", 2, 52),
    (178, "gettid", 5, 52),
    (113, "clock_gettime", 34, 75),
    (98, "futex", 34, 63),
    (124, "sched_yield", 84, 129),
    (220, "clone", 138, 169),
];

/// Costs of call `number`: `(calls, min, max)`.
fn cost(stats: &serde_json::Value, number: u64) -> (u64, u64, u64) {
    let calls = stats["syscalls"].as_array().expect("syscalls is a list");
    let call = calls.iter().find(|call| call["number"] == number).expect("the call was made");
    let spread = &call["kernel_instructions"];
    let value = |value: &serde_json::Value| value.as_u64().expect("counts are numbers");
    (value(&call["calls"]), value(&spread["min"]), value(&spread["max"]))
}

/// Calls getpid three times, then exits; `reached` is code that is reachable and never executed.
fn getpid_program(reached: &str) -> String {
    format!(
        ".globl _start\n_start: li a7, 172\necall\nli a7, 172\necall\nli a7, 172\necall\nbgtz a0, 1f\n{reached}\n\
         1: li a0, 0\nli a7, 93\necall\n"
    )
}

#[track_caller]
fn nothing_is_cheap(reached: &str) {
    let workplace = Workplace::new();
    let app = workplace.guest("getpid.S", &getpid_program(reached), &[]);
    for (entry, most) in [("direct", NOTHING_DIRECT), ("trap", NOTHING_BY_TRAP)] {
        let (finished, stats) = workplace.stats(&["--entry", entry], &app, b"");
        finished.exits(0);
        let (calls, min, max) = cost(&stats, GETPID);
        println!("getpid by {entry}: {min} to {max} instructions");
        assert_eq!((calls, min), (3, max), "a call that does nothing always costs the same");
        assert!(max <= most, "{max} instructions for a call that does nothing, by {entry}");
    }
}

#[test]
fn a_call_that_does_nothing_without_threads() {
    nothing_is_cheap("");
}

#[test]
fn a_call_that_does_nothing_where_floating_point_is_used() {
    nothing_is_cheap("fcvt.d.w fa0, zero\n");
}

/// clone and futex are reachable: the kernel has its scheduler and whole frames.
#[test]
fn a_call_that_does_nothing_with_threads() {
    nothing_is_cheap("li a7, 220\necall\nli a7, 98\necall\nfcvt.d.w fa0, zero\n");
}

/// Most instructions of the programs themselves: a static-PIE finds its relocations applied.
const PIES: [(&str, u64); 3] =
    [("hello-c/bin/imac-pie", 2487), ("hello-rust/bin/gc-pie", 9731), ("hello-rust/bin/imac-pie", 9105)];

#[test]
fn a_static_pie_does_not_relocate_itself() {
    let workplace = Workplace::new();
    for (name, most) in PIES {
        let (finished, stats) = workplace.stats(&[], &example(name), b"");
        finished.exits(0);
        let found = stats["instructions"]["program"].as_u64().unwrap();
        println!("{name}: {found}");
        assert!(found <= most, "{name}: {found} instructions, at most {most} expected");
    }
}

/// Runs `fixtures/cost/calls.S` both ways and holds the medians against `bounds`.
#[track_caller]
fn calls_cost_at_most(bounds: &[(u64, &str, u64, u64)], flags: &[&str]) {
    let workplace = Workplace::new();
    let source = include_str!("fixtures/cost/calls.S");
    let app = workplace.guest("calls.S", source, &[&["-Wl,--no-relax"], flags].concat());
    workplace.write("data", [7; 4096]);
    let mut wrong = Vec::new();
    for (entry, is_direct) in [("direct", true), ("trap", false)] {
        let (finished, stats) = workplace.stats(&["--entry", entry, "--file", "/data=data"], &app, b"");
        let finished = finished.exits(0);
        assert_eq!(finished.text(), "sixteen letters\n".repeat(5));
        for &(number, name, direct, trap) in bounds {
            let most = if is_direct { direct } else { trap };
            let calls = stats["syscalls"].as_array().unwrap();
            let call = calls.iter().find(|call| call["number"] == number).unwrap();
            let median = call["kernel_instructions"]["median"].as_u64().unwrap();
            println!("{name} by {entry}: {median}");
            if median > most {
                wrong.push(format!("{name} by {entry}: {median} instructions, at most {most} expected"));
            }
        }
        let (_, empty_write, _) = cost(&stats, 64);
        println!("write of nothing by {entry}: {empty_write}");
        let most = EMPTY_WRITE[usize::from(!is_direct)];
        if flags.is_empty() && empty_write > most {
            wrong.push(format!("write of nothing by {entry}: {empty_write} instructions, at most {most} expected"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn calls_of_a_program_without_threads() {
    calls_cost_at_most(&WITHOUT_THREADS, &[]);
}

#[test]
fn calls_of_a_program_with_threads() {
    calls_cost_at_most(&WITH_THREADS, &["-DTHREADS"]);
}

#[test]
fn a_hello_costs_little() {
    let workplace = Workplace::new();
    let (finished, stats) = workplace.stats(&[], &example("hello-c/bin/gc-exec"), b"");
    finished.exits(0);
    let found = (stats["instructions"]["kernel"].as_u64().unwrap(), stats["kernel_bytes"].as_u64().unwrap());
    println!("hello: {} instructions, {} bytes", found.0, found.1);
    assert!(found.0 <= HELLO.0 && found.1 <= HELLO.1, "{found:?}, at most {HELLO:?} expected");
}

/// Where all calls are simple ones, the kernel keeps no maps, no heap and no clock.
#[test]
fn the_kernel_of_a_hello_is_small() {
    let workplace = Workplace::new();
    let source = include_str!("fixtures/cost/locks.S");
    let app = workplace.guest("locks.S", source, &["-Wl,--no-relax"]);
    let (finished, stats) = workplace.stats(&[], &app, b"");
    assert_eq!(finished.exits(0).text(), "hello world");
    for (part, most) in LOCKS {
        let bytes = stats["kernel_parts"][format!("{part}_bytes")].as_u64().unwrap();
        println!("{part}: {bytes}");
        assert!(bytes <= most, "{bytes} bytes of kernel ({part}), at most {most} expected");
    }
    let fixed = workplace.guest("locks.S", source, &["-Wl,--no-relax", "-DFIXED"]);
    let (finished, general) = workplace.stats(&[], &fixed, b"");
    finished.exits(0);
    let bytes = |stats: &serde_json::Value| stats["kernel_bytes"].as_u64().unwrap();
    assert!(bytes(&general) > bytes(&stats) + 2000, "a fixed mapping needs the general address space");
}

/// musl maps a stack and makes its upper part accessible, blocks signals around `clone`; the thread's end is `exit`, `futex`
/// and `munmap`.
#[test]
fn a_thread_that_comes_and_goes() {
    const THREADS: u64 = 4;
    let workplace = Workplace::new();
    let (finished, stats) = workplace.stats(&[], &example("threads-c/bin/gc-exec"), b"");
    finished.exits(0);
    let calls = stats["syscalls"].as_array().unwrap();
    let call = |name: &str| calls.iter().find(|call| call["name"] == name).unwrap();
    let of_threads = ["mmap", "mprotect", "clone", "rt_sigprocmask", "exit", "munmap"].map(|name| total(call(name)));
    // The wait that has another thread go on is the dearest futex call.
    let join = call("futex")["kernel_instructions"]["max"].as_u64().unwrap();
    let thread = of_threads.iter().sum::<u64>() / THREADS + join;
    println!("a thread: {thread}");
    assert!(thread <= THREAD, "{thread} instructions, at most {THREAD} expected");
}

/// What the kernel executes of a hundred thousand instructions of a workload, at most.
const SHARES: [(&str, &[&str], u64); 2] = [("sum-rust", &[], 58), ("sqlite-rust", &["--arg", "1000"], 1116)];

#[test]
fn workloads_spend_little_in_the_kernel() {
    let workplace = Workplace::new();
    for (name, arguments, most) in SHARES {
        let (finished, stats) = workplace.stats(arguments, &example(&format!("{name}/bin/gc-exec")), b"");
        finished.exits(0);
        let count = |what: &str| stats["instructions"][what].as_u64().unwrap();
        let share = 100_000 * count("kernel") / count("total");
        println!("{name}: {share} of 100,000");
        assert!(share <= most, "{name}: {share} of 100,000 instructions, at most {most} expected");
    }
}

/// What calls about memory cost among 10,000 mappings, at most: hardly more than among a hundred.
const AMONG_MANY: [(&str, u64); 11] = [
    ("mincore", 325),
    ("mprotect of a region", 1110),
    ("mprotect of its middle", 1744),
    ("mprotect back", 1157),
    ("munmap of its middle", 2056),
    ("mmap there", 1019),
    ("mmap behind all holes, munmap", 1708),
    ("mmap in the first hole, munmap", 4185),
    ("munmap of a stack", 478),
    ("mmap of a stack", 83),
    ("munmap of the last stack", 427),
];

#[test]
fn many_mappings_cost_little_more_than_few() {
    let workplace = Workplace::new();
    let source = include_str!("fixtures/cost/many_mappings.c");
    let mut told = String::new();
    for kind in ["-DREGIONS", "-DSTACKS"] {
        let app = workplace.guest("many_mappings.c", source, &["-Wl,--no-relax", "-DCOUNT=10000", kind]);
        told += workplace.zeroos(&["run", &app]).exits(0).text();
    }
    let found = told.lines().map(|line| line.rsplit_once(' ').unwrap());
    let found: Vec<(&str, u64)> = found.map(|(name, figure)| (name, figure.parse().unwrap())).collect();
    println!("{found:?}");
    assert!(found.iter().map(|(name, _)| *name).eq(AMONG_MANY.map(|(name, _)| name)));
    let wrong: Vec<_> = found.iter().zip(AMONG_MANY).filter(|((_, figure), (_, most))| figure > most).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn boot_is_short_for_every_example_and_the_books_balance() {
    let workplace = Workplace::new();
    let mut seen = 0;
    for name in ["hello-minimal-c", "hello-c", "compute-c", "exceptions-cpp", "hello-rust", "hello-glibc"] {
        let folder = example(&format!("{name}/bin"));
        for entry in std::fs::read_dir(folder).unwrap() {
            let app = entry.unwrap().path().display().to_string();
            let (finished, stats) = workplace.stats(&["--arg", "1"], &app, b"");
            let count = |name: &str| stats["instructions"][name].as_u64().expect("counts are numbers");
            println!("{app}: boot {}, program {}, kernel {}", count("boot"), count("program"), count("kernel"));
            assert!(
                count("boot") <= BOOT && count("boot") > 0,
                "{app}: boot takes {}\n{}",
                count("boot"),
                finished.stderr
            );
            assert_eq!(count("total"), count("program") + count("kernel"), "{app}");
            let calls: u64 = stats["syscalls"].as_array().unwrap().iter().map(total).sum();
            assert_eq!(count("kernel"), count("boot") + calls, "{app}: every kernel instruction is boot or a call's");
            seen += 1;
        }
    }
    assert!(seen >= 20, "only {seen} programs");
}

fn total(call: &serde_json::Value) -> u64 {
    call["kernel_instructions"]["total"].as_u64().expect("counts are numbers")
}

/// QEMU's user mode, told to run one instruction at a time and log each, is an independent count. The C library's start
/// walks argv[0] and the environment, so both are the image's: `/bin/NAME`, and none.
#[test]
fn the_program_executes_as_many_instructions_as_under_qemu() {
    let workplace = Workplace::new();
    for binary in ["gc-exec", "gc-pie", "imac-exec", "imac-pie"] {
        let app = example(&format!("hello-minimal-c/bin/{binary}"));
        let log = workplace.path("log");
        let mut qemu = Command::new("qemu-riscv64");
        let path = std::env::var_os("PATH").unwrap_or_default();
        qemu.env_clear().env("PATH", path).args(["-U", "PATH", "-0", &format!("/bin/{binary}")]);
        qemu.args(["-singlestep", "-d", "exec,nochain", "-R", "0x40000000", "-D"]).arg(&log).arg(&app);
        tool::finish(&mut qemu, b"").exits(0);
        let expected = std::fs::read_to_string(&log).unwrap().lines().filter(|line| line.starts_with("Trace")).count();
        let (_, stats) = workplace.stats(&[], &app, b"");
        let found = stats["instructions"]["program"].as_u64().unwrap();
        if binary.ends_with("pie") {
            // Its relocations are applied already.
            assert!(found < expected as u64, "{binary}: {found} of {expected}");
        } else {
            assert_eq!(found, expected as u64, "{binary}");
        }
        assert!(expected > 5, "{binary}: the log was read");
    }
}
