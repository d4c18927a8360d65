//! `write(2)`: <https://man7.org/linux/man-pages/man2/write.2.html>, where only standard streams exist. Supported:
//! everything. Errors: EBADF, EFAULT.

use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::standard_streams::StandardStreams;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(64 => write, console_only);

/// Writes `len_bytes` bytes at `address` to the console; a pipe takes a buffer whole or says EFAULT.
pub fn write(
    memory: &mut impl UserMemory,
    streams: &mut StandardStreams,
    platform: &mut impl Platform,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let stream = streams.output(fd)?;
    platform.write_console(stream, memory.slice(address, len_bytes)?);
    Ok(len_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::{FakeMemory, FakePlatform};

    #[test]
    fn goes_to_the_right_stream() {
        let (mut memory, mut streams, mut platform) =
            (FakeMemory::new(16), StandardStreams::new(), FakePlatform::new());
        let text = memory.put(0, b"hello");
        assert_eq!(write(&mut memory, &mut streams, &mut platform, Fd(1), text, 5), Ok(5));
        assert_eq!(write(&mut memory, &mut streams, &mut platform, Fd(2), text, 2), Ok(2));
        assert_eq!((&platform.output[..], &platform.error[..]), (&b"hello"[..], &b"he"[..]));
    }

    #[test]
    fn the_descriptor_is_checked_first() {
        let (mut memory, mut streams, mut platform) =
            (FakeMemory::new(16), StandardStreams::new(), FakePlatform::new());
        let mut call =
            |fd, address, len_bytes| write(&mut memory, &mut streams, &mut platform, Fd(fd), address, len_bytes);
        assert_eq!(call(0, UserAddress::NULL, 1), Err(Errno::EBADF.into()));
        assert_eq!(call(3, UserAddress::NULL, 1), Err(Errno::EBADF.into()));
        assert_eq!(call(1, UserAddress::NULL, 1), Err(Errno::EFAULT.into()));
        assert_eq!(call(1, UserAddress::NULL, 0), Ok(0));
        assert_eq!(call(1, UserAddress(8), usize::MAX), Err(Errno::EFAULT.into()));
    }
}
