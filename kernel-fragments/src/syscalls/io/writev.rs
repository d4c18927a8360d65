//! `writev(2)`: <https://man7.org/linux/man-pages/man2/writev.2.html>. Supported: every kind of file; not supported:
//! waiting for another thread. Errors: EBADF, EINVAL, EFAULT, ENOSPC, EPIPE, EAGAIN.

use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_list_span, write_list};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(66 => writev);

/// Writes the `count` buffers listed at `list` to the file's position, or its end if it was opened for appending.
pub fn writev(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    list: UserAddress,
    count: u32,
) -> SysResult {
    let open = descriptors.writable(fd)?;
    check_list_span(memory, open.offset.get(), list, count)?;
    let offset = open.write_offset(open.offset.get());
    let written_bytes = write_list(memory, platform, open, offset, list, count)?;
    if written_bytes > 0 {
        open.offset.set(offset + written_bytes as u64); // writing nothing does not go to the end first
    }
    Ok(written_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_WRONLY;
    use crate::errno::Errno;
    use crate::subsystems::tree_file::open_with;
    use crate::testing::{FakeMemory, FakePlatform};

    fn machine() -> (FakeMemory, Descriptors, FakePlatform) {
        (FakeMemory::new(64), Descriptors::new(), FakePlatform::with_input(b"input"))
    }

    /// Puts a list of (address, length) elements at offset 0 of `memory`.
    fn list_of(memory: &mut FakeMemory, elements: &[(UserAddress, usize)]) -> UserAddress {
        for (index, (address, len_bytes)) in elements.iter().enumerate() {
            memory.put(16 * index, &[address.0.to_le_bytes(), len_bytes.to_le_bytes()].concat());
        }
        memory.address(0)
    }

    #[test]
    fn buffers_follow_each_other() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let file = open_with(&mut descriptors, b"", O_WRONLY);
        let text = memory.put(56, b"abcdef");
        let list = list_of(&mut memory, &[(text, 2), (text.add(4), 2), (UserAddress(8), 1)]);
        let mut call = |fd, list, count| writev(&mut memory, &mut descriptors, &mut platform, fd, list, count);
        assert_eq!((call(Fd(1), list, 2), call(file, list, 2)), (Ok(4), Ok(4)));
        // A bad last element: what came before it counts.
        assert_eq!((call(Fd(2), list, 3), call(file, list, 3)), (Ok(4), Ok(4)));
        assert_eq!((call(file, UserAddress(8), 0), call(file, list, 1025)), (Ok(0), Err(Errno::EINVAL.into())));
        assert_eq!(
            (call(file, list.add(32), 1), call(file, UserAddress(8), 1)),
            (Err(Errno::EFAULT.into()), Err(Errno::EFAULT.into()))
        );
        assert_eq!(call(Fd(0), UserAddress(8), 1), Err(Errno::EBADF.into()));
        assert_eq!((&platform.output[..], &platform.error[..]), (&b"abef"[..], &b"abef"[..]));
        assert_eq!(descriptors.get(file).map(|open| (open.offset.get(), open.file.stat().size_bytes)), Ok((8, 8)));
    }
}
