//! Calls on descriptors and paths.

use super::{ATTRIBUTES, BUFFER, Generator, IN_ARENA, PATHS, STRUCTURE};

/// Calls of one sequence.
const CALLS: usize = 110;

/// Names of extended attributes, each at a multiple of 32 bytes behind [`ATTRIBUTES`].
const ATTRIBUTE_NAMES: [&str; 7] =
    ["user.a", "user.bc", "trusted.t", "user.", "other.x", "", "system.posix_acl_access"];

impl Generator {
    pub(super) fn files(&mut self) {
        for (index, name) in ATTRIBUTE_NAMES.iter().enumerate() {
            self.poke_text(ATTRIBUTES + 32 * index as u64, name);
        }
        for _ in 0..CALLS {
            match self.random.below(9) {
                0 | 1 => self.descriptor_call(),
                2 | 3 => self.transfer_call(),
                4 | 5 => self.path_call(),
                6 => self.attribute_call(),
                _ => self.other_call(),
            }
        }
    }

    fn attribute_call(&mut self) {
        let (path, fd) = (self.path(), self.fd());
        let name = IN_ARENA | (ATTRIBUTES + 32 * self.random.below(ATTRIBUTE_NAMES.len() as u64));
        let value = IN_ARENA | (BUFFER + 8 * self.random.below(64));
        let length = self.random.one_of(&[0, 1, 5, 16, 200, 65537]);
        // By path, of a link itself, by descriptor.
        let how = self.random.below(3);
        let file = if how == 2 { fd } else { path };
        match self.random.below(6) {
            // An access list or a value of 64 KiB would be taken from whatever lies there.
            0..=2 => {
                let flags = self.random.one_of(&[0, 0, 0, 1, 2, 4]);
                let name = IN_ARENA | (ATTRIBUTES + 32 * self.random.below(6));
                self.call(5 + how, &[file, name, value, length, flags]);
            }
            3 => self.call(8 + how, &[file, name, value, length.min(200)]),
            4 => self.call(11 + how, &[file, value, length.min(200)]),
            _ => self.call(14 + how, &[file, name]),
        }
    }

    fn descriptor_call(&mut self) {
        const O_NONBLOCK: u64 = 0o4000;
        const O_CLOEXEC: u64 = 0o200_0000;
        let (fd, other) = (self.fd(), self.fd());
        match self.random.below(11) {
            0 => self.make(23, &[fd]),
            1 => {
                let flags = self.random.one_of(&[0, O_CLOEXEC, 1]);
                let number = 20 + self.random.below(5);
                self.make(24, &[fd, number, flags]);
            }
            2 => self.call(57, &[fd]),
            3 => {
                let (command, value) =
                    self.random.one_of(&[(0, 10), (1, 0), (2, 1), (2, 0), (3, 0), (1030, 12), (999, 0)]);
                if command == 0 || command == 1030 {
                    self.make(25, &[fd, command, value]);
                } else {
                    self.call(25, &[fd, command, value]);
                }
            }
            4 => {
                let flags = self.random.one_of(&[O_NONBLOCK, O_NONBLOCK | O_CLOEXEC, O_NONBLOCK | 1]);
                self.call(59, &[IN_ARENA | STRUCTURE, flags]);
            }
            5 => {
                let (value, flags) =
                    self.random.one_of(&[(0, O_NONBLOCK), (5, O_NONBLOCK), (2, O_NONBLOCK | 1), (0, 2)]);
                self.make(19, &[value, flags]);
            }
            6 => {
                let flags = self.random.one_of(&[0, O_CLOEXEC, 1]);
                self.make(20, &[flags]);
            }
            7 => {
                let operation = self.random.one_of(&[1, 1, 1, 2, 3]);
                self.poke(STRUCTURE, self.steps.len() as u64 & 0x1d);
                self.poke(STRUCTURE + 8, 7);
                self.call(21, &[fd, operation, other, IN_ARENA | STRUCTURE]);
            }
            8 => {
                let limit = self.random.one_of(&[1, 4, 0]);
                self.call(22, &[fd, IN_ARENA | BUFFER, limit, 0, 0, 8]);
            }
            9 => {
                let events = self.random.one_of(&[1u64, 4, 5]);
                self.poke(STRUCTURE, 0);
                self.poke(STRUCTURE + 16, 0);
                self.poke(STRUCTURE + 24, 0);
                self.poke(BUFFER, 77 | events << 32);
                self.call(73, &[IN_ARENA | BUFFER, 1, IN_ARENA | (STRUCTURE + 16), 0, 8]);
            }
            _ => {
                let first = 10 + self.random.below(20);
                let flags = self.random.one_of(&[0, 4, 1]);
                self.call(436, &[first, first + 3, flags]);
            }
        }
    }

    fn transfer_call(&mut self) {
        let (fd, buffer, length, offset) = (self.fd(), self.buffer(), self.length(), self.offset());
        match self.random.below(8) {
            0 => self.call(63, &[fd, buffer, length]),
            1 => self.call(64, &[fd, buffer, length]),
            2 => self.call(67, &[fd, buffer, length, offset]),
            // Far behind the end, a file system may say that it is too large.
            3 => self.call(68, &[fd, buffer, length, offset & 0x1fff]),
            4 => {
                // How far a position may go, and where the end of a directory is, depends on the file system.
                let (offset, whence) = match offset {
                    0..=4096 => (offset, self.random.one_of(&[0, 1, 2, 9])),
                    _ => (u64::MAX, self.random.below(2)),
                };
                self.call(62, &[fd, offset, whence]);
            }
            5 => self.call(46, &[fd, offset & 0x1fff]),
            6 => {
                let to = self.fd();
                // Sending nothing is left out: the answer was not compared with Linux itself yet.
                self.call(71, &[to, fd, 0, length.max(1)]);
            }
            _ => {
                let parts = self.random.one_of(&[0, 1, 2, 1025]);
                for (index, word) in [IN_ARENA, 9, IN_ARENA, 5].into_iter().enumerate() {
                    let word = if word == IN_ARENA { IN_ARENA | (BUFFER + 16 * index as u64) } else { word };
                    self.poke(STRUCTURE + 8 * index as u64, word);
                }
                let number = self.random.one_of(&[65, 66]);
                self.call(number, &[fd, IN_ARENA | STRUCTURE, parts]);
            }
        }
    }

    fn path_call(&mut self) {
        let (directory, path, other) = (self.directory(), self.path(), self.path());
        match self.random.below(12) {
            0..=3 => {
                // Access mode, then O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY as it comes.
                let mode = self.random.one_of(&[0, 1, 2, 2]);
                let more = self.random.one_of(&[0, 0o100, 0o100, 0o300, 0o1100, 0o2100, 0o20_0000]);
                self.make(56, &[directory, path, mode | more, 0o644]);
            }
            4 => self.call(34, &[directory, path, 0o755]),
            5 => {
                let flags = self.random.one_of(&[0, 0, 0x200, 1]);
                self.call(35, &[directory, path, flags]);
            }
            6 => {
                let flags = self.random.one_of(&[0, 0, 1, 2]);
                self.call(276, &[directory, path, directory, other, flags]);
            }
            7 => self.call(37, &[directory, path, directory, other, 0]),
            8 => self.call(36, &[path, directory, other]),
            9 => {
                // Regular files, a directory, a link, the null device.
                let (mode, number) =
                    self.random.one_of(&[(0o600, 0), (0o10_0644, 0), (0o4_0755, 0), (0o12_0777, 0), (0o2_0666, 0x103)]);
                self.call(33, &[directory, path, mode, number]);
            }
            10 => {
                let flags = self.random.one_of(&[0, 0x100, 0x1000, 0x1100, 1]);
                self.call(452, &[directory, path, 0o640, flags]);
            }
            _ => {
                let length = self.length();
                self.call(78, &[directory, path, IN_ARENA | BUFFER, length]);
            }
        }
    }

    fn other_call(&mut self) {
        let word = IN_ARENA | (STRUCTURE + 64);
        match self.random.below(12) {
            0 => {
                let how = self.random.below(4);
                let bytes = self.random.one_of(&[8, 8, 8, 4]);
                let set = self.random.one_of(&[0u64, 0x400, 0xffff_ffff, 0x100]);
                self.poke(STRUCTURE, set);
                // The numbers of the library's own signals are QEMU's: they stay unblocked.
                self.call(135, &[how, IN_ARENA | STRUCTURE, IN_ARENA | (STRUCTURE + 8), bytes]);
            }
            1 => {
                let signal = self.random.one_of(&[0, 9, 10, 12, 19, 65]);
                // QEMU's structure is 8 bytes longer than Linux's: what lies there is zero in either.
                for word in 0..4 {
                    self.poke(STRUCTURE + 8 * word, 0);
                }
                self.call(134, &[signal, 0, IN_ARENA | STRUCTURE, 8]);
            }
            2 => {
                // FUTEX_WAKE, WAKE_BITSET, REQUEUE, CMP_REQUEUE, WAKE_OP, an unknown one: nobody waits.
                let operation = self.random.one_of(&[1 | 128, 10 | 128, 3 | 128, 4 | 128, 5 | 128]);
                let value = self.random.below(3);
                self.poke(STRUCTURE + 64, value);
                self.call(98, &[word, operation, 1, 1, word, self.steps.len() as u64 % 3]);
            }
            3 => {
                let value = 1 + self.random.below(3);
                self.poke(STRUCTURE + 64, 0);
                self.call(98, &[word, 128, value, 0]);
            }
            4 => {
                let flags = self.random.below(2);
                self.make(279, &[IN_ARENA | PATHS, flags]);
            }
            5 => {
                let mask = self.random.one_of(&[0o22, 0o77]);
                self.call(166, &[mask]);
            }
            6 => {
                let path = self.path();
                let mode = self.random.one_of(&[0, 4, 8]);
                self.call(48, &[(-100i64).cast_unsigned(), path, mode]);
            }
            7 => {
                let (clock, flags) = self.random.one_of(&[(1, 0o4000), (0, 0o4000), (99, 0), (1, 1)]);
                self.make(85, &[clock, flags]);
            }
            8 => {
                let fd = self.fd();
                let (length, advice) = self.random.one_of(&[(0, 0), (10, 4), (u64::MAX, 0), (0, 6)]);
                self.call(223, &[fd, 0, length, advice]);
            }
            9 => {
                let fd = self.fd();
                let length = self.random.one_of(&[0, 10, u64::MAX]);
                self.call(213, &[fd, 0, length]);
            }
            10 => {
                let fd = self.fd();
                let (offset, length, flags) = self.random.one_of(&[(0, 0, 7), (5, 9, 2), (u64::MAX, 1, 0), (0, 0, 8)]);
                self.call(84, &[fd, offset, length, flags]);
            }
            _ => {
                let fd = self.fd();
                let (mode, length) = self.random.one_of(&[(0, 10), (0, 0), (1, 50), (3, 10), (2, 10)]);
                self.call(47, &[fd, mode, 0, length]);
            }
        }
    }
}
