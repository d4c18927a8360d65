//! What instructions that do not jump do: to the registers, and what they show of the program besides. Nothing here depends on
//! what else is known of the program, so it can be found out before anything else is.

use super::derived::Derived;
use crate::analysis::code::{Code, load_size, store_size};
use crate::analysis::state::{Convention, State};
use crate::analysis::value::Value;
use crate::elf::ElfKind;
use crate::isa::{Effects, Instruction, Op, Register, RegisterSet};

/// Who wants to know what such instructions show.
pub(in crate::analysis) trait Listener {
    /// The address that the function returns to is handed on: control may go on there some other way.
    fn hands_on_link(&mut self);
    /// An address is made: from the code's own place, from gp or by loading a constant.
    fn makes_address(&mut self);
    /// Writable memory is loaded from or stored to by its number.
    fn accesses(&mut self, address: u64);
    /// An address of writable memory is in a register.
    fn points_at(&mut self, address: u64);
    /// An address of code is computed; from its own place (`auipc`) if it `is_label`.
    fn names_code(&mut self, address: u64, is_label: bool);
    /// Known addresses are operands of arithmetic whose result is not known.
    fn calculates_with(&mut self, addresses: &[u64]);
    /// Addresses in this range, both ends included, may be used.
    fn uses_data(&mut self, lowest: u64, highest: u64);
}

/// Applies an instruction that does not jump, and says what addresses it makes and uses. `derived` already counts it.
pub(in crate::analysis) fn step<'v>(
    (code, convention): (&Code<'v>, Convention),
    (at, instruction, here): (u64, &Instruction, Effects),
    derived: &Derived,
    state: &mut State<'v>,
    listener: &mut impl Listener,
) {
    let uses = here.uses;
    if uses.contains(Register::RA) && hands_on_link(instruction, state, (code, convention)) {
        listener.hands_on_link();
    }
    if knows_nothing(instruction, uses, state) || stays_in_frame(instruction, state, code) {
        if instruction.writes_integer_register() {
            state.apply(instruction, Value::Any);
        }
        return;
    }
    let result = state.result(instruction, at, code);
    let loads = load_size(instruction.op).is_some();
    if loads || store_size(instruction.op).is_some() {
        let address = state.address(instruction, code.arena);
        let constants = address.constants().unwrap_or_default().iter();
        constants.filter(|&&address| code.is_writable(address)).for_each(|&address| listener.accesses(address));
    }
    if code.has_constants() {
        tell_constants(instruction, uses, (state, result), code, listener);
    }
    let Some(value) = result else { return };
    let adds = matches!(instruction.op, Op::Add | Op::Sub | Op::Sh1add | Op::Sh2add | Op::Sh3add);
    if adds && value.constants().is_none() {
        for register in uses.intersection(state.known()).iter() {
            listener.calculates_with(state.get(register).constants().unwrap_or_default());
        }
    }
    state.apply(instruction, value);
    let Some(constants) = value.constants() else { return };
    if instruction.op == Op::Auipc || loads || uses.contains(Register::GP) {
        listener.makes_address();
    }
    if code.elf.kind == ElfKind::StaticPie && derived.from_number.contains(instruction.rd()) {
        return;
    }
    constants.iter().filter(|&&address| code.is_writable(address)).for_each(|&address| listener.points_at(address));
    // Addresses are finished by `addi` or `add` (R_RISCV_LO12_I, R_RISCV_PCREL_LO12_I), by `addiw` where one is written as a
    // number, or loaded whole; `lui` and `auipc` give only their upper part.
    let finishes = matches!(instruction.op, Op::Addi | Op::Add | Op::Sub | Op::Addiw)
        || matches!(instruction.op, Op::Sh1add | Op::Sh2add | Op::Sh3add)
        || instruction.op == Op::Ld;
    if finishes {
        let is_label = derived.from_place.contains(instruction.rd());
        constants
            .iter()
            .filter(|&&address| code.contains(address))
            .for_each(|&address| listener.names_code(address, is_label));
    }
}

/// Whether an instruction that uses ra does more with the address that the function returns to than keep it in its
/// frame: then control may go on there some other way. Go's `mcall` never returns, but stores it where the scheduler
/// later jumps through; a switch of contexts in C stores it and goes on with another one's.
fn hands_on_link<'v>(
    instruction: &Instruction,
    state: &State<'v>,
    (code, convention): (&Code<'v>, Convention),
) -> bool {
    let address = || state.address(instruction, code.arena);
    let in_frame = || instruction.op == Op::Sd && matches!(address(), Value::Stack(_));
    // Compilers for C use ra for other things, too, and store those.
    let stores = || instruction.op == Op::Sd && instruction.rs2() == Register::RA;
    let hands_on = convention == Convention::Go || stores();
    hands_on && state.get(Register::RA) == Value::Any && !in_frame()
}

/// Whether all that the instruction does is to keep something in the frame or to get it from there, which says nothing of any value.
fn stays_in_frame(instruction: &Instruction, state: &State<'_>, code: &Code<'_>) -> bool {
    let loads = load_size(instruction.op).is_some();
    let stores =
        || store_size(instruction.op).is_some() && !(code.has_constants() && state.known().contains(instruction.rs2()));
    (loads || stores()) && matches!(state.get(instruction.rs1()), Value::Stack(_))
}

/// Tells what addresses of constants the instruction makes or uses: exactly if they are known, otherwise all that a
/// displacement can reach from a known operand.
fn tell_constants<'v>(
    instruction: &Instruction,
    uses: RegisterSet,
    (state, result): (&State<'v>, Option<Value<'v>>),
    code: &Code<'v>,
    listener: &mut impl Listener,
) {
    let accesses = load_size(instruction.op).or(store_size(instruction.op)).is_some();
    let exact = match result {
        _ if accesses => state.address(instruction, code.arena),
        Some(value) => value,
        None => Value::Any,
    };
    if let Some(constants) = exact.constants() {
        let finished = !matches!(instruction.op, Op::Lui | Op::Auipc);
        let near = constants.iter().filter(|&&address| finished && code.is_near_constants(address));
        near.for_each(|&address| listener.uses_data(address, address));
        return;
    }
    for register in uses.intersection(state.known()).iter() {
        let value = state.get(register);
        let base = match value {
            Value::Element(table) => std::slice::from_ref(&table.base),
            Value::Displaced(displaced) => std::slice::from_ref(&displaced.base),
            _ => value.constants().unwrap_or_default(),
        };
        let reach = Code::DISPLACEMENT;
        for address in base.iter().filter(|&&address| code.is_near_constants(address)) {
            listener.uses_data(address.saturating_sub(reach), address.saturating_add(reach));
        }
    }
}

/// Whether it is certain without looking closer that nothing is known of what `instruction` makes and of where it reads
/// or writes: it takes registers, of none of which anything is known. Masks and shifts always say something.
fn knows_nothing(instruction: &Instruction, uses: RegisterSet, state: &State<'_>) -> bool {
    let says_something = matches!(
        instruction.op,
        Op::Andi
            | Op::Slli
            | Op::SlliUw
            | Op::Sh1add
            | Op::Sh2add
            | Op::Sh3add
            | Op::Sh1addUw
            | Op::Sh2addUw
            | Op::Sh3addUw
    );
    !uses.is_empty() && uses.intersection(state.known()).is_empty() && instruction.rs1 != 0 && !says_something
}
