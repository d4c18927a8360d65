//! The whole program's reachable code: functions found from the entry, over calls, tail calls and taken addresses,
//! to a fixed point.

mod doubtful;
mod settling;
mod swept;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::blocks::Blocks;
use super::call_tables::CallTables;
use super::code::Code;
use super::exit::{BlockId, FunctionId};
use super::explore::{Discoveries, Sweep};
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
    computed: BTreeMap<u64, FunctionId>,
    at_entry: State<'a>,
    found: Discoveries,
    /// Where it is enough, functions are not explored but swept.
    sweep: Option<Box<Sweep<'a>>>,
    /// Whether live data was marked before.
    marked: bool,
    /// By how many bytes functions were made longer.
    widened: u64,
    /// How many bytes were looked at because functions may start where none plausibly does.
    labels: u64,
    unreached: Unreached,
}

impl<'a> Program<'a> {
    /// Finds everything that is reachable from the entry, if the `premises` hold; with `sweeps`, functions may just be swept.
    fn recover(code: Code<'a>, premises: &Premises, sweeps: bool) -> (Program<'a>, Work<'a>) {
        let entry = code.elf.entry.0;
        let convention = if matches!(code.go, GoFile::No) { Convention::Standard } else { Convention::Go };
        let mut program = Program {
            convention,
            blocks: Blocks::new(&code),
            functions: Vec::with_capacity(code.slots() / 32),
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
            computed: BTreeMap::new(),
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

    fn take_address(&mut self, target: u64, origin: Origin, work: &mut Work<'a>) {
        if self.code.fetch(target).is_some() {
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

    /// The tables of functions that calls go by.
    pub fn call_tables(&self) -> &CallTables {
        &self.surroundings.call_tables
    }

    /// The code addresses that any function computes or loads from constant memory, or calls by a table.
    pub fn code_references(&self) -> impl Iterator<Item = u64> {
        let computed = self.functions.iter().flat_map(|function| &function.code_references).copied();
        computed.chain(self.call_tables().targets())
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
