//! What an unwinder looks for in registers that callees keep is still there behind a call in far text, where the jump to the
//! stub takes a register: no code reads it, but exceptions, panics and ended threads go back through functions that are not done.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use std::process::Command;

use tool::{Workplace, finish};

/// A call for which all registers are taken but those that callees keep, and `free`, in `function`, which does `before` and
/// `behind` around it and is far from all but `others`. The program exits with what `_start` leaves in a0: 42 if all went well.
/// How the call gets to its stub, or why it traps.
fn far_call(free: &str, start: &str, before: &str, behind: &str, others: &str) -> Result<String, String> {
    let registers = (0..=6).map(|number| format!("t{number}")).chain((1..=6).map(|number| format!("a{number}")));
    let taken: Vec<String> = registers.filter(|register| register != free).collect();
    let set: String = taken.iter().map(|register| format!("li {register}, 1\n")).collect();
    let sum: String = taken.iter().map(|register| format!("add a0, a0, {register}\n")).collect();
    let rest = 14 - taken.len();
    let source = format!(
        ".option norelax\n.globl _start\n.text\n.skip 0x280000, 0xff\n\
         function: {before}\n {set} .option norvc\n li a7, 174\n site: ecall\n .option rvc\n {sum} addi a0, a0, {rest}\n add a0, a0, a7\n addi a0, a0, -174\n {behind}\n\
         {others}\n.skip 0x280000, 0xff\n\
         _start: {start}\n li a7, 93\n ecall\n.data\n.balign 8\nback: .dword 0\nstack: .dword 0\n"
    );
    let workplace = Workplace::new();
    let app = workplace.guest("unwound.S", &source, &[]);
    let reference = finish(Command::new("qemu-riscv64").args(["-R", "0x40000000"]).arg(&app), b"");
    assert_eq!(reference.status, 42, "the program itself is wrong");
    workplace.zeroos(&["build", &app, "--platform", "spike", "-o", "image", "--report", "report"]).exits(0);
    workplace.zeroos(&["run", "--max-instructions", "100000", "image"]).exits(42);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(workplace.path("report")).unwrap()).unwrap();
    let mut sites = report["sites"].as_array().unwrap().iter();
    let site = sites.find(|site| site["reason"].is_string() || site["jump"] != "near").unwrap();
    match site["reason"].as_str() {
        Some(reason) => Err(reason.to_owned()),
        None => Ok(site["jump"].as_str().unwrap().to_owned()),
    }
}

/// What is behind a call of `function`: all that callees keep but s1 is as it was.
fn keeps_all() -> String {
    let others = || [0].into_iter().chain(2..=11).map(|number| format!("s{number}"));
    let set: String = others().map(|register| format!("li {register}, 7\n")).collect();
    let check: String = others().map(|register| format!("li t0, 7\n bne {register}, t0, 1f\n")).collect();
    format!("{set} li s1, 28\n call function\n {check} j 2f\n 1: li a0, 1\n 2:")
}

/// Saved first thing, s1 is in the frame, and so the one that serves.
#[test]
fn a_register_that_was_saved_first_serves() {
    let way = far_call(
        "",
        &keeps_all(),
        "addi sp, sp, -16\n sd ra, 8(sp)\n sd s1, 0(sp)",
        "ld s1, 0(sp)\n add a0, a0, s1\n ld ra, 8(sp)\n addi sp, sp, 16\n ret",
        "",
    );
    assert_eq!(way, Ok("with the number before it".to_owned()));
}

/// Saved on another path, behind another value, or elsewhere than in the frame, it does not.
#[test]
fn a_register_that_was_not_saved_first_does_not_serve() {
    for save in ["sd s1, 0(sp)\n j 3f\n 3: sd s1, 0(sp)", "mv s0, s1\n sd s1, 0(sp)\n mv s1, s0"] {
        assert!(serves(save), "{save}");
    }
    for save in [
        "beqz sp, 3f\n 3: sd s1, 0(sp)",
        "lla t0, stack\n sd s1, 0(t0)",
        "addi s1, s1, 1\n sd s1, 0(sp)\n addi s1, s1, -1",
    ] {
        assert!(!serves(save), "{save}");
    }
}

/// Whether a register serves in a function that never returns and begins with `save`.
fn serves(save: &str) -> bool {
    let way = far_call(
        "",
        "lla t0, back\n lla t1, 1f\n sd t1, 0(t0)\n sd sp, 8(t0)\n call function\n 1: li a0, 42",
        &format!("addi sp, sp, -16\n {save}"),
        "call leave\n ebreak",
        LEAVE,
    );
    way.is_ok()
}

/// What takes control back to where `back` says.
const LEAVE: &str = "leave: lla t0, back\n ld sp, 8(t0)\n ld t0, 0(t0)\n jr t0";

/// An argument that the call does not take is as good as a temporary.
#[test]
fn a_register_of_no_argument_serves() {
    for free in ["a5", "a1", "t3"] {
        let way = far_call(free, "call function\n addi a0, a0, 28", "", &format!("li {free}, 0\n ret"), "");
        assert_eq!(way, Ok("with the number before it".to_owned()), "{free}");
    }
}

/// s0 is what the frame is found by, and the function itself finds it by sp: who is called and looks at s0 finds it.
#[test]
fn the_frame_pointer_stays() {
    let way = far_call(
        "",
        "li s0, 3\n call function",
        "addi sp, sp, -16\n sd ra, 8(sp)\n sd s0, 0(sp)\n addi s0, sp, 16",
        "sd a0, -8(sp)\n call looker\n addi a1, sp, 16\n sub a0, a0, a1\n addi a0, a0, 42\n ld ra, 8(sp)\n ld s0, 0(sp)\n\
         addi sp, sp, 16\n ret",
        "looker: addi sp, sp, -32\n sd s0, 0(sp)\n ld a0, 0(sp)\n addi sp, sp, 32\n ret",
    );
    assert!(way.unwrap_err().contains("no register is free"));
}

/// A function that never returns saves nothing; where it is left for a caller's caller, that one's registers are needed.
#[test]
fn who_never_returns_changes_nothing_of_its_callers() {
    let way = far_call(
        "",
        "li s0, 14\n li s1, 28\n lla t0, back\n lla t1, 1f\n sd t1, 0(t0)\n sd sp, 8(t0)\n call function\n 1: add a0, s0, s1",
        "",
        "call leave\n ebreak",
        LEAVE,
    );
    assert!(way.unwrap_err().contains("no register is free"));
}
