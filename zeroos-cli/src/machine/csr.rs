//! Control and status registers (privileged ISA manual, "Control and Status Registers" and "Machine-Level CSRs";
//! unprivileged ISA manual, "Counters" and the F chapter's `fcsr`).
//!
//! One hart without interrupts, in machine mode and perhaps [`supervisor`](super::supervisor) mode: what has no effect there reads as
//! zero, as the manual's WARL fields allow; what belongs to modes that do not exist is an illegal instruction.

use super::hart::Hart;
use super::supervisor::Supervisor;
use crate::isa::{Instruction, Op};

/// The registers' contents, fields apart.
#[derive(Default)]
pub(super) struct Csrs {
    /// What `misa` reads.
    misa: u64,
    /// Accrued floating-point exceptions, NV DZ OF UF NX from bit 4 down.
    pub(super) fflags: u8,
    /// Dynamic rounding mode; 5–7 are kept and make dynamically rounded operations illegal.
    pub(super) frm: u8,
    /// `mstatus.FS`: 0 off, 1 initial, 2 clean, 3 dirty.
    pub(super) float_status: u8,
    pub(super) interrupt_enable: bool,
    pub(super) previous_interrupt_enable: bool,
    pub(super) mtvec: u64,
    pub(super) mscratch: u64,
    pub(super) mepc: u64,
    pub(super) mcause: u64,
    pub(super) mtval: u64,
    mie: u64,
    /// Supervisor mode, if the hart has it.
    pub(super) supervisor: Option<Supervisor>,
    /// What was written to `mcycle` and `minstret`, less what had been counted then.
    cycle_offset: u64,
    instret_offset: u64,
}

/// What had been counted before the instruction that accesses a counter.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    pub(super) executed: u64,
    pub(super) retired: u64,
}

const FFLAGS: u16 = 0x001;
const FRM: u16 = 0x002;
const FCSR: u16 = 0x003;
const SSTATUS: u16 = 0x100;
const MSTATUS: u16 = 0x300;
const MISA: u16 = 0x301;
const MIE: u16 = 0x304;
const MTVEC: u16 = 0x305;
const MCOUNTINHIBIT: u16 = 0x320;
const MSCRATCH: u16 = 0x340;
const MEPC: u16 = 0x341;
const MCAUSE: u16 = 0x342;
const MTVAL: u16 = 0x343;
const MIP: u16 = 0x344;
const MCYCLE: u16 = 0xb00;
const MINSTRET: u16 = 0xb02;
const CYCLE: u16 = 0xc00;
const TIME: u16 = 0xc01;
const INSTRET: u16 = 0xc02;

const STATUS_MIE: u64 = 1 << 3;
const STATUS_MPIE: u64 = 1 << 7;
const STATUS_MPP_MACHINE: u64 = 3 << 11;
pub(super) const STATUS_FS_SHIFT: u32 = 13;
const STATUS_SD: u64 = 1 << 63;

impl Hart {
    /// Executes one of the six CSR instructions; false if it is illegal.
    pub(super) fn access_csr(&mut self, instruction: &Instruction, now: Counters) -> bool {
        let csr = instruction.csr();
        let immediate = matches!(instruction.op, Op::Csrrwi | Op::Csrrsi | Op::Csrrci);
        let (source, names_zero) = if immediate {
            (instruction.csr_immediate(), instruction.csr_immediate() == 0)
        } else {
            (self.x(instruction.rs1), instruction.rs1 == 0)
        };
        if self.csrs.supervisor.as_ref().is_some_and(|supervisor| !supervisor.may_access(csr)) {
            return false;
        }
        let Some(old) = self.csrs.read(csr, now) else { return false };
        let new = match instruction.op {
            Op::Csrrw | Op::Csrrwi => Some(source),
            Op::Csrrs | Op::Csrrsi => (!names_zero).then_some(old | source),
            _ => (!names_zero).then_some(old & !source),
        };
        // Bits 11:10 set: read-only.
        if new.is_some_and(|new| csr >> 10 == 3 || !self.csrs.write(csr, new, now)) {
            return false;
        }
        self.set_x(instruction.rd, old);
        true
    }
}

impl Csrs {
    /// As they are at reset.
    pub(super) fn new(misa: u64, supervisor: Option<Supervisor>) -> Csrs {
        Csrs { misa, supervisor, ..Csrs::default() }
    }

    /// The value of register `csr`; `None` if there is no such register or it is switched off.
    fn read(&self, csr: u16, now: Counters) -> Option<u64> {
        Some(match csr {
            FFLAGS | FRM | FCSR if self.float_status == 0 => return None,
            FFLAGS => u64::from(self.fflags),
            FRM => u64::from(self.frm),
            FCSR => u64::from(self.fflags) | u64::from(self.frm) << 5,
            MSTATUS => self.status(),
            MISA => self.misa,
            MIE => self.mie,
            MTVEC => self.mtvec,
            MSCRATCH => self.mscratch,
            MEPC => self.mepc,
            MCAUSE => self.mcause,
            MTVAL => self.mtval,
            MCYCLE | CYCLE => now.executed.wrapping_add(self.cycle_offset),
            MINSTRET | INSTRET => now.retired.wrapping_add(self.instret_offset),
            TIME => now.retired,
            _ if reads_as_zero(csr) => 0,
            _ => return self.supervisor.as_ref()?.read(csr, self.status()),
        })
    }

    /// Sets register `csr`, which [`read`](Csrs::read) knows; false if it is switched off.
    fn write(&mut self, csr: u16, value: u64, now: Counters) -> bool {
        // A counter shows the written value to the next instruction: this one is not added (ISA manual, "Zicsr").
        let offset = |counted: u64| value.wrapping_sub(counted).wrapping_sub(1);
        match csr {
            FFLAGS => self.fflags = value as u8 & 0x1f,
            FRM => self.frm = value as u8 & 7,
            FCSR => {
                self.fflags = value as u8 & 0x1f;
                self.frm = (value >> 5) as u8 & 7;
            }
            MSTATUS => {
                self.interrupt_enable = value & STATUS_MIE != 0;
                self.previous_interrupt_enable = value & STATUS_MPIE != 0;
                self.set_shared_status(csr, value);
            }
            SSTATUS => self.set_shared_status(csr, value),
            MIE => self.mie = value & 0x888,
            MTVEC => self.mtvec = value & !3, // direct mode only
            MSCRATCH => self.mscratch = value,
            MEPC => self.mepc = value & !1,
            MCAUSE => self.mcause = value,
            MTVAL => self.mtval = value,
            MCYCLE => self.cycle_offset = offset(now.executed),
            MINSTRET => self.instret_offset = offset(now.retired),
            _ => {
                if let Some(supervisor) = &mut self.supervisor {
                    supervisor.write(csr, value);
                }
            }
        }
        if matches!(csr, FFLAGS | FRM | FCSR) {
            self.float_status = 3;
        }
        true
    }

    fn status(&self) -> u64 {
        let bit = |set: bool, bit: u64| if set { bit } else { 0 };
        self.supervisor.as_ref().map_or(STATUS_MPP_MACHINE, Supervisor::status)
            | bit(self.interrupt_enable, STATUS_MIE)
            | bit(self.previous_interrupt_enable, STATUS_MPIE)
            | u64::from(self.float_status) << STATUS_FS_SHIFT
            | bit(self.float_status == 3, STATUS_SD)
    }

    /// What `mstatus` and `sstatus`, of which one is `csr`, have in common.
    fn set_shared_status(&mut self, csr: u16, value: u64) {
        if let Some(supervisor) = &mut self.supervisor {
            supervisor.set_status(csr, value);
        }
        self.float_status = (value >> STATUS_FS_SHIFT & 3) as u8;
    }
}

/// Registers that exist but hold nothing here: identity, interrupt pending, PMP, and the further counters.
fn reads_as_zero(csr: u16) -> bool {
    matches!(csr,
        MIP | MCOUNTINHIBIT
        | 0x323..=0x33f // mhpmevent3–31
        | 0x3a0..=0x3ef // pmpcfg0–15, pmpaddr0–63
        | 0xb03..=0xb1f // mhpmcounter3–31
        | 0xc03..=0xc1f // hpmcounter3–31
        | 0xf11..=0xf15 // mvendorid, marchid, mimpid, mhartid, mconfigptr
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Counters = Counters { executed: 100, retired: 90 };

    #[test]
    fn a_written_counter_counts_on_from_the_value() {
        let mut csrs = Csrs::default();
        assert!(csrs.write(MINSTRET, 5, NOW));
        assert_eq!(csrs.read(INSTRET, Counters { executed: 101, retired: 91 }), Some(5));
        assert_eq!(csrs.read(CYCLE, NOW), Some(100));
    }

    #[test]
    fn float_registers_are_there_only_while_switched_on() {
        let mut csrs = Csrs::default();
        assert_eq!(csrs.read(FCSR, NOW), None);
        assert!(csrs.write(MSTATUS, 1 << STATUS_FS_SHIFT, NOW));
        assert_eq!(csrs.read(FCSR, NOW), Some(0));
        assert!(csrs.write(FCSR, 0x65, NOW));
        assert_eq!((csrs.frm, csrs.fflags, csrs.status() >> 63), (3, 5, 1));
    }
}
