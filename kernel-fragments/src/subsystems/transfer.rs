//! Moving bytes between open files and the program's buffers: what `read`, `readv`, `pread64` and their writing
//! counterparts have in common. The caller has checked the descriptor.

use crate::abi::iovec::{IoVector, MAX_TRANSFER_BYTES, checked_list, elements};
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::buffer::accessible_bytes;
use crate::subsystems::open_file::OpenFile;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::vec::Vec;

/// Whether `len_bytes` bytes can lie at `offset`.
///
/// # Errors
/// EINVAL if they would end beyond what a file position can say.
pub fn check_span(offset: u64, len_bytes: usize) -> Result<(), Errno> {
    match offset.checked_add(len_bytes as u64) {
        Some(end) if end <= i64::MAX as u64 => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

/// Reads from `offset` of `open` to `len_bytes` bytes at `address`, or to as many of them as are the program's.
pub fn read_buffer(
    memory: &mut impl UserMemory,
    platform: &mut dyn Platform,
    open: &OpenFile,
    offset: u64,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let len_bytes = len_bytes.min(MAX_TRANSFER_BYTES);
    if let Ok(buffer) = memory.slice_mut(address, len_bytes) {
        return open.without_waiting(open.file.read(platform, offset, buffer), 0);
    }
    match accessible_bytes(memory, address, len_bytes) {
        // At the end of a file nothing is moved, so nothing is wrong.
        0 if open.file.is_seekable() && open.file.read(platform, offset, &mut [0])? == 0 => Ok(0),
        0 => Err(Errno::EFAULT.into()),
        usable_bytes => {
            open.without_waiting(open.file.read(platform, offset, memory.slice_mut(address, usable_bytes)?), 0)
        }
    }
}

/// Writes the `len_bytes` bytes at `address` to `offset` of `open`; if some are not the program's, a seekable file takes
/// those before, all others none.
pub fn write_buffer(
    memory: &impl UserMemory,
    platform: &mut dyn Platform,
    open: &OpenFile,
    offset: u64,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let len_bytes = len_bytes.min(MAX_TRANSFER_BYTES);
    if let Ok(buffer) = memory.slice(address, len_bytes) {
        return open.without_waiting(open.file.write(platform, offset, buffer), len_bytes);
    }
    match accessible_bytes(memory, address, len_bytes) {
        usable_bytes if usable_bytes > 0 && open.file.is_seekable() => {
            open.file.write(platform, offset, memory.slice(address, usable_bytes)?)
        }
        _ => Err(Errno::EFAULT.into()),
    }
}

/// Reads from `offset` of `open` to the `count` buffers listed at `list`, up to one that is not filled or not writable.
pub fn read_list(
    memory: &mut impl UserMemory,
    platform: &mut dyn Platform,
    open: &OpenFile,
    offset: u64,
    list: UserAddress,
    count: u32,
) -> SysResult {
    // The list is copied first: a buffer may lie over it.
    let list: Vec<IoVector> = elements(checked_list(memory, list, count)?).collect();
    let mut done = 0;
    for element in list {
        let len_bytes = element.len_bytes.min(MAX_TRANSFER_BYTES - done);
        if len_bytes == 0 {
            continue;
        }
        match read_buffer(memory, platform, open, offset + done as u64, element.address, len_bytes) {
            Ok(read_bytes) => {
                done += read_bytes;
                if read_bytes < len_bytes {
                    break;
                }
            }
            Err(refusal) if done == 0 => return Err(refusal),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// Writes the `count` buffers listed at `list` to `offset` of `open`, up to one that is not taken whole or not readable.
pub fn write_list(
    memory: &impl UserMemory,
    platform: &mut dyn Platform,
    open: &OpenFile,
    offset: u64,
    list: UserAddress,
    count: u32,
) -> SysResult {
    let mut done = 0;
    for element in elements(checked_list(memory, list, count)?) {
        let len_bytes = element.len_bytes.min(MAX_TRANSFER_BYTES - done);
        if len_bytes == 0 {
            continue;
        }
        match write_buffer(memory, platform, open, offset + done as u64, element.address, len_bytes) {
            Ok(written_bytes) => {
                done += written_bytes;
                if written_bytes < len_bytes {
                    break;
                }
            }
            Err(refusal) if done == 0 => return Err(refusal),
            Err(Refusal::Errno(_)) => break,
            Err(unsupported) => return Err(unsupported),
        }
    }
    Ok(done)
}

/// The number of bytes that the list describes, at most what one call moves.
pub fn list_bytes(memory: &impl UserMemory, list: UserAddress, count: u32) -> Result<usize, Errno> {
    let list = checked_list(memory, list, count)?;
    let total = elements(list).fold(0usize, |total, element| total.saturating_add(element.len_bytes));
    Ok(total.min(MAX_TRANSFER_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_signed() {
        assert_eq!(check_span(i64::MAX as u64 - 1, 1), Ok(()));
        assert_eq!(check_span(i64::MAX as u64, 1), Err(Errno::EINVAL));
        assert_eq!(check_span(1, usize::MAX), Err(Errno::EINVAL));
    }
}
