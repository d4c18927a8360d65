//! `lseek(2)`: <https://man7.org/linux/man-pages/man2/lseek.2.html>, where only standard streams exist. Supported:
//! everything. Errors: EBADF, EINVAL, ESPIPE.

use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::standard_streams::StandardStreams;

syscall!(62 => lseek, console_only);

/// The last `whence` there is (SEEK_HOLE).
const SEEK_MAX: u32 = 4;

/// Pipes have no position.
pub fn lseek(streams: &mut StandardStreams, fd: Fd, _offset: i64, whence: u32) -> SysResult {
    streams.check_open(fd)?;
    Err(if whence > SEEK_MAX { Errno::EINVAL } else { Errno::ESPIPE }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_works() {
        let mut streams = StandardStreams::new();
        assert_eq!(lseek(&mut streams, Fd(3), 0, 9), Err(Errno::EBADF.into()));
        assert_eq!(lseek(&mut streams, Fd(1), 0, 5), Err(Errno::EINVAL.into()));
        assert_eq!(lseek(&mut streams, Fd(1), 0, 1), Err(Errno::ESPIPE.into()));
    }
}
