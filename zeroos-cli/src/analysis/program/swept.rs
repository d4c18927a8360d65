//! Functions that were only swept, and which turn out to matter: they are explored after all.

use super::{Program, Work};
use crate::analysis::code::Code;
use crate::analysis::function::Exploration;
use crate::analysis::premises::Premises;

/// A program that was recovered, and what it takes to recover more of it.
pub(in crate::analysis) struct Recovery<'a> {
    /// What is known now.
    pub program: Program<'a>,
    /// `None` if all of it was explored.
    work: Option<Work<'a>>,
    /// How often more was asked.
    rounds: u8,
}

/// More often than this it is not asked what is wanted next: all is explored.
const MOST_ROUNDS: u8 = 16;

impl<'a> Recovery<'a> {
    /// Finds everything that is reachable from the entry, if the `premises` hold. With `sweeps`, functions whose
    /// instructions nobody may ask for are just swept.
    pub fn new(code: Code<'a>, premises: &Premises, sweeps: bool) -> Recovery<'a> {
        let (program, work) = Program::recover(code, premises, sweeps);
        let work = program.blocks.have_swept().then_some(work);
        Recovery { program, work, rounds: 0 }
    }

    /// Explores the functions that were swept and of which more was asked since; whether there were any. If so, what was told of the
    /// program before is worth nothing.
    pub fn explore_wanted(&mut self, premises: &Premises) -> bool {
        let Recovery { program, work: Some(work), rounds } = self else { return false };
        let mut wanted = program.blocks.take_wanted();
        if wanted.is_empty() {
            return false;
        }
        *rounds += 1;
        if *rounds == MOST_ROUNDS {
            wanted = program.function_ids().filter(|&id| program.is_swept(id)).collect();
            program.blocks.take_wanted();
            work.sweep = None;
        }
        let known = (program.functions.len(), work.computed.len());
        let mut is_doubtful = false;
        for &id in &wanted {
            program.functions[id.index()].blocks.drain(..).for_each(|block| program.blocks.drop_swept(block));
            let exploration = &mut work.explorations[id.index()];
            (exploration.is_wanted, exploration.queued) = (true, true);
            work.queue.push_back(id);
            let (start, end) = (exploration.extent.start.saturating_add(1), exploration.extent.end);
            is_doubtful |= program.surroundings.labels(start, end).next().is_some();
            let mut computed = work.computed.range(start..end);
            is_doubtful |= computed.next().is_some();
        }
        program.settle(work, premises);
        is_doubtful |= known != (program.functions.len(), work.computed.len());
        is_doubtful |= work.explorations.iter().filter_map(Exploration::jumps).any(|jumps| !jumps.waiting.is_empty());
        if is_doubtful {
            program.settle_doubtful(work, premises);
        }
        program.conclude(work);
        true
    }
}
