//! The whole program's reachable code: functions found from the entry, over calls, tail calls and taken addresses,
//! to a fixed point.

mod doubtful;
mod swept;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::blocks::Blocks;
use super::code::Code;
use super::exit::{BlockId, FunctionId};
use super::explore::{Discoveries, Explorer, Sweep};
use super::function::{Exploration, Function, Origin};
use super::go::GoFile;
use super::holders::Holders;
use super::pointers::{DataAddresses, Pointer};
use super::premises::Premises;
use super::result::ProgramFeatures;
use super::state::{Convention, State};
use super::surroundings::Surroundings;
use super::unreached::Unreached;
use super::value::SET_LIMIT;
use crate::address::Address;
use crate::elf::ElfKind;
pub(super) use swept::Recovery;

/// All reachable functions.
pub(super) struct Program<'a> {
    pub code: Code<'a>,
    pub convention: Convention,
    pub blocks: Blocks<'a>,
    /// By [`FunctionId`].
    pub functions: Vec<Function>,
    /// Functions that can be called through a pointer, by entry.
    pub address_taken: BTreeSet<u64>,
    /// What the code needs of the hart.
    pub features: ProgramFeatures,
    /// Whether gp can hold anything.
    pub any_global_pointer: bool,
    /// What code leaves in gp; `None` for what is not known.
    pub global_pointers: Vec<Option<u64>>,
    /// Whether control goes where by the section headers no code lies.
    pub has_hidden_code: bool,
    /// Why nothing can be said of where control goes, if that is so.
    pub lost: Option<String>,
    /// Addresses of data in data.
    pub data_addresses: DataAddresses,
    surroundings: Surroundings,
    holders: Holders,
    /// Every `ecall` met, with blocks that may hold it.
    sites: Vec<(u64, BlockId)>,
    /// Writable addresses that were in registers, with the functions, ascending.
    pub pointers: Vec<(u64, FunctionId)>,
    /// Writable addresses loaded from or stored to by their number, with the blocks, ascending.
    pub accesses: Vec<(u64, BlockId)>,
}

impl std::ops::Index<FunctionId> for Program<'_> {
    type Output = Function;

    fn index(&self, id: FunctionId) -> &Function {
        &self.functions[id.index()]
    }
}

/// The work that is left.
struct Work<'a> {
    /// By function.
    explorations: Vec<Exploration>,
    queue: VecDeque<FunctionId>,
    /// Computed code addresses where no function is known to start, with the function that computes them.
    computed: BTreeSet<(u64, FunctionId)>,
    at_entry: State<'a>,
    found: Discoveries,
    /// Where it is enough, functions are not explored but swept.
    sweep: Option<Box<Sweep<'a>>>,
    /// Whether live data was marked before.
    marked: bool,
    /// By how many bytes functions were made longer.
    widened: u64,
    /// How many bytes lie between labels that may be functions and what is around them.
    labels: u64,
    unreached: Unreached,
}

/// How often all code may be part of functions that were made longer, in halfwords for each: it bounds the work.
const WIDENED_LIMIT: u64 = 16;

impl<'a> Program<'a> {
    /// Finds everything that is reachable from the entry, if the `premises` hold; with `sweeps`, functions may just be swept.
    fn recover(code: Code<'a>, premises: &Premises, sweeps: bool) -> (Program<'a>, Work<'a>) {
        let entry = code.elf.entry.0;
        let convention = if matches!(code.go, GoFile::No) { Convention::Standard } else { Convention::Go };
        let mut program = Program {
            convention,
            blocks: Blocks::new(&code),
            functions: Vec::with_capacity(code.slots() / 128),
            address_taken: BTreeSet::new(),
            features: ProgramFeatures::default(),
            any_global_pointer: premises.global_pointers.as_ref().is_none_or(|all| all.len() > SET_LIMIT),
            global_pointers: Vec::new(),
            has_hidden_code: false,
            lost: None,
            sites: Vec::new(),
            pointers: Vec::new(),
            accesses: Vec::new(),
            data_addresses: DataAddresses::default(),
            surroundings: Surroundings::new(&code),
            holders: Holders::new(&code),
            code,
        };
        let mut work = Work {
            explorations: Vec::with_capacity(program.functions.capacity()),
            queue: VecDeque::new(),
            computed: BTreeSet::new(),
            at_entry: State::at_entry(premises.global_pointers.as_ref(), program.code.arena),
            found: Discoveries::default(),
            sweep: (sweeps && program.code.go.table().is_some()).then(Box::default),
            marked: false,
            widened: 0,
            labels: 0,
            unreached: Unreached::default(),
        };
        let first = program.surroundings.function_at(entry, &program.code);
        first.into_iter().for_each(|first| program.surroundings.set_certain(first));
        program.add_functions(None, &mut work);
        program.settle(&mut work, premises);
        // Pointers that name plausible function starts come first: exploring them recovers the jump tables and the
        // runs of instructions that tell the remaining words and computed numbers apart from pointers.
        while program.mark_holders(&mut work) {
            for index in 0..program.surroundings.pointers.len() {
                let Pointer { target, holder } = program.surroundings.pointers[index];
                if program.surroundings.is_start(target) && program.holders.is_live(holder) {
                    program.take_address(target, Origin::Data(holder), &mut work);
                }
            }
            program.settle(&mut work, premises);
        }
        program.settle_doubtful(&mut work, premises);
        program.conclude(&mut work);
        (program, work)
    }

    /// Takes over what was found.
    fn conclude(&mut self, work: &mut Work<'a>) {
        let found = &mut work.found;
        self.features = found.features;
        self.has_hidden_code = found.has_hidden_code;
        self.sites.append(&mut found.sites);
        self.global_pointers.append(&mut found.global_pointers);
        self.global_pointers.sort_unstable();
        self.global_pointers.dedup();
        self.lost = found.lost.clone().or(self.lost.take());
        take_over(&mut self.accesses, &mut found.accesses);
        if self.code.elf.kind == ElfKind::StaticPie {
            found.pointers.retain(|&(_, function)| self.functions[function.index()].makes_addresses);
        }
        take_over(&mut self.pointers, &mut found.pointers);
        // What asks takes memory, too.
        self.functions.iter_mut().for_each(|function| function.blocks.shrink_to_fit());
        self.blocks.settle();
    }

    /// Marks the data that code was seen to use; whether more of it is live now, or this is the first time.
    fn mark_holders(&mut self, work: &mut Work<'a>) -> bool {
        let mut news = !std::mem::replace(&mut work.marked, true);
        for (lowest, highest) in work.found.data.drain(..) {
            news |= self.holders.mark(lowest, highest);
        }
        news
    }

    /// Whether a word in data is `address`, whatever it means.
    pub fn is_in_data(&self, address: u64) -> bool {
        self.surroundings.labels(address, address.saturating_add(1)).next().is_some()
    }

    /// Code addresses in data, of whatever, ascending.
    pub fn targets_in_data(&self) -> impl Iterator<Item = u64> {
        self.surroundings.labels(0, u64::MAX)
    }

    /// Explores all that is queued, to the end.
    fn settle(&mut self, work: &mut Work<'a>, premises: &Premises) {
        self.drain(work, premises);
        while self.widen_lost_jumps(work) {
            self.drain(work, premises);
        }
    }

    /// Where a function jumps somewhere inside itself that is not understood, it may be longer than the guess at where
    /// functions start says: it then reaches to the next functions that something calls or names, and is looked at again.
    /// Go's own table of functions is no guess. Whether there was any.
    fn widen_lost_jumps(&mut self, work: &mut Work<'a>) -> bool {
        let lost = work.explorations.iter().enumerate().filter(|(_, exploration)| exploration.is_too_short);
        let lost: Vec<usize> = lost.map(|(index, _)| index).collect();
        if lost.is_empty() {
            return false;
        }
        let certain = self.surroundings.certain_starts();
        for index in lost {
            let (function, exploration) = (&self.functions[index], &mut work.explorations[index]);
            exploration.is_too_short = false;
            exploration.is_widened = true;
            if self.convention == Convention::Standard {
                let above = certain.partition_point(|&start| start <= function.entry);
                let start = above.checked_sub(1).map_or(function.entry, |below| certain[below]);
                let limit = certain.get(above).copied().unwrap_or(function.entry);
                let extent = start.min(exploration.extent.start)..limit.max(exploration.extent.end);
                work.widened = work.widened.saturating_add(extent.end.saturating_sub(extent.start));
                if work.widened > WIDENED_LIMIT * self.code.slots() as u64 {
                    // It stays as short as it was guessed to be: nothing that is found counts any more.
                    self.lost = Some("too many jumps are not understood".to_owned());
                    work.widened = 0;
                } else {
                    exploration.extent = extent;
                }
            }
            for &block in &function.blocks {
                if self.blocks[block].queue() {
                    exploration.pending.push(block);
                }
            }
            if !std::mem::replace(&mut exploration.queued, true) {
                work.queue.push_back(FunctionId::new(index));
            }
        }
        true
    }

    fn take_address(&mut self, target: u64, origin: Origin, work: &mut Work<'a>) {
        if self.code.fetch(target).is_some() && !self.is_one_label_too_many(target, work) {
            self.address_taken.insert(target);
            let function = self.surroundings.function_at(target, &self.code);
            function.into_iter().for_each(|function| self.surroundings.set_certain(function));
            self.add_functions(Some(origin), work);
        }
    }

    /// Adds the functions that were named since the last time.
    fn add_functions(&mut self, origin: Option<Origin>, work: &mut Work<'a>) {
        let Program { functions, surroundings, .. } = self;
        for entry in surroundings.entries_from(functions.len()) {
            work.queue.push_back(FunctionId::new(functions.len()));
            work.explorations.push(Exploration::new(entry..surroundings.limit_of(entry)));
            functions.push(Function::new(entry, origin));
        }
    }

    fn drain(&mut self, work: &mut Work<'a>, premises: &Premises) {
        while let Some(id) = work.queue.pop_front() {
            let Program { code, convention, blocks, functions, surroundings, .. } = self;
            let Work { explorations, found, .. } = work;
            let (function, exploration) = (&mut functions[id.index()], &mut explorations[id.index()]);
            exploration.queued = false;
            let convention = *convention;
            let mut explorer =
                Explorer { code, convention, premises, surroundings, blocks, function, exploration, id, found };
            if !work.sweep.as_mut().is_some_and(|sweep| explorer.sweep(sweep)) {
                explorer.explore(&work.at_entry);
            }
            self.add_functions(Some(Origin::Function(id)), work);
            let mut found = std::mem::take(&mut work.found);
            for (block, callee) in found.waiting.drain(..) {
                work.explorations[callee.index()].awaited_by.push(block);
                if self.surroundings.returns(callee) {
                    self.resume_callers(callee, work);
                }
            }
            let mut returns = work.explorations[id.index()].returns;
            for tail in found.tails.drain(..) {
                returns |= self.surroundings.returns(tail);
                work.explorations[tail.index()].returned_by.push(id);
            }
            for target in found.references.drain(..) {
                if self.is_label(id, target, work) {
                    continue;
                }
                if self.surroundings.is_start(target) {
                    self.take_address(target, Origin::Function(id), work);
                } else {
                    work.computed.insert((target, id));
                }
            }
            for target in found.labels.drain(..) {
                if !self.is_label(id, target, work) {
                    self.take_address(target, Origin::Function(id), work);
                }
            }
            found.tidy();
            work.found = found;
            if returns {
                self.mark_returning(id, work);
            }
        }
    }

    fn mark_returning(&mut self, function: FunctionId, work: &mut Work<'a>) {
        let mut newly = vec![function];
        while let Some(id) = newly.pop() {
            if self.surroundings.set_returns(id) {
                newly.extend(std::mem::take(&mut work.explorations[id.index()].returned_by));
                self.resume_callers(id, work);
            }
        }
    }

    /// Runs the blocks again that end in a call of `function`, which turned out to return.
    fn resume_callers(&mut self, function: FunctionId, work: &mut Work<'a>) {
        for block in std::mem::take(&mut work.explorations[function.index()].awaited_by) {
            let this = &mut self.blocks[block];
            let caller = this.function;
            if this.queue() {
                work.explorations[caller.index()].pending.push(block);
            }
            if !std::mem::replace(&mut work.explorations[caller.index()].queued, true) {
                work.queue.push_back(caller);
            }
        }
    }

    /// Whether `target`, computed in the function, is a label of a computed goto inside it, not a function.
    fn is_label(&self, function: FunctionId, target: u64, work: &Work<'a>) -> bool {
        !self.surroundings.is_start(target)
            && work.explorations[function.index()].computed_jumps().next().is_some()
            && self.code.slot(target).is_some_and(|slot| self.blocks.find(slot, function).is_some())
    }

    /// The blocks that hold each reachable `ecall`, by its address.
    pub fn sites(&self) -> BTreeMap<u64, Vec<BlockId>> {
        let mut sites: BTreeMap<u64, Vec<BlockId>> = BTreeMap::new();
        for &(at, block) in &self.sites {
            // The block may have been cut since; then the other part was run for itself.
            if (self.blocks[block].start..self.blocks[block].end()).contains(&at) {
                sites.entry(at).or_default().push(block);
            }
        }
        for blocks in sites.values_mut() {
            blocks.sort_unstable();
            blocks.dedup();
        }
        sites
    }

    /// Whether `function` was only swept; if so, it is noted that more is to be known of it.
    pub fn is_swept(&self, function: FunctionId) -> bool {
        let swept = self[function].blocks.iter().filter(|&&block| self.blocks[block].is_swept());
        swept.inspect(|&&block| self.blocks.want(block)).count() > 0
    }

    /// The function that `block` belongs to.
    pub fn function_of(&self, block: BlockId) -> &Function {
        &self[self.blocks[block].function]
    }

    /// All functions.
    pub fn function_ids(&self) -> impl Iterator<Item = FunctionId> + use<> {
        (0..self.functions.len()).map(FunctionId::new)
    }

    /// The block that `function` starts with.
    pub fn first_block(&self, function: FunctionId) -> Option<BlockId> {
        match self[function].blocks[..] {
            [only] if self.blocks[only].is_swept() => Some(only),
            _ => self.blocks.find(self.code.slot(self[function].entry)?, function),
        }
    }

    /// Whether `block` is what its function starts with.
    pub fn is_first(&self, block: BlockId) -> bool {
        self.blocks[block].start == self.function_of(block).entry
    }

    /// Whether recovery from a panic in Go goes on at `block`.
    pub fn is_resumption(&self, block: BlockId) -> bool {
        self.surroundings.resumption(self.function_of(block).entry) == Some(self.blocks[block].start)
    }

    /// Whether a call of `function` is known to come back.
    pub fn comes_back(&self, function: FunctionId) -> bool {
        self.surroundings.returns(function)
    }

    /// Whether a call or jump was ever seen to lead to `function`, even if none is left now that more is known.
    pub fn was_entered(&self, function: FunctionId) -> bool {
        self.surroundings.was_entered(function)
    }

    /// The function that starts at `address`.
    pub fn function_at(&self, address: u64) -> Option<FunctionId> {
        self.surroundings.known_function(address)
    }

    /// The words in data that are the address of `function`.
    pub fn holders_in_data(&self, function: u64) -> impl Iterator<Item = Address> {
        let pointers = &self.surroundings.pointers;
        let first = pointers.partition_point(|pointer| pointer.target < function);
        pointers[first..].iter().take_while(move |pointer| pointer.target == function).map(|pointer| pointer.holder)
    }

    /// The nearest plausible function start at or below `address`.
    pub fn start_before(&self, address: u64) -> u64 {
        self.surroundings.start_before(address)
    }

    /// What decided which functions whose address is taken can run, in one sentence.
    pub fn address_taken_rule(&self) -> String {
        let pointers = match self.code.elf.kind {
            ElfKind::StaticPie => "base relocations",
            ElfKind::Executable => "aligned words",
        };
        format!("addresses that reachable code computes, and {pointers} in live data ({})", self.holders.rule())
    }
}

/// Adds what was `found` to a list that is in order, in no more memory than that needs.
fn take_over<T: Ord>(list: &mut Vec<T>, found: &mut Vec<T>) {
    if list.is_empty() {
        *list = std::mem::take(found);
        list.sort_unstable();
    } else {
        // What is added later is little: it is merged.
        list.append(found);
        list.sort();
    }
    list.dedup();
    list.shrink_to_fit();
}
