//! `flock(2)`: <https://man7.org/linux/man-pages/man2/flock.2.html>. Supported: LOCK_UN; LOCK_SH and LOCK_EX where no other
//! open file description of the same file could hold a lock. Not supported: the rest. Errors: EBADF, EINVAL.

use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use alloc::rc::Rc;

syscall!(32 => flock);

const LOCK_SH: u32 = 1;
const LOCK_EX: u32 = 2;
const LOCK_NB: u32 = 4;
const LOCK_UN: u32 = 8;

/// Locks or unlocks the file behind `fd`. A file that is open only once cannot be locked by anybody else.
pub fn flock(descriptors: &mut Descriptors, fd: Fd, operation: u32) -> SysResult {
    let operation = operation & !LOCK_NB;
    if !matches!(operation, LOCK_SH | LOCK_EX | LOCK_UN) {
        return Err(Errno::EINVAL.into());
    }
    let open = descriptors.get(fd)?.clone();
    if operation != LOCK_UN && !open.is_readable() && !open.is_writable() {
        return Err(Errno::EBADF.into());
    }
    let node = open.file.node();
    let has_rival = descriptors.iter().any(|(_, other)| {
        !Rc::ptr_eq(&other.file, &open)
            && matches!((node, other.file.file.node()), (Some(node), Some(other)) if Rc::ptr_eq(node, other))
    });
    if has_rival && operation != LOCK_UN {
        return Err(Refusal::Unsupported("flock of a file that was opened twice"));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDONLY;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::tree_file::{TreeFile, open_with};
    use alloc::boxed::Box;

    #[test]
    fn alone_it_always_works() {
        let mut descriptors = Descriptors::new();
        let file = open_with(&mut descriptors, b"", O_RDONLY);
        assert_eq!(flock(&mut descriptors, Fd(99), 0), Err(Errno::EINVAL.into()));
        assert_eq!(flock(&mut descriptors, Fd(99), LOCK_EX), Err(Errno::EBADF.into()));
        assert_eq!(flock(&mut descriptors, file, LOCK_EX | LOCK_NB), Ok(0));
        let node = descriptors.get(file).expect("open").file.node().expect("a file").clone();
        let again = OpenFile::new(Box::new(TreeFile(node)), O_RDONLY);
        assert!(descriptors.insert(again, false, 0).is_ok());
        assert!(matches!(flock(&mut descriptors, file, LOCK_SH), Err(Refusal::Unsupported(_))));
        assert_eq!(flock(&mut descriptors, file, LOCK_UN), Ok(0));
    }
}
