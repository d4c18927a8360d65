//! `mmap(2)`: <https://man7.org/linux/man-pages/man2/mmap.2.html>, where only standard streams exist, which cannot be mapped.
//! Supported: anonymous memory with every flag that Linux takes (MAP_SHARED is like MAP_PRIVATE: there is one process),
//! hints, MAP_FIXED, MAP_FIXED_NOREPLACE. A fixed place where this machine has no memory is ENOMEM, as is MAP_HUGETLB: no
//! huge page is reserved. Errors: EINVAL, ENOMEM, EEXIST, EOVERFLOW, EBADF, EACCES, ENODEV.

use crate::abi::memory::{MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, MAP_TYPE, PROT_ALL};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::mapping_request::{MappingRequest, check_offset, length_anywhere};
use crate::subsystems::standard_streams::StandardStreams;
use crate::subsystems::zero_mappings::map_zeros;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(222 => mmap, console_only);

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

/// Maps `length` bytes of zeros with `protection` at or near `wish`.
pub fn mmap(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    streams: &mut StandardStreams,
    boot: &BootInfo,
    wish: UserAddress,
    length: usize,
    protection: u32,
    flags: u32,
    fd: Fd,
    offset: usize,
) -> SysResult {
    check_offset(offset)?;
    let is_file = flags & MAP_ANONYMOUS == 0;
    if is_file {
        streams.check_open(fd)?;
    }
    if is_file {
        MappingRequest::new(wish, length, flags, offset)?;
        let is_type = matches!(flags & MAP_TYPE, MAP_PRIVATE | MAP_SHARED | MAP_SHARED_VALIDATE);
        let errno = match streams.check_input(fd) {
            _ if !is_type => Errno::EINVAL,
            Ok(()) => Errno::ENODEV,
            Err(_) => Errno::EACCES,
        };
        return Err(errno.into());
    }
    map_zeros(memory, space, boot, wish, length, protection, flags, offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_memory::machine;

    #[test]
    fn memory_but_no_streams() {
        let (mut memory, mut space, boot) = machine(1, 2);
        let base = boot.mapping_range.start as usize;
        let mut map = |length, flags, fd, offset| {
            let (streams, wish) = (&mut StandardStreams::new(), UserAddress::NULL);
            mmap(&mut memory, &mut space, streams, &boot, wish, length, 1, flags, Fd(fd), offset)
        };
        assert_eq!(map(1, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), Ok(base));
        for (length, flags, fd, offset, errno) in [
            (1, MAP_PRIVATE, 3, 1, Errno::EINVAL),
            (0, MAP_PRIVATE, 3, 0, Errno::EBADF),
            (0, MAP_PRIVATE, 0, 0, Errno::EINVAL),
            (1, MAP_PRIVATE, 0, 0, Errno::ENODEV),
            (1, MAP_SHARED, 1, 0, Errno::EACCES),
            (1, 0, 0, 0, Errno::EINVAL),
            (1, MAP_ANONYMOUS, -1, 0, Errno::EINVAL),
        ] {
            assert_eq!(map(length, flags, fd, offset), Err(errno.into()), "{flags} {fd} {offset}");
        }
    }
}
