//! The instruction set: one decoder of RV64GC (+ Zba, Zbb, Zbs, Zicsr, Zifencei) for both the static analysis and the
//! built-in machine. Nothing here knows about programs, memory or the kernel.

pub(crate) mod arithmetic;
mod decode;
mod display;
mod effects;
mod encode;
mod encoding;
mod extension;
mod instruction;
mod register;

pub use decode::decode;
pub use effects::{ControlFlow, Effects};
pub use encode::split_displacement;
pub use extension::Extension;
pub use instruction::{Instruction, Op};
pub use register::{FloatRegister, Register, RegisterSet};
