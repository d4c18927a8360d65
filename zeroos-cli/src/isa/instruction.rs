//! One decoded instruction. A compressed instruction decodes to the base operation it abbreviates (ISA manual,
//! "C" chapter: "each RVC instruction expands into a single 32-bit instruction"), with `length` 2.

use super::Register;

/// A decoded instruction: the operation, its register fields as raw numbers, and its immediate.
///
/// Which file `rd`, `rs1`, `rs2` and `rs3` index (integer or floating point) is a property of `op`; fields that `op`
/// does not have are 0. 12 bytes, so that a machine can keep one for every halfword of code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Destination register number.
    pub rd: u8,
    /// First source register number.
    pub rs1: u8,
    /// Second source register number.
    pub rs2: u8,
    /// Third source register number (fused multiply-add only).
    pub rs3: u8,
    /// Rounding-mode field of floating-point operations (0–4, 7 = dynamic); `fence`'s and the atomics' ordering bits
    /// are dropped, one hart needs none.
    pub rounding: u8,
    /// Length in bytes: 2 or 4.
    pub length: u8,
    /// Sign-extended immediate: an offset in bytes for loads, stores, branches and jumps; the value to add for
    /// `lui`/`auipc` (already shifted left by 12); the shift amount; for CSR operations `csr | uimm << 12` (`uimm` is
    /// the 5-bit immediate of the `…i` forms, which have `rs1` 0).
    pub immediate: i32,
}

impl Instruction {
    /// `rd` as an integer register.
    pub fn rd(&self) -> Register {
        Register::new(self.rd)
    }

    /// `rs1` as an integer register.
    pub fn rs1(&self) -> Register {
        Register::new(self.rs1)
    }

    /// `rs2` as an integer register.
    pub fn rs2(&self) -> Register {
        Register::new(self.rs2)
    }

    /// The CSR number of a CSR operation.
    pub fn csr(&self) -> u16 {
        (self.immediate & 0xfff) as u16
    }

    /// The 5-bit immediate of `csrrwi`, `csrrsi` and `csrrci`.
    pub fn csr_immediate(&self) -> u64 {
        (self.immediate >> 12 & 0x1f) as u64
    }
}

/// Every operation that the decoder knows, by its assembler mnemonic.
#[rustfmt::skip]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs)] // the mnemonics are the ISA manual's
pub enum Op {
    // RV64I
    Lui, Auipc, Jal, Jalr,
    Beq, Bne, Blt, Bge, Bltu, Bgeu,
    Lb, Lh, Lw, Ld, Lbu, Lhu, Lwu, Sb, Sh, Sw, Sd,
    Addi, Slti, Sltiu, Xori, Ori, Andi, Slli, Srli, Srai, Addiw, Slliw, Srliw, Sraiw,
    Add, Sub, Sll, Slt, Sltu, Xor, Srl, Sra, Or, And, Addw, Subw, Sllw, Srlw, Sraw,
    Fence, FenceI, Ecall, Ebreak,
    // Zicsr and the privileged instructions of machine mode
    Csrrw, Csrrs, Csrrc, Csrrwi, Csrrsi, Csrrci, Mret, Wfi,
    // M
    Mul, Mulh, Mulhsu, Mulhu, Div, Divu, Rem, Remu, Mulw, Divw, Divuw, Remw, Remuw,
    // A
    LrW, ScW, AmoswapW, AmoaddW, AmoxorW, AmoandW, AmoorW, AmominW, AmomaxW, AmominuW, AmomaxuW,
    LrD, ScD, AmoswapD, AmoaddD, AmoxorD, AmoandD, AmoorD, AmominD, AmomaxD, AmominuD, AmomaxuD,
    // F
    Flw, Fsw, FmaddS, FmsubS, FnmsubS, FnmaddS, FaddS, FsubS, FmulS, FdivS, FsqrtS, FsgnjS, FsgnjnS, FsgnjxS,
    FminS, FmaxS, FeqS, FltS, FleS, FclassS, FcvtWS, FcvtWuS, FcvtLS, FcvtLuS, FcvtSW, FcvtSWu, FcvtSL, FcvtSLu,
    FmvXW, FmvWX,
    // D
    Fld, Fsd, FmaddD, FmsubD, FnmsubD, FnmaddD, FaddD, FsubD, FmulD, FdivD, FsqrtD, FsgnjD, FsgnjnD, FsgnjxD,
    FminD, FmaxD, FeqD, FltD, FleD, FclassD, FcvtWD, FcvtWuD, FcvtLD, FcvtLuD, FcvtDW, FcvtDWu, FcvtDL, FcvtDLu,
    FcvtSD, FcvtDS, FmvXD, FmvDX,
    // Zba
    AddUw, Sh1add, Sh2add, Sh3add, Sh1addUw, Sh2addUw, Sh3addUw, SlliUw,
    // Zbb
    Andn, Orn, Xnor, Clz, Clzw, Ctz, Ctzw, Cpop, Cpopw, Max, Maxu, Min, Minu, SextB, SextH, ZextH,
    Rol, Rolw, Ror, Rori, Roriw, Rorw, OrcB, Rev8,
    // Zbs
    Bclr, Bclri, Bext, Bexti, Binv, Binvi, Bset, Bseti,
}
