//! The C extension: every 16-bit encoding to the base instruction it abbreviates (ISA manual, "C" chapter, "RVC
//! Instruction Set Listings"). RV64DC: the slots that RV32 gives to other instructions hold the RV64 ones.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::isa::{Instruction, Op};

const ZERO: u8 = 0;
const RA: u8 = 1;
const SP: u8 = 2;

/// Expands a 16-bit encoding whose two low bits are not both set; `None` when it is reserved.
///
/// Programs use few different ones, over and over: what was expanded once is looked up from then on, without the many
/// jumps, which no processor foresees.
#[inline(always)]
pub(super) fn expand(half: u16) -> Option<Instruction> {
    let place = &EXPANSIONS[usize::from(half.rotate_right(2))];
    let packed = match place.load(Ordering::Relaxed) {
        Packed::UNKNOWN => Packed::remembered(half, place),
        packed => Packed(packed),
    };
    packed.instruction()
}

/// By encoding, its two low bits on top, the [`Packed`] expansion. Whoever looks one up first writes it, and writes the same
/// as anybody else would.
static EXPANSIONS: [AtomicU64; 3 << 14] = [const { AtomicU64::new(Packed::UNKNOWN) }; 3 << 14];

/// An expansion: operation, rd, rs1 and rs2 in a byte each, then the immediate.
#[derive(Clone, Copy)]
struct Packed(u64);

impl Packed {
    const UNKNOWN: u64 = 0;
    /// In the byte of rs2: there is an instruction.
    const SOME: u64 = 1 << 31;
    /// In the byte of rs2: the encoding is reserved.
    const RESERVED: u64 = 1 << 30;

    #[cold]
    fn remembered(half: u16, place: &AtomicU64) -> Packed {
        let packed = expanded(half).map_or(Packed::RESERVED, |instruction| {
            let Instruction { op, rd, rs1, rs2, immediate, .. } = instruction;
            let fields = u64::from(u32::from_le_bytes([op as u8, rd, rs1, rs2]));
            u64::from(immediate as u32) << 32 | Packed::SOME | fields
        });
        place.store(packed, Ordering::Relaxed);
        Packed(packed)
    }

    #[inline(always)]
    fn instruction(self) -> Option<Instruction> {
        let field = |low: u32| (self.0 >> low & 0x1f) as u8;
        (self.0 & Packed::RESERVED == 0).then(|| Instruction {
            op: Op::BY_NUMBER[usize::from(self.0 as u8)],
            rd: field(8),
            rs1: field(16),
            rs2: field(24),
            rs3: 0,
            rounding: 0,
            length: 2,
            immediate: (self.0 >> 32) as i32,
        })
    }
}

fn expanded(half: u16) -> Option<Instruction> {
    match (half & 3, half >> 13) {
        (0, funct3) => quadrant_0(half, funct3),
        (1, funct3) => quadrant_1(half, funct3),
        (2, funct3) => quadrant_2(half, funct3),
        _ => None,
    }
}

/// Loads and stores relative to a register of x8–x15, and `c.addi4spn`.
fn quadrant_0(half: u16, funct3: u16) -> Option<Instruction> {
    let (low, high) = (short_register(half, 2), short_register(half, 7));
    let word = bits(half, 10, 3) << 3 | bits(half, 6, 1) << 2 | bits(half, 5, 1) << 6;
    let double = bits(half, 10, 3) << 3 | bits(half, 5, 2) << 6;
    match funct3 {
        0 => {
            let size = bits(half, 11, 2) << 4 | bits(half, 7, 4) << 6 | bits(half, 6, 1) << 2 | bits(half, 5, 1) << 3;
            (size != 0).then(|| immediate(Op::Addi, low, SP, size))
        }
        1 => Some(immediate(Op::Fld, low, high, double)),
        2 => Some(immediate(Op::Lw, low, high, word)),
        3 => Some(immediate(Op::Ld, low, high, double)),
        5 => Some(store(Op::Fsd, high, low, double)),
        6 => Some(store(Op::Sw, high, low, word)),
        7 => Some(store(Op::Sd, high, low, double)),
        _ => None,
    }
}

/// Arithmetic, jumps and branches.
fn quadrant_1(half: u16, funct3: u16) -> Option<Instruction> {
    let rd = register(half, 7);
    let value = signed(bits(half, 12, 1) << 5 | bits(half, 2, 5), 6);
    match funct3 {
        0 => Some(immediate(Op::Addi, rd, rd, value)),
        1 => (rd != 0).then(|| immediate(Op::Addiw, rd, rd, value)),
        2 => Some(immediate(Op::Addi, rd, ZERO, value)),
        3 if rd == SP => {
            let size = bits(half, 12, 1) << 9
                | bits(half, 6, 1) << 4
                | bits(half, 5, 1) << 6
                | bits(half, 3, 2) << 7
                | bits(half, 2, 1) << 5;
            (size != 0).then(|| immediate(Op::Addi, SP, SP, signed(size, 10)))
        }
        3 => (value != 0).then(|| immediate(Op::Lui, rd, ZERO, value << 12)),
        4 => arithmetic(half),
        5 => Some(immediate(Op::Jal, ZERO, ZERO, jump_offset(half))),
        6 => Some(branch(Op::Beq, half)),
        _ => Some(branch(Op::Bne, half)),
    }
}

/// Quadrant 1, funct3 4: shifts and register operations on x8–x15.
fn arithmetic(half: u16) -> Option<Instruction> {
    let rd = short_register(half, 7);
    let amount = bits(half, 12, 1) << 5 | bits(half, 2, 5);
    let op = match (bits(half, 10, 2), bits(half, 12, 1), bits(half, 5, 2)) {
        (0, ..) => return Some(immediate(Op::Srli, rd, rd, amount)),
        (1, ..) => return Some(immediate(Op::Srai, rd, rd, amount)),
        (2, ..) => return Some(immediate(Op::Andi, rd, rd, signed(amount, 6))),
        (_, 0, 0) => Op::Sub,
        (_, 0, 1) => Op::Xor,
        (_, 0, 2) => Op::Or,
        (_, 0, _) => Op::And,
        (_, _, 0) => Op::Subw,
        (_, _, 1) => Op::Addw,
        _ => return None,
    };
    Some(registers(op, rd, rd, short_register(half, 2)))
}

/// Loads and stores relative to the stack pointer, `c.slli`, and the full-register moves and jumps.
fn quadrant_2(half: u16, funct3: u16) -> Option<Instruction> {
    let (rd, rs2) = (register(half, 7), register(half, 2));
    let load_word = bits(half, 12, 1) << 5 | bits(half, 4, 3) << 2 | bits(half, 2, 2) << 6;
    let load_double = bits(half, 12, 1) << 5 | bits(half, 5, 2) << 3 | bits(half, 2, 3) << 6;
    let store_word = bits(half, 9, 4) << 2 | bits(half, 7, 2) << 6;
    let store_double = bits(half, 10, 3) << 3 | bits(half, 7, 3) << 6;
    match funct3 {
        0 => Some(immediate(Op::Slli, rd, rd, bits(half, 12, 1) << 5 | bits(half, 2, 5))),
        1 => Some(immediate(Op::Fld, rd, SP, load_double)),
        2 => (rd != 0).then(|| immediate(Op::Lw, rd, SP, load_word)),
        3 => (rd != 0).then(|| immediate(Op::Ld, rd, SP, load_double)),
        4 => match (bits(half, 12, 1), rd, rs2) {
            (0, 0, 0) => None,
            (0, _, 0) => Some(immediate(Op::Jalr, ZERO, rd, 0)),
            (0, ..) => Some(registers(Op::Add, rd, ZERO, rs2)),
            (_, 0, 0) => Some(registers(Op::Ebreak, 0, 0, 0)),
            (_, _, 0) => Some(immediate(Op::Jalr, RA, rd, 0)),
            _ => Some(registers(Op::Add, rd, rd, rs2)),
        },
        5 => Some(store(Op::Fsd, SP, rs2, store_double)),
        6 => Some(store(Op::Sw, SP, rs2, store_word)),
        _ => Some(store(Op::Sd, SP, rs2, store_double)),
    }
}

/// `imm[11|4|9:8|10|6|7|3:1|5]` from bit 12 down.
fn jump_offset(half: u16) -> i32 {
    let offset = bits(half, 12, 1) << 11
        | bits(half, 11, 1) << 4
        | bits(half, 9, 2) << 8
        | bits(half, 8, 1) << 10
        | bits(half, 7, 1) << 6
        | bits(half, 6, 1) << 7
        | bits(half, 3, 3) << 1
        | bits(half, 2, 1) << 5;
    signed(offset, 12)
}

/// `c.beqz` and `c.bnez`: `imm[8|4:3]` at 12:10, `imm[7:6|2:1|5]` at 6:2.
fn branch(op: Op, half: u16) -> Instruction {
    let offset = bits(half, 12, 1) << 8
        | bits(half, 10, 2) << 3
        | bits(half, 5, 2) << 6
        | bits(half, 3, 2) << 1
        | bits(half, 2, 1) << 5;
    Instruction { immediate: signed(offset, 9), ..registers(op, 0, short_register(half, 7), ZERO) }
}

/// The `width` bits from bit `low` up.
fn bits(half: u16, low: u16, width: u16) -> i32 {
    i32::from(half >> low & ((1 << width) - 1))
}

/// The low `width` bits of `value`, sign-extended.
fn signed(value: i32, width: u32) -> i32 {
    value << (32 - width) >> (32 - width)
}

/// A 5-bit register field.
fn register(half: u16, low: u16) -> u8 {
    (half >> low & 0x1f) as u8
}

/// A 3-bit register field: x8–x15.
fn short_register(half: u16, low: u16) -> u8 {
    (half >> low & 7) as u8 + 8
}

fn registers(op: Op, rd: u8, rs1: u8, rs2: u8) -> Instruction {
    Instruction { op, rd, rs1, rs2, rs3: 0, rounding: 0, length: 2, immediate: 0 }
}

fn immediate(op: Op, rd: u8, rs1: u8, immediate: i32) -> Instruction {
    Instruction { immediate, ..registers(op, rd, rs1, 0) }
}

fn store(op: Op, rs1: u8, rs2: u8, immediate: i32) -> Instruction {
    Instruction { immediate, ..registers(op, 0, rs1, rs2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_encodings_expand_to_nothing() {
        for (reserved, why) in [
            (0x0000, "all zero"),
            (0x0004, "c.addi4spn of 0"),
            (0x8000, "quadrant 0, funct3 4"),
            (0x2001, "c.addiw to x0"),
            (0x6101, "c.addi16sp of 0"),
            (0x6081, "c.lui of 0"),
            (0x9c41, "beside c.addw"),
            (0x9c61, "beside c.addw"),
            (0x4002, "c.lwsp to x0"),
            (0x6002, "c.ldsp to x0"),
            (0x8002, "c.jr through x0"),
        ] {
            assert_eq!(expand(reserved), None, "{reserved:#06x}: {why}");
        }
    }

    #[test]
    fn hints_expand_to_their_base_instruction() {
        assert_eq!(expand(0x0005), Some(immediate(Op::Addi, 0, 0, 1))); // c.nop 1
        assert_eq!(expand(0x4005), Some(immediate(Op::Addi, 0, 0, 1))); // c.li zero, 1
        assert_eq!(expand(0x6005), Some(immediate(Op::Lui, 0, 0, 0x1000))); // c.lui zero, 1
        assert_eq!(expand(0x800a), Some(registers(Op::Add, 0, 0, 2))); // c.mv zero, sp
    }

    #[test]
    fn jumps_and_the_stack_adjustment_are_signed() {
        assert_eq!(expand(0xbffd), Some(immediate(Op::Jal, 0, 0, -2))); // c.j -2
        assert_eq!(expand(0x7139), Some(immediate(Op::Addi, 2, 2, -64))); // c.addi16sp -64
        assert_eq!(expand(0xd8f5).map(|branch| branch.immediate), Some(-12)); // c.beqz s1, -12
    }
}
