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

/// Gives `thread`, which runs on the stack that it has if `is_on_it`, another stack.
///
/// # Errors
/// EPERM: it runs on it. EINVAL: unknown flags. ENOMEM: too small.
pub fn give(thread: &mut Thread, is_on_it: bool, wanted: AlternateStack) -> Result<(), Errno> {
    let AlternateStack { flags, len_bytes, .. } = wanted;
    if is_on_it {
        return Err(Errno::EPERM);
    }
    let mode = flags & !SS_AUTODISARM;
    if mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0 {
        return Err(Errno::EINVAL);
    }
    thread.alternate_stack = if mode == SS_DISABLE {
        AlternateStack { flags, ..AlternateStack::NONE }
    } else if len_bytes < MINSIGSTKSZ {
        return keep(thread, wanted);
    } else {
        wanted
    };
    Ok(())
}

/// What comes of a stack that is too small: it is no error if nothing changes, as where there was none.
#[cold]
#[inline(never)]
fn keep(thread: &Thread, wanted: AlternateStack) -> Result<(), Errno> {
    if wanted == given(thread) { Ok(()) } else { Err(Errno::ENOMEM) }
}
