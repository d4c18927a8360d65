//! `readahead(2)`: <https://man7.org/linux/man-pages/man2/readahead.2.html>. Supported: everything; what lies in memory need not be
//! read. Errors: EBADF, EINVAL.

use crate::abi::stat::{S_IFMT, S_IFREG};
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;

syscall!(213 => readahead);

/// Would read the `len_bytes` bytes from `offset` on.
pub fn readahead(descriptors: &mut Descriptors, fd: Fd, _offset: i64, len_bytes: i64) -> SysResult {
    let is_regular = descriptors.readable(fd)?.file.stat().mode & S_IFMT == S_IFREG;
    if !is_regular || len_bytes < 0 { Err(Errno::EINVAL.into()) } else { Ok(0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_RDONLY, O_WRONLY};
    use crate::subsystems::tree_file::open_with;

    #[test]
    fn regular_files_that_can_be_read() {
        let mut descriptors = Descriptors::new();
        let (file, other) = (open_with(&mut descriptors, b"x", O_RDONLY), open_with(&mut descriptors, b"x", O_WRONLY));
        let mut call = |fd, len_bytes| readahead(&mut descriptors, fd, 0, len_bytes);
        assert_eq!((call(file, 100), call(file, -1)), (Ok(0), Err(Errno::EINVAL.into())));
        assert_eq!((call(other, 1), call(Fd(9), 1)), (Err(Errno::EBADF.into()), Err(Errno::EBADF.into())));
        assert_eq!(call(Fd(0), 1), Err(Errno::EINVAL.into()));
    }
}
