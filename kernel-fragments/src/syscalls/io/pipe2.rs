//! `pipe2(2)`: <https://man7.org/linux/man-pages/man2/pipe2.2.html>. Supported: O_CLOEXEC, O_NONBLOCK; not supported:
//! O_DIRECT, notification pipes. Errors: EINVAL, EMFILE, EFAULT.

use crate::abi::open_flags::{O_CLOEXEC, O_DIRECT, O_EXCL, O_NONBLOCK, O_RDONLY, O_WRONLY};
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::pipe::new_pipe;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::boxed::Box;

syscall!(59 => pipe2);

/// Makes a pipe and writes the descriptors of its reading and its writing end to `address`.
pub fn pipe2(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    address: UserAddress,
    flags: u32,
) -> SysResult {
    // O_EXCL stands for a notification pipe (O_NOTIFICATION_PIPE).
    if flags & !(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_EXCL) != 0 {
        return Err(Errno::EINVAL.into());
    }
    if flags & (O_DIRECT | O_EXCL) != 0 {
        return Err(Refusal::Unsupported("pipe2 with O_DIRECT or O_NOTIFICATION_PIPE"));
    }
    let (reader, writer) = new_pipe(descriptors.new_pipe_number());
    let (close_on_exec, status) = (flags & O_CLOEXEC != 0, flags & O_NONBLOCK);
    let reader = descriptors.insert(OpenFile::new(Box::new(reader), O_RDONLY | status), close_on_exec, 0)?;
    let written = descriptors.insert(OpenFile::new(Box::new(writer), O_WRONLY | status), close_on_exec, 0);
    let written = written.and_then(|writer| {
        let numbers = reader.0 as u32 as u64 | (writer.0 as u64) << 32;
        memory.write_u64(address, numbers).inspect_err(|_| drop(descriptors.remove(writer)))
    });
    if let Err(errno) = written {
        descriptors.remove(reader)?;
        return Err(errno.into());
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::Fd;
    use crate::testing::FakeMemory;

    #[test]
    fn two_ends_or_none() {
        let (mut memory, mut descriptors) = (FakeMemory::new(8), Descriptors::new());
        let buffer = memory.address(0);
        assert_eq!(pipe2(&mut memory, &mut descriptors, buffer, 1), Err(Errno::EINVAL.into()));
        assert_eq!(pipe2(&mut memory, &mut descriptors, UserAddress(8), 0), Err(Errno::EFAULT.into()));
        assert_eq!(pipe2(&mut memory, &mut descriptors, buffer, O_CLOEXEC | O_NONBLOCK), Ok(0));
        assert_eq!(memory.bytes(0, 8), [3, 0, 0, 0, 4, 0, 0, 0]);
        assert!(descriptors.entry(Fd(3)).is_ok_and(|entry| entry.close_on_exec && entry.file.is_readable()));
        assert!(descriptors.writable(Fd(4)).is_ok_and(|file| file.flags.get() == O_WRONLY | O_NONBLOCK));
        descriptors.set_limit(6);
        assert_eq!(pipe2(&mut memory, &mut descriptors, buffer, 0), Err(Errno::EMFILE.into()));
        assert!(descriptors.any(Fd(5)).is_err());
    }
}
