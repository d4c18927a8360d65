//! The rows of the encoding table, and one constructor for each way in which an instruction fixes its bits.

use super::{Encoding, Operands, Operands as O};
use crate::isa::Op;

// Major opcodes (ISA manual, "RISC-V base opcode map").
const LOAD: u32 = 0x03;
const LOAD_FP: u32 = 0x07;
const MISC_MEM: u32 = 0x0f;
const OP_IMM: u32 = 0x13;
const AUIPC: u32 = 0x17;
const OP_IMM_32: u32 = 0x1b;
const STORE: u32 = 0x23;
const STORE_FP: u32 = 0x27;
const AMO: u32 = 0x2f;
const OP: u32 = 0x33;
const LUI: u32 = 0x37;
const OP_32: u32 = 0x3b;
const MADD: u32 = 0x43;
const MSUB: u32 = 0x47;
const NMSUB: u32 = 0x4b;
const NMADD: u32 = 0x4f;
const OP_FP: u32 = 0x53;
const BRANCH: u32 = 0x63;
const JALR: u32 = 0x67;
const JAL: u32 = 0x6f;
const SYSTEM: u32 = 0x73;

/// Only the opcode is fixed.
const fn opcode(op: Op, mnemonic: &'static str, operands: Operands, opcode: u32) -> Encoding {
    Encoding { op, mnemonic, operands, mask: 0x7f, bits: opcode }
}

/// Opcode and funct3 are fixed.
const fn funct3(op: Op, mnemonic: &'static str, operands: Operands, opcode: u32, funct3: u32) -> Encoding {
    Encoding { op, mnemonic, operands, mask: 0x707f, bits: opcode | funct3 << 12 }
}

/// Opcode, funct3 and funct7 are fixed: three-register operations and 5-bit shifts.
const fn funct7(op: Op, mnemonic: &'static str, operands: Operands, opcode: u32, funct3: u32, funct7: u32) -> Encoding {
    Encoding { op, mnemonic, operands, mask: 0xfe00_707f, bits: opcode | funct3 << 12 | funct7 << 25 }
}

/// `rd, rs1, rs2`.
const fn registers(op: Op, mnemonic: &'static str, major: u32, f3: u32, f7: u32) -> Encoding {
    funct7(op, mnemonic, Operands::Registers, major, f3, f7)
}

/// `rd, rs1, shamt` with a 6-bit shift amount: the upper six bits are fixed.
const fn shift(op: Op, mnemonic: &'static str, major: u32, f3: u32, funct6: u32) -> Encoding {
    Encoding { op, mnemonic, operands: Operands::Shift, mask: 0xfc00_707f, bits: major | f3 << 12 | funct6 << 26 }
}

/// `rd, rs1`: the upper twelve bits are fixed.
const fn unary(op: Op, mnemonic: &'static str, major: u32, f3: u32, funct12: u32) -> Encoding {
    Encoding { op, mnemonic, operands: Operands::Unary, mask: 0xfff0_707f, bits: major | f3 << 12 | funct12 << 20 }
}

/// Every bit is fixed.
const fn exactly(op: Op, mnemonic: &'static str, bits: u32) -> Encoding {
    Encoding { op, mnemonic, operands: Operands::None, mask: !0, bits }
}

/// `rd, rs2, (rs1)`: the acquire and release bits are free.
const fn atomic(op: Op, mnemonic: &'static str, width: u32, funct5: u32) -> Encoding {
    let bits = AMO | width << 12 | funct5 << 27;
    Encoding { op, mnemonic, operands: Operands::Atomic, mask: 0xf800_707f, bits }
}

/// `rd, (rs1)`: as [`atomic`], with rs2 fixed at 0.
const fn load_reserved(op: Op, mnemonic: &'static str, width: u32) -> Encoding {
    let bits = AMO | width << 12 | 2 << 27;
    Encoding { op, mnemonic, operands: Operands::LoadReserved, mask: 0xf9f0_707f, bits }
}

/// The four fused multiply-adds: opcode and format (0 single, 1 double) are fixed.
const fn fused(op: Op, mnemonic: &'static str, opcode: u32, format: u32) -> Encoding {
    Encoding { op, mnemonic, operands: Operands::FloatFused, mask: 0x0600_007f, bits: opcode | format << 25 }
}

/// `fd, fs1, fs2, rm`.
const fn rounded(op: Op, mnemonic: &'static str, f7: u32) -> Encoding {
    Encoding { op, mnemonic, operands: Operands::FloatRounded, mask: 0xfe00_007f, bits: OP_FP | f7 << 25 }
}

/// One source and a rounding mode: rs2 selects the conversion.
const fn converted(op: Op, mnemonic: &'static str, operands: Operands, f7: u32, rs2: u32) -> Encoding {
    Encoding { op, mnemonic, operands, mask: 0xfff0_007f, bits: OP_FP | rs2 << 20 | f7 << 25 }
}

/// One source, no rounding: rs2 is 0 and funct3 selects.
const fn moved(op: Op, mnemonic: &'static str, operands: Operands, f7: u32, f3: u32) -> Encoding {
    Encoding { op, mnemonic, operands, mask: 0xfff0_707f, bits: OP_FP | f3 << 12 | f7 << 25 }
}

/// The table, in the order of [`Op`].
#[rustfmt::skip]
pub(in crate::isa) static ENCODINGS: [Encoding; 198] = [
    opcode(Op::Lui, "lui", O::Upper, LUI),
    opcode(Op::Auipc, "auipc", O::Upper, AUIPC),
    opcode(Op::Jal, "jal", O::Jump, JAL),
    funct3(Op::Jalr, "jalr", O::Load, JALR, 0),
    funct3(Op::Beq, "beq", O::Branch, BRANCH, 0),
    funct3(Op::Bne, "bne", O::Branch, BRANCH, 1),
    funct3(Op::Blt, "blt", O::Branch, BRANCH, 4),
    funct3(Op::Bge, "bge", O::Branch, BRANCH, 5),
    funct3(Op::Bltu, "bltu", O::Branch, BRANCH, 6),
    funct3(Op::Bgeu, "bgeu", O::Branch, BRANCH, 7),
    funct3(Op::Lb, "lb", O::Load, LOAD, 0),
    funct3(Op::Lh, "lh", O::Load, LOAD, 1),
    funct3(Op::Lw, "lw", O::Load, LOAD, 2),
    funct3(Op::Ld, "ld", O::Load, LOAD, 3),
    funct3(Op::Lbu, "lbu", O::Load, LOAD, 4),
    funct3(Op::Lhu, "lhu", O::Load, LOAD, 5),
    funct3(Op::Lwu, "lwu", O::Load, LOAD, 6),
    funct3(Op::Sb, "sb", O::Store, STORE, 0),
    funct3(Op::Sh, "sh", O::Store, STORE, 1),
    funct3(Op::Sw, "sw", O::Store, STORE, 2),
    funct3(Op::Sd, "sd", O::Store, STORE, 3),
    funct3(Op::Addi, "addi", O::Immediate, OP_IMM, 0),
    funct3(Op::Slti, "slti", O::Immediate, OP_IMM, 2),
    funct3(Op::Sltiu, "sltiu", O::Immediate, OP_IMM, 3),
    funct3(Op::Xori, "xori", O::Immediate, OP_IMM, 4),
    funct3(Op::Ori, "ori", O::Immediate, OP_IMM, 6),
    funct3(Op::Andi, "andi", O::Immediate, OP_IMM, 7),
    shift(Op::Slli, "slli", OP_IMM, 1, 0x00),
    shift(Op::Srli, "srli", OP_IMM, 5, 0x00),
    shift(Op::Srai, "srai", OP_IMM, 5, 0x10),
    funct3(Op::Addiw, "addiw", O::Immediate, OP_IMM_32, 0),
    funct7(Op::Slliw, "slliw", O::Shift, OP_IMM_32, 1, 0x00),
    funct7(Op::Srliw, "srliw", O::Shift, OP_IMM_32, 5, 0x00),
    funct7(Op::Sraiw, "sraiw", O::Shift, OP_IMM_32, 5, 0x20),
    registers(Op::Add, "add", OP, 0, 0x00),
    registers(Op::Sub, "sub", OP, 0, 0x20),
    registers(Op::Sll, "sll", OP, 1, 0x00),
    registers(Op::Slt, "slt", OP, 2, 0x00),
    registers(Op::Sltu, "sltu", OP, 3, 0x00),
    registers(Op::Xor, "xor", OP, 4, 0x00),
    registers(Op::Srl, "srl", OP, 5, 0x00),
    registers(Op::Sra, "sra", OP, 5, 0x20),
    registers(Op::Or, "or", OP, 6, 0x00),
    registers(Op::And, "and", OP, 7, 0x00),
    registers(Op::Addw, "addw", OP_32, 0, 0x00),
    registers(Op::Subw, "subw", OP_32, 0, 0x20),
    registers(Op::Sllw, "sllw", OP_32, 1, 0x00),
    registers(Op::Srlw, "srlw", OP_32, 5, 0x00),
    registers(Op::Sraw, "sraw", OP_32, 5, 0x20),
    funct3(Op::Fence, "fence", O::None, MISC_MEM, 0),
    funct3(Op::FenceI, "fence.i", O::None, MISC_MEM, 1),
    exactly(Op::Ecall, "ecall", 0x0000_0073),
    exactly(Op::Ebreak, "ebreak", 0x0010_0073),
    funct3(Op::Csrrw, "csrrw", O::Csr, SYSTEM, 1),
    funct3(Op::Csrrs, "csrrs", O::Csr, SYSTEM, 2),
    funct3(Op::Csrrc, "csrrc", O::Csr, SYSTEM, 3),
    funct3(Op::Csrrwi, "csrrwi", O::CsrImmediate, SYSTEM, 5),
    funct3(Op::Csrrsi, "csrrsi", O::CsrImmediate, SYSTEM, 6),
    funct3(Op::Csrrci, "csrrci", O::CsrImmediate, SYSTEM, 7),
    exactly(Op::Mret, "mret", 0x3020_0073),
    exactly(Op::Wfi, "wfi", 0x1050_0073),
    registers(Op::Mul, "mul", OP, 0, 0x01),
    registers(Op::Mulh, "mulh", OP, 1, 0x01),
    registers(Op::Mulhsu, "mulhsu", OP, 2, 0x01),
    registers(Op::Mulhu, "mulhu", OP, 3, 0x01),
    registers(Op::Div, "div", OP, 4, 0x01),
    registers(Op::Divu, "divu", OP, 5, 0x01),
    registers(Op::Rem, "rem", OP, 6, 0x01),
    registers(Op::Remu, "remu", OP, 7, 0x01),
    registers(Op::Mulw, "mulw", OP_32, 0, 0x01),
    registers(Op::Divw, "divw", OP_32, 4, 0x01),
    registers(Op::Divuw, "divuw", OP_32, 5, 0x01),
    registers(Op::Remw, "remw", OP_32, 6, 0x01),
    registers(Op::Remuw, "remuw", OP_32, 7, 0x01),
    load_reserved(Op::LrW, "lr.w", 2),
    atomic(Op::ScW, "sc.w", 2, 0x03),
    atomic(Op::AmoswapW, "amoswap.w", 2, 0x01),
    atomic(Op::AmoaddW, "amoadd.w", 2, 0x00),
    atomic(Op::AmoxorW, "amoxor.w", 2, 0x04),
    atomic(Op::AmoandW, "amoand.w", 2, 0x0c),
    atomic(Op::AmoorW, "amoor.w", 2, 0x08),
    atomic(Op::AmominW, "amomin.w", 2, 0x10),
    atomic(Op::AmomaxW, "amomax.w", 2, 0x14),
    atomic(Op::AmominuW, "amominu.w", 2, 0x18),
    atomic(Op::AmomaxuW, "amomaxu.w", 2, 0x1c),
    load_reserved(Op::LrD, "lr.d", 3),
    atomic(Op::ScD, "sc.d", 3, 0x03),
    atomic(Op::AmoswapD, "amoswap.d", 3, 0x01),
    atomic(Op::AmoaddD, "amoadd.d", 3, 0x00),
    atomic(Op::AmoxorD, "amoxor.d", 3, 0x04),
    atomic(Op::AmoandD, "amoand.d", 3, 0x0c),
    atomic(Op::AmoorD, "amoor.d", 3, 0x08),
    atomic(Op::AmominD, "amomin.d", 3, 0x10),
    atomic(Op::AmomaxD, "amomax.d", 3, 0x14),
    atomic(Op::AmominuD, "amominu.d", 3, 0x18),
    atomic(Op::AmomaxuD, "amomaxu.d", 3, 0x1c),
    funct3(Op::Flw, "flw", O::FloatLoad, LOAD_FP, 2),
    funct3(Op::Fsw, "fsw", O::FloatStore, STORE_FP, 2),
    fused(Op::FmaddS, "fmadd.s", MADD, 0),
    fused(Op::FmsubS, "fmsub.s", MSUB, 0),
    fused(Op::FnmsubS, "fnmsub.s", NMSUB, 0),
    fused(Op::FnmaddS, "fnmadd.s", NMADD, 0),
    rounded(Op::FaddS, "fadd.s", 0x00),
    rounded(Op::FsubS, "fsub.s", 0x04),
    rounded(Op::FmulS, "fmul.s", 0x08),
    rounded(Op::FdivS, "fdiv.s", 0x0c),
    converted(Op::FsqrtS, "fsqrt.s", O::FloatUnaryRounded, 0x2c, 0),
    funct7(Op::FsgnjS, "fsgnj.s", O::FloatRegisters, OP_FP, 0, 0x10),
    funct7(Op::FsgnjnS, "fsgnjn.s", O::FloatRegisters, OP_FP, 1, 0x10),
    funct7(Op::FsgnjxS, "fsgnjx.s", O::FloatRegisters, OP_FP, 2, 0x10),
    funct7(Op::FminS, "fmin.s", O::FloatRegisters, OP_FP, 0, 0x14),
    funct7(Op::FmaxS, "fmax.s", O::FloatRegisters, OP_FP, 1, 0x14),
    funct7(Op::FeqS, "feq.s", O::FloatCompare, OP_FP, 2, 0x50),
    funct7(Op::FltS, "flt.s", O::FloatCompare, OP_FP, 1, 0x50),
    funct7(Op::FleS, "fle.s", O::FloatCompare, OP_FP, 0, 0x50),
    moved(Op::FclassS, "fclass.s", O::FloatToInteger, 0x70, 1),
    converted(Op::FcvtWS, "fcvt.w.s", O::FloatToIntegerRounded, 0x60, 0),
    converted(Op::FcvtWuS, "fcvt.wu.s", O::FloatToIntegerRounded, 0x60, 1),
    converted(Op::FcvtLS, "fcvt.l.s", O::FloatToIntegerRounded, 0x60, 2),
    converted(Op::FcvtLuS, "fcvt.lu.s", O::FloatToIntegerRounded, 0x60, 3),
    converted(Op::FcvtSW, "fcvt.s.w", O::IntegerToFloatRounded, 0x68, 0),
    converted(Op::FcvtSWu, "fcvt.s.wu", O::IntegerToFloatRounded, 0x68, 1),
    converted(Op::FcvtSL, "fcvt.s.l", O::IntegerToFloatRounded, 0x68, 2),
    converted(Op::FcvtSLu, "fcvt.s.lu", O::IntegerToFloatRounded, 0x68, 3),
    moved(Op::FmvXW, "fmv.x.w", O::FloatToInteger, 0x70, 0),
    moved(Op::FmvWX, "fmv.w.x", O::IntegerToFloat, 0x78, 0),
    funct3(Op::Fld, "fld", O::FloatLoad, LOAD_FP, 3),
    funct3(Op::Fsd, "fsd", O::FloatStore, STORE_FP, 3),
    fused(Op::FmaddD, "fmadd.d", MADD, 1),
    fused(Op::FmsubD, "fmsub.d", MSUB, 1),
    fused(Op::FnmsubD, "fnmsub.d", NMSUB, 1),
    fused(Op::FnmaddD, "fnmadd.d", NMADD, 1),
    rounded(Op::FaddD, "fadd.d", 0x01),
    rounded(Op::FsubD, "fsub.d", 0x05),
    rounded(Op::FmulD, "fmul.d", 0x09),
    rounded(Op::FdivD, "fdiv.d", 0x0d),
    converted(Op::FsqrtD, "fsqrt.d", O::FloatUnaryRounded, 0x2d, 0),
    funct7(Op::FsgnjD, "fsgnj.d", O::FloatRegisters, OP_FP, 0, 0x11),
    funct7(Op::FsgnjnD, "fsgnjn.d", O::FloatRegisters, OP_FP, 1, 0x11),
    funct7(Op::FsgnjxD, "fsgnjx.d", O::FloatRegisters, OP_FP, 2, 0x11),
    funct7(Op::FminD, "fmin.d", O::FloatRegisters, OP_FP, 0, 0x15),
    funct7(Op::FmaxD, "fmax.d", O::FloatRegisters, OP_FP, 1, 0x15),
    funct7(Op::FeqD, "feq.d", O::FloatCompare, OP_FP, 2, 0x51),
    funct7(Op::FltD, "flt.d", O::FloatCompare, OP_FP, 1, 0x51),
    funct7(Op::FleD, "fle.d", O::FloatCompare, OP_FP, 0, 0x51),
    moved(Op::FclassD, "fclass.d", O::FloatToInteger, 0x71, 1),
    converted(Op::FcvtWD, "fcvt.w.d", O::FloatToIntegerRounded, 0x61, 0),
    converted(Op::FcvtWuD, "fcvt.wu.d", O::FloatToIntegerRounded, 0x61, 1),
    converted(Op::FcvtLD, "fcvt.l.d", O::FloatToIntegerRounded, 0x61, 2),
    converted(Op::FcvtLuD, "fcvt.lu.d", O::FloatToIntegerRounded, 0x61, 3),
    converted(Op::FcvtDW, "fcvt.d.w", O::IntegerToFloatRounded, 0x69, 0),
    converted(Op::FcvtDWu, "fcvt.d.wu", O::IntegerToFloatRounded, 0x69, 1),
    converted(Op::FcvtDL, "fcvt.d.l", O::IntegerToFloatRounded, 0x69, 2),
    converted(Op::FcvtDLu, "fcvt.d.lu", O::IntegerToFloatRounded, 0x69, 3),
    converted(Op::FcvtSD, "fcvt.s.d", O::FloatUnaryRounded, 0x20, 1),
    converted(Op::FcvtDS, "fcvt.d.s", O::FloatUnaryRounded, 0x21, 0),
    moved(Op::FmvXD, "fmv.x.d", O::FloatToInteger, 0x71, 0),
    moved(Op::FmvDX, "fmv.d.x", O::IntegerToFloat, 0x79, 0),
    registers(Op::AddUw, "add.uw", OP_32, 0, 0x04),
    registers(Op::Sh1add, "sh1add", OP, 2, 0x10),
    registers(Op::Sh2add, "sh2add", OP, 4, 0x10),
    registers(Op::Sh3add, "sh3add", OP, 6, 0x10),
    registers(Op::Sh1addUw, "sh1add.uw", OP_32, 2, 0x10),
    registers(Op::Sh2addUw, "sh2add.uw", OP_32, 4, 0x10),
    registers(Op::Sh3addUw, "sh3add.uw", OP_32, 6, 0x10),
    shift(Op::SlliUw, "slli.uw", OP_IMM_32, 1, 0x02),
    registers(Op::Andn, "andn", OP, 7, 0x20),
    registers(Op::Orn, "orn", OP, 6, 0x20),
    registers(Op::Xnor, "xnor", OP, 4, 0x20),
    unary(Op::Clz, "clz", OP_IMM, 1, 0x600),
    unary(Op::Clzw, "clzw", OP_IMM_32, 1, 0x600),
    unary(Op::Ctz, "ctz", OP_IMM, 1, 0x601),
    unary(Op::Ctzw, "ctzw", OP_IMM_32, 1, 0x601),
    unary(Op::Cpop, "cpop", OP_IMM, 1, 0x602),
    unary(Op::Cpopw, "cpopw", OP_IMM_32, 1, 0x602),
    registers(Op::Max, "max", OP, 6, 0x05),
    registers(Op::Maxu, "maxu", OP, 7, 0x05),
    registers(Op::Min, "min", OP, 4, 0x05),
    registers(Op::Minu, "minu", OP, 5, 0x05),
    unary(Op::SextB, "sext.b", OP_IMM, 1, 0x604),
    unary(Op::SextH, "sext.h", OP_IMM, 1, 0x605),
    unary(Op::ZextH, "zext.h", OP_32, 4, 0x080),
    registers(Op::Rol, "rol", OP, 1, 0x30),
    registers(Op::Rolw, "rolw", OP_32, 1, 0x30),
    registers(Op::Ror, "ror", OP, 5, 0x30),
    shift(Op::Rori, "rori", OP_IMM, 5, 0x18),
    funct7(Op::Roriw, "roriw", O::Shift, OP_IMM_32, 5, 0x30),
    registers(Op::Rorw, "rorw", OP_32, 5, 0x30),
    unary(Op::OrcB, "orc.b", OP_IMM, 5, 0x287),
    unary(Op::Rev8, "rev8", OP_IMM, 5, 0x6b8),
    registers(Op::Bclr, "bclr", OP, 1, 0x24),
    shift(Op::Bclri, "bclri", OP_IMM, 1, 0x12),
    registers(Op::Bext, "bext", OP, 5, 0x24),
    shift(Op::Bexti, "bexti", OP_IMM, 5, 0x12),
    registers(Op::Binv, "binv", OP, 1, 0x34),
    shift(Op::Binvi, "binvi", OP_IMM, 1, 0x1a),
    registers(Op::Bset, "bset", OP, 1, 0x14),
    shift(Op::Bseti, "bseti", OP_IMM, 1, 0x0a),
];

const _: () = assert!(ENCODINGS.len() == Op::Bseti as usize + 1);
