//! `utimensat(2)`: <https://man7.org/linux/man-pages/man2/utimensat.2.html>. Supported: UTIME_NOW, UTIME_OMIT,
//! AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, a descriptor without a path. Errors: EINVAL, EFAULT, ENOENT, ENOTDIR, ELOOP,
//! ENAMETOOLONG, EBADF.

use crate::abi::at_flags::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW};
use crate::abi::timespec::SECOND_NS;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::check_times;
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::node::Node;
use crate::subsystems::node_times::Times;
use crate::subsystems::paths::{read_path, start_directory};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Rc;

syscall!(88 => utimensat);

/// In place of nanoseconds: the time now; the time as it is.
const UTIME_NOW: u64 = (1 << 30) - 1;
const UTIME_OMIT: u64 = (1 << 30) - 2;

/// A time to set: seconds and nanoseconds, or one of the two words above.
type Wish = (i64, u64);

/// Sets the times of last read and last write of the file at `path`, relative to `directory`, to those at `times`, or to
/// now if that is null. A null path means the descriptor itself.
pub fn utimensat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    clock: &mut Clock,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    times: UserAddress,
    flags: u32,
) -> SysResult {
    let now: Wish = (0, UTIME_NOW);
    let (access, modify) = match times.is_null() {
        true => (now, now),
        false => (read_wish(memory, times)?, read_wish(memory, times.add(16))?),
    };
    if (access.1, modify.1) == (UTIME_OMIT, UTIME_OMIT) {
        return Ok(0); // whatever the path is (fs/utimes.c)
    }
    let node = find(memory, descriptors, tree, boot, directory, path, flags)?;
    check_times(&node, (access.1, modify.1) == (UTIME_NOW, UTIME_NOW))?;
    let now_ns = clock.realtime_ns(boot) as i64;
    let old = node.times.get();
    let chosen = |wish: Wish, old_ns| match wish {
        (_, UTIME_NOW) => Ok(now_ns),
        (_, UTIME_OMIT) => Ok(old_ns),
        (seconds, nanoseconds) if nanoseconds < SECOND_NS => {
            Ok(seconds.saturating_mul(SECOND_NS as i64).saturating_add(nanoseconds as i64))
        }
        _ => Err(Errno::EINVAL),
    };
    let (access_ns, modify_ns) = (chosen(access, old.access_ns)?, chosen(modify, old.modify_ns)?);
    node.times.set(Times { access_ns, modify_ns, change_ns: now_ns });
    Ok(0)
}

fn read_wish(memory: &impl UserMemory, address: UserAddress) -> Result<Wish, Errno> {
    let wish = (memory.read_u64(address)?.cast_signed(), memory.read_u64(address.add(8))?);
    let is_time = wish.1 < SECOND_NS || wish.1 == UTIME_NOW || wish.1 == UTIME_OMIT;
    if is_time { Ok(wish) } else { Err(Errno::EINVAL) }
}

fn find(
    memory: &impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    flags: u32,
) -> Result<Rc<Node>, Refusal> {
    const PIPE: Refusal = Refusal::Unsupported("utimensat of a pipe");
    if path.is_null() && directory != AT_FDCWD {
        if flags != 0 {
            return Err(Errno::EINVAL.into());
        }
        return Ok(descriptors.get(directory)?.file.node().ok_or(PIPE)?.clone());
    }
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let path = read_path(memory, path)?;
    if path.is_empty() && flags & AT_EMPTY_PATH == 0 {
        return Err(Errno::ENOENT.into());
    }
    if path.is_empty() && directory != AT_FDCWD {
        return Ok(descriptors.any(directory)?.file.node().ok_or(PIPE)?.clone());
    }
    let start = start_directory(descriptors, tree, boot, directory, path)?;
    let last = if flags & AT_SYMLINK_NOFOLLOW != 0 { Last::Keep } else { Last::Follow };
    Ok(if path.is_empty() { start } else { tree.find(boot, &start, path, last)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn given_now_and_omitted() {
        let mut memory = FakeMemory::new(128);
        let (mut descriptors, mut tree, boot) = (Descriptors::new(), FileTree::new(), boot_with(&[("/f", "", 0)]));
        let root = tree.root(&boot);
        let node = tree.find(&boot, &root, b"f", Last::Keep).unwrap();
        let path = memory.put_c_string(0, "f");
        let mut call = |words: [u64; 4], path, flags| {
            let times = memory.put(64, &words.map(u64::to_le_bytes).concat());
            let (clock, descriptors, tree) = (&mut Clock::new(), &mut descriptors, &mut tree);
            utimensat(&mut memory, descriptors, tree, clock, &boot, AT_FDCWD, path, times, flags)
        };
        assert_eq!(call([5, 6, u64::MAX, 0], path, 0), Ok(0));
        let Times { access_ns, modify_ns, .. } = node.times.get();
        assert_eq!((access_ns, modify_ns), (5_000_000_006, -1_000_000_000));
        assert_eq!(call([0, UTIME_OMIT, 0, UTIME_NOW], path, 0), Ok(0));
        let Times { access_ns, modify_ns, .. } = node.times.get();
        assert_eq!((access_ns, modify_ns), (5_000_000_006, 1_000_000_000));
        assert_eq!(call([0, UTIME_OMIT, 0, UTIME_OMIT], UserAddress(8), 0), Ok(0));
        assert_eq!(call([0, SECOND_NS, 0, 0], path, 0), Err(Errno::EINVAL.into()));
        assert_eq!(call([0, 0, 0, 0], path, 0x200), Err(Errno::EINVAL.into()));
        assert_eq!(call([0, 0, 0, 0], UserAddress::NULL, 0), Err(Errno::EFAULT.into()));
    }
}
