//! [`Instruction`] to bits: the decoder's inverse, for the few formats that generated code is made of.

use super::encoding::{self, Operands};
use super::{Instruction, Op, Register};

impl Instruction {
    /// `op rd, rs1, immediate`, or with `rs2` where the operation has it (stores, branches, register operations); fields
    /// that `op` does not have are to be x0 and 0. As [`decode`](super::decode) would give it.
    pub fn new(op: Op, rd: Register, rs1: Register, rs2: Register, immediate: i32) -> Instruction {
        let (rd, rs1, rs2) = (rd.number(), rs1.number(), rs2.number());
        Instruction { op, rd, rs1, rs2, rs3: 0, rounding: 0, length: 4, immediate }
    }

    /// Its 32-bit encoding; `None` if the immediate does not fit, or for formats that generated code has no use for.
    pub fn encode(&self) -> Option<u32> {
        let encoding = encoding::encoding_of(self.op);
        let (rd, rs1, rs2) = (u32::from(self.rd) << 7, u32::from(self.rs1) << 15, u32::from(self.rs2) << 20);
        let immediate = self.immediate;
        let bits = immediate as u32;
        let fits = |width: u32| immediate >> (width - 1) == 0 || immediate >> (width - 1) == -1;
        let even = immediate & 1 == 0;
        let fields = match encoding.operands {
            Operands::None => 0,
            Operands::Upper if bits & 0xfff == 0 => rd | bits,
            Operands::Jump if fits(21) && even => {
                let high = (bits >> 20 & 1) << 31 | (bits >> 1 & 0x3ff) << 21;
                rd | high | (bits >> 11 & 1) << 20 | bits & 0xf_f000
            }
            Operands::Branch if fits(13) && even => {
                let high = (bits >> 12 & 1) << 31 | (bits >> 5 & 0x3f) << 25;
                rs1 | rs2 | high | (bits >> 1 & 0xf) << 8 | (bits >> 11 & 1) << 7
            }
            Operands::Load | Operands::Immediate if fits(12) => rd | rs1 | bits << 20,
            Operands::Shift if bits < 64 => rd | rs1 | bits << 20,
            Operands::Store if fits(12) => rs1 | rs2 | (bits >> 5) << 25 | (bits & 0x1f) << 7,
            Operands::Registers => rd | rs1 | rs2,
            Operands::Csr if bits <= 0xfff => rd | rs1 | bits << 20,
            _ => return None,
        };
        Some(encoding.bits | fields)
    }
}

/// The two parts of a displacement that `auipc` (or `lui`) and a 12-bit immediate add up to; `None` outside ±2 GiB.
pub fn split_displacement(displacement: i64) -> Option<(i32, i32)> {
    let low = (displacement << 52 >> 52) as i32;
    let high = displacement - i64::from(low);
    Some((i32::try_from(high).ok()?, low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::decode;

    #[test]
    fn what_is_encoded_decodes_to_the_same() {
        let registers = [0, 1, 10, 31].map(Register::new);
        let mut seen = 0;
        for op in [
            Op::Lui,
            Op::Auipc,
            Op::Jal,
            Op::Jalr,
            Op::Beq,
            Op::Bne,
            Op::Ld,
            Op::Sd,
            Op::Addi,
            Op::Slli,
            Op::Srai,
            Op::Add,
            Op::Csrrw,
            Op::Csrrs,
            Op::Mret,
        ] {
            for rd in registers {
                for rs in registers {
                    for immediate in [0, 1, 2, -2, 0x7fe, -2048, 0x800, 0xffe, -4096, 0x1000, 0x7fff_f000, -0x10_0000] {
                        let instruction = Instruction::new(op, rd, rs, rs, immediate);
                        let Some(word) = instruction.encode() else { continue };
                        let decoded = decode(&word.to_le_bytes()).unwrap();
                        let has = |field: u8, decoded: u8| field == decoded || decoded == 0;
                        assert_eq!(decoded.op, op);
                        assert!(has(instruction.rd, decoded.rd) && has(instruction.rs1, decoded.rs1), "{decoded}");
                        assert!(has(instruction.rs2, decoded.rs2), "{decoded}");
                        assert!(decoded.immediate == immediate || decoded.immediate == 0, "{decoded} for {immediate}");
                        assert_eq!(Instruction { ..decoded }.encode(), Some(word));
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen > 500, "only {seen}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let zero = Register::ZERO;
        for (op, immediate) in
            [(Op::Jal, 1 << 20), (Op::Jal, 3), (Op::Beq, 4096), (Op::Ld, 2048), (Op::Sd, -2049), (Op::Lui, 1)]
        {
            assert_eq!(Instruction::new(op, zero, zero, zero, immediate).encode(), None, "{op:?} {immediate}");
        }
    }

    #[test]
    fn displacements_are_split() {
        for displacement in [0, 2047, 2048, -2048, -2049, 0x7fff_f7ff, -0x8000_0000, 0x1234_5678] {
            let (high, low) = split_displacement(displacement).unwrap();
            assert_eq!(i64::from(high) + i64::from(low), displacement);
            assert!(high & 0xfff == 0 && (-2048..2048).contains(&low));
        }
        assert_eq!(split_displacement(0x7fff_f800), None);
    }
}
