//! `write(2)`: <https://man7.org/linux/man-pages/man2/write.2.html>. Supported: every kind of file; not supported:
//! waiting for another thread. Errors: EBADF, EFAULT, EINVAL, ENOSPC, EPIPE, EAGAIN.

use crate::abi::iovec::MAX_TRANSFER_BYTES;
use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_span, write_buffer};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(64 => write);

/// Writes `len_bytes` bytes at `address` to the file's position, or its end if it was opened for appending.
pub fn write(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let open = descriptors.writable(fd)?;
    if let (Some(stream), true) = (open.stream, len_bytes < MAX_TRANSFER_BYTES) {
        // It takes a buffer whole or not at all, as pipes do.
        platform.write_console(stream, memory.slice(address, len_bytes)?);
        return Ok(len_bytes);
    }
    check_span(open.offset.get(), len_bytes.min(MAX_TRANSFER_BYTES))?;
    let offset = open.write_offset(open.offset.get());
    let written_bytes = write_buffer(memory, platform, open, offset, address, len_bytes)?;
    if written_bytes > 0 {
        open.offset.set(offset + written_bytes as u64); // writing nothing does not go to the end first
    }
    Ok(written_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_APPEND, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY};
    use crate::errno::{Errno, Refusal};
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::pipe::new_pipe;
    use crate::subsystems::tree_file::open_with;
    use crate::testing::{FakeMemory, FakePlatform};
    use alloc::boxed::Box;

    fn machine() -> (FakeMemory, Descriptors, FakePlatform) {
        (FakeMemory::new(64), Descriptors::new(), FakePlatform::with_input(b"input"))
    }

    #[test]
    fn console_and_files() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let (file, appending) =
            (open_with(&mut descriptors, b"hello", O_RDWR), open_with(&mut descriptors, b"hello", O_WRONLY | O_APPEND));
        let text = memory.put(0, b"abc");
        let mut call = |fd| write(&mut memory, &mut descriptors, &mut platform, fd, text, 3);
        assert_eq!([call(Fd(1)), call(Fd(2)), call(file), call(file), call(appending)], [Ok(3); 5]);
        assert_eq!((&platform.output[..], &platform.error[..]), (&b"abc"[..], &b"abc"[..]));
        for (fd, expected) in [(file, &b"abcabc"[..]), (appending, b"helloabc")] {
            let (open, mut buffer) = (descriptors.get(fd).expect("open"), [0; 9]);
            assert_eq!(open.file.read(&mut platform, 0, &mut buffer), Ok(expected.len()));
            assert_eq!((&buffer[..expected.len()], open.offset.get()), (expected, expected.len() as u64));
        }
    }

    #[test]
    fn refusals_in_order() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let read_only = open_with(&mut descriptors, b"", O_RDONLY);
        let file = open_with(&mut descriptors, b"", O_RDWR);
        let near_end = UserAddress(memory.end().0 - 2);
        let mut call =
            |fd, address, len_bytes| write(&mut memory, &mut descriptors, &mut platform, fd, address, len_bytes);
        for fd in [Fd(0), Fd(9), read_only] {
            assert_eq!(call(fd, UserAddress(8), 1), Err(Errno::EBADF.into()));
        }
        assert_eq!((call(Fd(1), UserAddress(8), 0), call(file, UserAddress(8), 0)), (Ok(0), Ok(0)));
        assert_eq!(call(file, UserAddress(8), 1), Err(Errno::EFAULT.into()));
        // What is there of the buffer goes to a file, but not to a pipe.
        assert_eq!(call(file, near_end, 3), Ok(2));
        assert_eq!(call(Fd(1), near_end, 3), Err(Errno::EFAULT.into()));
        assert!(platform.output.is_empty());
    }

    /// The answers are those of Linux.
    #[test]
    fn positions() {
        let (mut memory, mut descriptors, mut platform) = machine();
        let appending = open_with(&mut descriptors, b"hello", O_WRONLY | O_APPEND);
        let buffer = memory.address(0);
        let mut call = |descriptors: &mut Descriptors, len_bytes| {
            let result = write(&mut memory, descriptors, &mut platform, appending, buffer, len_bytes);
            (result, descriptors.get(appending).map(|open| open.offset.get()))
        };
        assert_eq!(call(&mut descriptors, 0), (Ok(0), Ok(0))); // writing nothing moves nothing
        assert_eq!(call(&mut descriptors, 1), (Ok(1), Ok(6)));
        // A position that could not be moved on is refused even where it does not count.
        descriptors.get(appending).expect("open").offset.set(i64::MAX as u64);
        assert_eq!(call(&mut descriptors, 1), (Err(Errno::EINVAL.into()), Ok(i64::MAX as u64)));
    }

    #[test]
    fn a_full_pipe() {
        let (mut memory, mut descriptors, mut platform) =
            (FakeMemory::new(70000), Descriptors::new(), FakePlatform::new());
        let (_reader, writer) = new_pipe(4);
        let fd = descriptors.insert(OpenFile::new(Box::new(writer), O_WRONLY | O_NONBLOCK), false, 0).expect("room");
        let buffer = memory.address(0);
        let mut call =
            |descriptors: &mut Descriptors| write(&mut memory, descriptors, &mut platform, fd, buffer, 66000);
        assert_eq!(call(&mut descriptors), Ok(65536));
        assert_eq!(call(&mut descriptors), Err(Errno::EAGAIN.into()));
        descriptors.get(fd).expect("open").flags.set(O_WRONLY);
        assert!(matches!(call(&mut descriptors), Err(Refusal::Unsupported(_))));
    }
}
