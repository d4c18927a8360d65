//! The program break: the end of the memory behind the program's own data that `brk` moves.
//!
//! Never allocates and knows nothing of mappings: the builder keeps the break's range apart from where mmap places.

use crate::abi::memory::{PAGE_BYTES, PROT_READ, PROT_WRITE};
use crate::boot_info::BootInfo;
use crate::user_memory::{UserAddress, UserMemory};

/// Where the break is and how far it has ever been.
#[derive(Debug)]
pub struct ProgramBreak {
    /// The break; 0 until the first call, which finds it at the start of its range.
    current: usize,
    /// End of the highest page that was ever in use: what lies above is still zero.
    highest: usize,
}

impl ProgramBreak {
    /// A break at the start of its range.
    pub const fn new() -> ProgramBreak {
        ProgramBreak { current: 0, highest: 0 }
    }

    /// Where it is.
    pub fn end(&self, boot: &BootInfo) -> usize {
        self.current.max(boot.break_range.start as usize)
    }

    /// Moves the break to `wanted` if that lies in its range, and returns where it is then. Pages that become the
    /// program's (again) read as zero.
    pub fn move_to(&mut self, memory: &mut impl UserMemory, boot: &BootInfo, wanted: usize) -> usize {
        let (start, end) = (boot.break_range.start as usize, boot.break_range.end as usize);
        if self.current == 0 {
            self.current = start;
            self.highest = start;
        }
        if wanted < start || wanted > end {
            return self.current;
        }
        let old_page_end = self.current.next_multiple_of(PAGE_BYTES);
        let new_page_end = wanted.next_multiple_of(PAGE_BYTES);
        let used_end = self.highest.min(new_page_end);
        if new_page_end < old_page_end {
            memory.set_access(new_page_end, old_page_end, None);
        } else {
            memory.set_access(old_page_end, new_page_end, Some((PROT_READ | PROT_WRITE) as u8));
        }
        if old_page_end < used_end {
            match memory.slice_mut(UserAddress(old_page_end), used_end - old_page_end) {
                Ok(bytes) => bytes.fill(0),
                Err(_) => return self.current,
            }
        }
        self.highest = self.highest.max(new_page_end);
        self.current = wanted;
        wanted
    }
}
