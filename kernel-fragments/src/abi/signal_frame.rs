//! What a handler finds on its stack: `struct rt_sigframe` of arch/riscv/kernel/signal.c, that is siginfo, ucontext and
//! the registers to go on with. Offsets in bytes from the frame's start.

use crate::abi::signal_info::{SIGINFO_BYTES, SignalInfo};
use crate::errno::Errno;
use crate::thread::{Frame, PC};
use crate::user_memory::{UserAddress, UserMemory};

/// Size of the frame; it starts 16-aligned.
pub const FRAME_BYTES: usize = UCONTEXT + 960;
/// `siginfo_t` is its first part, `ucontext_t` the second.
pub const UCONTEXT: usize = SIGINFO_BYTES;

/// `uc_stack`
const STACK: usize = UCONTEXT + 16;
/// `uc_sigmask`
const MASK: usize = UCONTEXT + 40;
/// `uc_mcontext.sc_regs`: pc, x1–x31.
const REGISTERS: usize = UCONTEXT + 176;
/// `uc_mcontext.sc_fpregs`: f0–f31, then fcsr in 32 bits; what follows (no further state) stays zero.
const FLOAT_REGISTERS: usize = REGISTERS + 256;
const FCSR: usize = FLOAT_REGISTERS + 256;

/// What a frame keeps for the return from the handler.
#[derive(Clone, Debug)]
pub struct Saved {
    /// Every register, pc included.
    pub frame: Frame,
    /// The mask outside of the handler.
    pub mask: u64,
    /// `stack_t`: address, flags, size.
    pub stack: (u64, u32, u64),
}

/// Writes a frame for `signal`, which comes from where `info` says, at `at`. Errors as [`UserMemory::slice_mut`]; nothing is written then.
pub fn write(
    memory: &mut impl UserMemory,
    at: UserAddress,
    saved: &Saved,
    signal: u32,
    info: SignalInfo,
) -> Result<(), Errno> {
    memory.slice_mut(at, FRAME_BYTES)?.fill(0);
    info.write(memory, at, signal)?;
    let (start, flags, len_bytes) = saved.stack;
    memory.write_u64(at.add(STACK), start)?;
    memory.write_u32(at.add(STACK + 8), flags)?;
    memory.write_u64(at.add(STACK + 16), len_bytes)?;
    memory.write_u64(at.add(MASK), saved.mask)?;
    for (index, &value) in saved.frame.x.iter().enumerate() {
        memory.write_u64(at.add(REGISTERS + 8 * index), value)?;
    }
    for (index, &value) in saved.frame.f.iter().enumerate() {
        memory.write_u64(at.add(FLOAT_REGISTERS + 8 * index), value)?;
    }
    memory.write_u32(at.add(FCSR), saved.frame.fcsr as u32)
}

/// Reads the frame at `at` back, with whatever the handler changed in it. Errors as [`UserMemory::slice`].
pub fn read(memory: &impl UserMemory, at: UserAddress) -> Result<Saved, Errno> {
    memory.slice(at, FRAME_BYTES)?;
    let mut frame = Frame { fcsr: u64::from(memory.read_u32(at.add(FCSR))?), ..Frame::ZERO };
    for (index, value) in frame.x.iter_mut().enumerate() {
        *value = memory.read_u64(at.add(REGISTERS + 8 * index))?;
    }
    for (index, value) in frame.f.iter_mut().enumerate() {
        *value = memory.read_u64(at.add(FLOAT_REGISTERS + 8 * index))?;
    }
    // An instruction address is even.
    if let Some(pc) = frame.x.get_mut(PC) {
        *pc &= !1;
    }
    let stack =
        (memory.read_u64(at.add(STACK))?, memory.read_u32(at.add(STACK + 8))?, memory.read_u64(at.add(STACK + 16))?);
    Ok(Saved { frame, mask: memory.read_u64(at.add(MASK))?, stack })
}
