//! Random programs that behave as compilers' do: they keep to the calling convention, use only memory of their own, and
//! carry numbers through registers, stack slots, arguments, results, globals, pointers, joins, loops and tables.

use crate::assembler::{ADDI, Assembler, Label, Section};

/// xorshift64*: the same programs for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 8) as usize % bound
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Habits that a program may have besides the plain ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Habits(pub u32);

impl Habits {
    /// Functions read and write their callers' slots through pointers.
    pub const POINTERS: u32 = 1;
    /// Arrays in memory, written at unknown indices and read at constant ones.
    pub const ARRAYS: u32 = 2;
    /// Functions write into the stack arguments that they were given.
    pub const ARGUMENTS: u32 = 4;
    /// Functions are called with a link register of their own.
    pub const LINKS: u32 = 8;
    /// Functions that are called through tables of distances.
    pub const DISTANCES: u32 = 16;
    /// Any data lies between functions, also what looks like calls into the middle of others.
    pub const DATA: u32 = 32;
    /// Switches whose index is bounded in a way that the analysis does not follow.
    pub const BOUNDS: u32 = 64;
    /// All of the above.
    pub const ALL: u32 = 127;
    /// Only numbers of harmless calls: nothing is computed, and no register that may hold anything is used.
    pub const TAME: u32 = 128;

    fn has(self, habit: u32) -> bool {
        self.0 & habit != 0
    }
}

// The registers by their roles: tp holds the address of the coin's state, t5 and t6 are scratch.
const ZERO: u8 = 0;
const RA: u8 = 1;
const SP: u8 = 2;
const TP: u8 = 4;
const T1: u8 = 6;
const FRAME_POINTER: u8 = 8;
const A0: u8 = 10;
const A7: u8 = 17;
const T5: u8 = 30;
const T6: u8 = 31;
const TEMPORARIES: [u8; 13] = [5, 6, 7, 28, 29, 10, 11, 12, 13, 14, 15, 16, 17];
const SAVED: [u8; 5] = [8, 9, 18, 19, 20];

// The bits of R- and I-format instructions that say what they do.
const ADD: u32 = 0x33;
const XORI: u32 = 0x4013;
const ANDI: u32 = 0x7013;
const REMU: u32 = 0x0200_7033;
const BGEU: u32 = 0x7063;
const SLLI: u32 = 0x1013;
const SRLI: u32 = 0x5013;
const JALR: u32 = 0x67;
const LD: u32 = 0x3003;
const LW: u32 = 0x2003;
const SD: u32 = 0x3023;
const BEQ: u32 = 0x63;
const BNE: u32 = 0x1063;
/// add, sub, xor, or, and, addw, mul, sh1add, andn, max, minu, add.uw.
const ARITHMETIC: [u32; 12] = [
    0x33,
    0x4000_0033,
    0x4033,
    0x6033,
    0x7033,
    0x3b,
    0x0200_0033,
    0x2000_2033,
    0x4000_7033,
    0x0a00_6033,
    0x0a00_5033,
    0x0800_003b,
];
/// Loads and stores of the same width.
const WIDTHS: [(u32, u32); 6] = [(LD, SD), (LD, SD), (LW, 0x2023), (0x6003, 0x2023), (0x4003, 0x23), (0x1003, 0x1023)];
/// getpid and its like: calls that change nothing.
pub const NUMBERS: [i32; 10] = [172, 173, 174, 175, 176, 177, 178, 124, 155, 156];

/// What a register is known to hold where code is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Holds {
    Anything,
    Number,
    /// The address of a slot or a global that holds a number.
    Pointer,
}

/// How a function is called.
#[derive(Clone, Copy)]
struct Signature {
    label: Label,
    /// Numbers in a0 and up.
    numbers: u8,
    /// And one in the first stack argument.
    on_stack: bool,
    /// And a pointer in the register behind the numbers.
    pointer: bool,
    /// Whether it hands numbers back in a0 and a1.
    returns: bool,
    /// The registers that it may change, if it is a leaf that says so.
    changes: Option<[u8; 2]>,
    /// Called with `jal t1`.
    odd_link: bool,
}

/// Slots of numbers in each frame, above the outgoing argument; then counters, saved registers and ra.
const SLOTS: i32 = 16;
const SLOT_COUNT: usize = 5;
const COUNTERS: i32 = 64;
const KEPT: i32 = 96;

pub struct Generator {
    pub random: Random,
    pub code: Assembler,
    habits: Habits,
    functions: Vec<Signature>,
    globals: Vec<Label>,
    arrays: Vec<Label>,
    constants: Label,
    absolute_tables: Section,
    holds: [Holds; 32],
    saved: Vec<u8>,
    frame: i32,
    /// Whether s0 holds the frame's end.
    frame_pointer: bool,
    /// Nesting of loops and of all statements.
    loops: i32,
    depth: usize,
}

impl Generator {
    /// A whole program. `absolute_tables` is where tables of addresses may lie.
    pub fn program(seed: u64, habits: Habits, absolute_tables: Section) -> Generator {
        let mut random = Random::new(seed);
        let mut code = Assembler::default();
        let start = code.label();
        let mut functions = Vec::new();
        code.functions.push(start);
        for _ in 0..3 + random.below(5) {
            let label = code.label();
            code.functions.push(label);
            let leaf = random.one_in(5);
            functions.push(Signature {
                label,
                numbers: random.below(4) as u8,
                on_stack: !leaf && random.one_in(3),
                pointer: !leaf && habits.has(Habits::POINTERS) && random.one_in(2),
                returns: random.one_in(2),
                changes: leaf.then(|| [random.pick(&TEMPORARIES), random.pick(&TEMPORARIES)]),
                odd_link: leaf && habits.has(Habits::LINKS) && random.one_in(2),
            });
        }
        let coin = code.here(Section::Data);
        code.bytes(Section::Data, &(random.next() | 1).to_le_bytes());
        let mut cells = |code: &mut Assembler, section, count, each| -> Vec<Label> {
            let cell = |_| {
                let label = code.here(section);
                for _ in 0..each {
                    code.bytes(section, &i64::from(random.pick(&NUMBERS)).to_le_bytes());
                }
                label
            };
            (0..count).map(cell).collect()
        };
        let globals = cells(&mut code, Section::Data, 4, 1);
        let arrays = cells(&mut code, Section::Data, 2, 4);
        let constants = cells(&mut code, Section::Constants, 1, 4)[0];
        let holds = [Holds::Anything; 32];
        let (saved, frame) = (Vec::new(), 0);
        let mut this = Generator {
            random,
            code,
            habits,
            functions,
            globals,
            arrays,
            constants,
            absolute_tables,
            holds,
            saved,
            frame,
            frame_pointer: false,
            loops: 0,
            depth: 0,
        };
        this.start(start, coin);
        for index in 0..this.functions.len() {
            this.function(index);
        }
        this
    }

    fn start(&mut self, label: Label, coin: Label) {
        self.code.bind(label, Section::Code);
        self.code.address(TP, coin);
        self.enter(3);
        self.constant(9, 6);
        let again = self.code.here(Section::Code);
        self.saved = vec![8, 18];
        self.frame_pointer = false;
        self.holds = [Holds::Anything; 32];
        self.call(0);
        self.statements(3);
        self.code.immediate(ADDI, 9, 9, -1);
        self.code.branch(BNE, 9, ZERO, again);
        self.constant(A7, 94);
        self.code.word(0x73);
    }

    /// A prologue with a frame, in which the first so many saved registers are kept.
    fn enter(&mut self, kept: usize) {
        self.frame = 16 * (10 + self.random.below(3)) as i32;
        self.saved = SAVED[..kept].to_vec();
        self.holds = [Holds::Anything; 32];
        self.code.immediate(ADDI, SP, SP, -self.frame);
        self.code.store(SD, RA, SP, KEPT - 8);
        for (index, register) in self.saved.clone().into_iter().enumerate() {
            self.code.store(SD, register, SP, KEPT + 8 * index as i32);
        }
        self.frame_pointer = kept > 0 && self.random.one_in(3);
        if self.frame_pointer {
            self.code.immediate(ADDI, FRAME_POINTER, SP, self.frame);
        }
        for slot in 0..SLOT_COUNT {
            self.number(T5);
            self.code.store(SD, T5, SP, SLOTS + 8 * slot as i32);
        }
    }

    fn leave(&mut self) {
        for (index, register) in self.saved.clone().into_iter().enumerate() {
            self.code.immediate(LD, register, SP, KEPT + 8 * index as i32);
        }
        self.code.immediate(LD, RA, SP, KEPT - 8);
        self.code.immediate(ADDI, SP, SP, self.frame);
    }

    fn function(&mut self, index: usize) {
        let signature = self.functions[index];
        if self.random.one_in(3) {
            self.code.align(Section::Code, 4);
            // Data between functions: with the habit it may look like a call.
            let mask = if self.habits.has(Habits::DATA) { u32::MAX } else { 0xfffc_fffc };
            let word = self.random.next() as u32 & mask;
            self.code.word(word);
        }
        self.code.bind(signature.label, Section::Code);
        if let Some(changes) = signature.changes {
            return self.leaf(&signature, changes);
        }
        let wrapper = signature.numbers > 0 && self.random.one_in(4);
        if wrapper {
            self.code.immediate(ADDI, A7, A0 + self.random.below(signature.numbers.into()) as u8, 0);
            self.code.word(0x73);
        } else {
            let kept = self.random.below(SAVED.len() + 1);
            self.enter(kept);
            for number in 0..signature.numbers {
                self.holds[usize::from(A0 + number)] = Holds::Number;
            }
            if signature.pointer {
                self.holds[usize::from(A0 + signature.numbers)] = Holds::Pointer;
            }
            if signature.on_stack {
                let register = self.any_register();
                self.code.immediate(LD, register, SP, self.frame);
                self.holds[usize::from(register)] = Holds::Number;
            }
            let count = 3 + self.random.below(6);
            self.statements(count);
            if signature.on_stack && self.habits.has(Habits::ARGUMENTS) {
                let register = self.source();
                self.code.store(SD, register, SP, self.frame);
            }
        }
        if signature.returns {
            for register in [A0, A0 + 1] {
                let source = if wrapper { ZERO } else { self.source() };
                self.code.immediate(ADDI, register, source, 0);
                self.holds[usize::from(register)] = Holds::Number;
                if source == ZERO {
                    self.number(register);
                }
            }
        }
        if !wrapper {
            self.leave();
        }
        let mut later = index + 1..self.functions.len();
        let plain = |signature: &Signature| !(signature.on_stack || signature.pointer || signature.odd_link);
        let tail = later.rfind(|&to| plain(&self.functions[to]) && !signature.returns);
        match tail {
            Some(to) if !wrapper && self.random.one_in(3) => {
                for number in 0..self.functions[to].numbers {
                    self.number(A0 + number);
                }
                self.code.jump(ZERO, self.functions[to].label);
            }
            _ => self.code.immediate(JALR, ZERO, RA, 0),
        }
    }

    fn leaf(&mut self, signature: &Signature, changes: [u8; 2]) {
        for register in changes {
            let number = self.random.below(usize::from(signature.numbers) + 1) as u8;
            match number {
                0 => self.number(register),
                _ => self.code.immediate(ADDI, register, A0 + number - 1, 0),
            }
        }
        if signature.returns {
            self.coin(1);
            let over = self.code.label();
            self.number(A0);
            self.number(A0 + 1);
            self.code.branch(BEQ, T6, ZERO, over);
            self.number(A0);
            self.code.bind(over, Section::Code);
        }
        self.code.immediate(JALR, ZERO, if signature.odd_link { T1 } else { RA }, 0);
    }

    /// `li register, number`.
    fn constant(&mut self, register: u8, number: i32) {
        self.code.immediate(ADDI, register, ZERO, number);
    }

    fn number(&mut self, register: u8) {
        let number = self.random.pick(&NUMBERS);
        if self.random.one_in(4) {
            let mask = self.random.below(1 << 11) as i32;
            self.constant(register, number ^ mask);
            self.code.immediate(XORI, register, register, mask);
        } else {
            self.constant(register, number);
        }
    }

    /// Leaves an unforeseeable number below `bound`, a power of two, in t6; changes t5.
    fn coin(&mut self, bits: u32) {
        self.code.immediate(LD, T6, TP, 0);
        for (shift, amount) in [(SLLI, 13), (SRLI, 7), (SLLI, 17)] {
            self.code.immediate(shift, T5, T6, amount);
            self.code.register(0x4033, T6, T6, T5);
        }
        self.code.store(SD, T6, TP, 0);
        self.code.immediate(SRLI, T6, T6, 33);
        self.code.immediate(ANDI, T6, T6, (1 << bits) - 1);
    }

    fn any_register(&mut self) -> u8 {
        let saved = &self.saved[usize::from(self.frame_pointer)..];
        let index = self.random.below(TEMPORARIES.len() + saved.len());
        TEMPORARIES.iter().chain(saved).copied().nth(index).unwrap()
    }

    fn register_that(&mut self, holds: Holds) -> Option<u8> {
        let all: Vec<u8> = (5..30).filter(|&register| self.holds[usize::from(register)] == holds).collect();
        (!all.is_empty()).then(|| self.random.pick(&all))
    }

    /// A register that holds a number; now and then any.
    fn source(&mut self) -> u8 {
        if !self.habits.has(Habits::TAME) && self.random.one_in(40) {
            return self.any_register();
        }
        self.register_that(Holds::Number).unwrap_or_else(|| {
            let register = self.any_register();
            self.set_number(register);
            register
        })
    }

    fn set_number(&mut self, register: u8) {
        self.number(register);
        self.holds[usize::from(register)] = Holds::Number;
    }

    fn statements(&mut self, count: usize) {
        self.depth += 1;
        for _ in 0..count {
            self.statement();
        }
        self.depth -= 1;
    }
}

mod statements;
