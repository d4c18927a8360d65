//! `syncfs(2)`: <https://man7.org/linux/man-pages/man2/syncfs.2.html>. Supported: everything; what lies in memory is as
//! durable as it gets. Errors: EBADF.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;

syscall!(267 => syncfs);

/// Nothing is left to do for the file system of an open file.
pub fn syncfs(descriptors: &mut Descriptors, fd: Fd) -> SysResult {
    descriptors.get(fd)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;

    #[test]
    fn of_what_is_open() {
        let mut descriptors = Descriptors::new();
        assert_eq!(
            (syncfs(&mut descriptors, Fd(1)), syncfs(&mut descriptors, Fd(9))),
            (Ok(0), Err(Errno::EBADF.into()))
        );
    }
}
