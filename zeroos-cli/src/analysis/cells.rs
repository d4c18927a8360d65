//! Who writes memory: stores to constant addresses, and stack slots and global cells whose address gets away, so that
//! stores through unknown pointers may change them. Worked out only for what is asked: few programs need any of it.

use std::cell::{Cell, OnceCell};
use std::ops::Range;

use super::code::{Code, load_size, store_size};
use super::exit::{BlockId, FunctionId};
use super::flow::all_registers;
use super::leaf;
use super::liveness::Liveness;
use super::program::Program;
use super::state::{Convention, State};
use super::value::Value;
use crate::address::Address;
use crate::elf::{ElfKind, SymbolKind};
use crate::isa::{ControlFlow, Instruction, Op, Register, RegisterSet};

/// A store to one of a few constant addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Store {
    /// The address.
    pub address: u64,
    /// How many bytes.
    pub size: u8,
    /// Which register is stored.
    pub register: Register,
    /// The block it is in.
    pub block: BlockId,
    /// The address of the instruction.
    pub at: u64,
}

/// Stores and escaping addresses of a program.
pub(super) struct Cells<'p, 'a> {
    program: &'p Program<'a>,
    liveness: &'p Liveness<'p, 'a>,
    /// Whether questions are not looked into.
    is_blind: Cell<bool>,
    /// By function, which addresses get away there.
    escapes: Vec<OnceCell<Escapes>>,
}

/// The addresses that get away in one function.
#[derive(Clone, Default)]
struct Escapes {
    /// Those of data that are more than the operand of a load or store, ascending.
    constants: Vec<u64>,
    /// The lowest stack offset.
    lowest_slot: Option<i64>,
}

impl<'p, 'a> Cells<'p, 'a> {
    /// Nothing is looked at yet.
    pub fn new(program: &'p Program<'a>, liveness: &'p Liveness<'p, 'a>) -> Cells<'p, 'a> {
        let escapes = vec![OnceCell::new(); program.functions.len()];
        Cells { program, liveness, is_blind: Cell::new(false), escapes }
    }

    /// The live registers.
    pub fn liveness(&self) -> &'p Liveness<'p, 'a> {
        self.liveness
    }

    /// Runs `ask` with all memory taken for lost, which is told at once: to learn what else will be asked.
    pub fn blindly(&self, ask: impl FnOnce()) {
        self.is_blind.set(true);
        ask();
        self.is_blind.set(false);
    }

    fn escapes_in(&self, function: FunctionId) -> &Escapes {
        self.escapes[function.index()].get_or_init(|| Escapes::of(self.program, self.liveness, function))
    }

    /// Whether an unknown pointer may point at the stack slot at `offset` of `function`: the address of some slot is taken, and
    /// where the object that it belongs to starts and ends is not known. In Go nothing reaches downwards.
    pub fn escapes(&self, function: FunctionId, offset: i64) -> bool {
        let reaches = |lowest| lowest <= offset || self.program.convention == Convention::Standard;
        self.escapes_in(function).lowest_slot.is_some_and(reaches)
    }

    /// Why an unknown pointer may point at the 8 bytes at `address`; `None` if its address is never taken. Objects are
    /// told apart by symbols; without them one reaches from the lowest address that the cell is accessed by.
    pub fn may_alias(&self, address: u64) -> Option<String> {
        if self.is_blind.get() || self.program.blocks.are_wanting() {
            // All of this will be asked again, and it takes long.
            return Some("which was not looked at".to_owned());
        }
        if self.program.any_global_pointer {
            return Some("and stores relative to gp may go anywhere, which changes".to_owned());
        }
        let symbols = &self.program.code.elf.symbols;
        let end = symbols.partition_point(|symbol| symbol.address.0 <= address);
        let object = symbols[..end].iter().rev().take(8).find(|symbol| {
            symbol.kind == SymbolKind::Object && address < symbol.address.0.saturating_add(symbol.size.0)
        });
        let object = match object {
            Some(symbol) => symbol.address.0..symbol.address.0.saturating_add(symbol.size.0.max(1)),
            None => self.lowest_base(address)..address.saturating_add(8),
        };
        // What points right behind an array may be used downwards.
        let is_array = object.end - object.start > 8;
        let object = object.start..object.end.saturating_add(is_array.into());
        let in_data = self.program.data_addresses.first_in(&object, &self.program.code);
        // Only a function that has the address in a register can give it away.
        let holders = within(&self.program.pointers, &object).iter();
        let mut given_away = holders.map(|&(_, function)| first_in(&self.escapes_in(function).constants, &object));
        let taken = in_data.or_else(|| given_away.find_map(|taken| taken))?;
        Some(format!("whose address {taken:#x} is taken"))
    }

    /// Whether the 8 bytes at `address` are a variable by itself that code only accesses by its number: no address of it or of
    /// what lies before it in its section, from where an index may lead to it, is ever taken.
    pub fn is_alone(&self, address: u64) -> bool {
        let code = &self.program.code;
        let section = code.elf.sections.iter().find(|section| section.range.contains(Address(address)));
        // Thread-local data is copied unseen.
        let is_copied = code.elf.tls.as_ref().is_some_and(|tls| tls.range.contains(Address(address)));
        let Some(start) =
            section.filter(|_| !is_copied && code.is_writable(address)).map(|section| section.range.start())
        else {
            return false;
        };
        let before = start.0..address.saturating_add(1);
        self.may_alias(address).is_none()
            && self.program.data_addresses.first_in(&before, code).is_none()
            && within(&self.program.pointers, &before).iter().all(|&(pointer, _)| pointer == address)
    }

    /// The lowest address in a register to which some load or store adds its displacement to get at the 8 bytes at
    /// `address`: the cell is an element or a field of what lies there. What `lui`, `auipc` and gp hold is no address of
    /// anything (psABI, "Code models"), and `lui` may have been a while ago.
    fn lowest_base(&self, address: u64) -> u64 {
        let (program, mut lowest) = (self.program, address);
        let code = &program.code;
        let is_independent = code.elf.kind == ElfKind::StaticPie;
        let mut blocks: Vec<BlockId> =
            within(&program.accesses, &(address..address.saturating_add(8))).iter().map(|&(_, block)| block).collect();
        blocks.dedup();
        for block in blocks {
            let mut upper = RegisterSet::EMPTY.with(Register::GP);
            program.blocks.visit(block, code, |_, instruction, state| {
                let base = instruction.rs1();
                let accesses = load_size(instruction.op).or(store_size(instruction.op)).is_some();
                if accesses
                    && !upper.contains(base)
                    && state.address(instruction, code.arena).constant() == Some(address)
                {
                    let bases = state.get(base).constant().filter(|base| is_independent || !base.is_multiple_of(4096));
                    lowest = bases.map_or(lowest, |base| lowest.min(base));
                }
                let defines = instruction.effects().defines;
                upper = upper.minus(defines.without(Register::GP));
                if matches!(instruction.op, Op::Lui | Op::Auipc) {
                    upper = upper.union(defines);
                }
            });
        }
        lowest
    }

    /// The stores by number that touch any of the `size` bytes at `address`.
    pub fn stores_near(&self, address: u64, size: u8) -> Vec<Store> {
        let mut stores = Vec::new();
        let range = address.saturating_sub(7)..address.saturating_add(size.into());
        let mut blocks: Vec<BlockId> = within(&self.program.accesses, &range).iter().map(|&(_, block)| block).collect();
        blocks.sort_unstable();
        blocks.dedup();
        for block in blocks {
            let code = &self.program.code;
            self.program.blocks.visit(block, code, |at, instruction, state| {
                let Some(size) = store_size(instruction.op) else { return };
                let places = state.address(instruction, code.arena);
                for &place in places.constants().unwrap_or_default() {
                    if range.contains(&place) && place.saturating_add(size) > address {
                        let register = instruction.rs2();
                        stores.push(Store { address: place, size: size as u8, register, block, at });
                    }
                }
            });
        }
        stores
    }

    /// The functions that access `address` by its number.
    pub fn users(&self, address: u64) -> impl Iterator<Item = FunctionId> {
        let accesses = within(&self.program.accesses, &(address..address.saturating_add(1))).iter();
        accesses.map(|&(_, block)| self.program.blocks[block].function)
    }
}

/// The entries of an ascending list whose address is in `range`.
fn within<'l, T>(list: &'l [(u64, T)], range: &Range<u64>) -> &'l [(u64, T)] {
    let first = list.partition_point(|(address, _)| *address < range.start);
    let end = list.partition_point(|(address, _)| *address < range.end);
    list.get(first..end).unwrap_or_default()
}

/// The first of ascending addresses that is in `range`.
fn first_in(addresses: &[u64], range: &Range<u64>) -> Option<u64> {
    let first = addresses.partition_point(|&address| address < range.start);
    addresses.get(first).copied().filter(|address| range.contains(address))
}

impl Escapes {
    fn of(program: &Program<'_>, liveness: &Liveness<'_, '_>, function: FunctionId) -> Escapes {
        let mut escapes = Escapes::default();
        if !program[function].unbounded_jumps.is_empty() {
            // What its registers hold is lost wherever such a jump may lead.
            let pointers = program.pointers.iter().filter(|&&(_, holder)| holder == function);
            escapes.constants = pointers.map(|&(address, _)| address).collect();
            escapes.lowest_slot = Some(i64::MIN);
        }
        let uppers = uppers(program, function);
        for (&block, mut upper) in program[function].blocks.iter().zip(uppers) {
            let after = program.blocks.visit(block, &program.code, |at, instruction, state| {
                escapes.note(at, instruction, (state, upper), &program.code);
                upper = upper_after(instruction, upper);
            });
            let exit = &program.blocks[block].exit;
            let in_leaf = leaf::visit(program, exit, &after, |at, instruction, state| {
                escapes.note(at, instruction, (state, RegisterSet::EMPTY), &program.code);
                if store_size(instruction.op).is_some() {
                    // Of the leaf alone it is not known where it stores, so nobody finds it among the writers.
                    let address = state.address(instruction, program.code.arena);
                    escapes.constants.extend(address.constants().unwrap_or_default());
                }
            });
            // Liveness takes long to find out, and mostly nothing is known that might get away.
            let held = after.known().minus(upper);
            for register in [Register::A0, Register::new(11)] {
                // What it hands back is not known any more behind the call.
                let is_used = || exit.successors().any(|next| liveness.at_start(next).contains(register));
                if let Some(returned) = in_leaf.as_ref().map(|state| state.get(register)).filter(|_| is_used()) {
                    escapes.escape(returned);
                }
            }
            if in_leaf.is_none() && !held.without(Register::SP).is_empty() {
                // Where a part of the function lies elsewhere, all its registers are that part's, too.
                let is_label =
                    |target: FunctionId| program.start_before(program[target].entry) != program[target].entry;
                let is_part = exit
                    .tail()
                    .is_some_and(|tail| after.get(Register::SP) != Value::Stack(0) || tail.named().any(is_label));
                let handed_on = if is_part { all_registers().without(Register::SP) } else { liveness.handed_on(exit) };
                for register in handed_on.intersection(held).iter() {
                    escapes.escape(after.get(register));
                }
            }
            // A pointer that meets another value where paths join is a pointer that is not known any more.
            for next in exit.successors() {
                let known = program.blocks.state(next);
                let is_lost = |&register: &Register| {
                    let joined = known.get(register);
                    after.get(register) != joined && joined.constants().is_none()
                };
                let lost = held.iter().filter(is_lost).fold(RegisterSet::EMPTY, RegisterSet::with);
                let lost = if lost.is_empty() { lost } else { lost.intersection(liveness.at_start(next)) };
                lost.iter().for_each(|register| escapes.escape(after.get(register)));
            }
        }
        escapes.constants.sort_unstable();
        escapes.constants.dedup();
        escapes
    }

    /// What gets away at the instruction at `at`. The registers `upper` hold no address of anything.
    fn note<'a>(
        &mut self,
        at: u64,
        instruction: &Instruction,
        (state, upper): (&State<'a>, RegisterSet),
        code: &Code<'a>,
    ) {
        let of = |register| if upper.contains(register) { Value::Any } else { state.get(register) };
        let (stored, loaded) = (store_size(instruction.op), load_size(instruction.op));
        if is_atomic_write(instruction.op) {
            self.escape(of(instruction.rs1()));
        }
        if stored.is_some() || is_atomic_write(instruction.op) {
            self.escape(of(instruction.rs2()));
        }
        if is_float_access(instruction.op) {
            // Floating-point registers are not followed.
            self.escape(state.address(instruction, code.arena));
        }
        if instruction.op == Op::Ecall {
            for number in 10..=15 {
                self.escape(of(Register::new(number)));
            }
        }
        let is_memory = loaded.is_some() || stored.is_some() || is_float_access(instruction.op);
        if is_memory || instruction.op == Op::Jalr {
            return;
        }
        // What turns a known address into something unknown, in a floating-point register too.
        let unknown = matches!(
            state.result(instruction, at, code),
            None | Some(Value::Any | Value::Element(_) | Value::Displaced(_) | Value::Scaled(_))
        );
        if unknown && instruction.flow() == ControlFlow::Next {
            for register in instruction.effects().uses.iter() {
                self.escape(state.get(register));
            }
        }
    }

    fn escape(&mut self, value: Value<'_>) {
        if let Value::Stack(offset) = value {
            self.lowest_slot = Some(self.lowest_slot.map_or(offset, |lowest| lowest.min(offset)));
        }
        self.constants.extend(value.constants().unwrap_or_default());
    }
}

/// The registers that at the start of each block of `function` surely hold what `auipc` left there. It is the address
/// of nothing (psABI, "Code models"): what uses it adds the rest of one. Where jumps may lead anywhere nothing is sure.
fn uppers(program: &Program<'_>, function: FunctionId) -> Vec<RegisterSet> {
    let blocks = &program[function].blocks;
    if !program[function].unbounded_jumps.is_empty() {
        return vec![RegisterSet::EMPTY; blocks.len()];
    }
    let is_entered = |block| program.is_first(block) || program.is_resumption(block);
    let first = |&block: &BlockId| if is_entered(block) { RegisterSet::EMPTY } else { all_registers() };
    let mut at_start: Vec<RegisterSet> = blocks.iter().map(first).collect();
    // What each block leaves of nothing and of everything says what it leaves of anything.
    let leaves = |&block: &BlockId| {
        let instructions = program.blocks.instructions(block, &program.code);
        instructions.fold((RegisterSet::EMPTY, all_registers()), |(none, all), (_, instruction)| {
            (upper_after(&instruction, none), upper_after(&instruction, all))
        })
    };
    let leaves: Vec<(RegisterSet, RegisterSet)> = blocks.iter().map(leaves).collect();
    let mut pending: Vec<usize> = (0..blocks.len()).rev().collect();
    while let Some(index) = pending.pop() {
        let (of_none, of_all) = leaves[index];
        let upper = of_none.union(at_start[index].intersection(of_all));
        for next in program.blocks[blocks[index]].exit.successors() {
            // A function's blocks were found in the order of their ids.
            let Ok(next) = blocks.binary_search(&next) else { continue };
            let known = at_start[next].intersection(upper);
            if std::mem::replace(&mut at_start[next], known) != known {
                pending.push(next);
            }
        }
    }
    at_start
}

fn upper_after(instruction: &Instruction, upper: RegisterSet) -> RegisterSet {
    let defines = instruction.effects().defines;
    if instruction.op == Op::Auipc { upper.union(defines) } else { upper.minus(defines) }
}

/// Whether `op` loads or stores a floating-point register.
pub(super) fn is_float_access(op: Op) -> bool {
    matches!(op, Op::Flw | Op::Fld | Op::Fsw | Op::Fsd)
}

/// Whether `op` is an atomic operation that writes memory at rs1.
pub(super) fn is_atomic_write(op: Op) -> bool {
    (Op::ScW..=Op::AmomaxuW).contains(&op) || (Op::ScD..=Op::AmomaxuD).contains(&op)
}
