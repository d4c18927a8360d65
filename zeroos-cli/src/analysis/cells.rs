//! Who writes memory: stores to constant addresses, and stack slots and global cells whose address gets away, so that
//! stores through unknown pointers may change them.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Code, load_size, store_size};
use super::flow::BlockId;
use super::liveness::{Liveness, returned};
use super::pointers::data_addresses;
use super::program::Program;
use super::state::{Convention, State};
use super::value::Value;
use crate::elf::SymbolKind;
use crate::isa::{Instruction, Op, Register, RegisterSet};

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
#[derive(Default)]
pub(super) struct Cells {
    stores: BTreeMap<u64, Vec<Store>>,
    /// Data addresses that are more than the operand of a load or store.
    escaped: BTreeSet<u64>,
    /// Lowest escaped stack offset by function.
    escaped_slots: BTreeMap<u64, i64>,
}

impl Cells {
    /// Collects them from all reachable code.
    pub fn new(program: &Program<'_>, liveness: &Liveness<'_, '_>) -> Cells {
        let mut cells = Cells { escaped: data_addresses(&program.code), ..Cells::default() };
        for (&entry, function) in &program.functions {
            for (&start, block) in &function.blocks {
                let id = BlockId { function: entry, start };
                let after = function.visit(start, &program.code, |at, instruction, state| {
                    cells.note(id, at, instruction, state, &program.code);
                });
                let Some(after) = after else { continue };
                let leaves = block.exit.call.is_some() || block.exit.tail.is_some();
                let handed_on = match (program.convention, leaves, block.exit.returns) {
                    (Convention::Go, true, _) => {
                        let callees = block.exit.call.iter().chain(&block.exit.tail);
                        callees.fold(RegisterSet::EMPTY, |all, callee| all.union(liveness.read_by(callee)))
                    }
                    (Convention::Go, false, true) => returned(Convention::Go),
                    (_, true, _) => (10..18).fold(RegisterSet::EMPTY, |set, number| set.with(Register::new(number))),
                    (_, false, true) => RegisterSet::of(&[Register::A0, Register::new(11)]),
                    (_, false, false) => RegisterSet::EMPTY,
                };
                for register in handed_on.without(Register::SP).iter() {
                    cells.escape(entry, after.value(register));
                }
                // A pointer that meets another value where paths join is a pointer that is not known any more.
                for &next in &block.exit.successors {
                    let Some(known) = function.blocks.get(&next).map(|block| block.entry.state()) else { continue };
                    for register in liveness.at_start(BlockId { function: entry, start: next }).iter() {
                        let (before, joined) = (after.value(register), known.value(register));
                        if before != joined && joined.constants().is_none() {
                            cells.escape(entry, before);
                        }
                    }
                }
            }
        }
        cells
    }

    fn note(&mut self, block: BlockId, at: u64, instruction: &Instruction, state: &State, code: &Code<'_>) {
        let stores = store_size(instruction.op);
        if let (Some(size), Value::Constant(address)) = (stores, state.address(instruction)) {
            let store = Store { address, size: size as u8, register: instruction.rs2(), block, at };
            self.stores.entry(address).or_default().push(store);
        }
        if is_atomic_write(instruction.op) {
            self.escape(block.function, &state.get(instruction.rs1()));
        }
        if stores.is_some() || is_atomic_write(instruction.op) {
            self.escape(block.function, &state.get(instruction.rs2()));
        }
        if matches!(instruction.op, Op::Fsw | Op::Fsd) {
            // Floating-point stores are no writers that the search follows.
            self.escape(block.function, &state.address(instruction));
        }
        if instruction.op == Op::Ecall {
            for number in 10..=15 {
                self.escape(block.function, &state.get(Register::new(number)));
            }
        }
        if load_size(instruction.op).is_some() || stores.is_some() || instruction.op == Op::Jalr {
            return;
        }
        // Arithmetic that turns a known address into something unknown.
        if let Some(Value::Any | Value::Element(_) | Value::Displaced(..)) = state.result(instruction, at, code) {
            for register in instruction.effects().uses.iter() {
                self.escape(block.function, &state.get(register));
            }
        }
    }

    fn escape(&mut self, function: u64, value: &Value) {
        if let Value::Stack(offset) = value {
            let lowest = self.escaped_slots.entry(function).or_insert(*offset);
            *lowest = (*lowest).min(*offset);
        }
        self.escaped.extend(value.constants().unwrap_or_default());
    }

    /// Whether an unknown pointer may point at the stack slot at `offset` of `function`: the address of this or of a
    /// lower slot is taken, and where the object it belongs to ends is not known.
    pub fn escapes(&self, function: u64, offset: i64) -> bool {
        self.escaped_slots.get(&function).is_some_and(|&lowest| lowest <= offset)
    }

    /// Why an unknown pointer may point at the 8 bytes at `address`; `None` if its address is never taken. Objects are
    /// told apart by symbols; without them the cell itself counts as one.
    pub fn may_alias(&self, program: &Program<'_>, address: u64) -> Option<String> {
        let symbols = &program.code.elf.symbols;
        let end = symbols.partition_point(|symbol| symbol.address.0 <= address);
        let object = symbols[..end].iter().rev().take(8).find(|symbol| {
            symbol.kind == SymbolKind::Object && address < symbol.address.0.saturating_add(symbol.size.0)
        });
        let (start, end) = object.map_or((address, address.saturating_add(8)), |symbol| {
            (symbol.address.0, symbol.address.0.saturating_add(symbol.size.0.max(1)))
        });
        let taken = self.escaped.range(start..end).next()?;
        Some(format!("whose address {taken:#x} is taken"))
    }

    /// The stores that touch any of the `size` bytes at `address`.
    pub fn stores_near(&self, address: u64, size: u8) -> impl Iterator<Item = &Store> {
        self.stores
            .range(address.saturating_sub(7)..address.saturating_add(size.into()))
            .flat_map(|(_, stores)| stores)
            .filter(move |store| store.address + u64::from(store.size) > address)
    }
}

/// Whether `op` is an atomic operation that writes memory at rs1.
pub(super) fn is_atomic_write(op: Op) -> bool {
    (Op::ScW..=Op::AmomaxuW).contains(&op) || (Op::ScD..=Op::AmomaxuD).contains(&op)
}
