//! Sequences of system calls from a seed: arguments that are valid, at an edge, or wrong. Calls whose answers depend on the
//! machine (process ids, inode numbers, times, the order of directories) are left out.

/// The interpreter's tags of arguments.
const IN_ARENA: u64 = 0xa1 << 56;
const RESULT_OF: u64 = 0xa2 << 56;
/// In place of a number: stores the second argument at the first.
const POKE: u64 = 0xffff;

/// Where in the arena buffers, small structures and paths lie.
const BUFFER: u64 = 0;
const STRUCTURE: u64 = 0x1000;
const PATHS: u64 = 0x2000;
/// An address at which nothing is.
const NOWHERE: u64 = 8;

/// The paths that sequences use, each at a multiple of 32 bytes behind [`PATHS`].
const NAMES: [&str; 10] = ["a", "b", "d", "d/a", "d/b", "nope/a", "a/", "", ".", "link"];

/// Calls of one sequence.
const CALLS: usize = 150;

/// One system call, or a word stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    pub number: u64,
    pub arguments: [u64; 6],
}

impl Step {
    /// As the interpreter reads it.
    pub fn encode(&self) -> Vec<u8> {
        std::iter::once(self.number).chain(self.arguments).flat_map(u64::to_le_bytes).collect()
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % limit
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

struct Generator {
    random: Random,
    steps: Vec<Step>,
    /// Steps that may have made a descriptor.
    made: Vec<u64>,
}

/// The sequence of `seed`.
pub fn sequence(seed: u64) -> Vec<Step> {
    let mut generator = Generator { random: Random(seed), steps: Vec::new(), made: Vec::new() };
    for (index, name) in NAMES.iter().enumerate() {
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize(8, 0);
        generator.poke(PATHS + 32 * index as u64, u64::from_le_bytes(bytes.try_into().unwrap()));
    }
    for _ in 0..CALLS {
        match generator.random.below(4) {
            0 => generator.descriptor_call(),
            1 => generator.transfer_call(),
            2 => generator.path_call(),
            _ => generator.other_call(),
        }
    }
    generator.steps
}

impl Generator {
    fn poke(&mut self, offset: u64, value: u64) {
        self.steps.push(Step { number: POKE, arguments: [IN_ARENA | offset, value, 0, 0, 0, 0] });
    }

    fn call(&mut self, number: u64, arguments: &[u64]) {
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        self.steps.push(Step { number, arguments: all });
    }

    /// As [`call`](Self::call), for one that makes a descriptor.
    fn make(&mut self, number: u64, arguments: &[u64]) {
        self.made.push(self.steps.len() as u64);
        self.call(number, arguments);
    }

    fn fd(&mut self) -> u64 {
        let wrong = [u64::from(u32::MAX), 77, 1 << 20];
        match self.random.below(8) {
            0 => self.random.one_of(&wrong),
            _ if self.made.is_empty() => 77,
            // The standard streams are pipes or files, as the test is run: they stay out.
            _ => RESULT_OF | self.made[self.random.below(self.made.len() as u64) as usize],
        }
    }

    fn buffer(&mut self) -> u64 {
        match self.random.below(60) {
            0 => NOWHERE,
            _ => IN_ARENA | (BUFFER + self.random.below(512)),
        }
    }

    fn length(&mut self) -> u64 {
        let some = self.random.below(64);
        self.random.one_of(&[0, 1, 7, 8, some, some, 100, 2000])
    }

    fn offset(&mut self) -> u64 {
        let some = self.random.below(100);
        self.random.one_of(&[0, some, some, 4096, u64::MAX, i64::MAX as u64])
    }

    fn path(&mut self) -> u64 {
        match self.random.below(60) {
            0 => NOWHERE,
            _ => IN_ARENA | (PATHS + 32 * self.random.below(NAMES.len() as u64)),
        }
    }

    /// Nearly always the working directory.
    fn directory(&mut self) -> u64 {
        let fd = self.fd();
        let here = (-100i64).cast_unsigned();
        self.random.one_of(&[here, here, here, here, fd])
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
        match self.random.below(10) {
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
            _ => {
                let length = self.length();
                self.call(78, &[directory, path, IN_ARENA | BUFFER, length]);
            }
        }
    }

    fn other_call(&mut self) {
        let word = IN_ARENA | (STRUCTURE + 64);
        match self.random.below(9) {
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
            _ => {
                let fd = self.fd();
                let (mode, length) = self.random.one_of(&[(0, 10), (0, 0), (1, 50), (3, 10), (2, 10)]);
                self.call(47, &[fd, mode, 0, length]);
            }
        }
    }
}
