//! Supervisor mode, for images that run behind a page table (privileged ISA manual, "Supervisor-Level ISA").
//!
//! What lies where such an image's table says so never changes, and `verify` has read it: the machine has its memory and devices
//! where the table shows them. What pages allow is asked of the table (`page_rights`). Machine mode, in which the hart starts, sees
//! the same; what is shown where it is not is nothing that a bootloader touches. Returns to user mode, which such images never
//! enter, are illegal.

use super::hart::Hart;
use super::trap::{ENVIRONMENT_CALL_FROM_M, ENVIRONMENT_CALL_FROM_S, Trap};

const SSTATUS: u16 = 0x100;
const SIE: u16 = 0x104;
const STVEC: u16 = 0x105;
const SCOUNTEREN: u16 = 0x106;
const SENVCFG: u16 = 0x10a;
const SSCRATCH: u16 = 0x140;
const SEPC: u16 = 0x141;
const SCAUSE: u16 = 0x142;
const STVAL: u16 = 0x143;
const SIP: u16 = 0x144;
const SATP: u16 = 0x180;
const MEDELEG: u16 = 0x302;
const MIDELEG: u16 = 0x303;
const MCOUNTEREN: u16 = 0x306;
const MENVCFG: u16 = 0x30a;

/// `mstatus` fields that `sstatus` shows, beside FS and SD.
const STATUS_SIE: u64 = 1 << 1;
const STATUS_SPIE: u64 = 1 << 5;
const STATUS_SPP: u64 = 1 << 8;
const STATUS_MPP_SHIFT: u32 = 11;
const STATUS_MPP: u64 = 3 << STATUS_MPP_SHIFT;
/// The modes as MPP has them.
const USER: u64 = 0;
const SUPERVISOR: u64 = 1;
const MACHINE: u64 = 3;

/// The modes of `satp`.
const SATP_MODE_SHIFT: u32 = 60;
const BARE: u64 = 0;
const SV39: u64 = 8;

/// The instructions that only this mode and machine mode have.
const SRET: u32 = 0x1020_0073;
const SFENCE_VMA: u32 = 0x1200_0073;

/// The mode's state.
#[derive(Clone, Default)]
pub(super) struct Supervisor {
    /// Whether the hart is in this mode.
    is_running: bool,
    /// `mstatus.MPP`: where `mret` leads.
    machine_returns_to: u64,
    interrupt_enable: bool,
    previous_interrupt_enable: bool,
    /// `sstatus.SPP`: whether `sret` leads here; else it would lead to user mode.
    returns_here: bool,
    stvec: u64,
    pub(super) sscratch: u64,
    sepc: u64,
    scause: u64,
    stval: u64,
    satp: u64,
    medeleg: u64,
}

impl Supervisor {
    /// Whether accesses go by a page table.
    pub(super) fn translates(&self) -> bool {
        self.is_running && self.satp >> SATP_MODE_SHIFT == SV39
    }

    /// Which one: `satp`.
    pub(super) fn satp(&self) -> u64 {
        self.satp
    }

    /// Whether CSR `csr` is for the mode that the hart is in: bits 9–8 are the lowest that may access it.
    pub(super) fn may_access(&self, csr: u16) -> bool {
        !self.is_running || csr >> 8 & 3 <= 1
    }

    /// The value of register `csr`, `status` being what `mstatus` reads; `None` if it is not this mode's.
    pub(super) fn read(&self, csr: u16, status: u64) -> Option<u64> {
        Some(match csr {
            SSTATUS => status & !(STATUS_MPP | 1 << 3 | 1 << 7),
            STVEC => self.stvec,
            SSCRATCH => self.sscratch,
            SEPC => self.sepc,
            SCAUSE => self.scause,
            STVAL => self.stval,
            SATP => self.satp,
            MEDELEG => self.medeleg,
            // Without interrupts, user mode and cache blocks these have no effect.
            SIE | SIP | SCOUNTEREN | SENVCFG | MIDELEG | MCOUNTEREN | MENVCFG => 0,
            _ => return None,
        })
    }

    /// Sets register `csr`, which [`read`](Supervisor::read) knows; `sstatus` and `mstatus` are set by
    /// [`set_status`](Supervisor::set_status).
    pub(super) fn write(&mut self, csr: u16, value: u64) {
        match csr {
            STVEC => self.stvec = value & !3, // direct mode only
            SSCRATCH => self.sscratch = value,
            SEPC => self.sepc = value & !1,
            SCAUSE => self.scause = value,
            STVAL => self.stval = value,
            // A mode that the hart does not have leaves all as it was.
            SATP if [BARE, SV39].contains(&(value >> SATP_MODE_SHIFT)) => self.satp = value,
            // An `ecall` of machine mode cannot be delegated.
            MEDELEG => self.medeleg = value & 0xffff & !(1 << ENVIRONMENT_CALL_FROM_M),
            _ => {}
        }
    }

    /// This mode's part of `mstatus`, with MPP.
    pub(super) fn status(&self) -> u64 {
        let bit = |set: bool, bit: u64| if set { bit } else { 0 };
        bit(self.interrupt_enable, STATUS_SIE)
            | bit(self.previous_interrupt_enable, STATUS_SPIE)
            | bit(self.returns_here, STATUS_SPP)
            | self.machine_returns_to << STATUS_MPP_SHIFT
    }

    /// Sets it, as a write to `mstatus` or, which has no MPP, `sstatus`; an MPP that names no mode changes nothing.
    pub(super) fn set_status(&mut self, csr: u16, value: u64) {
        self.interrupt_enable = value & STATUS_SIE != 0;
        self.previous_interrupt_enable = value & STATUS_SPIE != 0;
        self.returns_here = value & STATUS_SPP != 0;
        let mode = value >> STATUS_MPP_SHIFT & 3;
        if csr != SSTATUS && [USER, SUPERVISOR, MACHINE].contains(&mode) {
            self.machine_returns_to = mode;
        }
    }

    /// `mret` from machine mode: to the mode in MPP, which becomes the lowest one. False where it is illegal.
    pub(super) fn return_from_machine(&mut self) -> bool {
        if self.is_running || self.machine_returns_to == USER {
            return false;
        }
        self.is_running = self.machine_returns_to == SUPERVISOR;
        self.machine_returns_to = USER;
        true
    }

    /// The exception code in this mode of what is `cause` in machine mode.
    pub(super) fn cause(&self, cause: u64) -> u64 {
        if self.is_running && cause == ENVIRONMENT_CALL_FROM_M { ENVIRONMENT_CALL_FROM_S } else { cause }
    }

    /// Takes `trap` if it is delegated to this mode: where its handler is.
    pub(super) fn take_trap(&mut self, trap: Trap) -> Option<u64> {
        if !self.is_running || self.medeleg >> trap.cause & 1 == 0 {
            self.machine_returns_to = if self.is_running { SUPERVISOR } else { MACHINE };
            self.is_running = false;
            return None;
        }
        (self.sepc, self.scause, self.stval) = (trap.pc.0, trap.cause, trap.value);
        self.previous_interrupt_enable = self.interrupt_enable;
        self.interrupt_enable = false;
        self.returns_here = true;
        Some(self.stvec)
    }

    /// Executes `word` at `pc` if it is an instruction of this mode: where execution goes on.
    fn execute(&mut self, word: u32, pc: u64) -> Option<u64> {
        match word {
            SFENCE_VMA => Some(pc.wrapping_add(4)),
            SRET if self.is_running && self.returns_here => {
                self.interrupt_enable = self.previous_interrupt_enable;
                self.previous_interrupt_enable = true;
                self.returns_here = false;
                Some(self.sepc)
            }
            _ => None,
        }
    }
}

impl Hart {
    /// Executes `word` at the pc if it is an instruction that only supervisor and machine mode have; false if it is illegal.
    pub(super) fn execute_privileged(&mut self, word: u32) -> bool {
        let next = self.csrs.supervisor.as_mut().and_then(|supervisor| supervisor.execute(word, self.pc));
        self.pc = next.unwrap_or(self.pc);
        next.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    #[test]
    fn traps_are_taken_where_they_are_delegated_and_return() {
        let mut mode = Supervisor::default();
        let trap = |cause| Trap { pc: Address(0x100), cause, value: 0 };
        mode.write(STVEC, 0x200);
        assert_eq!(mode.take_trap(trap(2)), None, "the hart starts in machine mode");
        assert_eq!(mode.cause(ENVIRONMENT_CALL_FROM_M), ENVIRONMENT_CALL_FROM_M);
        assert_eq!(mode.read(SSTATUS, !0).map(|shown| shown & STATUS_MPP), Some(0));
        mode.set_status(SSTATUS, MACHINE << STATUS_MPP_SHIFT);
        assert!(mode.return_from_machine(), "sstatus has no MPP, so it stays that of the trap");
        mode.set_status(0x300, SUPERVISOR << STATUS_MPP_SHIFT);
        assert!(mode.return_from_machine() && !mode.may_access(0x341) && mode.may_access(SEPC));
        assert!(!mode.return_from_machine(), "mret is not this mode's");
        assert_eq!(mode.execute(SRET, 0), None, "to user mode");
        mode.write(MEDELEG, !0);
        assert_eq!(mode.take_trap(trap(mode.cause(ENVIRONMENT_CALL_FROM_M))), Some(0x200));
        assert_eq!((mode.read(SCAUSE, 0), mode.status() & STATUS_SPP), (Some(9), STATUS_SPP));
        assert_eq!((mode.execute(SRET, 0x204), mode.status() & STATUS_SPP), (Some(0x100), 0));
        for (written, read, translates) in
            [(8 << 60 | 5, 8 << 60 | 5, true), (9 << 60, 8 << 60 | 5, true), (7, 7, false)]
        {
            mode.write(SATP, written);
            assert_eq!((mode.read(SATP, 0), mode.translates()), (Some(read), translates), "{written:#x}");
        }
        mode.write(MEDELEG, 0);
        assert_eq!(mode.take_trap(trap(2)), None);
        assert!(mode.may_access(0x341), "back in machine mode");
    }
}
