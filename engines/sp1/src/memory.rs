//! The scout's memory: zero until written, and it knows which words have been accessed.

use std::collections::HashMap;

const PAGE: u64 = 4096;

/// Memory in pages that come into being when they are accessed.
#[derive(Default)]
pub struct Memory {
    pages: Vec<Page>,
    index: HashMap<u64, usize>,
    /// The page of the last access, by number, and where it is: most accesses stay there.
    recent: Option<(u64, usize)>,
}

struct Page {
    bytes: Box<[u8; PAGE as usize]>,
    /// One bit for each word of 8 bytes.
    touched: [u64; 8],
}

impl Memory {
    /// The value of so many bytes, which must not cross a word of 8.
    pub fn load(&mut self, address: u64, width: u64) -> u64 {
        let page = self.touch(address).0;
        let at = (address % PAGE) as usize;
        let mut word = [0; 8];
        word[..width as usize].copy_from_slice(&page.bytes[at..at + width as usize]);
        u64::from_le_bytes(word)
    }

    /// Stores the low bytes of a value, which must not cross a word of 8.
    pub fn store(&mut self, address: u64, value: u64, width: u64) {
        let page = self.touch(address).0;
        let at = (address % PAGE) as usize;
        page.bytes[at..at + width as usize].copy_from_slice(&value.to_le_bytes()[..width as usize]);
    }

    /// Sets a word of 8 bytes; was it untouched?
    pub fn set_word(&mut self, address: u64, value: u64) -> bool {
        let (page, new) = self.touch(address);
        let at = (address % PAGE) as usize;
        page.bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        new
    }

    /// Bytes as a host call sees them: without touching anything.
    pub fn peek(&self, address: u64, length: u64) -> Vec<u8> {
        let byte = |address: u64| {
            let page = self.index.get(&(address / PAGE)).map(|page| &self.pages[*page]);
            page.map_or(0, |page| page.bytes[(address % PAGE) as usize])
        };
        (0..length).map(|offset| byte(address.wrapping_add(offset))).collect()
    }

    /// Notes an access to the word that holds this address; was it the first?
    fn touch(&mut self, address: u64) -> (&mut Page, bool) {
        let number = address / PAGE;
        let page = match self.recent {
            Some((recent, page)) if recent == number => page,
            _ => {
                let page = *self.index.entry(number).or_insert(self.pages.len());
                if page == self.pages.len() {
                    self.pages.push(Page { bytes: Box::new([0; PAGE as usize]), touched: [0; 8] });
                }
                self.recent = Some((number, page));
                page
            }
        };
        let page = &mut self.pages[page];
        let word = address % PAGE / 8;
        let (group, bit) = ((word / 64) as usize, 1 << (word % 64));
        let new = page.touched[group] & bit == 0;
        page.touched[group] |= bit;
        (page, new)
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    #[test]
    fn words_are_new_once() {
        let mut memory = Memory::default();
        for address in [0x10000, 0x10008, 0x11000, 0x1_0000_0000] {
            assert!(memory.set_word(address, 1), "{address:#x}");
            assert!(!memory.set_word(address, 2), "{address:#x}");
        }
        assert_eq!(memory.load(0x10010, 8), 0);
        assert!(!memory.set_word(0x10010, 0x1122_3344_5566_7788));
        memory.store(0x10014, 0xaabb, 2);
        assert_eq!(memory.load(0x10010, 8), 0x1122_aabb_5566_7788);
        assert_eq!(memory.load(0x10015, 1), 0xaa);
        assert_eq!(memory.peek(0x10016, 3), [0x22, 0x11, 0]);
        assert!(memory.set_word(0x10018, 0), "a peek is no access");
    }
}
