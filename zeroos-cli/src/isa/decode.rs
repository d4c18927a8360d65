//! Bits to [`Instruction`] (ISA manual, "RV32/64G Instruction Set Listings" and the "C" chapter).

mod compressed;

use super::encoding::{self, Operands};
use super::{Instruction, Op};

/// Decodes the instruction at the start of `bytes` (little-endian).
///
/// Returns `None` for a reserved or unknown encoding, or when `bytes` holds fewer than the instruction's 2 or 4 bytes.
/// Hints decode as what they expand to. The rounding modes 5 and 6 are reserved, so an operation with one is too.
#[inline]
pub fn decode(bytes: &[u8]) -> Option<Instruction> {
    let half = u16::from_le_bytes(*bytes.first_chunk()?);
    if half & 3 != 3 {
        return compressed::expand(half);
    }
    decode_word(u32::from_le_bytes(*bytes.first_chunk()?))
}

fn decode_word(word: u32) -> Option<Instruction> {
    let encoding = encoding::find(word)?;
    let layout = &LAYOUTS[encoding.operands as usize];
    let field = |low: u32| (word >> low & 0x1f) as u8;
    let instruction = Instruction {
        op: encoding.op,
        rd: field(7) & layout.rd,
        rs1: field(15) & layout.rs1,
        rs2: field(20) & layout.rs2,
        rs3: field(27) & layout.rs3,
        rounding: (word >> 12 & 7) as u8 & layout.rounding,
        length: 4,
        immediate: immediates(word)[layout.immediate as usize],
    };
    (!matches!(instruction.rounding, 5 | 6)).then_some(instruction)
}

/// Where operands lie in a word: for each field the bits of it that count.
#[derive(Clone, Copy)]
struct Layout {
    rd: u8,
    rs1: u8,
    rs2: u8,
    rs3: u8,
    rounding: u8,
    immediate: Immediate,
}

/// The ways in which a word holds an immediate.
#[derive(Clone, Copy)]
enum Immediate {
    None,
    Upper,
    Jump,
    Branch,
    Short,
    Store,
    Shift,
    Csr,
    CsrAndValue,
}

/// What the immediate of `word` is, by [`Immediate`]: all are calculated, because that takes less time than a jump to the one
/// that is needed, which no processor foresees.
#[inline]
fn immediates(word: u32) -> [i32; 9] {
    [
        0,
        (word & 0xffff_f000) as i32,
        jump_offset(word),
        branch_offset(word),
        word as i32 >> 20,
        store_offset(word),
        (word >> 20 & 0x3f) as i32,
        (word >> 20) as i32,
        (word >> 20 | (word >> 15 & 0x1f) << 12) as i32,
    ]
}

/// By [`Operands`].
static LAYOUTS: [Layout; Operands::COUNT] = {
    let mut layouts = [layout_of(Operands::None); Operands::COUNT];
    let mut row = 0;
    while row < encoding::ENCODINGS.len() {
        let operands = encoding::ENCODINGS[row].operands;
        layouts[operands as usize] = layout_of(operands);
        row += 1;
    }
    layouts
};

const fn layout_of(operands: Operands) -> Layout {
    const FIELD: u8 = 0x1f;
    const ROUNDING: u8 = 7;
    let none = Layout { rd: 0, rs1: 0, rs2: 0, rs3: 0, rounding: 0, immediate: Immediate::None };
    match operands {
        Operands::None => none,
        Operands::Upper => Layout { rd: FIELD, immediate: Immediate::Upper, ..none },
        Operands::Jump => Layout { rd: FIELD, immediate: Immediate::Jump, ..none },
        Operands::Branch => Layout { rs1: FIELD, rs2: FIELD, immediate: Immediate::Branch, ..none },
        Operands::Load | Operands::FloatLoad | Operands::Immediate => {
            Layout { rd: FIELD, rs1: FIELD, immediate: Immediate::Short, ..none }
        }
        Operands::Store | Operands::FloatStore => {
            Layout { rs1: FIELD, rs2: FIELD, immediate: Immediate::Store, ..none }
        }
        Operands::Shift => Layout { rd: FIELD, rs1: FIELD, immediate: Immediate::Shift, ..none },
        Operands::Registers | Operands::FloatRegisters | Operands::FloatCompare | Operands::Atomic => {
            Layout { rd: FIELD, rs1: FIELD, rs2: FIELD, ..none }
        }
        Operands::Unary | Operands::LoadReserved | Operands::FloatToInteger | Operands::IntegerToFloat => {
            Layout { rd: FIELD, rs1: FIELD, ..none }
        }
        Operands::Csr => Layout { rd: FIELD, rs1: FIELD, immediate: Immediate::Csr, ..none },
        Operands::CsrImmediate => Layout { rd: FIELD, immediate: Immediate::CsrAndValue, ..none },
        Operands::FloatFused => Layout { rd: FIELD, rs1: FIELD, rs2: FIELD, rs3: FIELD, rounding: ROUNDING, ..none },
        Operands::FloatRounded => Layout { rd: FIELD, rs1: FIELD, rs2: FIELD, rounding: ROUNDING, ..none },
        Operands::FloatUnaryRounded | Operands::FloatToIntegerRounded | Operands::IntegerToFloatRounded => {
            Layout { rd: FIELD, rs1: FIELD, rounding: ROUNDING, ..none }
        }
    }
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
