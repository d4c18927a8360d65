//! Where stubs can lie: what placement left free for them before and behind the program, and the gaps between its segments.

use super::Placement;
use crate::address::{Address, AddressRange};
use crate::elf::AppElf;
use crate::platform::Platform;

/// Stubs start at multiples of this, bytes.
const ALIGNMENT: u64 = 4;

/// Free ranges, each given out upwards.
pub(super) struct StubRooms {
    /// Best first.
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
        StubRooms { free }
    }

    /// The first `size` free bytes whose start fits.
    pub fn take(&mut self, size: u64, fits: impl Fn(Address) -> bool) -> Option<AddressRange> {
        let size = size.next_multiple_of(ALIGNMENT);
        let free = self.free.iter_mut().find(|free| free.size().0 >= size && fits(free.start()))?;
        let behind = Address(free.start().0 + size);
        let taken = AddressRange::between(free.start(), behind)?;
        *free = AddressRange::between(behind, free.end())?;
        Some(taken)
    }
}
