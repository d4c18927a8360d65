//! Bits to [`Instruction`] (ISA manual, "RV32/64G Instruction Set Listings" and the "C" chapter).

mod compressed;

use super::encoding::{self, Operands};
use super::{Instruction, Op};

/// Decodes the instruction at the start of `bytes` (little-endian).
///
/// Returns `None` for a reserved or unknown encoding, or when `bytes` holds fewer than the instruction's 2 or 4 bytes.
/// Hints decode as what they expand to. The rounding modes 5 and 6 are reserved, so an operation with one is too.
pub fn decode(bytes: &[u8]) -> Option<Instruction> {
    let half = u16::from_le_bytes(*bytes.first_chunk()?);
    if half & 3 != 3 {
        return compressed::expand(half);
    }
    decode_word(u32::from_le_bytes(*bytes.first_chunk()?))
}

fn decode_word(word: u32) -> Option<Instruction> {
    let encoding = encoding::find(word)?;
    let field = |low: u32| (word >> low & 0x1f) as u8;
    let (rd, rs1, rs2, rs3) = (field(7), field(15), field(20), field(27));
    let rounding = (word >> 12 & 7) as u8;
    let none = Instruction { op: encoding.op, rd: 0, rs1: 0, rs2: 0, rs3: 0, rounding: 0, length: 4, immediate: 0 };
    let instruction = match encoding.operands {
        Operands::None => none,
        Operands::Upper => Instruction { rd, immediate: (word & 0xffff_f000) as i32, ..none },
        Operands::Jump => Instruction { rd, immediate: jump_offset(word), ..none },
        Operands::Branch => Instruction { rs1, rs2, immediate: branch_offset(word), ..none },
        Operands::Load | Operands::FloatLoad | Operands::Immediate => {
            Instruction { rd, rs1, immediate: word as i32 >> 20, ..none }
        }
        Operands::Store | Operands::FloatStore => Instruction { rs1, rs2, immediate: store_offset(word), ..none },
        Operands::Shift => Instruction { rd, rs1, immediate: (word >> 20 & 0x3f) as i32, ..none },
        Operands::Registers | Operands::FloatRegisters | Operands::FloatCompare | Operands::Atomic => {
            Instruction { rd, rs1, rs2, ..none }
        }
        Operands::Unary | Operands::LoadReserved | Operands::FloatToInteger | Operands::IntegerToFloat => {
            Instruction { rd, rs1, ..none }
        }
        Operands::Csr => Instruction { rd, rs1, immediate: (word >> 20) as i32, ..none },
        Operands::CsrImmediate => Instruction { rd, immediate: (word >> 20 | u32::from(rs1) << 12) as i32, ..none },
        Operands::FloatFused => Instruction { rd, rs1, rs2, rs3, rounding, ..none },
        Operands::FloatRounded => Instruction { rd, rs1, rs2, rounding, ..none },
        Operands::FloatUnaryRounded | Operands::FloatToIntegerRounded | Operands::IntegerToFloatRounded => {
            Instruction { rd, rs1, rounding, ..none }
        }
    };
    (!matches!(instruction.rounding, 5 | 6)).then_some(instruction)
}

/// `imm[11:5]` at 31:25, `imm[4:0]` at 11:7.
fn store_offset(word: u32) -> i32 {
    (word as i32 >> 25) << 5 | (word >> 7 & 0x1f) as i32
}

/// `imm[12]` at 31, `imm[10:5]` at 30:25, `imm[4:1]` at 11:8, `imm[11]` at 7.
fn branch_offset(word: u32) -> i32 {
    (word as i32 >> 31) << 12 | ((word >> 25 & 0x3f) << 5 | (word >> 8 & 0xf) << 1 | (word >> 7 & 1) << 11) as i32
}

/// `imm[20]` at 31, `imm[10:1]` at 30:21, `imm[11]` at 20, `imm[19:12]` at 19:12.
fn jump_offset(word: u32) -> i32 {
    (word as i32 >> 31) << 20 | ((word >> 21 & 0x3ff) << 1 | (word >> 20 & 1) << 11 | word & 0xf_f000) as i32
}

impl Op {
    /// Every operation, in the order of the enum.
    pub fn all() -> impl Iterator<Item = Op> {
        encoding::ENCODINGS.iter().map(|encoding| encoding.op)
    }

    /// Its assembler mnemonic.
    pub fn mnemonic(self) -> &'static str {
        encoding::encoding_of(self).mnemonic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(word: u32) -> Option<Instruction> {
        decode(&word.to_le_bytes())
    }

    #[test]
    fn the_table_is_in_the_order_of_the_enum_and_no_two_rows_overlap() {
        for (index, encoding) in encoding::ENCODINGS.iter().enumerate() {
            assert_eq!(encoding.op as usize, index);
            for other in &encoding::ENCODINGS[..index] {
                assert!(!encoding.overlaps(other), "{} and {}", encoding.mnemonic, other.mnemonic);
            }
        }
    }

    #[test]
    fn too_few_bytes_decode_to_nothing() {
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&[0x01]), None);
        assert_eq!(decode(&[0x13, 0, 0]), None);
        assert_eq!(decode(&[0x01, 0x00]).map(|nop| (nop.op, nop.length)), Some((Op::Addi, 2)));
    }

    #[test]
    fn immediates_are_sign_extended() {
        assert_eq!(word(0xfff5_0513).unwrap().immediate, -1); // addi a0, a0, -1
        assert_eq!(word(0xfe11_3c23).unwrap().immediate, -8); // sd ra, -8(sp)
        assert_eq!(word(0xfe00_0ee3).unwrap().immediate, -4); // beq zero, zero, -4
        assert_eq!(word(0xffdf_f06f).unwrap().immediate, -4); // jal zero, -4
        assert_eq!(word(0x8000_0537).unwrap().immediate, i32::MIN); // lui a0, 0x80000
    }

    #[test]
    fn csr_fields_are_packed_into_the_immediate() {
        let read = word(0x3410_2573).unwrap(); // csrrs a0, mepc, zero
        assert_eq!((read.op, read.csr(), read.rs1), (Op::Csrrs, 0x341, 0));
        let set = word(0x0021_f073).unwrap(); // csrrci zero, frm, 3
        assert_eq!((set.op, set.csr(), set.csr_immediate(), set.rs1), (Op::Csrrci, 2, 3, 0));
    }

    #[test]
    fn reserved_encodings_decode_to_nothing() {
        for reserved in [
            0xffff_ffff,
            0x0220_951b, // slliw with a 6-bit shift amount
            0x00c5_d553, // fadd.s with rounding mode 5
            0x1015_252f, // lr.w with rs2 = 1
        ] {
            assert_eq!(word(reserved), None, "{reserved:#010x}");
        }
    }
}
