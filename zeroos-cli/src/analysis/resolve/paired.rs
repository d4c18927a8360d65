//! Arguments that go together with the function they are for: a callback and its context. Where both are parameters of the
//! function that makes the call, only those of its callers count that hand it this callback. Where both are variables, only
//! what was stored together with it (musl's `__synccall`, which has all threads call `do_setxid`, or `do_setrlimit`).
//!
//! In an image threads change and signals come in calls of the kernel only, so nothing comes between two stores, or two loads,
//! of a block without an `ecall`.

use std::collections::{BTreeMap, BTreeSet};

use super::{Place, Search, Words};
use crate::analysis::cells::Store;
use crate::analysis::exit::{BlockId, FunctionId};
use crate::analysis::flow::caller_saved;
use crate::analysis::state::State;
use crate::analysis::value::Value;
use crate::analysis::word::Word;
use crate::isa::{ControlFlow, Op, Register};

/// Where the value of a register comes from, on all paths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// It was in this register when the function was entered.
    Parameter(Register),
    /// The instruction at `at` in `block` loaded it from the eight bytes at `variable`.
    Variable { variable: u64, block: BlockId, at: u64 },
}

/// A block, the address of an instruction there, a register before that, and the value that is asked for.
pub(super) type Sought = (BlockId, u64, Register, Option<u64>);

impl<'a> Search<'_, 'a> {
    /// What is in `place` where `caller` ends in a call of the function at `entry` through a pointer, if pointer and place go
    /// together; `None` if that is not known.
    pub(super) fn paired(&mut self, caller: BlockId, entry: u64, place: Place) -> Option<Words> {
        let Place::Register(register) = place else { return None };
        let steps = self.steps(caller);
        let (at, last, _) = steps.last()?;
        if last.op != Op::Jalr || last.immediate != 0 {
            return None;
        }
        match (self.source(caller, *at, last.rs1(), Some(entry))?, self.source(caller, *at, register, None)?) {
            (Source::Parameter(pointer), Source::Parameter(argument)) => {
                self.passed_together(self.program.blocks[caller].function, entry, pointer, argument)
            }
            // Loaded where the call is made, one right after the other: not in an earlier round of a loop.
            (
                Source::Variable { variable: pointer, block, at },
                Source::Variable { variable: argument, block: other, at: other_at },
            ) if (block, other) == (caller, caller) && self.is_without_call(block, at, other_at) => {
                self.stored_together(entry, pointer, argument, block)
            }
            _ => None,
        }
    }

    /// What callers of `function` hand it in the register `argument`, those left out that surely hand it no pointer to the
    /// function at `entry` in `pointer`.
    fn passed_together(
        &mut self,
        function: FunctionId,
        entry: u64,
        pointer: Register,
        argument: Register,
    ) -> Option<Words> {
        if self.program[function].entry == self.program.code.elf.entry.0 {
            return None;
        }
        let through_pointers = self.pointer_callers(function).ok()?;
        let mut words = Words::new();
        for caller in self.flow.callers(function).chain(through_pointers.iter().copied()) {
            if self.state_at_call(caller, function).is_none_or(|state| may_be(&state, pointer, entry)) {
                words.append(&mut self.at_call_from(caller, function, Place::Register(argument)));
            }
        }
        Some(words)
    }

    /// What is in the variable `argument` when the variable `pointer` holds the function at `entry`, if it is only ever stored
    /// together with that one, which may be given another function besides. They are loaded in `loaded_in`.
    fn stored_together(&mut self, entry: u64, pointer: u64, argument: u64, loaded_in: BlockId) -> Option<Words> {
        let (cells, code) = (self.cells, &self.program.code);
        if pointer.abs_diff(argument) < 8 || [pointer, argument].iter().any(|&at| cells.may_alias(at).is_some()) {
            return None;
        }
        let mut words = Words::new();
        if code.initial_load(Op::Ld, pointer)? & !1 == entry {
            words.insert(Word::exact(code.initial_load(Op::Ld, argument)?));
        }
        let [pointers, arguments] = [pointer, argument].map(|address| cells.stores_near(address, 8));
        let mut are_whole = |stores: &[Store], address| {
            stores.iter().all(|store| {
                (store.address, store.size) == (address, 8)
                    && store.block != loaded_in
                    && self.is_surely_to(store, address)
            })
        };
        if !are_whole(&pointers, pointer) || !are_whole(&arguments, argument) {
            return None;
        }
        let mut pairs: BTreeMap<BlockId, (&Store, Option<&Store>)> = BTreeMap::new();
        for store in &pointers {
            if pairs.insert(store.block, (store, None)).is_some() {
                return None;
            }
        }
        for store in &arguments {
            let (with, own) = pairs.get_mut(&store.block)?;
            if own.replace(store).is_some() || !self.is_without_call(store.block, with.at, store.at) {
                return None;
            }
        }
        for (one, other) in pairs.into_values() {
            let steps = self.steps(one.block);
            let (.., state) = steps.iter().find(|(at, ..)| *at == one.at)?;
            if !may_be(&state.state(), one.register, entry) {
                continue;
            }
            let other = other?;
            let sources = (
                self.source(one.block, one.at, one.register, Some(entry)),
                self.source(other.block, other.at, other.register, None),
            );
            let passed = match sources {
                (Some(Source::Parameter(pointer)), Some(Source::Parameter(argument))) => {
                    self.passed_together(self.program.blocks[one.block].function, entry, pointer, argument)
                }
                _ => None,
            };
            let stored = || Place::Register(other.register);
            words.append(&mut passed.unwrap_or_else(|| self.before(other.block, other.at, stored())));
        }
        Some(words)
    }

    /// Whether `store` goes to `address` whenever it is executed.
    fn is_surely_to(&mut self, store: &Store, address: u64) -> bool {
        let steps = self.steps(store.block);
        let step = steps.iter().find(|(at, ..)| *at == store.at);
        step.is_some_and(|(_, instruction, state)| {
            state.state().address(instruction, self.program.code.arena).constant() == Some(address)
        })
    }

    /// Whether no `ecall` lies between the instructions at `one` and `other` of `block`.
    fn is_without_call(&mut self, block: BlockId, one: u64, other: u64) -> bool {
        let between = one.min(other)..one.max(other);
        !self.steps(block).iter().any(|(at, instruction, _)| between.contains(at) && instruction.op == Op::Ecall)
    }

    /// Where the value that `register` has right before the instruction at `at` of `block` comes from, if that is the same
    /// on all paths and nothing but copies lies between. Paths on which it is surely not `wanted`, if that is given, do not
    /// count.
    fn source(&mut self, block: BlockId, at: u64, register: Register, wanted: Option<u64>) -> Option<Source> {
        let key = (block, at, register, wanted);
        if let Some(&known) = self.sources.get(&key) {
            return known;
        }
        let found = self.find_source(key);
        self.sources.insert(key, found);
        found
    }

    fn find_source(&mut self, (block, at, register, wanted): Sought) -> Option<Source> {
        let (program, flow) = (self.program, self.flow);
        let mut found = None;
        let mut seen = BTreeSet::new();
        let count = self.steps(block).partition_point(|&(address, ..)| address < at);
        let mut work = vec![(block, count, register)];
        while let Some((block, count, register)) = work.pop() {
            let source = match self.copied_from(block, count, register, wanted) {
                Copied::Never => return None,
                Copied::NotWanted => None,
                Copied::Loaded(source) => Some(source),
                Copied::Start(register) => {
                    if !seen.insert((block, register)) {
                        continue;
                    }
                    if program.is_resumption(block) {
                        return None;
                    }
                    for &before in flow.predecessors(block) {
                        let steps = self.steps(before).len();
                        let Some(callee) = program.blocks[before].exit.call() else {
                            work.push((before, steps, register));
                            continue;
                        };
                        let is_broken = callee.known().any(|target| flow.broken(target).contains(register))
                            || callee.unknown && flow.broken_by_pointer().contains(register);
                        if is_broken || caller_saved(program.convention).contains(register) {
                            return None;
                        }
                        work.push((before, steps.saturating_sub(1), register));
                    }
                    program.is_first(block).then_some(Source::Parameter(register))
                }
            };
            match (found, source) {
                (_, None) => {}
                (None, _) => found = source,
                _ if found == source => {}
                _ => return None,
            }
        }
        found
    }

    /// Where the first `count` steps of `block` have the value of `register` from.
    fn copied_from(&mut self, block: BlockId, count: usize, mut register: Register, wanted: Option<u64>) -> Copied {
        let steps = self.steps(block);
        for (at, instruction, state) in steps[..count].iter().rev() {
            let changes = instruction.effects().defines.contains(register)
                || instruction.op == Op::Ecall && register == Register::A0;
            if !changes {
                continue;
            }
            if let Some(copied) = instruction.copied_register().filter(|&copied| copied != Register::ZERO) {
                register = copied;
                continue;
            }
            let (state, code) = (state.state(), &self.program.code);
            let result = state.result(instruction, *at, code);
            let constants = result.as_ref().and_then(Value::constants).filter(|_| instruction.op != Op::Ecall);
            if let (Some(constants), Some(wanted)) = (constants, wanted)
                && !leads_to(constants, wanted)
            {
                return Copied::NotWanted;
            }
            return match state.address(instruction, code.arena).constant() {
                Some(variable) if instruction.op == Op::Ld => {
                    Copied::Loaded(Source::Variable { variable, block, at: *at })
                }
                _ => Copied::Never,
            };
        }
        Copied::Start(register)
    }

    /// What is known where `caller` calls `function`, or jumps to it.
    fn state_at_call(&mut self, caller: BlockId, function: FunctionId) -> Option<State<'a>> {
        if self.falls_into(caller, function) {
            return None;
        }
        let steps = self.steps(caller);
        let (at, last, state) = steps.last()?;
        let mut state = state.state();
        match last.flow() {
            ControlFlow::Jump(_) | ControlFlow::IndirectJump => state.set(last.rd(), Value::Any),
            _ => state.step(last, *at, &self.program.code),
        }
        Some(state)
    }
}

/// Where a block has the value of a register from.
enum Copied {
    /// It computes it, or sets it otherwise.
    Never,
    /// It sets it to something else than is wanted.
    NotWanted,
    /// From there.
    Loaded(Source),
    /// From this register, which holds it at the block's start.
    Start(Register),
}

/// Whether `register` may hold the address of the function at `entry`.
fn may_be(state: &State<'_>, register: Register, entry: u64) -> bool {
    state.get(register).constants().is_none_or(|constants| leads_to(constants, entry))
}

/// Whether a jump to one of `constants` leads to `entry`: `jalr` clears the lowest bit (ISA manual, "Unconditional Jumps").
fn leads_to(constants: &[u64], entry: u64) -> bool {
    constants.iter().any(|constant| constant & !1 == entry)
}
