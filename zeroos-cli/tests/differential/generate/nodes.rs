//! Calls on the nodes of memory: a machine that tells of none has one. What depends on whether a page was ever used is left out.

use super::{Generator, IN_ARENA, NOWHERE, OWN_PID, POKE, RESULT_OF, STRUCTURE, Step};

/// Bytes of a page.
const PAGE: u64 = 4096;

/// Calls of one sequence.
const CALLS: usize = 90;

/// Where in the arena lie sets of nodes, addresses of pages and nodes for them, and answers.
const SETS: u64 = STRUCTURE;
const PAGES: u64 = STRUCTURE + 0x100;
const WANTED: u64 = STRUCTURE + 0x200;
const ANSWERS: u64 = STRUCTURE + 0x300;

impl Generator {
    pub(super) fn nodes(&mut self) {
        self.map_pages();
        // Once memory has a policy, nobody asks which.
        let mut is_bound = false;
        for _ in 0..CALLS {
            match self.random.below(8) {
                0 | 1 => {
                    let (mode, (set, count)) = (self.mode(), self.set_of_nodes());
                    self.call(237, &[mode, set, count]);
                }
                2 | 3 => self.ask_policy(is_bound),
                4 => {
                    is_bound = true;
                    self.bind();
                }
                5 => {
                    let ((from, count), (to, _)) = (self.set_of_nodes(), self.set_of_nodes());
                    let id = self.random.one_of(&[0, OWN_PID, u64::MAX, 1 << 30]);
                    self.call(238, &[id, count, from, to]);
                }
                6 => self.move_them(),
                _ if is_bound => self.call(450, &[self.page(0) | 1 << 16, 4096, 0, 0]),
                _ => {
                    let (start, length) = self.range();
                    let (node, flags) = self.random.one_of(&[(0, 0), (0, 0), (1, 0), (4, 0), (u64::MAX, 0), (0, 1)]);
                    self.call(450, &[start, length, node, flags]);
                }
            }
        }
    }

    fn mode(&mut self) -> u64 {
        let mode = self.random.below(8);
        mode | self.random.one_of(&[0, 0, 0, 0, 1 << 13, 1 << 14, 1 << 15, 3 << 14, 1 << 12])
    }

    fn set_of_nodes(&mut self) -> (u64, u64) {
        let place = SETS + 32 * self.random.below(3);
        let words =
            self.random.one_of(&[[1, 0], [1, 0], [1, 0], [3, 0], [0, 0], [2, 0], [0x11, 0], [1, 1], [1 << 40 | 1, 0]]);
        self.poke(place, words[0]);
        self.poke(place + 8, words[1]);
        let count = self.random.one_of(&[64, 64, 65, 2, 1, 5, 6, 100, 129, 0, 40000]);
        (self.random.one_of(&[IN_ARENA | place, IN_ARENA | place, IN_ARENA | place, 0, NOWHERE]), count)
    }

    /// Maps eight pages of its own, uses them, and makes a hole of the sixth and seventh: what the program's file has policies for
    /// outlasts the program.
    fn map_pages(&mut self) {
        self.mapping = RESULT_OF | self.steps.len() as u64;
        self.call(222, &[0, 8 * PAGE, 3, 0x22, u64::MAX, 0]);
        for index in 0..8 {
            let page = self.page(index);
            self.steps.push(Step { number: POKE, arguments: [page, index + 1, 0, 0, 0, 0] });
        }
        self.call(215, &[self.page(5), 2 * PAGE]);
    }

    /// The page with this index of the mapping.
    fn page(&self, index: u64) -> u64 {
        self.mapping | (index * PAGE) << 16
    }

    /// Memory that was used, some of it with a hole behind; memory that is not there.
    fn range(&mut self) -> (u64, u64) {
        let start =
            self.random.one_of(&[self.page(0), self.page(1), self.page(5), self.page(2), self.page(0) | 9 << 16]);
        (start, self.random.one_of(&[4096, 4096, 1, 0, 8192, 0x4000, u64::MAX, u64::MAX - 4096, 1 << 62]))
    }

    fn ask_policy(&mut self, is_bound: bool) {
        let (mode_at, nodes_at) = (IN_ARENA | ANSWERS, IN_ARENA | (ANSWERS + 8));
        let mode_at = self.random.one_of(&[mode_at, mode_at, mode_at, 0, NOWHERE]);
        let nodes_at = self.random.one_of(&[nodes_at, nodes_at, nodes_at, 0]);
        let count = self.random.one_of(&[64, 64, 2, 1, 0, 130, 40000]);
        let address = self.random.one_of(&[self.page(0), self.page(2) | 9 << 16, NOWHERE]);
        match self.random.below(6) {
            0..=2 => self.call(236, &[mode_at, nodes_at, count, 0, 0]),
            3 => {
                let flags = self.random.one_of(&[1, 4, 5, 8]);
                self.call(236, &[mode_at, nodes_at, count, 0, flags]);
            }
            4 => self.call(236, &[mode_at, nodes_at, count, address, 0]),
            _ if is_bound => self.call(236, &[mode_at, 0, 0, address, 3]),
            _ => {
                let flags = self.random.one_of(&[2, 3]);
                self.call(236, &[mode_at, nodes_at, count, address, flags]);
            }
        }
    }

    fn bind(&mut self) {
        let ((start, length), mode, (set, count)) = (self.range(), self.mode(), self.set_of_nodes());
        // MPOL_MF_STRICT alone asks where pages lie that may never have been used.
        let flags = self.random.one_of(&[0, 0, 2, 3, 4, 6, 7, 8]);
        self.call(235, &[start, length, mode, set, count, flags]);
    }

    fn move_them(&mut self) {
        for index in 0..3 {
            // The arena's own addresses are those that the linker was told.
            let page = self.random.one_of(&[0x40_1000, 0x40_1abc, 0x40_2000, NOWHERE]);
            self.poke(PAGES + 8 * index, page);
        }
        let wanted = self.random.one_of(&[0, 0, 0, 1, 4, 0xffff_ffff, 1 << 32]);
        self.poke(WANTED, wanted);
        self.poke(WANTED + 8, 0);
        let wanted = self.random.one_of(&[0, IN_ARENA | WANTED]);
        let count = self.random.below(4);
        let id = self.random.one_of(&[0, 0, OWN_PID, u64::MAX]);
        let status = self.random.one_of(&[IN_ARENA | ANSWERS, IN_ARENA | ANSWERS, IN_ARENA | ANSWERS, NOWHERE]);
        let flags = self.random.one_of(&[0, 2, 2, 4, 1, 8]);
        self.call(239, &[id, count, IN_ARENA | PAGES, wanted, status, flags]);
    }
}
