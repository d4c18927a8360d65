//! What loads and stores reach: RAM first, devices behind it.

use super::Exit;
use super::watch::Watch;
use crate::machine::console::Console;
use crate::machine::device::{DeviceEffect, Devices};
use crate::machine::memory::Memory;
use crate::machine::trap::{Exception, LOAD_ACCESS_FAULT, STORE_ACCESS_FAULT};

/// Memory and devices as the hart sees them, with what looks at accesses before.
pub(in crate::machine) struct Bus<'a, W> {
    pub(in crate::machine) memory: &'a mut Memory,
    pub(in crate::machine) devices: &'a mut Devices,
    pub(in crate::machine) console: &'a mut dyn Console,
    /// The word in RAM that a device listens to.
    pub(in crate::machine) watched: u64,
    pub(in crate::machine) watch: W,
}

impl<W: Watch> Bus<'_, W> {
    /// The `N` bytes at `address`.
    #[inline(always)]
    pub(in crate::machine) fn load<const N: usize>(&mut self, address: u64) -> Result<[u8; N], Exit> {
        self.watch.look(self.memory, address, N, false)?;
        match self.memory.read(address) {
            Some(bytes) => Ok(bytes),
            None => self.load_from_device(address),
        }
    }

    /// Stores `bytes` at `address`.
    #[inline(always)]
    pub(in crate::machine) fn store<const N: usize>(&mut self, address: u64, bytes: [u8; N]) -> Result<(), Exit> {
        self.watch.look(self.memory, address, N, true)?;
        if !self.memory.write(address, bytes) {
            return self.store_to_device(address, bytes);
        }
        self.stored(address)
    }

    /// Tells the device that listens to it of a store to the word at `address`.
    #[inline(always)]
    pub(in crate::machine) fn stored(&mut self, address: u64) -> Result<(), Exit> {
        if address.wrapping_sub(self.watched) < 8 { self.watched_word_written() } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn watched_word_written(&mut self) -> Result<(), Exit> {
        exit_if_stopped(self.devices.htif_written(self.memory, self.console))
    }

    #[cold]
    #[inline(never)]
    fn load_from_device<const N: usize>(&mut self, address: u64) -> Result<[u8; N], Exit> {
        let value = self.devices.load(address, N, self.console).map_err(Exit::Refused)?;
        let value = value.ok_or(Exit::Raised(Exception { cause: LOAD_ACCESS_FAULT, value: address }))?;
        let mut bytes = [0; N];
        bytes.iter_mut().zip(value.to_le_bytes()).for_each(|(to, from)| *to = from);
        Ok(bytes)
    }

    #[cold]
    #[inline(never)]
    fn store_to_device<const N: usize>(&mut self, address: u64, bytes: [u8; N]) -> Result<(), Exit> {
        let value = bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
        let effect = self.devices.store(address, N, value, self.memory, self.console).map_err(Exit::Refused)?;
        exit_if_stopped(effect.ok_or(Exit::Raised(Exception { cause: STORE_ACCESS_FAULT, value: address }))?)
    }
}

fn exit_if_stopped(effect: DeviceEffect) -> Result<(), Exit> {
    match effect {
        DeviceEffect::None => Ok(()),
        DeviceEffect::Exit(status) => Err(Exit::Stopped(status)),
    }
}
