//! The table of 32-bit encodings: one row for each [`Op`], in the order of the enum, with its mnemonic, its operands
//! and the bits that tell it from all others (ISA manual, "RV32/64G Instruction Set Listings"; bit-manipulation
//! chapter for Zba, Zbb and Zbs). The decoder, the register effects and the printed form all read it.

mod table;

use super::Op;
pub(super) use table::ENCODINGS;

/// Which operands an instruction has, where they lie, and in which order assembly writes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operands {
    /// Nothing (also the fences, whose ordering bits one hart can ignore).
    None,
    /// `rd, imm20`: the U format.
    Upper,
    /// `rd, offset`: the J format.
    Jump,
    /// `rs1, rs2, offset`: the B format.
    Branch,
    /// `rd, imm(rs1)`: loads and `jalr`.
    Load,
    /// `rs2, imm(rs1)`: the S format.
    Store,
    /// `rd, rs1, imm`: the I format.
    Immediate,
    /// `rd, rs1, shamt` with a 6-bit shift amount (the 5-bit one of the W forms is the same field, bit 5 fixed at 0).
    Shift,
    /// `rd, rs1, rs2`.
    Registers,
    /// `rd, rs1`.
    Unary,
    /// `rd, csr, rs1`.
    Csr,
    /// `rd, csr, uimm`.
    CsrImmediate,
    /// `rd, (rs1)`.
    LoadReserved,
    /// `rd, rs2, (rs1)`.
    Atomic,
    /// `fd, imm(rs1)`.
    FloatLoad,
    /// `fs2, imm(rs1)`.
    FloatStore,
    /// `fd, fs1, fs2, fs3, rm`.
    FloatFused,
    /// `fd, fs1, fs2, rm`.
    FloatRounded,
    /// `fd, fs1, rm`.
    FloatUnaryRounded,
    /// `fd, fs1, fs2`.
    FloatRegisters,
    /// `rd, fs1, fs2`.
    FloatCompare,
    /// `rd, fs1`.
    FloatToInteger,
    /// `rd, fs1, rm`.
    FloatToIntegerRounded,
    /// `fd, rs1`.
    IntegerToFloat,
    /// `fd, rs1, rm`.
    IntegerToFloatRounded,
}

impl Operands {
    /// How many ways there are.
    pub(super) const COUNT: usize = Operands::IntegerToFloatRounded as usize + 1;
}

/// One row of the table.
#[derive(Clone, Copy)]
pub(super) struct Encoding {
    pub(super) op: Op,
    pub(super) mnemonic: &'static str,
    pub(super) operands: Operands,
    /// The bits that are the same in every instance of the instruction.
    mask: u32,
    /// Their values.
    pub(super) bits: u32,
}

#[cfg(test)]
impl Encoding {
    /// Whether some word is an instance of both.
    pub(super) fn overlaps(&self, other: &Encoding) -> bool {
        (self.bits ^ other.bits) & self.mask & other.mask == 0
    }
}

/// The row of `op`.
pub(super) fn encoding_of(op: Op) -> &'static Encoding {
    &ENCODINGS[op as usize]
}

/// What a look-up needs of a row of the table.
#[derive(Clone, Copy)]
pub(super) struct Row {
    mask: u32,
    bits: u32,
    pub(super) op: Op,
    pub(super) operands: Operands,
    /// Whether no other row of its group is left.
    is_last: bool,
}

/// The row that `word` is an instance of: mostly the first one of its group.
#[inline(always)]
pub(super) fn find(word: u32) -> Option<&'static Row> {
    let mut index = usize::from(GROUPS.starts[group_of(word)]);
    loop {
        let row = &GROUPS.rows[index];
        if word & row.mask == row.bits {
            return Some(row);
        }
        if row.is_last {
            return None;
        }
        index += 1;
    }
}

/// How many groups there are: five bits of major opcode (6:2) and three of bits 14:12.
const GROUP_COUNT: usize = 1 << 8;

const fn group_of(word: u32) -> usize {
    ((word >> 2 & 0x1f) << 3 | word >> 12 & 7) as usize
}

/// The table's rows by group, so that a look-up compares with few of them. A row that leaves bits 14:12 open is in
/// eight groups.
struct Groups {
    rows: [Row; 4 * ENCODINGS.len()],
    starts: [u16; GROUP_COUNT],
}

/// Is nothing's, and the last one.
const NO_ROW: Row = Row { mask: 0, bits: 1, op: Op::Lui, operands: Operands::None, is_last: true };

static GROUPS: Groups = group_rows();

const fn group_rows() -> Groups {
    let mut groups = Groups { rows: [NO_ROW; 4 * ENCODINGS.len()], starts: [0; GROUP_COUNT] };
    // The first one is for groups without any.
    let mut filled = 1;
    let mut group = 0;
    while group < GROUP_COUNT {
        let start = filled;
        let mut row = 0;
        while row < ENCODINGS.len() {
            let Encoding { op, operands, mask, bits, .. } = ENCODINGS[row];
            let fixed = group_of(mask);
            if group & fixed == group_of(bits) & fixed {
                groups.rows[filled] = Row { mask, bits, op, operands, is_last: false };
                filled += 1;
            }
            row += 1;
        }
        if filled > start {
            groups.starts[group] = start as u16;
            groups.rows[filled - 1].is_last = true;
        }
        group += 1;
    }
    groups
}

impl Op {
    /// Every operation, in the order of the enum, and then anything.
    pub(super) const BY_NUMBER: &[Op; 256] = &{
        let mut all = [Op::Lui; 256];
        let mut row = 0;
        while row < ENCODINGS.len() {
            all[row] = ENCODINGS[row].op;
            row += 1;
        }
        all
    };
}
