//! What an instruction reads, writes and where it can go next: the facts that data-flow analysis is built on.

use super::{Instruction, RegisterSet};

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
    /// Registers read and written and the control flow (ISA manual, the instruction's own section).
    pub fn effects(&self) -> Effects {
        todo!("isa: effects of {:?}", RegisterSet::EMPTY)
    }
}
