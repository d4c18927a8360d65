//! `pwrite64(2)`: <https://man7.org/linux/man-pages/man2/pwrite.2.html>. Supported: everything. Errors: EINVAL, EBADF,
//! ESPIPE, EFAULT, ENOSPC.

use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_span, write_buffer};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(68 => pwrite64);

/// Writes `len_bytes` bytes at `address` to `offset`, wherever the file is positioned; to its end, if it was opened for
/// appending.
pub fn pwrite64(
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
    if !open.is_writable() {
        return Err(Errno::EBADF.into());
    }
    check_span(offset, len_bytes)?;
    write_buffer(memory, platform, open, open.write_offset(offset), address, len_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_APPEND, O_RDONLY, O_RDWR, O_WRONLY};
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
        let mut call = |offset| pwrite64(&mut memory, &mut descriptors, &mut platform, file, buffer, 3, offset);
        assert_eq!((call(1), call(4)), (Ok(3), Ok(3)));
        if !cfg!(miri) {
            assert_eq!(call(i64::MAX - 3), Err(Errno::ENOSPC.into()));
        }
        let mut written = [0; 9];
        let open = descriptors.get(file).expect("open");
        assert_eq!(open.file.read(&mut platform, 0, &mut written), Ok(7));
        assert_eq!(&written[..7], b"habcabc");
        assert_eq!(descriptors.get(file).map(|open| open.offset.get()), Ok(0));
    }

    /// The answers are those of Linux.
    #[test]
    fn refusals_in_order() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let wrong_mode = open_with(&mut descriptors, b"hello", O_RDONLY);
        let file = open_with(&mut descriptors, b"hello", O_WRONLY);
        let mut call = |fd, len_bytes, offset| {
            pwrite64(&mut memory, &mut descriptors, &mut platform, fd, UserAddress(8), len_bytes, offset)
        };
        assert_eq!(call(Fd(77), 1, -1), Err(Errno::EINVAL.into()));
        assert_eq!(call(Fd(77), 1, 0), Err(Errno::EBADF.into()));
        assert_eq!(call(Fd(1), 1, 0), Err(Errno::ESPIPE.into()));
        assert_eq!(call(wrong_mode, 1, 0), Err(Errno::EBADF.into()));
        assert_eq!(call(file, 1, i64::MAX), Err(Errno::EINVAL.into()));
        assert_eq!(call(file, 1, 0), Err(Errno::EFAULT.into()));
        assert_eq!(call(file, 0, 0), Ok(0));
    }

    /// A deviation from POSIX that Linux keeps (BUGS in the man page).
    #[test]
    fn appending_wins() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let file = open_with(&mut descriptors, b"hello", O_WRONLY | O_APPEND);
        let buffer = memory.put(0, b"abc");
        assert_eq!(pwrite64(&mut memory, &mut descriptors, &mut platform, file, buffer, 3, 0), Ok(3));
        assert_eq!(descriptors.get(file).map(|open| open.file.stat().size_bytes), Ok(8));
    }
}
