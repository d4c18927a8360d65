//! Sets of harts as `sched_getaffinity` and its relatives pass them: this machine has hart 0 only.

use crate::errno::{Errno, SysResult};
use crate::user_memory::{UserAddress, UserMemory};

/// Bytes of the kernel's set of harts: 64 of them.
const SET_BYTES: usize = 8;

/// Whether a buffer of `len_bytes` can take a set; EINVAL if not.
pub fn check_len(len_bytes: u32) -> Result<(), Errno> {
    let len_bytes = len_bytes as usize;
    if len_bytes < SET_BYTES || !len_bytes.is_multiple_of(SET_BYTES) { Err(Errno::EINVAL) } else { Ok(()) }
}

/// Stores the set of hart 0 at `address`; returns its length in bytes. EFAULT.
pub fn store(memory: &mut impl UserMemory, address: UserAddress) -> SysResult {
    memory.write_u64(address, 1)?;
    Ok(SET_BYTES)
}

/// Whether the set of `len_bytes` bytes at `address` has hart 0; what lies behind the kernel's 8 bytes does not count.
///
/// # Errors
/// EFAULT.
pub fn has_hart(memory: &impl UserMemory, address: UserAddress, len_bytes: usize) -> Result<bool, Errno> {
    let bytes = memory.slice(address, len_bytes.min(SET_BYTES))?;
    Ok(bytes.first().is_some_and(|byte| byte & 1 != 0))
}
