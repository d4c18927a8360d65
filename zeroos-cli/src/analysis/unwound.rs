//! Which registers an unwinder may look for although no code reads them: exceptions, panics and ended threads go back through
//! functions that are not done, by what tables say of each (psABI, "Register Convention"; DWARF 5, "Call Frame Information").

use super::exit::{BlockId, FunctionId};
use super::program::Program;
use super::state::Convention;
use super::value::Value;
use crate::isa::{Op, Register, RegisterSet};

/// The registers that callees keep and in which an unwinder may look, while one of the functions with `blocks` is behind the
/// instruction at `address`, for what is its callers'. What a function stores in its frame before anything else is found
/// there; but s0 may be what the frame itself is found by. The program's entry has no callers. Go goes by the stack pointer alone.
pub(super) fn wanted(program: &Program<'_>, blocks: &[BlockId], address: u64) -> RegisterSet {
    if program.convention == Convention::Go {
        return RegisterSet::EMPTY;
    }
    let found_elsewhere = |&block: &BlockId| {
        let function = program.blocks[block].function;
        let is_called = program[function].entry != program.code.elf.entry.0;
        if is_called { saved_first(program, function, address).without(Register::S0) } else { kept_by_callees() }
    };
    let found_elsewhere = blocks.iter().map(found_elsewhere).reduce(RegisterSet::intersection);
    kept_by_callees().minus(found_elsewhere.unwrap_or_default())
}

/// The registers that `function` stores in its frame in its first block, which all its paths go through, before it changes
/// them and before it gets to `address`.
fn saved_first(program: &Program<'_>, function: FunctionId, address: u64) -> RegisterSet {
    let Some(first) = program.first_block(function) else { return RegisterSet::EMPTY };
    let (mut saved, mut written, mut is_before) = (RegisterSet::EMPTY, RegisterSet::EMPTY, true);
    program.blocks.visit(first, &program.code, |at, instruction, state| {
        is_before &= at != address;
        let register = instruction.rs2();
        let in_frame = matches!(state.get(instruction.rs1()), Value::Stack(_));
        if is_before && instruction.op == Op::Sd && in_frame && !written.contains(register) {
            saved = saved.with(register);
        }
        written = written.union(instruction.effects().defines);
    });
    saved
}

/// s0–s11.
pub(super) fn kept_by_callees() -> RegisterSet {
    [8, 9].into_iter().chain(18..=27).map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with)
}
