//! `pread64(2)`: <https://man7.org/linux/man-pages/man2/pread.2.html>. Supported: everything. Errors: EINVAL, EBADF, ESPIPE,
//! EFAULT, EISDIR.

use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_span, read_buffer};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(67 => pread64);

/// Reads up to `len_bytes` bytes from `offset` to `address`, wherever the file is positioned.
pub fn pread64(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
    offset: i64,
) -> SysResult {
    let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
    let open = descriptors.get(fd)?;
    if !open.is_seekable() {
        return Err(Errno::ESPIPE.into());
    }
    if !open.is_readable() {
        return Err(Errno::EBADF.into());
    }
    check_span(offset, len_bytes)?;
    read_buffer(memory, platform, open, offset, address, len_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_RDONLY, O_RDWR, O_WRONLY};
    use crate::subsystems::tree_file::open_with;
    use crate::testing::{FakeMemory, FakePlatform};

    fn machine() -> (FakeMemory, Descriptors, FakePlatform) {
        (FakeMemory::new(64), Descriptors::new(), FakePlatform::with_input(b"input"))
    }

    #[test]
    fn leaves_the_position() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let file = open_with(&mut descriptors, b"hello", O_RDWR);
        let buffer = memory.put(0, b"abc");
        let mut call = |offset| pread64(&mut memory, &mut descriptors, &mut platform, file, buffer, 3, offset);
        assert_eq!((call(1), call(3), call(5), call(1 << 62)), (Ok(3), Ok(2), Ok(0), Ok(0)));
        assert_eq!(memory.bytes(0, 3), b"lol");
        assert_eq!(descriptors.get(file).map(|open| open.offset.get()), Ok(0));
    }

    /// The answers are those of Linux.
    #[test]
    fn refusals_in_order() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let wrong_mode = open_with(&mut descriptors, b"hello", O_WRONLY);
        let file = open_with(&mut descriptors, b"hello", O_RDONLY);
        let mut call = |fd, len_bytes, offset| {
            pread64(&mut memory, &mut descriptors, &mut platform, fd, UserAddress(8), len_bytes, offset)
        };
        assert_eq!(call(Fd(77), 1, -1), Err(Errno::EINVAL.into()));
        assert_eq!(call(Fd(77), 1, 0), Err(Errno::EBADF.into()));
        assert_eq!(call(Fd(1), 1, 0), Err(Errno::ESPIPE.into()));
        assert_eq!(call(wrong_mode, 1, 0), Err(Errno::EBADF.into()));
        assert_eq!(call(file, 1, i64::MAX), Err(Errno::EINVAL.into()));
        assert_eq!(call(file, 1, 0), Err(Errno::EFAULT.into()));
        assert_eq!(call(file, 0, 0), Ok(0));
    }
}
