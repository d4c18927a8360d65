//! The backward search: where does a value come from? Used for the few registers that the forward pass leaves open.
//!
//! Questions are about places (a register, a stack slot, a memory cell) at the start of blocks; their answers are sets
//! of words that grow to a least fixed point over the whole program, so numbers travel through wrappers, tail calls
//! and loops. A set that outgrows its limit becomes "any value".

mod across;
mod memory;
mod origins;
mod paired;
mod reasons;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::handed_out::Write;
pub(super) use memory::stored_bytes;
pub(super) use origins::Origins;

use self::paired::{Sought, Source};
use super::cells::Cells;
use super::code::load_size;
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

/// Words in all answers to these questions, those counted again that are given again; the same.
const WORD_LIMIT: usize = 500_000;

/// More words than this at one place count as "any value": there are fewer syscalls.
const ANSWER_LIMIT: usize = 512;

/// Instructions of one block that a value may go through: more than that and it is lost. It bounds the depth of the recursion.
const DEPTH_LIMIT: u32 = 400;

/// An answer that grew more often than this counts as "any value": what callers and writers say comes in a few steps,
/// only what a loop computes from itself comes one by one without end.
const GROWTH_LIMIT: u8 = 64;

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
    /// What do functions find in `place` that are called by the table at this place of all?
    ByTable(usize, Place),
    /// What does the function hand back in the register?
    AtReturn(FunctionId, Register),
    /// What can the `size` bytes of memory at the address hold?
    Cell(u64, u8),
    /// What can the bytes at the offset of this frame hold, as many as the last number says?
    Frame(u32, i64, u8),
}

type Words = BTreeSet<Word>;

/// What was found so far.
#[derive(Default)]
struct Answer {
    words: Words,
    /// How often it grew.
    growth: u8,
}

/// Questions to answer, each at most once at a time.
#[derive(Default)]
struct Worklist {
    queue: VecDeque<Question>,
    queued: BTreeSet<Question>,
}

impl Worklist {
    fn push(&mut self, question: Question) {
        if self.queued.insert(question) {
            self.queue.push_back(question);
        }
    }

    fn pop(&mut self) -> Option<Question> {
        let question = self.queue.pop_front()?;
        self.queued.remove(&question);
        Some(question)
    }

    fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

/// One instruction of a block: address, instruction, what is known before it.
type Step<'a> = (u64, Instruction, Snapshot<'a>);

/// Stores to a stack slot; or where its address got out of sight, `None` if too many functions have it.
type Writes = Result<Rc<[Write]>, Option<u64>>;

/// Answers questions about one program.
pub(super) struct Search<'p, 'a> {
    program: &'p Program<'a>,
    flow: &'p Flow,
    cells: &'p Cells<'p, 'a>,
    liveness: &'p Liveness<'p, 'a>,
    /// Functions that make a child which shares or lacks their frame; worked out when first asked for.
    forks: Option<BTreeSet<FunctionId>>,
    /// Functions that were asked whether they are like `setjmp`.
    context_keepers: BTreeMap<FunctionId, bool>,
    /// Calls through pointers, by the function called; or where its address got out of sight.
    pointer_callers: BTreeMap<FunctionId, Result<Rc<[BlockId]>, u64>>,
    /// Where registers have their values from.
    sources: BTreeMap<Sought, Option<Source>>,
    /// Stores through the address of a stack slot, by its function, offset and size.
    handed_out: BTreeMap<(FunctionId, i64, u8), Writes>,
    answers: BTreeMap<Question, Answer>,
    /// Who asked; `None` is the search itself.
    dependents: BTreeMap<Question, BTreeSet<Option<Question>>>,
    work: Worklist,
    current: Option<Question>,
    /// How many instructions are being looked at, each for the sake of the one before.
    depth: u32,
    /// What registers hold behind steps of blocks, as far as worked out for the current question.
    computed: BTreeMap<(BlockId, usize, Register), Words>,
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
    /// Control never gets there: on every path the load at this address goes through a null pointer; or, without one, the
    /// site lies right at what is called through pointers only, and nothing calls it.
    Never(Option<u64>),
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
            forks: None,
            context_keepers: BTreeMap::new(),
            pointer_callers: BTreeMap::new(),
            sources: BTreeMap::new(),
            handed_out: BTreeMap::new(),
            answers: BTreeMap::new(),
            dependents: BTreeMap::new(),
            work: Worklist::default(),
            current: None,
            depth: 0,
            computed: BTreeMap::new(),
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
        for askers in self.dependents.values_mut() {
            askers.remove(&None);
        }
        self.lost.remove(&None);
        self.null.remove(&None);
        self.leaves.remove(&None);
        self.vague.remove(&None);
        let limit = self.answers.len() + QUESTION_LIMIT;
        let mut weighed = 0;
        // Asking opens the questions it rests on; settled, they may lead to further ones.
        let words = loop {
            self.turn_to(None);
            let words = self.before(block, at, place);
            if self.work.is_empty() {
                break words;
            }
            while let Some(question) = self.work.pop() {
                if self.answers.len() > limit || weighed > WORD_LIMIT {
                    // Half-settled answers are too small: nothing may build on them.
                    self.work = Worklist::default();
                    self.answers.clear();
                    self.dependents.clear();
                    return Found::Lost("the search for its value grew too large".to_owned());
                }
                self.turn_to(Some(question));
                let words = self.answer(question);
                weighed += words.len();
                self.settle(question, words);
            }
        };
        let numbers: Option<BTreeSet<u64>> = words.iter().map(|word| word.number()).collect();
        match numbers {
            Some(numbers) if !numbers.is_empty() => Found::Numbers(numbers, self.story(block)),
            Some(_) => {
                let supports = self.supports_of_answer();
                match supports.iter().find_map(|question| self.null.get(question).copied()) {
                    None if !supports.iter().flatten().all(|&question| self.has_known_callers(question)) => {
                        Found::Lost(format!("no value was found before {at:#x}"))
                    }
                    load => Found::Never(load),
                }
            }
            None => Found::Lost(self.why_lost(at)),
        }
    }

    /// What follows is asked for `question`.
    fn turn_to(&mut self, question: Option<Question>) {
        self.current = question;
        self.computed.clear();
    }

    fn settle(&mut self, question: Question, words: Words) {
        let answer = self.answers.entry(question).or_default();
        let before = answer.words.len();
        if answer.words.contains(&Word::UNKNOWN) {
            return;
        }
        answer.words.extend(words);
        if answer.words.len() == before {
            return;
        }
        answer.growth += 1;
        if answer.words.len() > ANSWER_LIMIT || answer.growth > GROWTH_LIMIT {
            self.lost.entry(Some(question)).or_insert_with(|| match question {
                Question::AtStart(block, _) => {
                    let met = self.program.blocks[block].start;
                    format!("it takes ever more values in a loop or over calls, met at {met:#x}")
                }
                _ => "it takes too many values".to_owned(),
            });
            answer.words = Words::from([Word::UNKNOWN]);
        } else if answer.words.contains(&Word::UNKNOWN) {
            answer.words = Words::from([Word::UNKNOWN]);
        }
        for &dependent in self.dependents.get(&question).into_iter().flatten().flatten() {
            self.work.push(dependent);
        }
    }

    fn ask(&mut self, question: Question) -> Words {
        self.dependents.entry(question).or_default().insert(self.current);
        match self.answers.get(&question) {
            Some(answer) => answer.words.clone(),
            None => {
                self.answers.insert(question, Answer::default());
                self.work.push(question);
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
            Question::ByTable(table, place) => self.by_table(table, place),
            Question::AtReturn(function, register) => self.at_return(function, register),
            Question::Cell(address, size) => self.cell(address, size),
            Question::Frame(frame, offset, size) => self.in_frame(frame, offset, size),
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
            if let Some(elements) = self.elements(value) {
                return elements;
            }
        }
        let defining = (0..count).rev().find(|&index| {
            let instruction = &steps[index].1;
            instruction.effects().defines.contains(register) || instruction.op == Op::Ecall && register == Register::A0
        });
        let Some(index) = defining else {
            if register == Register::TP {
                return self.lose(|| "it is relative to tp, which differs from thread to thread".to_owned());
            }
            return self.ask(Question::AtStart(block, Place::Register(register)));
        };
        let (at, instruction, state) = &steps[index];
        let (at, instruction) = (*at, *instruction);
        if instruction.op == Op::Ecall {
            return self.lose(|| format!("it is the result of the syscall at {at:#x}"));
        }
        let result = state.state().result(&instruction, at, &self.program.code).unwrap_or(Value::Any);
        if let Some(constants) = result.constants() {
            self.note_leaf(block, index + 1, register);
            return constants.iter().map(|&constant| Word::exact(constant)).collect();
        }
        if let Some(elements) = self.elements(result) {
            return elements;
        }
        if let Some(size) = load_size(instruction.op) {
            return self.deeper(at, |search| search.loaded(block, steps, index, size as u8));
        }
        let links = matches!(instruction.op, Op::Jal | Op::Jalr);
        if links || super::value::compute(instruction.op, 1, 1).is_none() {
            return self.lose(|| format!("`{instruction}` at {at:#x} sets it"));
        }
        if let Some(words) = self.computed.get(&(block, index, register)) {
            return words.clone();
        }
        let words = self.deeper(at, |search| search.arithmetic(block, steps, index));
        self.computed.insert((block, index, register), words.clone());
        words
    }

    /// What `look` finds behind the instruction at `at`, unless that is too deep.
    fn deeper(&mut self, at: u64, look: impl FnOnce(&mut Self) -> Words) -> Words {
        if self.depth == DEPTH_LIMIT {
            return self.lose(|| format!("more than {DEPTH_LIMIT} instructions compute it, from {at:#x} on"));
        }
        self.depth += 1;
        let words = look(self);
        self.depth -= 1;
        words
    }

    /// All elements of a constant table of which `value` is one, if an index check bounds it.
    fn elements(&self, value: Value<'a>) -> Option<Words> {
        let Value::Loaded(read) = value else { return None };
        let index = read.table.scale.index;
        index.count().filter(|&count| count as usize <= ANSWER_LIMIT)?;
        let element =
            |index| read.element(index, |load, place| self.program.code.constant_load(load, place)).map(Word::exact);
        (index.low..=index.high).map(element).collect()
    }

    /// What the arithmetic instruction at `index` makes of what its operands can be.
    fn arithmetic(&mut self, block: BlockId, steps: &Rc<[Step<'a>]>, index: usize) -> Words {
        let (at, instruction) = (steps[index].0, steps[index].1);
        let left = self.register_behind(block, steps, index, instruction.rs1());
        let right = match immediate_operand(&instruction) {
            Some(immediate) => Words::from([Word::exact(immediate)]),
            None => self.register_behind(block, steps, index, instruction.rs2()),
        };
        if left.len() * right.len() > ANSWER_LIMIT {
            return self.lose(|| format!("`{instruction}` at {at:#x} computes too many values"));
        }
        let words: Words =
            left.iter().flat_map(|&a| right.iter().map(move |&b| word::combine(instruction.op, a, b))).collect();
        if words.contains(&Word::UNKNOWN) {
            return self
                .lose_vaguely(|| format!("`{instruction}` at {at:#x} computes it from values that are not known"));
        }
        words
    }
}
