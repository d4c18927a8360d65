//! The basic blocks of all functions, in one place: found by the address of their first instruction in constant time,
//! with what is known at their start.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use rustc_hash::FxHasher;

use super::arena::Arena;
use super::block::Progress;
pub(super) use super::block::{Block, BlockEffects, LONGEST};
use super::code::Code;
use super::exit::{BlockId, Exit, FunctionId};
use super::flow::all_registers;
use super::packed::PackedValues;
use super::slots::SlotSet;
use super::state::State;
use super::value::Value;
use crate::isa::{Instruction, Register, RegisterSet};

/// All blocks of a program.
pub(super) struct Blocks<'v> {
    all: Vec<Block>,
    /// By group of slots, the block that was found last in it.
    groups: Vec<Option<BlockId>>,
    /// The slots at which blocks start.
    starts: SlotSet,
    /// The slots that blocks were seen to run over; mostly a new block's is not among them.
    covered: SlotSet,
    values: PackedValues<'v>,
    /// By hash of what is known at its start, a block with it: neighbours know the same.
    alike: Box<[Option<BlockId>; ALIKE]>,
    /// Room for what is known at the start of a new block.
    found: Vec<Value<'v>>,
    /// Functions that were only swept and of whose instructions somebody asked: what was told is worth nothing.
    wanted: RefCell<BTreeSet<FunctionId>>,
    have_swept: bool,
}

/// How many states are remembered to be shared.
const ALIKE: usize = 1 << 13;

impl std::ops::Index<BlockId> for Blocks<'_> {
    type Output = Block;

    fn index(&self, id: BlockId) -> &Block {
        &self.all[id.index()]
    }
}

impl std::ops::IndexMut<BlockId> for Blocks<'_> {
    fn index_mut(&mut self, id: BlockId) -> &mut Block {
        &mut self.all[id.index()]
    }
}

impl<'v> Blocks<'v> {
    /// None yet.
    pub fn new(code: &Code<'_>) -> Blocks<'v> {
        Blocks {
            // Room for one in 4 bytes, twice what dense code has: memory that is not used costs nothing, moving does.
            all: Vec::with_capacity(code.slots() / 2),
            groups: vec![None; code.slots() / Code::SLOT_GROUP + 1],
            starts: SlotSet::new(code.slots()),
            covered: SlotSet::new(code.slots()),
            values: PackedValues::with_room(code.slots() / 2),
            alike: Box::new([None; ALIKE]),
            found: Vec::new(),
            wanted: RefCell::default(),
            have_swept: false,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them, in the order in which they were found.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = BlockId> + use<> {
        (0..self.all.len()).map(BlockId::new)
    }

    /// Whether any block starts at `slot`.
    pub fn any_at(&self, slot: usize) -> bool {
        self.starts.contains(slot)
    }

    /// How many slots from `slot` on surely come before the next block's, itself included: at least 1.
    pub fn free_from(&self, slot: usize) -> usize {
        self.starts.free_from(slot)
    }

    /// The blocks that start at `slot`: more than one where functions share code.
    fn starting_at(&self, slot: usize) -> impl Iterator<Item = BlockId> {
        const GROUP: usize = Code::SLOT_GROUP;
        let last = self.groups.get(slot / GROUP).copied().flatten();
        let group = std::iter::successors(last, |&id| self[id].before);
        group.filter(move |&id| (self[id].start / 2) as usize % GROUP == slot % GROUP)
    }

    /// The block of `function` that starts at `slot`.
    pub fn find(&self, slot: usize, function: FunctionId) -> Option<BlockId> {
        // Mostly there is none at all, which the bits tell without a look at the blocks around.
        if !self.any_at(slot) {
            return None;
        }
        self.starting_at(slot).find(|&id| self[id].function == function)
    }

    /// The nearest blocks that start below `slot`.
    fn before(&self, slot: usize) -> impl Iterator<Item = BlockId> {
        self.starts.below(slot).into_iter().flat_map(|below| self.starting_at(below))
    }

    /// The block, which fills `slots`, ends right before `end`.
    pub fn end(&mut self, id: BlockId, end: u64, slots: Range<usize>) {
        self.all[id.index()].set_end(end);
        self.covered.insert(slots.start.saturating_add(1)..slots.end);
    }

    /// The block of `function` that starts right below `slot` and runs over the address of it.
    pub fn running_over(&self, slot: usize, address: u64, function: FunctionId) -> Option<BlockId> {
        if !self.covered.contains(slot) {
            return None;
        }
        self.before(slot).find(|&id| self[id].function == function && self[id].end() > address)
    }

    /// A block that runs over `address`, which is that of `slot`, without starting there: any such is as good, since they all
    /// start at the same place.
    pub fn run_over(&self, slot: usize, address: u64) -> Option<BlockId> {
        if !self.covered.contains(slot) {
            return None;
        }
        self.before(slot).find(|&id| self[id].end() > address)
    }

    /// Whether some block has an instruction around `address` that does not start there.
    pub fn is_split_by(&self, slot: usize, address: u64, code: &Code<'_>) -> bool {
        self.run_over(slot, address).is_some_and(|block| {
            let mut from_there = self.instructions(block, code).skip_while(|&(at, _)| at < address);
            from_there.next().is_none_or(|(at, _)| at != address)
        })
    }

    /// A new block at `start`, in `slot`, with nothing in it yet. Of `state` only what is `carried` is kept.
    pub fn insert(
        &mut self,
        function: FunctionId,
        (start, slot): (u64, usize),
        state: &State<'v>,
        carried: RegisterSet,
    ) -> BlockId {
        let id = BlockId::new(self.all.len());
        let known = state.known().intersection(carried);
        let before = self.groups[slot / Code::SLOT_GROUP].replace(id);
        self.starts.insert(slot..slot + 1);
        self.all.push(Block {
            exit: Exit::default(),
            start,
            progress: Progress::default(),
            function,
            effects: BlockEffects::default(),
            values: PackedValues::NOTHING,
            before,
        });
        if !self.starts_like_the_one_before(id, known, state) {
            let mut values = std::mem::take(&mut self.found);
            values.clear();
            values.extend(known.iter().map(|register| state.get(register)));
            self.place(id, known, &values);
            self.found = values;
        }
        id
    }

    /// A block that stands for all of a function that lies in `extent` and was only swept: of its code it says all ways
    /// in which control leaves the function, and what may be written. Whoever needs to know more asks in vain, and is
    /// to ask again when the functions that are [wanted](Blocks::take_wanted) were explored.
    pub fn add_swept(&mut self, function: FunctionId, extent: Range<u64>, exit: Exit, writes: RegisterSet) -> BlockId {
        let id = BlockId::new(self.all.len());
        let mut block = Block {
            exit,
            start: extent.start,
            progress: Progress::OF_SWEPT,
            function,
            effects: BlockEffects { reads: all_registers(), writes },
            values: PackedValues::NOTHING,
            before: None,
        };
        block.set_end(extent.end);
        self.all.push(block);
        self.have_swept = true;
        id
    }

    /// The function that the block stands for is explored: nothing is left of the block.
    pub fn drop_swept(&mut self, id: BlockId) {
        let block = &mut self.all[id.index()];
        (block.exit, block.effects, block.progress) = (Exit::default(), BlockEffects::default(), Progress::default());
    }

    /// What follows is only right if the block's function was explored.
    pub fn want(&self, id: BlockId) {
        if self[id].is_swept() {
            self.wanted.borrow_mut().insert(self[id].function);
        }
    }

    /// Whether any function was only swept.
    pub fn have_swept(&self) -> bool {
        self.have_swept
    }

    /// Whether more was asked than is known.
    pub fn are_wanting(&self) -> bool {
        !self.wanted.borrow().is_empty()
    }

    /// The functions of which more was asked than is known, since the last time.
    pub fn take_wanted(&self) -> BTreeSet<FunctionId> {
        self.wanted.take()
    }

    /// Lets a new block share its values with the one that was new before it, if they start with the same: mostly both
    /// ways out of a branch do.
    fn starts_like_the_one_before(&mut self, id: BlockId, known: RegisterSet, state: &State<'v>) -> bool {
        let Some([.., other, block]) = self.all.get_mut(..=id.index()) else { return false };
        let (other_known, values) = self.values.get(other.values);
        if other_known != known || !values.zip(known.iter()).all(|(value, register)| value == state.get(register)) {
            return false;
        }
        block.values = other.values;
        block.progress.set_shared(true);
        other.progress.set_shared(true);
        true
    }

    /// At the start of the block just the `values` of the `known` registers are known. Their place is shared with a
    /// block that starts with the same, if one is remembered.
    fn place(&mut self, id: BlockId, known: RegisterSet, values: &[Value<'v>]) {
        let alike = &mut self.alike[hash(known, values) % ALIKE];
        let other = alike.replace(id).filter(|&other| other != id).map(|other| &mut self.all[other.index()]);
        let same = other.filter(|other| {
            let (other_known, other_values) = self.values.get(other.values);
            other_known == known && other_values.eq(values.iter().copied())
        });
        if let Some(other) = same {
            other.progress.set_shared(true);
            let place = other.values;
            let block = &mut self.all[id.index()];
            block.values = place;
            block.progress.set_shared(true);
            return;
        }
        let block = &mut self.all[id.index()];
        if !block.progress.is_shared() && values.len() <= self.values.get(block.values).0.len() {
            self.values.replace(block.values, known, values);
        } else {
            block.values = self.values.append(known, values);
            block.progress.set_shared(false);
        }
    }

    /// Gives back memory that only changes need: there will be few, if any.
    pub fn settle(&mut self) {
        let mut settled = PackedValues::default();
        for block in &mut self.all {
            block.values = self.values.move_to(block.values, &mut settled);
        }
        self.values.settle(settled);
    }

    /// Makes `state` what is known at the start of the block.
    pub fn load(&self, id: BlockId, state: &mut State<'v>) {
        self.want(id);
        state.forget();
        let (known, values) = self.values.get(self[id].values);
        for (register, value) in known.iter().zip(values) {
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
    /// once, unless they are a few constants in a range that is known.
    pub fn join(&mut self, id: BlockId, state: &State<'v>, widen: bool, arena: &'v Arena<'v>) -> bool {
        let place = self[id].values;
        let values = || {
            let (known, values) = self.values.get(place);
            values.zip(known.iter())
        };
        let differs = |(mine, register): (Value<'v>, Register)| mine != state.get(register);
        let Some(first) = values().position(differs) else { return false };
        let (mut known, mut joined) = (RegisterSet::EMPTY, [Value::Any; 32]);
        let (mut kept, mut changed) = (0, false);
        for (index, (mine, register)) in values().enumerate() {
            let value = match state.get(register) {
                _ if index < first => mine,
                theirs if theirs == mine => mine,
                theirs if widen && theirs.takes_in(&mine) => theirs,
                _ if widen => Value::Any,
                theirs => mine.join(&theirs, arena),
            };
            changed |= value != mine;
            if value != Value::Any {
                known = known.with(register);
                joined[kept] = value;
                kept += 1;
            }
        }
        if changed {
            self.place(id, known, &joined[..kept]);
        }
        changed
    }

    /// Shows `see` each instruction of the block with what is known before it; gives what is known behind the last one.
    pub fn visit(&self, id: BlockId, code: &Code<'v>, mut see: impl FnMut(u64, &Instruction, &State<'v>)) -> State<'v> {
        let mut state = self.state(id);
        for (at, instruction) in self.instructions(id, code) {
            see(at, &instruction, &state);
            state.step(&instruction, at, code);
        }
        state
    }

    /// The instructions of the block, with their addresses.
    pub fn instructions<'c>(
        &self,
        id: BlockId,
        code: &Code<'c>,
    ) -> impl Iterator<Item = (u64, Instruction)> + use<'c, 'v> {
        self.want(id);
        let end = if self[id].is_swept() { 0 } else { self[id].end() };
        code.instructions_from(self[id].start).take_while(move |&(at, _)| at < end)
    }
}

fn hash(known: RegisterSet, values: &[Value<'_>]) -> usize {
    let mut hasher = FxHasher::default();
    known.hash(&mut hasher);
    values.iter().for_each(|value| hasher.write_u64(value.fingerprint()));
    hasher.finish() as usize
}
