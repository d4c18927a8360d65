//! Moving bytes between open files and the program's buffers: what `read`, `readv`, `pread64` and their writing
//! counterparts have in common. The caller has checked the descriptor.

use crate::abi::iovec::{IoVector, MAX_TRANSFER_BYTES, check_buffers, check_end};
use crate::abi::pollfd::POLLIN;
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::buffer::accessible_bytes;
use crate::subsystems::open_file::{OpenFile, READS, WRITES, check_kind, check_operation};
use crate::subsystems::paired_sockets::keeps_messages;
use crate::subsystems::scattered::{scatter, total_bytes};
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
#[inline]
pub fn read_buffer(
    memory: &mut impl UserMemory,
    platform: &mut dyn Platform,
    open: &OpenFile,
    offset: u64,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let asked_bytes = len_bytes;
    let len_bytes = len_bytes.min(MAX_TRANSFER_BYTES);
    match memory.slice_mut(address, len_bytes) {
        Ok(buffer) => match open.regular() {
            Some((node, contents)) => node.read_regular(contents, offset, buffer),
            None => open.without_waiting(open.file.read(platform, offset, buffer), 0),
        },
        Err(_) => read_beginning(memory, platform, open, offset, address, asked_bytes),
    }
}

/// As [`read_buffer`], for a buffer that is not wholly the program's.
#[cold]
fn read_beginning(
    memory: &mut impl UserMemory,
    platform: &mut dyn Platform,
    open: &OpenFile,
    offset: u64,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    check_kind(open, READS)?;
    check_end(address, len_bytes)?;
    check_operation(open, READS, len_bytes)?;
    let len_bytes = len_bytes.min(MAX_TRANSFER_BYTES);
    let result = match accessible_bytes(memory, address, len_bytes) {
        // At the end of a file nothing is moved, so nothing is wrong.
        0 if open.file.is_seekable() && open.file.read(platform, offset, &mut [0])? == 0 => Ok(0),
        // Nor where there is nothing to read yet: that shows first.
        0 if open.file.ready() & POLLIN == 0 => {
            open.file.read(platform, offset, [0; 8].get_mut(..len_bytes).unwrap_or(&mut [0; 8]))
        }
        0 => Err(Errno::EFAULT.into()),
        usable_bytes => open.file.read(platform, offset, memory.slice_mut(address, usable_bytes)?),
    };
    open.without_waiting(result, 0)
}

/// Writes the `len_bytes` bytes at `address` to `offset` of `open`; if some are not the program's, a seekable file takes
/// those before, all others none.
#[inline]
pub fn write_buffer(
    memory: &impl UserMemory,
    platform: &mut impl Platform,
    open: &OpenFile,
    offset: u64,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let asked_bytes = len_bytes;
    let len_bytes = len_bytes.min(MAX_TRANSFER_BYTES);
    if let (Some(stream), Ok(buffer)) = (open.stream, memory.slice(address, len_bytes)) {
        platform.write_console(stream, buffer);
        return Ok(len_bytes);
    }
    match memory.slice(address, len_bytes) {
        Ok(buffer) => match open.regular() {
            Some((node, contents)) => node.write_regular(contents, offset, buffer),
            None => open.without_waiting(open.file.write(platform, offset, buffer), len_bytes),
        },
        Err(_) => write_beginning(memory, platform, open, offset, address, asked_bytes),
    }
}

/// As [`write_buffer`], for a buffer that is not wholly the program's.
#[cold]
fn write_beginning(
    memory: &impl UserMemory,
    platform: &mut dyn Platform,
    open: &OpenFile,
    offset: u64,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    check_kind(open, WRITES)?;
    check_end(address, len_bytes)?;
    check_operation(open, WRITES, len_bytes)?;
    let len_bytes = len_bytes.min(MAX_TRANSFER_BYTES);
    if !open.file.is_seekable() {
        return Err(Errno::EFAULT.into());
    }
    match accessible_bytes(memory, address, len_bytes) {
        0 => Err(Errno::EFAULT.into()),
        usable_bytes => open.file.write(platform, offset, memory.slice(address, usable_bytes)?),
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
    check_buffers(memory, list, count)?;
    let list: Vec<IoVector> = (0..count).map(|index| IoVector::read(memory, list, index)).collect::<Result<_, _>>()?;
    if keeps_messages(open) {
        return read_message(memory, platform, open, &list);
    }
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
    if done == 0 {
        check_kind(open, READS)?;
    }
    Ok(done)
}

/// Reads one message to the buffers of `list`.
#[cold]
fn read_message(
    memory: &mut impl UserMemory,
    platform: &mut dyn Platform,
    open: &OpenFile,
    list: &[IoVector],
) -> SysResult {
    let buffers: Vec<_> = list.iter().map(|element| (element.address, element.len_bytes)).collect();
    let room_bytes = total_bytes(&buffers);
    if room_bytes == 0 {
        return Ok(0);
    }
    // At least one, so that it is asked for.
    let mut bytes = alloc::vec![0; room_bytes.min(open.file.readable_bytes().unwrap_or(0)).max(1)];
    let read_bytes = open.without_waiting(open.file.read(platform, 0, &mut bytes), 0)?;
    scatter(memory, &buffers, 0, bytes.get(..read_bytes).unwrap_or_default())?;
    Ok(read_bytes)
}

/// Writes the `count` buffers listed at `list` to `offset` of `open`, up to one that is not taken whole or not readable.
pub fn write_list(
    memory: &impl UserMemory,
    platform: &mut impl Platform,
    open: &OpenFile,
    offset: u64,
    list: UserAddress,
    count: u32,
) -> SysResult {
    check_buffers(memory, list, count)?;
    let mut done = 0;
    for index in 0..count {
        let element = IoVector::read(memory, list, index)?;
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
    if done == 0 {
        check_kind(open, WRITES)?;
    }
    Ok(done)
}

/// Whether the bytes that the list describes can lie at `offset`.
///
/// # Errors
/// EINVAL if they would end beyond what a file position can say; EINVAL or EFAULT for the list itself, but only if it is
/// looked at, which it is not for an offset that no list can lead astray.
pub fn check_list_span(memory: &impl UserMemory, offset: u64, list: UserAddress, count: u32) -> Result<(), Errno> {
    if offset < i64::MAX as u64 - MAX_TRANSFER_BYTES as u64 {
        return Ok(());
    }
    check_buffers(memory, list, count)?;
    let mut total_bytes = 0usize;
    for index in 0..count {
        total_bytes = total_bytes.saturating_add(IoVector::read(memory, list, index)?.len_bytes);
    }
    check_span(offset, total_bytes.min(MAX_TRANSFER_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::{Contents, Kind};
    use crate::subsystems::tree_file::TreeFile;
    use crate::testing::{FakeMemory, FakePlatform};
    use alloc::boxed::Box;

    /// Found by comparing random sequences with Linux: how much is asked for shows before where it goes.
    #[test]
    fn a_length_that_a_kind_never_takes_is_seen_before_a_bad_address() {
        let (mut memory, mut platform) = (FakeMemory::new(64), FakePlatform::new());
        let counter = OpenFile::new(Box::new(EventCounter::new(1, false)), O_RDWR);
        let mut both = |len_bytes| {
            let written = write_buffer(&memory, &mut platform, &counter, 0, UserAddress(8), len_bytes);
            (read_buffer(&mut memory, &mut platform, &counter, 0, UserAddress(8), len_bytes), written)
        };
        let (invalid, fault) = (Err(Errno::EINVAL.into()), Err(Errno::EFAULT.into()));
        assert_eq!((both(7), both(8), both(9)), ((invalid, invalid), (fault, fault), (fault, invalid)));
        let far = read_buffer(&mut memory, &mut platform, &counter, 0, UserAddress(usize::MAX), 7);
        assert_eq!(far, fault, "but not before one where no program can be");
    }

    /// Not even the beginning is moved of what ends where no program can be.
    #[test]
    fn a_buffer_must_end_at_an_address() {
        let (mut memory, mut platform) = (FakeMemory::new(64), FakePlatform::new());
        let node = FileTree::new().new_node(Kind::Regular(Contents::empty()), 0o600);
        let file = OpenFile::new(Box::new(TreeFile(node)), O_RDWR);
        let at = memory.address(0);
        let far = isize::MAX as usize - at.0;
        for (len_bytes, moved) in [
            (usize::MAX, Err(Errno::EFAULT.into())),
            (far + 1, Err(Errno::EFAULT.into())),
            (far, Ok(64)),
            (100, Ok(64)),
        ] {
            assert_eq!(write_buffer(&memory, &mut platform, &file, 0, at, len_bytes), moved);
            assert_eq!(read_buffer(&mut memory, &mut platform, &file, 0, at, len_bytes), moved);
        }
    }

    #[test]
    fn positions_are_signed() {
        assert_eq!(check_span(i64::MAX as u64 - 1, 1), Ok(()));
        assert_eq!(check_span(i64::MAX as u64, 1), Err(Errno::EINVAL));
        assert_eq!(check_span(1, usize::MAX), Err(Errno::EINVAL));
    }
}
