//! The address space of a program that maps anonymous memory anywhere and does nothing else to its mappings: pages that nobody
//! ever had, one behind the other. They are known zero, and none ever comes back.

use crate::boot_info::BootInfo;
use crate::errno::Errno;

/// Where the next mapping goes.
#[derive(Debug)]
pub struct FreshPages {
    /// Bytes handed out.
    taken_bytes: usize,
}

impl FreshPages {
    /// Nothing is mapped.
    pub const fn new() -> FreshPages {
        FreshPages { taken_bytes: 0 }
    }

    /// Maps `len_bytes` (whole pages) and returns where.
    ///
    /// # Errors
    /// ENOMEM: no room.
    pub fn take(&mut self, boot: &BootInfo, len_bytes: usize) -> Result<usize, Errno> {
        let range = boot.mapping_range;
        let start = range.start as usize + self.taken_bytes;
        if len_bytes > (range.end as usize).saturating_sub(start) {
            return Err(Errno::ENOMEM);
        }
        self.taken_bytes += len_bytes;
        Ok(start)
    }
}
