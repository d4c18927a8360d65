//! Platforms: what the generator must know of a machine, read from a folder with `platform.toml` and `platform.rs`.
//! What the author wrote ([`raw`]) is another type than what the stages use ([`Platform`]).

mod error;
mod raw;
mod registry;

pub use error::PlatformError;
pub use registry::PlatformRegistry;

use crate::address::{Address, AddressRange};

/// A checked platform.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Platform {
    /// Its name, as `--platform` takes it; also its folder's.
    pub name: String,
    /// One line for `zeroos platforms`.
    pub summary: String,
    /// The instruction set the machine has, for example `rv64gc`.
    pub isa: String,
    /// What an `ecall` executed by the program does there.
    pub ecall: EcallBehaviour,
    /// Memory that is always there, ascending and disjoint; the kernel goes to the start of the first.
    pub memory: Vec<MemoryRegion>,
    /// Where memory can be added at the program's own addresses, if the machine can do that.
    pub in_place: Option<AddressRange>,
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
}
