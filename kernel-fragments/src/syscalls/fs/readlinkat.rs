//! `readlinkat(2)`: <https://man7.org/linux/man-pages/man2/readlinkat.2.html>. Supported: everything, the empty path of
//! an O_PATH descriptor too. Errors: EINVAL, EFAULT, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EBADF.

use crate::abi::at_flags::AT_FDCWD;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::node::Kind;
use crate::subsystems::paths::{read_path, start_directory};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(78 => readlinkat);

/// Writes where the symbolic link at `path` leads to `address`, cut off after `len_bytes`, without a terminating zero.
pub fn readlinkat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    address: UserAddress,
    len_bytes: i32,
) -> SysResult {
    let len_bytes = usize::try_from(len_bytes).ok().filter(|&len_bytes| len_bytes > 0).ok_or(Errno::EINVAL)?;
    let path = read_path(memory, path)?;
    let by_path = !path.is_empty();
    let node = if by_path {
        let start = start_directory(descriptors, tree, boot, directory, path)?;
        tree.find(boot, &start, path, Last::Keep)?
    } else if directory == AT_FDCWD {
        return Err(Errno::ENOENT.into());
    } else {
        descriptors.any(directory)?.file.node().cloned().ok_or(Errno::ENOENT)?
    };
    let text;
    let target = match &node.kind {
        Kind::Symlink(target) => &target[..],
        Kind::Descriptor(link) if link.is_link() => {
            text = link.text(tree, boot)?;
            &text
        }
        _ => return Err(if by_path { Errno::EINVAL } else { Errno::ENOENT }.into()),
    };
    node.note_read();
    let target = target.get(..len_bytes).unwrap_or(target);
    memory.write(address, target)?;
    Ok(target.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn links_and_others() {
        let mut memory = FakeMemory::new(256);
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let boot = boot_with(&[("/f", "hello", 0o640)]);
        let buffer = memory.address(0);
        let mut call = |directory, path: &str, address, len_bytes| {
            let path = memory.put_c_string(128, path);
            readlinkat(&mut memory, &mut descriptors, &mut tree, &boot, directory, path, address, len_bytes)
        };
        assert_eq!(call(AT_FDCWD, "nope", buffer, 0), Err(Errno::EINVAL.into()));
        assert_eq!(call(AT_FDCWD, "/proc/self/exe", buffer, -1), Err(Errno::EINVAL.into()));
        assert_eq!(call(AT_FDCWD, "nope", buffer, 9), Err(Errno::ENOENT.into()));
        assert_eq!(call(AT_FDCWD, "f", buffer, 9), Err(Errno::EINVAL.into()));
        assert_eq!(call(AT_FDCWD, ".", buffer, 9), Err(Errno::EINVAL.into()));
        assert_eq!(call(AT_FDCWD, "/proc/self/exe", UserAddress(8), 9), Err(Errno::EFAULT.into()));
        assert_eq!(call(AT_FDCWD, "", buffer, 9), Err(Errno::ENOENT.into()));
        assert_eq!(call(Fd(1), "", buffer, 9), Err(Errno::ENOENT.into()));
        assert_eq!(call(Fd(9), "", buffer, 9), Err(Errno::EBADF.into()));
        assert_eq!(call(AT_FDCWD, "/proc/self/exe", buffer, 4), Ok(4));
        assert_eq!(call(AT_FDCWD, "/proc/self/exe", buffer, 100), Ok(12));
        assert_eq!(memory.bytes(0, 13), b"/bin/program\0");
    }
}
