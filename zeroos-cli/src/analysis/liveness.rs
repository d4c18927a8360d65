//! Which registers may still be read: a backward pass over all functions at once, so that a register that a caller
//! keeps in a place which its callee happens not to touch stays live through the callee.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::{BlockId, Flow, all_registers, caller_saved};
use super::function::Callee;
use super::program::Program;
use super::state::Convention;
use crate::isa::{Op, Register, RegisterSet};

/// Live registers at block starts, function entries and returns.
pub(super) struct Liveness<'p, 'a> {
    program: &'p Program<'a>,
    flow: &'p Flow,
    /// What each block reads before writing it, and what it writes.
    effects: BTreeMap<BlockId, (RegisterSet, RegisterSet)>,
    /// Live at the start of each block.
    at_start: BTreeMap<BlockId, RegisterSet>,
    /// Live when the function returns.
    at_return: BTreeMap<u64, RegisterSet>,
    /// Go: registers that are no arguments and that the function's own code, not that of its callees, reads of what its
    /// caller left there.
    own: BTreeMap<u64, RegisterSet>,
}

impl<'p, 'a> Liveness<'p, 'a> {
    /// Solves it for the whole program.
    pub fn new(program: &'p Program<'a>, flow: &'p Flow) -> Liveness<'p, 'a> {
        let (effects, at_start, at_return) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut liveness = Liveness { program, flow, effects, at_start, at_return, own: BTreeMap::new() };
        let mut work: BTreeSet<BlockId> = BTreeSet::new();
        for (&function, found) in &program.functions {
            liveness.at_return.insert(function, returned(program.convention));
            work.extend(found.blocks.keys().map(|&start| BlockId { function, start }));
        }
        for &block in &work {
            let effects = liveness.effects_from(block, block.start);
            liveness.effects.insert(block, effects);
        }
        if program.convention == Convention::Go {
            liveness.own = liveness.own_reads();
        }
        while let Some(block) = work.pop_last() {
            let live_out = liveness.at_end(block);
            liveness.pass_to_callees(block, &mut work);
            let (reads, writes) = liveness.effects.get(&block).copied().unwrap_or_default();
            let live_in = live_out.minus(writes).union(reads);
            if liveness.at_start.get(&block) == Some(&live_in) {
                continue;
            }
            liveness.at_start.insert(block, live_in);
            for &start in flow.predecessors(block) {
                work.insert(BlockId { start, ..block });
            }
            if block.start == block.function {
                work.extend(flow.callers(block.function).iter().copied());
            }
        }
        liveness
    }

    /// Live behind the `ecall` at `at` in `block`, as far as set before it.
    pub fn after_site(&self, block: BlockId, at: u64) -> RegisterSet {
        let (reads, writes) = self.effects_from(block, at + 4);
        self.at_end(block).minus(writes).union(reads).without(Register::A0)
    }

    /// Live behind the last instruction of `block`, seen from inside it: what a call reads is included.
    fn at_end(&self, block: BlockId) -> RegisterSet {
        let Some(found) = self.program.functions.get(&block.function).and_then(|all| all.blocks.get(&block.start))
        else {
            return all_registers();
        };
        let mut live = RegisterSet::EMPTY;
        for &start in &found.exit.successors {
            live = live.union(self.at_start(BlockId { start, ..block }));
        }
        if let Some(callee) = &found.exit.call {
            // That a callee saves and restores a register is no use of its value.
            let read = self.read_by(callee).minus(saved(self.program.convention));
            live = live.minus(self.surely_overwritten(callee)).union(read);
        }
        if let Some(callee) = &found.exit.tail {
            live = live.union(self.read_by(callee));
        }
        if found.exit.returns || found.exit.tail.is_some() {
            live = live.union(self.at_return.get(&block.function).copied().unwrap_or_default());
        }
        live
    }

    /// What lives behind a call lives on in the callee as far as the callee leaves it alone.
    fn pass_to_callees(&mut self, block: BlockId, work: &mut BTreeSet<BlockId>) {
        let Some(found) = self.program.functions.get(&block.function).and_then(|all| all.blocks.get(&block.start))
        else {
            return;
        };
        let mut behind = RegisterSet::EMPTY;
        for &start in &found.exit.successors {
            behind = behind.union(self.at_start(BlockId { start, ..block }));
        }
        let calls = found.exit.call.iter().map(|callee| (callee, behind));
        let own = self.at_return.get(&block.function).copied().unwrap_or_default();
        let tails = found.exit.tail.iter().map(|callee| (callee, own));
        for (callee, live) in calls.chain(tails).collect::<Vec<_>>() {
            for &target in &callee.known {
                let Some(at_return) = self.at_return.get_mut(&target) else { continue };
                if at_return.union(live) != *at_return {
                    *at_return = at_return.union(live);
                    let found = &self.program.functions[&target];
                    let ends = found.blocks.iter().filter(|(_, block)| block.exit.returns || block.exit.tail.is_some());
                    work.extend(ends.map(|(&start, _)| BlockId { function: target, start }));
                }
            }
        }
    }

    /// What `function` reads of what its caller leaves in registers.
    pub fn at_entry(&self, function: u64) -> RegisterSet {
        self.read_by(&Callee { known: vec![function], unknown: false })
    }

    /// Live at the start of `block`.
    pub fn at_start(&self, block: BlockId) -> RegisterSet {
        self.at_start.get(&block).copied().unwrap_or_default()
    }

    /// Registers whose old value no code behind the call can rely on.
    fn surely_overwritten(&self, callee: &Callee) -> RegisterSet {
        let volatile = caller_saved(self.program.convention);
        if callee.unknown {
            return volatile;
        }
        callee.known.iter().fold(volatile, |all, &target| {
            let clobbers = self.flow.clobbers(target);
            all.minus(all_registers().minus(clobbers))
        })
    }

    /// What `callee` reads of what its caller leaves in registers.
    pub fn read_by(&self, callee: &Callee) -> RegisterSet {
        let known = callee.known.iter().map(|&function| match self.program.functions.contains_key(&function) {
            true if self.program.convention == Convention::Go => {
                let own = self.own.get(&function).copied().unwrap_or(all_registers());
                self.at_start(BlockId { function, start: function }).minus(scratch().minus(own))
            }
            true => self.at_start(BlockId { function, start: function }),
            false => parameters(self.program.convention),
        });
        let unknown = callee.unknown.then(|| parameters(self.program.convention));
        known.chain(unknown).fold(RegisterSet::EMPTY, RegisterSet::union)
    }

    /// ABIInternal gives scratch registers no meaning between functions: only assembly that reads them itself, or that
    /// is jumped to by such, can mean something by them.
    fn own_reads(&self) -> BTreeMap<u64, RegisterSet> {
        let mut at_start: BTreeMap<BlockId, RegisterSet> = BTreeMap::new();
        let mut changed = true;
        while changed {
            changed = false;
            for (&entry, function) in &self.program.functions {
                for (&start, block) in function.blocks.iter().rev() {
                    let id = BlockId { function: entry, start };
                    let (reads, writes) = self.effects.get(&id).copied().unwrap_or_default();
                    let inner = block.exit.successors.iter().map(|&start| BlockId { function: entry, start });
                    let tails = block.exit.tail.iter().flat_map(|tail| &tail.known);
                    let tails = tails.map(|&function| BlockId { function, start: function });
                    let out = inner.chain(tails).filter_map(|next| at_start.get(&next));
                    let out = out.fold(RegisterSet::EMPTY, |all, &set| all.union(set));
                    let live = out.minus(writes).union(reads);
                    changed |= at_start.insert(id, live) != Some(live);
                }
            }
        }
        let entries = self.program.functions.keys();
        entries
            .map(|&function| {
                (function, at_start.get(&BlockId { function, start: function }).copied().unwrap_or_default())
            })
            .collect()
    }

    /// What `block` from `at` on reads before writing it, and what it writes.
    fn effects_from(&self, block: BlockId, at: u64) -> (RegisterSet, RegisterSet) {
        let code = &self.program.code;
        let found = self.program.functions.get(&block.function).and_then(|all| all.blocks.get(&block.start));
        let end = found.map_or(at, |block| block.end);
        let (mut reads, mut writes) = (RegisterSet::EMPTY, RegisterSet::EMPTY);
        let mut at = at;
        while at < end {
            let Some(instruction) = code.fetch(at) else { break };
            let mut effects = instruction.effects();
            if instruction.op == Op::Ecall {
                // The kernel reads the number and up to six arguments; a0 comes back changed.
                effects.uses = system_call_arguments();
                effects.defines = RegisterSet::of(&[Register::A0]);
            }
            reads = reads.union(effects.uses.minus(writes));
            writes = writes.union(effects.defines);
            at += u64::from(instruction.length);
        }
        (reads, writes)
    }
}

fn system_call_arguments() -> RegisterSet {
    (10..=15).chain([17]).fold(RegisterSet::EMPTY, |set, number| set.with(Register::new(number)))
}

/// What an unknown callee may read: argument registers, sp, gp, tp and the alternate link register (psABI, "Integer
/// Register Convention"); as a jump's target also what it must hand back to this function's caller.
fn parameters(convention: Convention) -> RegisterSet {
    match convention {
        Convention::Standard => (10..=17).chain([2, 3, 4, 5, 6, 7, 8, 9]).chain(18..=27).fold(RegisterSet::EMPTY, with),
        // ABIInternal: 16 argument registers, the closure, the goroutine; ra for returning.
        Convention::Go => go_arguments().chain([1, 2, 3, 4, 26, 27]).fold(RegisterSet::EMPTY, with),
    }
}

/// Where Go passes arguments and results (`abi-internal.md`, riscv64): a0–a7, s0, s1, s2–s7.
fn go_arguments() -> impl Iterator<Item = u8> {
    (10..=17).chain([8, 9]).chain(18..=23)
}

/// Neither arguments nor fixed in Go's convention.
fn scratch() -> RegisterSet {
    [5, 6, 7, 24, 25, 28, 29, 30, 31].into_iter().fold(RegisterSet::EMPTY, with)
}

/// s0–s11, which callees save without looking at them.
fn saved(convention: Convention) -> RegisterSet {
    match convention {
        Convention::Standard => [8, 9].into_iter().chain(18..=27).fold(RegisterSet::EMPTY, with),
        Convention::Go => RegisterSet::EMPTY,
    }
}

/// What a caller may read after a return.
pub(super) fn returned(convention: Convention) -> RegisterSet {
    match convention {
        Convention::Standard => [10, 11, 2, 3, 4, 8, 9].into_iter().chain(18..=27).fold(RegisterSet::EMPTY, with),
        Convention::Go => go_arguments().chain([2, 3, 4, 27]).fold(RegisterSet::EMPTY, with),
    }
}

fn with(set: RegisterSet, number: u8) -> RegisterSet {
    set.with(Register::new(number))
}
