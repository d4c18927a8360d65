//! Calling signal handlers: whenever a whole frame is about to be loaded, the signals that its thread does not block are
//! taken; for each with a handler, a frame goes onto the thread's stack and the thread goes on in the handler, which
//! returns through `rt_sigreturn` (arch/riscv/kernel/signal.c, signal(7)).

use crate::abi::signal::{Action, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SIG_DFL, SIGSEGV, set_of};
use crate::abi::signal_frame::{FRAME_BYTES, Saved, UCONTEXT, write};
use crate::abi::signal_info::{SI_KERNEL, SignalInfo};
use crate::boot_info::BootInfo;
use crate::errno::Refusal;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::alternate_stack::{FORGOTTEN, SS_AUTODISARM, given, is_in_use};
use crate::subsystems::signals::{Disposition, Signals, Taken};
use crate::thread::{A0, AlternateStack, RA, SP, Thread};
use crate::user_memory::{UserAddress, UserMemory};

hook!(deliver => deliver);

/// Takes every signal that `thread` does not block; the last one taken is handled first, as on Linux.
pub fn deliver(memory: &mut impl UserMemory, signals: &mut Signals, thread: &mut Thread, boot: &BootInfo) -> Outcome {
    loop {
        let unblocked = !thread.signal_mask;
        let Some(Taken { signal, info }) = signals.take(thread, unblocked) else { return Ok(Leave::Resume) };
        match signals.disposition(signal) {
            Disposition::Ignore => {}
            Disposition::Terminate => return Ok(Leave::Exit(128 + signal as i32)),
            Disposition::Stop => return Err(Refusal::Unsupported("a signal that stops the program")),
            Disposition::Handle(action) => {
                if !handle(memory, signals, thread, boot, signal, action, info) {
                    return Ok(Leave::Exit(128 + SIGSEGV as i32));
                }
            }
        }
    }
}

/// Lets `thread` go on in the handler of `action` or, if its stack is no memory or too small for that, in that of SIGSEGV; false
/// if that cannot be, either.
pub fn handle(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    thread: &mut Thread,
    boot: &BootInfo,
    signal: u32,
    action: Action,
    info: SignalInfo,
) -> bool {
    if enter(memory, thread, boot, signal, action, info).is_none() {
        return handle_instead(memory, signals, thread, boot, signal);
    }
    if action.flags & SA_RESETHAND != 0 {
        signals.set_action(thread, signal, Action { handler: SIG_DFL, ..action });
    }
    true
}

/// Lets `thread` go on in the handler of SIGSEGV, because its stack has no room for that of `signal`; false if there is none, if it is
/// blocked, or has no room either (kernel/signal.c, force_sigsegv).
#[cold]
#[inline(never)]
fn handle_instead(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    thread: &mut Thread,
    boot: &BootInfo,
    signal: u32,
) -> bool {
    match signals.disposition(SIGSEGV) {
        Disposition::Handle(action) if signal != SIGSEGV && thread.signal_mask & set_of(SIGSEGV) == 0 => {
            let info = SignalInfo { code: SI_KERNEL, words: [0; 2] };
            handle(memory, signals, thread, boot, SIGSEGV, action, info)
        }
        _ => false,
    }
}

/// Lets `thread` go on in the handler of `action`; `None` if its stack is no memory, or too small.
fn enter(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    boot: &BootInfo,
    signal: u32,
    action: Action,
    info: SignalInfo,
) -> Option<()> {
    let sp = thread.frame.x[SP];
    let alternate = thread.alternate_stack;
    let is_on_it = is_in_use(thread);
    let switches = action.flags & SA_ONSTACK != 0 && alternate.len_bytes != 0 && !is_on_it;
    let top = if switches { alternate.start.checked_add(alternate.len_bytes)? } else { sp };
    let at = top.checked_sub(FRAME_BYTES as u64)? & !0xf;
    if is_on_it && !alternate.holds(sp.checked_sub(FRAME_BYTES as u64)?) {
        return None; // the frame would overflow it
    }
    let AlternateStack { start, flags, len_bytes } = given(thread);
    let stack = (start, flags, len_bytes);
    thread.break_off(action.flags & SA_RESTART != 0);
    let mask = thread.mask_to_restore.unwrap_or(thread.signal_mask);
    let saved = Saved { frame: thread.frame.clone(), mask, stack };
    let place = UserAddress(at as usize);
    write(memory, place, &saved, signal, info).ok()?;

    thread.mask_to_restore = None;
    thread.frame.enter(action.handler);
    let x = &mut thread.frame.x;
    x[RA] = boot.signal_return;
    x[SP] = at;
    x[A0] = u64::from(signal);
    x[A0 + 1] = at;
    x[A0 + 2] = place.add(UCONTEXT).0 as u64;
    thread.signal_mask |= action.mask;
    if action.flags & SA_NODEFER == 0 {
        thread.signal_mask |= set_of(signal);
    }
    if alternate.flags & SS_AUTODISARM != 0 {
        thread.alternate_stack = FORGOTTEN;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SI_TKILL, SIGTERM, UNBLOCKABLE};
    use crate::subsystems::alternate_stack::{SS_DISABLE, SS_ONSTACK, give};
    use crate::syscalls::signal::rt_sigreturn::rt_sigreturn;
    use crate::testing::FakeMemory;
    use crate::thread::PC;

    const HANDLER: u64 = 0x4000;

    fn machine() -> (FakeMemory, Signals, Thread, BootInfo) {
        let memory = FakeMemory::new(0x4000);
        let mut thread = Thread::first();
        thread.frame.x = core::array::from_fn(|index| 100 + index as u64);
        thread.frame.f = core::array::from_fn(|index| 900 + index as u64);
        thread.frame.fcsr = 0x61;
        thread.frame.x[PC] = 0x1234;
        thread.frame.x[SP] = memory.address(0x2008).0 as u64;
        (memory, Signals::new(), thread, BootInfo { signal_return: 0x7777, ..BootInfo::default() })
    }

    #[test]
    fn a_handler_is_entered_and_left_with_every_register_and_the_mask() {
        let (mut memory, mut signals, mut thread, boot) = machine();
        let before = thread.clone();
        signals.set_action(&mut thread, SIGTERM, Action { handler: HANDLER, flags: 0, mask: set_of(10) });
        signals.send_to_thread(&mut thread, SIGTERM).unwrap();
        assert_eq!(deliver(&mut memory, &mut signals, &mut thread, &boot), Ok(Leave::Resume));
        let x = thread.frame.x;
        assert_eq!((x[PC], x[RA], x[A0], x[SP] % 16), (HANDLER, 0x7777, u64::from(SIGTERM), 0));
        assert_eq!((x[A0 + 1], x[A0 + 2]), (x[SP], x[SP] + 128));
        assert_eq!(x[4], before.frame.x[4], "tp is the thread's");
        assert_eq!(thread.signal_mask, set_of(SIGTERM) | set_of(10));
        assert_eq!(memory.read_u32(UserAddress(x[SP] as usize)), Ok(SIGTERM));
        assert_eq!(memory.read_u32(UserAddress(x[SP] as usize + 8)), Ok(SI_TKILL.cast_unsigned()));

        assert_eq!(rt_sigreturn(&mut memory, &mut thread), Ok(Leave::Restored));
        assert_eq!((thread.frame.x, thread.frame.f, thread.frame.fcsr), (before.frame.x, before.frame.f, 0x61));
        assert_eq!(thread.signal_mask, before.signal_mask);
    }

    #[test]
    fn the_alternate_stack_is_used_when_asked_for_and_not_twice() {
        let (mut memory, mut signals, mut thread, boot) = machine();
        let start = memory.address(0x2800).0 as u64;
        thread.alternate_stack = AlternateStack { start, flags: 0, len_bytes: 0x1800 };
        let action = Action { handler: HANDLER, flags: SA_ONSTACK | SA_NODEFER, mask: 0 };
        signals.set_action(&mut thread, SIGTERM, action);
        let mut send = |thread: &mut Thread| {
            signals.send_to_process(thread, SIGTERM).unwrap();
            assert_eq!(deliver(&mut memory, &mut signals, thread, &boot), Ok(Leave::Resume));
            thread.frame.x[SP]
        };
        let frame = FRAME_BYTES as u64;
        assert_eq!(send(&mut thread), start + 0x1800 - frame);
        assert_eq!(send(&mut thread), start + 0x1800 - 2 * frame, "nested: below the first frame");
        assert_eq!(thread.signal_mask, 0);
    }

    #[test]
    fn an_alternate_stack_that_overflows_ends_the_program() {
        let (mut memory, mut signals, mut thread, boot) = machine();
        let start = memory.address(0x2800).0 as u64;
        thread.alternate_stack = AlternateStack { start, flags: 0, len_bytes: 2048 };
        signals.set_action(&mut thread, SIGTERM, Action { handler: HANDLER, flags: SA_ONSTACK | SA_NODEFER, mask: 0 });
        for expected in [Leave::Resume, Leave::Exit(139)] {
            signals.send_to_process(&mut thread, SIGTERM).unwrap();
            assert_eq!(deliver(&mut memory, &mut signals, &mut thread, &boot), Ok(expected));
        }
    }

    #[test]
    fn a_stack_that_is_no_memory_ends_the_program() {
        let (mut memory, mut signals, mut thread, boot) = machine();
        thread.frame.x[SP] = 16;
        signals.set_action(&mut thread, SIGTERM, Action { handler: HANDLER, flags: 0, mask: 0 });
        signals.send_to_thread(&mut thread, SIGTERM).unwrap();
        assert_eq!(deliver(&mut memory, &mut signals, &mut thread, &boot), Ok(Leave::Exit(128 + 11)));
    }

    #[test]
    fn no_room_for_a_handler_is_a_fault() {
        let (mut memory, mut signals, mut thread, boot) = machine();
        thread.frame.x[SP] = 16;
        thread.alternate_stack = AlternateStack { start: memory.address(0).0 as u64, flags: 0, len_bytes: 0x2000 };
        thread.mask_to_restore = Some(set_of(10));
        signals.set_action(&mut thread, SIGTERM, Action { handler: HANDLER, flags: 0, mask: 0 });
        let action = Action { handler: 2 * HANDLER, flags: SA_ONSTACK, mask: 0 };
        signals.set_action(&mut thread, SIGSEGV, action);
        signals.send_to_thread(&mut thread, SIGTERM).unwrap();
        assert_eq!(deliver(&mut memory, &mut signals, &mut thread, &boot), Ok(Leave::Resume));
        let x = thread.frame.x;
        assert_eq!((x[PC], x[A0], thread.signal_mask), (2 * HANDLER, u64::from(SIGSEGV), set_of(SIGSEGV)));
        assert_eq!(memory.read_u32(UserAddress(x[A0 + 1] as usize + 8)), Ok(SI_KERNEL.cast_unsigned()));
        assert_eq!(rt_sigreturn(&mut memory, &mut thread), Ok(Leave::Restored));
        assert_eq!((thread.frame.x[SP], thread.signal_mask), (16, set_of(10)));
        // Where that one is blocked, nobody can be told.
        thread.signal_mask = set_of(SIGSEGV);
        signals.send_to_thread(&mut thread, SIGTERM).unwrap();
        assert_eq!(deliver(&mut memory, &mut signals, &mut thread, &boot), Ok(Leave::Exit(139)));
    }

    /// What a handler sets is undone by its end only if there was something before, or it was forgotten.
    #[test]
    fn alternate_stacks_are_told_as_they_were_given_and_come_back() {
        let given = AlternateStack { start: 0x9000, flags: 0, len_bytes: 4096 };
        let marked = AlternateStack { flags: SS_ONSTACK, ..given };
        let disarmed = AlternateStack { flags: SS_AUTODISARM, ..given };
        for (tid, before, told, after) in [
            (2, AlternateStack::NONE, 0, given),
            (3, AlternateStack::NONE, SS_DISABLE, FORGOTTEN),
            (2, FORGOTTEN, SS_DISABLE, FORGOTTEN),
            (2, marked, SS_ONSTACK, marked),
            (2, disarmed, SS_AUTODISARM, disarmed),
        ] {
            let (mut memory, mut signals, mut thread, boot) = machine();
            (thread.tid, thread.alternate_stack) = (tid, before);
            signals.set_action(&mut thread, SIGTERM, Action { handler: HANDLER, flags: 0, mask: 0 });
            signals.send_to_thread(&mut thread, SIGTERM).unwrap();
            assert_eq!(deliver(&mut memory, &mut signals, &mut thread, &boot), Ok(Leave::Resume));
            let context = UserAddress(thread.frame.x[A0 + 2] as usize);
            assert_eq!(memory.read_u32(context.add(24)), Ok(told), "{before:?}");
            assert_eq!(give(&mut thread, false, given), Ok(()));
            assert_eq!(rt_sigreturn(&mut memory, &mut thread), Ok(Leave::Restored));
            assert_eq!(thread.alternate_stack, after, "{before:?}");
        }
    }

    #[test]
    fn a_one_time_handler_is_forgotten_and_sigkill_stays_unblocked() {
        let (mut memory, mut signals, mut thread, boot) = machine();
        let action = Action { handler: HANDLER, flags: SA_RESETHAND, mask: !UNBLOCKABLE };
        signals.set_action(&mut thread, SIGTERM, action);
        signals.send_to_thread(&mut thread, SIGTERM).unwrap();
        assert_eq!(deliver(&mut memory, &mut signals, &mut thread, &boot), Ok(Leave::Resume));
        assert_eq!(signals.disposition(SIGTERM), Disposition::Terminate);
        assert_eq!(thread.signal_mask & UNBLOCKABLE, 0);
    }
}
