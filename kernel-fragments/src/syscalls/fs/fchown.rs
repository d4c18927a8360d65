//! `fchown(2)`: <https://man7.org/linux/man-pages/man2/chown.2.html>. Supported: files of the tree,
//! pipes, sockets; not supported: others, such as the standard streams. Errors: EBADF.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::rights::set_owner;

syscall!(55 => fchown);

/// Sets owner and group of an open file; -1 leaves one as it is.
pub fn fchown(descriptors: &mut Descriptors, fd: Fd, user: u32, group: u32) -> SysResult {
    set_owner(descriptors.get(fd)?, user, group)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDONLY;
    use crate::errno::Errno;
    use crate::subsystems::tree_file::open_with;

    /// The answers are those of Linux.
    #[test]
    fn changes_what_is_given() {
        let mut descriptors = Descriptors::new();
        let file = open_with(&mut descriptors, b"", O_RDONLY);
        assert_eq!(fchown(&mut descriptors, Fd(99), 1, 1), Err(Errno::EBADF.into()));
        descriptors.get(file).unwrap().file.node().unwrap().permissions.set(0o6755);
        assert_eq!(fchown(&mut descriptors, file, 5, u32::MAX), Ok(0));
        let stat = descriptors.get(file).unwrap().file.stat();
        assert_eq!((stat.uid, stat.gid, stat.mode & 0o7777), (5, 0, 0o755), "set-id bits go");
    }
}
