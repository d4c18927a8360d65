//! Arguments that `ppoll` and its relatives share.

use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};

const NS_PER_S: i64 = 1_000_000_000;

/// The `struct timespec` at `address` as nanoseconds, at most `i64::MAX`; `None`, for ever, if the address is null.
///
/// # Errors
/// EFAULT; EINVAL if it is negative or its nanoseconds are a second or more.
pub fn read_timeout(memory: &impl UserMemory, address: UserAddress) -> Result<Option<i64>, Errno> {
    if address.is_null() {
        return Ok(None);
    }
    let (seconds, nanoseconds) = (memory.read_u64(address)? as i64, memory.read_u64(address.add(8))? as i64);
    if seconds < 0 || !(0..NS_PER_S).contains(&nanoseconds) {
        return Err(Errno::EINVAL);
    }
    Ok(Some(seconds.saturating_mul(NS_PER_S).saturating_add(nanoseconds)))
}

/// Whether a signal mask can be taken over for the time of a wait.
///
/// # Errors
/// EINVAL if it does not have 8 bytes, EFAULT.
pub fn check_signal_mask(memory: &impl UserMemory, address: UserAddress, len_bytes: usize) -> Result<(), Errno> {
    if address.is_null() {
        return Ok(());
    }
    if len_bytes != 8 {
        return Err(Errno::EINVAL);
    }
    memory.read_u64(address).map(|_| ())
}
