//! Faults as signals: what the hardware refuses becomes SIGSEGV, SIGBUS, SIGILL or SIGTRAP in the thread that did it, with
//! the address in `si_addr` (arch/riscv/kernel/traps.c, arch/riscv/mm/fault.c). RISC-V does not trap on division by zero or
//! on floating point, so no SIGFPE comes from an instruction, as on Linux.

use crate::abi::signal::{SIGBUS, SIGILL, SIGSEGV, SIGTRAP, set_of};
use crate::abi::signal_info::SignalInfo;
use crate::boot_info::BootInfo;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::signal_delivery::handle;
use crate::subsystems::signals::{Disposition, Signals};
use crate::thread::{PC, Thread};
use crate::user_memory::{UserAddress, UserMemory};

hook!(fault => raise);

/// What has to be in the kernel so that actions with a handler may be set: naming it in `rt_sigaction` brings this file and
/// `signal_delivery`.
pub const HANDLERS_ARE_CALLED: bool = true;

/// Machine-mode exception causes (ISA manual II, "Machine Cause Register").
const ILLEGAL_INSTRUCTION: u64 = 2;
const BREAKPOINT: u64 = 3;
const MISALIGNED: [u64; 3] = [0, 4, 6];

/// `si_code`s: no such opcode, a breakpoint, a wrong alignment, nothing of a file where it is mapped, nothing mapped there, mapped but not for this access.
const ILL_ILLOPC: i32 = 1;
const TRAP_BRKPT: i32 = 1;
const BUS_ADRALN: i32 = 1;
const BUS_ADRERR: i32 = 2;
const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;

/// Has `thread`, whose instruction met exception `cause` with trap value `value`, go on in its handler; `Exit` if there is
/// none, or it is blocked: such a signal cannot wait.
pub fn raise(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    thread: &mut Thread,
    boot: &BootInfo,
    cause: u64,
    value: u64,
) -> Outcome {
    let pc = thread.frame.x[PC];
    let (signal, info) = match cause {
        ILLEGAL_INSTRUCTION => (SIGILL, SignalInfo::fault(ILL_ILLOPC, pc)),
        BREAKPOINT => (SIGTRAP, SignalInfo::fault(TRAP_BRKPT, pc)),
        _ if MISALIGNED.contains(&cause) => (SIGBUS, SignalInfo::fault(BUS_ADRALN, value)),
        _ if memory.is_beyond_file(UserAddress(value as usize)) => (SIGBUS, SignalInfo::fault(BUS_ADRERR, value)),
        _ => {
            let is_protected = memory.is_protected(UserAddress(value as usize));
            (SIGSEGV, SignalInfo::fault(if is_protected { SEGV_ACCERR } else { SEGV_MAPERR }, value))
        }
    };
    let dead = Ok(Leave::Exit(128 + signal as i32));
    match signals.disposition(signal) {
        Disposition::Handle(action) if thread.signal_mask & set_of(signal) == 0 => {
            // Without room for its frame SIGSEGV takes its place.
            let is_handled = handle(memory, signals, thread, boot, signal, action, info);
            Ok(if is_handled { Leave::Resume } else { Leave::Exit(128 + SIGSEGV as i32) })
        }
        _ => dead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::Action;
    use crate::testing::FakeMemory;
    use crate::thread::{A0, SP};

    fn raised(cause: u64, blocked: u64) -> (Outcome, FakeMemory, Thread) {
        let (mut memory, mut signals, mut thread) = (FakeMemory::new(0x2000), Signals::new(), Thread::first());
        for signal in [SIGSEGV, SIGBUS, SIGILL] {
            signals.set_action(&mut thread, signal, Action { handler: 0x4000, flags: 0, mask: 0 });
        }
        (thread.frame.x[PC], thread.frame.x[SP]) = (0x1234, memory.end().0 as u64);
        thread.signal_mask = blocked;
        let boot = BootInfo::default();
        (raise(&mut memory, &mut signals, &mut thread, &boot, cause, 0x77), memory, thread)
    }

    #[test]
    fn handlers_learn_the_address() {
        for (cause, signal, address) in
            [(2, SIGILL, 0x1234), (5, SIGSEGV, 0x77), (15, SIGSEGV, 0x77), (6, SIGBUS, 0x77)]
        {
            let (outcome, memory, thread) = raised(cause, 0);
            assert_eq!(
                (outcome, thread.frame.x[PC], thread.frame.x[A0]),
                (Ok(Leave::Resume), 0x4000, u64::from(signal))
            );
            let info = UserAddress(thread.frame.x[A0 + 1] as usize);
            assert_eq!((memory.read_u32(info.add(8)), memory.read_u64(info.add(16))), (Ok(1), Ok(address)));
        }
    }

    #[test]
    fn without_a_handler_the_program_ends() {
        assert_eq!(raised(3, 0).0, Ok(Leave::Exit(133)));
        assert_eq!(raised(5, set_of(SIGSEGV)).0, Ok(Leave::Exit(139)), "a blocked one cannot wait");
    }
}
