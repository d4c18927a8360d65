//! What a machine consists of: its instructions, memory regions, devices, and where the program's own code lies.

use std::collections::BTreeSet;

use super::host;
use super::protection::Protection;
use crate::address::{Address, AddressRange, ByteCount};
use crate::platform::{CostTable, HostInterface, InstructionSet, Misaligned};

/// What a machine consists of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MachineConfig {
    /// RAM, in any order; regions must not overlap. Memory that is never written costs the host nothing.
    pub ram: Vec<AddressRange>,
    /// Where in RAM not everything is allowed.
    pub protections: Vec<Protection>,
    /// The instruction set; `None` for all that the machine can do.
    pub isa: Option<InstructionSet>,
    /// The CSRs that exist, beside those of F; `None` for all. Without `mtvec`, an exception ends the run.
    pub csrs: Option<BTreeSet<u16>>,
    /// Whether the hart has supervisor mode, behind a page table that says what pages allow: RAM and devices are where that shows
    /// them, which never changes.
    pub supervisor: bool,
    /// What a misaligned load or store does.
    pub misaligned: Misaligned,
    /// What instructions cost: cycles are counted then.
    pub costs: Option<CostTable>,
    /// Address of the first instruction.
    pub entry: Address,
    /// The host-target interface's two words, inside RAM.
    pub htif: Option<HtifAddresses>,
    /// Base of a 16550 UART, outside RAM.
    pub uart: Option<Address>,
    /// Base of a SiFive test finisher, outside RAM.
    pub test_finisher: Option<Address>,
    /// The host that serves the machine.
    pub host: Option<HostInterface>,
    /// The program's own segments: instructions executed there are the program's, all others the kernel's.
    pub program: Vec<AddressRange>,
    /// Where the program enters the kernel without a trap, in any order.
    pub stubs: Vec<StubAddress>,
    /// Stop after this many instructions.
    pub max_instructions: Option<u64>,
    /// Stop when something outside RAM was asked for the first time: a device, or the host.
    pub stops_at_contact: bool,
}

/// Kernel code that stands for one `ecall`: jumping there from program code is making that call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct StubAddress {
    /// Its first instruction.
    pub stub: Address,
    /// The call that it stands for.
    pub site: Address,
    /// The call's number; a7 holds it if `None`.
    pub number: Option<u64>,
}

/// Addresses of the symbols `tohost` and `fromhost`: 64-bit words in RAM, 8-byte aligned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HtifAddresses {
    /// The word the guest writes requests to.
    pub tohost: Address,
    /// The word the host answers in.
    pub fromhost: Address,
}

/// Why a machine cannot be built.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// Two RAM regions, or a RAM region and a device, share addresses.
    #[error("{0} and {1} overlap: memory regions and devices need addresses of their own")]
    Overlap(AddressRange, AddressRange),
    /// An HTIF word does not lie in RAM.
    #[error("the HTIF word at {0} does not lie in RAM on an 8-byte boundary")]
    HtifOutsideRam(Address),
    /// The host does not give that much memory.
    #[error("the host cannot provide {0} of RAM")]
    TooMuchRam(ByteCount),
}

/// Size of the UART's register block.
pub(super) const UART_SIZE: u64 = 8;
/// Size of the test finisher's register block.
pub(super) const TEST_FINISHER_SIZE: u64 = 4;

impl MachineConfig {
    /// Whether everything has its own place.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let device = |base: Option<Address>, size| AddressRange::new(base?, ByteCount(size));
        let mut ranges = self.ram.clone();
        ranges.extend(device(self.uart, UART_SIZE));
        ranges.extend(device(self.test_finisher, TEST_FINISHER_SIZE));
        ranges.extend(self.host.into_iter().flat_map(host::addresses));
        ranges.sort();
        for pair in ranges.windows(2) {
            if pair[0].overlaps(pair[1]) {
                return Err(ConfigError::Overlap(pair[0], pair[1]));
            }
        }
        for word in self.htif.iter().flat_map(|htif| [htif.tohost, htif.fromhost]) {
            let inside = AddressRange::new(word, ByteCount(8))
                .is_some_and(|range| word.0 % 8 == 0 && self.ram.iter().any(|ram| ram.covers(range)));
            if !inside {
                return Err(ConfigError::HtifOutsideRam(word));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_and_stray_htif_words_are_refused() {
        let ram = |start, size| AddressRange::new(Address(start), ByteCount(size)).unwrap();
        let config = MachineConfig { ram: vec![ram(0x8000, 0x1000), ram(0x8fff, 1)], ..MachineConfig::default() };
        assert!(matches!(config.check(), Err(ConfigError::Overlap(..))));
        let config =
            MachineConfig { ram: vec![ram(0x8000, 0x1000)], uart: Some(Address(0x8ff8)), ..MachineConfig::default() };
        assert!(matches!(config.check(), Err(ConfigError::Overlap(..))));
        let htif = HtifAddresses { tohost: Address(0x8000), fromhost: Address(0x9000) };
        let config = MachineConfig { ram: vec![ram(0x8000, 0x1000)], htif: Some(htif), ..MachineConfig::default() };
        assert_eq!(config.check(), Err(ConfigError::HtifOutsideRam(Address(0x9000))));
    }
}
