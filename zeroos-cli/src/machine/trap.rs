//! Synchronous exceptions and how the hart enters and leaves its trap handler (privileged ISA manual, "Machine-Level
//! ISA").

use std::fmt;

use super::hart::Hart;
use crate::address::Address;

/// A trap that was taken: what `mepc`, `mcause` and `mtval` were set to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trap {
    /// Address of the instruction.
    pub pc: Address,
    /// The exception code.
    pub cause: u64,
    /// The faulting address, or the bits of an illegal instruction.
    pub value: u64,
}

/// An exception that an instruction raises: `mcause` and `mtval`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Exception {
    pub(super) cause: u64,
    pub(super) value: u64,
}

/// Exception codes (privileged ISA manual, table "Machine cause register values after trap").
pub(super) const INSTRUCTION_ADDRESS_MISALIGNED: u64 = 0;
pub(super) const INSTRUCTION_ACCESS_FAULT: u64 = 1;
pub(super) const ILLEGAL_INSTRUCTION: u64 = 2;
pub(super) const BREAKPOINT: u64 = 3;
pub(super) const LOAD_ADDRESS_MISALIGNED: u64 = 4;
pub(super) const LOAD_ACCESS_FAULT: u64 = 5;
pub(super) const STORE_ADDRESS_MISALIGNED: u64 = 6;
pub(super) const STORE_ACCESS_FAULT: u64 = 7;
pub(super) const ENVIRONMENT_CALL_FROM_M: u64 = 11;

impl Hart {
    /// Enters the trap handler.
    pub(super) fn take_trap(&mut self, trap: Trap) {
        self.csrs.mepc = trap.pc.0;
        self.csrs.mcause = trap.cause;
        self.csrs.mtval = trap.value;
        self.csrs.previous_interrupt_enable = self.csrs.interrupt_enable;
        self.csrs.interrupt_enable = false;
        self.pc = self.csrs.mtvec;
    }

    /// `mret`: back to `mepc`, whose value it returns. Machine mode is the only mode, so no privilege changes.
    pub(super) fn return_from_trap(&mut self) -> u64 {
        self.csrs.interrupt_enable = self.csrs.previous_interrupt_enable;
        self.csrs.previous_interrupt_enable = true;
        self.csrs.mepc
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.cause {
            INSTRUCTION_ADDRESS_MISALIGNED => "jump to an address between instructions",
            INSTRUCTION_ACCESS_FAULT => "instruction access fault",
            ILLEGAL_INSTRUCTION => "illegal instruction",
            BREAKPOINT => "breakpoint",
            LOAD_ADDRESS_MISALIGNED => "misaligned load-reserved",
            LOAD_ACCESS_FAULT => "load access fault",
            STORE_ADDRESS_MISALIGNED => "misaligned atomic",
            STORE_ACCESS_FAULT => "store access fault",
            ENVIRONMENT_CALL_FROM_M => "environment call",
            _ => "trap",
        };
        write!(f, "{name} at {} (value {:#x})", self.pc, self.value)
    }
}
