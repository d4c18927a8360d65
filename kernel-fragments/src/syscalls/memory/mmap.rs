//! `mmap(2)`: <https://man7.org/linux/man-pages/man2/mmap.2.html>. Supported: anonymous memory with every flag that Linux
//! takes (MAP_SHARED is like MAP_PRIVATE: there is one process), hints, MAP_FIXED, MAP_FIXED_NOREPLACE; private mappings of
//! regular files, as the file is now; shared mappings of regular files, for reading and writing; not supported: a second
//! shared mapping of the same bytes elsewhere, devices. A second shared mapping of pages that are mapped is the first one,
//! and allows what either allows. A fixed place where this machine has no memory is ENOMEM, as is MAP_HUGETLB: no huge
//! page is reserved. Pages behind the end of a file are zero, but those of a shared mapping are a SIGBUS behind a page table, and
//! EFAULT to calls there and with `--check-access`. Errors: EINVAL, ENOMEM, EEXIST, EOVERFLOW, EBADF, EACCES,
//! ENODEV, EOPNOTSUPP.

use crate::abi::memory::{
    MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_HUGETLB, MAP_KNOWN, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, MAP_TYPE,
    PROT_ALL, PROT_READ, PROT_WRITE,
};
use crate::abi::stat::{S_IFCHR, S_IFMT, S_IFREG};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::address_space::{AddressSpace, FROM_FILE, SHARED_FILE};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::locking::{check_new_mapping, lock_if_asked};
use crate::subsystems::mapping_request::{MappingRequest, check_offset, length_anywhere};
use crate::subsystems::message_queues::is_queue;
use crate::subsystems::node::Kind;
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::shared_mappings::SharedMappings;
use crate::subsystems::zero_mappings::map_zeros;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(222 => mmap);

quick!(map_anywhere);

/// Private memory anywhere, as allocators and `pthread_create` ask for it.
pub fn map_anywhere(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    wish: UserAddress,
    length: usize,
    protection: u32,
    flags: u32,
    _fd: Fd,
    offset: usize,
) -> Option<SysResult> {
    let len_bytes = length_anywhere(wish, length, flags, offset)?;
    space.map_quickly(memory, boot, len_bytes, protection as u8 & PROT_ALL).map(Ok)
}

/// Maps `length` bytes with `protection` at or near `wish`: zeros, or the file `fd` from `offset` on.
pub fn mmap(
    memory: &mut impl UserMemory,
    platform: &mut impl Platform,
    space: &mut AddressSpace,
    descriptors: &mut Descriptors,
    shared: &mut SharedMappings,
    boot: &BootInfo,
    wish: UserAddress,
    length: usize,
    protection: u32,
    flags: u32,
    fd: Fd,
    offset: usize,
) -> SysResult {
    check_offset(offset)?;
    check_new_mapping(space, flags)?;
    if flags & MAP_ANONYMOUS != 0 {
        return map_zeros(memory, space, boot, wish, length, protection, flags, offset);
    }
    let open = descriptors.get(fd)?;
    let start = map_file(memory, platform, space, shared, boot, open, (wish, length), protection, flags, offset)?;
    Ok(lock_if_asked(memory, space, boot, start, length, flags)?)
}

/// Maps a file; `area` is where and how long.
#[inline(never)]
fn map_file(
    memory: &mut impl UserMemory,
    platform: &mut impl Platform,
    space: &mut AddressSpace,
    shared: &mut SharedMappings,
    boot: &BootInfo,
    open: &OpenFile,
    area: (UserAddress, usize),
    protection: u32,
    flags: u32,
    offset: usize,
) -> SysResult {
    // Huge pages are not this file's (mm/mmap.c, ksys_mmap_pgoff); without them, they would be missing.
    let request = MappingRequest::new(area.0, area.1, flags, offset)
        .map_err(|errno| if flags & MAP_HUGETLB != 0 { Errno::EINVAL } else { errno })?;
    let kind = check_file(open, protection, flags)?;
    if let (true, Some(node)) = (kind & SHARED_FILE != 0, open.file.node())
        && let Kind::Regular(_) = node.kind
    {
        let protection = protection as u8 & PROT_ALL;
        return shared.map(memory, space, boot, node, request, protection, offset, open.is_writable());
    }
    // Readable for the time of filling, so that the pages count as in use.
    let filling = PROT_READ as u8 | kind;
    let start = space.map(memory, boot, request.placement, request.len_bytes, filling)?;
    let end = start + request.len_bytes;
    memory.set_access(start, end, Some((PROT_READ | PROT_WRITE) as u8));
    fill(memory, platform, open, start, request.len_bytes, offset)?;
    memory.set_access(start, end, Some(protection as u8 & 7));
    if protection as u8 & 7 != PROT_READ as u8 {
        space.protect(memory, boot, start, end, protection as u8 & 7)?;
    }
    Ok(start)
}

/// Whether `open` can be mapped so, and what to add to the protection.
fn check_file(open: &OpenFile, protection: u32, flags: u32) -> Result<u8, Refusal> {
    let kind = flags & MAP_TYPE;
    if kind == MAP_SHARED_VALIDATE && flags & !MAP_KNOWN != 0 {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let is_shared = matches!(kind, MAP_SHARED | MAP_SHARED_VALIDATE);
    if !is_shared && kind != MAP_PRIVATE {
        return Err(Errno::EINVAL.into());
    }
    if is_shared && protection & PROT_WRITE != 0 && !open.is_writable() || !open.is_readable() {
        return Err(Errno::EACCES.into());
    }
    match open.file.stat().mode & S_IFMT {
        S_IFREG if !is_queue(open) => {}
        S_IFCHR => return Err(Refusal::Unsupported("mmap of a device")),
        _ => return Err(Errno::ENODEV.into()),
    }
    if flags & MAP_GROWSDOWN != 0 {
        return Err(Errno::EINVAL.into());
    }
    Ok(if is_shared { FROM_FILE | SHARED_FILE } else { FROM_FILE })
}

/// Reads the file into the mapped pages, as far as it goes.
fn fill(
    memory: &mut impl UserMemory,
    platform: &mut impl Platform,
    open: &OpenFile,
    start: usize,
    len_bytes: usize,
    offset: usize,
) -> Result<(), Refusal> {
    let mut done = 0;
    while done < len_bytes {
        let into = memory.slice_mut(UserAddress(start + done), len_bytes - done)?;
        match open.file.read(platform, (offset + done) as u64, into)? {
            0 => break,
            read_bytes => done += read_bytes,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::{MAP_FIXED, MAP_FIXED_NOREPLACE, PAGE_BYTES};
    use crate::abi::open_flags::{O_RDONLY, O_RDWR, O_WRONLY};
    use crate::subsystems::mapping_request::Placement;
    use crate::subsystems::tree_file::open_with;
    use crate::testing::{FakeMemory, FakePlatform};
    use crate::testing_memory::machine;

    const ANON: u32 = MAP_PRIVATE | MAP_ANONYMOUS;

    #[test]
    fn places_and_refuses_like_linux() {
        let (mut memory, mut space, boot) = machine(1, 8);
        let base = boot.mapping_range.start as usize;
        let mut map = |wish: usize, length, flags, offset| {
            let (platform, descriptors) = (&mut FakePlatform::new(), &mut Descriptors::new());
            let wish = UserAddress(wish);
            let shared = &mut SharedMappings::new();
            mmap(&mut memory, platform, &mut space, descriptors, shared, &boot, wish, length, 3, flags, Fd(-1), offset)
        };
        let page = PAGE_BYTES;
        assert_eq!(map(0, 1, ANON, 0), Ok(base));
        assert_eq!(map(base + 4 * page - 5, 1, ANON | 0x2_4000, 0), Ok(base + 4 * page), "hints round up");
        assert_eq!(map(base, page, ANON, 0), Ok(base + page), "a taken hint is no error");
        assert_eq!(map(0xc0_0000_0000, page, ANON, 0), Ok(base + 2 * page), "neither is a far one");
        assert_eq!(map(base, page, ANON | MAP_FIXED, 0), Ok(base));
        assert_eq!(map(base, page, ANON | MAP_FIXED_NOREPLACE, 0), Err(Errno::EEXIST.into()));
        assert_eq!(map(base + 5 * page, page, ANON | MAP_FIXED_NOREPLACE, 0), Ok(base + 5 * page));
        assert_eq!(map(0, page, MAP_SHARED | MAP_ANONYMOUS, 0), Ok(base + 3 * page));
        for (wish, length, flags, offset, errno) in [
            (0, 0, ANON, 0, Errno::EINVAL),
            (0, page, MAP_ANONYMOUS, 0, Errno::EINVAL),
            (0, page, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, 0, Errno::EINVAL),
            (0, page, ANON, 1, Errno::EINVAL),
            (base + 1, page, ANON | MAP_FIXED, 0, Errno::EINVAL),
            (0, usize::MAX, ANON, 0, Errno::ENOMEM),
            (0, 1 << 60, ANON, 0, Errno::ENOMEM),
            (0, 3 * page, ANON, 0, Errno::ENOMEM),
            (0, page, ANON | MAP_HUGETLB, 0, Errno::ENOMEM),
            (usize::MAX - 4095, page, ANON | MAP_FIXED, 0, Errno::ENOMEM),
            (1 << 40, page, ANON | MAP_FIXED, 0, Errno::ENOMEM),
        ] {
            assert_eq!(map(wish, length, flags, offset), Err(errno.into()), "{wish:#x} {length:#x} {flags:#x}");
        }
    }

    /// What is quick comes to the same, and does nothing where it is not.
    #[test]
    fn quickly_or_not_at_all() {
        let ((mut memory, mut space, boot), page) = (machine(1, 16), PAGE_BYTES);
        let base = boot.mapping_range.start as usize;
        let mut map = |space: &mut AddressSpace, wish, length, flags, offset| {
            map_anywhere(&mut memory, space, &boot, UserAddress(wish), length, 3, flags, Fd(-1), offset)
        };
        assert_eq!(map(&mut space, 0, page, ANON, 0), None, "before the range is known");
        assert_eq!(space.map(&mut FakeMemory::new(page), &boot, Placement::Hint(0), page, 3), Ok(base));
        assert_eq!(map(&mut space, 0, 1, ANON, 0), Some(Ok(base + page)));
        assert_eq!(map(&mut space, 0, 2 * page, ANON, 0), Some(Ok(base + 2 * page)));
        assert_eq!(space.mapped(&boot, base, base + 16 * page), Ok((3, base + 4 * page)));
        for (wish, length, flags, offset) in [
            (base, page, ANON, 0),
            (0, 0, ANON, 0),
            (0, usize::MAX, ANON, 0),
            (0, 1 << 60, ANON, 0),
            (0, 16 * page, ANON, 0),
            (0, page, ANON, 1),
            (0, page, ANON, page),
            (0, page, MAP_ANONYMOUS, 0),
            (0, page, MAP_PRIVATE, 0),
            (0, page, ANON | MAP_FIXED, 0),
            (0, page, ANON | MAP_HUGETLB, 0),
        ] {
            assert_eq!(map(&mut space, wish, length, flags, offset), None, "{wish:#x} {length:#x} {flags:#x}");
        }
        assert_eq!(space.mapped(&boot, base, base + 16 * page), Ok((3, base + 4 * page)));
    }

    #[test]
    fn files() {
        let (mut memory, mut space, boot) = machine(1, 8);
        let base = boot.mapping_range.start as usize;
        let (mut descriptors, mut shared) = (Descriptors::new(), SharedMappings::new());
        let contents: &'static [u8] = alloc::vec![7; PAGE_BYTES + 100].leak();
        let [read, write, both] =
            [O_RDONLY, O_WRONLY, O_RDWR].map(|flags| open_with(&mut descriptors, contents, flags));
        let mut map = |space: &mut AddressSpace, length, protection, flags, fd, offset| {
            let platform = &mut FakePlatform::new();
            let wish = UserAddress::NULL;
            let (descriptors, shared) = (&mut descriptors, &mut shared);
            mmap(&mut memory, platform, space, descriptors, shared, &boot, wish, length, protection, flags, fd, offset)
        };
        let page = PAGE_BYTES;
        assert_eq!(map(&mut space, 2 * page, 3, MAP_PRIVATE, read, 0), Ok(base));
        assert_eq!(map(&mut space, page, 1, MAP_SHARED, read, page), Ok(base + 2 * page));
        assert_eq!(map(&mut space, page, 0, MAP_PRIVATE, both, 0), Ok(base + 3 * page));
        for (protection, flags, fd, offset, errno) in [
            (1, MAP_PRIVATE, Fd(9), 0, Errno::EBADF),
            (1, MAP_PRIVATE, Fd(9), 1, Errno::EINVAL),
            (1, MAP_PRIVATE, write, 0, Errno::EACCES),
            (3, MAP_SHARED, read, 0, Errno::EACCES),
            (1, MAP_PRIVATE, Fd(0), 0, Errno::ENODEV),
            (1, 0, read, 0, Errno::EINVAL),
            (1, MAP_SHARED_VALIDATE | 0x8000_0000, read, 0, Errno::EOPNOTSUPP),
            (1, MAP_PRIVATE | MAP_HUGETLB, read, 0, Errno::EINVAL),
            (1, MAP_PRIVATE | MAP_HUGETLB, Fd(9), 0, Errno::EBADF),
        ] {
            assert_eq!(map(&mut space, page, protection, flags, fd, offset), Err(errno.into()), "{errno:?}");
        }
        assert_eq!(map(&mut space, page, 3, MAP_SHARED, both, page), Ok(base + 4 * page));
        assert_eq!(map(&mut space, page, 1, MAP_SHARED, both, page), Ok(base + 4 * page));
        let overlapping = map(&mut space, 2 * page, 3, MAP_SHARED, both, 0);
        assert!(matches!(overlapping, Err(Refusal::Unsupported(_))));
        assert_eq!((memory.bytes(page, 1), memory.bytes(2 * page + 99, 2)), (&[7][..], &[7, 0][..]));
        assert_eq!((memory.bytes(3 * page, 1), memory.bytes(3 * page + 100, 1)), (&[7][..], &[0][..]));
        assert_eq!(memory.bytes(4 * page, 1), [7], "behind PROT_NONE");
        let start = base + 2 * page;
        assert_eq!(space.protect(&mut memory, &boot, start, start + page, 3), Err(Errno::EACCES));
        let again = space.discard(&mut memory, &boot, base, base + page);
        assert!(matches!(again, Err(Refusal::Unsupported(_))));
    }
}
