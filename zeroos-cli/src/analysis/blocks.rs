//! The basic blocks of all functions, in one place: found by the address of their first instruction in constant time,
//! with what is known at their start.

use bumpalo::Bump;
use smallvec::SmallVec;

use super::code::Code;
use super::state::State;
use super::value::Value;
use crate::isa::{Instruction, RegisterSet};

/// How far back a block that runs over an address is looked for, in halfwords. Beyond it two blocks may share
/// instructions, which is no harm.
const LOOK_BACK: usize = 1 << 14;

/// A block, by its place in [`Blocks`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct BlockId(pub u32);

/// A function, by its place in the program's list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct FunctionId(pub u32);

/// A basic block. Calls end blocks, `ecall`s do not.
#[derive(Debug)]
pub(super) struct Block {
    /// The function that it belongs to. Code that several functions run into has a block for each.
    pub function: FunctionId,
    /// Its first instruction.
    pub start: u64,
    /// The first address behind it.
    pub end: u64,
    /// How it ends.
    pub exit: Exit,
    /// How often it was run.
    pub visits: u8,
    /// Whether it waits to be run.
    pub queued: bool,
    known: RegisterSet,
    /// Where the values of the `known` registers lie.
    values: u32,
    /// The block of another function with the same start.
    twin: Option<BlockId>,
}

/// How a block ends.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Exit {
    /// Blocks of this function that can follow, the one behind a call included.
    pub successors: SmallVec<[BlockId; 2]>,
    /// The call that it ends in.
    pub call: Option<Callee>,
    /// Where it leaves the function for good without returning: tail calls and jumps into other pieces.
    pub tail: Option<Box<Callee>>,
    /// Whether it may return to the caller.
    pub returns: bool,
}

/// What a call or a jump out of the function goes to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Callee {
    /// One of these.
    pub known: SmallVec<[FunctionId; 2]>,
    /// Or any function whose address is taken.
    pub unknown: bool,
}

impl Exit {
    /// The call and the tail.
    pub fn callees(&self) -> impl Iterator<Item = &Callee> {
        self.call.iter().chain(self.tail.as_deref())
    }

    /// Adds where control leaves the function for good.
    pub fn leave(&mut self, target: Option<FunctionId>, unknown: bool) {
        let tail = self.tail.get_or_insert_default();
        tail.known.extend(target);
        tail.unknown |= unknown;
    }
}

/// All blocks of a program.
pub(super) struct Blocks<'v> {
    all: Vec<Block>,
    /// By slot, the block that starts there, plus one; zero for none.
    at: Vec<u32>,
    values: Vec<Value<'v>>,
}

impl std::ops::Index<BlockId> for Blocks<'_> {
    type Output = Block;

    fn index(&self, id: BlockId) -> &Block {
        &self.all[id.0 as usize]
    }
}

impl std::ops::IndexMut<BlockId> for Blocks<'_> {
    fn index_mut(&mut self, id: BlockId) -> &mut Block {
        &mut self.all[id.0 as usize]
    }
}

impl<'v> Blocks<'v> {
    /// None yet.
    pub fn new(code: &Code<'_>) -> Blocks<'v> {
        Blocks { all: Vec::new(), at: vec![0; code.slots()], values: Vec::new() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them, in the order in which they were found.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = BlockId> + use<> {
        (0..self.all.len() as u32).map(BlockId)
    }

    /// The blocks that start at `slot`.
    fn starting_at(&self, slot: usize) -> impl Iterator<Item = BlockId> {
        let first = self.at.get(slot).and_then(|&number| number.checked_sub(1)).map(BlockId);
        std::iter::successors(first, |&id| self[id].twin)
    }

    /// The block of `function` that starts at `slot`.
    pub fn find(&self, slot: usize, function: FunctionId) -> Option<BlockId> {
        self.starting_at(slot).find(|&id| self[id].function == function)
    }

    /// The nearest blocks that start below `slot`.
    fn before(&self, slot: usize) -> impl Iterator<Item = BlockId> {
        let lowest = slot.saturating_sub(LOOK_BACK);
        let nearest = self.at.get(lowest..slot).and_then(|slots| slots.iter().rposition(|&number| number != 0));
        nearest.into_iter().flat_map(move |index| self.starting_at(lowest + index))
    }

    /// The block of `function` that starts right below `slot` and runs over the address of it.
    pub fn running_over(&self, slot: usize, address: u64, function: FunctionId) -> Option<BlockId> {
        self.before(slot).find(|&id| self[id].function == function && self[id].end > address)
    }

    /// Whether some block runs over `address` without starting there.
    pub fn runs_over(&self, slot: usize, address: u64) -> bool {
        self.before(slot).any(|id| self[id].end > address)
    }

    /// A new block at `start`, in `slot`, with nothing in it yet.
    pub fn insert(&mut self, function: FunctionId, start: u64, slot: usize, state: &State<'v>) -> BlockId {
        let id = BlockId(self.all.len() as u32);
        let values = self.values.len() as u32;
        self.values.extend(state.known().iter().map(|register| state.get(register)));
        let twin = self.at[slot].checked_sub(1).map(BlockId);
        self.at[slot] = id.0 + 1;
        let (exit, known) = (Exit::default(), state.known());
        self.all.push(Block { function, start, end: start, exit, visits: 0, queued: false, known, values, twin });
        id
    }

    /// Makes `state` what is known at the start of the block.
    pub fn load(&self, id: BlockId, state: &mut State<'v>) {
        let block = &self[id];
        state.forget();
        for (register, &value) in block.known.iter().zip(&self.values[block.values as usize..]) {
            state.set(register, value);
        }
    }

    /// What is known at the start of the block.
    pub fn state(&self, id: BlockId) -> State<'v> {
        let mut state = State::unknown();
        self.load(id, &mut state);
        state
    }

    /// Another path reaches the block with `state`; whether less is known now. With `widen`, what differs is lost at
    /// once.
    pub fn join(&mut self, id: BlockId, state: &State<'v>, widen: bool, arena: &'v Bump) -> bool {
        let block = &mut self.all[id.0 as usize];
        let values = &mut self.values[block.values as usize..][..block.known.len()];
        let (mut known, mut kept, mut changed) = (RegisterSet::EMPTY, 0, false);
        for (index, register) in block.known.iter().enumerate() {
            let (mine, theirs) = (values[index], state.get(register));
            let joined = match mine == theirs {
                true => mine,
                false if widen => Value::Any,
                false => mine.join(&theirs, arena),
            };
            changed |= joined != mine;
            if joined != Value::Any {
                known = known.with(register);
                values[kept] = joined;
                kept += 1;
            }
        }
        block.known = known;
        changed
    }

    /// Shows `see` each instruction of the block with what is known before it; gives what is known behind the last one.
    pub fn visit(&self, id: BlockId, code: &Code<'v>, mut see: impl FnMut(u64, &Instruction, &State<'v>)) -> State<'v> {
        let mut state = self.state(id);
        let (mut at, end) = (self[id].start, self[id].end);
        while at < end {
            let Some(instruction) = code.fetch(at) else { break };
            see(at, &instruction, &state);
            state.step(&instruction, at, code);
            at += u64::from(instruction.length);
        }
        state
    }

    /// The instructions of the block, with their addresses.
    pub fn instructions<'c>(
        &self,
        id: BlockId,
        code: &'c Code<'_>,
    ) -> impl Iterator<Item = (u64, Instruction)> + use<'c, 'v> {
        let (mut at, end) = (self[id].start, self[id].end);
        std::iter::from_fn(move || {
            let here = at;
            let instruction = (here < end).then(|| code.fetch(here)).flatten()?;
            at += u64::from(instruction.length);
            Some((here, instruction))
        })
    }
}
