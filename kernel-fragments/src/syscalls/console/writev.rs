//! `writev(2)`: <https://man7.org/linux/man-pages/man2/writev.2.html>, where only standard streams exist. Supported:
//! everything. Errors: EBADF, EINVAL, EFAULT.

use crate::abi::iovec::{IoVector, MAX_TRANSFER_BYTES, check_list};
use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::standard_streams::StandardStreams;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(66 => writev, console_only);

/// Writes the `count` buffers listed at `list` to the console, up to the first that is not readable.
pub fn writev(
    memory: &mut impl UserMemory,
    streams: &mut StandardStreams,
    platform: &mut impl Platform,
    fd: Fd,
    list: UserAddress,
    count: u32,
) -> SysResult {
    let stream = streams.output(fd)?;
    check_list(memory, list, count)?;
    let mut done = 0;
    for index in 0..count {
        let IoVector { address, len_bytes } = IoVector::read(memory, list, index)?;
        let len_bytes = len_bytes.min(MAX_TRANSFER_BYTES - done);
        match memory.slice(address, len_bytes) {
            Ok(bytes) => platform.write_console(stream, bytes),
            Err(errno) if done == 0 => return Err(errno.into()),
            Err(_) => break,
        }
        done += len_bytes;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::{FakeMemory, FakePlatform};

    fn vector(memory: &mut FakeMemory, offset: usize, elements: &[(UserAddress, usize)]) -> UserAddress {
        for (index, (address, len_bytes)) in elements.iter().enumerate() {
            memory.put(offset + 16 * index, &(address.0 as u64).to_le_bytes());
            memory.put(offset + 16 * index + 8, &(*len_bytes as u64).to_le_bytes());
        }
        memory.address(offset)
    }

    #[test]
    fn buffers_follow_each_other() {
        let (mut memory, mut streams, mut platform) =
            (FakeMemory::new(99), StandardStreams::new(), FakePlatform::new());
        let text = memory.put(80, b"abcdef");
        let list = vector(&mut memory, 0, &[(text, 2), (UserAddress::NULL, 0), (text.add(4), 2), (UserAddress(8), 3)]);
        assert_eq!(writev(&mut memory, &mut streams, &mut platform, Fd(1), list, 3), Ok(4));
        assert_eq!(platform.output, b"abef");
        // A bad last element: what came before it counts.
        assert_eq!(writev(&mut memory, &mut streams, &mut platform, Fd(2), list, 4), Ok(4));
        assert_eq!(platform.error, b"abef");
    }

    #[test]
    fn errors_in_order() {
        let (mut memory, mut streams, mut platform) =
            (FakeMemory::new(99), StandardStreams::new(), FakePlatform::new());
        let bad = vector(&mut memory, 0, &[(UserAddress(8), 1)]);
        let mut call = |fd, list, count| writev(&mut memory, &mut streams, &mut platform, Fd(fd), list, count);
        assert_eq!(call(5, UserAddress::NULL, 2000), Err(Errno::EBADF.into()));
        assert_eq!(call(1, UserAddress::NULL, 2000), Err(Errno::EINVAL.into()));
        assert_eq!(call(1, UserAddress::NULL, 1), Err(Errno::EFAULT.into()));
        assert_eq!(call(1, UserAddress::NULL, 0), Ok(0));
        assert_eq!(call(1, bad, 1), Err(Errno::EFAULT.into()));
    }
}
