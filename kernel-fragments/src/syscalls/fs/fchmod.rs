//! `fchmod(2)`: <https://man7.org/linux/man-pages/man2/chmod.2.html>. Supported: files of the tree,
//! pipes, sockets; not supported: others, such as the standard streams. Errors: EBADF.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::rights::set_permissions;

syscall!(52 => fchmod);

/// Sets the permission bits of an open file.
pub fn fchmod(descriptors: &mut Descriptors, fd: Fd, mode: u32) -> SysResult {
    set_permissions(descriptors.get(fd)?, mode & 0o7777)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_PATH, O_RDONLY};
    use crate::errno::Errno;
    use crate::subsystems::tree_file::open_with;

    #[test]
    fn sets_twelve_bits() {
        let mut descriptors = Descriptors::new();
        let (file, path_only) = (open_with(&mut descriptors, b"", O_RDONLY), open_with(&mut descriptors, b"", O_PATH));
        assert_eq!(fchmod(&mut descriptors, Fd(99), 0), Err(Errno::EBADF.into()));
        assert_eq!(fchmod(&mut descriptors, path_only, 0), Err(Errno::EBADF.into()));
        assert_eq!(fchmod(&mut descriptors, file, 0o777_4755), Ok(0));
        assert_eq!(descriptors.get(file).map(|open| open.file.stat().mode), Ok(0o104755));
    }
}
