//! `dup(2)`: <https://man7.org/linux/man-pages/man2/dup.2.html>. Supported: everything. Errors: EBADF, EMFILE.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;

syscall!(23 => dup);

/// Gives the file behind `fd` the lowest free number as well.
pub fn dup(descriptors: &mut Descriptors, fd: Fd) -> SysResult {
    let file = descriptors.any(fd)?.clone();
    Ok(descriptors.insert(file, false, 0)?.0 as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;

    #[test]
    fn takes_the_lowest_number() {
        let mut descriptors = Descriptors::new();
        assert_eq!(dup(&mut descriptors, Fd(1)), Ok(3));
        assert!(descriptors.remove(Fd(0)).is_ok());
        assert_eq!(dup(&mut descriptors, Fd(3)), Ok(0));
        assert_eq!(dup(&mut descriptors, Fd(4)), Err(Errno::EBADF.into()));
        descriptors.set_limit(4);
        assert_eq!(dup(&mut descriptors, Fd(3)), Err(Errno::EMFILE.into()));
    }
}
