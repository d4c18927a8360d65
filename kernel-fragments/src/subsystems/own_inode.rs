//! Number, rights and owner of a file that lies in no tree: of a pipe, of a socket. As on Linux they can be changed. Their times are not kept.

use crate::abi::stat::Stat;
use crate::errno::Errno;
use crate::subsystems::file_rights::{bits_after_change, bits_to_set, new_owner};
use core::cell::Cell;

/// What such a file has for itself.
pub struct OwnInode {
    number: u64,
    permissions: Cell<u32>,
    owner: Cell<(u32, u32)>,
}

impl OwnInode {
    /// With the rights of a pipe.
    pub fn new(number: u64) -> OwnInode {
        OwnInode::with_permissions(number, 0o600)
    }

    /// Of who makes it.
    pub fn with_permissions(number: u64, permissions: u32) -> OwnInode {
        OwnInode { number, permissions: Cell::new(permissions), owner: Cell::new(new_owner()) }
    }

    /// Sets the permission bits.
    ///
    /// # Errors
    /// EPERM.
    pub fn set_permissions(&self, permissions: u32) -> Result<(), Errno> {
        self.permissions.set(bits_to_set(self.owner.get(), permissions)?);
        Ok(())
    }

    /// Sets owner and group, -1 for the one it has.
    ///
    /// # Errors
    /// EPERM.
    pub fn set_owner(&self, user: u32, group: u32) -> Result<(), Errno> {
        let (old_user, old_group) = self.owner.get();
        self.permissions.set(bits_after_change((old_user, old_group), (user, group), self.permissions.get(), false)?);
        let new = |new, old| if new == u32::MAX { old } else { new };
        self.owner.set((new(user, old_user), new(group, old_group)));
        Ok(())
    }

    /// What `fstat` tells of a file of this kind on the file system `device`.
    pub fn stat(&self, device: u64, kind: u32) -> Stat {
        let (uid, gid) = self.owner.get();
        let mode = kind | self.permissions.get();
        Stat { device, inode: self.number, mode, links: 1, uid, gid, ..Stat::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_and_rights() {
        let inode = OwnInode::new(9);
        assert_eq!((inode.set_owner(5, u32::MAX), inode.set_owner(u32::MAX, 6)), (Ok(()), Ok(())));
        assert_eq!(inode.set_permissions(0o12), Ok(()));
        let stat = inode.stat(3, 0o10000);
        assert_eq!((stat.device, stat.inode, stat.mode, stat.uid, stat.gid), (3, 9, 0o10012, 5, 6));
    }
}
