//! What reachable code asks of the instruction set: for machines that lack some of it, where each instruction lies, and
//! what must be known of the atomic ones to put other instructions in their place.

use std::collections::{BTreeMap, BTreeSet};

use super::exit::{BlockId, FunctionId};
use super::flow::Flow;
use super::liveness::Liveness;
use super::names::function_name;
use super::program::Program;
use super::reservation;
use super::unwound;
use crate::address::{Address, AddressRange, ByteCount};
use crate::isa::{ControlFlow, Extension, Instruction, Op, RegisterSet};

mod reads;

/// A place in the code, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mention {
    /// Of the instruction.
    pub address: Address,
    /// Its function's name.
    pub function_name: String,
    /// What stands there.
    pub instruction: Instruction,
}

/// The reachable code of a program as the instruction set sees it. All addresses are the file's own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CodeListing {
    /// How many reachable instructions are of each extension, and the first few.
    pub extensions: BTreeMap<Extension, (usize, Vec<Mention>)>,
    /// Every `lr`, `sc` and `amo`, ascending.
    pub atomics: Vec<AtomicSite>,
    /// Every `fence`, ascending.
    pub fences: Vec<Address>,
    /// Every `fence.i`.
    pub instruction_fences: Vec<Mention>,
    /// Every read of a counter: cycles, time, instructions.
    pub counters: Vec<Mention>,
    /// All reachable code, ascending and apart.
    pub code: Vec<AddressRange>,
    /// What reachable code goes on to that is no instruction known here, as `c.unimp` is none, which compilers put where
    /// nothing goes on: it is executed, although only to stop there; and what lies around each `ecall` that counts as a site.
    /// Some of it may lie in reachable code.
    pub stops: Vec<AddressRange>,
    /// Addresses inside executable segments that reachable code computes or that are taken, ascending.
    pub referenced: Vec<Address>,
    /// Addresses inside executable segments that words in data hold, or look as if they did, ascending.
    pub pointed_at: Vec<Address>,
    /// What reachable code may load from or near executable segments by an address that it has from its own text: exactly where that
    /// is known, otherwise around the address that it calculates with. Ascending and apart.
    pub read: Vec<AddressRange>,
    /// Why nothing can be said of where control goes, if that is so: other code may run, too.
    pub lost: Option<String>,
}

/// One atomic instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AtomicSite {
    /// Where, what, and in which function.
    pub mention: Mention,
    /// Integer registers that may be read behind it, by code or by an unwinder.
    pub live_after: RegisterSet,
    /// Whether control gets to the instruction behind it only from here.
    pub alone_leads_on: bool,
    /// The instruction right before it, if control gets here only from there.
    pub before: Option<Instruction>,
    /// Of an `sc`: why it may find its reservation lost, if it may.
    pub may_fail: Option<String>,
}

/// How many places are named of each kind.
const NAMED: usize = 3;
/// Of instructions that do something on any machine, bytes.
const LONGEST: ByteCount = ByteCount(4);

impl CodeListing {
    /// Whether reachable code may read something in `range`, as far as [`read`](CodeListing::read) tells.
    pub fn reads(&self, range: AddressRange) -> bool {
        let next = self.read.partition_point(|read| read.end() <= range.start());
        self.read.get(next).is_some_and(|read| read.overlaps(range))
    }

    /// Whether reachable code lies at `address`.
    pub fn executes(&self, address: Address) -> bool {
        let next = self.code.partition_point(|range| range.end() <= address);
        self.code.get(next).is_some_and(|range| range.contains(address))
    }

    pub(super) fn new(program: &Program<'_>, flow: &Flow) -> CodeListing {
        let mut listing = CodeListing { lost: program.lost.clone(), ..CodeListing::default() };
        let mut extensions: BTreeMap<Extension, BTreeMap<u64, FunctionId>> = BTreeMap::new();
        let mut atomics: BTreeMap<u64, Vec<BlockId>> = BTreeMap::new();
        let (mut fences, mut instruction_fences, mut counters) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        let mut code = Vec::new();
        for block in program.blocks.ids() {
            let found = &program.blocks[block];
            code.extend(AddressRange::between(Address(found.start), Address(found.end())));
            let mut goes_on = true;
            for (at, instruction) in program.blocks.instructions(block, &program.code) {
                goes_on = matches!(instruction.flow(), ControlFlow::Next | ControlFlow::EnvironmentCall);
                for extension in instruction.extensions() {
                    extensions.entry(extension).or_default().insert(at, found.function);
                    if extension == Extension::A {
                        atomics.entry(at).or_default().push(block);
                    }
                }
                match instruction.op {
                    Op::Fence => {
                        fences.insert(Address(at));
                    }
                    Op::FenceI => {
                        instruction_fences.insert(at, found.function);
                    }
                    _ if instruction.reads_counter() => {
                        counters.insert(at, found.function);
                    }
                    _ => {}
                }
            }
            if goes_on && program.code.fetch(found.end()).is_none() {
                listing.stops.extend(AddressRange::new(Address(found.end()), LONGEST));
            }
        }
        let mentions = |places: &BTreeMap<u64, FunctionId>, limit: usize| -> Vec<Mention> {
            places.iter().take(limit).filter_map(|(&at, &function)| mention(program, at, function)).collect()
        };
        listing.extensions = extensions
            .iter()
            .map(|(&extension, places)| (extension, (places.len(), mentions(places, NAMED))))
            .collect();
        listing.instruction_fences = mentions(&instruction_fences, usize::MAX);
        listing.counters = mentions(&counters, usize::MAX);
        listing.fences = fences.into_iter().collect();
        listing.code = AddressRange::joined(code);
        listing.atomics = atomic_sites(program, flow, &atomics);
        let taken = program.address_taken.iter().copied();
        let referenced: BTreeSet<u64> = program.code_references().chain(taken).collect();
        listing.referenced = referenced.into_iter().map(Address).collect();
        listing.pointed_at = program.targets_in_data().map(Address).collect();
        listing.read = reads::of_text(program);
        listing
    }
}

fn mention(program: &Program<'_>, at: u64, function: FunctionId) -> Option<Mention> {
    let function_name = function_name(&program.code, program[function].entry);
    Some(Mention { address: Address(at), function_name, instruction: program.code.fetch(at)? })
}

fn atomic_sites(program: &Program<'_>, flow: &Flow, atomics: &BTreeMap<u64, Vec<BlockId>>) -> Vec<AtomicSite> {
    let functions: BTreeSet<FunctionId> =
        atomics.values().flatten().map(|&block| program.blocks[block].function).collect();
    if functions.is_empty() {
        return Vec::new();
    }
    let liveness = Liveness::at(program, flow, functions.into_iter().collect(), true);
    let site = |(&at, blocks): (&u64, &Vec<BlockId>)| {
        let mention = mention(program, at, program.blocks[*blocks.first()?].function)?;
        let instruction = mention.instruction;
        let live = blocks.iter().map(|&block| liveness.after(block, at));
        let behind = at + u64::from(instruction.length);
        let is_start = |at| program.code.slot(at).is_none_or(|slot| program.blocks.any_at(slot));
        let is_conditional = matches!(instruction.op, Op::ScW | Op::ScD);
        let failing = blocks.iter().filter(|_| is_conditional);
        Some(AtomicSite {
            mention,
            live_after: live.fold(unwound::wanted(program, blocks, at), RegisterSet::union),
            alone_leads_on: !is_start(behind),
            before: if is_start(at) { None } else { before(program, *blocks.first()?, at) },
            may_fail: failing.filter_map(|&block| reservation::may_be_lost(program, flow, block, at)).next(),
        })
    };
    atomics.iter().filter_map(site).collect()
}

/// The instruction right before `at` in `block`.
fn before(program: &Program<'_>, block: BlockId, at: u64) -> Option<Instruction> {
    let mut instructions = program.blocks.instructions(block, &program.code).take_while(|&(place, _)| place < at);
    instructions.find(|&(place, instruction)| place + u64::from(instruction.length) == at).map(|(_, before)| before)
}
