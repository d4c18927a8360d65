//! Platforms: what the generator must know of a machine, read from a folder with `platform.toml` and `platform.rs`.
//! What the author wrote ([`raw`]) is another type than what the stages use ([`Platform`]).

mod costs;
mod error;
mod instruction_set;
mod raw;
mod registry;
mod translation;

pub use costs::{CostTable, Fusion};
pub use error::PlatformError;
pub use instruction_set::InstructionSet;
pub use registry::PlatformRegistry;
pub use translation::{GIGAPAGE, Translation, Window};

use std::collections::BTreeSet;

use crate::address::{Address, AddressRange};

/// A checked platform.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Platform {
    /// Its name, as `--platform` takes it; also its folder's.
    pub name: String,
    /// One line for `zeroos platforms`.
    pub summary: String,
    /// The instruction set the machine has, for example `rv64gc`.
    pub isa: InstructionSet,
    /// What an `ecall` executed by the program does there.
    pub ecall: EcallBehaviour,
    /// What a misaligned load or store does there.
    pub misaligned: Misaligned,
    /// What instructions cost, on a machine where not all cost the same.
    pub costs: Option<CostTable>,
    /// The CSRs that exist, by number; `None` for all that machine mode has.
    pub csrs: Option<BTreeSet<u16>>,
    /// Memory that is always there, as listed; the kernel goes into the first region that it can be executed in.
    pub memory: Vec<MemoryRegion>,
    /// What the machine's loader asks of an image.
    pub loader: LoaderRules,
    /// Where memory can be added at the program's own addresses, if the machine can do that.
    pub in_place: Option<AddressRange>,
    /// How a program can stay at its own addresses behind a page table, if the machine can do that.
    pub translation: Option<Translation>,
    /// The devices that the built-in machine must offer.
    pub devices: Devices,
    /// The command that runs an image on the real machine, with `{image}` and `{memory}` to fill in; empty if unknown.
    pub runner: Vec<String>,
    /// The text of `platform.rs`.
    pub source: String,
}

/// A range of memory with its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemoryRegion {
    /// For people and error messages.
    pub name: String,
    /// Its addresses.
    pub range: AddressRange,
    /// What may be done with it.
    pub access: Access,
}

/// What may be done with a region of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Everything.
    #[default]
    Rwx,
    /// It holds code and constants, written by the loader alone.
    Rx,
    /// It holds data.
    Rw,
}

impl Access {
    /// Whether code runs there.
    pub fn executes(self) -> bool {
        self != Access::Rw
    }

    /// Whether code can write there.
    pub fn writes(self) -> bool {
        self != Access::Rx
    }
}

/// What a misaligned load or store of main memory does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Misaligned {
    /// It works.
    #[default]
    Works,
    /// It works, at a price: the built-in machine counts them.
    Counted,
    /// It ends the run.
    Stops,
}

/// What a machine's loader asks of an image. Each rule left out is no rule.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoaderRules {
    /// No segment may lie lower.
    pub lowest_address: Option<Address>,
    /// No segment may be writable and executable.
    #[serde(default)]
    pub write_xor_execute: bool,
    /// No two segments may share a page of 4096 bytes.
    #[serde(default)]
    pub separate_pages: bool,
    /// Executable segments must follow each other without a gap.
    #[serde(default)]
    pub contiguous_text: bool,
    /// Each word of an executable segment must be an instruction that the machine has.
    #[serde(default)]
    pub decodable_text: bool,
    /// Instructions that executable segments may hold.
    pub max_text_instructions: Option<u64>,
    /// Bytes that all segments together may take.
    pub max_image_bytes: Option<u64>,
}

/// What the machine does on `ecall`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EcallBehaviour {
    /// Traps to the handler in mtvec.
    Mtvec,
    /// Calls the host: a program's `ecall` must never be executed.
    HostCall,
}

/// Devices by which images reach the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Devices {
    /// The host-target interface at the image's symbols `tohost` and `fromhost`.
    #[serde(default)]
    pub htif: bool,
    /// Base address of a 16550 UART.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uart: Option<Address>,
    /// Address of SiFive's test finisher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_finisher: Option<Address>,
    /// How the machine's host serves images, if it is none of the devices above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostInterface>,
}

/// The machines whose host calls, or devices that no one else has, the built-in machine knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostInterface {
    /// Four memory-mapped words for console, input, output and exit, for machines of the zkVM standard's target.
    ZkvmStandard,
    /// SP1: `ecall` with the number in t0.
    Sp1,
    /// ZisK: memory-mapped input, output and UART; `ecall` 93 ends the run.
    Zisk,
    /// ckb-vm: `ecall` with the number in a7.
    CkbVm,
    /// Jolt: memory-mapped input, output and termination; a custom instruction prints.
    Jolt,
}

impl HostInterface {
    /// The one word that is an instruction there though RISC-V does not define it: the host call of Jolt's guests.
    pub fn instruction(self) -> Option<u32> {
        match self {
            HostInterface::Jolt => Some(0x205b), // .insn i 0x5b, 2, x0, x0, 0
            _ => None,
        }
    }
}

impl Devices {
    /// Whether public output is something of its own there, and not part of what the console prints.
    pub fn has_public_output(&self) -> bool {
        self.htif || self.host.is_some()
    }

    /// The same devices `offset` bytes further up, wrapping.
    pub fn seen(self, offset: u64) -> Devices {
        let seen = |address: Address| Address(address.0.wrapping_add(offset));
        Devices { uart: self.uart.map(seen), test_finisher: self.test_finisher.map(seen), ..self }
    }

    /// Whether the machine's input is a private input, given before the run.
    pub fn has_private_input(&self) -> bool {
        self.host.is_some()
    }
}

/// The CSRs by which traps are served (privileged ISA manual, "Machine-Level CSRs").
pub(crate) const TRAP_CSRS: [(&str, u16); 6] =
    [("mstatus", 0x300), ("mtvec", 0x305), ("mscratch", 0x340), ("mepc", 0x341), ("mcause", 0x342), ("mtval", 0x343)];

impl Platform {
    /// Whether code and data of a program must lie apart: it executes in other memory than it writes to, or wants all
    /// executable segments in one piece.
    pub fn keeps_code_apart(&self) -> bool {
        self.loader.contiguous_text || self.memory.iter().any(|region| region.access != Access::Rwx)
    }

    /// Whether the machine has the CSRs by which traps are served, and with them a place for the running thread.
    pub fn has_trap_csrs(&self) -> bool {
        self.csrs.as_ref().is_none_or(|csrs| TRAP_CSRS.iter().all(|(_, number)| csrs.contains(number)))
    }
}
