//! What the image's page table says, for a program at addresses where the machine has no memory: one root table of gigapages
//! (privileged ISA manual, "Sv39"), laid out at build time and never changed.

use super::Placement;
use super::placement::PAGE;
use crate::address::{Address, AddressRange, ByteCount};
use crate::platform::{Platform, Translation, Window};

/// The table and what it maps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageTable {
    /// Its page, in memory that is seen where it is.
    pub at: AddressRange,
    /// All that is mapped, ascending and apart.
    pub mappings: Vec<Mapping>,
    /// Program memory that nobody may touch, so that a null pointer is one; physical.
    pub null_page: AddressRange,
    /// What is added to a device's address to see it, wrapping.
    pub device_offset: u64,
}

/// Gigapages of the table: all can be read and written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// What is seen where.
    pub window: Window,
    /// Whether code runs there.
    pub executes: bool,
}

impl PageTable {
    /// The table at `at` by which `translation` shows a program on `platform`.
    pub(super) fn new(platform: &Platform, translation: Translation, at: AddressRange) -> PageTable {
        let Translation { program, devices } = translation;
        let memory = platform.memory.iter().map(|region| Window::identity(region.range));
        let mut mappings: Vec<Mapping> =
            memory.chain([program]).map(|window| Mapping { window, executes: true }).collect();
        mappings.push(Mapping { window: devices, executes: false });
        mappings.sort_by_key(|mapping| mapping.window.range);
        // Regions of memory may share a gigapage.
        mappings.dedup();
        let null_page = AddressRange::new(program.physical, ByteCount(PAGE)).unwrap_or_default();
        let device_offset = devices.range.start().0.wrapping_sub(devices.physical.0);
        PageTable { at, mappings, null_page, device_offset }
    }

    /// Where the byte that code sees at `address` is.
    pub fn physical(&self, address: Address) -> Option<Address> {
        self.mappings.iter().find_map(|mapping| mapping.window.physical_of(address))
    }

    /// What `satp` holds: Sv39, and the table's page number (privileged ISA manual, "Supervisor Address Translation and
    /// Protection Register").
    pub fn satp(&self) -> u64 {
        8 << 60 | self.at.start().0 >> 12
    }
}

impl Placement {
    /// Where the byte that code sees at `address` is in the machine.
    pub fn physical(&self, address: Address) -> Option<Address> {
        self.page_table.as_ref().map_or(Some(address), |table| table.physical(address))
    }

    /// What is added to a device's address to see it, wrapping.
    pub fn device_offset(&self) -> u64 {
        self.page_table.as_ref().map_or(0, |table| table.device_offset)
    }
}
