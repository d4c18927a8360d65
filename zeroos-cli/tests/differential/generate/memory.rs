//! Calls on memory: a range is mapped first, and everything else happens inside it, so that it is the same on every machine what
//! lies beside what. A model knows which pages can be read and written: only these are.

use super::{BREAK, BUFFER, Generator, IN_ARENA, NOWHERE, PATHS, PEEK, POKE, RESULT_OF, SCRATCH, Step};

/// Calls of one sequence.
const CALLS: usize = 90;
/// Pages of the range.
const PAGES: u64 = 24;
const PAGE: u64 = 4096;

const PROT_NONE: u64 = 0;
const PROT_READ: u64 = 1;
const PROT_WRITE: u64 = 2;
const READ_WRITE: u64 = PROT_READ | PROT_WRITE;
const MAP_PRIVATE: u64 = 2;
const MAP_FIXED: u64 = 0x10;
const MAP_ANONYMOUS: u64 = 0x20;
const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;
const MREMAP_MAYMOVE: u64 = 1;
const MREMAP_FIXED: u64 = 2;
/// Beside a protection: the page is one of a file's, and not written, moved or made longer: what lies behind a file's end
/// cannot be looked at.
const OF_FILE: u64 = 0x100;

/// What may be done with each page; `None` where nothing is mapped.
struct Model {
    /// The step that mapped the range.
    base: u64,
    pages: [Option<u64>; PAGES as usize],
    /// The step that made a file to map, of 2 pages.
    file: u64,
    /// Whether pages are locked, rather than discarded: what was locked is not remembered.
    locks: bool,
    /// Pages of the program break, all readable and writable.
    break_pages: u64,
}

impl Model {
    /// The address of page `page`, and `offset` bytes further.
    fn at(&self, page: u64, offset: u64) -> u64 {
        RESULT_OF | (page * PAGE + offset) << 16 | self.base
    }

    fn range(&mut self, page: u64, count: u64) -> &mut [Option<u64>] {
        &mut self.pages[page as usize..(page + count) as usize]
    }
}

impl Generator {
    pub(super) fn memory(&mut self) {
        let base = self.steps.len() as u64;
        self.call(222, &[0, PAGES * PAGE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, u64::MAX, 0]);
        let file = self.steps.len() as u64;
        self.call(279, &[IN_ARENA | PATHS, 0]);
        self.call(46, &[RESULT_OF | file, 2 * PAGE]);
        self.call(68, &[RESULT_OF | file, IN_ARENA | PATHS, 300, 77]);
        self.call(68, &[RESULT_OF | file, IN_ARENA | PATHS, 100, PAGE + 9]);
        let locks = self.random.below(2) == 0;
        let mut model = Model { locks, base, pages: [Some(READ_WRITE); PAGES as usize], file, break_pages: 0 };
        for _ in 0..CALLS {
            match self.random.below(10) {
                0 | 1 => self.map(&mut model),
                2 => self.unmap(&mut model),
                3 => self.protect(&mut model),
                4 => self.move_pages(&mut model),
                5 => self.advise(&mut model),
                6 => self.ask(&mut model),
                7 => self.move_break(&mut model),
                8 => self.transfer(&mut model),
                _ => self.mistake(&mut model),
            }
            self.look(&mut model);
        }
        for page in 0..PAGES {
            if model.pages[page as usize].is_some_and(|protection| protection & PROT_READ != 0) {
                self.call(PEEK, &[model.at(page, 0), PAGE]);
            }
        }
    }

    /// A range of pages.
    fn pages(&mut self) -> (u64, u64) {
        let page = self.random.below(PAGES);
        let count = 1 + self.random.below(6).min(PAGES - page - 1);
        (page, count)
    }

    /// Writes to a page and reads another.
    fn look(&mut self, model: &mut Model) {
        let page = self.random.below(PAGES);
        if model.pages[page as usize] == Some(READ_WRITE) {
            let (offset, value) = (8 * self.random.below(PAGE / 8), self.steps.len() as u64);
            self.steps.push(Step { number: POKE, arguments: [model.at(page, offset), value, 0, 0, 0, 0] });
        }
        let page = self.random.below(PAGES);
        if model.pages[page as usize].is_some_and(|protection| protection & PROT_READ != 0) {
            self.call(PEEK, &[model.at(page, 0), PAGE]);
        }
        if model.break_pages > 0 {
            let page = self.random.below(model.break_pages);
            let value = self.steps.len() as u64;
            self.steps.push(Step { number: POKE, arguments: [BREAK | (page * PAGE + 64), value, 0, 0, 0, 0] });
            self.call(PEEK, &[BREAK, model.break_pages * PAGE]);
        }
    }

    fn map(&mut self, model: &mut Model) {
        let (page, count) = self.pages();
        let protection = self.random.one_of(&[PROT_NONE, PROT_READ, READ_WRITE, READ_WRITE]);
        let address = model.at(page, 0);
        match self.random.below(5) {
            0 => {
                let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
                self.call(222, &[address, count * PAGE, protection, flags, u64::MAX, 0]);
                let range = model.range(page, count);
                if range.iter().all(Option::is_none) {
                    range.fill(Some(protection));
                }
            }
            1 => {
                // A file of two pages: what lies behind its end stays out.
                let (first, count) = self.random.one_of(&[(0, 2), (0, 1), (1, 1)]);
                let page = page.min(PAGES - count);
                let (address, file) = (model.at(page, 0), RESULT_OF | model.file);
                let protection = if protection == PROT_NONE { PROT_READ } else { protection };
                self.call(222, &[address, count * PAGE, protection, MAP_PRIVATE | MAP_FIXED, file, first * PAGE]);
                model.range(page, count).fill(Some(protection | OF_FILE));
            }
            _ => {
                // MAP_NORESERVE, MAP_POPULATE, MAP_STACK change nothing that shows.
                let more = self.random.one_of(&[0, 0, 0x4000, 0x8000, 0x2_0000]);
                let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | more;
                // A length counts in whole pages.
                let length = count * PAGE - self.random.one_of(&[0, 0, 1, 4095]);
                self.call(222, &[address, length, protection, flags, u64::MAX, 0]);
                model.range(page, count).fill(Some(protection));
            }
        }
    }

    fn unmap(&mut self, model: &mut Model) {
        let (page, count) = self.pages();
        self.call(215, &[model.at(page, 0), count * PAGE]);
        model.range(page, count).fill(None);
    }

    fn protect(&mut self, model: &mut Model) {
        let (page, count) = self.pages();
        let protection = self.random.one_of(&[PROT_NONE, PROT_READ, READ_WRITE, READ_WRITE]);
        self.call(226, &[model.at(page, 0), count * PAGE, protection]);
        for page in model.range(page, count).iter_mut().take_while(|page| page.is_some()) {
            *page = page.map(|old| protection | old & OF_FILE);
        }
    }

    /// One page grows, shrinks or moves: more pages may be of several mappings, which depends on the machine.
    fn move_pages(&mut self, model: &mut Model) {
        let (page, count) = self.pages();
        let (to, _) = self.pages();
        if model.pages[page as usize].is_some_and(|protection| protection & OF_FILE != 0) {
            return;
        }
        match self.random.below(4) {
            0 => {
                // Of mappings only the first page is looked at when a range shrinks.
                self.call(216, &[model.at(page, 0), count * PAGE, PAGE, 0]);
                if model.pages[page as usize].is_some() {
                    model.range(page + 1, count - 1).fill(None);
                }
            }
            1 => {
                let size = 1 + self.random.below(3).min(PAGES - to - 1);
                let overlaps = (to..to + size).contains(&page) || page + 1 > to && page < to + size;
                let flags = MREMAP_MAYMOVE | MREMAP_FIXED;
                self.call(216, &[model.at(page, 0), PAGE, size * PAGE, flags, model.at(to, 0)]);
                if let Some(protection) = model.pages[page as usize].filter(|_| !overlaps) {
                    model.range(to, size).fill(Some(protection));
                    model.pages[page as usize] = None;
                }
            }
            2 => {
                // Grows where nothing follows, and only there.
                let size = 2 + self.random.below(3);
                if page + size > PAGES {
                    return;
                }
                self.call(216, &[model.at(page, 0), PAGE, size * PAGE, 0]);
                let protection = model.pages[page as usize];
                if protection.is_some() && model.range(page + 1, size - 1).iter().all(Option::is_none) {
                    model.range(page, size).fill(protection);
                }
            }
            _ => {
                let (old, new, flags) = self.random.one_of(&[
                    (PAGE, 0, 0),
                    (PAGE, PAGE, 8),
                    (PAGE, PAGE, MREMAP_FIXED),
                    (0, PAGE, MREMAP_MAYMOVE),
                    (PAGE, PAGE, 0),
                    (PAGE, PAGE, MREMAP_MAYMOVE),
                ]);
                self.call(216, &[model.at(page, 0), old, new, flags, model.at(to, 0)]);
            }
        }
    }

    fn advise(&mut self, model: &mut Model) {
        let (page, count) = self.pages();
        // NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED, DONTFORK, DOFORK, MERGEABLE is left out: it may not be compiled in.
        let advice = self.random.one_of(&[0, 1, 2, 3, 4, 4, 4, 10, 11, 99]);
        let is_of_file = model.range(page, count).iter().flatten().any(|page| page & OF_FILE != 0);
        let advice = if advice == 4 && (model.locks || is_of_file) { 0 } else { advice };
        self.call(233, &[model.at(page, 0), count * PAGE, advice]);
    }

    fn ask(&mut self, model: &mut Model) {
        let (page, count) = self.pages();
        let (address, length) = (model.at(page, 0), count * PAGE);
        match self.random.below(6) {
            // Which pages are in memory depends on the machine: only whether they are mapped is compared.
            0 => self.call(232, &[address, length, SCRATCH]),
            1 => self.call(232, &[address, length, NOWHERE]),
            2 => {
                // Nothing, ASYNC, SYNC, both, an unknown flag.
                let flags = self.random.one_of(&[0, 1, 4, 5, 8]);
                self.call(227, &[address, length, flags]);
            }
            _ if !model.locks => self.call(227, &[address, length, 4]),
            3 => self.call(228, &[address, length]),
            4 => self.call(229, &[address, length]),
            _ => {
                let flags = self.random.one_of(&[0, 1, 2]);
                self.call(284, &[address, length, flags]);
            }
        }
    }

    fn move_break(&mut self, model: &mut Model) {
        let pages = self.random.below(9);
        let bytes = pages * PAGE;
        self.call(214, &[BREAK | bytes]);
        model.break_pages = pages;
        if self.random.below(4) == 0 {
            // Below where it began, it stays as it is.
            self.call(214, &[PAGE]);
        }
    }

    /// Calls that read and write the range themselves.
    fn transfer(&mut self, model: &mut Model) {
        let page = self.random.below(PAGES);
        let (offset, length) = (self.random.below(100), self.random.below(500));
        let (address, file) = (model.at(page, offset), RESULT_OF | model.file);
        match model.pages[page as usize] {
            Some(READ_WRITE) => self.call(67, &[file, address, length, offset]),
            _ => self.call(67, &[file, IN_ARENA | BUFFER, length, offset]),
        }
    }

    fn mistake(&mut self, model: &mut Model) {
        let (page, count) = self.pages();
        let (address, odd, length) = (model.at(page, 0), model.at(page, 1), count * PAGE);
        let anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
        let huge = u64::MAX - PAGE;
        match self.random.below(14) {
            0 => self.call(222, &[address, 0, PROT_READ, anonymous | MAP_FIXED, u64::MAX, 0]),
            1 => self.call(222, &[odd, length, PROT_READ, anonymous | MAP_FIXED, u64::MAX, 0]),
            2 => self.call(222, &[address, length, PROT_READ, MAP_ANONYMOUS | MAP_FIXED, u64::MAX, 0]),
            3 => self.call(222, &[address, length, PROT_READ, MAP_PRIVATE | MAP_FIXED, 77, 0]),
            4 => self.call(222, &[0, huge, PROT_READ, anonymous, u64::MAX, 0]),
            5 => self.call(222, &[0, length, PROT_READ, MAP_PRIVATE, RESULT_OF | model.file, 1]),
            6 => self.call(215, &[odd, length]),
            7 => self.call(215, &[address, 0]),
            8 => self.call(215, &[address, huge]),
            9 => self.call(226, &[odd, length, PROT_READ]),
            10 => self.call(226, &[address, 0, PROT_READ]),
            11 => self.call(226, &[address, length, 0x100]),
            12 => self.call(233, &[odd, length, 4]),
            _ => self.call(227, &[odd, length, 4]),
        }
    }
}
