//! Numbers of the memory calls (include/uapi/asm-generic/mman-common.h, mman.h; linux/mman.h).

/// Bytes of a page, the unit of every mapping.
pub const PAGE_BYTES: usize = 4096;
/// First address behind what Linux gives a process (Sv57); arguments beyond are refused like there.
pub const ADDRESS_SPACE_END: usize = 1 << 56;

/// Not accessible.
pub const PROT_NONE: u8 = 0;
/// May be read.
pub const PROT_READ: u32 = 1;
/// May be written.
pub const PROT_WRITE: u32 = 2;
/// May be executed.
pub const PROT_EXEC: u32 = 4;
/// The bits of a protection that say what is allowed.
pub const PROT_ALL: u8 = 7;
/// May be used for atomics; means nothing on RISC-V.
pub const PROT_SEM: u32 = 8;
/// mprotect: down to the start of a growing stack.
pub const PROT_GROWSDOWN: u32 = 0x0100_0000;
/// mprotect: up to the end of a growing stack.
pub const PROT_GROWSUP: u32 = 0x0200_0000;

/// Visible to other processes.
pub const MAP_SHARED: u32 = 0x01;
/// A copy of its own.
pub const MAP_PRIVATE: u32 = 0x02;
/// Like MAP_SHARED, but unknown flags are errors.
pub const MAP_SHARED_VALIDATE: u32 = 0x03;
/// Zero memory that the system may drop (Linux 6.11).
pub const MAP_DROPPABLE: u32 = 0x08;
/// The bits that say which of the above.
pub const MAP_TYPE: u32 = 0x0f;
/// Exactly there, replacing what is there.
pub const MAP_FIXED: u32 = 0x10;
/// No file behind it.
pub const MAP_ANONYMOUS: u32 = 0x20;
/// A stack that grows.
pub const MAP_GROWSDOWN: u32 = 0x0100;
/// Kept in memory.
pub const MAP_LOCKED: u32 = 0x2000;
/// Huge pages.
pub const MAP_HUGETLB: u32 = 0x4_0000;
/// Exactly there, if nothing is there.
pub const MAP_FIXED_NOREPLACE: u32 = 0x10_0000;

/// The flags that MAP_SHARED_VALIDATE takes (include/linux/mman.h, LEGACY_MAP_MASK): those above and DENYWRITE, EXECUTABLE,
/// LOCKED, NORESERVE, POPULATE, NONBLOCK, STACK.
pub const MAP_KNOWN: u32 = 0x7f933;

/// mremap: the mapping may move.
pub const MREMAP_MAYMOVE: u32 = 1;
/// mremap: to exactly there.
pub const MREMAP_FIXED: u32 = 2;
/// mremap: the old pages stay, empty.
pub const MREMAP_DONTUNMAP: u32 = 4;

/// `length` rounded up to whole pages; `None` if there is no such number.
pub const fn page_align(length: usize) -> Option<usize> {
    length.checked_next_multiple_of(PAGE_BYTES)
}

/// The end of `len_bytes` bytes from page-aligned `start` on, rounded up to a page; `None` if either is wrong.
pub fn page_range_end(start: usize, len_bytes: usize) -> Option<usize> {
    if !start.is_multiple_of(PAGE_BYTES) || start > ADDRESS_SPACE_END || len_bytes > ADDRESS_SPACE_END - start {
        return None;
    }
    Some((start + len_bytes).next_multiple_of(PAGE_BYTES))
}
