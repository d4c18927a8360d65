//! What the kernel costs, by exact counts. The bounds are upper bounds: lower them when the kernel gets better.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

mod tool;

use std::process::Command;

use tool::{Workplace, example};

/// Most instructions into the kernel and out again for a call that does nothing.
const NOTHING: u64 = 54;
/// Most instructions from the image's entry to the program's first one.
const BOOT: u64 = 28;
/// `getpid`, a call that does nothing: it returns a constant.
const GETPID: u64 = 172;

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
    let (finished, stats) = workplace.stats(&[], &app, b"");
    finished.exits(0);
    let (calls, min, max) = cost(&stats, GETPID);
    println!("getpid: {min} to {max} instructions");
    assert_eq!((calls, min), (3, max), "a call that does nothing always costs the same");
    assert!(max <= NOTHING, "{max} instructions for a call that does nothing");
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
        assert_eq!(stats["instructions"]["program"].as_u64(), Some(expected as u64), "{binary}");
        assert!(expected > 5, "{binary}: the log was read");
    }
}
