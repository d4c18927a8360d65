//! `copy_file_range(2)`: <https://man7.org/linux/man-pages/man2/copy_file_range.2.html>. Supported: regular files.
//! Errors: EBADF, EINVAL, EISDIR, EFAULT, EOVERFLOW, EFBIG, ENOSPC.

use crate::abi::iovec::MAX_TRANSFER_BYTES;
use crate::abi::open_flags::O_APPEND;
use crate::abi::stat::{S_IFDIR, S_IFMT, S_IFREG};
use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::message_queues::is_queue;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Rc;
use alloc::vec;

syscall!(285 => copy_file_range);

/// Bytes that are moved at once.
const CHUNK_BYTES: usize = 4096;

/// Copies up to `len_bytes` bytes from `from` to `to`, each from the offset stored at its address, which then moves on, or
/// from the file's position if that is null.
pub fn copy_file_range(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    from: Fd,
    from_offset: UserAddress,
    to: Fd,
    to_offset: UserAddress,
    len_bytes: usize,
    flags: u32,
) -> SysResult {
    let (from, to) = (descriptors.get(from)?.clone(), descriptors.get(to)?.clone());
    let stored = |address: UserAddress, position: u64| {
        if address.is_null() { Ok(position) } else { memory.read_u64(address) }
    };
    let (start, target) = (stored(from_offset, from.offset.get())?, stored(to_offset, to.offset.get())?);
    if flags != 0 {
        return Err(Errno::EINVAL.into());
    }
    let kinds = [&from, &to].map(|open| open.file.stat().mode & S_IFMT);
    if kinds.contains(&S_IFDIR) {
        return Err(Errno::EISDIR.into());
    }
    if kinds != [S_IFREG, S_IFREG] {
        return Err(Errno::EINVAL.into());
    }
    if !from.is_readable() || !to.is_writable() || to.flags.get() & O_APPEND != 0 {
        return Err(Errno::EBADF.into());
    }
    if is_queue(&from) != is_queue(&to) {
        return Err(Errno::EXDEV.into());
    }
    let is_same = from.file.node().zip(to.file.node()).is_some_and(|(from, to)| Rc::ptr_eq(from, to));
    let len_bytes = possible_bytes(start, target, len_bytes as u64, from.file.stat().size_bytes, is_same)?;
    let mut chunk = vec![0; len_bytes.min(CHUNK_BYTES)];
    let mut done = 0;
    while done < len_bytes {
        let wanted_bytes = (len_bytes - done).min(CHUNK_BYTES);
        let Some(buffer) = chunk.get_mut(..wanted_bytes) else { break };
        let read_bytes = from.file.read(platform, start + done as u64, buffer)?;
        let Some(bytes) = chunk.get(..read_bytes).filter(|bytes| !bytes.is_empty()) else { break };
        match to.file.write(platform, target + done as u64, bytes) {
            Ok(written_bytes) => done += written_bytes,
            Err(refusal) if done == 0 => return Err(refusal),
            Err(_) => break,
        }
    }
    for (open, address, at) in [(&from, from_offset, start), (&to, to_offset, target)] {
        match address.is_null() {
            true => open.offset.set(at + done as u64),
            false => memory.write_u64(address, at + done as u64)?,
        }
    }
    Ok(done)
}

/// How many of `len_bytes` bytes from `start` on, of a file that has `size_bytes`, can be copied to `target`, which may
/// be in the same file. The steps are those of generic_copy_file_checks of fs/read_write.c, where only some of the
/// numbers have signs.
fn possible_bytes(start: u64, target: u64, len_bytes: u64, size_bytes: u64, is_same: bool) -> Result<usize, Errno> {
    const MOST: u64 = i64::MAX as u64;
    if start.checked_add(len_bytes).is_none() || target.checked_add(len_bytes).is_none() {
        return Err(Errno::EOVERFLOW);
    }
    let is_behind = start.cast_signed() >= size_bytes.cast_signed();
    let count = if is_behind { 0 } else { len_bytes.min(size_bytes.wrapping_sub(start)) };
    if target == MOST {
        return Err(Errno::EFBIG);
    }
    let count = count.min(MOST.wrapping_sub(target));
    let overlaps = is_same && target.wrapping_add(count) > start && target < start.wrapping_add(count);
    if overlaps || start > MOST || target > MOST {
        return Err(Errno::EINVAL);
    }
    Ok((count as usize).min(MAX_TRANSFER_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_RDONLY, O_RDWR};
    use crate::subsystems::tree_file::open_with;
    use crate::testing::{FakeMemory, FakePlatform};

    #[test]
    fn moves_positions_or_offsets() {
        let (mut memory, mut descriptors) = (FakeMemory::new(64), Descriptors::new());
        let from = open_with(&mut descriptors, b"hello", O_RDONLY);
        let to = open_with(&mut descriptors, b"", O_RDWR);
        let (null, offset) = (UserAddress::NULL, memory.put(0, &1u64.to_le_bytes()));
        let mut copy = |memory: &mut FakeMemory, from, from_offset, to, to_offset, flags| {
            copy_file_range(
                memory,
                &mut descriptors,
                &mut FakePlatform::new(),
                from,
                from_offset,
                to,
                to_offset,
                3,
                flags,
            )
        };
        assert_eq!(copy(&mut memory, from, null, to, null, 0), Ok(3));
        assert_eq!(copy(&mut memory, from, null, to, null, 0), Ok(2));
        assert_eq!(copy(&mut memory, from, null, to, null, 0), Ok(0), "at the end");
        assert_eq!((copy(&mut memory, from, offset, to, null, 0), memory.read_u64(offset)), (Ok(3), Ok(4)));
        for (source, source_offset, target, flags, errno) in [
            (from, null, to, 1, Errno::EINVAL),
            (Fd(99), null, to, 1, Errno::EBADF),
            (from, UserAddress(8), to, 1, Errno::EFAULT),
            (to, null, from, 0, Errno::EBADF),
            (from, UserAddress(8), to, 0, Errno::EFAULT),
            (Fd(0), null, to, 0, Errno::EINVAL),
            (Fd(99), null, to, 0, Errno::EBADF),
        ] {
            assert_eq!(copy(&mut memory, source, source_offset, target, null, flags), Err(errno.into()));
        }
        for (offset, expected) in [
            (i64::MAX as u64, Ok(0)), // behind the end
            (u64::MAX - 1, Err(Errno::EOVERFLOW.into())),
            (u64::MAX - 9, Err(Errno::EINVAL.into())),
        ] {
            let at = memory.put(0, &offset.to_le_bytes());
            assert_eq!(copy(&mut memory, from, at, to, null, 0), expected, "{offset:#x}");
        }
        let at = memory.put(0, &(i64::MAX as u64).to_le_bytes());
        assert_eq!(copy(&mut memory, from, null, to, at, 0), Err(Errno::EFBIG.into()));
        memory.put(0, &0u64.to_le_bytes());
        memory.put(8, &2u64.to_le_bytes());
        let (start, target) = (memory.address(0), memory.address(8));
        assert_eq!(copy(&mut memory, to, start, to, target, 0), Err(Errno::EINVAL.into()), "they overlap");
        let mut bytes = [0; 9];
        let file = descriptors.get(to).unwrap();
        assert_eq!(file.file.read(&mut FakePlatform::new(), 0, &mut bytes), Ok(8));
        assert_eq!(&bytes, b"helloell\0");
    }
}
