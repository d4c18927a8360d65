//! `statx(2)`: <https://man7.org/linux/man-pages/man2/statx.2.html>. Supported: every flag; the basic fields and the mount
//! are told, whatever is asked for. Errors: EFAULT, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL, EBADF.

use crate::abi::at_flags::{AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_STATX_SYNC_TYPE};
use crate::abi::statx::encode;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::paths::{is_empty_path, stat_at};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(291 => statx);

/// A bit of the mask that stands for a longer structure.
const STATX_RESERVED: u32 = 0x8000_0000;

/// Writes what is known of the file at `path`, relative to `directory`, to `address`.
pub fn statx(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    flags: u32,
    mask: u32,
    address: UserAddress,
) -> SysResult {
    let by_descriptor =
        flags & !(AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE) == AT_EMPTY_PATH && is_empty_path(memory, directory, path);
    if mask & STATX_RESERVED != 0 || flags & AT_STATX_SYNC_TYPE == AT_STATX_SYNC_TYPE {
        return Err(Errno::EINVAL.into());
    }
    let stat = if by_descriptor {
        descriptors.any(directory)?.file.stat()
    } else {
        stat_at(memory, descriptors, tree, boot, directory, path, flags)?
    };
    memory.write_words(address, encode(&stat))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn paths_and_descriptors() {
        let mut memory = FakeMemory::new(512);
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let boot = boot_with(&[("/f", "hello", 0o640)]);
        let buffer = memory.address(0);
        let mut call = |directory, path: &str, flags, mask| {
            let path = memory.put_c_string(400, path);
            statx(&mut memory, &mut descriptors, &mut tree, &boot, directory, path, flags, mask, buffer)
        };
        assert_eq!(call(AT_FDCWD, "f", 0x8000, 0), Err(Errno::EINVAL.into()));
        assert_eq!(call(AT_FDCWD, "f", 0, STATX_RESERVED), Err(Errno::EINVAL.into()));
        assert_eq!(call(Fd(1), "", AT_EMPTY_PATH, STATX_RESERVED), Err(Errno::EINVAL.into()));
        assert_eq!(call(Fd(1), "", AT_EMPTY_PATH | 0x6000, 0), Err(Errno::EINVAL.into()));
        assert_eq!(call(Fd(1), "", AT_EMPTY_PATH, 0x7ff), Ok(0));
        assert_eq!(call(AT_FDCWD, "", 0x8000, 0), Err(Errno::EINVAL.into()));
        assert_eq!(call(AT_FDCWD, "", 0, 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(AT_FDCWD, "nope", 0, 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(AT_FDCWD, "f", 0x2000, 0), Ok(0));
        assert_eq!(memory.bytes(28, 2), 0o100640u16.to_le_bytes());
        assert_eq!(memory.bytes(40, 1), [5]);
    }
}
