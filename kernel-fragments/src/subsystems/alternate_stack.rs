//! The stack that handlers run on if they ask for it: how it is set, by `sigaltstack(2)` and by the return from a handler, and what
//! is told of it (kernel/signal.c: do_sigaltstack, sas_ss_flags, __save_altstack).

use crate::errno::Errno;
use crate::thread::{AlternateStack, PROCESS_ID, SP, Thread};

/// In use; told, and allowed when setting.
pub const SS_ONSTACK: u32 = 1;
/// No alternate stack.
pub const SS_DISABLE: u32 = 2;
/// Forgotten while a handler runs on it.
pub const SS_AUTODISARM: u32 = 1 << 31;
/// The least size of a stack, in bytes (include/uapi/asm-generic/signal.h).
const MINSIGSTKSZ: u64 = 2048;

/// What a handler's end leaves of a stack that is forgotten while the handler runs.
pub const FORGOTTEN: AlternateStack = AlternateStack { start: 0, flags: SS_DISABLE, len_bytes: 0 };

/// Whether `thread` runs on its alternate stack.
pub fn is_in_use(thread: &Thread) -> bool {
    let stack = thread.alternate_stack;
    stack.flags & SS_AUTODISARM == 0 && stack.holds(thread.frame.x[SP])
}

/// The stack of `thread`, with the flags that it was given. One that was never given is without flags for the first thread only
/// (kernel/fork.c, sas_ss_reset).
pub fn given(thread: &Thread) -> AlternateStack {
    let is_new = thread.alternate_stack == AlternateStack::NONE && thread.tid != PROCESS_ID;
    if is_new { FORGOTTEN } else { thread.alternate_stack }
}

/// Gives `thread` another stack.
///
/// # Errors
/// EPERM: the thread runs on the one it has. EINVAL: unknown flags. ENOMEM: too small.
pub fn give(thread: &mut Thread, wanted: AlternateStack) -> Result<(), Errno> {
    if is_in_use(thread) {
        return Err(Errno::EPERM);
    }
    let mode = wanted.flags & !SS_AUTODISARM;
    if !matches!(mode, 0 | SS_ONSTACK | SS_DISABLE) {
        return Err(Errno::EINVAL);
    }
    if wanted == given(thread) {
        return Ok(()); // also none, which is too small
    }
    if mode != SS_DISABLE && wanted.len_bytes < MINSIGSTKSZ {
        return Err(Errno::ENOMEM);
    }
    let none = AlternateStack { flags: wanted.flags, ..AlternateStack::NONE };
    thread.alternate_stack = if mode == SS_DISABLE { none } else { wanted };
    Ok(())
}
