//! Straight leaves: functions that are nothing but loads, stores and arithmetic up to a return, like Go's devices for
//! copying and zeroing. What such a function writes is known at each call, so a pointer handed to it does not get away.

use super::code::{Code, store_size};
use super::exit::Exit;
use super::program::Program;
use super::state::State;
use crate::isa::{ControlFlow, Instruction, Register};

/// Longer ones are ordinary functions; in instructions.
const LONGEST: usize = 1024;

/// Shows `see` each instruction of the leaf that `exit` calls, with what is known before it when the call is made with
/// `state`; gives what is known when it returns. `None`, with nothing shown, if `exit` is no call of a straight leaf.
pub(super) fn visit<'v>(
    program: &Program<'v>,
    exit: &Exit,
    state: &State<'v>,
    mut see: impl FnMut(u64, &Instruction, &State<'v>),
) -> Option<State<'v>> {
    let callee = exit.call().filter(|callee| !callee.unknown)?;
    let mut known = callee.known();
    let (Some(function), None) = (known.next(), known.next()) else { return None };
    let entry = program[function].entry;
    if !is_straight_leaf(&program.code, entry) {
        return None;
    }
    let mut state = state.clone();
    for (at, instruction) in program.code.instructions_from(entry) {
        if instruction.flow() != ControlFlow::Next {
            break;
        }
        see(at, &instruction, &state);
        state.step(&instruction, at, &program.code);
    }
    Some(state)
}

/// Whether what starts at `entry` has no branch, call or jump before its return and keeps its hands off ra and sp.
fn is_straight_leaf(code: &Code<'_>, entry: u64) -> bool {
    let mut stores = false;
    for (_, instruction) in code.instructions_from(entry).take(LONGEST) {
        if instruction.flow() != ControlFlow::Next {
            let returns = instruction.flow() == ControlFlow::IndirectJump && instruction.rd() == Register::ZERO;
            return stores && returns && (instruction.rs1(), instruction.immediate) == (Register::RA, 0);
        }
        let defines = instruction.effects().defines;
        if defines.contains(Register::RA) || defines.contains(Register::SP) {
            return false;
        }
        stores |= store_size(instruction.op).is_some();
    }
    false
}
