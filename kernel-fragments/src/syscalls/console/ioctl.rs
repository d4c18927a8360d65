//! `ioctl(2)`: <https://man7.org/linux/man-pages/man2/ioctl.2.html>, where only standard streams exist. Supported:
//! FIOCLEX, FIONCLEX, FIONBIO; terminal requests are refused as for every pipe. Not supported: FIONREAD, FIOASYNC.
//! Errors: EBADF, EFAULT, ENOTTY.

use crate::abi::ioctl::{FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, FIONREAD};
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::standard_streams::StandardStreams;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(29 => ioctl, console_only);

/// Without `execve` and `fcntl` nothing can tell the close-on-exec flag, and the streams never make a caller wait:
/// setting either flag has no effect that a program could see.
pub fn ioctl(
    memory: &mut impl UserMemory,
    streams: &mut StandardStreams,
    fd: Fd,
    request: u32,
    argument: UserAddress,
) -> SysResult {
    streams.check_open(fd)?;
    match request {
        FIOCLEX | FIONCLEX => Ok(0),
        FIONBIO => memory.read_u32(argument).map(|_| 0).map_err(Refusal::from),
        FIONREAD => Err(Refusal::Unsupported("FIONREAD on a standard stream")),
        FIOASYNC => Err(Refusal::Unsupported("FIOASYNC")),
        _ => Err(Errno::ENOTTY.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::ioctl::{TCGETS, TIOCGWINSZ};
    use crate::testing::FakeMemory;

    #[test]
    fn is_no_terminal() {
        let (mut memory, mut streams) = (FakeMemory::new(8), StandardStreams::new());
        let argument = memory.address(0);
        let mut call = |fd, request, argument| ioctl(&mut memory, &mut streams, Fd(fd), request, argument);
        assert_eq!(call(1, TIOCGWINSZ, argument), Err(Errno::ENOTTY.into()));
        assert_eq!(call(1, TCGETS, UserAddress::NULL), Err(Errno::ENOTTY.into()));
        assert_eq!(call(7, TIOCGWINSZ, argument), Err(Errno::EBADF.into()));
        assert_eq!(call(1, FIONBIO, UserAddress::NULL), Err(Errno::EFAULT.into()));
        assert_eq!(call(1, FIONBIO, argument), Ok(0));
    }
}
