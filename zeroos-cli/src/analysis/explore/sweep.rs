//! Functions of Go looked at once, from front to back, whatever their branches do: enough to say where they lead and which
//! addresses they make, in a fraction of the time. Nothing that exploring such a function finds is missing, since all
//! instructions between its start and its end count, on whatever path: what is known of a register is what the last
//! instructions made of it. What does more than compiled code does is not swept but explored, and so is
//! whatever turns out to matter for the number of some `ecall`: a few functions in a hundred.

use super::derived::Derived;
use super::{Explorer, finishes_address};
use crate::analysis::blocks::LONGEST;
use crate::analysis::cells::is_float_access;
use crate::analysis::code::{Code, load_size, store_size};
use crate::analysis::exit::Exit;
use crate::analysis::result::ProgramFeatures;
use crate::analysis::state::State;
use crate::elf::ElfKind;
use crate::isa::{self, ControlFlow, Effects, Instruction, Op, Register, RegisterSet};

/// What was found in one function.
#[derive(Default)]
pub(in crate::analysis) struct Sweep<'v> {
    /// A bit for each halfword from the start on, set where control may go.
    starts: Vec<u64>,
    /// Where jumps and branches inside the function go.
    targets: Vec<u64>,
    called: Vec<u64>,
    tails: Vec<u64>,
    /// Room for [`keep_first`].
    order: Vec<(u64, usize)>,
    calls_unknown: bool,
    returns: bool,
    writes: RegisterSet,
    features: ProgramFeatures,
    makes_addresses: bool,
    references: Vec<u64>,
    labels: Vec<u64>,
    /// Addresses of writable memory that are in a register.
    pointers: Vec<u64>,
    /// Those that are loaded from or stored to by their number.
    accesses: Vec<u64>,
    /// What is known where the sweep is, of registers that a few instructions made.
    state: State<'v>,
    derived: Derived,
    /// Registers that `auipc` made: alone their values are addresses of nothing (psABI, "Code models").
    uppers: RegisterSet,
    /// Registers that may be an element of a table of which something is known.
    indexed: RegisterSet,
    /// Registers loaded from the variables.
    from_variable: RegisterSet,
    variables: [u64; 32],
}

impl<'v> Explorer<'_, 'v> {
    /// Sweeps the function, if that is enough; whether it was.
    pub fn sweep(&mut self, sweep: &mut Sweep<'v>) -> bool {
        let extent = self.exploration.extent.clone();
        let is_new = self.exploration.jumps().is_none() && self.function.blocks.is_empty();
        let may_be = is_new && !self.exploration.is_wanted && self.code.go.is_start(extent.start);
        let Some(end) = may_be.then(|| sweep.run(self)).flatten() else { return false };
        let mut exit = Exit::default();
        for (list, is_tail) in [(&mut sweep.called, false), (&mut sweep.tails, true)] {
            keep_first(list, &mut sweep.order);
            for &target in &*list {
                let callee = self.surroundings.entered_at(target, self.code);
                match is_tail {
                    true => {
                        self.found.tails.extend(callee);
                        exit.add_tail(callee, false);
                    }
                    false => {
                        callee.into_iter().for_each(|callee| self.surroundings.set_certain(callee));
                        exit.add_call(callee, false);
                    }
                }
            }
        }
        if sweep.calls_unknown {
            exit.add_call(None, true);
        }
        if sweep.returns {
            exit.set_returns();
        }
        self.exploration.returns |= sweep.returns;
        self.function.makes_addresses |= sweep.makes_addresses;
        self.found.features.add(&sweep.features);
        let block = self.blocks.add_swept(self.id, extent.start..end, exit, sweep.writes);
        self.function.blocks.push(block);
        self.found.pointers.extend(sweep.pointers.iter().map(|&address| (address, self.id)));
        self.found.accesses.extend(sweep.accesses.iter().map(|&address| (address, block)));
        for (found, all) in [(&sweep.references, &mut self.found.references), (&sweep.labels, &mut self.found.labels)] {
            all.extend(found.iter().filter(|&&address| self.function.code_references.insert(address)));
        }
        true
    }
}

impl<'v> Sweep<'v> {
    /// Looks at all instructions; behind the last one, unless the function has to be explored.
    fn run(&mut self, explorer: &Explorer<'_, 'v>) -> Option<u64> {
        let (code, extent) = (explorer.code, &explorer.exploration.extent);
        let bytes = extent.end.checked_sub(extent.start).filter(|&bytes| bytes < LONGEST)?;
        self.clear(bytes);
        let mut cursor = code.instructions_from(extent.start);
        // What lies between functions need not be code.
        cursor.met_halves = None;
        // Whether control does not run on behind the last instruction, `nop`s left out; whether that calls; whether ra was kept.
        let (mut ends, mut calls, mut keeps_link) = (false, false, false);
        // What the instruction before made, if it was `auipc`.
        let mut upper: Option<(Register, u64)> = None;
        while cursor.at < extent.end {
            let at = cursor.at;
            let Some((_, instruction)) = cursor.next() else { break };
            let here = instruction.effects();
            let far = upper.take().filter(|&(register, _)| register == instruction.rs1());
            self.writes = self.writes.union(here.defines);
            self.features.note(&instruction, at);
            self.set_start(at - extent.start, true);
            match here.flow {
                ControlFlow::Next => {
                    if here.uses.union(here.defines).contains(Register::RA) {
                        if !is_link_in_frame(&instruction) {
                            return None;
                        }
                        keeps_link |= instruction.op == Op::Sd;
                    }
                    let adds = matches!(instruction.op, Op::Addi | Op::Add | Op::Sub);
                    if here.defines.contains(Register::SP) && !(adds && instruction.rs1() == Register::SP) {
                        return None;
                    }
                    ends &= calls && is_nop(&instruction);
                    self.step(&instruction, here, at, code);
                    if instruction.op == Op::Auipc {
                        upper = Some((instruction.rd(), at.wrapping_add_signed(instruction.immediate.into())));
                    }
                    continue;
                }
                ControlFlow::Branch(offset) => {
                    self.targets.push(at.wrapping_add_signed(offset.into()));
                    ends = false;
                    self.forget();
                    continue;
                }
                ControlFlow::Jump(offset) => {
                    let target = at.wrapping_add_signed(offset.into());
                    self.jump(&instruction, target, extent.contains(&target))?;
                }
                ControlFlow::IndirectJump => match far {
                    // Control that came from elsewhere would find something else in the register.
                    Some((_, place)) => {
                        self.set_start(at - extent.start, false);
                        let target = place.wrapping_add_signed(instruction.immediate.into());
                        if extent.contains(&target) {
                            return None;
                        }
                        self.jump(&instruction, target, false)?;
                    }
                    None => self.indirect_jump(&instruction, code)?,
                },
                ControlFlow::Trap => {}
                ControlFlow::EnvironmentCall => return None,
            }
            calls = instruction.rd() != Register::ZERO && here.flow != ControlFlow::Trap;
            if calls && explorer.surroundings.landing_pad(at).is_some() {
                return None;
            }
            ends = true;
            self.forget();
        }
        let resumption = explorer.surroundings.resumption(extent.start);
        let mut targets = self.targets.iter().copied().chain(resumption);
        // That instructions are whole words may be wrong.
        let is_half = code.whole_words && cursor.at < extent.end && isa::decode(cursor.rest).is_some();
        // Behind what is no instruction control does not get.
        let ends = cursor.at < extent.end || ends && (!calls || code.go.is_boundary(extent.end));
        // What keeps its link and never returns may hand it on, see `hands_on_link`.
        let returns = self.returns || !self.tails.is_empty() || !keeps_link;
        let is_whole = cursor.at <= extent.end
            && ends
            && returns
            && !is_half
            && targets.all(|target| self.is_start(target.wrapping_sub(extent.start)))
            && self.called.iter().chain(&self.tails).all(|&target| code.contains(target));
        is_whole.then_some(cursor.at)
    }

    fn clear(&mut self, bytes: u64) {
        self.starts.clear();
        self.starts.resize((bytes / 128) as usize + 1, 0);
        for list in [&mut self.targets, &mut self.called, &mut self.tails, &mut self.references, &mut self.labels] {
            list.clear();
        }
        self.pointers.clear();
        self.accesses.clear();
        self.forget();
        (self.calls_unknown, self.returns, self.makes_addresses) = (false, false, false);
        (self.writes, self.features) = (RegisterSet::EMPTY, ProgramFeatures::default());
    }

    /// What follows is reached from elsewhere, or by a call that comes back.
    fn forget(&mut self) {
        self.state.forget();
        (self.uppers, self.indexed, self.from_variable) = (RegisterSet::EMPTY, RegisterSet::EMPTY, RegisterSet::EMPTY);
    }

    fn set_start(&mut self, offset: u64, is_start: bool) {
        if let Some(word) = self.starts.get_mut((offset / 128) as usize) {
            let bit = 1 << (offset / 2 % 64);
            *word = if is_start { *word | bit } else { *word & !bit };
        }
    }

    fn is_start(&self, offset: u64) -> bool {
        let word = self.starts.get((offset / 128) as usize);
        offset.is_multiple_of(2) && word.is_some_and(|word| word >> (offset / 2 % 64) & 1 != 0)
    }

    /// A jump or call to `target`, which may be inside the function; `None` if it is of a kind that is not swept.
    fn jump(&mut self, instruction: &Instruction, target: u64, is_inside: bool) -> Option<()> {
        match instruction.rd() {
            Register::ZERO if is_inside => self.targets.push(target),
            Register::ZERO => self.tails.push(target),
            // `morestack` is called with the link in t0.
            Register::RA | Register::T0 => {
                self.makes_addresses |= is_inside || instruction.rd() == Register::T0;
                self.called.push(target);
            }
            _ => return None,
        }
        Some(())
    }

    /// The same for a return or a call through a pointer.
    fn indirect_jump(&mut self, instruction: &Instruction, code: &Code<'v>) -> Option<()> {
        let base = instruction.rs1();
        match instruction.rd() {
            Register::ZERO if base == Register::RA && instruction.immediate == 0 => {
                self.returns = true;
            }
            Register::RA if base != Register::RA && !self.state.known().union(self.indexed).contains(base) => {
                self.calls_unknown = true;
                if self.from_variable.contains(base) {
                    // What lies in the variable from the start is an address, whatever it looks like.
                    let variable = self.variables[usize::from(base.number())];
                    let target = code.initial_load(Op::Ld, variable);
                    self.labels.extend(target.filter(|&target| code.contains(target)));
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Applies an instruction that does not jump, and notes the addresses that it makes and uses.
    fn step(&mut self, instruction: &Instruction, here: Effects, at: u64, code: &Code<'v>) {
        self.from_variable = self.from_variable.minus(here.defines);
        let is_indexed = !here.uses.intersection(self.indexed).is_empty();
        self.indexed = self.indexed.minus(here.defines);
        if is_indexed {
            self.indexed = self.indexed.union(here.defines);
        }
        if !here.uses.is_empty() && here.uses.intersection(self.state.known()).is_empty() {
            self.state.lose(here.defines);
            return;
        }
        self.derived.step(instruction, here, &self.state);
        if matches!(instruction.op, Op::Fsw | Op::Fsd) {
            // Who may write where is asked of those that have the address.
            let address = self.state.address(instruction, code.arena);
            self.pointers.extend(address.constants().unwrap_or_default().iter().filter(|&&at| code.is_writable(at)));
        }
        if load_size(instruction.op).or(store_size(instruction.op)).is_some() {
            let address = self.state.address(instruction, code.arena);
            if let Some(address) = address.constant().filter(|_| instruction.op == Op::Ld) {
                self.from_variable = self.from_variable.union(here.defines);
                self.variables[usize::from(instruction.rd().number())] = address;
            }
            let constants = address.constants().unwrap_or_default().iter();
            self.accesses.extend(constants.filter(|&&address| code.is_writable(address)));
        }
        let result = self.state.result(instruction, at, code);
        let is_memory = load_size(instruction.op).or(store_size(instruction.op)).is_some();
        let uppers = here.uses.intersection(self.uppers);
        self.uppers = self.uppers.minus(here.defines);
        // Of two operands one may be known only on the way by which the sweep comes.
        let joins = result.is_none_or(|value| value.constants().is_none()) || here.uses.len() > 1;
        if joins && !is_memory && !is_float_access(instruction.op) {
            self.indexed = self.indexed.union(here.defines);
            // What else is added to it may make it the address of anything around.
            for register in uppers.iter() {
                let upper = self.state.get(register).constant();
                self.pointers.extend(upper.filter(|&address| code.is_writable(address)));
            }
        }
        let Some(value) = result else { return };
        self.state.apply(instruction, value);
        let Some(constants) = value.constants() else { return };
        self.makes_addresses |=
            instruction.op == Op::Auipc || load_size(instruction.op).is_some() || here.uses.contains(Register::GP);
        let is_number = self.derived.from_number.contains(instruction.rd());
        if code.elf.kind == ElfKind::StaticPie && is_number {
            return;
        }
        if instruction.op == Op::Auipc {
            self.uppers = self.uppers.union(here.defines);
            return;
        }
        self.pointers.extend(constants.iter().filter(|&&address| code.is_writable(address)));
        if finishes_address(instruction.op) {
            let from_place = self.derived.from_place.contains(instruction.rd());
            let list = if from_place { &mut self.labels } else { &mut self.references };
            list.extend(constants.iter().filter(|&&address| code.contains(address)));
        }
    }
}

/// Drops what is in the list again.
fn keep_first(list: &mut Vec<u64>, order: &mut Vec<(u64, usize)>) {
    order.clear();
    order.extend(list.iter().copied().zip(0..));
    order.sort_unstable();
    order.dedup_by_key(|&mut (target, _)| target);
    order.sort_unstable_by_key(|&(_, place)| place);
    list.clear();
    list.extend(order.iter().map(|&(target, _)| target));
}

/// What stands behind a call that never comes back, so that its link still belongs to the function.
pub(super) fn is_nop(instruction: &Instruction) -> bool {
    instruction.op == Op::Addi && instruction.rd() == Register::ZERO
}

/// Whether the instruction, which uses or changes ra, just keeps it in the frame or gets it from there.
fn is_link_in_frame(instruction: &Instruction) -> bool {
    let (stored, loaded) = (instruction.op == Op::Sd, instruction.op == Op::Ld);
    let is_link = stored && instruction.rs2() == Register::RA || loaded && instruction.rd() == Register::RA;
    is_link && instruction.rs1() == Register::SP
}
