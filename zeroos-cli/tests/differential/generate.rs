//! Sequences of system calls from a seed: arguments that are valid, at an edge, or wrong. Calls whose answers depend on the
//! machine (process ids, inode numbers, times, the order of directories) are left out.

#[path = "generate/credentials.rs"]
mod credentials;
#[path = "generate/days.rs"]
mod days;
#[path = "generate/files.rs"]
mod files;
#[path = "generate/memory.rs"]
mod memory;
#[path = "generate/nodes.rs"]
mod nodes;
#[path = "generate/priorities.rs"]
mod priorities;
#[path = "generate/queues.rs"]
mod queues;
#[path = "generate/signals.rs"]
mod signals;
#[path = "generate/threads.rs"]
mod threads;
#[path = "generate/timers.rs"]
mod timers;

/// How many sequences there are: of calls on files, on memory, on signals, time and futexes, and of threads to each other; of becoming
/// somebody else; of setting the time of day while threads wait for one, on the nodes of memory, of threads with priorities, of setting
/// the time of day while timers are due again and again, and of signals that wait.
pub const FILES: u64 = 700;
pub const MEMORY: u64 = 700;
pub const SIGNALS: u64 = 700;
pub const THREADS: u64 = 300;
pub const CREDENTIALS: u64 = 200;
pub const DAYS: u64 = 60;
pub const NODES: u64 = 40;
pub const PRIORITIES: u64 = 80;
pub const TIMERS: u64 = 120;
pub const QUEUES: u64 = 100;
/// All of them; their numbers are the seeds.
pub const SEQUENCES: u64 =
    FILES + MEMORY + SIGNALS + THREADS + CREDENTIALS + DAYS + NODES + PRIORITIES + TIMERS + QUEUES;

/// The interpreter's tags of arguments.
const IN_ARENA: u64 = 0xa1 << 56;
const RESULT_OF: u64 = 0xa2 << 56;
const BREAK: u64 = 0xa4 << 56;
const SCRATCH: u64 = 0xa5 << 56;
const HANDLER: u64 = 0xa6 << 56;
const OWN_PID: u64 = 0xa7 << 56;
const THREAD: u64 = 0xa8 << 56;
/// In place of a number: stores the second argument at the first.
pub const POKE: u64 = 0xffff;
/// In place of a number: a hash of so many bytes.
const PEEK: u64 = 0xfffe;

/// Where in the arena buffers, small structures, paths and names of attributes lie.
const BUFFER: u64 = 0;
const STRUCTURE: u64 = 0x1000;
const PATHS: u64 = 0x2000;
const ATTRIBUTES: u64 = 0x2400;
/// An address at which nothing is.
const NOWHERE: u64 = 8;

/// The paths that sequences use, each at a multiple of 32 bytes behind [`PATHS`].
const NAMES: [&str; 10] = ["a", "b", "d", "d/a", "d/b", "nope/a", "a/", "", ".", "link"];

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
    /// FUTEX_PRIVATE_FLAG, or not, where threads wait for futexes.
    private: u64,
    /// A mapping, where a sequence has one of its own.
    mapping: u64,
}

/// What fills a sequence with calls.
type Filling = fn(&mut Generator);

/// The sequence of `seed`.
pub fn sequence(seed: u64) -> Vec<Step> {
    let mut generator = Generator { random: Random(seed), steps: Vec::new(), made: Vec::new(), private: 0, mapping: 0 };
    for (index, name) in NAMES.iter().enumerate() {
        generator.poke_text(PATHS + 32 * index as u64, name);
    }
    let groups: [(u64, Filling); 10] = [
        (FILES, Generator::files),
        (MEMORY, Generator::memory),
        (SIGNALS, Generator::signals),
        (THREADS, Generator::threads),
        (CREDENTIALS, Generator::credentials),
        (DAYS, Generator::days),
        (NODES, Generator::nodes),
        (PRIORITIES, Generator::priorities),
        (TIMERS, Generator::timers),
        (QUEUES, Generator::queues),
    ];
    let mut end = 0;
    for (count, generate) in groups {
        if (end..end + count).contains(&seed) {
            generate(&mut generator);
        }
        end += count;
    }
    generator.steps
}

/// The script of `seed`, as the interpreter reads it.
pub fn script(seed: u64) -> Vec<u8> {
    sequence(seed).iter().flat_map(Step::encode).collect()
}

/// FNV-1a of all scripts and of `interpreter`, the program's text: answers belong to these.
pub fn digest(interpreter: &str) -> u64 {
    let scripts = (0..SEQUENCES).flat_map(script);
    let bytes = scripts.chain(interpreter.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

impl Generator {
    fn poke(&mut self, offset: u64, value: u64) {
        self.steps.push(Step { number: POKE, arguments: [IN_ARENA | offset, value, 0, 0, 0, 0] });
    }

    /// Stores up to 31 bytes, ended by zeros.
    fn poke_text(&mut self, offset: u64, text: &str) {
        for word in 0..text.len() as u64 / 8 + 1 {
            let mut bytes = [0; 8];
            let rest = text.as_bytes().get(8 * word as usize..).unwrap_or_default();
            bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.poke(offset + 8 * word, u64::from_le_bytes(bytes));
        }
    }

    fn call(&mut self, number: u64, arguments: &[u64]) {
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        self.steps.push(Step { number, arguments: all });
    }

    /// As [`call`](Self::call), by one of the other threads, from 1 on, or by the first, 0.
    fn call_by(&mut self, thread: u64, number: u64, arguments: &[u64]) {
        self.call(thread << 16 | number, arguments);
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
}
