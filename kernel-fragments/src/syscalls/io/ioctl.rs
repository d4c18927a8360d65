//! `ioctl(2)`: <https://man7.org/linux/man-pages/man2/ioctl.2.html>. Supported: FIOCLEX, FIONCLEX, FIONBIO, FIONREAD
//! where the number is known; terminal requests are refused, as nothing is a terminal. Not supported: FIOASYNC, FIONREAD
//! on standard streams. Errors: EBADF, EFAULT, ENOTTY.

use crate::abi::ioctl::{FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, FIONREAD};
use crate::abi::open_flags::O_NONBLOCK;
use crate::abi::stat::{S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG};
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(29 => ioctl);

/// Carries out `request` on a descriptor or its file.
pub fn ioctl(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    request: u32,
    argument: UserAddress,
) -> SysResult {
    descriptors.get(fd)?;
    let descriptor = descriptors.entry(fd)?;
    let open = &descriptor.file;
    match request {
        FIOCLEX => descriptor.close_on_exec = true,
        FIONCLEX => descriptor.close_on_exec = false,
        FIONBIO if memory.read_u32(argument)? != 0 => open.flags.set(open.flags.get() | O_NONBLOCK),
        FIONBIO => open.flags.set(open.flags.get() & !O_NONBLOCK),
        FIONREAD => {
            let stat = open.file.stat();
            let readable_bytes = match (stat.mode & S_IFMT, open.file.readable_bytes()) {
                (_, Some(readable_bytes)) => readable_bytes,
                // Negative behind the end, as in fs/ioctl.c.
                (S_IFREG, None) => stat.size_bytes.wrapping_sub(open.offset.get()) as usize,
                (S_IFDIR | S_IFCHR, None) => return Err(Errno::ENOTTY.into()),
                (S_IFIFO, None) => return Err(Refusal::Unsupported("FIONREAD on a standard stream")),
                _ => return Err(Errno::ENOTTY.into()),
            };
            memory.write_u32(argument, readable_bytes as u32)?;
        }
        FIOASYNC => return Err(Refusal::Unsupported("FIOASYNC")),
        _ => return Err(Errno::ENOTTY.into()),
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::ioctl::{TCGETS, TIOCGWINSZ};
    use crate::testing::FakeMemory;

    #[test]
    fn is_no_terminal() {
        let (mut memory, mut descriptors) = (FakeMemory::new(8), Descriptors::new());
        let argument = memory.address(0);
        let mut call = |fd, request, argument| ioctl(&mut memory, &mut descriptors, Fd(fd), request, argument);
        assert_eq!(call(1, TIOCGWINSZ, argument), Err(Errno::ENOTTY.into()));
        assert_eq!(call(1, TCGETS, UserAddress::NULL), Err(Errno::ENOTTY.into()));
        assert_eq!(call(7, TIOCGWINSZ, argument), Err(Errno::EBADF.into()));
        assert_eq!(call(1, FIONBIO, UserAddress::NULL), Err(Errno::EFAULT.into()));
    }

    #[test]
    fn flags_change() {
        let (mut memory, mut descriptors) = (FakeMemory::new(8), Descriptors::new());
        let argument = memory.put(0, &[1, 0, 0, 0]);
        assert_eq!(ioctl(&mut memory, &mut descriptors, Fd(1), FIONBIO, argument), Ok(0));
        assert!(descriptors.get(Fd(1)).is_ok_and(|open| open.is_nonblocking()));
        assert_eq!(ioctl(&mut memory, &mut descriptors, Fd(1), FIONBIO, argument.add(4)), Ok(0));
        assert!(descriptors.get(Fd(1)).is_ok_and(|open| !open.is_nonblocking()));
        assert_eq!(ioctl(&mut memory, &mut descriptors, Fd(1), FIOCLEX, UserAddress::NULL), Ok(0));
        assert!(descriptors.entry(Fd(1)).is_ok_and(|entry| entry.close_on_exec));
        assert_eq!(ioctl(&mut memory, &mut descriptors, Fd(1), FIONCLEX, UserAddress::NULL), Ok(0));
        assert!(descriptors.entry(Fd(1)).is_ok_and(|entry| !entry.close_on_exec));
    }
}
