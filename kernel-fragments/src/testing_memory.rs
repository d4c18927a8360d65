//! The machine of host tests about mappings, and what every sequence of calls keeps: pages read as zero when they are handed
//! out, and as what was written to them afterwards.
#![cfg(test)]

use crate::abi::memory::{PAGE_BYTES, PROT_NONE, PROT_READ, PROT_WRITE};
use crate::boot_info::{BootInfo, Range};
use crate::errno::Errno;
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::mapping_request::Placement;
use crate::testing::{BASE, FakeMemory, TestRandom, rounds, steps};
use alloc::vec;

const READ_WRITE: u8 = (PROT_READ | PROT_WRITE) as u8;

/// `data` pages of program, then `mappings` pages for mmap.
pub fn machine(data: usize, mappings: usize) -> (FakeMemory, AddressSpace, BootInfo) {
    let memory = FakeMemory::new((data + mappings) * PAGE_BYTES);
    let middle = memory.address(data * PAGE_BYTES).0 as u64;
    let mut boot = BootInfo::default();
    boot.program_ranges[0] = Range { start: BASE as u64, end: middle };
    boot.mapping_range = Range { start: middle, end: memory.end().0 as u64 };
    (memory, AddressSpace::new(), boot)
}

/// Random operations against one entry per page: what is mapped, with which protection, holding which byte.
#[test]
fn behaves_like_pages() {
    const PAGES: usize = 16;
    for seed in 0..rounds(200) {
        let mut random = TestRandom(seed);
        let (mut memory, mut space, boot) = machine(0, PAGES);
        let mut model: [Option<(u8, u8)>; PAGES] = [None; PAGES];
        for step in 1..steps(120) as u8 {
            let first = random.below(PAGES as u64) as usize;
            let count = 1 + random.below((PAGES - first) as u64) as usize;
            let (start, len_bytes) = (BASE + first * PAGE_BYTES, count * PAGE_BYTES);
            let protection = if random.below(3) == 0 { PROT_NONE } else { READ_WRITE };
            match random.below(6) {
                0 => {
                    let found = space.map(&mut memory, &boot, Placement::Hint(0), len_bytes, protection);
                    let is_free = |&at: &usize| model[at..at + count].iter().all(Option::is_none);
                    let fit = (0..=PAGES - count).find(is_free);
                    assert_eq!(found.is_ok(), fit.is_some(), "{found:?}");
                    if let Ok(address) = found {
                        let at = (address - BASE) / PAGE_BYTES;
                        let is_first = fit == Some(at) || at + count <= PAGES / 2;
                        assert!(is_free(&at) && is_first, "page {at}, not {fit:?}");
                        model[at..at + count].fill(Some((protection, 0)));
                    }
                }
                1 => {
                    let found = space.map(&mut memory, &boot, Placement::Fixed(start), len_bytes, protection);
                    assert_eq!(found, Ok(start));
                    model[first..first + count].fill(Some((protection, 0)));
                }
                2 => {
                    let free = model[first..first + count].iter().all(Option::is_none);
                    let wish = Placement::FixedNoReplace(start);
                    let found = space.map(&mut memory, &boot, wish, len_bytes, protection);
                    assert_eq!(found, if free { Ok(start) } else { Err(Errno::EEXIST) });
                    if free {
                        model[first..first + count].fill(Some((protection, 0)));
                    }
                }
                3 => {
                    assert_eq!(space.unmap(&mut memory, &boot, start, start + len_bytes), Ok(()));
                    model[first..first + count].fill(None);
                }
                4 => {
                    let found = space.protect(&mut memory, &boot, start, start + len_bytes, protection);
                    let hole = model[first..first + count].iter().position(Option::is_none);
                    assert_eq!(found, if hole.is_some() { Err(Errno::ENOMEM) } else { Ok(()) });
                    for page in model[first..first + hole.unwrap_or(count)].iter_mut().flatten() {
                        page.0 = protection;
                    }
                }
                _ => {
                    assert_eq!(space.discard(&mut memory, &boot, start, start + len_bytes), Ok(()));
                    for page in model[first..first + count].iter_mut().flatten() {
                        page.1 = 0;
                    }
                }
            }
            // The program writes what it may, and finds what it should.
            for (number, page) in model.iter_mut().enumerate() {
                if let Some((READ_WRITE, byte)) = page {
                    let stored = memory.bytes(number * PAGE_BYTES, PAGE_BYTES);
                    assert!(stored.iter().all(|stored| stored == byte), "seed {seed}, step {step}, page {number}");
                    if random.below(2) == 0 {
                        *byte = step;
                        memory.put(number * PAGE_BYTES, &vec![step; PAGE_BYTES]);
                    }
                }
            }
        }
    }
}

#[test]
fn reservations_touch_nothing() {
    let (mut memory, mut space, boot) = machine(1, 8);
    let start = space.map(&mut memory, &boot, Placement::Hint(0), 4 * PAGE_BYTES, PROT_NONE).unwrap_or(0);
    let untouched = memory.put(PAGE_BYTES, &[7]); // as if a program could: shows who zeroes
    assert_eq!(untouched.0, start);
    assert_eq!(space.protect(&mut memory, &boot, start, start + PAGE_BYTES, READ_WRITE), Ok(()));
    assert_eq!(memory.bytes(PAGE_BYTES, 1), [7], "known zero, so not zeroed");
    assert_eq!(space.unmap(&mut memory, &boot, start, start + 4 * PAGE_BYTES), Ok(()));
    assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), 4 * PAGE_BYTES, PROT_NONE), Ok(start));
    assert_eq!(memory.bytes(PAGE_BYTES, 1), [7], "not readable, so not zeroed yet");
    assert_eq!(space.protect(&mut memory, &boot, start, start + PAGE_BYTES, READ_WRITE), Ok(()));
    assert_eq!(memory.bytes(PAGE_BYTES, 1), [0]);
}

/// Memory that was given back is not handed out again while there is memory that nobody had; then it is zeroed.
#[test]
fn fresh_pages_come_first() {
    let (mut memory, mut space, boot) = machine(0, 8);
    let map = |space: &mut AddressSpace, memory: &mut FakeMemory, pages| {
        space.map(memory, &boot, Placement::Hint(0), pages * PAGE_BYTES, READ_WRITE)
    };
    let half = BASE + 4 * PAGE_BYTES;
    for start in (BASE..half).step_by(PAGE_BYTES) {
        memory.put(start - BASE, &[7]); // as if a program could: shows who zeroes
        assert_eq!(map(&mut space, &mut memory, 1), Ok(start));
        assert_eq!(memory.bytes(start - BASE, 1), [7], "known zero, so not zeroed");
        assert_eq!(space.unmap(&mut memory, &boot, start, start + PAGE_BYTES), Ok(()));
    }
    assert_eq!(map(&mut space, &mut memory, 6), Ok(BASE), "more than is left of the first half");
    assert_eq!(memory.bytes(3 * PAGE_BYTES, 1), [0]);
    assert_eq!(map(&mut space, &mut memory, 2), Ok(BASE + 6 * PAGE_BYTES));
    assert_eq!(map(&mut space, &mut memory, 1), Err(Errno::ENOMEM));
    assert_eq!(space.unmap(&mut memory, &boot, BASE, half), Ok(()));
    assert_eq!(map(&mut space, &mut memory, 1), Ok(BASE));
}

/// What was reserved and never touched is fresh again.
#[test]
fn trimmed_reservations_are_fresh() {
    let (mut memory, mut space, boot) = machine(0, 64);
    let len_bytes = 32 * PAGE_BYTES;
    assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), len_bytes, PROT_NONE), Ok(BASE));
    let next = BASE + 8 * PAGE_BYTES;
    assert_eq!(space.unmap(&mut memory, &boot, next, BASE + len_bytes), Ok(()));
    assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), PAGE_BYTES, READ_WRITE), Ok(next));
}
