//! Synchronous exceptions and how the hart enters and leaves its trap handler (privileged ISA manual, "Machine-Level
//! ISA").

use std::fmt;

use super::hart::Hart;
use crate::address::Address;

/// A trap that was taken: what `mepc`, `mcause` and `mtval`, or supervisor mode's, were set to.
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
pub(super) const ENVIRONMENT_CALL_FROM_S: u64 = 9;
pub(super) const ENVIRONMENT_CALL_FROM_M: u64 = 11;
pub(super) const INSTRUCTION_PAGE_FAULT: u64 = 12;
pub(super) const LOAD_PAGE_FAULT: u64 = 13;
pub(super) const STORE_PAGE_FAULT: u64 = 15;

impl Hart {
    /// Enters the trap handler.
    pub(super) fn take_trap(&mut self, trap: Trap) {
        if let Some(handler) = self.csrs.supervisor.as_mut().and_then(|supervisor| supervisor.take_trap(trap)) {
            self.pc = handler;
            return;
        }
        self.csrs.mepc = trap.pc.0;
        self.csrs.mcause = trap.cause;
        self.csrs.mtval = trap.value;
        self.csrs.previous_interrupt_enable = self.csrs.interrupt_enable;
        self.csrs.interrupt_enable = false;
        self.pc = self.csrs.mtvec;
    }

    /// `mret`: back to `mepc`, whose value it returns; `None` if it is illegal in the mode that the hart is in. Without
    /// supervisor mode there is only machine mode, and no privilege changes.
    pub(super) fn return_from_trap(&mut self) -> Option<u64> {
        if self.csrs.supervisor.as_mut().is_some_and(|supervisor| !supervisor.return_from_machine()) {
            return None;
        }
        self.csrs.interrupt_enable = self.csrs.previous_interrupt_enable;
        self.csrs.previous_interrupt_enable = true;
        Some(self.csrs.mepc)
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
            ENVIRONMENT_CALL_FROM_M | ENVIRONMENT_CALL_FROM_S => "environment call",
            INSTRUCTION_PAGE_FAULT => "instruction page fault",
            LOAD_PAGE_FAULT => "load page fault",
            STORE_PAGE_FAULT => "store page fault",
            _ => "trap",
        };
        write!(f, "{name} at {} (value {:#x})", self.pc, self.value)
    }
}
