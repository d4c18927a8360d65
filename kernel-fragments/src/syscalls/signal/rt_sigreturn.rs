//! `rt_sigreturn(2)`: <https://man7.org/linux/man-pages/man2/sigreturn.2.html>. Supported: everything. Errors: none: a
//! frame that cannot be read ends the program by SIGSEGV.

use crate::abi::signal::{SIGSEGV, UNBLOCKABLE};
use crate::abi::signal_frame::read;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::alternate_stack::{give, is_in_use};
use crate::thread::{AlternateStack, SP, Thread};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(139 => rt_sigreturn);

/// Ends a handler: registers, mask and alternate stack are what the frame at the stack pointer says.
pub fn rt_sigreturn(memory: &mut impl UserMemory, thread: &mut Thread) -> Outcome {
    let Ok(saved) = read(memory, UserAddress(thread.frame.x[SP] as usize)) else {
        return Ok(Leave::Exit(128 + SIGSEGV as i32));
    };
    thread.frame = saved.frame;
    thread.signal_mask = saved.mask & !UNBLOCKABLE;
    let (start, flags, len_bytes) = saved.stack;
    // A stack that cannot be set is not (kernel/signal.c, restore_altstack).
    let is_on_it = is_in_use(thread);
    let _ = give(thread, is_on_it, AlternateStack { start, flags, len_bytes });
    Ok(Leave::Restored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn a_frame_that_cannot_be_read_ends_the_program() {
        let (mut memory, mut thread) = (FakeMemory::new(16), Thread::first());
        assert_eq!(rt_sigreturn(&mut memory, &mut thread), Ok(Leave::Exit(139)));
    }
}
