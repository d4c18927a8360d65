//! `futex(2)`: <https://man7.org/linux/man-pages/man2/futex.2.html>, where there is only one thread: nobody can be woken, and
//! waiting ends by its timeout. Supported: WAIT, WAKE, WAIT_BITSET, WAKE_BITSET, REQUEUE, CMP_REQUEUE, WAKE_OP, private and
//! shared; not supported: PI operations, waiting for ever. Errors: EAGAIN, EINVAL, EFAULT, ENOSYS, ETIMEDOUT.

use crate::abi::futex::{
    FUTEX_CMP_REQUEUE, FUTEX_CMP_REQUEUE_PI, FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_PRIVATE_FLAG, FUTEX_REQUEUE,
    FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI, FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI, FUTEX_WAKE,
    FUTEX_WAKE_BITSET, FUTEX_WAKE_OP, wake_operation,
};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::clock::Clock;
use crate::subsystems::futex_call::{FutexCall, read_word};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(98 => futex, single_thread);

quick!(wake_nobody);

/// What most unlocks come to.
pub fn wake_nobody(address: UserAddress, operation: u32) -> Option<SysResult> {
    let wakes = operation == FUTEX_WAKE | FUTEX_PRIVATE_FLAG && address.0.is_multiple_of(4);
    wakes.then_some(Ok(0))
}

/// Does `operation` on the word at `address`. What `value`, `timeout` (or a second count), the word at `second` and
/// `value3` mean depends on it.
pub fn futex(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    boot: &BootInfo,
    address: UserAddress,
    operation: u32,
    value: u32,
    timeout: UserAddress,
    second: UserAddress,
    value3: u32,
) -> SysResult {
    let call = FutexCall::decode(memory, clock, boot, operation, timeout)?;
    if matches!(call.command, FUTEX_WAIT_BITSET | FUTEX_WAKE_BITSET) && value3 == 0 {
        return Err(Errno::EINVAL.into());
    }
    match call.command {
        FUTEX_WAIT | FUTEX_WAIT_BITSET => {
            if read_word(memory, address)? != value {
                return Err(Errno::EAGAIN.into());
            }
            let unending = Refusal::Unsupported("a futex wait without a timeout: nobody is there to end it");
            clock.idle_until(call.deadline_ns.ok_or(unending)?);
            Err(Errno::ETIMEDOUT.into())
        }
        FUTEX_WAKE | FUTEX_WAKE_BITSET => {
            call.check_word(memory, address)?;
            Ok(0)
        }
        FUTEX_REQUEUE | FUTEX_CMP_REQUEUE => {
            if (value as i32) < 0 || (timeout.0 as i32) < 0 {
                return Err(Errno::EINVAL.into());
            }
            call.check_word(memory, address)?;
            call.check_word(memory, second)?;
            if call.command == FUTEX_CMP_REQUEUE && memory.read_u32(address)? != value3 {
                return Err(Errno::EAGAIN.into());
            }
            Ok(0)
        }
        FUTEX_WAKE_OP => {
            call.check_word(memory, address)?;
            let (new, holds) = wake_operation(value3, read_word(memory, second)?)?;
            memory.write_u32(second, new)?;
            holds.ok_or(Errno::ENOSYS)?;
            Ok(0)
        }
        FUTEX_LOCK_PI
        | FUTEX_LOCK_PI2
        | FUTEX_TRYLOCK_PI
        | FUTEX_UNLOCK_PI
        | FUTEX_WAIT_REQUEUE_PI
        | FUTEX_CMP_REQUEUE_PI => {
            Err(Refusal::Unsupported("priority-inheritance futexes of a program without threads"))
        }
        _ => Err(Errno::ENOSYS.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::futex::FUTEX_PRIVATE_FLAG;
    use crate::testing::FakeMemory;

    #[test]
    fn waits_end_by_their_timeout() {
        let (mut memory, mut clock, boot) = (FakeMemory::new(64), Clock::new(), BootInfo::default());
        let time = memory.put(16, &[2u64, 0].map(u64::to_le_bytes).concat());
        let word = memory.address(0);
        let mut call = |address, operation, value, timeout, value3| {
            let result = futex(&mut memory, &mut clock, &boot, address, operation, value, timeout, word, value3);
            (result, clock.now_ns())
        };
        let null = UserAddress::NULL;
        assert_eq!(call(word, FUTEX_WAIT, 0, time, 0), (Err(Errno::ETIMEDOUT.into()), 2_000_000_000));
        assert_eq!(call(word, FUTEX_WAIT_BITSET, 0, time, 1), (Err(Errno::ETIMEDOUT.into()), 2_000_000_000));
        assert_eq!(call(word, FUTEX_WAIT, 1, time, 0).0, Err(Errno::EAGAIN.into()));
        assert_eq!(call(word, FUTEX_WAIT_BITSET, 0, null, 0).0, Err(Errno::EINVAL.into()));
        assert!(matches!(call(word, FUTEX_WAIT, 0, null, 0).0, Err(Refusal::Unsupported(_))));
        assert_eq!(call(word, FUTEX_WAKE, 1, null, 0).0, Ok(0));
        assert_eq!(call(null, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, null, 0).0, Ok(0));
        assert_eq!(call(null, FUTEX_WAKE, 1, null, 0).0, Err(Errno::EFAULT.into()));
        assert_eq!(call(word.add(1), FUTEX_WAKE, 1, null, 0).0, Err(Errno::EINVAL.into()));
        assert_eq!(call(word, FUTEX_REQUEUE, 1, null, 0).0, Ok(0));
        assert_eq!(call(word, FUTEX_CMP_REQUEUE, 1, null, 1).0, Err(Errno::EAGAIN.into()));
        assert_eq!(call(word, 77, 1, null, 1).0, Err(Errno::ENOSYS.into()));
        assert_eq!(call(word, FUTEX_WAKE_OP, 1, null, 9 << 12).0, Ok(0));
        assert_eq!(memory.read_u32(word), Ok(9));
    }
}
