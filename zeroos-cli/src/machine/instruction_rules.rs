//! Which instructions the hart has: its extensions, its CSRs and what single machines make of single instructions. Asked
//! once for each instruction, when it is decoded.

use std::collections::BTreeSet;

use crate::isa::{Instruction, Op};
use crate::platform::{HostInterface, InstructionSet};

/// The exception program counter: without it there is nothing to return to.
const MEPC: u16 = 0x341;
/// The trap vector.
const MTVEC: u16 = 0x305;
/// `fflags`, `frm` and `fcsr`: they come with F.
const FLOAT_CSRS: std::ops::RangeInclusive<u16> = 1..=3;
/// How `misa` says 64 bits, and its letters I and M.
const MISA_RV64IM: u64 = 2 << 62 | 1 << 8 | 1 << 12;

/// The rules of one machine.
#[derive(Clone, Debug, Default)]
pub(super) struct InstructionRules {
    /// `None`: all that the decoder knows.
    isa: Option<InstructionSet>,
    /// `None`: all of machine mode.
    csrs: Option<BTreeSet<u16>>,
    host: Option<HostInterface>,
}

impl InstructionRules {
    pub(super) fn new(
        isa: Option<InstructionSet>,
        csrs: Option<BTreeSet<u16>>,
        host: Option<HostInterface>,
    ) -> InstructionRules {
        InstructionRules { isa, csrs, host }
    }

    /// The instruction as the hart executes it; `None` if it is illegal there.
    pub(super) fn admit(&self, instruction: Instruction) -> Option<Instruction> {
        let admitted = self.has(&instruction);
        match (self.host, instruction.op) {
            // ckb-vm goes on behind a breakpoint as if nothing was there.
            (Some(HostInterface::CkbVm), Op::Ebreak) => Some(Instruction { op: Op::Fence, ..instruction }),
            _ => admitted.then_some(instruction),
        }
    }

    /// The alignment of instructions, bytes (ISA manual, "IALIGN").
    pub(super) fn alignment(&self) -> u64 {
        if self.has_extension(|isa| isa.compressed) { 2 } else { 4 }
    }

    /// Whether traps have a handler.
    pub(super) fn has_trap_handler(&self) -> bool {
        self.csrs.as_ref().is_none_or(|csrs| csrs.contains(&MTVEC))
    }

    /// What `misa` reads.
    pub(super) fn misa(&self) -> u64 {
        let letter = |letter: u8, has: fn(&InstructionSet) -> bool| {
            if self.has_extension(has) { 1 << (letter - b'A') } else { 0 }
        };
        MISA_RV64IM
            | letter(b'A', |isa| isa.atomics)
            | letter(b'C', |isa| isa.compressed)
            | letter(b'D', |isa| isa.double)
            | letter(b'F', |isa| isa.float)
    }

    fn has_extension(&self, has: impl FnOnce(&InstructionSet) -> bool) -> bool {
        self.isa.as_ref().is_none_or(has)
    }

    fn has(&self, instruction: &Instruction) -> bool {
        if instruction.length == 2 && !self.has_extension(|isa| isa.compressed) {
            return false;
        }
        match instruction.op {
            // SP1 has none of them.
            Op::Fence | Op::FenceI | Op::Ebreak => self.host != Some(HostInterface::Sp1),
            Op::Csrrw | Op::Csrrs => self.has_csr(instruction.csr()),
            // Jolt knows `csrrw` and `csrrs` only.
            op if (Op::Csrrc..=Op::Csrrci).contains(&op) => {
                self.host != Some(HostInterface::Jolt) && self.has_csr(instruction.csr())
            }
            Op::Mret => self.csrs.as_ref().is_none_or(|csrs| csrs.contains(&MEPC)),
            Op::Wfi => self.csrs.is_none(),
            // Every machine here has M.
            op if op < Op::LrW => true,
            op if op < Op::Flw => self.has_extension(|isa| isa.atomics),
            op if op < Op::Fld => self.has_extension(|isa| isa.float),
            op if op < Op::AddUw => self.has_extension(|isa| isa.double),
            op if op < Op::Andn => self.has_extension(|isa| isa.zba),
            op if op < Op::Bclr => self.has_extension(|isa| isa.zbb),
            _ => self.has_extension(|isa| isa.zbs),
        }
    }

    fn has_csr(&self, csr: u16) -> bool {
        if FLOAT_CSRS.contains(&csr) {
            return self.has_extension(|isa| isa.float);
        }
        self.csrs.as_ref().is_none_or(|csrs| csrs.contains(&csr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::decode;

    fn admitted(rules: &InstructionRules, word: u32) -> bool {
        rules.admit(decode(&word.to_le_bytes()).unwrap()).is_some()
    }

    /// One instruction of each extension, and a machine that lacks all of them.
    #[test]
    fn each_extension_is_asked_for() {
        let cases = [
            (0x1005_252f, "a", "lr.w"),
            (0x0015_7553, "f", "fadd.s"),
            (0x0215_7553, "fd", "fadd.d"),
            (0x4501, "c", "c.li"),
            (0x20c5_a533, "_zba", "sh1add"),
            (0x6005_9513, "_zbb", "clz"),
            (0x48c5_9533, "_zbs", "bclr"),
        ];
        for (word, extension, name) in cases {
            let with = InstructionSet::parse(&format!("rv64im{extension}")).unwrap();
            let without = InstructionSet::parse("rv64im").unwrap();
            assert!(admitted(&InstructionRules::new(Some(with), None, None), word), "{name}");
            assert!(!admitted(&InstructionRules::new(Some(without), None, None), word), "{name}");
            assert!(admitted(&InstructionRules::default(), word), "{name}");
        }
    }

    #[test]
    fn csrs_are_those_that_are_there() {
        let (csrr_mepc, csrr_cycle, frflags, mret, wfi) =
            (0x3410_2573, 0xc000_2573, 0x0010_2573, 0x3020_0073, 0x1050_0073);
        let isa = || InstructionSet::parse("rv64gc").ok();
        let some = InstructionRules::new(isa(), Some(BTreeSet::from([MEPC])), None);
        assert!(admitted(&some, csrr_mepc) && admitted(&some, frflags) && admitted(&some, mret));
        assert!(!admitted(&some, csrr_cycle) && !admitted(&some, wfi) && !some.has_trap_handler());
        let none = InstructionRules::new(isa(), Some(BTreeSet::new()), None);
        assert!(!admitted(&none, csrr_mepc) && !admitted(&none, mret));
        let all = InstructionRules::new(InstructionSet::parse("rv64im").ok(), None, None);
        assert!(admitted(&all, csrr_cycle) && admitted(&all, wfi) && all.has_trap_handler());
        assert!(!admitted(&all, frflags), "there is no F");
        assert_eq!((all.misa(), all.alignment()), (2 << 62 | 1 << 8 | 1 << 12, 4));
        assert_eq!(
            (InstructionRules::default().misa(), InstructionRules::default().alignment()),
            (2 << 62 | 0x112d, 2)
        );
    }

    #[test]
    fn single_machines_have_ways_of_their_own() {
        let on = |host| InstructionRules::new(None, None, Some(host));
        let (fence, ebreak, csrrwi) = (0x0ff0_000f, 0x0010_0073, 0x3403_d073);
        assert!(!admitted(&on(HostInterface::Sp1), fence) && !admitted(&on(HostInterface::Sp1), ebreak));
        assert!(!admitted(&on(HostInterface::Jolt), csrrwi) && admitted(&on(HostInterface::Zisk), csrrwi));
        let ignored = on(HostInterface::CkbVm).admit(decode(&u32::to_le_bytes(ebreak)).unwrap());
        assert_eq!(ignored.map(|instruction| instruction.op), Some(Op::Fence));
    }
}
