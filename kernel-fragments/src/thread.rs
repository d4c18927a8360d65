//! A thread of the program as the kernel keeps it. Entry and exit know the first three fields, the [`Frame`], `leave` and
//! `float_state`, by their layout; the rest belongs to the calls about threads and signals. A thread lies on top of its own kernel stack.

use crate::abi::sched::Scheduling;
use crate::errno::Errno;
use crate::subsystems::credentials::Credentials;
use crate::user_memory::UserAddress;
use core::ptr::NonNull;

/// A thread's registers while the kernel runs: at offset `8 * n` register x`n`, where slot 0 (x0 needs none) holds the
/// program counter; then f0–f31 and fcsr. The trap handler fills the caller-saved integer registers, a stub those that
/// are read afterwards; the rest stays in the hart, unless the call may not simply return: then all
/// is saved.
#[repr(C)]
#[derive(Clone, Debug)]
pub struct Frame {
    /// pc, x1–x31.
    pub x: [u64; 32],
    /// f0–f31, raw bits.
    pub f: [u64; 32],
    /// Rounding mode and accrued exceptions.
    pub fcsr: u64,
    /// The end of the stub that a thread left by, which loads what is live behind its call and goes on there; 0 where the
    /// whole frame is to be loaded. On machines without CSRs, where nothing can load all registers and jump: kernel code that
    /// loads the last ones and goes on at `continues_at`; 0 if that is the start of a function, which expects nothing in t6.
    pub continuation: u64,
    /// Without CSRs the program counter that `continuation` is for; with another one, it is looked up.
    pub continues_at: u64,
}

impl Frame {
    /// All registers 0.
    pub const ZERO: Frame = Frame { x: [0; 32], f: [0; 32], fcsr: 0, continuation: 0, continues_at: 0 };

    /// Has the thread make the call again behind which it stands.
    pub fn make_call_again(&mut self) {
        self.go_on_at(self.x[PC].wrapping_sub(ECALL_BYTES));
    }

    /// Has the thread go on at `address`.
    pub fn go_on_at(&mut self, address: u64) {
        self.x[PC] = address;
        // For no address at all.
        (self.continuation, self.continues_at) = (0, 1);
    }

    /// Has the thread go on at the start of the function at `address`.
    pub fn enter(&mut self, address: u64) {
        self.x[PC] = address;
        (self.continuation, self.continues_at) = (0, address);
    }
}

/// Slot of the program counter in [`Frame::x`].
pub const PC: usize = 0;
/// x1, the return address.
pub const RA: usize = 1;
/// x2, the stack pointer.
pub const SP: usize = 2;
/// x4, the thread pointer.
pub const TP: usize = 4;
/// x10, first argument and result.
pub const A0: usize = 10;

/// [`Thread::leave`] for `Leave::Wait`.
pub const LEAVE_WAIT: u64 = 1;
/// [`Thread::leave`] for `Leave::Yield`.
pub const LEAVE_YIELD: u64 = 2;
/// [`Thread::leave`] for `Leave::Retry`.
pub const LEAVE_RETRY: u64 = 3;
/// [`Thread::leave`] for `Leave::Resume`.
pub const LEAVE_RESUME: u64 = 4;
/// [`Thread::leave`] of a thread whose instruction met an exception.
pub const LEAVE_FAULT: u64 = 5;
/// [`Thread::leave`] for `Leave::Restored`: no registers are saved, which its sign says.
pub const LEAVE_RESTORED: u64 = u64::MAX;
/// [`Thread::leave`] for `Leave::Gone`: the same.
pub const LEAVE_GONE: u64 = u64::MAX - 1;

/// Bytes of an `ecall`, by which a frame's program counter is ahead of the call to make again.
pub const ECALL_BYTES: u64 = 4;

/// How the program sees EINTR in a0.
const EINTR_VALUE: u64 = (Errno::EINTR.0 as u64).wrapping_neg();

/// The one process's id; its parent is process 1.
pub const PROCESS_ID: u32 = 2;

/// `stack_t` (sigaltstack(2)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AlternateStack {
    /// Its lowest address.
    pub start: u64,
    /// SS_ flags, as they were given.
    pub flags: u32,
    /// Its size; 0 if there is none.
    pub len_bytes: u64,
}

impl AlternateStack {
    /// No alternate stack.
    pub const NONE: AlternateStack = AlternateStack { start: 0, flags: 0, len_bytes: 0 };

    /// Whether the stack pointer `sp` is on it: the stack grows down, so its end belongs to it.
    pub const fn holds(&self, sp: u64) -> bool {
        sp > self.start && sp - self.start <= self.len_bytes
    }
}

/// A registered `struct rseq`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RestartableSequences {
    /// Where it is; null for nowhere.
    pub address: UserAddress,
    /// Its size.
    pub len_bytes: u32,
    /// What stands before every abort handler.
    pub signature: u32,
}

impl RestartableSequences {
    /// Nothing is registered.
    pub const NONE: RestartableSequences =
        RestartableSequences { address: UserAddress::NULL, len_bytes: 0, signature: 0 };
}

/// What a thread waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// A wake of the futex at this address with a bit of this set.
    Futex(UserAddress, u32),
    /// To own the priority-inheritance futex at this address.
    OwnFutex(UserAddress),
    /// Its deadline. If a handler comes first, what remains is stored there, unless it is null.
    Sleep(UserAddress),
    /// Anything that may let its call succeed: then the call is made again.
    Event,
}

/// Added to the address where a futex was waited for, without an end, by who was moved to another: a restarted call asks there.
pub const MOVED: u64 = 1 << 63;

/// What is kept of a call that waits and is made again when something happened, until it returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unfinished {
    /// Whether there is such a call.
    pub is_waiting: bool,
    /// Whether it may be made again after a handler with SA_RESTART.
    pub restarts: bool,
    /// Whether it takes the signal that ends its wait (`rt_sigtimedwait`), and does not only look whether there is one.
    pub takes_signals: bool,
    /// Whether it opens a FIFO, whose end counts already.
    pub opens_fifo: bool,
    /// Whether it waits at a message queue.
    pub waits_at_queue: bool,
    /// When it stops waiting, in nanoseconds since boot.
    pub deadline_ns: Option<u64>,
    /// How many bytes it moved already.
    pub done_bytes: usize,
    /// Where the time that remains is stored if a handler ends the call; null for nowhere.
    pub remaining: UserAddress,
}

impl Unfinished {
    /// No call waits.
    pub const NONE: Unfinished = Unfinished {
        is_waiting: false,
        restarts: false,
        takes_signals: false,
        opens_fifo: false,
        waits_at_queue: false,
        deadline_ns: None,
        done_bytes: 0,
        remaining: UserAddress::NULL,
    };
}

/// Bytes of the kernel stack below each [`Thread`] that `clone` makes, the thread included. Handlers do not recurse, but in
/// `subsystems/span_tree.rs`, 22 deep at most, which needs a quarter; no other call needs half.
pub const KERNEL_STACK: usize = 16 << 10;

/// One thread. Its address is where its kernel stack starts, which grows down from it: one register holds both. The
/// generated kernel holds the first one in a static; `subsystems/parked_thread.rs` makes the others.
#[repr(C, align(16))]
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its registers; first, because entry and exit find it at the thread's own address.
    pub frame: Frame,
    /// How its call leaves the kernel: 0 by returning, else one of `LEAVE_…`. Set and cleared in every call that needs it.
    pub leave: u64,
    /// Names the floating-point state in its frame: threads with the same one have the same state, so that registers which
    /// nobody changed need not be saved and loaded. Entry and exit give a new one to every new state.
    pub float_state: u64,
    /// Thread id; the first thread's is the process id.
    pub tid: u32,
    /// Its policy and priority (sched(7)).
    pub scheduling: Scheduling,
    /// Signals it blocks: bit n-1 is signal n.
    pub signal_mask: u64,
    /// Signals sent to it that it did not take yet: bit n-1 is signal n.
    pub pending_signals: u64,
    /// The stack that handlers with SA_ONSTACK run on.
    pub alternate_stack: AlternateStack,
    /// Nanoseconds it ran up to the end of its last turn.
    pub cpu_ns: u64,
    /// Where `exit` stores 0 and wakes one waiter (`set_tid_address`, CLONE_CHILD_CLEARTID); null for nowhere.
    pub clear_child_tid: UserAddress,
    /// Head of its list of held robust futexes; null for none.
    pub robust_list: UserAddress,
    /// What it registered with `rseq`.
    pub restartable_sequences: RestartableSequences,
    /// What is kept of its call that waits.
    pub unfinished: Unfinished,
    /// Blocked signals whose arrival ends its call that waits (`rt_sigtimedwait`, reading a signalfd).
    pub awaited_signals: u64,
    /// The mask to go back to when the call that replaced it ends (ppoll, pselect6, epoll_pwait, rt_sigsuspend).
    pub mask_to_restore: Option<u64>,
    /// What it waits for, while it does.
    pub wait: Wait,
    /// When it stops waiting, in nanoseconds since boot; `u64::MAX` for never.
    pub wait_ends_ns: u64,
    /// Who is behind it in the row in which it stands (`ThreadQueue`), if it stands in one.
    pub behind: Option<NonNull<Thread>>,
    /// Its name, zero-padded (prctl(2), PR_SET_NAME); empty until it is set, for the program's.
    pub name: [u8; 16],
    /// Who it is.
    pub credentials: Credentials,
}

impl Thread {
    /// What is kept of the call that it makes from before that waited; [`Unfinished::NONE`] if it is made for the first time.
    pub fn resume_call(&mut self) -> Unfinished {
        self.awaited_signals = 0;
        core::mem::replace(&mut self.unfinished, Unfinished::NONE)
    }

    /// Ends its call that waits because a handler is to run: what was done counts; a call that did nothing fails with EINTR
    /// or, as far as `restarts` (SA_RESTART) and signal(7) say so, is made again after the handler.
    pub fn break_off(&mut self, restarts: bool) {
        let unfinished = self.resume_call();
        if !unfinished.is_waiting || restarts && unfinished.restarts && unfinished.done_bytes == 0 {
            return; // its frame makes the call again
        }
        let frame = &mut self.frame;
        frame.go_on_at(frame.x[PC].wrapping_add(ECALL_BYTES));
        frame.x[A0] = if unfinished.done_bytes == 0 { EINTR_VALUE } else { unfinished.done_bytes as u64 };
    }

    /// The initial thread.
    pub const fn first() -> Thread {
        Thread {
            frame: Frame::ZERO,
            leave: 0,
            float_state: 0,
            tid: PROCESS_ID,
            scheduling: Scheduling::FIRST,
            signal_mask: 0,
            pending_signals: 0,
            cpu_ns: 0,
            alternate_stack: AlternateStack::NONE,
            clear_child_tid: UserAddress::NULL,
            robust_list: UserAddress::NULL,
            restartable_sequences: RestartableSequences::NONE,
            unfinished: Unfinished::NONE,
            awaited_signals: 0,
            mask_to_restore: None,
            wait: Wait::Event,
            wait_ends_ns: u64::MAX,
            behind: None,
            name: [0; 16],
            credentials: Credentials::FIRST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// signal(7), "Interruption of system calls and library functions by signal handlers".
    #[test]
    fn calls_end_by_handlers() {
        for (restarts, done_bytes, with_restart, pc, a0) in [
            (true, 0, true, 100, 7),
            (true, 0, false, 104, EINTR_VALUE),
            (false, 0, true, 104, EINTR_VALUE),
            (true, 9, true, 104, 9),
        ] {
            let mut thread = Thread::first();
            (thread.frame.x[PC], thread.frame.x[A0]) = (100, 7);
            thread.unfinished = Unfinished { is_waiting: true, restarts, done_bytes, ..Unfinished::NONE };
            thread.break_off(with_restart);
            assert_eq!((thread.frame.x[PC], thread.frame.x[A0], thread.unfinished), (pc, a0, Unfinished::NONE));
            thread.break_off(false);
            assert_eq!(thread.frame.x[PC], pc, "only once");
        }
    }
}
