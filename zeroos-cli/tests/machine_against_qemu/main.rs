//! The built-in machine against QEMU's user-mode emulator: generated programs run on both, and what they print (all
//! registers, results and flags) must be the same bytes; what they execute must be the same number of instructions.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod operands;
mod sweep;
mod toolchain;
mod walk;

use std::collections::BTreeSet;

use toolchain::Program;
use zeroos::isa::{Op, decode};
use zeroos::machine::Ending;

/// Operations that user-mode programs cannot execute; `machine_bare.rs` tests them.
const MACHINE_MODE: [Op; 3] = [Op::Mret, Op::Wfi, Op::Ebreak];

#[test]
fn a_random_walk_over_every_operation_leaves_the_same_registers() {
    let program = Program::build("walk", &walk::source(0x5eed_0001, 60_000));
    let mut seen = BTreeSet::new();
    let mut rest = program.text();
    while let Some(instruction) = decode(rest) {
        seen.insert(instruction.op);
        rest = &rest[usize::from(instruction.length)..];
    }
    let missing: Vec<Op> = Op::all().filter(|op| !seen.contains(op) && !MACHINE_MODE.contains(op)).collect();
    assert!(missing.is_empty(), "never generated: {missing:?}");

    let expected = program.run_on_qemu();
    let (ending, output, _) = program.run_on_machine();
    assert_eq!(ending, Ending::Exited { status: 0 });
    walk::compare(&output, &expected);
}

#[test]
fn both_count_the_same_instructions() {
    let program = Program::build("count", &walk::source(0x5eed_0002, 3_000));
    let (ending, _, counts) = program.run_on_machine();
    assert_eq!(ending, Ending::Exited { status: 0 });
    assert_eq!(counts.program, program.count_on_qemu());
    assert_eq!(counts.total, counts.program + counts.kernel);
}

#[test]
fn floating_point_results_and_flags_are_the_same_in_every_rounding_mode() {
    let sweep = sweep::Sweep::new(0x5eed_0003);
    let program = Program::build("sweep", &sweep.source());
    let expected = program.run_on_qemu();
    let (ending, output, _) = program.run_on_machine();
    assert_eq!(ending, Ending::Exited { status: 0 });
    sweep.compare(&output, &expected);
}
