//! What the instructions of a block so far made of addresses of code, as far as the abstract values do not say it.

use crate::analysis::code::load_size;
use crate::analysis::state::State;
use crate::analysis::value::{Value, immediate_operand};
use crate::isa::{Effects, Instruction, Op, Register, RegisterSet};

/// What the instructions of a block so far made of addresses of code.
#[derive(Clone, Copy, Default)]
pub(super) struct Derived {
    /// Registers made by `auipc` and what is added to it.
    pub from_place: RegisterSet,
    /// Registers made from immediate numbers alone: no addresses where a program can be moved.
    pub from_number: RegisterSet,
    /// Registers loaded from memory.
    pub from_memory: RegisterSet,
    /// What is in ra.
    pub link: Link,
    /// Whether gp was set.
    pub global_pointer_is_set: bool,
    /// Whether it was set last from memory: what restores a context restores the one gp that there is.
    pub global_pointer_is_restored: bool,
}

/// What ra holds where a function returns.
#[derive(Clone, Copy, Default)]
pub(super) enum Link {
    /// What it held all along, or what was kept in the frame.
    #[default]
    Own,
    /// What another register held.
    Copied,
    /// What was loaded from elsewhere.
    Foreign,
    /// What was calculated.
    Calculated,
}

impl Derived {
    /// Takes note of an instruction that does not jump.
    pub fn step(&mut self, instruction: &Instruction, effects: Effects, state: &State<'_>) {
        if effects.defines.is_empty() {
            return;
        }
        let (op, base) = (instruction.op, instruction.rs1());
        if effects.defines.contains(Register::RA) {
            let on_stack = base == Register::SP || base == FRAME_POINTER || matches!(state.get(base), Value::Stack(_));
            let moves = instruction.copied_register().is_some();
            self.link = match load_size(op) {
                Some(_) if on_stack => Link::Own,
                Some(_) => Link::Foreign,
                None if moves => Link::Copied,
                None => Link::Calculated,
            };
        }
        let copies_from_memory =
            || instruction.copied_register().is_some_and(|copied| self.from_memory.contains(copied));
        let from_memory = load_size(op).is_some() || !self.from_memory.is_empty() && copies_from_memory();
        let set = |registers: RegisterSet, holds: bool| {
            let others = registers.minus(effects.defines);
            if holds { others.union(effects.defines) } else { others }
        };
        self.from_memory = set(self.from_memory, from_memory);
        if effects.defines.contains(Register::GP) {
            self.global_pointer_is_set = true;
            self.global_pointer_is_restored = from_memory;
        }
        let from_place = op == Op::Auipc || op == Op::Addi && self.from_place.contains(base);
        self.from_place = set(self.from_place, from_place);
        let is_number = base == Register::ZERO || self.from_number.contains(base);
        let from_number = op == Op::Lui || is_number && immediate_operand(instruction).is_some();
        self.from_number = set(self.from_number, from_number);
    }
}

/// s0, the frame pointer of functions that have one.
const FRAME_POINTER: Register = Register::new(8);
