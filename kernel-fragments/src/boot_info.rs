//! The contract between the builder and the kernel: what is decided at build time and lies in the image as data, so
//! that one compiled kernel serves every program with the same needs. Addresses are guest addresses.

/// The symbol under which the linker gives the kernel its [`BootInfo`].
pub const SYMBOL: &str = "zeroos_boot_info";

/// Most ranges of memory a program may have.
pub const PROGRAM_RANGES: usize = 4;

/// What the builder decided. Every field is 8 bytes, little-endian, in this order; a table is an address and a count.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BootInfo {
    /// The program's first instruction.
    pub program_entry: u64,
    /// The program's first stack pointer: argc lies there (psABI, "Process Initialization").
    pub initial_stack_pointer: u64,
    /// Memory that handlers may touch on the program's behalf: its segments, break, mappings and stack. Unused ones
    /// are [`Range::NOWHERE`]. Ascending.
    pub program_ranges: [Range; PROGRAM_RANGES],
    /// The break: starts at `start` (page-aligned), never passes `end`; zero-filled at boot.
    pub break_range: Range,
    /// Where mmap places mappings; page-aligned, zero-filled at boot.
    pub mapping_range: Range,
    /// The initial thread's stack, as the whole range that belongs to it.
    pub stack_range: Range,
    /// The kernel's own heap; zero-filled at boot.
    pub kernel_heap: Range,
    /// The kernel's code and constants, to tell a fault of the kernel from one of the program.
    pub kernel_code: Range,
    /// Committed files: address of the first [`CommittedFile`] and their number, sorted by path.
    pub files: Table,
    /// Calls the program can make and this kernel does not have: [`NamedNumber`]s, ascending.
    pub missing: Table,
    /// `ecall` sites that carry a missing or unknown number: [`NamedAddress`]es, ascending.
    pub sites: Table,
    /// On machines without CSRs: how each place at which a call leaves a thread is gone on at, [`Continuation`]s, ascending.
    pub continuations: Table,
    /// Where signal handlers return to: kernel code that calls `rt_sigreturn`; 0 if this kernel calls no handlers.
    pub signal_return: u64,
    /// The program's path as the program is told (AT_EXECFN, `/proc/self/exe`).
    pub executable_path: Text,
    /// Seed of the random stream, 32 bytes.
    pub seed: [u64; 4],
    /// The realtime clock at boot, nanoseconds since the Unix epoch.
    pub start_time_ns: u64,
    /// The descriptor that stands for the public output from the start; 0 if none does.
    pub output_descriptor: u64,
    /// Absolute paths of the files and directories that are handed out when the program has ended: [`Text`]s.
    pub exports: Table,
    /// The part of the page table that shows the program's memory; all 0 in kernels without one.
    pub page_tables: PageTables,
}

/// The Sv39 page table below its root, for the window of addresses in which a program lies that runs behind one. The entries of
/// both levels are two arrays, and which tables a directory entry can point to is fixed, so nothing is ever searched or allocated.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PageTables {
    /// The window's addresses, in whole entries of the directory.
    pub window: Range,
    /// Physical address of its first byte.
    pub physical: u64,
    /// Address of its directory: 8 bytes for every 2 MiB.
    pub directory: u64,
    /// Address of its pages: 8 bytes for every 4 KiB, in use where the directory says so.
    pub pages: u64,
}

/// The bytes from `start` up to, not including, `end`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Range {
    /// First address.
    pub start: u64,
    /// First address behind.
    pub end: u64,
}

/// An array in the image.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Table {
    /// Address of the first element, 8-byte aligned.
    pub address: u64,
    /// Number of elements.
    pub count: u64,
}

/// Bytes in the image, not terminated.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Text {
    /// Address of the first byte.
    pub address: u64,
    /// Number of bytes.
    pub len_bytes: u64,
}

/// A file given at build with `--file`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommittedFile {
    /// Absolute guest path.
    pub path: Text,
    /// Its contents.
    pub contents: Text,
    /// Permission bits, for example 0o644.
    pub mode: u64,
}

/// The symbol of the [`Table`] of [`ExportedFile`]s, in kernels that hand out files; zero until the program has ended.
pub const EXPORTED_SYMBOL: &str = "zeroos_exported";

/// A file that is handed out when the program has ended.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExportedFile {
    /// Which of [`BootInfo::exports`] asked for it: its index.
    pub request: u64,
    /// One of the constants below.
    pub kind: u64,
    /// Where it lies below what was asked for; empty for that itself.
    pub path: Text,
    /// Permission bits.
    pub mode: u64,
    /// What a regular file holds, or the first piece of it, or where a symbolic link leads.
    pub contents: Text,
}

impl ExportedFile {
    /// There is nothing of that name.
    pub const MISSING: u64 = 0;
    /// A regular file.
    pub const REGULAR: u64 = 1;
    /// A directory.
    pub const DIRECTORY: u64 = 2;
    /// A symbolic link.
    pub const SYMLINK: u64 = 3;
    /// Something that cannot be handed out, such as a device.
    pub const OTHER: u64 = 4;
    /// No file of its own: `contents` belongs behind that of the entry before, which is a regular file or such a piece.
    pub const MORE: u64 = 5;
}

/// Kernel code that loads a thread's last registers and goes on at a place of the program.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Continuation {
    /// The place.
    pub address: u64,
    /// The code.
    pub code: u64,
}

/// A number with a name.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamedNumber {
    /// The syscall number.
    pub number: u64,
    /// Its name.
    pub name: Text,
}

/// An address with a name.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NamedAddress {
    /// A place in the program.
    pub address: u64,
    /// The function it lies in.
    pub name: Text,
}

impl Range {
    /// A range that holds nothing, not even no bytes at its own address but one.
    pub const NOWHERE: Range = Range { start: u64::MAX, end: u64::MAX };

    /// Whether `len_bytes` bytes at `address` all lie inside.
    #[inline(always)]
    pub const fn holds(&self, address: usize, len_bytes: usize) -> bool {
        let (start, end) = (self.start as usize, self.end as usize);
        start <= address && address <= end && len_bytes <= end - address
    }

    /// As [`holds`](Self::holds), for [`NOWHERE`](Self::NOWHERE) and ranges that end at 4096 or higher, and at most 4096
    /// bytes, but not at the last address of all: two comparisons.
    #[inline(always)]
    pub const fn holds_few(&self, address: usize, len_bytes: usize) -> bool {
        self.start as usize <= address && address <= (self.end as usize).wrapping_sub(len_bytes)
    }
}
