//! The printed form of an instruction: mnemonic and operands as the assembler takes them, without pseudo-instructions.
//! Branch and jump targets are printed as displacements (`.+8`): an instruction does not know its own address.

use std::fmt;

use super::encoding::{self, Operands};
use super::{FloatRegister, Instruction};

/// Names of the rounding-mode field (ISA manual, "Floating-Point Control and Status Register"). 7, dynamic, is the
/// assembler's default and not printed.
const ROUNDING_SUFFIXES: [&str; 8] = [", rne", ", rtz", ", rdn", ", rup", ", rmm", ", ?", ", ?", ""];

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoding = encoding::encoding_of(self.op);
        let (rd, rs1, rs2, immediate) = (self.rd(), self.rs1(), self.rs2(), self.immediate);
        let (fd, fs1, fs2, fs3) = (float(self.rd), float(self.rs1), float(self.rs2), float(self.rs3));
        let rm = ROUNDING_SUFFIXES[usize::from(self.rounding & 7)];
        f.write_str(encoding.mnemonic)?;
        match encoding.operands {
            Operands::None => Ok(()),
            Operands::Upper => write!(f, " {rd}, {:#x}", immediate as u32 >> 12),
            Operands::Jump => write!(f, " {rd}, .{immediate:+}"),
            Operands::Branch => write!(f, " {rs1}, {rs2}, .{immediate:+}"),
            Operands::Load => write!(f, " {rd}, {immediate}({rs1})"),
            Operands::Store => write!(f, " {rs2}, {immediate}({rs1})"),
            Operands::Immediate | Operands::Shift => write!(f, " {rd}, {rs1}, {immediate}"),
            Operands::Registers => write!(f, " {rd}, {rs1}, {rs2}"),
            Operands::Unary => write!(f, " {rd}, {rs1}"),
            Operands::Csr => write!(f, " {rd}, {:#x}, {rs1}", self.csr()),
            Operands::CsrImmediate => write!(f, " {rd}, {:#x}, {}", self.csr(), self.csr_immediate()),
            Operands::LoadReserved => write!(f, " {rd}, ({rs1})"),
            Operands::Atomic => write!(f, " {rd}, {rs2}, ({rs1})"),
            Operands::FloatLoad => write!(f, " {fd}, {immediate}({rs1})"),
            Operands::FloatStore => write!(f, " {fs2}, {immediate}({rs1})"),
            Operands::FloatFused => write!(f, " {fd}, {fs1}, {fs2}, {fs3}{rm}"),
            Operands::FloatRounded => write!(f, " {fd}, {fs1}, {fs2}{rm}"),
            Operands::FloatUnaryRounded => write!(f, " {fd}, {fs1}{rm}"),
            Operands::FloatRegisters => write!(f, " {fd}, {fs1}, {fs2}"),
            Operands::FloatCompare => write!(f, " {rd}, {fs1}, {fs2}"),
            Operands::FloatToInteger => write!(f, " {rd}, {fs1}"),
            Operands::FloatToIntegerRounded => write!(f, " {rd}, {fs1}{rm}"),
            Operands::IntegerToFloat => write!(f, " {fd}, {rs1}"),
            Operands::IntegerToFloatRounded => write!(f, " {fd}, {rs1}{rm}"),
        }
    }
}

fn float(number: u8) -> FloatRegister {
    FloatRegister::new(number)
}

#[cfg(test)]
mod tests {
    use crate::isa::decode;

    #[test]
    fn prints_what_the_assembler_takes() {
        for (word, text) in [
            (0xfe11_3c23_u32, "sd ra, -8(sp)"),
            (0xfe05_0ee3, "beq a0, zero, .-4"),
            (0x8000_0537, "lui a0, 0x80000"),
            (0x3410_2573, "csrrs a0, 0x341, zero"),
            (0x00b5_262f, "amoadd.w a2, a1, (a0)"),
            (0x00c5_8553, "fadd.s fa0, fa1, fa2, rne"),
            (0x6ac5_f543, "fmadd.d fa0, fa1, fa2, fa3"),
            (0xd225_7553, "fcvt.d.l fa0, a0"),
        ] {
            assert_eq!(decode(&word.to_le_bytes()).unwrap().to_string(), text);
        }
    }
}
