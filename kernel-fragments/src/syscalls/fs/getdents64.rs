//! `getdents64(2)`: <https://man7.org/linux/man-pages/man2/getdents64.2.html>. Supported: everything; entries come in the
//! order in which they were made or, for files of the image, first named. Errors: EBADF, ENOTDIR, EINVAL,
//! ENOENT, EFAULT.

use crate::abi::dirent::{append, entry_bytes};
use crate::abi::stat::S_IFDIR;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptor_links::show_again;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::directory::{FIRST_COOKIE, parent_of};
use crate::subsystems::file_tree::FileTree;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::vec::Vec;

syscall!(61 => getdents64);

/// Writes as many entries from the directory's position on to `address` as `len_bytes` hold; 0 at its end.
pub fn getdents64(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    fd: Fd,
    address: UserAddress,
    len_bytes: u32,
) -> SysResult {
    show_again(descriptors, tree);
    let open = descriptors.get(fd)?;
    let node = open.file.node().ok_or(Errno::ENOTDIR)?;
    let directory = tree.entries(node).ok_or(Errno::ENOTDIR)?;
    if node.links.get() == 0 {
        return Err(Errno::ENOENT.into());
    }
    node.note_read();
    let mut position = open.offset.get();
    let mut listing = Vec::new();
    let mut add = |next, inode, mode, name: &[u8]| {
        let fits = listing.len() + entry_bytes(name.len()) <= len_bytes as usize;
        if fits {
            append(&mut listing, inode, next, mode, name);
        }
        fits
    };
    let mut all_fit = true;
    if position == 0 {
        all_fit = add(1, node.inode, S_IFDIR, b".");
        position += u64::from(all_fit);
    }
    if position == 1 {
        let parent_inode = parent_of(node).map_or(node.inode, |parent| parent.inode);
        all_fit = add(FIRST_COOKIE, parent_inode, S_IFDIR, b"..");
        position += u64::from(all_fit);
    }
    if all_fit {
        directory.list(position, |entry| {
            all_fit = add(entry.cookie + 1, entry.node.inode, entry.node.stat().mode, &entry.name);
            if all_fit {
                position = entry.cookie + 1;
            }
            all_fit
        });
    }
    if listing.is_empty() && !all_fit {
        return Err(Errno::EINVAL.into());
    }
    memory.write(address, &listing)?;
    open.offset.set(position);
    Ok(listing.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDONLY;
    use crate::errno::Refusal;
    use crate::subsystems::file_tree::Last;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::tree_file::TreeFile;
    use crate::testing::FakeMemory;
    use alloc::boxed::Box;

    /// The names in a listing.
    fn names(listing: &[u8]) -> Vec<String> {
        let (mut names, mut rest) = (Vec::new(), listing);
        while !rest.is_empty() {
            let (entry, behind) = rest.split_at(usize::from(rest[16]));
            let name: Vec<u8> = entry[19..].iter().copied().take_while(|&byte| byte != 0).collect();
            names.push(String::from_utf8_lossy(&name).into_owned());
            rest = behind;
        }
        names
    }

    #[test]
    fn lists_piece_by_piece_while_entries_go() {
        let (mut memory, mut descriptors, mut tree) = (FakeMemory::new(512), Descriptors::new(), FileTree::new());
        let boot = boot_with(&[("/d/a", "", 0), ("/d/b", "", 0), ("/d/c", "", 0), ("/d/e", "", 0)]);
        let root = tree.root(&boot);
        let node = tree.find(&boot, &root, b"d", Last::Keep).expect("it is implied");
        let fd = descriptors.insert(OpenFile::new(Box::new(TreeFile(node.clone())), O_RDONLY), false, 0).expect("room");
        let buffer = memory.address(0);
        let mut call = |tree: &mut FileTree, len_bytes| -> Result<Vec<String>, _> {
            let listed = getdents64(&mut memory, &mut descriptors, tree, fd, buffer, len_bytes)?;
            Ok::<_, Refusal>(names(memory.bytes(0, listed)))
        };
        assert_eq!(call(&mut tree, 23), Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut tree, 40), Ok(vec![".".into()]));
        assert_eq!(call(&mut tree, 48), Ok(vec!["..".into(), "a".into()]));
        tree.unlink(&node, b"a");
        tree.unlink(&node, b"c");
        assert_eq!(call(&mut tree, 24), Ok(vec!["b".into()]));
        assert_eq!(call(&mut tree, 500), Ok(vec!["e".into()]));
        assert_eq!(call(&mut tree, 500), Ok(vec![]));
        assert_eq!(call(&mut tree, 0), Ok(vec![]));
    }

    #[test]
    fn errors() {
        let (mut memory, mut descriptors, mut tree) = (FakeMemory::new(64), Descriptors::new(), FileTree::new());
        let boot = boot_with(&[]);
        let root = tree.root(&boot);
        let fd = descriptors.insert(OpenFile::new(Box::new(TreeFile(root)), O_RDONLY), false, 0).expect("room");
        let mut call = |fd| getdents64(&mut memory, &mut descriptors, &mut tree, fd, UserAddress::NULL, 64);
        assert_eq!(call(Fd(9)), Err(Errno::EBADF.into()));
        assert_eq!(call(Fd(1)), Err(Errno::ENOTDIR.into()));
        assert_eq!(call(fd), Err(Errno::EFAULT.into()));
    }
}
