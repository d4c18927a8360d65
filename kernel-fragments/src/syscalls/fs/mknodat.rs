//! `mknodat(2)`: <https://man7.org/linux/man-pages/man2/mknod.2.html>. Supported: regular files, FIFOs, and the character
//! devices that there are (null, zero, full, random, urandom); not supported: other devices, sockets. Errors: EPERM, EINVAL, EFAULT,
//! ENOENT, EEXIST, ENOTDIR, ELOOP, ENAMETOOLONG, EBADF.

use crate::abi::stat::{S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::fifos::Fifo;
use crate::subsystems::file_rights::{check_making_devices, check_new, own};
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::node::{Contents, Device, Kind};
use crate::subsystems::paths::{new_entry, read_nonempty_path, start_directory};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(33 => mknodat);

/// Makes a file of the type and with the permissions of `mode` at `path`, relative to `directory`; `number` is a device's.
pub fn mknodat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    mode: u32,
    number: u32,
) -> SysResult {
    let mode = mode & 0xffff; // umode_t
    let kind = match mode & S_IFMT {
        0 | S_IFREG => Some(Kind::Regular(Contents::empty())),
        S_IFCHR => device(number).map(Kind::Device),
        S_IFIFO => Some(Kind::Fifo(Fifo::default())),
        S_IFBLK | S_IFSOCK => None,
        S_IFDIR => return Err(Errno::EPERM.into()),
        _ => return Err(Errno::EINVAL.into()),
    };
    let path = read_nonempty_path(memory, path)?;
    let start = start_directory(descriptors, tree, boot, directory, path)?;
    let (parent, name, wants_directory) = new_entry(tree, boot, &start, path)?;
    if wants_directory || parent.links.get() == 0 {
        return Err(Errno::ENOENT.into());
    }
    check_new(&parent)?;
    if matches!(mode & S_IFMT, S_IFCHR | S_IFBLK) {
        check_making_devices()?;
    }
    let kind = kind.ok_or(Refusal::Unsupported("making a socket or a device that there is not"))?;
    let node = tree.new_node(kind, mode & 0o7777 & !tree.umask);
    own(Some(&parent), &node, mode);
    tree.link(&parent, &name, &node);
    Ok(0)
}

/// The device of this number (include/linux/kdev_t.h, new_decode_dev).
fn device(number: u32) -> Option<Device> {
    let devices = [Device::Null, Device::Zero, Device::Full, Device::Random(8), Device::Random(9)];
    devices.into_iter().find(|device| device.number() == u64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::abi::stat::S_IFLNK;
    use crate::subsystems::file_tree::Last;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn makes_files_and_known_devices() {
        let (mut memory, boot) = (FakeMemory::new(256), boot_with(&[("/f", "", 0o640)]));
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let mut call = |path: &str, mode, number| {
            let path = memory.put_c_string(0, path);
            mknodat(&mut memory, &mut descriptors, &mut tree, &boot, AT_FDCWD, path, mode, number)
        };
        assert_eq!((call("a", 0o666, 0), call("b", S_IFREG | 0o4755, 9)), (Ok(0), Ok(0)));
        assert_eq!(call("fifo", S_IFIFO | 0o622, 5), Ok(0));
        assert_eq!(call("null", S_IFCHR | 0o666, 0x103), Ok(0));
        for (path, mode, errno) in [
            ("f", 0, Errno::EEXIST),
            ("f", S_IFIFO, Errno::EEXIST),
            ("n/", 0, Errno::ENOENT),
            ("n/m", 0, Errno::ENOENT),
            ("", 0, Errno::ENOENT),
            ("", S_IFDIR, Errno::EPERM),
            ("n", S_IFLNK, Errno::EINVAL),
            ("f/x", 0, Errno::ENOTDIR),
        ] {
            assert_eq!(call(path, mode, 0), Err(errno.into()), "{path} {mode:o}");
        }
        for (mode, number) in [(S_IFSOCK, 0), (S_IFBLK, 0x103), (S_IFCHR, 0x1234)] {
            assert!(matches!(call("n", mode, number), Err(Refusal::Unsupported(_))), "{mode:o}");
        }
        let root = tree.root(&boot);
        let mut stat = |path: &[u8]| tree.find(&boot, &root, path, Last::Keep).map(|node| node.stat().mode);
        assert_eq!(stat(b"fifo"), Ok(0o10600));
        assert_eq!((stat(b"a"), stat(b"b"), stat(b"null")), (Ok(0o100644), Ok(0o104755), Ok(0o20644)));
    }
}
