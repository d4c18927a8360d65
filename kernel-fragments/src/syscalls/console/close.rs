//! `close(2)`: <https://man7.org/linux/man-pages/man2/close.2.html>, where only standard streams exist. Supported:
//! everything. Errors: EBADF.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::standard_streams::StandardStreams;

syscall!(57 => close, console_only);

/// Closes a standard stream.
pub fn close(streams: &mut StandardStreams, fd: Fd) -> SysResult {
    streams.close(fd)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;

    #[test]
    fn once() {
        let mut streams = StandardStreams::new();
        assert_eq!(close(&mut streams, Fd(2)), Ok(0));
        assert_eq!(close(&mut streams, Fd(2)), Err(Errno::EBADF.into()));
    }
}
