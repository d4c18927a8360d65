//! `read(2)`: <https://man7.org/linux/man-pages/man2/read.2.html>, where only standard streams exist. Supported:
//! everything. Errors: EBADF, EFAULT.

use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::buffer::accessible_bytes;
use crate::subsystems::standard_streams::StandardStreams;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(63 => read, console_only);

/// Reads up to `len_bytes` bytes of the run's input to `address`; 0 at its end.
pub fn read(
    memory: &mut impl UserMemory,
    streams: &mut StandardStreams,
    platform: &mut impl Platform,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    streams.check_input(fd)?;
    if let Ok(buffer) = memory.slice_mut(address, len_bytes) {
        return Ok(platform.read_input(buffer));
    }
    match accessible_bytes(memory, address, len_bytes) {
        0 => Err(Errno::EFAULT.into()),
        usable_bytes => Ok(platform.read_input(memory.slice_mut(address, usable_bytes)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeMemory, FakePlatform};

    #[test]
    fn until_the_end() {
        let (mut memory, mut streams) = (FakeMemory::new(16), StandardStreams::new());
        let mut platform = FakePlatform::with_input(b"hello");
        let buffer = memory.address(0);
        assert_eq!(read(&mut memory, &mut streams, &mut platform, Fd(0), buffer, 3), Ok(3));
        // A buffer that ends where memory does is good for what fits.
        assert_eq!(read(&mut memory, &mut streams, &mut platform, Fd(0), buffer.add(3), usize::MAX / 2), Ok(2));
        assert_eq!(memory.bytes(0, 5), b"hello");
        assert_eq!(read(&mut memory, &mut streams, &mut platform, Fd(0), buffer, 3), Ok(0));
    }

    #[test]
    fn the_descriptor_is_checked_first() {
        let (mut memory, mut streams) = (FakeMemory::new(16), StandardStreams::new());
        let mut platform = FakePlatform::with_input(b"hello");
        let mut call =
            |fd, len_bytes| read(&mut memory, &mut streams, &mut platform, Fd(fd), UserAddress::NULL, len_bytes);
        assert_eq!(call(1, 1), Err(Errno::EBADF.into()));
        assert_eq!(call(0, 1), Err(Errno::EFAULT.into()));
        assert_eq!(call(0, 0), Ok(0));
    }
}
