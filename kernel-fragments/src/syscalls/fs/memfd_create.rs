//! `memfd_create(2)`: <https://man7.org/linux/man-pages/man2/memfd_create.2.html>. Supported: MFD_CLOEXEC, MFD_EXEC.
//! Not supported: sealing, huge pages. Errors: EINVAL, EFAULT, EMFILE.

use crate::abi::open_flags::{O_LARGEFILE, O_RDWR};
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::descriptor_links::note_memory_file;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::own;
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::node::{Contents, Kind};
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::tree_file::TreeFile;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::boxed::Box;

syscall!(279 => memfd_create);

const MFD_CLOEXEC: u32 = 1;
const MFD_NOEXEC_SEAL: u32 = 8;
/// Executable, as every such file is unless told otherwise.
const MFD_EXEC: u32 = 0x10;
/// Sealing, huge pages, not executable; and the size of the huge pages.
const OTHER_FLAGS: u32 = 2 | 4 | MFD_NOEXEC_SEAL | 0x3f << 26;
/// Longest name with its terminating zero (mm/memfd.c: NAME_MAX without the prefix, and the zero).
const MAX_NAME_BYTES: usize = 250;

/// A descriptor for a new, empty file that lies in no directory. Its name is only for people.
pub fn memfd_create(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    name: UserAddress,
    flags: u32,
) -> SysResult {
    let is_confused = flags & MFD_EXEC != 0 && flags & MFD_NOEXEC_SEAL != 0;
    if flags & !(MFD_CLOEXEC | MFD_EXEC | OTHER_FLAGS) != 0 || is_confused {
        return Err(Errno::EINVAL.into());
    }
    if flags & OTHER_FLAGS != 0 {
        return Err(Refusal::Unsupported("memfd_create with MFD_ALLOW_SEALING, MFD_HUGETLB or the like"));
    }
    let name = memory.c_string(name, MAX_NAME_BYTES).map_err(|errno| match errno {
        Errno::ENAMETOOLONG => Errno::EINVAL,
        errno => errno,
    })?;
    let node = tree.new_node(Kind::Regular(Contents::empty()), 0o777);
    own(None, &node, 0o777);
    note_memory_file(tree, &node, name);
    let open = OpenFile::new(Box::new(TreeFile(node)), O_RDWR | O_LARGEFILE);
    Ok(descriptors.insert(open, flags & MFD_CLOEXEC != 0, 0)?.0 as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::Fd;
    use crate::testing::FakeMemory;

    #[test]
    fn makes_a_file_without_a_name() {
        let (mut memory, mut descriptors, mut tree) = (FakeMemory::new(512), Descriptors::new(), FileTree::new());
        let (good, longest) = (memory.put_c_string(0, "name"), memory.put_c_string(8, &"n".repeat(249)));
        let mut call = |name, flags| memfd_create(&mut memory, &mut descriptors, &mut tree, name, flags);
        assert_eq!(call(UserAddress(8), 0x20), Err(Errno::EINVAL.into()));
        assert_eq!(call(good, MFD_EXEC | MFD_NOEXEC_SEAL), Err(Errno::EINVAL.into()));
        assert_eq!(call(UserAddress(8), 0), Err(Errno::EFAULT.into()));
        assert_eq!((call(good, MFD_CLOEXEC | MFD_EXEC), call(longest, 0)), (Ok(3), Ok(4)));
        let too_long = memory.put_c_string(8, &"n".repeat(250));
        assert_eq!(memfd_create(&mut memory, &mut descriptors, &mut tree, too_long, 0), Err(Errno::EINVAL.into()));
        let stat = descriptors.get(Fd(3)).map(|open| open.file.stat()).expect("just made");
        assert_eq!((stat.mode, stat.links, stat.size_bytes), (0o100777, 0, 0));
    }
}
