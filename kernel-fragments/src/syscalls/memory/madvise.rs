//! `madvise(2)`: <https://man7.org/linux/man-pages/man2/madvise.2.html>. Supported: DONTNEED (anonymous memory reads as zero
//! afterwards, unless it is shared), REMOVE of shared anonymous memory, FREE (kept, as Linux may), the advice that changes
//! nothing a program can see; not supported: HWPOISON, SOFT_OFFLINE, DONTNEED of the program's segments, REMOVE of a file's shared pages. Errors: EINVAL,
//! ENOMEM, EACCES, EFAULT.

use crate::abi::memory::{PAGE_BYTES, PROT_ALL, PROT_READ, PROT_WRITE, page_align};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::address_space::{AddressSpace, FROM_FILE, SHARED_MEMORY};
use crate::subsystems::page_map::{Contents, Page};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(233 => madvise);

const MADV_DONTNEED: u32 = 4;
const MADV_REMOVE: u32 = 9;
const MADV_FREE: u32 = 8;
const MADV_WIPEONFORK: u32 = 18;
const MADV_COLD: u32 = 20;
const MADV_PAGEOUT: u32 = 21;
const MADV_POPULATE_READ: u32 = 22;
const MADV_POPULATE_WRITE: u32 = 23;
const MADV_DONTNEED_LOCKED: u32 = 24;
const MADV_COLLAPSE: u32 = 25;
const MADV_HWPOISON: u32 = 100;
const MADV_SOFT_OFFLINE: u32 = 101;

/// Takes `advice` for the pages of `length` bytes from `address` on. Holes are passed over and make it ENOMEM.
pub fn madvise(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    address: UserAddress,
    length: usize,
    advice: u32,
) -> SysResult {
    let is_known = matches!(advice, 0..=4 | 8..=MADV_COLLAPSE | MADV_HWPOISON | MADV_SOFT_OFFLINE);
    if !is_known || !address.0.is_multiple_of(PAGE_BYTES) {
        return Err(Errno::EINVAL.into());
    }
    let start = address.0;
    let end = page_align(length).and_then(|length| start.checked_add(length)).ok_or(Errno::EINVAL)?;
    if start == end {
        return Ok(0);
    }
    // What is locked stays (mm/madvise.c): what lies before it has been done then.
    let wants_it_gone = matches!(advice, MADV_DONTNEED | MADV_FREE | MADV_COLD | MADV_PAGEOUT);
    let (is_locked, end) = if wants_it_gone { space.first_locked(boot, start, end)? } else { (false, end) };
    match advice {
        MADV_DONTNEED | MADV_DONTNEED_LOCKED if touches_program(space, boot, start, end) => {
            return Err(Refusal::Unsupported("MADV_DONTNEED of the program's own segments"));
        }
        MADV_DONTNEED | MADV_DONTNEED_LOCKED => space.discard(memory, boot, start, end)?,
        MADV_REMOVE => remove(memory, space, boot, start, end)?,
        MADV_WIPEONFORK | MADV_POPULATE_READ | MADV_POPULATE_WRITE => {
            check_fitting(memory, space, boot, start, end, advice)?;
        }
        MADV_HWPOISON | MADV_SOFT_OFFLINE => return Err(Refusal::Unsupported("madvise that breaks memory")),
        _ => {}
    }
    if is_locked {
        return Err(Errno::EINVAL.into());
    }
    space.check_mapped(boot, start, end)?;
    Ok(0)
}

/// Takes what shared memory of `start..end` holds away for everybody (mm/madvise.c, madvise_remove).
///
/// # Errors
/// EINVAL: locked memory, and private memory of no file. EACCES: private memory of a file. Unsupported: a file's shared pages.
fn remove(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    start: usize,
    end: usize,
) -> Result<(), Refusal> {
    let mut address = start;
    while address < end {
        let piece = space.piece(boot, address, end)?;
        match piece.page.and_then(|page| Some((page, page.protection()?))) {
            None => {}
            Some((page, _)) if page.is_locked() => return Err(Errno::EINVAL.into()),
            Some((page, _)) if page.contents() == Contents::Shared => {
                return Err(Refusal::Unsupported("MADV_REMOVE of a file's pages"));
            }
            Some((_, protection)) if protection & FROM_FILE != 0 => return Err(Errno::EACCES.into()),
            Some((_, protection)) if protection & SHARED_MEMORY == 0 => return Err(Errno::EINVAL.into()),
            Some((page, protection)) if page.contents() == Contents::Live => {
                memory.zero_pages(address, piece.end)?;
                memory.set_access(address, piece.end, Some(protection & PROT_ALL));
            }
            Some(_) => {} // nobody wrote it
        }
        address = piece.end;
    }
    Ok(())
}

/// Whether the mapped pages of `start..end` are of a kind for `advice`. Nothing need be done: nobody forks, and every page is there.
///
/// # Errors
/// EINVAL: pages of a file or shared ones that are to be wiped for children, pages that may not be read or written and are to be, so
/// that they are there. For these also ENOMEM at a hole, and EFAULT behind the end of a file.
fn check_fitting(
    memory: &impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    start: usize,
    end: usize,
    advice: u32,
) -> Result<(), Errno> {
    let mut address = start;
    while address < end {
        let piece = space.piece(boot, address, end)?;
        match piece.page.and_then(Page::protection) {
            Some(kind) if advice == MADV_WIPEONFORK && kind & (FROM_FILE | SHARED_MEMORY) != 0 => {
                return Err(Errno::EINVAL);
            }
            _ if advice == MADV_WIPEONFORK => {}
            None => return Err(Errno::ENOMEM),
            Some(protection) => {
                let needed = if advice == MADV_POPULATE_READ { PROT_READ } else { PROT_WRITE };
                if protection & needed as u8 == 0 {
                    return Err(Errno::EINVAL);
                }
                if (address..piece.end).step_by(PAGE_BYTES).any(|page| memory.is_beyond_file(UserAddress(page))) {
                    return Err(Errno::EFAULT);
                }
            }
        }
        address = piece.end;
    }
    Ok(())
}

/// Whether pages of the program's segments are mapped in `start..end`: Linux would read them from the file again.
fn touches_program(space: &mut AddressSpace, boot: &BootInfo, start: usize, end: usize) -> bool {
    let anonymous = [boot.break_range, boot.mapping_range, boot.stack_range];
    for range in &boot.program_ranges {
        let mut address = start.max(range.start as usize / PAGE_BYTES * PAGE_BYTES);
        while address < end.min(range.end as usize) {
            match anonymous.iter().find(|range| range.holds(address, 1)) {
                Some(range) => address = (range.end as usize).next_multiple_of(PAGE_BYTES),
                None if space.mapped(boot, address, end).is_ok() => return true,
                None => address += PAGE_BYTES,
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::mapping_request::Placement;
    use crate::testing_memory::machine;

    #[test]
    fn locked_memory_stays() {
        let (mut memory, mut space, boot) = machine(0, 4);
        let base = boot.mapping_range.start as usize;
        let second = base + PAGE_BYTES;
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), 2 * PAGE_BYTES, 3), Ok(base));
        assert_eq!(space.set_locked(&mut memory, &boot, second, second + PAGE_BYTES, true), Ok(()));
        memory.put(0, &[1; 2 * PAGE_BYTES]);
        let mut call =
            |memory: &mut _, advice| madvise(memory, &mut space, &boot, UserAddress(base), 3 * PAGE_BYTES, advice);
        for advice in [MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_PAGEOUT, MADV_REMOVE] {
            assert_eq!(call(&mut memory, advice), Err(Errno::EINVAL.into()), "{advice}");
        }
        assert_eq!((memory.bytes(0, 1), memory.bytes(PAGE_BYTES, 1)), (&[0][..], &[1][..]), "what lies before goes");
        assert_eq!(call(&mut memory, MADV_DONTNEED_LOCKED), Err(Errno::ENOMEM.into()), "the hole");
        assert_eq!(memory.bytes(PAGE_BYTES, 1), [0]);
        assert_eq!(space.first_locked(&boot, base, second + 1), Ok((true, second)), "still locked");
    }

    #[test]
    fn shared_memory_outlives_being_discarded() {
        let (mut memory, mut space, boot) = machine(0, 4);
        let base = boot.mapping_range.start as usize;
        let kind = SHARED_MEMORY | (PROT_READ | PROT_WRITE) as u8;
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), 2 * PAGE_BYTES, kind), Ok(base));
        memory.put(0, &[1; 2 * PAGE_BYTES]);
        for advice in [MADV_DONTNEED, MADV_DONTNEED_LOCKED] {
            assert_eq!(madvise(&mut memory, &mut space, &boot, UserAddress(base), 2 * PAGE_BYTES, advice), Ok(0));
            assert_eq!(memory.bytes(0, 2 * PAGE_BYTES), [1; 2 * PAGE_BYTES]);
        }
        assert_eq!(madvise(&mut memory, &mut space, &boot, UserAddress(base), PAGE_BYTES, MADV_REMOVE), Ok(0));
        assert_eq!([0, PAGE_BYTES].map(|offset| memory.bytes(offset, 1)), [[0], [1]], "but not this");
        memory.put(0, &[1; PAGE_BYTES]);
        // It becomes unreadable and writable again as other memory does.
        assert_eq!(space.protect(&mut memory, &boot, base, base + PAGE_BYTES, 0), Ok(()));
        assert_eq!(space.protect(&mut memory, &boot, base, base + PAGE_BYTES, 3), Ok(()));
        assert_eq!(memory.bytes(0, PAGE_BYTES), [1; PAGE_BYTES]);
    }

    #[test]
    fn advice_for_some_kinds_of_pages() {
        let (mut memory, mut space, boot) = machine(0, 8);
        let base = boot.mapping_range.start as usize;
        let kinds = [3, 1, 3 | FROM_FILE, 3 | SHARED_MEMORY, 0, 2];
        for (page, kind) in kinds.into_iter().enumerate() {
            let place = Placement::Fixed(base + page * PAGE_BYTES);
            space.map(&mut memory, &boot, place, PAGE_BYTES, kind).unwrap();
        }
        let (fits, wrong, hole) = (Ok(0), Err(Errno::EINVAL.into()), Err(Errno::ENOMEM.into()));
        for (advice, expected) in [
            (MADV_WIPEONFORK, [fits, fits, wrong, wrong, fits, fits, hole]),
            (MADV_POPULATE_READ, [fits, fits, fits, fits, wrong, wrong, hole]),
            (MADV_POPULATE_WRITE, [fits, wrong, fits, fits, wrong, fits, hole]),
        ] {
            for (page, expected) in expected.into_iter().enumerate() {
                let at = UserAddress(base + page * PAGE_BYTES);
                let found = madvise(&mut memory, &mut space, &boot, at, PAGE_BYTES, advice);
                assert_eq!(found, expected, "advice {advice}, page {page}");
            }
        }
    }

    #[test]
    fn discards_and_refuses() {
        let (mut memory, mut space, boot) = machine(1, 4);
        let base = boot.mapping_range.start as usize;
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), 2 * PAGE_BYTES, 3), Ok(base));
        memory.put(PAGE_BYTES, &[1; 2 * PAGE_BYTES]);
        let program = memory.address(0).0;
        let mut call = |memory: &mut _, address, length, advice| {
            madvise(memory, &mut space, &boot, UserAddress(address), length, advice)
        };
        assert_eq!(call(&mut memory, base, PAGE_BYTES, MADV_DONTNEED), Ok(0));
        assert_eq!((memory.bytes(PAGE_BYTES, 1), memory.bytes(2 * PAGE_BYTES, 1)), (&[0][..], &[1][..]));
        assert_eq!(call(&mut memory, base, 4 * PAGE_BYTES, MADV_DONTNEED), Err(Errno::ENOMEM.into()));
        assert_eq!(memory.bytes(2 * PAGE_BYTES, 1), [0], "done before the hole is told");
        assert!(matches!(call(&mut memory, program, 2 * PAGE_BYTES, MADV_DONTNEED), Err(Refusal::Unsupported(_))));
        assert_eq!(call(&mut memory, program, 2 * PAGE_BYTES, 8), Ok(0));
        assert_eq!(call(&mut memory, base, 0, 0), Ok(0));
        for (address, length, advice) in
            [(base, 1, 5), (base, 1, 26), (base, 1, 102), (base + 1, 1, 0), (base, usize::MAX, 0), (base, 1, 9)]
        {
            assert_eq!(call(&mut memory, address, length, advice), Err(Errno::EINVAL.into()), "{advice}");
        }
    }
}
