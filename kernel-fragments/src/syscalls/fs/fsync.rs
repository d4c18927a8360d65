//! `fsync(2)`: <https://man7.org/linux/man-pages/man2/fsync.2.html>. Supported: everything; a file in memory is always
//! as durable as it gets. Errors: EBADF, EINVAL.

use crate::abi::stat::{S_IFDIR, S_IFMT, S_IFREG};
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::message_queues::is_queue;

syscall!(82 => fsync);

/// Nothing is left to do for a file of the tree; pipes and devices have nothing to be synchronised with.
pub fn fsync(descriptors: &mut Descriptors, fd: Fd) -> SysResult {
    let open = descriptors.get(fd)?;
    if is_queue(open) {
        return Err(Errno::EINVAL.into());
    }
    match open.file.stat().mode & S_IFMT {
        S_IFREG | S_IFDIR => Ok(0),
        _ => Err(Errno::EINVAL.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_cannot() {
        let mut descriptors = Descriptors::new();
        assert_eq!(fsync(&mut descriptors, Fd(1)), Err(Errno::EINVAL.into()));
        assert_eq!(fsync(&mut descriptors, Fd(9)), Err(Errno::EBADF.into()));
    }
}
