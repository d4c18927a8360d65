//! `prctl(2)`: <https://man7.org/linux/man-pages/man2/prctl.2.html>, where the program can become somebody else. Supported: KEEPCAPS and
//! SECUREBITS, each SET and GET, CAPBSET_READ and DROP, CAP_AMBIENT, and what the general handler supports. Errors: EINVAL, EPERM,
//! EFAULT, ENOMEM.

use crate::abi::capability::{CAP_LAST_CAP, CAP_SETPCAP, SECURE_ALL_BITS, SECURE_KEEP_CAPS};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::acting::note_dumpable;
use crate::subsystems::credentials::Identity;
use crate::subsystems::identities::Identities;
use crate::subsystems::promises::Promises;
use crate::syscalls::identity::prctl::prctl as do_other;
use crate::thread::Thread;
use crate::user_memory::UserMemory;

syscall!(167 => prctl, credentials);

// include/uapi/linux/prctl.h
const PR_GET_KEEPCAPS: u32 = 7;
const PR_SET_KEEPCAPS: u32 = 8;
const PR_CAPBSET_READ: u32 = 23;
const PR_CAPBSET_DROP: u32 = 24;
const PR_GET_SECUREBITS: u32 = 27;
const PR_SET_SECUREBITS: u32 = 28;
const PR_CAP_AMBIENT: u32 = 47;

// What PR_CAP_AMBIENT does.
const IS_SET: u64 = 1;
const RAISE: u64 = 2;
const LOWER: u64 = 3;
const CLEAR_ALL: u64 = 4;

/// Does `option`.
pub fn prctl(
    memory: &mut impl UserMemory,
    promises: &mut Promises,
    identities: &mut Identities,
    boot: &BootInfo,
    thread: &mut Thread,
    option: u32,
    argument: u64,
    third: u64,
    fourth: u64,
    fifth: u64,
) -> SysResult {
    let old = thread.credentials.identity();
    let sets = old.capabilities;
    let new = match option {
        PR_GET_KEEPCAPS => return Ok(usize::from(old.secure_bits & SECURE_KEEP_CAPS != 0)),
        PR_GET_SECUREBITS => return Ok(old.secure_bits as usize),
        PR_CAPBSET_READ => return Ok((sets.bounding >> capability(argument)? & 1) as usize),
        PR_CAP_AMBIENT if argument == IS_SET && fourth | fifth == 0 => {
            return Ok((sets.ambient >> capability(third)? & 1) as usize);
        }
        PR_SET_KEEPCAPS => with_keeping(old, argument)?,
        PR_SET_SECUREBITS => with_secure_bits(old, argument, thread.credentials.has(CAP_SETPCAP))?,
        PR_CAPBSET_DROP if !thread.credentials.has(CAP_SETPCAP) => return Err(Errno::EPERM.into()),
        PR_CAPBSET_DROP => {
            let mut new = old.clone();
            new.capabilities.bounding &= !(1 << capability(argument)?);
            new
        }
        PR_CAP_AMBIENT => with_ambient(old, argument, third, fourth | fifth)?,
        _ => {
            let result = do_other(memory, promises, boot, thread, option, argument, third, fourth, fifth);
            note_dumpable(!promises.is_not_dumpable);
            return result;
        }
    };
    identities.become_new(promises, thread, new)?;
    Ok(0)
}

/// A capability that there is; EINVAL.
fn capability(number: u64) -> Result<u32, Errno> {
    if number <= u64::from(CAP_LAST_CAP) { Ok(number as u32) } else { Err(Errno::EINVAL) }
}

fn with_keeping(old: &Identity, keeps: u64) -> Result<Identity, Errno> {
    if keeps > 1 {
        return Err(Errno::EINVAL);
    }
    if old.secure_bits & SECURE_KEEP_CAPS << 1 != 0 {
        return Err(Errno::EPERM); // it is locked
    }
    let others = old.secure_bits & !SECURE_KEEP_CAPS;
    let secure_bits = others | if keeps == 1 { SECURE_KEEP_CAPS } else { 0 };
    Ok(Identity { secure_bits, ..old.clone() })
}

fn with_secure_bits(old: &Identity, bits: u64, is_capable: bool) -> Result<Identity, Errno> {
    const LOCKS: u32 = SECURE_ALL_BITS << 1;
    let (old_bits, known) = (u64::from(old.secure_bits), u64::from(LOCKS | SECURE_ALL_BITS));
    let locks = old_bits & u64::from(LOCKS);
    let changes_locked = locks >> 1 & (old_bits ^ bits) != 0;
    if changes_locked || locks & !bits != 0 || bits & !known != 0 || !is_capable {
        return Err(Errno::EPERM);
    }
    Ok(Identity { secure_bits: bits as u32, ..old.clone() })
}

fn with_ambient(old: &Identity, does: u64, number: u64, rest: u64) -> Result<Identity, Errno> {
    if does == CLEAR_ALL && number | rest == 0 {
        let mut new = old.clone();
        new.capabilities.ambient = 0;
        return Ok(new);
    }
    let capability = capability(number)?;
    if rest != 0 || does != RAISE && does != LOWER {
        return Err(Errno::EINVAL);
    }
    old.with_ambient(capability, does == RAISE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::capability::CAP_KILL;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn bits_and_sets() {
        let (mut memory, mut thread, boot) = (FakeMemory::new(8), Thread::first(), boot_with(&[]));
        let (mut identities, mut promises) = (Identities::new(), Promises::new());
        let mut call = |option, argument, third| {
            prctl(&mut memory, &mut promises, &mut identities, &boot, &mut thread, option, argument, third, 0, 0)
        };
        let (denied, invalid) = (Err(Errno::EPERM.into()), Err(Errno::EINVAL.into()));
        assert_eq!((call(PR_SET_KEEPCAPS, 1, 0), call(PR_GET_KEEPCAPS, 0, 0)), (Ok(0), Ok(1)));
        assert_eq!((call(PR_GET_SECUREBITS, 0, 0), call(PR_SET_SECUREBITS, 1 << 9, 0)), (Ok(0x10), denied));
        assert_eq!((call(PR_SET_SECUREBITS, 0x20, 0), call(PR_SET_KEEPCAPS, 1, 0)), (Ok(0), denied));
        assert_eq!((call(PR_SET_SECUREBITS, 0, 0), call(PR_SET_SECUREBITS, 0x30, 0)), (denied, denied));
        let kill = u64::from(CAP_KILL);
        assert_eq!((call(PR_CAP_AMBIENT, RAISE, kill), call(PR_CAP_AMBIENT, 9, kill)), (denied, invalid));
        assert_eq!((call(PR_CAP_AMBIENT, IS_SET, kill), call(PR_CAP_AMBIENT, CLEAR_ALL, kill)), (Ok(0), invalid));
        assert_eq!((call(PR_CAPBSET_DROP, kill, 0), call(PR_CAPBSET_READ, kill, 0)), (Ok(0), Ok(0)));
        assert_eq!((call(PR_CAPBSET_READ, 0, 0), call(PR_CAPBSET_READ, 41, 0)), (Ok(1), invalid));
        assert_eq!(call(3, 0, 0), Ok(1), "the others are as ever");
    }
}
