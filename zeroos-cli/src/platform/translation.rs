//! `[translation]` of `platform.toml`: how programs with addresses of their own run where the machine has no memory at those.
//! They, and the kernel with them, see memory through one page table that the builder lays out (privileged ISA
//! manual, "Sv39: Page-Based 39-bit Virtual-Memory System"). The platform's memory is seen at its own addresses.

use serde::Deserialize;

use super::{Access, Devices, MemoryRegion};
use crate::address::{Address, AddressRange, ByteCount};

/// What one entry of an Sv39 root table maps, bytes (manual, "Sv39": a leaf at level 2).
pub const GIGAPAGE: u64 = 1 << 30;
/// End of the lower half of Sv39's addresses: bits 63–39 equal bit 38.
const VIRTUAL_END: Address = Address(1 << 38);
/// End of what a page number of 44 bits reaches.
const PHYSICAL_END: Address = Address(1 << 56);

/// The windows through which code behind the table sees what lies elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Translation {
    /// Memory for programs at their own addresses, with their break, mappings and stack. Its first page is never given out, so that
    /// a null pointer is one.
    pub program: Window,
    /// The machine's devices.
    pub devices: Window,
}

/// Whole gigapages, seen elsewhere than they are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Window {
    /// The addresses that code uses.
    pub range: AddressRange,
    /// Where its first byte is.
    pub physical: Address,
}

impl Window {
    /// A window through which `range`, rounded out, is seen where it is.
    pub fn identity(range: AddressRange) -> Window {
        let start = range.start().align_down(GIGAPAGE);
        let end = range.end().align_up(GIGAPAGE).unwrap_or(range.end());
        Window { range: AddressRange::between(start, end).unwrap_or(range), physical: start }
    }

    /// Where the byte at `address` is, if it is seen here.
    pub fn physical_of(&self, address: Address) -> Option<Address> {
        let offset = address.0.wrapping_sub(self.range.start().0);
        self.range.contains(address).then(|| Address(self.physical.0.wrapping_add(offset)))
    }

    /// What is seen here.
    pub fn physical_range(&self) -> AddressRange {
        AddressRange::new(self.physical, self.range.size()).unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTranslation {
    /// Read so that other modes are refused.
    #[allow(dead_code)]
    mode: Mode,
    program: RawWindow,
    devices: RawWindow,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Sv39,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWindow {
    #[serde(rename = "virtual")]
    start: Address,
    physical: Address,
    size_bytes: ByteCount,
}

impl RawTranslation {
    /// Checked against the machine's `memory` and `devices`.
    ///
    /// # Errors
    /// What contradicts itself.
    pub(super) fn check(&self, memory: &[MemoryRegion], devices: &Devices) -> Result<Translation, String> {
        if memory.iter().any(|region| region.access != Access::Rwx) {
            return Err(
                "translation is given, but some [[memory]] is not `rwx`; the table says what each page allows".into()
            );
        }
        let translation =
            Translation { program: self.program.check("program")?, devices: self.devices.check("devices")? };
        let regions: Vec<Window> = memory.iter().map(|region| Window::identity(region.range)).collect();
        let others = |other: &Window| regions.iter().chain([other]).copied().collect::<Vec<Window>>();
        let (program, device) = (translation.program, translation.devices);
        if others(&device).iter().any(|other| other.range.overlaps(program.range))
            || regions.iter().any(|other| other.range.overlaps(device.range))
        {
            return Err(
                "the gigapages of translation.program, translation.devices and [[memory]] must lie apart".into()
            );
        }
        if others(&device).iter().any(|other| other.physical_range().overlaps(program.physical_range())) {
            return Err(
                "what translation.program shows must be neither [[memory]] nor what translation.devices shows".into()
            );
        }
        let unseen = |&address: &Address| !device.physical_range().contains(address);
        match [devices.uart, devices.test_finisher].into_iter().flatten().find(unseen) {
            Some(address) => Err(format!("the device at {address} cannot be seen through translation.devices")),
            None => Ok(translation),
        }
    }
}

impl RawWindow {
    fn check(&self, name: &str) -> Result<Window, String> {
        let whole = [self.start.0, self.physical.0, self.size_bytes.0].iter().all(|value| value % GIGAPAGE == 0);
        let fits = |start, end| AddressRange::new(start, self.size_bytes).filter(|range| range.end() <= end);
        match (fits(self.start, VIRTUAL_END), fits(self.physical, PHYSICAL_END)) {
            (Some(range), Some(_)) if whole && !range.is_empty() => Ok(Window { range, physical: self.physical }),
            _ => Err(format!(
                "translation.{name} must be whole gigapages ({GIGAPAGE:#x} bytes), at least one, that end at {VIRTUAL_END} \
                 (virtual) and {PHYSICAL_END} (physical) or before"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(program: &str, devices: &str) -> Result<Translation, String> {
        let raw: RawTranslation =
            toml::from_str(&format!("mode = \"sv39\"\nprogram = {{ {program} }}\ndevices = {{ {devices} }}")).unwrap();
        let ram = AddressRange::new(Address(0x8000_0000), ByteCount(0x100_0000)).unwrap();
        let memory = [MemoryRegion { name: "ram".into(), range: ram, access: Access::Rwx }];
        raw.check(&memory, &Devices { uart: Some(Address(0x1000_0000)), ..Devices::default() })
    }

    #[test]
    fn other_modes_and_unknown_keys_are_errors() {
        let window = "{ virtual = \"0x0\", physical = \"0x0\", size_bytes = 0x40000000 }";
        let read = |mode: &str, more: &str| {
            toml::from_str::<RawTranslation>(&format!("mode = {mode}\nprogram = {window}\ndevices = {window}\n{more}"))
        };
        assert!(read("\"sv39\"", "").is_ok());
        assert!(read("\"sv48\"", "").is_err() && read("\"sv39\"", "levels = 3").is_err());
    }

    #[test]
    fn windows_lie_apart_in_both_views() {
        let size = "size_bytes = 0x40000000";
        let good = format!("virtual = \"0x0\", physical = \"0xc0000000\", {size}");
        let devices = format!("virtual = \"0xc0000000\", physical = \"0x0\", {size}");
        let translation = check(&good, &devices).unwrap();
        assert_eq!(translation.program.physical_of(Address(0x1_0000)), Some(Address(0xc001_0000)));
        assert_eq!(translation.program.physical_of(Address(0x4000_0000)), None);
        for (from, to) in [
            ("0xc0000000", "0x80000000"),    // on the memory
            ("0xc0000000", "0x0"),           // on the devices
            ("0xc0000000", "0xc0001000"),    // no gigapage
            ("\"0x0\"", "\"0xc0000000\""),   // seen where devices are
            ("\"0x0\"", "\"0x80000000\""),   // seen where memory is
            ("\"0x0\"", "\"0x4000000000\""), // no address of Sv39
            ("0x40000000", "0x0"),
        ] {
            assert!(check(&good.replacen(from, to, 1), &devices).is_err(), "{to}");
        }
        assert!(check(&good, &devices.replacen("\"0x0\"", "\"0x100000000\"", 1)).is_err(), "the UART is not seen");
    }
}
