//! Words in data and numbers that code makes which may be addresses of code, and jumps that may lead to them: they are
//! looked at when all code is known that can be found without them.

use std::collections::BTreeSet;

use super::{Program, Work};
use crate::address::Address;
use crate::analysis::exit::FunctionId;
use crate::analysis::function::{Exploration, Origin};
use crate::analysis::pointers::Pointer;
use crate::analysis::premises::Premises;
use crate::analysis::state::Convention;
use crate::elf::ElfKind;

/// How many bytes may be explored of functions that start where none plausibly does, or lie in runs in which such places were
/// looked for, for each halfword of code: it bounds the work.
const LABELS_LIMIT: u64 = 32;

impl<'a> Program<'a> {
    /// Whether what starts at `entry` is no longer explored: in the middle of what is taken for one function, if too much
    /// was explored that starts at such places. Then nothing that is found counts any more.
    pub(super) fn is_one_label_too_many(&mut self, entry: u64, work: &Work<'a>) -> bool {
        let is_too_many = work.labels > self.labels_limit() && !self.surroundings.is_start(entry);
        if is_too_many {
            self.lost = Some("too many addresses lie in the middle of functions".to_owned());
        }
        is_too_many
    }

    /// `function` was explored, which had `blocks` before.
    pub(super) fn count_label(&self, function: FunctionId, blocks: usize, work: &mut Work<'a>) {
        let function = &self[function];
        if !self.surroundings.is_start(function.entry) {
            let new = function.blocks[blocks..].iter().map(|&block| &self.blocks[block]);
            let new: u64 = new.map(|block| block.end().saturating_sub(block.start)).sum();
            work.labels = work.labels.saturating_add(new);
        }
    }

    fn labels_limit(&self) -> u64 {
        LABELS_LIMIT * self.code.slots() as u64
    }

    /// Takes what may be an address or not, and lets jumps go on that waited for the rest of the code, until nothing is new.
    pub(super) fn settle_doubtful(&mut self, work: &mut Work<'a>, premises: &Premises) {
        let mut settled = 0;
        while self.mark_holders(work)
            || settled != self.functions.len()
            || work.explorations.iter().filter_map(Exploration::jumps).any(|jumps| !jumps.waiting.is_empty())
        {
            settled = self.functions.len();
            self.resume_waiting_jumps(work);
            self.take_doubtful(work);
            self.settle(work, premises);
        }
    }

    /// Lets the jumps go on that waited for the rest of the code.
    fn resume_waiting_jumps(&mut self, work: &mut Work<'a>) {
        for (index, exploration) in work.explorations.iter_mut().enumerate() {
            if exploration.jumps().is_none_or(|jumps| jumps.waiting.is_empty()) {
                continue;
            }
            let waiting = std::mem::take(&mut exploration.jumps_mut().waiting);
            exploration.is_followed = true;
            exploration.pending.extend(waiting.into_iter().filter(|&block| self.blocks[block].queue()));
            if !std::mem::replace(&mut exploration.queued, true) {
                work.queue.push_back(FunctionId::new(index));
            }
        }
    }

    /// Takes the addresses that may be mere numbers, unless they are elements of known jump tables or lie inside an
    /// instruction, of known code or of code that nothing was seen to reach. What lies in the middle of a straight run may
    /// be a label that another function jumps to; Go's compiler makes none. In a static-PIE what a relocation points at is
    /// never a number.
    fn take_doubtful(&mut self, work: &mut Work<'a>) {
        let jumps = work.explorations.iter().filter_map(Exploration::jumps);
        let tables: BTreeSet<(u64, u64)> = jumps.flat_map(|jumps| &jumps.tables).copied().collect();
        let has_labels = self.convention == Convention::Standard;
        let (blocks, code) = (&self.blocks, &self.code);
        let (labels, limit) = (&mut work.labels, self.labels_limit());
        // A function that was swept counts as one straight run.
        let is_swept = |target| {
            let around = self.surroundings.known_function(self.surroundings.start_before(target));
            let first = around.and_then(|function| self[function].blocks.first());
            first.is_some_and(|&block| blocks[block].is_swept() && blocks[block].end() > target)
        };
        let mut last = None;
        let mut is_number = |target| match last {
            Some((same, is_number)) if same == target => is_number,
            _ => {
                let slot = code.slot(target);
                let run = slot.and_then(|slot| Some((slot, blocks.run_over(slot, target)?)));
                let is_number = run.is_some_and(|(slot, run)| {
                    *labels = labels.saturating_add(target - blocks[run].start);
                    !has_labels || *labels <= limit && blocks.is_split_by(slot, target, code)
                }) || is_swept(target);
                last = Some((target, is_number));
                is_number
            }
        };
        let mut splits = |target| {
            let (extent, pads) = self.surroundings.function_around(target);
            work.unreached.splits(target, extent, pads, &self.code)
        };
        let exact = self.code.elf.kind == ElfKind::StaticPie;
        let held = self.surroundings.pointers.iter().filter(|pointer| self.holders.is_live(pointer.holder));
        let held = held.filter(|pointer| !is_in_table(&tables, pointer.holder));
        let held = held.filter(|&&Pointer { target, .. }| {
            exact || self.surroundings.is_start(target) || !is_number(target) && !splits(target)
        });
        let held: Vec<Pointer> = held.copied().collect();
        let computed = work.computed.iter().map(|(&target, &function)| (target, function));
        let computed = computed.filter(|&(target, _)| !is_number(target) && !splits(target));
        let computed: Vec<(u64, FunctionId)> = computed.collect();
        for (target, function) in computed {
            self.take_address(target, Origin::Function(function), work);
        }
        for Pointer { target, holder } in held {
            self.take_address(target, Origin::Data(holder), work);
        }
    }
}

fn is_in_table(tables: &BTreeSet<(u64, u64)>, holder: Address) -> bool {
    tables.range(..=(holder.0, u64::MAX)).next_back().is_some_and(|&(_, end)| holder.0 < end)
}
