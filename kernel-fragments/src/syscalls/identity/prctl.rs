//! `prctl(2)`: <https://man7.org/linux/man-pages/man2/prctl.2.html>. Supported: NAME, DUMPABLE, NO_NEW_PRIVS, KEEPCAPS, PDEATHSIG,
//! CHILD_SUBREAPER, TIMERSLACK, TIMING and THP_DISABLE, each SET and GET, CAPBSET_READ, CAP_AMBIENT, GET_SECUREBITS, GET_SECCOMP,
//! TASK_PERF_EVENTS, what other machines have, and SET_VMA as by a Linux without anonymous names; the other options of Linux are not supported. Errors: EINVAL, EPERM, EFAULT.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::image_data::bytes;
use crate::subsystems::promises::{Promises, TIMER_SLACK_NS};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(167 => prctl);

// include/uapi/linux/prctl.h
const PR_SET_PDEATHSIG: u32 = 1;
const PR_GET_PDEATHSIG: u32 = 2;
const PR_GET_DUMPABLE: u32 = 3;
const PR_SET_DUMPABLE: u32 = 4;
const PR_GET_KEEPCAPS: u32 = 7;
const PR_SET_KEEPCAPS: u32 = 8;
const PR_GET_TIMING: u32 = 13;
const PR_SET_TIMING: u32 = 14;
const PR_SET_NAME: u32 = 15;
const PR_GET_NAME: u32 = 16;
const PR_GET_SECCOMP: u32 = 21;
const PR_CAPBSET_READ: u32 = 23;
const PR_GET_SECUREBITS: u32 = 27;
const PR_SET_TIMERSLACK: u32 = 29;
const PR_GET_TIMERSLACK: u32 = 30;
const PR_TASK_PERF_EVENTS_DISABLE: u32 = 31;
const PR_TASK_PERF_EVENTS_ENABLE: u32 = 32;
const PR_SET_CHILD_SUBREAPER: u32 = 36;
const PR_GET_CHILD_SUBREAPER: u32 = 37;
const PR_SET_NO_NEW_PRIVS: u32 = 38;
const PR_GET_NO_NEW_PRIVS: u32 = 39;
const PR_SET_THP_DISABLE: u32 = 41;
const PR_GET_THP_DISABLE: u32 = 42;
const PR_CAP_AMBIENT: u32 = 47;
const PR_SET_VMA: u32 = 0x5356_4d41;

/// What other machines have: PowerPC FPEMU, FPEXC, ENDIAN and DEXCR, x86 TSC, MIPS FP_MODE, Arm SVE, PAC and SME; and the vector
/// extension's option, which this machine has not.
const OF_OTHERS: [u32; 21] = [9, 10, 11, 12, 19, 20, 25, 26, 45, 46, 50, 51, 54, 60, 61, 63, 64, 69, 70, 72, 73];

// What PR_CAP_AMBIENT does.
const IS_SET: u64 = 1;
const RAISE: u64 = 2;
const LOWER: u64 = 3;
const CLEAR_ALL: u64 = 4;

/// The highest capability (CAP_CHECKPOINT_RESTORE, include/uapi/linux/capability.h).
const CAP_LAST_CAP: u64 = 40;
/// The highest signal.
const HIGHEST_SIGNAL: u64 = 64;
/// The highest option of Linux 6.12 in the numbered range.
const HIGHEST_OPTION: u32 = 73;

/// Bytes of a thread's name, its terminating zero included.
const NAME_BYTES: usize = 16;

/// Does `option`.
pub fn prctl(
    memory: &mut impl UserMemory,
    promises: &mut Promises,
    boot: &BootInfo,
    thread: &mut Thread,
    option: u32,
    argument: u64,
    third: u64,
    fourth: u64,
    fifth: u64,
) -> SysResult {
    let address = UserAddress(argument as usize);
    let rest_is_zero = (third | fourth | fifth) == 0;
    match option {
        PR_SET_NAME => {
            thread.name = read_name(memory, address)?;
            Ok(0)
        }
        PR_GET_NAME => {
            let name = if thread.name == [0; NAME_BYTES] { program_name(boot) } else { thread.name };
            memory.write(address, &name)?;
            Ok(0)
        }
        PR_GET_PDEATHSIG => store(memory, address, promises.parent_death_signal),
        PR_GET_DUMPABLE => Ok(usize::from(!promises.is_not_dumpable)),
        PR_GET_KEEPCAPS => Ok(usize::from(promises.keeps_capabilities)),
        PR_GET_TIMING | PR_GET_SECCOMP | PR_GET_SECUREBITS => Ok(0),
        PR_GET_TIMERSLACK => Ok(promises.timer_slack_ns as usize),
        PR_GET_CHILD_SUBREAPER => store(memory, address, u32::from(promises.is_subreaper)),
        PR_GET_THP_DISABLE if argument == 0 && rest_is_zero => Ok(usize::from(promises.has_no_huge_pages)),
        PR_CAPBSET_READ if argument <= CAP_LAST_CAP => Ok(1),
        PR_CAP_AMBIENT if fourth | fifth == 0 => ambient(argument, third).map_err(Refusal::from),
        PR_SET_PDEATHSIG if argument <= HIGHEST_SIGNAL => {
            promises.parent_death_signal = argument as u32;
            Ok(0)
        }
        PR_SET_DUMPABLE if argument <= 1 => {
            promises.is_not_dumpable = argument == 0;
            Ok(0)
        }
        PR_SET_KEEPCAPS if argument <= 1 => {
            promises.keeps_capabilities = argument == 1;
            Ok(0)
        }
        PR_SET_TIMING if argument == 0 => Ok(0),
        PR_SET_TIMERSLACK => {
            promises.timer_slack_ns = if argument as i64 <= 0 { TIMER_SLACK_NS } else { argument };
            Ok(0)
        }
        PR_SET_CHILD_SUBREAPER => {
            promises.is_subreaper = argument != 0;
            Ok(0)
        }
        PR_SET_THP_DISABLE if rest_is_zero => {
            promises.has_no_huge_pages = argument != 0;
            Ok(0)
        }
        PR_SET_NO_NEW_PRIVS if argument == 1 && rest_is_zero => {
            promises.no_new_privileges = true;
            Ok(0)
        }
        PR_GET_NO_NEW_PRIVS if argument == 0 && rest_is_zero => Ok(usize::from(promises.no_new_privileges)),
        PR_SET_NO_NEW_PRIVS | PR_GET_NO_NEW_PRIVS | PR_SET_VMA | PR_SET_PDEATHSIG | PR_SET_DUMPABLE
        | PR_SET_KEEPCAPS | PR_SET_TIMING | PR_SET_THP_DISABLE | PR_GET_THP_DISABLE | PR_CAPBSET_READ
        | PR_CAP_AMBIENT => Err(Errno::EINVAL.into()),
        PR_TASK_PERF_EVENTS_DISABLE | PR_TASK_PERF_EVENTS_ENABLE => Ok(0), // of which there are none
        _ if OF_OTHERS.contains(&option) => Err(Errno::EINVAL.into()),
        1..=HIGHEST_OPTION => Err(Refusal::Unsupported("this prctl option")),
        _ => Err(Errno::EINVAL.into()),
    }
}

fn store(memory: &mut impl UserMemory, address: UserAddress, value: u32) -> SysResult {
    memory.write_u32(address, value)?;
    Ok(0)
}

/// The ambient capabilities of who is always the superuser and has none of them: what is not inheritable cannot be raised
/// (security/commoncap.c, cap_task_prctl).
fn ambient(does: u64, capability: u64) -> Result<usize, Errno> {
    match does {
        CLEAR_ALL if capability == 0 => Ok(0),
        IS_SET | LOWER if capability <= CAP_LAST_CAP => Ok(0),
        RAISE if capability <= CAP_LAST_CAP => Err(Errno::EPERM),
        _ => Err(Errno::EINVAL),
    }
}

/// Up to 15 bytes at `address`, ended by a zero. Nothing behind the zero is looked at.
fn read_name(memory: &impl UserMemory, address: UserAddress) -> Result<[u8; NAME_BYTES], Errno> {
    let mut name = [0; NAME_BYTES];
    for (offset, to) in name.iter_mut().take(NAME_BYTES - 1).enumerate() {
        let [byte] = memory.read(address.add(offset))?;
        if byte == 0 {
            break;
        }
        *to = byte;
    }
    Ok(name)
}

/// The last part of the program's path: what `execve` names the first thread.
fn program_name(boot: &BootInfo) -> [u8; NAME_BYTES] {
    let mut name = [0; NAME_BYTES];
    let last = bytes(boot.executable_path).rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    for (to, from) in name.iter_mut().take(NAME_BYTES - 1).zip(last) {
        *to = *from;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn names_and_promises() {
        let (mut memory, mut promises, mut thread) = (FakeMemory::new(64), Promises::new(), Thread::first());
        let boot = boot_with(&[]);
        let name = memory.put_c_string(0, "a name that is too long");
        let short = memory.put_c_string(61, "xy");
        let to = memory.address(32).0 as u64;
        let mut call = |memory: &mut FakeMemory, option, argument| {
            prctl(memory, &mut promises, &boot, &mut thread, option, argument, 0, 0, 0)
        };
        assert_eq!(call(&mut memory, PR_GET_NAME, to), Ok(0));
        assert_eq!(memory.bytes(32, 8), b"program\0");
        assert_eq!(call(&mut memory, PR_SET_NAME, name.0 as u64), Ok(0));
        assert_eq!(call(&mut memory, PR_GET_NAME, to), Ok(0));
        assert_eq!(memory.bytes(32, 16), b"a name that is \0");
        assert_eq!(call(&mut memory, PR_SET_NAME, short.0 as u64), Ok(0), "memory may end behind the zero");
        assert_eq!(call(&mut memory, PR_GET_NAME, to), Ok(0));
        assert_eq!(memory.bytes(32, 16), b"xy\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(call(&mut memory, PR_SET_NAME, 8), Err(Errno::EFAULT.into()));
        assert_eq!(call(&mut memory, PR_GET_NO_NEW_PRIVS, 0), Ok(0));
        assert_eq!(call(&mut memory, PR_SET_NO_NEW_PRIVS, 1), Ok(0));
        assert_eq!(call(&mut memory, PR_GET_NO_NEW_PRIVS, 0), Ok(1));
        assert_eq!(call(&mut memory, PR_SET_NO_NEW_PRIVS, 0), Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, 12345, 0), Err(Errno::EINVAL.into()));
        assert!(matches!(call(&mut memory, 22, 0), Err(Refusal::Unsupported(_))));
        assert_eq!(call(&mut memory, PR_TASK_PERF_EVENTS_DISABLE, 0), Ok(0));
        for option in [10, 26, 54, 70, 73, 74] {
            assert_eq!(call(&mut memory, option, 0), Err(Errno::EINVAL.into()), "another machine's {option}");
        }
    }

    /// What is set is told, and what no Linux takes is refused.
    #[test]
    fn wishes_are_kept() {
        let (mut memory, mut promises, mut thread) = (FakeMemory::new(64), Promises::new(), Thread::first());
        let boot = boot_with(&[]);
        let to = memory.address(8).0 as u64;
        let mut call = |option, argument, third| {
            let result = prctl(&mut memory, &mut promises, &boot, &mut thread, option, argument, third, 0, 0);
            let stored = memory.bytes(8, 4)[0];
            (result, stored)
        };
        let invalid = Err(Errno::EINVAL.into());
        for (set, get, before) in
            [(PR_SET_DUMPABLE, PR_GET_DUMPABLE, 1), (PR_SET_KEEPCAPS, PR_GET_KEEPCAPS, 0), (41, 42, 0)]
        {
            assert_eq!(call(get, 0, 0).0, Ok(before), "{get}");
            assert_eq!((call(set, 1 - before as u64, 0).0, call(get, 0, 0).0), (Ok(0), Ok(1 - before)), "{get}");
        }
        assert_eq!((call(PR_SET_DUMPABLE, 2, 0).0, call(PR_SET_KEEPCAPS, 2, 0).0), (invalid, invalid));
        assert_eq!((call(PR_SET_PDEATHSIG, 65, 0).0, call(PR_SET_PDEATHSIG, 15, 0).0), (invalid, Ok(0)));
        assert_eq!(call(PR_GET_PDEATHSIG, to, 0), (Ok(0), 15));
        assert_eq!((call(PR_SET_CHILD_SUBREAPER, 7, 0).0, call(PR_GET_CHILD_SUBREAPER, to, 0)), (Ok(0), (Ok(0), 1)));
        assert_eq!((call(PR_SET_TIMERSLACK, 7, 0).0, call(PR_GET_TIMERSLACK, 0, 0).0), (Ok(0), Ok(7)));
        assert_eq!((call(PR_SET_TIMERSLACK, 0, 0).0, call(PR_GET_TIMERSLACK, 0, 0).0), (Ok(0), Ok(50_000)));
        assert_eq!((call(PR_CAPBSET_READ, 40, 0).0, call(PR_CAPBSET_READ, 41, 0).0), (Ok(1), invalid));
        assert_eq!((call(PR_CAP_AMBIENT, IS_SET, 40).0, call(PR_CAP_AMBIENT, IS_SET, 41).0), (Ok(0), invalid));
        assert_eq!(call(PR_CAP_AMBIENT, RAISE, 3).0, Err(Errno::EPERM.into()));
        assert_eq!((call(PR_CAP_AMBIENT, CLEAR_ALL, 0).0, call(PR_CAP_AMBIENT, CLEAR_ALL, 1).0), (Ok(0), invalid));
        assert_eq!(
            (call(PR_GET_SECUREBITS, 0, 0).0, call(PR_GET_PDEATHSIG, 8, 0).0),
            (Ok(0), Err(Errno::EFAULT.into()))
        );
    }
}
