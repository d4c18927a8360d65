//! `ftruncate(2)`: <https://man7.org/linux/man-pages/man2/ftruncate.2.html>. Supported: everything; not supported: message queues. Errors: EINVAL,
//! EBADF, ENOSPC.

use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::message_queues::is_queue;
use crate::subsystems::node::Kind;

syscall!(46 => ftruncate);

/// Cuts an open file to `size_bytes`, or lengthens it by zeros.
pub fn ftruncate(descriptors: &mut Descriptors, fd: Fd, size_bytes: i64) -> SysResult {
    let size_bytes = u64::try_from(size_bytes).map_err(|_| Errno::EINVAL)?;
    let open = descriptors.get(fd)?;
    if open.is_writable() && is_queue(open) {
        return Err(Refusal::Unsupported("resizing the file of a message queue"));
    }
    let node = open.file.node().filter(|_| open.is_writable()).ok_or(Errno::EINVAL)?;
    let Kind::Regular(contents) = &node.kind else { return Err(Errno::EINVAL.into()) };
    contents.truncate(size_bytes)?;
    node.note_new_contents();
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_PATH, O_RDONLY, O_RDWR};
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::Contents;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::tree_file::TreeFile;
    use alloc::boxed::Box;

    #[test]
    fn only_what_is_open_for_writing() {
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let node = tree.new_node(Kind::Regular(Contents::committed(b"hello")), 0);
        let mut open = |flags| {
            let file = OpenFile::new(Box::new(TreeFile(node.clone())), flags);
            descriptors.insert(file, false, 0).expect("there is room")
        };
        let (read_only, read_write, path_only) = (open(O_RDONLY), open(O_RDWR), open(O_PATH));
        assert_eq!(ftruncate(&mut descriptors, Fd(77), -1), Err(Errno::EINVAL.into()));
        assert_eq!(ftruncate(&mut descriptors, Fd(77), 0), Err(Errno::EBADF.into()));
        assert_eq!(ftruncate(&mut descriptors, path_only, 0), Err(Errno::EBADF.into()));
        assert_eq!(ftruncate(&mut descriptors, read_only, 0), Err(Errno::EINVAL.into()));
        assert_eq!(ftruncate(&mut descriptors, Fd(1), 0), Err(Errno::EINVAL.into()));
        assert_eq!(ftruncate(&mut descriptors, read_write, 3), Ok(0));
        assert_eq!(node.stat().size_bytes, 3);
    }
}
