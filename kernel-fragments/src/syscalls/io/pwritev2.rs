//! `pwritev2(2)`: <https://man7.org/linux/man-pages/man2/pwritev2.2.html>. Supported: no flags, RWF_HIPRI, RWF_DSYNC,
//! RWF_SYNC, RWF_APPEND, RWF_NOAPPEND; RWF_NOWAIT and RWF_ATOMIC, which a tmpfs has not; an offset of -1, the file's
//! position. Not supported: RWF_NOWAIT and RWF_ATOMIC of other files. Errors: EINVAL, EBADF, ESPIPE, EFAULT,
//! EOPNOTSUPP, ENOSPC.

use crate::abi::iovec::check_buffers;
use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_list_span, write_list};
use crate::subsystems::transfer_flags::{RWF_APPEND, RWF_NOAPPEND, check_flags};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(287 => pwritev2);

/// Writes the `count` buffers listed at `list` to `offset`, wherever the file is positioned.
/// An offset of -1 is the file's position, which then moves on.
pub fn pwritev2(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    list: UserAddress,
    count: u32,
    offset: i64,
    _offset_high: u64,
    flags: u32,
) -> SysResult {
    let positioned = offset != -1;
    if positioned && offset < 0 {
        return Err(Errno::EINVAL.into());
    }
    if positioned && !descriptors.get(fd)?.file.is_seekable() {
        return Err(Errno::ESPIPE.into());
    }
    let open = descriptors.writable(fd)?;
    check_buffers(memory, list, count)?;
    check_flags(open, flags)?;
    let offset = if positioned { offset as u64 } else { open.offset.get() };
    check_list_span(memory, offset, list, count)?;
    let offset = match flags & (RWF_APPEND | RWF_NOAPPEND) {
        RWF_NOAPPEND => offset,
        RWF_APPEND if open.is_seekable() => open.file.stat().size_bytes,
        _ => open.write_offset(offset),
    };
    let done = write_list(memory, platform, open, offset, list, count)?;
    if !positioned && done > 0 {
        open.offset.set(offset + done as u64);
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_APPEND, O_RDWR};
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
        let mut call = |fd, list, count, offset, flags| {
            pwritev2(&mut memory, &mut descriptors, &mut platform, fd, list, count, offset, 0, flags)
        };
        assert_eq!(call(file, list, 2, 1, 0), Ok(3));
        assert_eq!(call(file, list, 2, 4, 0), Ok(3));
        assert_eq!(call(Fd(77), list, 2, -2, 0), Err(Errno::EINVAL.into()));
        assert_eq!(call(file, list, 2, 0, 0x80), Err(Errno::EOPNOTSUPP.into()));
        assert_eq!(call(file, list, 2, 0, 0x8), Err(Errno::EOPNOTSUPP.into()));
        assert_eq!((call(file, list, 2, -1, 0), call(Fd(1), list, 2, -1, 7)), (Ok(3), Ok(3)));
        assert_eq!(call(Fd(77), list, 2, 0, 0), Err(Errno::EBADF.into()));
        assert_eq!(call(Fd(1), list, 2, 0, 0), Err(Errno::ESPIPE.into()));
        assert_eq!(call(file, list, 2, i64::MAX, 0), Err(Errno::EINVAL.into()));
        assert_eq!(descriptors.get(file).map(|open| open.offset.get()), Ok(3));
    }

    #[test]
    fn at_the_end_or_not() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let file = open_with(&mut descriptors, b"hello", O_RDWR | O_APPEND);
        let buffer = memory.put(48, b"abc");
        let list = list_of(&mut memory, &[(buffer, 3)]);
        let mut call =
            |offset, flags| pwritev2(&mut memory, &mut descriptors, &mut platform, file, list, 1, offset, 0, flags);
        assert_eq!((call(0, 0), call(0, RWF_NOAPPEND), call(1, RWF_APPEND)), (Ok(3), Ok(3), Ok(3)));
        assert_eq!((call(-1, RWF_NOAPPEND), call(0, RWF_APPEND | RWF_NOAPPEND)), (Ok(3), Err(Errno::EINVAL.into())));
        let open = descriptors.get(file).expect("it is open");
        let mut bytes = [0; 12];
        assert_eq!(open.file.read(&mut FakePlatform::new(), 0, &mut bytes), Ok(11));
        assert_eq!((&bytes, open.offset.get()), (b"abcloabcabc\0", 3));
    }
}
