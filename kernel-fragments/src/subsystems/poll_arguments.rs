//! Arguments that `ppoll` and its relatives share.

use crate::abi::signal::{SET_BYTES, UNBLOCKABLE};
use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};

const NS_PER_S: i64 = 1_000_000_000;

/// The `struct timespec` at `address` as nanoseconds, at most `i64::MAX`; `None`, for ever, if the address is null.
///
/// # Errors
/// EFAULT; EINVAL if it is negative or its nanoseconds are a second or more.
pub fn read_timeout(memory: &impl UserMemory, address: UserAddress) -> Result<Option<u64>, Errno> {
    if address.is_null() {
        return Ok(None);
    }
    let (seconds, nanoseconds) = (memory.read_u64(address)? as i64, memory.read_u64(address.add(8))? as i64);
    if seconds < 0 || !(0..NS_PER_S).contains(&nanoseconds) {
        return Err(Errno::EINVAL);
    }
    Ok(Some(seconds.saturating_mul(NS_PER_S).saturating_add(nanoseconds).cast_unsigned()))
}

/// The signal mask that is to hold during a wait; `None`, the thread's own, if the address is null.
///
/// # Errors
/// EINVAL if it does not have 8 bytes, EFAULT.
pub fn read_signal_mask(
    memory: &impl UserMemory,
    address: UserAddress,
    len_bytes: usize,
) -> Result<Option<u64>, Errno> {
    if address.is_null() {
        return Ok(None);
    }
    if len_bytes != SET_BYTES {
        return Err(Errno::EINVAL);
    }
    Ok(Some(memory.read_u64(address)? & !UNBLOCKABLE))
}
