//! Where stubs can lie: what placement left free for them before and behind the program, the gaps between its segments, and,
//! last, what nobody executes or reads of the program's own text.

use super::Placement;
use crate::address::{Address, AddressRange};
use crate::elf::AppElf;
use crate::platform::Platform;

/// Stubs start at multiples of this, bytes.
const ALIGNMENT: u64 = 4;

/// Space in text is given out from the starts of pieces of this size, bytes: far less than a jump reaches.
const PIECE: u64 = 1 << 16;

/// Free ranges of the image, each given out upwards.
pub(super) struct StubRooms {
    /// Best first.
    free: Vec<AddressRange>,
    /// In the program's text, if it was looked for.
    text: Option<UnusedText>,
}

/// Space in the program's text that nobody executes or reads.
struct UnusedText {
    /// All of it.
    found: Vec<AddressRange>,
    /// What is left of it, in pieces.
    free: Vec<AddressRange>,
}

impl StubRooms {
    /// What is free around `app` as placed. Room outside the program comes first: handlers never write there for it.
    /// Some machines let no one use those between its segments: they are no memory for code, or pages with a segment on them.
    pub fn new(app: &AppElf, placement: &Placement, platform: &Platform) -> StubRooms {
        let mut free = placement.stub_areas.clone();
        if !free.is_empty() && !platform.keeps_code_apart() && !platform.loader.separate_pages {
            let placed = |address: Address| placement.placed(address);
            let gaps = app.segments.windows(2).filter_map(|pair| {
                let start = placed(pair[0].range.end()).align_up(ALIGNMENT)?;
                AddressRange::between(start, placed(pair[1].range.start()).align_down(ALIGNMENT))
            });
            free.extend(gaps);
        }
        StubRooms { free, text: None }
    }

    /// The first `size` free bytes outside the program's text whose start fits.
    pub fn take(&mut self, size: u64, fits: impl Fn(Address) -> bool) -> Option<AddressRange> {
        let size = size.next_multiple_of(ALIGNMENT);
        cut(self.free.iter_mut().find(|free| free.size().0 >= size && fits(free.start()))?, size)
    }

    /// `size` free bytes in the program's text whose start fits: where least is left over, since most of that space is short.
    pub fn take_text(&mut self, size: u64, fits: impl Fn(Address) -> bool) -> Option<AddressRange> {
        let size = size.next_multiple_of(ALIGNMENT);
        let fitting = self.text.iter_mut().flat_map(|text| &mut text.free);
        let fitting = fitting.filter(|free| free.size().0 >= size && fits(free.start()));
        cut(fitting.min_by_key(|free| free.size())?, size)
    }

    /// Also gives out what `find` finds in the program's text, by the image's addresses. It is asked once.
    pub fn open_text(&mut self, find: impl FnOnce() -> Vec<AddressRange>) {
        self.text.get_or_insert_with(|| {
            let found = find();
            let free = found.iter().flat_map(|&range| pieces(range)).collect();
            UnusedText { found, free }
        });
    }

    /// What was found in the program's text, by the image's addresses.
    pub fn into_text(self) -> Vec<AddressRange> {
        self.text.map(|text| text.found).unwrap_or_default()
    }
}

/// The first `size` bytes of `free`, which loses them.
fn cut(free: &mut AddressRange, size: u64) -> Option<AddressRange> {
    let behind = Address(free.start().0.checked_add(size)?);
    let taken = AddressRange::between(free.start(), behind)?;
    *free = AddressRange::between(behind, free.end())?;
    Some(taken)
}

/// `range`, in pieces.
fn pieces(range: AddressRange) -> impl Iterator<Item = AddressRange> {
    let starts = (range.start().0..range.end().0).step_by(PIECE as usize);
    starts.filter_map(move |start| {
        AddressRange::between(Address(start), Address(start.saturating_add(PIECE)).min(range.end()))
    })
}
