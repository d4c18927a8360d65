//! `fstat(2)`: <https://man7.org/linux/man-pages/man2/fstat.2.html>, where only standard streams exist. Supported:
//! everything; each stream is a pipe. Errors: EBADF, EFAULT.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::standard_streams::{StandardStreams, standard_stream_stat};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(80 => fstat, console_only);

/// Writes what is known of a standard stream to `address`.
pub fn fstat(memory: &mut impl UserMemory, streams: &mut StandardStreams, fd: Fd, address: UserAddress) -> SysResult {
    streams.check_open(fd)?;
    memory.write_words(address, standard_stream_stat(fd.0 as u32).encode())?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn says_pipe() {
        let (mut memory, mut streams) = (FakeMemory::new(128), StandardStreams::new());
        let buffer = memory.address(0);
        assert_eq!(fstat(&mut memory, &mut streams, Fd(1), buffer), Ok(0));
        assert_eq!(memory.bytes(16, 4), 0o10600u32.to_le_bytes());
        assert_eq!(fstat(&mut memory, &mut streams, Fd(3), UserAddress::NULL), Err(Errno::EBADF.into()));
        assert_eq!(fstat(&mut memory, &mut streams, Fd(0), buffer.add(1)), Err(Errno::EFAULT.into()));
    }
}
