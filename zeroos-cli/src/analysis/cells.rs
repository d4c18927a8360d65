//! Who writes memory: stores to constant addresses, and stack slots and global cells whose address gets away, so that
//! stores through unknown pointers may change them.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Code, store_size};
use super::flow::BlockId;
use super::program::Program;
use super::value::Value;
use crate::elf::SymbolKind;
use crate::isa::{Op, Register};

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
    pub fn new(program: &Program<'_>) -> Cells {
        let mut cells = Cells::default();
        for (&entry, function) in &program.functions {
            for &start in function.blocks.keys() {
                let block = BlockId { function: entry, start };
                for (at, instruction, state) in function.walk(start, &program.code) {
                    if let (Some(size), Value::Constant(address)) =
                        (store_size(instruction.op), state.address(&instruction))
                    {
                        let store = Store { address, size: size as u8, register: instruction.rs2(), block, at };
                        cells.stores.entry(address).or_default().push(store);
                    }
                    if is_atomic_write(instruction.op)
                        && let Value::Constant(address) = state.address(&instruction)
                    {
                        cells.escaped.insert(address);
                    }
                    let computes = matches!(instruction.op, Op::Addi | Op::Add | Op::Sub | Op::Ld);
                    if !computes || matches!(instruction.rd(), Register::SP | Register::GP) {
                        continue;
                    }
                    match state.result(&instruction, at, &program.code) {
                        Some(Value::Constant(address)) => {
                            cells.escaped.insert(address);
                        }
                        Some(Value::Stack(offset)) => {
                            let lowest = cells.escaped_slots.entry(entry).or_insert(offset);
                            *lowest = (*lowest).min(offset);
                        }
                        _ => {}
                    }
                }
            }
        }
        let relocated = program.code.elf.relocations.iter().map(|relocation| relocation.addend.0);
        cells.escaped.extend(relocated);
        cells
    }

    /// Whether an unknown pointer may point at the stack slot at `offset` of `function`: the address of this or of a
    /// lower slot is taken, and where the object it belongs to ends is not known.
    pub fn escapes(&self, function: u64, offset: i64) -> bool {
        self.escaped_slots.get(&function).is_some_and(|&lowest| lowest <= offset)
    }

    /// Why an unknown pointer may point at the 8 bytes at `address`; `None` if its address is never taken. Objects are
    /// told apart by symbols; without them the cell itself counts as one.
    pub fn may_alias(&self, code: &Code<'_>, address: u64) -> Option<String> {
        let symbols = &code.elf.symbols;
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
