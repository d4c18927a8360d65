//! `sync_file_range(2)`: <https://man7.org/linux/man-pages/man2/sync_file_range.2.html>. Supported: everything; there is nothing to
//! write back. Errors: EBADF, EINVAL, ESPIPE.

use crate::abi::stat::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;

syscall!(84 => sync_file_range);

/// SYNC_FILE_RANGE_WAIT_BEFORE, _WRITE and _WAIT_AFTER.
const KNOWN_FLAGS: u32 = 7;

/// Would write back the `len_bytes` bytes from `offset` on.
pub fn sync_file_range(descriptors: &mut Descriptors, fd: Fd, offset: i64, len_bytes: i64, flags: u32) -> SysResult {
    let kind = descriptors.get(fd)?.file.stat().mode & S_IFMT;
    let is_range = offset >= 0 && offset.checked_add(len_bytes).is_some_and(|end| end >= offset);
    if flags & !KNOWN_FLAGS != 0 || !is_range {
        return Err(Errno::EINVAL.into());
    }
    if !matches!(kind, S_IFREG | S_IFDIR | S_IFLNK) {
        return Err(Errno::ESPIPE.into());
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDONLY;
    use crate::subsystems::tree_file::open_with;

    #[test]
    fn only_mistakes_show() {
        let mut descriptors = Descriptors::new();
        let file = open_with(&mut descriptors, b"x", O_RDONLY);
        let mut call = |fd, offset, len_bytes, flags| sync_file_range(&mut descriptors, fd, offset, len_bytes, flags);
        assert_eq!((call(file, 0, 0, 7), call(file, 5, 9, 0)), (Ok(0), Ok(0)));
        for (fd, offset, len_bytes, flags, errno) in [
            (Fd(9), -1, 0, 8, Errno::EBADF),
            (file, 0, 0, 8, Errno::EINVAL),
            (file, -1, 2, 0, Errno::EINVAL),
            (file, 5, -1, 0, Errno::EINVAL),
            (file, i64::MAX, 1, 0, Errno::EINVAL),
            (Fd(1), 0, 1, 0, Errno::ESPIPE),
            (Fd(1), 0, -1, 0, Errno::EINVAL),
        ] {
            assert_eq!(call(fd, offset, len_bytes, flags), Err(errno.into()), "{offset} {len_bytes} {flags}");
        }
    }
}
