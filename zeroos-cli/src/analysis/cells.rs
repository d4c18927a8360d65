//! Who writes memory: stores to constant addresses, and stack slots and global cells whose address gets away, so that
//! stores through unknown pointers may change them. Worked out when first asked for: few programs need it.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::code::{Code, load_size, store_size};
use super::exit::{BlockId, FunctionId};
use super::liveness::Liveness;
use super::pointers::data_addresses;
use super::program::Program;
use super::state::State;
use super::value::Value;
use crate::elf::SymbolKind;
use crate::isa::{Instruction, Op, Register};

/// A store to a constant address.
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

/// All stores and escaping addresses of a program.
pub(super) struct Cells<'p, 'a> {
    program: &'p Program<'a>,
    liveness: &'p Liveness<'p, 'a>,
    memory: OnceCell<Memory>,
    /// By function, the lowest stack offset whose address gets away.
    slots: Vec<OnceCell<Option<i64>>>,
}

/// What is known of global memory.
#[derive(Default)]
struct Memory {
    stores: BTreeMap<u64, Vec<Store>>,
    /// Functions that load from a constant address.
    readers: BTreeMap<u64, Vec<FunctionId>>,
    /// Data addresses that are more than the operand of a load or store, ascending.
    escaped: Vec<u64>,
}

/// What one function does with addresses.
#[derive(Default)]
struct Uses {
    stores: Vec<Store>,
    loads: Vec<u64>,
    escaped: Vec<u64>,
    lowest_slot: Option<i64>,
}

impl<'p, 'a> Cells<'p, 'a> {
    /// Nothing is looked at yet.
    pub fn new(program: &'p Program<'a>, liveness: &'p Liveness<'p, 'a>) -> Cells<'p, 'a> {
        let slots = vec![OnceCell::new(); program.functions.len()];
        Cells { program, liveness, memory: OnceCell::new(), slots }
    }

    /// Whether an unknown pointer may point at the stack slot at `offset` of `function`: the address of this or of a
    /// lower slot is taken, and where the object it belongs to ends is not known.
    pub fn escapes(&self, function: FunctionId, offset: i64) -> bool {
        let lowest = self.slots[function.index()]
            .get_or_init(|| Uses::of_function(self.program, self.liveness, function).lowest_slot);
        lowest.is_some_and(|lowest| lowest <= offset)
    }

    fn memory(&self) -> &Memory {
        self.memory.get_or_init(|| {
            let mut memory = Memory { escaped: data_addresses(&self.program.code), ..Memory::default() };
            for id in self.program.function_ids() {
                let uses = Uses::of_function(self.program, self.liveness, id);
                for store in uses.stores {
                    memory.stores.entry(store.address).or_default().push(store);
                }
                for load in uses.loads {
                    memory.readers.entry(load).or_default().push(id);
                }
                memory.escaped.extend(uses.escaped);
            }
            memory.escaped.sort_unstable();
            memory.escaped.dedup();
            memory
        })
    }

    /// Why an unknown pointer may point at the 8 bytes at `address`; `None` if its address is never taken. Objects are
    /// told apart by symbols; without them the cell itself counts as one.
    pub fn may_alias(&self, address: u64) -> Option<String> {
        let symbols = &self.program.code.elf.symbols;
        let end = symbols.partition_point(|symbol| symbol.address.0 <= address);
        let object = symbols[..end].iter().rev().take(8).find(|symbol| {
            symbol.kind == SymbolKind::Object && address < symbol.address.0.saturating_add(symbol.size.0)
        });
        let (start, end) = object.map_or((address, address.saturating_add(8)), |symbol| {
            (symbol.address.0, symbol.address.0.saturating_add(symbol.size.0.max(1)))
        });
        let escaped = &self.memory().escaped;
        let taken = escaped.get(escaped.partition_point(|&taken| taken < start)).filter(|&&taken| taken < end)?;
        Some(format!("whose address {taken:#x} is taken"))
    }

    /// The stores that touch any of the `size` bytes at `address`.
    pub fn stores_near(&self, address: u64, size: u8) -> impl Iterator<Item = &Store> {
        self.memory()
            .stores
            .range(address.saturating_sub(7)..address.saturating_add(size.into()))
            .flat_map(|(_, stores)| stores)
            .filter(move |store| store.address + u64::from(store.size) > address)
    }

    /// The functions that load from `address` by its number.
    pub fn readers(&self, address: u64) -> &[FunctionId] {
        self.memory().readers.get(&address).map_or(&[], Vec::as_slice)
    }
}

impl Uses {
    fn of_function(program: &Program<'_>, liveness: &Liveness<'_, '_>, function: FunctionId) -> Uses {
        let mut uses = Uses::default();
        for &block in &program[function].blocks {
            let after = program.blocks.visit(block, &program.code, |at, instruction, state| {
                uses.note(block, at, instruction, state, &program.code);
            });
            let exit = &program.blocks[block].exit;
            let handed_on = match (exit.callees().next(), exit.returns) {
                (Some(_), _) => 10..18,
                (None, true) => 10..12,
                (None, false) => 0..0,
            };
            for number in handed_on {
                uses.escape(after.get(Register::new(number)));
            }
            // A pointer that meets another value where paths join is a pointer that is not known any more.
            for next in exit.successors() {
                let known = program.blocks.state(next);
                for register in after.known().intersection(liveness.at_start(next)).iter() {
                    let (before, joined) = (after.get(register), known.get(register));
                    if before != joined && joined.constants().is_none() {
                        uses.escape(before);
                    }
                }
            }
        }
        uses
    }

    fn note<'a>(&mut self, block: BlockId, at: u64, instruction: &Instruction, state: &State<'a>, code: &Code<'a>) {
        let (stored, loaded) = (store_size(instruction.op), load_size(instruction.op));
        if stored.or(loaded).is_some()
            && let Value::Constant(address) = state.address(instruction, code.arena)
        {
            match stored {
                Some(size) => {
                    let (size, register) = (size as u8, instruction.rs2());
                    self.stores.push(Store { address, size, register, block, at });
                }
                None => self.loads.push(address),
            }
        }
        if is_atomic_write(instruction.op) {
            self.escape(state.get(instruction.rs1()));
        }
        if stored.is_some() || is_atomic_write(instruction.op) {
            self.escape(state.get(instruction.rs2()));
        }
        if matches!(instruction.op, Op::Fsw | Op::Fsd) {
            // Floating-point stores are no writers that the search follows.
            self.escape(state.address(instruction, code.arena));
        }
        if instruction.op == Op::Ecall {
            for number in 10..=15 {
                self.escape(state.get(Register::new(number)));
            }
        }
        if loaded.is_some() || stored.is_some() || instruction.op == Op::Jalr {
            return;
        }
        // Arithmetic that turns a known address into something unknown.
        if let Some(Value::Any | Value::Element(_) | Value::Displaced(_)) = state.result(instruction, at, code) {
            for register in instruction.effects().uses.iter() {
                self.escape(state.get(register));
            }
        }
    }

    fn escape(&mut self, value: Value<'_>) {
        if let Value::Stack(offset) = value {
            self.lowest_slot = Some(self.lowest_slot.map_or(offset, |lowest| lowest.min(offset)));
        }
        self.escaped.extend(value.constants().unwrap_or_default());
    }
}

/// Whether `op` is an atomic operation that writes memory at rs1.
pub(super) fn is_atomic_write(op: Op) -> bool {
    (Op::ScW..=Op::AmomaxuW).contains(&op) || (Op::ScD..=Op::AmomaxuD).contains(&op)
}
