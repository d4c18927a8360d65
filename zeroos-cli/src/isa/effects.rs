//! What an instruction reads, writes and where it can go next: the facts that data-flow analysis is built on.

use super::encoding::{ENCODINGS, Operands};
use super::{Instruction, Op, Register, RegisterSet};

/// The integer registers an instruction reads and writes, and its control flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effects {
    /// Integer registers read (x0 is never listed).
    pub uses: RegisterSet,
    /// Integer registers written (x0 is never listed).
    pub defines: RegisterSet,
    /// Where execution goes next.
    pub flow: ControlFlow,
}

/// Where execution goes after an instruction. Displacements are in bytes from the instruction's own address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlFlow {
    /// To the next instruction.
    Next,
    /// A conditional branch: to the displacement or to the next instruction.
    Branch(i32),
    /// `jal`: to the displacement; the return address goes to `rd` (x0: a plain jump).
    Jump(i32),
    /// `jalr`: to `rs1 + immediate`; the return address goes to `rd` (x0: a plain jump or a return).
    IndirectJump,
    /// `ecall`: the environment decides.
    EnvironmentCall,
    /// `ebreak`, `mret`, or an instruction that always traps: not to the next instruction by itself.
    Trap,
}

impl Instruction {
    /// Registers read and written and the control flow (ISA manual, the instruction's own section). What the
    /// environment reads and writes at an `ecall` is not the instruction's own: both sets are empty there.
    #[inline(always)]
    pub fn effects(&self) -> Effects {
        let shape = &SHAPES[self.op as usize];
        let just = |register| RegisterSet::EMPTY.with(register);
        let uses = just(self.rs1()).intersection(shape.rs1).union(just(self.rs2()).intersection(shape.rs2));
        // Nearly always control goes on, which takes no table of jumps to find out.
        let flow = if shape.goes_on { ControlFlow::Next } else { self.flow() };
        Effects { uses, defines: just(self.rd()).intersection(shape.rd), flow }
    }

    /// Whether `rd` is an integer register (x0 included) that the instruction writes.
    #[inline]
    pub fn writes_integer_register(&self) -> bool {
        !SHAPES[self.op as usize].rd.is_empty()
    }

    /// The register that the instruction copies, if that is all it does: `addi rd, rs, 0`, or `add` with x0, as `c.mv`
    /// expands to (ISA manual, "Integer Register-Register Operations").
    pub fn copied_register(&self) -> Option<Register> {
        match self.op {
            Op::Addi if self.immediate == 0 => Some(self.rs1()),
            Op::Add if self.rs1() == Register::ZERO => Some(self.rs2()),
            Op::Add if self.rs2() == Register::ZERO => Some(self.rs1()),
            _ => None,
        }
    }

    /// Where execution goes next.
    #[inline]
    pub fn flow(&self) -> ControlFlow {
        flow(self.op, self.immediate)
    }
}

#[inline]
const fn flow(op: Op, immediate: i32) -> ControlFlow {
    match op {
        Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu => ControlFlow::Branch(immediate),
        Op::Jal => ControlFlow::Jump(immediate),
        Op::Jalr => ControlFlow::IndirectJump,
        Op::Ecall => ControlFlow::EnvironmentCall,
        Op::Ebreak | Op::Mret => ControlFlow::Trap,
        _ => ControlFlow::Next,
    }
}

/// What an operation says of its instructions: which integer registers its register fields can name, as far as it uses them as
/// such (none, or all but x0), and whether control goes on.
#[derive(Clone, Copy)]
struct Shape {
    /// Read.
    rs1: RegisterSet,
    /// Read.
    rs2: RegisterSet,
    /// Written.
    rd: RegisterSet,
    /// Whether the next instruction is the one behind it, always.
    goes_on: bool,
}

/// By [`Op`]: looked up for every instruction that is analysed.
static SHAPES: [Shape; ENCODINGS.len()] = {
    let none = Shape { rs1: RegisterSet::EMPTY, rs2: RegisterSet::EMPTY, rd: RegisterSet::EMPTY, goes_on: true };
    let mut shapes = [none; ENCODINGS.len()];
    let mut index = 0;
    while index < ENCODINGS.len() {
        let operands = ENCODINGS[index].operands;
        shapes[index] = Shape {
            rs1: named(reads_rs1(operands)),
            rs2: named(reads_rs2(operands)),
            rd: named(writes_rd(operands)),
            goes_on: matches!(flow(ENCODINGS[index].op, 0), ControlFlow::Next),
        };
        index += 1;
    }
    shapes
};

/// What a register field can name if it is used.
const fn named(is_used: bool) -> RegisterSet {
    let mut set = RegisterSet::EMPTY;
    let mut number = 1;
    while is_used && number < 32 {
        set = set.with(Register::new(number));
        number += 1;
    }
    set
}

/// Whether rs1 is an integer register that is read.
const fn reads_rs1(operands: Operands) -> bool {
    use Operands::*;
    match operands {
        Branch
        | Load
        | Store
        | Immediate
        | Shift
        | Registers
        | Unary
        | Csr
        | LoadReserved
        | Atomic
        | FloatLoad
        | FloatStore
        | IntegerToFloat
        | IntegerToFloatRounded => true,
        None
        | Upper
        | Jump
        | CsrImmediate
        | FloatFused
        | FloatRounded
        | FloatUnaryRounded
        | FloatRegisters
        | FloatCompare
        | FloatToInteger
        | FloatToIntegerRounded => false,
    }
}

/// Whether rs2 is an integer register that is read.
const fn reads_rs2(operands: Operands) -> bool {
    use Operands::*;
    matches!(operands, Branch | Store | Registers | Atomic)
}

/// Whether rd is an integer register that is written.
const fn writes_rd(operands: Operands) -> bool {
    use Operands::*;
    match operands {
        Upper
        | Jump
        | Load
        | Immediate
        | Shift
        | Registers
        | Unary
        | Csr
        | CsrImmediate
        | LoadReserved
        | Atomic
        | FloatCompare
        | FloatToInteger
        | FloatToIntegerRounded => true,
        None
        | Branch
        | Store
        | FloatLoad
        | FloatStore
        | FloatFused
        | FloatRounded
        | FloatUnaryRounded
        | FloatRegisters
        | IntegerToFloat
        | IntegerToFloatRounded => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::decode;

    fn effects(word: u32) -> (Vec<u8>, Vec<u8>, ControlFlow) {
        let effects = decode(&word.to_le_bytes()).unwrap().effects();
        let numbers = |set: RegisterSet| set.iter().map(|register| register.number()).collect();
        (numbers(effects.uses), numbers(effects.defines), effects.flow)
    }

    #[test]
    fn integer_operands_are_listed_and_x0_never() {
        assert_eq!(effects(0x00b5_0633), (vec![10, 11], vec![12], ControlFlow::Next)); // add a2, a0, a1
        assert_eq!(effects(0x0000_0013), (vec![], vec![], ControlFlow::Next)); // nop
        assert_eq!(effects(0xfe11_3c23), (vec![1, 2], vec![], ControlFlow::Next)); // sd ra, -8(sp)
        assert_eq!(effects(0x00b5_262f), (vec![10, 11], vec![12], ControlFlow::Next)); // amoadd.w a2, a1, (a0)
    }

    #[test]
    fn float_operands_are_not_integer_registers() {
        assert_eq!(effects(0x00c5_f553), (vec![], vec![], ControlFlow::Next)); // fadd.s fa0, fa1, fa2
        assert_eq!(effects(0x0085_3507), (vec![10], vec![], ControlFlow::Next)); // fld fa0, 8(a0)
        assert_eq!(effects(0xa2b5_2553), (vec![], vec![10], ControlFlow::Next)); // feq.d a0, fa0, fa1
        assert_eq!(effects(0xd225_7553), (vec![10], vec![], ControlFlow::Next)); // fcvt.d.l fa0, a0
    }

    #[test]
    fn control_flow() {
        assert_eq!(effects(0xfe00_0ee3).2, ControlFlow::Branch(-4)); // beq zero, zero, -4
        assert_eq!(effects(0xffdf_f0ef), (vec![], vec![1], ControlFlow::Jump(-4))); // jal ra, -4
        assert_eq!(effects(0x0000_8067), (vec![1], vec![], ControlFlow::IndirectJump)); // ret
        assert_eq!(effects(0x0000_0073), (vec![], vec![], ControlFlow::EnvironmentCall)); // ecall
        assert_eq!(effects(0x0010_0073).2, ControlFlow::Trap); // ebreak
        assert_eq!(effects(0x3020_0073).2, ControlFlow::Trap); // mret
    }
}
