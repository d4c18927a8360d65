//! `dup3(2)`: <https://man7.org/linux/man-pages/man2/dup.2.html>. Supported: everything. Errors: EINVAL, EBADF.

use crate::abi::open_flags::O_CLOEXEC;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::message_queues::note_closing;

syscall!(24 => dup3);

/// Makes `new` stand for the file behind `old`; what it stood for is closed.
pub fn dup3(descriptors: &mut Descriptors, old: Fd, new: Fd, flags: u32) -> SysResult {
    if flags & !O_CLOEXEC != 0 || old == new {
        return Err(Errno::EINVAL.into());
    }
    let file = descriptors.any(old)?.clone();
    let replaced = descriptors.replace(new, file, flags & O_CLOEXEC != 0)?;
    replaced.iter().for_each(|replaced| note_closing(&replaced.file));
    Ok(new.0 as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces() {
        let mut descriptors = Descriptors::new();
        assert_eq!(dup3(&mut descriptors, Fd(1), Fd(0), O_CLOEXEC), Ok(0));
        assert!(descriptors.entry(Fd(0)).is_ok_and(|entry| entry.close_on_exec && entry.file.is_writable()));
        assert_eq!(dup3(&mut descriptors, Fd(1), Fd(100), 0), Ok(100));
        assert_eq!(dup3(&mut descriptors, Fd(1), Fd(1), 0), Err(Errno::EINVAL.into()));
        assert_eq!(dup3(&mut descriptors, Fd(77), Fd(77), 0), Err(Errno::EINVAL.into()));
        assert_eq!(dup3(&mut descriptors, Fd(1), Fd(9), 3), Err(Errno::EINVAL.into()));
        assert_eq!(dup3(&mut descriptors, Fd(1), Fd(1 << 30), 0), Err(Errno::EBADF.into()));
        assert_eq!(dup3(&mut descriptors, Fd(1), Fd(-1), 0), Err(Errno::EBADF.into()));
        assert_eq!(dup3(&mut descriptors, Fd(77), Fd(5), 0), Err(Errno::EBADF.into()));
    }
}
