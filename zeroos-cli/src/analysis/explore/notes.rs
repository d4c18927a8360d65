//! What exploring a function notes of single instructions for whoever asks later.

use super::Explorer;
use crate::analysis::code::{Code, load_size, store_size};
use crate::analysis::state::State;
use crate::analysis::value::Value;
use crate::isa::{Effects, Instruction, Op, Register, RegisterSet};

impl<'v> Explorer<'_, 'v> {
    /// Notes that an address of the function's own code is an operand of arithmetic whose result is not known.
    pub(super) fn note_calculation(
        &mut self,
        instruction: &Instruction,
        uses: RegisterSet,
        state: &State<'v>,
        result: Value<'v>,
    ) {
        let adds = matches!(instruction.op, Op::Add | Op::Sub | Op::Sh1add | Op::Sh2add | Op::Sh3add);
        if !adds || result.constants().is_some() || self.exploration.calculates_with_code {
            return;
        }
        let inside = |address: &u64| self.exploration.is_inside(*address);
        let mut operands = uses.intersection(state.known()).iter().map(|register| state.get(register));
        if operands.any(|operand| operand.constants().unwrap_or_default().iter().any(inside)) {
            self.exploration.calculates_with_code = true;
            self.queue_computed_jumps();
        }
    }

    /// Notes the registers that the function stores in its frame before it changes them, or loads from there again.
    pub(super) fn note_saved(
        &mut self,
        instruction: &Instruction,
        here: Effects,
        written: RegisterSet,
        state: &State<'v>,
    ) {
        let registers = match instruction.op {
            Op::Sd => RegisterSet::EMPTY.with(instruction.rs2()).minus(written),
            Op::Ld => here.defines,
            _ => return,
        };
        let base = instruction.rs1();
        if base == Register::SP || matches!(state.get(base), Value::Stack(_)) {
            self.function.saved = self.function.saved.union(registers);
        }
    }

    /// Notes what addresses of constants the instruction makes or uses: exactly if they are known, otherwise all that a
    /// displacement can reach from a known operand.
    pub(super) fn note_constants(
        &mut self,
        instruction: &Instruction,
        uses: RegisterSet,
        state: &State<'v>,
        result: Option<Value<'v>>,
    ) {
        if !self.code.has_constants() {
            return;
        }
        let accesses = load_size(instruction.op).or(store_size(instruction.op)).is_some();
        let exact = match result {
            _ if accesses => state.address(instruction, self.code.arena),
            Some(value) => value,
            None => Value::Any,
        };
        if let Some(constants) = exact.constants() {
            let finished = !matches!(instruction.op, Op::Lui | Op::Auipc);
            let near = constants.iter().filter(|&&address| finished && self.code.is_near_constants(address));
            self.found.data.extend(near.map(|&address| (address, address)));
            return;
        }
        for register in uses.intersection(state.known()).iter() {
            let value = state.get(register);
            let base = match value {
                Value::Element(table) => std::slice::from_ref(&table.base),
                Value::Displaced(displaced) => std::slice::from_ref(&displaced.base),
                _ => value.constants().unwrap_or_default(),
            };
            let near = base.iter().filter(|&&address| self.code.is_near_constants(address));
            let reach = Code::DISPLACEMENT;
            let around = near.map(|&address| (address.saturating_sub(reach), address.saturating_add(reach)));
            self.found.data.extend(around);
        }
    }
}
