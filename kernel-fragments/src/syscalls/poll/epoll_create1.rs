//! `epoll_create1(2)`: <https://man7.org/linux/man-pages/man2/epoll_create.2.html>. Supported: everything. Errors: EINVAL,
//! EMFILE.

use crate::abi::open_flags::{O_CLOEXEC, O_RDWR};
use crate::errno::{Errno, SysResult};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::epoll::Epoll;
use crate::subsystems::open_file::OpenFile;
use alloc::boxed::Box;

syscall!(20 => epoll_create1);

/// A descriptor for a new, empty interest list.
pub fn epoll_create1(descriptors: &mut Descriptors, flags: u32) -> SysResult {
    if flags & !O_CLOEXEC != 0 {
        return Err(Errno::EINVAL.into());
    }
    let open = OpenFile::new(Box::new(Epoll::default()), O_RDWR);
    Ok(descriptors.insert(open, flags & O_CLOEXEC != 0, 0)?.0 as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::Fd;
    use crate::subsystems::epoll::interest_list;

    #[test]
    fn is_recognised() {
        let mut descriptors = Descriptors::new();
        assert_eq!(epoll_create1(&mut descriptors, 1), Err(Errno::EINVAL.into()));
        assert_eq!(epoll_create1(&mut descriptors, O_CLOEXEC), Ok(3));
        assert!(descriptors.get(Fd(3)).is_ok_and(|open| interest_list(open).is_some()));
        assert!(descriptors.get(Fd(1)).is_ok_and(|open| interest_list(open).is_none()));
    }
}
