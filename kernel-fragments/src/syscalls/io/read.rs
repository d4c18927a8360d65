//! `read(2)`: <https://man7.org/linux/man-pages/man2/read.2.html>. Supported: every kind of file; not supported: waiting
//! for another thread. Errors: EBADF, EFAULT, EISDIR, EINVAL, EAGAIN.

use crate::abi::iovec::MAX_TRANSFER_BYTES;
use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_span, read_buffer};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(63 => read);

/// Reads up to `len_bytes` bytes from the file's position to `address`; 0 at its end.
pub fn read(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let open = descriptors.readable(fd)?;
    let offset = open.offset.get();
    // A file as it lies in the image: the end of what is read is known to be a position.
    if len_bytes < MAX_TRANSFER_BYTES
        && let Some(rest) = open.committed_from(offset)
    {
        let rest = rest.get(..len_bytes).unwrap_or(rest);
        if memory.write_quickly(address, rest).is_some() {
            // Read again: that is cheaper than keeping it.
            open.offset.set(open.offset.get() + rest.len() as u64);
            return Ok(rest.len());
        }
    }
    check_span(offset, len_bytes.min(MAX_TRANSFER_BYTES))?;
    let read_bytes = read_buffer(memory, platform, open, offset, address, len_bytes)?;
    open.offset.set(offset + read_bytes as u64);
    Ok(read_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_PATH, O_RDONLY, O_WRONLY};
    use crate::errno::Errno;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::tree_file::TreeFile;
    use crate::subsystems::tree_file::open_with;
    use crate::testing::{FakeMemory, FakePlatform};
    use alloc::boxed::Box;

    fn machine() -> (FakeMemory, Descriptors, FakePlatform) {
        (FakeMemory::new(64), Descriptors::new(), FakePlatform::with_input(b"input"))
    }

    #[test]
    fn moves_on() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let file = open_with(&mut descriptors, b"hello", O_RDONLY);
        let buffer = memory.address(0);
        let mut call = |fd, len_bytes| read(&mut memory, &mut descriptors, &mut platform, fd, buffer, len_bytes);
        assert_eq!((call(file, 3), call(file, 3), call(file, 3)), (Ok(3), Ok(2), Ok(0)));
        assert_eq!((call(Fd(0), 3), call(Fd(0), usize::MAX >> 2), call(Fd(0), 9)), (Ok(3), Ok(2), Ok(0)));
    }

    #[test]
    fn the_buffer_counts_only_as_far_as_it_is_used() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let file = open_with(&mut descriptors, b"hello", O_RDONLY);
        let near_end = memory.end().0 - 2;
        let mut call = |address| read(&mut memory, &mut descriptors, &mut platform, file, UserAddress(address), 99);
        assert_eq!(call(8), Err(Errno::EFAULT.into()));
        assert_eq!((call(near_end), call(near_end), call(near_end)), (Ok(2), Ok(2), Ok(1)));
        assert_eq!(call(8), Ok(0)); // at the end of the file
    }

    #[test]
    fn refusals_in_order() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let write_only = open_with(&mut descriptors, b"", O_WRONLY);
        let path_only = open_with(&mut descriptors, b"", O_PATH);
        let root = Box::new(TreeFile(FileTree::new().root(&boot_with(&[]))));
        let directory = descriptors.insert(OpenFile::new(root, O_RDONLY), false, 0).expect("there is room");
        let mut call =
            |fd, len_bytes| read(&mut memory, &mut descriptors, &mut platform, fd, UserAddress(8), len_bytes);
        for fd in [Fd(1), Fd(9), Fd(-1), write_only, path_only] {
            assert_eq!(call(fd, 1), Err(Errno::EBADF.into()));
        }
        assert_eq!(call(Fd(0), 1), Err(Errno::EFAULT.into()));
        assert_eq!(call(Fd(0), 0), Ok(0));
        assert_eq!((call(directory, 0), call(directory, 1)), (Err(Errno::EISDIR.into()), Err(Errno::EISDIR.into())));
    }
}
