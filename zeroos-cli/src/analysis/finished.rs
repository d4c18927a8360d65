//! Functions that are over once start-up is: nothing that runs later leads to them again, so what start-up did not execute of
//! them never is. In C libraries that is, among more, what a program does only if it runs with somebody else's rights.

use std::collections::BTreeMap;
use std::ops::Range;

use super::blocks::Block;
use super::call_tables::Seen;
use super::cells::Cells;
use super::code::Code;
use super::exit::FunctionId;
use super::flow::Flow;
use super::liveness::Liveness;
use super::program::Program;
use super::runs::{common, contains, covers, joined};
use super::start_up::{InitialState, StartUp};
use super::state::Convention;
use super::tracking::pointer_callers_by_variable;
use crate::elf::AppElf;

/// See the module. Addresses are the file's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finished {
    /// Their blocks: ascending, disjoint, each with its end.
    ranges: Vec<(u64, u64)>,
    /// What start-up executed: the same.
    executed: Vec<(u64, u64)>,
    /// Whether anything of them was not executed.
    leaves_out: bool,
    /// Instructions that start-up was followed for, at most.
    pub instructions: u32,
}

impl Finished {
    /// Those of `program`, which can start in each of these ways; `None` if nothing can be said.
    pub(super) fn of<'p, 'a>(
        program: &'p Program<'a>,
        flow: &'p Flow,
        cells: &'p Cells<'p, 'a>,
        liveness: &'p Liveness<'p, 'a>,
        starts: &[StartUp],
    ) -> Option<Finished> {
        if starts.is_empty() || !Finished::can_be_told(program) {
            return None;
        }
        let again = run_again(program, flow, cells, liveness, starts)?;
        let mut kept = Halfwords::none(&program.code);
        for id in program.function_ids().filter(|id| again[id.index()]) {
            program[id].blocks.iter().for_each(|&block| kept.insert(&program.blocks[block]));
        }
        let executed = joined(starts.iter().flat_map(|start| &start.executed).copied().collect());
        let mut ranges = Vec::new();
        let mut leaves_out = false;
        for id in program.function_ids().filter(|id| !again[id.index()]) {
            let own: Vec<_> = program[id].blocks.iter().map(|&block| &program.blocks[block]).collect();
            let ran = own.iter().filter(|block| contains(&executed, block.start)).count();
            if ran > 0 && own.iter().all(|block| !kept.meet(block)) {
                leaves_out |= ran < own.len();
                ranges.extend(own.iter().map(|block| (block.start, block.end())));
            }
        }
        let instructions = starts.iter().map(|start| start.instructions).max()?;
        Some(Finished { ranges: joined(ranges), executed, leaves_out, instructions })
    }

    /// Whether anything can be said of `program`, however it starts: Go's tables name functions that no address leads to,
    /// and its stacks change hands.
    pub(super) fn can_be_told(program: &Program<'_>) -> bool {
        program.lost.is_none() && program.convention != Convention::Go
    }

    /// Whether it rules out anything.
    pub(super) fn says_something(&self) -> bool {
        self.leaves_out
    }

    /// Whether the branch at `at` never goes to `target`.
    pub(super) fn never_goes(&self, at: u64, target: u64) -> bool {
        contains(&self.ranges, at) && !contains(&self.executed, target)
    }

    /// Whether `other`, found in less code, says no less.
    pub(super) fn is_upheld_by(&self, other: &Finished) -> bool {
        common(&self.executed, &self.ranges).all(|run| covers(&other.ranges, run))
    }

    /// Whether it is right for the program `elf` if it starts as `initial`.
    pub fn holds_for(&self, elf: &AppElf, initial: &InitialState) -> bool {
        let start = StartUp::of(elf, initial);
        let is_over = |&at: &u64| !contains(&self.ranges, at);
        let ran_as_known = common(&start.executed, &self.ranges).all(|run| covers(&self.executed, run));
        ran_as_known && is_over(&start.stopped_at) && start.pending.iter().all(is_over)
    }
}

/// By function, whether it may run once start-up is over: those under way then, those whose address anybody may have, and all
/// that they lead to. `None` if it ends where no code was found.
fn run_again<'p, 'a>(
    program: &'p Program<'a>,
    flow: &'p Flow,
    cells: &'p Cells<'p, 'a>,
    liveness: &'p Liveness<'p, 'a>,
    starts: &[StartUp],
) -> Option<Vec<bool>> {
    let (mut again, mut seen) = (vec![false; program.functions.len()], Seen::default());
    let mut work = under_way(program, starts)?;
    // Start-up code of C libraries goes from one part to the next through pointers that nobody else sees.
    let mut by_pointer: BTreeMap<FunctionId, Vec<FunctionId>> = BTreeMap::new();
    for &address in &program.address_taken {
        let Some(function) = program.function_at(address) else { continue };
        let is_started = starts.iter().any(|start| contains(&start.executed, address));
        let callers = is_started.then(|| pointer_callers_by_variable(program, flow, cells, liveness, address));
        match callers.and_then(Result::ok) {
            Some(blocks) => {
                for block in blocks {
                    by_pointer.entry(program.blocks[block].function).or_default().push(function);
                }
            }
            None => work.push(function),
        }
    }
    while let Some(id) = work.pop() {
        if !std::mem::replace(&mut again[id.index()], true) {
            let exits = program[id].blocks.iter().map(|&block| &program.blocks[block].exit);
            for exit in exits {
                work.extend(exit.targets());
                work.extend(seen.once_by(exit));
            }
            work.extend(by_pointer.get(&id).into_iter().flatten());
        }
    }
    Some(again)
}

/// The functions that are under way where start-up ends.
fn under_way(program: &Program<'_>, starts: &[StartUp]) -> Option<Vec<FunctionId>> {
    let mut all = Vec::new();
    for start in starts {
        let mut is_known = false;
        for block in program.blocks.ids().map(|id| &program.blocks[id]) {
            let covers = |at: &u64| (block.start..block.end()).contains(at);
            is_known |= covers(&start.stopped_at);
            // The call that does not come back may be the last that was found of a function.
            let awaits = |at: &u64| covers(at) || block.end() == *at;
            if covers(&start.stopped_at) || start.pending.iter().any(awaits) {
                all.push(block.function);
            }
        }
        if !is_known {
            return None;
        }
    }
    Some(all)
}

/// A set of halfwords of code.
struct Halfwords<'c, 'a> {
    code: &'c Code<'a>,
    /// By slot, a bit each.
    members: Vec<u64>,
}

impl<'c, 'a> Halfwords<'c, 'a> {
    fn none(code: &'c Code<'a>) -> Halfwords<'c, 'a> {
        Halfwords { code, members: vec![0; code.slots() / 64 + 1] }
    }

    fn slots(&self, block: &Block) -> Range<usize> {
        let count = (block.end().wrapping_sub(block.start) / 2) as usize;
        self.code.slot(block.start).map_or(0..0, |first| first..(first + count).min(self.code.slots()))
    }

    fn insert(&mut self, block: &Block) {
        for slot in self.slots(block) {
            self.members[slot / 64] |= 1 << (slot % 64);
        }
    }

    /// Whether any of the block is in it.
    fn meet(&self, block: &Block) -> bool {
        self.slots(block).any(|slot| self.members[slot / 64] >> (slot % 64) & 1 != 0)
    }
}
