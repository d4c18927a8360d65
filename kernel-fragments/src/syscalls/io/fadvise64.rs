//! `fadvise64(2)`: <https://man7.org/linux/man-pages/man2/posix_fadvise.2.html>. Supported: everything; advice changes nothing for
//! what lies in memory. Errors: EBADF, ESPIPE, EINVAL.

use crate::abi::stat::{S_IFIFO, S_IFMT};
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;

syscall!(223 => fadvise64);

/// The highest advice: POSIX_FADV_NOREUSE.
const HIGHEST_ADVICE: i32 = 5;

/// Says how the `len_bytes` bytes from `offset` on will be used.
pub fn fadvise64(descriptors: &mut Descriptors, fd: Fd, _offset: i64, len_bytes: i64, advice: i32) -> SysResult {
    let stat = descriptors.get(fd)?.file.stat();
    if stat.mode & S_IFMT == S_IFIFO {
        return Err(Errno::ESPIPE.into());
    }
    if len_bytes < 0 || !(0..=HIGHEST_ADVICE).contains(&advice) {
        return Err(Errno::EINVAL.into());
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_PATH, O_WRONLY};
    use crate::subsystems::tree_file::open_with;

    #[test]
    fn only_mistakes_show() {
        let mut descriptors = Descriptors::new();
        let (file, path) = (open_with(&mut descriptors, b"x", O_WRONLY), open_with(&mut descriptors, b"x", O_PATH));
        let mut call = |fd, len_bytes, advice| fadvise64(&mut descriptors, fd, -1, len_bytes, advice);
        assert_eq!((call(file, 0, 0), call(file, i64::MAX, 5)), (Ok(0), Ok(0)));
        for (fd, len_bytes, advice, errno) in [
            (file, -1, 0, Errno::EINVAL),
            (file, 0, 6, Errno::EINVAL),
            (file, 0, -1, Errno::EINVAL),
            (path, 0, 0, Errno::EBADF),
            (Fd(9), 0, 0, Errno::EBADF),
            (Fd(1), -1, 9, Errno::ESPIPE),
        ] {
            assert_eq!(call(fd, len_bytes, advice), Err(errno.into()), "{fd:?} {len_bytes} {advice}");
        }
    }
}
