//! `futex(2)`: <https://man7.org/linux/man-pages/man2/futex.2.html>, of a program with one thread that only ever wakes and waits
//! without a timeout: locks. Supported: WAKE, WAIT on a word that has changed, private and shared; not supported: other
//! operations, timeouts, waiting for ever. Errors: EAGAIN, EINVAL, EFAULT.

use crate::abi::futex::{FUTEX_PRIVATE_FLAG, FUTEX_WAIT, FUTEX_WAKE};
use crate::errno::{Errno, Refusal, SysResult};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(98 => futex, plain_futexes);

/// Does `operation` on the word at `address`, which is expected to hold `value` by who waits.
pub fn futex(
    memory: &mut impl UserMemory,
    address: UserAddress,
    operation: u32,
    value: u32,
    timeout: UserAddress,
) -> SysResult {
    let waits = match operation & !FUTEX_PRIVATE_FLAG {
        FUTEX_WAKE => false,
        FUTEX_WAIT if timeout.is_null() => true,
        _ => return Err(Refusal::Unsupported("a futex operation that the analysis did not find")),
    };
    if !address.0.is_multiple_of(4) {
        return Err(Errno::EINVAL.into());
    }
    if operation == FUTEX_WAKE | FUTEX_PRIVATE_FLAG {
        return Ok(0); // where it leads does not matter
    }
    let found = memory.read_u32(address)?;
    match (waits, found == value) {
        (false, _) => Ok(0),
        (true, false) => Err(Errno::EAGAIN.into()),
        (true, true) => Err(Refusal::Unsupported("a futex wait without a timeout: nobody is there to end it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn like_the_general_one() {
        let mut memory = FakeMemory::new(64);
        let word = memory.put(16, &7u32.to_le_bytes());
        let null = UserAddress::NULL;
        let mut call = |address, operation, value, timeout| futex(&mut memory, address, operation, value, timeout);
        for flag in [0, FUTEX_PRIVATE_FLAG] {
            assert_eq!(call(word, FUTEX_WAKE | flag, 1, word), Ok(0));
            assert_eq!(call(word.add(1), FUTEX_WAKE | flag, 1, null), Err(Errno::EINVAL.into()));
            assert_eq!(call(word, FUTEX_WAIT | flag, 8, null), Err(Errno::EAGAIN.into()));
            assert_eq!(call(null, FUTEX_WAIT | flag, 8, null), Err(Errno::EFAULT.into()));
            assert!(matches!(call(word, FUTEX_WAIT | flag, 7, null), Err(Refusal::Unsupported(_))));
            assert!(matches!(call(word, FUTEX_WAIT | flag, 8, word), Err(Refusal::Unsupported(_))));
        }
        assert_eq!(call(null, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, null), Ok(0));
        assert_eq!(call(null, FUTEX_WAKE, 1, null), Err(Errno::EFAULT.into()));
        assert!(matches!(call(word, 3, 0, null), Err(Refusal::Unsupported(_))));
    }
}
