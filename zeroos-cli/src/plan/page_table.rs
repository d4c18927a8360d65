//! Where the image's page table lies and what it can show, for a program at addresses where the machine has no memory: Sv39
//! (privileged ISA manual, "Sv39"), laid out at build time. What lies where never changes; the kernel changes what pages allow.
//!
//! Each gigapage of memory, the program's and the kernel's, has a directory (an entry for 2 MiB) and a table for each of its
//! entries (one for 4 KiB), all at fixed places: no table is ever allocated. Tables that nobody needs are zero memory.

use std::collections::BTreeSet;

use kernel_fragments::boot_info::{PageTables, Range};

use super::Placement;
use super::placement::PAGE;
use crate::address::{Address, AddressRange, ByteCount};
use crate::platform::{GIGAPAGE, Platform, Translation, Window};

/// What an entry of a directory shows, bytes.
pub const CHUNK: u64 = 2 << 20;
/// Directories have as many entries, and tables.
const ENTRIES: u64 = 512;

/// The tables and what they can show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageTable {
    /// All tables, in memory that is seen where it is: the root, the directories, the tables of pages.
    pub at: AddressRange,
    /// Gigapages of memory that have a directory: the program's, ascending, then the machine's.
    pub gigapages: Vec<Window>,
    /// Memory for the program.
    pub program: Window,
    /// Devices, in gigapages of the root.
    pub devices: Window,
}

impl PageTable {
    /// The table by which `translation` shows a program on `platform`, in room that `take` gives for so many bytes.
    pub(super) fn new<E>(
        platform: &Platform,
        translation: Translation,
        take: impl FnOnce(u64) -> Result<AddressRange, E>,
    ) -> Result<PageTable, E> {
        let Translation { program, devices } = translation;
        let cut = |window: Window| {
            let count = window.range.size().0 / GIGAPAGE;
            let gigapage = move |number| {
                let start = window.range.start().offset((number * GIGAPAGE) as i64);
                let range = AddressRange::new(start, ByteCount(GIGAPAGE)).unwrap_or_default();
                Window { range, physical: window.physical.offset((number * GIGAPAGE) as i64) }
            };
            (0..count).map(gigapage)
        };
        // Regions of memory may share a gigapage.
        let memory = platform.memory.iter().flat_map(|region| cut(Window::identity(region.range)));
        let memory: BTreeSet<Window> = memory.collect();
        let gigapages: Vec<Window> = cut(program).chain(memory).collect();
        let at = take(PAGE * (1 + gigapages.len() as u64 * (1 + ENTRIES)))?;
        Ok(PageTable { at, gigapages, program, devices })
    }

    /// The directory of gigapage `index`.
    pub fn directory(&self, index: usize) -> Address {
        self.at.start().offset((PAGE * (1 + index as u64)) as i64)
    }

    /// The table for the pages of entry `entry` of directory `index`.
    pub fn table(&self, index: usize, entry: u64) -> Address {
        let tables = 1 + self.gigapages.len() as u64 + index as u64 * ENTRIES;
        self.at.start().offset((PAGE * (tables + entry)) as i64)
    }

    /// Where the byte that code sees at `address` is.
    pub fn physical(&self, address: Address) -> Option<Address> {
        let windows = self.gigapages.iter().chain([&self.devices]);
        windows.into_iter().find_map(|window| window.physical_of(address))
    }

    /// What `satp` holds: Sv39, and the root's page number (privileged ISA manual, "Supervisor Address Translation and
    /// Protection Register").
    pub fn satp(&self) -> u64 {
        8 << 60 | self.at.start().0 >> 12
    }

    /// What is added to a device's address to see it, wrapping.
    fn device_offset(&self) -> u64 {
        self.devices.range.start().0.wrapping_sub(self.devices.physical.0)
    }

    /// What the kernel must know to change what pages of the program allow.
    pub fn boot_info(&self) -> PageTables {
        let Window { range, physical } = self.program;
        PageTables {
            window: Range { start: range.start().0, end: range.end().0 },
            physical: physical.0,
            directory: self.directory(0).0,
            pages: self.table(0, 0).0,
        }
    }
}

impl Placement {
    /// Where the byte that code sees at `address` is in the machine.
    pub fn physical(&self, address: Address) -> Option<Address> {
        self.page_table.as_ref().map_or(Some(address), |table| table.physical(address))
    }

    /// What is added to a device's address to see it, wrapping.
    pub fn device_offset(&self) -> u64 {
        self.page_table.as_ref().map_or(0, PageTable::device_offset)
    }

    /// What can be read and written behind the page table, whether or not the image has bytes there.
    pub fn always_writable(&self) -> impl Iterator<Item = AddressRange> {
        self.page_table.iter().flat_map(|table| [self.stack, self.kernel_heap, table.at])
    }
}
