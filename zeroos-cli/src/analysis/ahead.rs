//! Straight code of a Go program, looked at ahead by a thread of its own, while the program is explored. What a run of
//! instructions without a jump does depends on nothing that exploring finds out: where Go's blocks start, nothing is known
//! but the stack pointer. So whether a run was seen in time changes no result, only who does the work.
//!
//! Runs are taken from where blocks plausibly start (a function's entry, targets of branches, what comes behind a jump) to
//! the next such place or jump. They lie in chunks, one for so much code, which become visible when they are finished.

use std::num::NonZeroU16;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::blocks::BlockEffects;
use super::code::Code;
use super::explore::{Derived, Listener, step};
use super::result::{Features, ProgramFeatures};
use super::state::{Convention, Rest, State};
use super::value::Value;
use crate::isa::{ControlFlow, Instruction, Register};

/// How much code a chunk is for, in slots.
const CHUNK: usize = 1 << 13;

/// How many words of 64 bits have a bit for each of them.
const WORDS: usize = CHUNK / 64;

/// Larger functions, in bytes, are nobody's, and their instructions would need too much room.
const LARGEST: u64 = 1 << 20;

/// Runs that were seen.
pub(super) struct Ahead {
    chunks: Vec<OnceLock<Chunk>>,
    /// Nobody asks any more.
    is_over: AtomicBool,
}

/// The runs that start in a piece of code.
pub(super) struct Chunk {
    /// The slots at which one starts, a bit each.
    starts: [u64; WORDS],
    /// By word of `starts`, how many start before it.
    before: [u16; WORDS],
    runs: Vec<Straight>,
    notes: Vec<Note>,
    /// What is known behind runs, and the values that it consists of.
    rests: Vec<(Derived, Rest)>,
    values: Vec<Value<'static>>,
}

impl Default for Chunk {
    fn default() -> Chunk {
        let (starts, before) = ([0; WORDS], [0; WORDS]);
        Chunk { starts, before, runs: Vec::new(), notes: Vec::new(), rests: Vec::new(), values: Vec::new() }
    }
}

impl Chunk {
    /// An empty one, with room for as much as there is in `other`.
    fn like(other: &Chunk) -> Chunk {
        Chunk {
            runs: Vec::with_capacity(other.runs.len()),
            notes: Vec::with_capacity(other.notes.len()),
            rests: Vec::with_capacity(other.rests.len()),
            values: Vec::with_capacity(other.values.len()),
            ..Chunk::default()
        }
    }

    /// What `run` shows.
    pub fn notes_of(&self, run: &Straight) -> &[Note] {
        let first = usize::from(run.first_note);
        &self.notes[first..first + usize::from(run.notes)]
    }

    /// What it was made of, and what is known behind it besides sp, which was at `frame` before it, goes into `state`.
    pub fn restore<'v>(&self, run: &Straight, frame: i64, state: &mut State<'v>) -> Option<Derived> {
        let (derived, rest) = &self.rests[usize::from(run.rest?.get()) - 1];
        state.restore(rest, &self.values, frame);
        Some(*derived)
    }
}

/// What a run does, if at its start nothing is known but that sp is somewhere in the stack frame. There are many, so it is small.
pub(super) struct Straight {
    /// What it does with registers.
    pub effects: BlockEffects,
    /// What comes right behind it.
    pub next: Option<Instruction>,
    /// By how many bytes sp is moved.
    pub frame: i32,
    /// Its length in bytes.
    pub length: u16,
    /// Its first note in the chunk.
    first_note: u16,
    /// How many it has.
    notes: u8,
    /// What it needs of the hart.
    pub features: Features,
    /// What besides sp is known behind it, by its place in the chunk, counted from 1. Behind a run that ends in front of a branch or
    /// a direct jump nobody asks.
    rest: Option<NonZeroU16>,
}

/// What a run shows of the program.
#[derive(Clone, Copy)]
pub(super) enum Note {
    MakesAddress,
    Accesses(u64),
    PointsAt(u64),
    NamesCode { address: u64, is_label: bool },
}

impl Ahead {
    /// For the straight code of `code`, of which nothing is seen yet. Of code that is not Go's nothing ever will be: its blocks start
    /// with whatever their function knows.
    pub fn new(code: &Code<'_>) -> Option<Ahead> {
        code.go.table()?;
        let chunks = std::iter::repeat_with(OnceLock::new).take(code.slots() / CHUNK + 1).collect();
        Some(Ahead { chunks, is_over: AtomicBool::new(false) })
    }

    /// The run that starts at `slot`, if it was seen.
    pub fn run_at(&self, slot: usize) -> Option<(&Chunk, &Straight)> {
        let chunk = self.chunks.get(slot / CHUNK)?.get()?;
        let (word, bit) = (slot % CHUNK / 64, slot % 64);
        let starts = chunk.starts[word];
        let index = usize::from(chunk.before[word]) + (starts & ((1 << bit) - 1)).count_ones() as usize;
        (starts >> bit & 1 != 0).then(|| (chunk, &chunk.runs[index]))
    }

    /// Nobody asks any more.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Looks at all straight code of `code`, which is the same as that of [`Ahead::new`], until nobody asks any more.
    pub fn look(&self, code: &Code<'_>) {
        let Some(table) = code.go.table() else { return };
        let ends = table.starts().iter().skip(1).copied().chain([table.end()]);
        let mut looker = Looker { code, ahead: self, number: 0, chunk: Chunk::default(), state: State::unknown() };
        let mut function = Listing::default();
        for (&start, end) in table.starts().iter().zip(ends) {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            if end.saturating_sub(start) <= LARGEST {
                function.list(start..end, code);
                looker.look(&function);
            }
        }
        looker.finish(self.chunks.len());
    }
}

/// An instruction of a function.
struct Listed {
    at: u64,
    instruction: Instruction,
    /// Whether control only ever goes on behind it.
    is_straight: bool,
}

/// The instructions of a function.
#[derive(Default)]
struct Listing {
    start: u64,
    first_slot: usize,
    /// By address.
    instructions: Vec<Listed>,
    /// By halfword, whether a block plausibly starts there.
    starts: Vec<bool>,
}

impl Listing {
    /// Becomes that of the function at `extent`.
    fn list(&mut self, extent: Range<u64>, code: &Code<'_>) {
        self.start = extent.start;
        self.instructions.clear();
        self.starts.clear();
        let mut cursor = code.instructions_from(extent.start);
        self.starts.resize((extent.end.saturating_sub(extent.start) / 2) as usize + 1, false);
        self.first_slot = cursor.slot;
        let mut next = extent.start;
        while let Some((at, instruction)) = cursor.resynchronised().filter(|&(at, _)| at < extent.end) {
            let flow = instruction.flow();
            self.instructions.push(Listed { at, instruction, is_straight: flow == ControlFlow::Next });
            if at != next {
                self.starts_at(at);
            }
            next = cursor.at;
            match flow {
                ControlFlow::Next | ControlFlow::EnvironmentCall => continue,
                ControlFlow::Branch(offset) | ControlFlow::Jump(offset) => {
                    self.starts_at(at.wrapping_add_signed(offset.into()));
                }
                ControlFlow::IndirectJump | ControlFlow::Trap => {}
            }
            self.starts_at(next);
        }
    }

    fn starts_at(&mut self, at: u64) {
        let place = usize::try_from(at.wrapping_sub(self.start) / 2).ok();
        if let Some(start) = place.and_then(|place| self.starts.get_mut(place)) {
            *start = true;
        }
    }

    fn is_start(&self, at: u64) -> bool {
        self.starts.get((at.wrapping_sub(self.start) / 2) as usize) == Some(&true)
    }
}

/// Who looks.
struct Looker<'l, 'v> {
    code: &'l Code<'v>,
    ahead: &'l Ahead,
    /// Of the chunk that is being filled.
    number: usize,
    chunk: Chunk,
    /// Room for what is known in a run.
    state: State<'v>,
}

impl Looker<'_, '_> {
    /// Makes all chunks before this one visible.
    fn finish(&mut self, number: usize) {
        while self.number < number {
            let like = Chunk::like(&self.chunk);
            let mut chunk = std::mem::replace(&mut self.chunk, like);
            let mut before = 0;
            for (starts, place) in chunk.starts.iter().zip(&mut chunk.before) {
                *place = before;
                before += starts.count_ones() as u16;
            }
            if let Some(place) = self.ahead.chunks.get(self.number) {
                // Nobody else sets it.
                place.set(chunk).ok();
            }
            self.number += 1;
        }
    }

    /// Looks at the runs of a function.
    fn look(&mut self, function: &Listing) {
        let mut rest = &function.instructions[..];
        while let Some(first) = rest.first() {
            let goes_on = |listed: &Listed| listed.is_straight && !function.is_start(listed.at);
            let length =
                if first.is_straight { 1 + rest[1..].iter().take_while(|&next| goes_on(next)).count() } else { 0 };
            let (run, others) = rest.split_at(length);
            if let Some(last) = run.last() {
                let behind = last.at.wrapping_add(last.instruction.length.into());
                let next = others.first().filter(|next| next.at == behind);
                let slot = function.first_slot + ((first.at - function.start) / 2) as usize;
                self.finish(slot / CHUNK);
                self.keep(run, slot, next.map(|next| next.instruction));
            }
            rest = &rest[length.max(1)..];
        }
    }

    /// Keeps what `run` does, if it is nothing unusual; `next` comes right behind it.
    fn keep(&mut self, run: &[Listed], slot: usize, next: Option<Instruction>) {
        let Chunk { starts, runs, notes, rests, values, .. } = &mut self.chunk;
        let first_note = notes.len();
        let mut heard = Heard { notes, first_note, code: self.code, is_usual: true };
        let (mut effects, mut derived) = (BlockEffects::default(), Derived::default());
        let mut features = ProgramFeatures::default();
        self.state.forget();
        self.state.set(Register::SP, Value::Stack(0));
        for Listed { at, instruction, .. } in run {
            let here = instruction.effects();
            effects.add(here);
            features.note(instruction, *at);
            derived.step(instruction, here, &self.state);
            step((self.code, Convention::Go), (*at, instruction, here), &derived, &mut self.state, &mut heard);
        }
        let is_usual = heard.is_usual;
        let frame = match self.state.get(Register::SP) {
            Value::Stack(frame) => i32::try_from(frame).ok(),
            _ => None,
        };
        let length = run.iter().map(|listed| usize::from(listed.instruction.length)).sum::<usize>();
        let small = (u16::try_from(length), u16::try_from(first_note), u8::try_from(notes.len() - first_note));
        let (true, Some(frame), (Ok(length), Ok(first_note), Ok(count))) = (is_usual, frame, small) else {
            return notes.truncate(first_note);
        };
        // Whoever branches or jumps to a known place takes nothing along but sp.
        let goes_on = !matches!(next.map(|next| next.flow()), Some(ControlFlow::Branch(_) | ControlFlow::Jump(_)));
        let mut known_behind = None;
        if goes_on {
            known_behind = NonZeroU16::new(u16::try_from(rests.len() + 1).unwrap_or(0));
            let rest = known_behind.and_then(|_| self.state.rest(values));
            let Some(rest) = rest else { return notes.truncate(first_note.into()) };
            rests.push((derived, rest));
        }
        let features = features.kinds();
        runs.push(Straight { effects, next, frame, length, first_note, notes: count, features, rest: known_behind });
        starts[slot % CHUNK / 64] |= 1 << (slot % 64);
    }
}

/// What straight code shows, as long as it is nothing unusual.
struct Heard<'h, 'v> {
    notes: &'h mut Vec<Note>,
    /// Where those of the run start.
    first_note: usize,
    code: &'h Code<'v>,
    is_usual: bool,
}

impl Listener for Heard<'_, '_> {
    fn hands_on_link(&mut self) {
        self.is_usual = false;
    }

    fn makes_address(&mut self) {
        if !self.notes[self.first_note..].iter().any(|note| matches!(note, Note::MakesAddress)) {
            self.notes.push(Note::MakesAddress);
        }
    }

    fn accesses(&mut self, address: u64) {
        self.notes.push(Note::Accesses(address));
    }

    fn points_at(&mut self, address: u64) {
        self.notes.push(Note::PointsAt(address));
    }

    fn names_code(&mut self, address: u64, is_label: bool) {
        self.notes.push(Note::NamesCode { address, is_label });
    }

    fn calculates_with(&mut self, addresses: &[u64]) {
        self.is_usual &= !addresses.iter().any(|&address| self.code.contains(address));
    }

    fn uses_data(&mut self, _: u64, _: u64) {
        self.is_usual = false;
    }
}

#[cfg(test)]
mod tests;
