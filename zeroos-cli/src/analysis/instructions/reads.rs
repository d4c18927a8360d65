//! What reachable code may read of the text itself: literals among code, by `auipc` and a load, by `lui` and one, or by an
//! address that it calculates with.

use crate::address::{Address, AddressRange, ByteCount};
use crate::analysis::code::{Code, load_size, store_size};
use crate::analysis::program::Program;
use crate::analysis::state::State;
use crate::analysis::value::Value;
use crate::isa::{Instruction, Op};

/// What one load reads at most, bytes.
const WIDEST: u64 = 8;

/// See [`CodeListing::read`](super::CodeListing::read).
pub(super) fn of_text(program: &Program<'_>) -> Vec<AddressRange> {
    let code = &program.code;
    let near: Vec<AddressRange> = code
        .elf
        .segments
        .iter()
        .filter(|segment| segment.permissions.execute)
        .filter_map(|segment| around(segment.range.start(), segment.range.end()))
        .collect();
    let is_near = |address: u64| near.iter().any(|range| range.contains(Address(address)));
    let mut found = Vec::new();
    for block in program.blocks.ids() {
        program
            .blocks
            .visit(block, code, |at, instruction, state| note(at, instruction, state, code, is_near, &mut found));
    }
    AddressRange::joined(found)
}

fn note<'v>(
    at: u64,
    instruction: &Instruction,
    state: &State<'v>,
    code: &Code<'v>,
    is_near: impl Fn(u64) -> bool,
    found: &mut Vec<AddressRange>,
) {
    for register in instruction.effects().uses.intersection(state.known()).iter() {
        let value = state.get(register);
        let bases = match &value {
            Value::Element(table) => std::slice::from_ref(&table.base),
            value => value.constants().unwrap_or_default(),
        };
        for &base in bases.iter().filter(|&&base| is_near(base)) {
            found.extend(if accesses_memory(instruction.op) && register == instruction.rs1() {
                let address = base.wrapping_add_signed(instruction.immediate.into());
                match value.constants() {
                    Some(_) => AddressRange::new(Address(address), ByteCount(WIDEST)),
                    None => around(Address(address), Address(address)),
                }
            } else {
                let is_lost = |result: Value<'v>| result.constants().is_none();
                let is_lost = state.result(instruction, at, code).is_some_and(is_lost);
                around(Address(base), Address(base)).filter(|_| is_lost)
            });
        }
    }
}

/// Whether it loads or stores at rs1 and its immediate.
fn accesses_memory(op: Op) -> bool {
    load_size(op).or(store_size(op)).is_some()
        || matches!(op, Op::Flw | Op::Fsw | Op::Fld | Op::Fsd)
        || (Op::LrW..=Op::AmomaxuD).contains(&op)
}

/// From `start` to `end`, and what a displacement reaches from there.
fn around(start: Address, end: Address) -> Option<AddressRange> {
    let reach = Code::DISPLACEMENT + WIDEST;
    AddressRange::between(Address(start.0.saturating_sub(reach)), Address(end.0.saturating_add(reach)))
}
