//! What straight code shows, noted of the block that is run, or taken over from what was seen ahead.

use super::straight::Listener;
use super::{Explorer, Place};
use crate::analysis::ahead::Note;
use crate::analysis::exit::BlockId;
use crate::analysis::state::State;
use crate::analysis::value::Value;
use crate::isa::Register;

/// An explorer, while it runs a block.
pub(super) struct Running<'r, 'p, 'v> {
    pub explorer: &'r mut Explorer<'p, 'v>,
    pub block: BlockId,
}

impl Listener for Running<'_, '_, '_> {
    fn hands_on_link(&mut self) {
        self.explorer.exploration.returns = true;
    }

    fn makes_address(&mut self) {
        self.explorer.function.makes_addresses = true;
    }

    fn accesses(&mut self, address: u64) {
        self.explorer.found.accesses.push((address, self.block));
    }

    fn points_at(&mut self, address: u64) {
        self.explorer.found.pointers.push((address, self.explorer.id));
    }

    fn names_code(&mut self, address: u64, is_label: bool) {
        if self.explorer.function.code_references.insert(address) {
            match is_label {
                true => self.explorer.found.labels.push(address),
                false => self.explorer.found.references.push(address),
            }
            self.explorer.queue_computed_jumps();
        }
    }

    fn calculates_with(&mut self, addresses: &[u64]) {
        let exploration = &mut self.explorer.exploration;
        if !exploration.calculates_with_code && addresses.iter().any(|&address| exploration.is_inside(address)) {
            exploration.calculates_with_code = true;
            self.explorer.queue_computed_jumps();
        }
    }

    fn uses_data(&mut self, lowest: u64, highest: u64) {
        self.explorer.found.data.push((lowest, highest));
    }
}

impl<'v> Explorer<'_, 'v> {
    /// Does at once what the straight code does that `block` starts with, if that was seen ahead and the block goes as far:
    /// no other block starts in it, and the function does not end.
    pub(super) fn take_over(&mut self, block: BlockId, place: &mut Place<'v>, state: &mut State<'v>) {
        let Some((chunk, run)) = self.code.ahead.and_then(|ahead| ahead.run_at(place.cursor.slot)) else { return };
        let Value::Stack(frame) = state.get(Register::SP) else { return };
        let (at, slot) = (place.cursor.at, place.cursor.slot);
        let extent = &self.exploration.extent;
        let is_inside = extent.contains(&at) && at.saturating_add(run.length.into()) <= extent.end;
        let halfwords = usize::from(run.length) / 2;
        if !is_inside
            || self.blocks.any_in(slot + 1..slot + halfwords)
            || !self.found.features.are_noted(run.features, at)
        {
            return;
        }
        place.cursor.advance(usize::from(run.length));
        place.next = run.next;
        place.effects = run.effects;
        let mut running = Running { explorer: self, block };
        for note in chunk.notes_of(run) {
            match *note {
                Note::MakesAddress => running.makes_address(),
                Note::Accesses(address) => running.accesses(address),
                Note::PointsAt(address) => running.points_at(address),
                Note::NamesCode { address, is_label } => running.names_code(address, is_label),
            }
        }
        state.set(Register::SP, Value::Stack(frame.wrapping_add(run.frame.into())));
        place.derived = chunk.restore(run, frame, state).unwrap_or(place.derived);
    }
}
