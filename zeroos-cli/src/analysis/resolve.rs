//! The backward search: where does a value come from? Used for the few registers that the forward pass leaves open.
//!
//! Questions are about places (a register, a stack slot, a memory cell) at the start of blocks; their answers are sets
//! of words that grow to a least fixed point over the whole program, so numbers travel through wrappers, tail calls
//! and loops. A set that outgrows its limit becomes "any value".

mod across;
mod origins;
mod reasons;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

pub(super) use origins::Origins;

use super::cells::{Cells, is_atomic_write};
use super::code::{load_size, store_size};
use super::exit::{BlockId, FunctionId};
use super::flow::Flow;
use super::liveness::Liveness;
use super::program::Program;
use super::state::Snapshot;
use super::value::{Value, immediate_operand};
use super::word::{self, Word};
use crate::isa::{Instruction, Op, Register};

/// Questions newly asked for one site; more than that and the answer is "any value".
const QUESTION_LIMIT: usize = 50_000;

/// More words than this at one place count as "any value": there are fewer syscalls.
const ANSWER_LIMIT: usize = 512;

/// How many callers up it is looked for who may have handed out the address of a stack argument.
const CALLER_LIMIT: u8 = 3;

/// A place that holds a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Place {
    /// An integer register.
    Register(Register),
    /// `size` bytes at `offset` from the stack pointer at function entry.
    Slot { offset: i64, size: u8 },
}

/// A question with an answer of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Question {
    /// What is in `place` when `block` starts?
    AtStart(BlockId, Place),
    /// What does the function hand back in the register?
    AtReturn(FunctionId, Register),
    /// What can the `size` bytes of memory at the address hold?
    Cell(u64, u8),
}

type Words = BTreeSet<Word>;
/// One instruction of a block: address, instruction, what is known before it.
type Step<'a> = (u64, Instruction, Snapshot<'a>);

/// Answers questions about one program.
pub(super) struct Search<'p, 'a> {
    program: &'p Program<'a>,
    flow: &'p Flow,
    cells: &'p Cells<'p, 'a>,
    liveness: &'p Liveness<'p, 'a>,
    /// Calls through pointers, by the function called; or where its address got out of sight.
    pointer_callers: BTreeMap<FunctionId, Result<Rc<[BlockId]>, u64>>,
    answers: BTreeMap<Question, Words>,
    /// Who asked; `None` is the search itself.
    dependents: BTreeMap<Question, BTreeSet<Option<Question>>>,
    work: VecDeque<Question>,
    current: Option<Question>,
    frames: Vec<(BlockId, u64)>,
    frame_numbers: BTreeMap<(BlockId, u64), u32>,
    blocks: BTreeMap<BlockId, Rc<[Step<'a>]>>,
    /// Known registers that answers end in, by the question.
    leaves: BTreeMap<Option<Question>, BTreeSet<origins::Leaf>>,
    /// Loads through a null pointer, by the question that met them.
    null: BTreeMap<Option<Question>, u64>,
    /// Why the first value was lost, by the question it was lost in.
    lost: BTreeMap<Option<Question>, String>,
    /// The same for values computed from others that were lost before: told only if those give no reason.
    vague: BTreeMap<Option<Question>, String>,
}

/// What the search found for one register.
pub(super) enum Found {
    /// These values, and where they come from.
    Numbers(BTreeSet<u64>, String),
    /// Control never gets there: on every path the load at this address goes through a null pointer.
    Never(u64),
    /// Any value is possible: which was lost where.
    Lost(String),
}

impl<'p, 'a> Search<'p, 'a> {
    /// A search over `program`.
    pub fn new(
        program: &'p Program<'a>,
        flow: &'p Flow,
        cells: &'p Cells<'p, 'a>,
        liveness: &'p Liveness<'p, 'a>,
    ) -> Search<'p, 'a> {
        Search {
            program,
            flow,
            cells,
            liveness,
            pointer_callers: BTreeMap::new(),
            answers: BTreeMap::new(),
            dependents: BTreeMap::new(),
            work: VecDeque::new(),
            current: None,
            frames: Vec::new(),
            frame_numbers: BTreeMap::new(),
            blocks: BTreeMap::new(),
            leaves: BTreeMap::new(),
            lost: BTreeMap::new(),
            null: BTreeMap::new(),
            vague: BTreeMap::new(),
        }
    }

    /// The values that `register` can have right before the instruction at `at` in `block`.
    pub fn register_before(&mut self, block: BlockId, at: u64, register: Register) -> Found {
        let place = Place::Register(register);
        self.current = None;
        for askers in self.dependents.values_mut() {
            askers.remove(&None);
        }
        self.lost.remove(&None);
        self.null.remove(&None);
        self.leaves.remove(&None);
        self.vague.remove(&None);
        let limit = self.answers.len() + QUESTION_LIMIT;
        // Asking opens the questions it rests on; settled, they may lead to further ones.
        let words = loop {
            self.current = None;
            let words = self.before(block, at, place);
            if self.work.is_empty() {
                break words;
            }
            while let Some(question) = self.work.pop_front() {
                if self.answers.len() > limit {
                    // Half-settled answers are too small: nothing may build on them.
                    self.work.clear();
                    self.answers.clear();
                    self.dependents.clear();
                    return Found::Lost("the search for its value grew too large".to_owned());
                }
                self.current = Some(question);
                let words = self.answer(question);
                self.settle(question, words);
            }
        };
        let numbers: Option<BTreeSet<u64>> = words.iter().map(|word| word.number()).collect();
        match numbers {
            Some(numbers) if !numbers.is_empty() => Found::Numbers(numbers, self.story(block)),
            Some(_) => {
                let null = self.supports_of_answer().iter().find_map(|question| self.null.get(question).copied());
                null.map_or_else(|| Found::Lost(format!("no value was found before {at:#x}")), Found::Never)
            }
            None => Found::Lost(self.why_lost(at)),
        }
    }

    fn settle(&mut self, question: Question, words: Words) {
        let answer = self.answers.entry(question).or_default();
        let before = answer.len();
        if answer.contains(&Word::UNKNOWN) {
            return;
        }
        answer.extend(words);
        if answer.len() > ANSWER_LIMIT {
            self.lost.entry(Some(question)).or_insert_with(|| match question {
                Question::AtStart(block, _) => {
                    let met = self.program.blocks[block].start;
                    format!("it takes ever more values in a loop or over calls, met at {met:#x}")
                }
                _ => "it takes too many values".to_owned(),
            });
            *answer = Words::from([Word::UNKNOWN]);
        } else if answer.contains(&Word::UNKNOWN) {
            *answer = Words::from([Word::UNKNOWN]);
        } else if answer.len() == before {
            return;
        }
        self.work.extend(self.dependents.get(&question).into_iter().flatten().flatten());
    }

    fn ask(&mut self, question: Question) -> Words {
        self.dependents.entry(question).or_default().insert(self.current);
        match self.answers.get(&question) {
            Some(words) => words.clone(),
            None => {
                self.answers.insert(question, Words::new());
                self.work.push_back(question);
                Words::new()
            }
        }
    }

    fn lose(&mut self, why: impl FnOnce() -> String) -> Words {
        self.lost.entry(self.current).or_insert_with(why);
        Words::from([Word::UNKNOWN])
    }

    fn lose_vaguely(&mut self, why: impl FnOnce() -> String) -> Words {
        self.vague.entry(self.current).or_insert_with(why);
        Words::from([Word::UNKNOWN])
    }

    fn answer(&mut self, question: Question) -> Words {
        match question {
            Question::AtStart(block, place) => self.at_start(block, place),
            Question::AtReturn(function, register) => self.at_return(function, register),
            Question::Cell(address, size) => self.cell(address, size),
        }
    }

    fn steps(&mut self, block: BlockId) -> Rc<[Step<'a>]> {
        let program = self.program;
        let steps = self.blocks.entry(block).or_insert_with(|| {
            let mut steps = Vec::new();
            program.blocks.visit(block, &program.code, |at, instruction, state| {
                steps.push((at, *instruction, Snapshot::of(state)));
            });
            steps.into()
        });
        Rc::clone(steps)
    }

    /// What is in `place` right before the instruction at `at` of `block`.
    fn before(&mut self, block: BlockId, at: u64, place: Place) -> Words {
        let steps = self.steps(block);
        let count = steps.partition_point(|&(address, ..)| address < at);
        self.behind(block, &steps, count, place)
    }

    /// What is in `place` after the first `count` steps of `block`.
    fn behind(&mut self, block: BlockId, steps: &Rc<[Step<'a>]>, count: usize, place: Place) -> Words {
        match place {
            Place::Register(register) => self.register_behind(block, steps, count, register),
            Place::Slot { offset, size } => self.slot_behind(block, steps, count, offset, size),
        }
    }

    fn register_behind(&mut self, block: BlockId, steps: &Rc<[Step<'a>]>, count: usize, register: Register) -> Words {
        if register == Register::ZERO {
            return Words::from([Word::exact(0)]);
        }
        // The forward pass knows constants and stack addresses already.
        if let Some((at, _, state)) = steps.get(count) {
            let value = state.state().get(register);
            if let Some(constants) = value.constants() {
                self.note_leaf(block, count, register);
                return constants.iter().map(|&constant| Word::exact(constant)).collect();
            }
            if let Value::Stack(offset) = value {
                let frame = Some(self.frame(block, *at));
                return Words::from([Word { frame, value: offset as u64, unknown: 0 }]);
            }
        }
        let defining = (0..count).rev().find(|&index| {
            let instruction = &steps[index].1;
            instruction.effects().defines.contains(register) || instruction.op == Op::Ecall && register == Register::A0
        });
        let Some(index) = defining else {
            return self.ask(Question::AtStart(block, Place::Register(register)));
        };
        let (at, instruction, state) = &steps[index];
        let (at, instruction) = (*at, *instruction);
        if instruction.op == Op::Ecall {
            return self.lose(|| format!("it is the result of the syscall at {at:#x}"));
        }
        if let Some(value) = state.state().result(&instruction, at, &self.program.code)
            && let Some(constants) = value.constants()
        {
            self.note_leaf(block, index + 1, register);
            return constants.iter().map(|&constant| Word::exact(constant)).collect();
        }
        if let Some(size) = load_size(instruction.op) {
            return self.loaded(block, steps, index, size as u8);
        }
        let computes = matches!(instruction.op, Op::Jal | Op::Jalr);
        if computes || super::value::compute(instruction.op, 1, 1).is_none() {
            return self.lose(|| format!("`{instruction}` at {at:#x} sets it"));
        }
        let left = self.register_behind(block, steps, index, instruction.rs1());
        let right = match immediate_operand(&instruction) {
            Some(immediate) => Words::from([Word::exact(immediate)]),
            None => self.register_behind(block, steps, index, instruction.rs2()),
        };
        let words: Words =
            left.iter().flat_map(|&a| right.iter().map(move |&b| word::combine(instruction.op, a, b))).collect();
        if words.contains(&Word::UNKNOWN) {
            return self
                .lose_vaguely(|| format!("`{instruction}` at {at:#x} computes it from values that are not known"));
        }
        words
    }

    /// What the load at `index` reads.
    fn loaded(&mut self, block: BlockId, steps: &Rc<[Step<'a>]>, index: usize, size: u8) -> Words {
        let (at, instruction, state) = &steps[index];
        let (at, instruction) = (*at, *instruction);
        let op = instruction.op;
        let address = state.state().address(&instruction, self.program.code.arena);
        let memory = match &address {
            Value::Stack(offset) => self.slot_behind(block, steps, index, *offset, size),
            _ => {
                let base = self.register_behind(block, steps, index, instruction.rs1());
                let displacement = Word::exact(i64::from(instruction.immediate) as u64);
                let mut memory = Words::new();
                for base in base {
                    let address = word::combine(Op::Addi, base, displacement);
                    memory.append(&mut self.memory(address, size, at));
                }
                memory
            }
        };
        memory.into_iter().map(|word| word::load(op, word)).collect()
    }

    /// What lies at `address` when the instruction at `at` reads it.
    fn memory(&mut self, address: Word, size: u8, at: u64) -> Words {
        match (address.frame, address.unknown) {
            (Some(frame), 0) => {
                let (block, at) = self.frames[frame as usize];
                self.before(block, at, Place::Slot { offset: address.value as i64, size })
            }
            // Linux never maps the first page (vm.mmap_min_addr): a load from there ends the program.
            (None, 0) if address.value < 4096 && !self.program.code.is_mapped(address.value) => {
                self.null.entry(self.current).or_insert(at);
                Words::new()
            }
            (None, 0) => self.ask(Question::Cell(address.value, size)),
            _ => self.lose_vaguely(|| format!("it is read at {at:#x} through a pointer that is not known")),
        }
    }

    fn slot_behind(&mut self, block: BlockId, steps: &Rc<[Step<'a>]>, count: usize, offset: i64, size: u8) -> Words {
        let function = self.program.blocks[block].function;
        let wanted = offset..offset.saturating_add(size.into());
        for index in (0..count).rev() {
            let (at, instruction, state) = &steps[index];
            let Some(stored) = stored_bytes(instruction) else { continue };
            match state.state().address(instruction, self.program.code.arena) {
                Value::Stack(start) => {
                    let end = start.saturating_add(stored as i64);
                    if end <= wanted.start || wanted.end <= start {
                        continue;
                    }
                    let at = *at;
                    if start > wanted.start || end < wanted.end || store_size(instruction.op).is_none() {
                        return self.lose(|| format!("the store at {at:#x} overwrites a part of its stack slot"));
                    }
                    let shift = Word::exact(8 * (wanted.start - start) as u64);
                    let register = instruction.rs2();
                    let words = self.register_behind(block, steps, index, register);
                    return words.into_iter().map(|word| word::combine(Op::Srli, word, shift)).collect();
                }
                Value::Constant(_) => {}
                _ if self.slot_escapes(function, offset, CALLER_LIMIT) => {
                    let at = *at;
                    return self.lose(|| format!("the store at {at:#x} may overwrite its stack slot"));
                }
                _ => {}
            }
        }
        self.ask(Question::AtStart(block, Place::Slot { offset, size }))
    }

    /// The initial contents of a memory cell and everything that reachable code stores there.
    fn cell(&mut self, address: u64, size: u8) -> Words {
        let load = match size {
            1 => Op::Lbu,
            2 => Op::Lhu,
            4 => Op::Lwu,
            _ => Op::Ld,
        };
        if let Some(constant) = self.program.code.constant_load(load, address) {
            return Words::from([Word::exact(constant)]);
        }
        if let Some(why) = self.cells.may_alias(address) {
            return self.lose(|| format!("it is in memory at {address:#x}, {why}"));
        }
        let mut words = Words::new();
        match self.program.code.initial_load(load, address) {
            Some(initial) => words.insert(Word::exact(initial)),
            None => return self.lose(|| format!("nothing is known of memory at {address:#x}")),
        };
        let cells = self.cells;
        for store in cells.stores_near(address, size) {
            if (store.address, store.size) != (address, size) {
                let at = store.at;
                return self.lose(|| format!("the store at {at:#x} overwrites a part of memory at {address:#x}"));
            }
            words.append(&mut self.before(store.block, store.at, Place::Register(store.register)));
        }
        words
    }

    fn frame(&mut self, block: BlockId, at: u64) -> u32 {
        let next = self.frames.len() as u32;
        let frames = &mut self.frames;
        *self.frame_numbers.entry((block, at)).or_insert_with(|| {
            frames.push((block, at));
            next
        })
    }
}

/// How many bytes of memory the instruction writes at rs1 plus its immediate.
fn stored_bytes(instruction: &Instruction) -> Option<u64> {
    store_size(instruction.op).or(match instruction.op {
        Op::Fsw => Some(4),
        Op::Fsd => Some(8),
        op if is_atomic_write(op) => Some(8),
        _ => None,
    })
}
