//! Signal numbers, sets and `struct sigaction` (include/uapi/asm-generic/signal.h; RISC-V has no `sa_restorer`).
#![allow(missing_docs)] // the names of the signals are their documentation

use crate::errno::Errno;

/// The highest signal number.
pub const HIGHEST: u32 = 64;
/// The first of the real-time signals, which queue: one that is sent twice arrives twice (include/uapi/asm-generic/signal.h).
pub const SIGRTMIN: u32 = 32;
/// Bytes of a signal set; every call is told this number and refuses others.
pub const SET_BYTES: usize = 8;

pub const SIGILL: u32 = 4;
pub const SIGTRAP: u32 = 5;
pub const SIGABRT: u32 = 6;
pub const SIGBUS: u32 = 7;
pub const SIGFPE: u32 = 8;
pub const SIGKILL: u32 = 9;
pub const SIGUSR1: u32 = 10;
pub const SIGSEGV: u32 = 11;
pub const SIGPIPE: u32 = 13;
pub const SIGALRM: u32 = 14;
pub const SIGTERM: u32 = 15;
pub const SIGCHLD: u32 = 17;
pub const SIGCONT: u32 = 18;
pub const SIGSTOP: u32 = 19;
pub const SIGTSTP: u32 = 20;
pub const SIGTTIN: u32 = 21;
pub const SIGTTOU: u32 = 22;
pub const SIGURG: u32 = 23;
pub const SIGWINCH: u32 = 28;
pub const SIGSYS: u32 = 31;

/// The default action, as a handler address.
pub const SIG_DFL: u64 = 0;
/// Ignore it, as a handler address.
pub const SIG_IGN: u64 = 1;

/// The handler takes siginfo and ucontext.
pub const SA_SIGINFO: u64 = 4;
/// It runs on the alternate stack.
pub const SA_ONSTACK: u64 = 0x0800_0000;
/// A call that it interrupts is made again.
pub const SA_RESTART: u64 = 0x1000_0000;
/// Its own signal is not blocked while it runs.
pub const SA_NODEFER: u64 = 0x4000_0000;
/// The action is the default again once the handler is called.
pub const SA_RESETHAND: u64 = 0x8000_0000;
/// No SIGCHLD for children that stop; there are no children.
const SA_NOCLDSTOP: u64 = 1;
/// No zombies of children.
const SA_NOCLDWAIT: u64 = 2;
/// Addresses are told with their tags; there are no tags.
const SA_EXPOSE_TAGBITS: u64 = 0x800;
/// Every flag that this kernel takes; the others are cleared, as Linux does so that programs can find out.
pub const SA_KNOWN: u64 =
    SA_NOCLDSTOP | SA_NOCLDWAIT | SA_EXPOSE_TAGBITS | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND;

/// `si_code` of kill.
pub const SI_USER: i32 = 0;
/// `si_code` of tkill and tgkill.
pub const SI_TKILL: i32 = -6;

/// Bytes of the kernel's `struct sigaction`.
pub const SIGACTION_BYTES: usize = 24;

/// What a signal does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Action {
    /// Address of the handler, or SIG_DFL, SIG_IGN.
    pub handler: u64,
    /// SA_ flags.
    pub flags: u64,
    /// What is blocked while the handler runs.
    pub mask: u64,
}

impl Action {
    /// What every signal does at first.
    pub const DEFAULT: Action = Action { handler: SIG_DFL, flags: 0, mask: 0 };
}

/// The set that holds only `signal`, which is 1–64.
pub const fn set_of(signal: u32) -> u64 {
    1 << ((signal - 1) & 63)
}

/// What no thread can block and no program handle.
pub const UNBLOCKABLE: u64 = set_of(SIGKILL) | set_of(SIGSTOP);

/// `number` as a signal; EINVAL if there is none of it.
pub fn check(number: i32) -> Result<u32, Errno> {
    match u32::try_from(number) {
        Ok(signal @ 1..=HIGHEST) => Ok(signal),
        _ => Err(Errno::EINVAL),
    }
}
