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

/// Code is decoded at every turn, and no processor foresees what comes next: so there are next to no jumps here. It is
/// part of each caller, so that the fields of the instruction stay in registers.
#[inline(always)]
fn decode_word(word: u32) -> Option<Instruction> {
    let row = encoding::find(word)?;
    let layout = &LAYOUTS[row.operands as usize];
    let field = |low: u32| (word >> low & 0x1f) as u8;
    let instruction = Instruction {
        op: row.op,
        rd: field(7) & layout.rd,
        rs1: field(15) & layout.rs1,
        rs2: field(20) & layout.rs2,
        rs3: field(27) & layout.rs3,
        rounding: (word >> 12 & 7) as u8 & layout.rounding,
        length: 4,
        immediate: layout.immediate.of(word),
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

/// How a word holds an immediate: all of them are pieced together in the same way.
#[derive(Clone, Copy)]
struct Immediate {
    /// The bits from this one up to bit 31, with the sign, ...
    signed_from: u8,
    /// ... go to here and above.
    signed_to: u8,
    pieces: [Piece; 3],
    /// The bits that the immediate has.
    mask: u32,
}

/// Some bits of an immediate.
#[derive(Clone, Copy)]
struct Piece {
    /// The lowest bit in the word.
    from: u8,
    /// The lowest bit in the immediate.
    to: u8,
    /// Which bits, counted from the lowest one.
    mask: u32,
}

const fn piece(from: u8, width: u32, to: u8) -> Piece {
    Piece { from, to, mask: (1 << width) - 1 }
}

impl Immediate {
    const SIGN_ALONE: Immediate = Immediate { signed_from: 31, signed_to: 31, pieces: [piece(0, 0, 0); 3], mask: !0 };
    const NONE: Immediate = Immediate { mask: 0, ..Immediate::SIGN_ALONE };
    /// `imm[31:12]` at 31:12.
    const UPPER: Immediate = Immediate { signed_from: 12, signed_to: 12, ..Immediate::SIGN_ALONE };
    /// `imm[11:0]` at 31:20.
    const SHORT: Immediate = Immediate { signed_from: 20, signed_to: 0, ..Immediate::SIGN_ALONE };
    /// `imm[11:5]` at 31:25, `imm[4:0]` at 11:7.
    const STORE: Immediate = Immediate {
        signed_from: 25,
        signed_to: 5,
        pieces: [piece(7, 5, 0), piece(0, 0, 0), piece(0, 0, 0)],
        ..Immediate::SIGN_ALONE
    };
    /// `imm[12]` at 31, `imm[10:5]` at 30:25, `imm[4:1]` at 11:8, `imm[11]` at 7.
    const BRANCH: Immediate = Immediate {
        signed_to: 12,
        pieces: [piece(25, 6, 5), piece(8, 4, 1), piece(7, 1, 11)],
        ..Immediate::SIGN_ALONE
    };
    /// `imm[20]` at 31, `imm[10:1]` at 30:21, `imm[11]` at 20, `imm[19:12]` at 19:12.
    const JUMP: Immediate = Immediate {
        signed_to: 20,
        pieces: [piece(21, 10, 1), piece(20, 1, 11), piece(12, 8, 12)],
        ..Immediate::SIGN_ALONE
    };
    /// `shamt` at 25:20.
    const SHIFT: Immediate = Immediate { mask: 0x3f, ..Immediate::SHORT };
    /// `csr` at 31:20.
    const CSR: Immediate = Immediate { mask: 0xfff, ..Immediate::SHORT };
    /// `csr` at 31:20, and `uimm` at 19:15 above it.
    const CSR_AND_VALUE: Immediate = Immediate {
        pieces: [piece(20, 12, 0), piece(15, 5, 12), piece(0, 0, 0)],
        mask: 0x1_ffff,
        ..Immediate::SIGN_ALONE
    };

    #[inline(always)]
    fn of(&self, word: u32) -> i32 {
        let signed = (word as i32 >> self.signed_from) << self.signed_to;
        let piece = |index: usize| {
            let Piece { from, to, mask } = self.pieces[index];
            (word >> from & mask) << to
        };
        ((signed as u32 | piece(0) | piece(1) | piece(2)) & self.mask) as i32
    }
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
    let none = Layout { rd: 0, rs1: 0, rs2: 0, rs3: 0, rounding: 0, immediate: Immediate::NONE };
    match operands {
        Operands::None => none,
        Operands::Upper => Layout { rd: FIELD, immediate: Immediate::UPPER, ..none },
        Operands::Jump => Layout { rd: FIELD, immediate: Immediate::JUMP, ..none },
        Operands::Branch => Layout { rs1: FIELD, rs2: FIELD, immediate: Immediate::BRANCH, ..none },
        Operands::Load | Operands::FloatLoad | Operands::Immediate => {
            Layout { rd: FIELD, rs1: FIELD, immediate: Immediate::SHORT, ..none }
        }
        Operands::Store | Operands::FloatStore => {
            Layout { rs1: FIELD, rs2: FIELD, immediate: Immediate::STORE, ..none }
        }
        Operands::Shift => Layout { rd: FIELD, rs1: FIELD, immediate: Immediate::SHIFT, ..none },
        Operands::Registers | Operands::FloatRegisters | Operands::FloatCompare | Operands::Atomic => {
            Layout { rd: FIELD, rs1: FIELD, rs2: FIELD, ..none }
        }
        Operands::Unary | Operands::LoadReserved | Operands::FloatToInteger | Operands::IntegerToFloat => {
            Layout { rd: FIELD, rs1: FIELD, ..none }
        }
        Operands::Csr => Layout { rd: FIELD, rs1: FIELD, immediate: Immediate::CSR, ..none },
        Operands::CsrImmediate => Layout { rd: FIELD, immediate: Immediate::CSR_AND_VALUE, ..none },
        Operands::FloatFused => Layout { rd: FIELD, rs1: FIELD, rs2: FIELD, rs3: FIELD, rounding: ROUNDING, ..none },
        Operands::FloatRounded => Layout { rd: FIELD, rs1: FIELD, rs2: FIELD, rounding: ROUNDING, ..none },
        Operands::FloatUnaryRounded | Operands::FloatToIntegerRounded | Operands::IntegerToFloatRounded => {
            Layout { rd: FIELD, rs1: FIELD, rounding: ROUNDING, ..none }
        }
    }
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
