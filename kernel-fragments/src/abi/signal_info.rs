//! `siginfo_t` (include/uapi/asm-generic/siginfo.h): number, errno and code, then what the code says it is. All kinds that
//! occur here fit into the two words behind the code.

use crate::abi::signal::{SI_TKILL, SI_USER};
use crate::errno::Errno;
use crate::thread::PROCESS_ID;
use crate::user_memory::{UserAddress, UserMemory};

/// Bytes of a `siginfo_t`.
pub const SIGINFO_BYTES: usize = 128;

/// `si_code` of sigqueue.
pub const SI_QUEUE: i32 = -1;
/// `si_code` of a timer of `timer_create`.
pub const SI_TIMER: i32 = -2;
/// `si_code` of a message queue that is empty no more.
pub const SI_MESGQ: i32 = -3;
/// `si_code` of what the kernel sends without more to say: `setitimer`.
pub const SI_KERNEL: i32 = 0x80;

/// Where a signal comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignalInfo {
    /// `si_code`.
    pub code: i32,
    /// The 16 bytes at offset 16: process and user, then a value; a timer's id and overrun, then a value; an address.
    pub words: [u64; 2],
}

impl SignalInfo {
    /// Of `kill` (to the process) or `tgkill` (to a thread), by the superuser.
    pub const fn sent(is_directed: bool) -> SignalInfo {
        SignalInfo::sent_by(0, is_directed)
    }

    /// The same by this real user.
    pub const fn sent_by(user: u32, is_directed: bool) -> SignalInfo {
        let words = [PROCESS_ID as u64 | (user as u64) << 32, 0];
        SignalInfo { code: if is_directed { SI_TKILL } else { SI_USER }, words }
    }

    /// Of the timer with id `id`, that was due so many times more, and `value`.
    pub const fn of_timer(id: i32, overruns: i32, value: u64) -> SignalInfo {
        let words = [id.cast_unsigned() as u64 | (overruns.cast_unsigned() as u64) << 32, value];
        SignalInfo { code: SI_TIMER, words }
    }

    /// Of an instruction that used `address`, or lies there.
    pub const fn fault(code: i32, address: u64) -> SignalInfo {
        SignalInfo { code, words: [address, 0] }
    }

    /// Stores it for `signal` at `address`; EFAULT, and nothing is stored.
    pub fn write(&self, memory: &mut impl UserMemory, address: UserAddress, signal: u32) -> Result<(), Errno> {
        memory.slice_mut(address, SIGINFO_BYTES)?.fill(0);
        memory.write_u32(address, signal)?;
        memory.write_u32(address.add(8), self.code.cast_unsigned())?;
        memory.write_u64(address.add(16), self.words[0])?;
        memory.write_u64(address.add(24), self.words[1])
    }

    /// The one that a program wrote to `address`; EFAULT.
    pub fn read(memory: &impl UserMemory, address: UserAddress) -> Result<SignalInfo, Errno> {
        memory.slice(address, SIGINFO_BYTES)?;
        let code = memory.read_u32(address.add(8))?.cast_signed();
        Ok(SignalInfo { code, words: [memory.read_u64(address.add(16))?, memory.read_u64(address.add(24))?] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn round_trip() {
        let mut memory = FakeMemory::new(SIGINFO_BYTES);
        let (at, info) = (memory.address(0), SignalInfo { code: SI_QUEUE, words: [5, 6] });
        assert_eq!(info.write(&mut memory, at, 40), Ok(()));
        assert_eq!((memory.bytes(0, 1)[0], SignalInfo::read(&memory, at)), (40, Ok(info)));
        assert_eq!(info.write(&mut memory, at.add(1), 40), Err(Errno::EFAULT));
    }
}
