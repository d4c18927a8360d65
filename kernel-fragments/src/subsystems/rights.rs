//! Changing rights and owner of an open file, whether it lies in the tree or not.

use crate::errno::Refusal;
use crate::subsystems::open_file::OpenFile;

const OTHERS: Refusal = Refusal::Unsupported("rights of a file that is neither in the tree nor a pipe or socket");

/// Sets the permission bits of `open`.
///
/// # Errors
/// EPERM. Unsupported: files that have none of their own.
pub fn set_permissions(open: &OpenFile, permissions: u32) -> Result<(), Refusal> {
    match (open.file.node(), open.file.inode()) {
        (Some(node), _) => node.set_permissions(permissions)?,
        (None, Some(inode)) => inode.set_permissions(permissions)?,
        (None, None) => return Err(OTHERS),
    }
    Ok(())
}

/// Sets owner and group of `open`, -1 for the one it has. Errors as [`set_permissions`].
pub fn set_owner(open: &OpenFile, user: u32, group: u32) -> Result<(), Refusal> {
    match (open.file.node(), open.file.inode()) {
        (Some(node), _) => node.set_owner(user, group)?,
        (None, Some(inode)) => inode.set_owner(user, group)?,
        (None, None) => return Err(OTHERS),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDONLY;
    use crate::subsystems::console::open_input;
    use crate::subsystems::pipe::new_pipe;
    use alloc::boxed::Box;

    #[test]
    fn a_pipe_has_its_own() {
        let (reader, writer) = new_pipe(4);
        let open = OpenFile::new(Box::new(reader), O_RDONLY);
        assert_eq!((set_permissions(&open, 0o640), set_owner(&open, 1, 2)), (Ok(()), Ok(())));
        let other = OpenFile::new(Box::new(writer), O_RDONLY).file.stat();
        assert_eq!((other.mode & 0o7777, other.uid, other.gid), (0o640, 1, 2));
        assert_eq!(set_permissions(&open_input(), 0), Err(OTHERS));
    }
}
