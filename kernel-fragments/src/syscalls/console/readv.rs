//! `readv(2)`: <https://man7.org/linux/man-pages/man2/readv.2.html>, where only standard streams exist. Supported:
//! everything. Errors: EBADF, EINVAL, EFAULT.

use crate::abi::iovec::{IoVector, MAX_TRANSFER_BYTES, check_list};
use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::standard_streams::StandardStreams;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(65 => readv, console_only);

/// Reads the run's input to the `count` buffers listed at `list`, up to one that it does not fill or that is not
/// writable.
pub fn readv(
    memory: &mut impl UserMemory,
    streams: &mut StandardStreams,
    platform: &mut impl Platform,
    fd: Fd,
    list: UserAddress,
    count: u32,
) -> SysResult {
    streams.check_input(fd)?;
    check_list(memory, list, count)?;
    let mut done = 0;
    for index in 0..count {
        // Read anew each time: the list may lie in one of its own buffers only if the program wants to be surprised.
        let IoVector { address, len_bytes } = IoVector::read(memory, list, index)?;
        let len_bytes = len_bytes.min(MAX_TRANSFER_BYTES - done);
        let read_bytes = match memory.slice_mut(address, len_bytes) {
            Ok(buffer) => platform.read_input(buffer),
            Err(errno) if done == 0 => return Err(errno.into()),
            Err(_) => break,
        };
        done += read_bytes;
        if read_bytes < len_bytes {
            break;
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::{FakeMemory, FakePlatform};

    #[test]
    fn fills_one_buffer_after_the_other() {
        let (mut memory, mut streams) = (FakeMemory::new(64), StandardStreams::new());
        let mut platform = FakePlatform::with_input(b"abcdef");
        for (offset, word) in [(0, 0x1_0030), (8, 2), (16, 0x1_0034), (24, 9), (32, 8), (40, 1)] {
            memory.put(offset, &u64::to_le_bytes(word));
        }
        let list = memory.address(0);
        assert_eq!(readv(&mut memory, &mut streams, &mut platform, Fd(0), list, 3), Ok(6));
        assert_eq!(memory.bytes(0x30, 8), b"ab\0\0cdef");
        assert_eq!(readv(&mut memory, &mut streams, &mut platform, Fd(0), list, 3), Ok(0));
        assert_eq!(readv(&mut memory, &mut streams, &mut platform, Fd(0), list.add(32), 1), Err(Errno::EFAULT.into()));
        assert_eq!(readv(&mut memory, &mut streams, &mut platform, Fd(1), list, 1), Err(Errno::EBADF.into()));
        assert_eq!(readv(&mut memory, &mut streams, &mut platform, Fd(0), list, u32::MAX), Err(Errno::EINVAL.into()));
    }
}
