//! The whole program's reachable code: functions found from the entry, over calls, tail calls and taken addresses,
//! to a fixed point.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::code::Code;
use super::exceptions::LandingPads;
use super::function::{Function, Surroundings};
use super::go::GoFile;
use super::pointers::{Pointer, data_pointers};
use super::state::Convention;
use crate::address::Address;
use crate::elf::ElfKind;
use crate::isa::{Op, Register};

/// All reachable functions.
pub(super) struct Program<'a> {
    pub code: Code<'a>,
    pub convention: Convention,
    /// By entry address.
    pub functions: BTreeMap<u64, Function>,
    /// Why a function is reachable; the entry has no reason.
    pub origins: BTreeMap<u64, Origin>,
    /// Functions that can be called through a pointer.
    pub address_taken: BTreeSet<u64>,
    frame: Frame,
}

/// Who first led to a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// This function calls it, jumps to it or takes its address.
    Function(u64),
    /// The word at this address holds its address.
    Data(Address),
}

/// What is fixed before functions are explored, and which of them return.
struct Frame {
    starts: BTreeSet<u64>,
    pointers: Vec<Pointer>,
    returning: BTreeSet<u64>,
    ends: Vec<(u64, u64)>,
    landing_pads: LandingPads,
    /// Where recovery from a panic enters functions again.
    resumptions: BTreeMap<u64, u64>,
}

impl Surroundings for Frame {
    fn returns(&self, function: u64) -> bool {
        self.returning.contains(&function)
    }

    fn limit_of(&self, address: u64) -> u64 {
        let next = self.starts.range(address + 1..).next().copied().unwrap_or(u64::MAX);
        let index = self.ends.partition_point(|&(_, end)| end <= address);
        self.ends.get(index).map_or(address, |&(_, end)| end.min(next))
    }

    fn is_start(&self, address: u64) -> bool {
        self.starts.contains(&address)
    }

    fn landing_pad(&self, call: u64) -> Option<u64> {
        self.landing_pads.of(call)
    }

    fn labels(&self, start: u64, end: u64) -> Vec<u64> {
        let first = self.pointers.partition_point(|pointer| pointer.target < start);
        self.pointers[first..].iter().map(|pointer| pointer.target).take_while(|&target| target < end).collect()
    }
}

impl<'a> Program<'a> {
    /// Finds everything that is reachable from the entry.
    pub fn recover(code: Code<'a>) -> Program<'a> {
        let entry = code.elf.entry.0;
        let go = GoFile::of(code.elf);
        let mut starts = code.function_starts();
        let mut pointers = data_pointers(&code);
        let mut resumptions = BTreeMap::new();
        if let Some(table) = go.table() {
            // Inside Go's code the table says all starts.
            let inside = starts.range(table.starts()[0]..table.end()).copied().collect::<Vec<_>>();
            starts.retain(|start| inside.binary_search(start).is_err());
            starts.extend(table.starts());
            starts.insert(table.end());
            pointers.retain(|pointer| !table.covers(pointer.holder));
            pointers.extend(table.methods().into_iter().map(|(target, holder)| Pointer { target, holder }));
            pointers.sort_unstable();
            resumptions = table.resumptions().collect();
        }
        let frame = Frame {
            starts,
            pointers,
            resumptions,
            returning: BTreeSet::new(),
            landing_pads: LandingPads::new(&code),
            ends: code.executable().iter().map(|range| (range.start().0, range.end().0)).collect(),
        };
        let convention = if matches!(go, GoFile::No) { Convention::Standard } else { Convention::Go };
        let mut program = Program {
            code,
            convention,
            functions: BTreeMap::new(),
            origins: BTreeMap::new(),
            address_taken: BTreeSet::new(),
            frame,
        };
        let mut work = Work { global_pointer: global_pointer(&program.code), ..Work::default() };
        program.add(entry, None, &mut work);
        program.drain(&mut work);
        // Pointers that name plausible function starts come first: exploring them recovers the jump tables and the
        // runs of instructions that tell the remaining words and computed numbers apart from pointers.
        for index in 0..program.frame.pointers.len() {
            let Pointer { target, holder } = program.frame.pointers[index];
            if program.frame.is_start(target) {
                program.take_address(target, Origin::Data(holder), &mut work);
            }
        }
        program.drain(&mut work);
        let mut settled = 0;
        while settled != program.functions.len() {
            settled = program.functions.len();
            program.take_doubtful(&mut work);
        }
        program
    }

    /// Takes the addresses that may be mere numbers, unless they are elements of known jump tables or lie inside a
    /// straight run of known instructions: nothing but a run's start can be jumped to. In a static-PIE what a
    /// relocation points at is never a number.
    fn take_doubtful(&mut self, work: &mut Work) {
        let functions = self.functions.values();
        let tables: BTreeSet<(u64, u64)> = functions.clone().flat_map(|function| &function.tables).copied().collect();
        let blocks = functions.flat_map(|function| &function.blocks);
        let runs: BTreeMap<u64, u64> = blocks.map(|(&start, block)| (start, block.end)).collect();
        let is_number = |target| runs.range(..target).next_back().is_some_and(|(_, &end)| target < end);
        let exact = self.code.elf.kind == ElfKind::StaticPie;
        let held = self.frame.pointers.iter().filter(|pointer| !is_in_table(&tables, pointer.holder));
        let held = held.filter(|pointer| exact || self.frame.is_start(pointer.target) || !is_number(pointer.target));
        let held: Vec<Pointer> = held.copied().collect();
        let computed = work.computed.iter().filter(|&&(target, _)| !is_number(target));
        let computed: Vec<(u64, u64)> = computed.copied().collect();
        for (target, function) in computed {
            self.take_address(target, Origin::Function(function), work);
        }
        for Pointer { target, holder } in held {
            self.take_address(target, Origin::Data(holder), work);
        }
        self.drain(work);
    }

    fn take_address(&mut self, target: u64, origin: Origin, work: &mut Work) {
        if self.code.fetch(target).is_some() {
            self.address_taken.insert(target);
            self.add(target, Some(origin), work);
        }
    }

    fn add(&mut self, entry: u64, origin: Option<Origin>, work: &mut Work) {
        if self.functions.contains_key(&entry) || !self.code.contains(entry) {
            return;
        }
        if let Some(origin) = origin {
            self.origins.insert(entry, origin);
        }
        let mut function = Function::new(entry, &self.frame, work.global_pointer);
        if let Some(&resumption) = self.frame.resumptions.get(&entry) {
            function.resume_after_panic(resumption);
        }
        self.functions.insert(entry, function);
        work.queue.push_back(entry);
    }

    fn drain(&mut self, work: &mut Work) {
        while let Some(entry) = work.queue.pop_front() {
            let Some(function) = self.functions.get_mut(&entry) else { continue };
            function.explore(&self.code, self.convention, &self.frame);
            let mut reached: BTreeSet<u64> = BTreeSet::new();
            let mut tails: BTreeSet<u64> = BTreeSet::new();
            for (&start, block) in &function.blocks {
                if let Some(callee) = &block.exit.call {
                    reached.extend(&callee.known);
                    if block.exit.awaits {
                        for &target in &callee.known {
                            work.waiting.entry(target).or_default().insert((entry, start));
                        }
                    }
                }
                if let Some(tail) = &block.exit.tail {
                    tails.extend(&tail.known);
                }
            }
            let mut returns = function.returns;
            for &target in &tails {
                returns |= self.frame.returning.contains(&target);
                work.tail_waiting.entry(target).or_default().insert(entry);
            }
            let taken = function.code_references.clone();
            reached.append(&mut tails);
            for target in reached {
                self.add(target, Some(Origin::Function(entry)), work);
            }
            for target in taken {
                if work.is_label(&self.functions, entry, target, &self.frame) {
                    continue;
                }
                if self.frame.is_start(target) {
                    self.take_address(target, Origin::Function(entry), work);
                } else {
                    work.computed.insert((target, entry));
                }
            }
            if returns {
                self.mark_returning(entry, work);
            }
        }
    }

    fn mark_returning(&mut self, function: u64, work: &mut Work) {
        let mut newly = vec![function];
        while let Some(function) = newly.pop() {
            if !self.frame.returning.insert(function) {
                continue;
            }
            newly.extend(work.tail_waiting.get(&function).into_iter().flatten());
            for (caller, block) in work.waiting.remove(&function).unwrap_or_default() {
                if let Some(caller_function) = self.functions.get_mut(&caller) {
                    caller_function.resume(block);
                    work.queue.push_back(caller);
                }
            }
        }
    }

    /// The first word in data that is the address of `function`.
    pub fn holder_in_data(&self, function: u64) -> Option<Address> {
        let pointers = &self.frame.pointers;
        let first = pointers.partition_point(|pointer| pointer.target < function);
        pointers.get(first).filter(|pointer| pointer.target == function).map(|pointer| pointer.holder)
    }

    /// The nearest plausible function start at or below `address`.
    pub fn start_before(&self, address: u64) -> u64 {
        self.frame.starts.range(..=address).next_back().copied().unwrap_or(address)
    }

    /// What decided which functions whose address is taken can run, in one sentence.
    pub fn address_taken_rule(&self) -> &'static str {
        match self.code.elf.kind {
            ElfKind::StaticPie => {
                "functions whose address reachable code computes, and all that a base relocation in data points at"
            }
            ElfKind::Executable => {
                "functions whose address reachable code computes, and all that an aligned word in data points at"
            }
        }
    }
}

#[derive(Default)]
struct Work {
    queue: VecDeque<u64>,
    /// Callee to the blocks (function, start) that end in a call of it and go on only if it returns.
    waiting: BTreeMap<u64, BTreeSet<(u64, u64)>>,
    /// Tail callee to the functions that return if it does.
    tail_waiting: BTreeMap<u64, BTreeSet<u64>>,
    /// Computed code addresses where no function is known to start, with the function that computes them.
    computed: BTreeSet<(u64, u64)>,
    global_pointer: Option<u64>,
}

impl Work {
    /// Whether `target`, computed in the function `entry`, is a label of a computed goto inside it, not a function.
    fn is_label(&self, functions: &BTreeMap<u64, Function>, entry: u64, target: u64, frame: &Frame) -> bool {
        functions.get(&entry).is_some_and(|function| {
            !frame.is_start(target) && !function.computed_jumps.is_empty() && function.blocks.contains_key(&target)
        })
    }
}

fn is_in_table(tables: &BTreeSet<(u64, u64)>, holder: Address) -> bool {
    tables.range(..=(holder.0, u64::MAX)).next_back().is_some_and(|&(_, end)| holder.0 < end)
}

/// The global pointer, if the first instructions of the program set it by `auipc gp` and `addi gp` (psABI, "Global
/// pointer"): it then holds for the whole run.
fn global_pointer(code: &Code<'_>) -> Option<u64> {
    let mut at = code.elf.entry.0;
    let mut upper = None;
    for _ in 0..16 {
        let instruction = code.fetch(at)?;
        if instruction.rd() == Register::GP && instruction.writes_integer_register() {
            match (instruction.op, upper) {
                (Op::Auipc, _) => upper = Some(at.wrapping_add_signed(instruction.immediate.into())),
                (Op::Addi, Some(upper)) if instruction.rs1() == Register::GP => {
                    return Some(u64::wrapping_add_signed(upper, instruction.immediate.into()));
                }
                _ => return None,
            }
        }
        at += match instruction.op {
            // glibc calls its `load_gp` first.
            Op::Jal => {
                at = at.wrapping_add_signed(instruction.immediate.into());
                continue;
            }
            _ => u64::from(instruction.length),
        };
    }
    None
}
