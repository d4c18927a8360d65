//! `readv(2)`: <https://man7.org/linux/man-pages/man2/readv.2.html>. Supported: every kind of file; not supported:
//! waiting for another thread. Errors: EBADF, EINVAL, EFAULT, EISDIR, EAGAIN.

use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_list_span, read_list};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(65 => readv);

/// Reads from the file's position to the `count` buffers listed at `list`.
pub fn readv(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    list: UserAddress,
    count: u32,
) -> SysResult {
    let open = descriptors.readable(fd)?;
    let offset = open.offset.get();
    check_list_span(memory, offset, list, count)?;
    let read_bytes = read_list(memory, platform, open, offset, list, count)?;
    open.offset.set(offset + read_bytes as u64);
    Ok(read_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDONLY;
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
    fn fills_one_buffer_after_the_other() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let file = open_with(&mut descriptors, b"hello, you", O_RDONLY);
        let (first, second) = (memory.address(48), memory.address(52));
        let list = list_of(&mut memory, &[(first, 2), (second, 4), (UserAddress(8), 1)]);
        let mut call = |fd, list, count| readv(&mut memory, &mut descriptors, &mut platform, fd, list, count);
        assert_eq!(call(file, list, 2), Ok(6));
        // A bad last element: what came before it counts.
        assert_eq!(call(file, list, 3), Ok(4));
        assert_eq!(call(Fd(0), list, 2), Ok(5));
        assert_eq!((call(file, UserAddress(8), 0), call(file, list, 1025)), (Ok(0), Err(Errno::EINVAL.into())));
        assert_eq!(call(file, UserAddress(8), 1), Err(Errno::EFAULT.into()));
        assert_eq!(call(Fd(1), UserAddress(8), 1), Err(Errno::EBADF.into()));
        assert_eq!(memory.bytes(48, 8), b"in\0\0put,");
        assert_eq!(descriptors.get(file).map(|open| open.offset.get()), Ok(10));
    }
}
