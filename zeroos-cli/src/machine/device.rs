//! The devices: what a load or store outside RAM reaches, the HTIF words inside it, and the host.

mod finisher;
mod htif;
mod input;
mod uart;

use super::config::{MachineConfig, TEST_FINISHER_SIZE, UART_SIZE};
use super::console::Console;
use super::failure::HostFailure;
use super::host::{self, Host};
use super::memory::Memory;
use htif::Htif;
use input::Input;
use uart::Uart;

/// What a store or a call made a device do to the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DeviceEffect {
    /// Nothing.
    None,
    /// The guest stopped the machine with a status.
    Exit(u32),
}

/// All devices of the machine.
pub(super) struct Devices {
    input: Input,
    htif: Option<Htif>,
    uart: Option<(u64, Uart)>,
    test_finisher: Option<u64>,
    host: Option<Box<dyn Host>>,
    /// Whether anything but RAM was asked for something.
    pub(super) contacted: bool,
}

impl Devices {
    pub(super) fn new(config: &MachineConfig) -> Devices {
        Devices {
            input: Input::default(),
            htif: config.htif.map(Htif::new),
            uart: config.uart.map(|base| (base.0, Uart::default())),
            test_finisher: config.test_finisher.map(|base| base.0),
            host: config.host.map(host::new),
            contacted: false,
        }
    }

    /// Whoever serves calls and instructions that the machine itself does not know.
    pub(super) fn host(&mut self) -> Option<&mut dyn Host> {
        match &mut self.host {
            Some(host) => Some(&mut **host),
            None => None,
        }
    }

    /// Address of the word whose change [`htif_written`](Devices::htif_written) must hear about. Without HTIF it is
    /// one at which no RAM can lie: a range of addresses ends below `u64::MAX`.
    pub(super) fn watched_word(&self) -> u64 {
        self.htif.as_ref().map_or(u64::MAX, Htif::tohost)
    }

    /// The guest stored to the watched word.
    pub(super) fn htif_written(&mut self, memory: &mut Memory, console: &mut dyn Console) -> DeviceEffect {
        self.contacted = true;
        match &self.htif {
            Some(htif) => htif.written(memory, &mut self.input, console),
            None => DeviceEffect::None,
        }
    }

    /// A load of `size` bytes outside RAM; `None` if no device is there.
    pub(super) fn load(
        &mut self,
        address: u64,
        size: usize,
        console: &mut dyn Console,
    ) -> Result<Option<u64>, HostFailure> {
        self.contacted = true;
        if let Some((base, uart)) = &mut self.uart
            && let Some(offset) = register(address, size, *base, UART_SIZE)
        {
            return Ok(Some(u64::from(uart.load(offset, &mut self.input, console))));
        }
        if self.test_finisher.is_some_and(|base| register(address, size, base, TEST_FINISHER_SIZE).is_some()) {
            return Ok(Some(0));
        }
        self.host.as_mut().map_or(Ok(None), |host| host.load(address, size, console))
    }

    /// A store of `size` bytes outside RAM; `None` if no device is there.
    pub(super) fn store(
        &mut self,
        address: u64,
        size: usize,
        value: u64,
        memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Result<Option<DeviceEffect>, HostFailure> {
        self.contacted = true;
        if let Some((base, uart)) = &mut self.uart
            && let Some(offset) = register(address, size, *base, UART_SIZE)
        {
            uart.store(offset, value as u8, console);
            return Ok(Some(DeviceEffect::None));
        }
        if self.test_finisher.is_some_and(|base| register(address, size, base, TEST_FINISHER_SIZE).is_some()) {
            return Ok(Some(finisher::store(value as u32)));
        }
        self.host.as_mut().map_or(Ok(None), |host| host.store(address, size, value, memory, console))
    }
}

/// The register offset that an access of up to four bytes at `address` names in the device at `base`.
fn register(address: u64, size: usize, base: u64, device_size: u64) -> Option<u64> {
    let offset = address.checked_sub(base)?;
    (offset < device_size && size <= 4).then_some(offset)
}
