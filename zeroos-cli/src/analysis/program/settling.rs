//! The functions that wait to be explored, one after the other until none is left: what one brings to light may let others
//! go on, or add further ones.

use std::cell::OnceCell;

use super::{Program, Work};
use crate::analysis::exit::FunctionId;
use crate::analysis::explore::Explorer;
use crate::analysis::function::Origin;
use crate::analysis::premises::Premises;
use crate::analysis::state::Convention;

/// How often all code may be part of functions that were made longer, in halfwords for each: it bounds the work.
const WIDENED_LIMIT: u64 = 16;

impl<'a> Program<'a> {
    /// Explores all that is queued, to the end.
    pub(super) fn settle(&mut self, work: &mut Work<'a>, premises: &Premises) {
        self.drain(work, premises);
        while self.widen_lost_jumps(work) {
            self.drain(work, premises);
        }
    }

    /// Where a function jumps somewhere inside itself that is not understood, it may be longer than the guess at where
    /// functions start says: it then reaches to the next functions that something calls or names, and is looked at again.
    /// Go's own table of functions is no guess. Whether there was any.
    fn widen_lost_jumps(&mut self, work: &mut Work<'a>) -> bool {
        let lost = work.explorations.iter().enumerate().filter(|(_, exploration)| exploration.is_too_short);
        let lost: Vec<usize> = lost.map(|(index, _)| index).collect();
        if lost.is_empty() {
            return false;
        }
        let certain = self.surroundings.certain_starts();
        for index in lost {
            let (function, exploration) = (&self.functions[index], &mut work.explorations[index]);
            exploration.is_too_short = false;
            exploration.is_widened = true;
            if self.convention == Convention::Standard {
                let above = certain.partition_point(|&start| start <= function.entry);
                let start = above.checked_sub(1).map_or(function.entry, |below| certain[below]);
                let limit = certain.get(above).copied().unwrap_or(function.entry);
                let extent = start.min(exploration.extent.start)..limit.max(exploration.extent.end);
                work.widened = work.widened.saturating_add(extent.end.saturating_sub(extent.start));
                if work.widened > WIDENED_LIMIT * self.code.slots() as u64 {
                    // It stays as short as it was guessed to be: nothing that is found counts any more.
                    self.lost = Some("too many jumps are not understood".to_owned());
                    work.widened = 0;
                } else {
                    exploration.extent = extent;
                }
            }
            for &block in &function.blocks {
                if self.blocks[block].queue() {
                    exploration.pending.push(block);
                }
            }
            if !std::mem::replace(&mut exploration.queued, true) {
                work.queue.push_back(FunctionId::new(index));
            }
        }
        true
    }

    fn drain(&mut self, work: &mut Work<'a>, premises: &Premises) {
        while let Some(id) = work.queue.pop_front() {
            if self.is_one_label_too_many(self[id].entry, work) {
                continue;
            }
            let had = self[id].blocks.len();
            let Program { code, convention, blocks, functions, surroundings, address_taken, .. } = self;
            let Work { explorations, found, .. } = work;
            let (function, exploration) = (&mut functions[id.index()], &mut explorations[id.index()]);
            exploration.queued = false;
            let convention = *convention;
            let mut explorer = Explorer {
                code,
                convention,
                premises,
                surroundings,
                address_taken,
                blocks,
                function,
                exploration,
                id,
                front: OnceCell::new(),
                found,
            };
            if !work.sweep.as_mut().is_some_and(|sweep| explorer.sweep(sweep)) {
                explorer.explore(&work.at_entry);
            }
            self.count_label(id, had, work);
            self.add_functions(Some(Origin::Function(id)), work);
            let mut found = std::mem::take(&mut work.found);
            for (block, callee) in found.waiting.drain(..) {
                work.explorations[callee.index()].awaited_by.push(block);
                if self.surroundings.returns(callee) {
                    self.resume_callers(callee, work);
                }
            }
            let mut returns = work.explorations[id.index()].returns;
            for tail in found.tails.drain(..) {
                returns |= self.surroundings.returns(tail);
                work.explorations[tail.index()].returned_by.push(id);
            }
            for target in found.references.drain(..) {
                self.take_computed(target, id, work);
            }
            for table in found.tables.drain(..).filter(|table| !table.is_taken.get()) {
                let labels = table.targets.iter().filter(|&&target| !self.take_computed(target, id, work));
                table.is_taken.set(labels.count() == 0);
            }
            for target in found.labels.drain(..) {
                if !self.is_label(id, target, work) {
                    self.take_address(target, Origin::Function(id), work);
                }
            }
            found.tidy();
            work.found = found;
            if returns {
                self.mark_returning(id, work);
            }
        }
    }

    /// Takes `target`, which `function` computes, for a function; at once where one plausibly starts. Not if it is a label.
    fn take_computed(&mut self, target: u64, function: FunctionId, work: &mut Work<'a>) -> bool {
        if self.is_label(function, target, work) {
            return false;
        }
        if self.surroundings.is_start(target) {
            self.take_address(target, Origin::Function(function), work);
        } else {
            let first = work.computed.entry(target).or_insert(function);
            *first = function.min(*first);
        }
        true
    }

    fn mark_returning(&mut self, function: FunctionId, work: &mut Work<'a>) {
        let mut newly = vec![function];
        while let Some(id) = newly.pop() {
            if self.surroundings.set_returns(id) {
                newly.extend(std::mem::take(&mut work.explorations[id.index()].returned_by));
                self.resume_callers(id, work);
            }
        }
    }

    /// Runs the blocks again that end in a call of `function`, which turned out to return.
    fn resume_callers(&mut self, function: FunctionId, work: &mut Work<'a>) {
        for block in std::mem::take(&mut work.explorations[function.index()].awaited_by) {
            let this = &mut self.blocks[block];
            let caller = this.function;
            if this.queue() {
                work.explorations[caller.index()].pending.push(block);
            }
            if !std::mem::replace(&mut work.explorations[caller.index()].queued, true) {
                work.queue.push_back(caller);
            }
        }
    }

    /// Whether `target`, computed in the function, is a label of a computed goto inside it, not a function.
    fn is_label(&self, function: FunctionId, target: u64, work: &Work<'a>) -> bool {
        !self.surroundings.is_start(target)
            && work.explorations[function.index()].computed_jumps().next().is_some()
            && self.code.slot(target).is_some_and(|slot| self.blocks.find(slot, function).is_some())
    }
}
