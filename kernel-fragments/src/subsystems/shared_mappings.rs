//! Which files are mapped to be shared, and the call that maps one (`mmap(2)` with MAP_SHARED).
//!
//! A file's bytes have one place in memory at most, so a second mapping of the same pages is the first one: it answers the same
//! address, allows what either allows, and the pages are unmapped when both are. What would need a second place is not supported.
//! Pages behind the end of a file are a SIGBUS behind a page table, and EFAULT to calls that check access; elsewhere they are
//! zero, and what is written there is nobody's.

use crate::abi::memory::{PAGE_BYTES, PROT_ALL, PROT_READ, PROT_WRITE};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::address_space::{AddressSpace, FROM_FILE, SHARED_FILE};
use crate::subsystems::file_windows::{FileWindows, Window, absorb};
use crate::subsystems::mapping_request::{MappingRequest, Placement};
use crate::subsystems::node::{Contents, Kind, Node, with};
use crate::subsystems::overlay::Overlay;
use crate::subsystems::shared_pages::SharedPages;
use crate::user_memory::{Reach, UserAddress, UserMemory};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;

/// What is not supported.
const TWO_PLACES: &str = "two shared mappings of the same pages of a file";

/// How often pages can be mapped again: a process of Linux has as many mappings (include/linux/mm.h, DEFAULT_MAX_MAP_COUNT).
const MOST_MAPPINGS: usize = 65530;

/// The files, once there is one.
pub struct SharedMappings(Option<Rc<Registry>>);

/// What address spaces ask.
struct Registry {
    /// Every file that has windows. It is kept, whoever else forgets it.
    files: Cell<Vec<SharedFile>>,
    /// Pages that were mapped once more, each time anew.
    again: Cell<Vec<(usize, usize)>>,
}

#[derive(Clone)]
struct SharedFile {
    node: Rc<Node>,
    windows: Rc<FileWindows>,
}

impl SharedMappings {
    /// No file is mapped.
    pub const fn new() -> SharedMappings {
        SharedMappings(None)
    }

    /// Maps what `request` asks for of the file `node`, from `offset` on, to be shared with it.
    ///
    /// # Errors
    /// ENOMEM, EEXIST. Unsupported: some of the bytes have another place already.
    pub fn map(
        &mut self,
        memory: &mut impl UserMemory,
        space: &mut AddressSpace,
        boot: &BootInfo,
        node: &Rc<Node>,
        request: MappingRequest,
        protection: u8,
        offset: usize,
        is_writable: bool,
    ) -> SysResult {
        let Kind::Regular(contents) = &node.kind else {
            return Err(Refusal::Unsupported("a shared mapping of a file that the kernel shows"));
        };
        let registry =
            self.0.get_or_insert_with(|| Rc::new(Registry { files: Cell::default(), again: Cell::default() }));
        space.shared = Some(registry.clone());
        let windows = registry.windows_of(node, contents)?;
        node.note_read();
        let len_bytes = request.len_bytes;
        match windows.address_of(offset, len_bytes) {
            Ok(start) => {
                let end = start + len_bytes;
                // One that takes the old one's place allows what it says.
                let replaces = matches!(request.placement, Placement::Fixed(_));
                match request.placement {
                    Placement::Hint(_) => registry.push_again(start, end)?,
                    Placement::Fixed(wish) if wish == start => (),
                    Placement::FixedNoReplace(wish) if wish == start => return Err(Errno::EEXIST.into()),
                    _ => return Err(Refusal::Unsupported(TWO_PLACES)),
                }
                let (mut both, mut address) = (protection, start);
                while address < end && !replaces {
                    let (old, next) = space.mapped(boot, address, end)?;
                    (both, address) = (both | old & PROT_ALL, next);
                }
                if is_writable {
                    contents.make_own().map_err(|_| Errno::ENOMEM)?;
                    space.mark_shared(boot, start, end, both | FROM_FILE)?;
                    windows.change(start, end, |window| {
                        window.may_change = true;
                        true
                    });
                }
                space.protect(memory, boot, start, end, both)?;
                return Ok(start);
            }
            Err(0) => {}
            Err(_) => return Err(Refusal::Unsupported(TWO_PLACES)),
        }
        if is_writable {
            contents.make_own().map_err(|_| Errno::ENOMEM)?;
        }
        let start =
            space.map(memory, boot, request.placement, len_bytes, (PROT_READ | PROT_WRITE) as u8 | FROM_FILE)?;
        let end = start + len_bytes;
        contents.read(offset as u64, memory.slice_mut(UserAddress(start), len_bytes)?)?;
        let kind = if is_writable { FROM_FILE } else { FROM_FILE | SHARED_FILE };
        if let Err(errno) = space.mark_shared(boot, start, end, protection | kind) {
            space.unmap(memory, boot, start, end)?;
            return Err(errno.into());
        }
        memory.set_access(start, end, Some(protection));
        let reach = memory.reach(UserAddress(start), len_bytes).ok_or(Errno::ENOMEM)?;
        windows.add(Window { offset, address: start, len_bytes, may_change: is_writable, reach });
        windows.limit(start, end, contents.size_bytes());
        Ok(start)
    }
}

impl Registry {
    /// The windows of `node`, whose contents these are; room for one more is made.
    fn windows_of(&self, node: &Rc<Node>, contents: &Contents) -> Result<Rc<FileWindows>, Errno> {
        with(&self.files, |files| {
            files.retain(|file| !file.windows.is_empty());
            if let Some(file) = files.iter().find(|file| Rc::ptr_eq(&file.node, node)) {
                return Ok(file.windows.clone());
            }
            files.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            let overlay: &Rc<dyn Overlay> = contents.overlay.get_or_init(|| Rc::new(FileWindows::new()));
            let windows = overlay.clone().into_any().downcast::<FileWindows>().map_err(|_| Errno::ENODEV)?;
            files.push(SharedFile { node: node.clone(), windows: windows.clone() });
            Ok(windows)
        })
    }

    /// The file whose bytes the pages of `start..end` show, one behind the other, and which; EFAULT if there is none.
    fn at(&self, start: usize, end: usize) -> Result<(SharedFile, Window), Errno> {
        let files = with(&self.files, |files| files.clone());
        let find = |file: SharedFile| file.windows.at(start, end).map(|window| (file, window));
        files.into_iter().find_map(find).ok_or(Errno::EFAULT)
    }

    fn push_again(&self, start: usize, end: usize) -> Result<(), Errno> {
        with(&self.again, |again| {
            if again.len() >= MOST_MAPPINGS {
                return Err(Errno::ENOMEM);
            }
            again.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            again.push((start, end));
            Ok(())
        })
    }

    /// Lets `work` change all windows in `start..end`, as [`FileWindows::change`], once their files have what was stored there.
    fn change(&self, start: usize, end: usize, mut work: impl FnMut(&mut Window) -> bool) {
        for SharedFile { node, windows } in with(&self.files, |files| files.clone()) {
            windows.change(start, end, |window| {
                let Kind::Regular(contents) = &node.kind else { return false };
                if absorb(window, contents) {
                    node.note_write();
                }
                work(window)
            });
        }
    }

    /// Takes `start..end` out of `again`, once or from each entry.
    fn forget_again(&self, start: usize, end: usize, once: bool) {
        with(&self.again, |again| {
            let mut index = 0;
            let mut done = false;
            while let Some(&(first, last)) = again.get(index) {
                if !(done && once) && first < end && start < last {
                    done = true;
                    again.swap_remove(index);
                    again.extend([(first, start), (end, last)].into_iter().filter(|(first, last)| first < last));
                } else {
                    index += 1;
                }
            }
        });
    }
}

impl SharedPages for Registry {
    fn release(&self, start: usize, end: usize) {
        self.forget_again(start, end, false);
        self.change(start, end, |_| false);
    }

    fn settle(&self, start: usize, end: usize) {
        self.change(start, end, |_| true);
    }

    fn mapped_again(&self, start: usize, end: usize) -> (usize, usize) {
        let overlaps =
            |&(first, last): &(usize, usize)| (first < end && start < last).then(|| (first.max(start), last.min(end)));
        match with(&self.again, |again| again.iter().filter_map(overlaps).min()) {
            Some((first, last)) => {
                self.forget_again(first, last, true);
                (first, last)
            }
            None => (end, end),
        }
    }

    fn check_remap(&self, start: usize, end: usize, len_bytes: usize, moves: bool) -> Result<(), Refusal> {
        let (file, window) = self.at(start, end)?;
        let more = len_bytes.saturating_sub(window.len_bytes);
        let is_elsewhere = |offset, len_bytes| len_bytes > 0 && file.windows.address_of(offset, len_bytes) != Err(0);
        let overlaps = |&(first, last): &(usize, usize)| first < end && start < last;
        let is_mapped_again = with(&self.again, |again| again.iter().any(overlaps));
        if is_elsewhere(window.offset + window.len_bytes, more) || moves && is_mapped_again {
            return Err(Refusal::Unsupported(TWO_PLACES));
        }
        Ok(())
    }

    fn read(&self, start: usize, skip: usize, into: &mut [u8]) -> Result<(), Refusal> {
        let (file, window) = self.at(start, start + PAGE_BYTES)?;
        let Kind::Regular(contents) = &file.node.kind else { return Err(Errno::EFAULT.into()) };
        contents.read((window.offset + skip) as u64, into)?;
        Ok(())
    }

    fn add(&self, start: usize, skip: usize, address: usize, len_bytes: usize, reach: Reach) {
        if let Ok((SharedFile { node, windows }, window)) = self.at(start, start + PAGE_BYTES)
            && let Kind::Regular(contents) = &node.kind
        {
            windows.add(Window { offset: window.offset + skip, address, len_bytes, reach, ..window });
            windows.limit(address, address + len_bytes, contents.size_bytes());
        }
    }

    fn limit(&self, start: usize, end: usize) {
        for SharedFile { node, windows } in with(&self.files, |files| files.clone()) {
            if let Kind::Regular(contents) = &node.kind {
                windows.limit(start, end, contents.size_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::{MAP_FIXED, MAP_FIXED_NOREPLACE, PROT_NONE};
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::remapping;
    use crate::testing::{BASE, FakeMemory, TestRandom, rounds, steps};
    use crate::testing_memory::machine;

    const READ_WRITE: u8 = (PROT_READ | PROT_WRITE) as u8;

    struct Machine {
        memory: FakeMemory,
        space: AddressSpace,
        boot: BootInfo,
        shared: SharedMappings,
        node: Rc<Node>,
    }

    impl Machine {
        /// A file of `len_bytes` bytes, each 1, and 16 pages for mappings.
        fn new(len_bytes: usize) -> Machine {
            let (memory, space, boot) = machine(0, 16);
            let bytes: &'static [u8] = alloc::vec![1; len_bytes].leak();
            let node = FileTree::new().new_node(Kind::Regular(Contents::committed(bytes)), 0o644);
            Machine { memory, space, boot, shared: SharedMappings::new(), node }
        }

        /// Maps pages of the file.
        fn map_at(&mut self, wish: usize, flags: u32, first: usize, count: usize, protection: u8) -> SysResult {
            let len_bytes = count * PAGE_BYTES;
            let request = MappingRequest::new(UserAddress(wish), len_bytes, flags, 0)?;
            let Machine { memory, space, boot, shared, node } = self;
            shared.map(memory, space, boot, node, request, protection, first * PAGE_BYTES, true)
        }

        fn map(&mut self, first: usize, count: usize) -> SysResult {
            self.map_at(0, 0, first, count, READ_WRITE)
        }

        fn unmap(&mut self, start: usize, count: usize) {
            let end = start + count * PAGE_BYTES;
            self.space.unmap(&mut self.memory, &self.boot, start, end).expect("there is memory");
        }

        fn remap(&mut self, start: usize, count: usize, placement: Option<Placement>, new_count: usize) -> SysResult {
            let Machine { memory, space, boot, .. } = self;
            let old = remapping::find(space, boot, start, count * PAGE_BYTES)?;
            remapping::remap_shared(memory, space, boot, old, placement, new_count * PAGE_BYTES)
        }

        fn contents(&self) -> &Contents {
            if let Kind::Regular(contents) = &self.node.kind { contents } else { panic!("it is a regular file") }
        }

        fn byte(&self, offset: usize) -> u8 {
            let mut byte = [0];
            assert_eq!(self.contents().read(offset as u64, &mut byte), Ok(1));
            byte[0]
        }
    }

    #[test]
    fn a_second_mapping_is_the_first() {
        let mut machine = Machine::new(3 * PAGE_BYTES);
        let start = machine.map(0, 3).expect("there is room");
        assert_eq!(machine.map(1, 1), Ok(start + PAGE_BYTES));
        machine.memory.put(start - BASE + PAGE_BYTES, &[5]);
        machine.unmap(start, 3);
        assert_eq!(machine.space.check_mapped(&machine.boot, start, start + 1), Err(Errno::ENOMEM));
        assert_eq!(machine.space.check_mapped(&machine.boot, start + PAGE_BYTES, start + 2 * PAGE_BYTES), Ok(()));
        machine.memory.put(start - BASE + PAGE_BYTES + 1, &[6]);
        assert_eq!((machine.byte(PAGE_BYTES), machine.byte(PAGE_BYTES + 1)), (5, 6));
        machine.unmap(start, 3);
        assert_eq!(
            machine.space.check_mapped(&machine.boot, start + PAGE_BYTES, start + 2 * PAGE_BYTES),
            Err(Errno::ENOMEM)
        );
        assert_eq!((machine.byte(PAGE_BYTES), machine.byte(PAGE_BYTES + 1)), (5, 6), "the file keeps it");
        assert!(machine.map(0, 3).is_ok());
    }

    #[test]
    fn places_that_are_asked_for() {
        let mut machine = Machine::new(2 * PAGE_BYTES);
        let start = machine.map(0, 1).expect("there is room");
        assert_eq!(machine.map_at(start, MAP_FIXED, 0, 1, PROT_NONE), Ok(start));
        assert_eq!(machine.map_at(start, MAP_FIXED_NOREPLACE, 0, 1, PROT_NONE), Err(Errno::EEXIST.into()));
        let elsewhere = machine.map_at(start + 4 * PAGE_BYTES, MAP_FIXED, 0, 1, READ_WRITE);
        assert!(matches!(elsewhere, Err(Refusal::Unsupported(_))));
        assert!(matches!(machine.map(0, 2), Err(Refusal::Unsupported(_))));
        machine.memory.put(start - BASE, &[5]);
        assert_eq!(machine.map_at(start, MAP_FIXED, 1, 1, READ_WRITE), Ok(start), "other pages of the file");
        assert_eq!((machine.byte(0), machine.byte(PAGE_BYTES)), (5, 1));
        machine.memory.put(start - BASE, &[6]);
        assert_eq!((machine.byte(0), machine.byte(PAGE_BYTES)), (5, 6));
    }

    #[test]
    fn grows_and_moves() {
        let mut machine = Machine::new(3 * PAGE_BYTES);
        let start = machine.map(1, 1).expect("there is room");
        machine.memory.put(start - BASE, &[5]);
        assert_eq!(machine.contents().write(2 * PAGE_BYTES as u64, &[6]), Ok(1));
        assert_eq!(machine.remap(start, 1, None, 4), Ok(start));
        assert_eq!([0, 1, 2].map(|page| machine.memory.bytes(start - BASE + page * PAGE_BYTES, 1)[0]), [5, 6, 0]);
        let moved = start + 8 * PAGE_BYTES;
        assert_eq!(machine.remap(start, 3, Some(Placement::Fixed(moved)), 2), Ok(moved));
        assert_eq!(machine.space.check_mapped(&machine.boot, start, start + 1), Err(Errno::ENOMEM));
        machine.memory.put(moved - BASE + 1, &[7]);
        assert_eq!((machine.byte(PAGE_BYTES), machine.byte(PAGE_BYTES + 1), machine.byte(2 * PAGE_BYTES)), (5, 7, 6));
        assert_eq!(machine.map_at(start, MAP_FIXED, 0, 1, READ_WRITE), Ok(start), "the place is free again");
        let longer = machine.remap(start, 1, None, 2);
        assert!(matches!(longer, Err(Refusal::Unsupported(_))), "the second page is elsewhere");
        let rest = start + 3 * PAGE_BYTES;
        assert_eq!(machine.remap(rest, 1, None, 2), Ok(rest));
        assert_eq!(machine.remap(start, 2, None, 3), Err(Errno::EFAULT.into()), "a hole");
        assert_eq!(machine.map(0, 1), Ok(start), "once more");
        let twice = machine.remap(start, 1, Some(Placement::Hint(0)), 1);
        assert!(matches!(twice, Err(Refusal::Unsupported(_))), "it would have two places");
    }

    /// Random calls and stores against the bytes of one file.
    #[test]
    fn behaves_like_one_file() {
        const PAGES: usize = 4;
        for seed in 0..rounds(100) {
            let mut random = TestRandom(seed);
            let mut machine = Machine::new(2 * PAGE_BYTES + 100);
            let mut model = alloc::vec![1; 2 * PAGE_BYTES + 100];
            let mut homes: [Option<(usize, u32)>; PAGES] = [None; PAGES]; // where each page is, and how often
            for step in 2..steps(100) as u8 {
                let first = random.below(PAGES as u64) as usize;
                let count = 1 + random.below((PAGES - first) as u64) as usize;
                let at = random.below((PAGES * PAGE_BYTES) as u64) as usize;
                let pages = first..first + count;
                match random.below(7) {
                    0 => match machine.map(first, count) {
                        Ok(start) => {
                            for page in pages {
                                let home = start + (page - first) * PAGE_BYTES;
                                let (old, times) = homes[page].unwrap_or((home, 0));
                                assert_eq!(old, home);
                                homes[page] = Some((home, times + 1));
                            }
                        }
                        Err(refusal) => {
                            assert!(matches!(refusal, Refusal::Unsupported(_)), "{refusal:?}");
                            assert!(homes[pages].iter().any(Option::is_some));
                        }
                    },
                    1 => {
                        for page in pages {
                            if let Some((home, times)) = homes[page] {
                                machine.unmap(home, 1);
                                homes[page] = (times > 1).then(|| (home, times - 1));
                            }
                        }
                    }
                    2 => {
                        assert_eq!(machine.contents().write(at as u64, &[step; 500]), Ok(500));
                        model.resize(model.len().max(at + 500), 0);
                        model[at..at + 500].fill(step);
                    }
                    4 => {
                        if let Some((home, times)) = homes[first] {
                            match machine.remap(home, 1, Some(Placement::Hint(0)), 1) {
                                Ok(start) => homes[first] = Some((start, times)),
                                Err(refusal) => assert!(matches!(refusal, Refusal::Unsupported(_)) && times > 1),
                            }
                        }
                    }
                    3 => {
                        assert_eq!(machine.contents().truncate(at as u64), Ok(()));
                        model.resize(at, 0);
                    }
                    _ => {
                        for page in pages {
                            if let Some((home, _)) = homes[page] {
                                machine.memory.put(home - BASE + 7, &[step; 300]);
                                let start = (page * PAGE_BYTES + 7).min(model.len());
                                let end = (start + 300).min(model.len());
                                model[start..end].fill(step);
                            }
                        }
                    }
                }
                let mut found = alloc::vec![0; PAGES * PAGE_BYTES + 500];
                let len_bytes = machine.contents().read(0, &mut found).expect("it is elsewhere");
                assert!(found[..len_bytes] == model, "seed {seed}, step {step}");
                for (page, home) in homes.iter().enumerate() {
                    let shown = model.len().saturating_sub(page * PAGE_BYTES).min(PAGE_BYTES);
                    if let (Some((home, _)), true) = (home, shown > 0) {
                        let expected = &model[page * PAGE_BYTES..page * PAGE_BYTES + shown];
                        assert!(machine.memory.bytes(home - BASE, shown) == expected, "seed {seed}, step {step}");
                    }
                }
            }
        }
    }
}
