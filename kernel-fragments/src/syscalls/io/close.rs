//! `close(2)`: <https://man7.org/linux/man-pages/man2/close.2.html>. Supported: everything. Errors: EBADF.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::message_queues::note_closing;

syscall!(57 => close);

/// Frees the number `fd`, and the file with the last of its descriptors.
pub fn close(descriptors: &mut Descriptors, fd: Fd) -> SysResult {
    note_closing(&descriptors.remove(fd)?.file);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;

    #[test]
    fn once() {
        let mut descriptors = Descriptors::new();
        assert_eq!(close(&mut descriptors, Fd(0)), Ok(0));
        assert_eq!(close(&mut descriptors, Fd(0)), Err(Errno::EBADF.into()));
        assert_eq!(close(&mut descriptors, Fd(-1)), Err(Errno::EBADF.into()));
        assert_eq!(close(&mut descriptors, Fd(3)), Err(Errno::EBADF.into()));
    }
}
