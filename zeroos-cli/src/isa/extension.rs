//! The extensions beyond RV64IM that instructions belong to.

use std::fmt;

use super::{Instruction, Op};

/// An extension that a machine may have or lack.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Extension {
    /// Atomic memory operations.
    A,
    /// Compressed instructions.
    C,
    /// Single-precision floating point.
    F,
    /// Double-precision floating point.
    D,
    /// Address generation.
    Zba,
    /// Basic bit manipulation.
    Zbb,
    /// Single bits.
    Zbs,
}

impl Extension {
    /// All of them.
    pub const ALL: [Extension; 7] =
        [Extension::A, Extension::C, Extension::F, Extension::D, Extension::Zba, Extension::Zbb, Extension::Zbs];
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Extension::A => "A",
            Extension::C => "C",
            Extension::F => "F",
            Extension::D => "D",
            Extension::Zba => "Zba",
            Extension::Zbb => "Zbb",
            Extension::Zbs => "Zbs",
        })
    }
}

impl Instruction {
    /// The extensions that a machine must have to execute it: none for RV64IM and Zicsr, two for a compressed load of a
    /// floating-point register. What reads or writes fcsr needs F (ISA manual, "Floating-Point Control and Status Register").
    pub fn extensions(&self) -> impl Iterator<Item = Extension> {
        let by_length = (self.length == 2).then_some(Extension::C);
        let op = self.op;
        let by_operation = if (Op::LrW..=Op::AmomaxuD).contains(&op) {
            Some(Extension::A)
        } else if (Op::Flw..=Op::FmvWX).contains(&op) || self.is_csr_access() && (1..=3).contains(&self.csr()) {
            Some(Extension::F)
        } else if (Op::Fld..=Op::FmvDX).contains(&op) {
            Some(Extension::D)
        } else if (Op::AddUw..=Op::SlliUw).contains(&op) {
            Some(Extension::Zba)
        } else if (Op::Andn..=Op::Rev8).contains(&op) {
            Some(Extension::Zbb)
        } else if (Op::Bclr..=Op::Bseti).contains(&op) {
            Some(Extension::Zbs)
        } else {
            None
        };
        by_length.into_iter().chain(by_operation)
    }

    /// Whether it reads or writes a CSR.
    pub fn is_csr_access(&self) -> bool {
        (Op::Csrrw..=Op::Csrrci).contains(&self.op)
    }

    /// Whether it reads a counter: of the CSRs, beside floating point's, those that Linux lets programs read on machines without
    /// vectors (ISA manual, "Counters"); others are illegal instructions there.
    pub fn reads_counter(&self) -> bool {
        self.is_csr_access() && (0xc00..0xc20).contains(&self.csr()) && !self.is_unimplemented()
    }

    /// The word that can stand in its place and fails to execute on every machine: `csrrw x0, cycle, x0`, which compilers put
    /// where control never gets (`unimp`; ISA manual, "CSR Instructions": writing a read-only CSR is illegal).
    pub fn is_unimplemented(&self) -> bool {
        self.op == Op::Csrrw && self.csr() == 0xc00 && self.rd == 0 && self.rs1 == 0
    }
}

#[cfg(test)]
mod tests {
    use crate::isa::decode;

    #[test]
    fn instructions_say_what_they_need() {
        let needs = |word: u32| {
            decode(&word.to_le_bytes()).unwrap().extensions().map(|one| one.to_string()).collect::<Vec<_>>().join("")
        };
        assert_eq!(needs(0x0000_0013), ""); // nop
        assert_eq!(needs(0x02b5_0533), ""); // mul a0, a0, a1
        assert_eq!(needs(0x1005_262f), "A"); // lr.w a2, (a0)
        assert_eq!(needs(0x0000_8082), "C"); // ret
        assert_eq!(needs(0x0000_2108), "CD"); // c.fld fa0, 0(a0)
        assert_eq!(needs(0x0030_2573), "F"); // csrr a0, fcsr
        assert_eq!(needs(0xc000_2573), ""); // rdcycle a0
        assert_eq!(needs(0x20b5_2533), "Zba"); // sh1add a0, a0, a1
        assert_eq!(needs(0x6005_1513), "Zbb"); // clz a0, a0
        assert_eq!(needs(0x4805_1513), "Zbs"); // bclri a0, a0, 0
        assert!(decode(&0xc000_1073u32.to_le_bytes()).unwrap().is_unimplemented());
        assert!(!decode(&0xc000_2573u32.to_le_bytes()).unwrap().is_unimplemented());
    }
}
