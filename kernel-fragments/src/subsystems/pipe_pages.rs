//! The pages of a pipe (fs/pipe.c): a write joins the last page only if all of what does not fill pages of its own still fits
//! there. Nothing is written for which the kernel's heap has no room.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Bytes of a page; a write of at most this many is never split (PIPE_BUF).
pub const PAGE_BYTES: usize = 4096;

/// The pages in use, the first to be read first.
#[derive(Default)]
pub struct PipePages(VecDeque<Page>);

/// A page in use: what was written to it, and how much of that was read.
struct Page {
    bytes: Vec<u8>,
    read_bytes: usize,
}

impl Page {
    /// With `bytes`; `None` if the heap is full.
    fn with(bytes: &[u8]) -> Option<Page> {
        let mut page = Page { bytes: Vec::new(), read_bytes: 0 };
        page.bytes.try_reserve_exact(bytes.len()).ok()?;
        page.bytes.extend_from_slice(bytes);
        Some(page)
    }

    fn unread(&self) -> &[u8] {
        self.bytes.get(self.read_bytes..).unwrap_or_default()
    }
}

impl PipePages {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many bytes can be read.
    pub fn unread_bytes(&self) -> usize {
        self.0.iter().map(|page| page.unread().len()).sum()
    }

    /// Copies what is read next to `into`, and leaves it there; returns how many bytes that were.
    pub fn peek(&self, into: &mut [u8]) -> usize {
        let mut done = 0;
        for page in &self.0 {
            let Some(space) = into.get_mut(done..).filter(|space| !space.is_empty()) else { break };
            done += space.iter_mut().zip(page.unread()).map(|(space, &byte)| *space = byte).count();
        }
        done
    }

    /// Reads to `into`; returns how many bytes that were, and whether `most` pages became fewer.
    pub fn read(&mut self, into: &mut [u8], most: usize) -> (usize, bool) {
        let (mut done, mut is_released) = (0, false);
        while let (Some(page), Some(space)) =
            (self.0.front_mut(), into.get_mut(done..).filter(|space| !space.is_empty()))
        {
            let len_bytes = page.unread().len().min(space.len());
            if let (Some(space), Some(unread)) = (space.get_mut(..len_bytes), page.unread().get(..len_bytes)) {
                space.copy_from_slice(unread);
            }
            done += len_bytes;
            page.read_bytes += len_bytes;
            if page.read_bytes == page.bytes.len() {
                is_released |= self.0.len() == most;
                self.0.pop_front();
            }
        }
        (done, is_released)
    }

    /// Writes as much of `from` as `most` pages have room for; returns how many bytes that were, and whether the heap was full.
    pub fn write(&mut self, from: &[u8], most: usize) -> (usize, bool) {
        let mut rest = from;
        if let (Some(last), Some((odd, whole_pages))) =
            (self.0.back_mut(), from.split_at_checked(from.len() % PAGE_BYTES))
            && last.bytes.len() + odd.len() <= PAGE_BYTES
        {
            if last.bytes.try_reserve(odd.len()).is_err() {
                return (0, true);
            }
            last.bytes.extend_from_slice(odd);
            rest = whole_pages;
        }
        while !rest.is_empty() && self.0.len() < most {
            let (bytes, behind) = rest.split_at_checked(PAGE_BYTES).unwrap_or((rest, &[]));
            let has_room = self.0.try_reserve(1).is_ok();
            let Some(page) = Page::with(bytes).filter(|_| has_room) else { return (from.len() - rest.len(), true) };
            self.0.push_back(page);
            rest = behind;
        }
        (from.len() - rest.len(), false)
    }
}
