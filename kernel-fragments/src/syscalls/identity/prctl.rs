//! `prctl(2)`: <https://man7.org/linux/man-pages/man2/prctl.2.html>. Supported: SET_NAME, GET_NAME, GET_DUMPABLE, SET and
//! GET_NO_NEW_PRIVS, GET_KEEPCAPS, GET_TIMERSLACK, and SET_VMA as by a Linux without anonymous names; the other options of
//! Linux are not supported. Errors: EINVAL, EFAULT.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::image_data::bytes;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(167 => prctl);

const PR_GET_DUMPABLE: u32 = 3;
const PR_GET_KEEPCAPS: u32 = 7;
const PR_SET_NAME: u32 = 15;
const PR_GET_NAME: u32 = 16;
const PR_GET_TIMERSLACK: u32 = 30;
const PR_SET_NO_NEW_PRIVS: u32 = 38;
const PR_GET_NO_NEW_PRIVS: u32 = 39;
const PR_SET_VMA: u32 = 0x5356_4d41;
/// The highest option of Linux 6.12 in the numbered range.
const HIGHEST_OPTION: u32 = 74;

/// Bytes of a thread's name, its terminating zero included.
const NAME_BYTES: usize = 16;

/// What the process promised by prctl.
#[derive(Debug)]
pub struct Promises {
    no_new_privileges: bool,
}

impl Promises {
    /// Nothing.
    pub const fn new() -> Promises {
        Promises { no_new_privileges: false }
    }
}

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
        PR_GET_DUMPABLE => Ok(1),
        PR_GET_KEEPCAPS => Ok(0),
        PR_GET_TIMERSLACK => Ok(50_000),
        PR_SET_NO_NEW_PRIVS if argument == 1 && rest_is_zero => {
            promises.no_new_privileges = true;
            Ok(0)
        }
        PR_GET_NO_NEW_PRIVS if argument == 0 && rest_is_zero => Ok(usize::from(promises.no_new_privileges)),
        PR_SET_NO_NEW_PRIVS | PR_GET_NO_NEW_PRIVS | PR_SET_VMA => Err(Errno::EINVAL.into()),
        1..=HIGHEST_OPTION => Err(Refusal::Unsupported("this prctl option")),
        _ => Err(Errno::EINVAL.into()),
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
    }
}
