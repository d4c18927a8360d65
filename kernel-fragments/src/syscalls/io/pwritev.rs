//! `pwritev(2)`: <https://man7.org/linux/man-pages/man2/pwritev.2.html>. Supported: everything. Errors: EINVAL, EBADF,
//! ESPIPE, EFAULT, ENOSPC.

use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_list_span, write_list};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(70 => pwritev);

/// Writes the `count` buffers listed at `list` to `offset`, wherever the file is positioned.
pub fn pwritev(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    list: UserAddress,
    count: u32,
    offset: i64,
) -> SysResult {
    let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
    if !descriptors.get(fd)?.file.is_seekable() {
        return Err(Errno::ESPIPE.into());
    }
    let open = descriptors.writable(fd)?;
    check_list_span(memory, offset, list, count)?;
    write_list(memory, platform, open, open.write_offset(offset), list, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
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
    fn at_an_offset() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let file = open_with(&mut descriptors, b"hello", O_RDWR);
        let buffer = memory.put(48, b"abcdef");
        let list = list_of(&mut memory, &[(buffer, 1), (buffer.add(1), 2)]);
        let mut call =
            |fd, list, count, offset| pwritev(&mut memory, &mut descriptors, &mut platform, fd, list, count, offset);
        assert_eq!(call(file, list, 2, 1), Ok(3));
        assert_eq!(call(file, list, 2, 4), Ok(3));
        assert_eq!(call(Fd(77), list, 2, -1), Err(Errno::EINVAL.into()));
        assert_eq!(call(Fd(77), list, 2, 0), Err(Errno::EBADF.into()));
        assert_eq!(call(Fd(1), list, 2, 0), Err(Errno::ESPIPE.into()));
        assert_eq!(call(file, list, 2, i64::MAX), Err(Errno::EINVAL.into()));
        assert_eq!(descriptors.get(file).map(|open| open.offset.get()), Ok(0));
    }
}
