//! The character devices as open files.

use crate::abi::stat::Stat;
use crate::errno::{Errno, SysResult};
use crate::platform_interface::{Platform, Stream};
use crate::subsystems::node::{Device, Node};
use crate::subsystems::open_file::{File, READS, WRITES};
use alloc::rc::Rc;

/// An opened `/dev/null`, `/dev/zero`, `/dev/full` or standard stream.
pub struct DeviceFile {
    /// Which.
    pub device: Device,
    /// Its place in the tree.
    pub node: Rc<Node>,
}

impl File for DeviceFile {
    fn splices(&self) -> u32 {
        // drivers/char/mem.c, null_fops and full_fops
        match self.device {
            Device::Null => WRITES,
            Device::Full => READS,
            _ => READS | WRITES,
        }
    }

    fn read(&self, platform: &mut dyn Platform, _offset: u64, into: &mut [u8]) -> SysResult {
        match self.device {
            Device::Null => Ok(0),
            Device::Zero | Device::Full => {
                into.fill(0);
                Ok(into.len())
            }
            Device::StandardStream(0) => Ok(platform.read_input(into)),
            // The others have file types of their own.
            _ => Err(Errno::EINVAL.into()),
        }
    }

    fn write(&self, platform: &mut dyn Platform, _offset: u64, from: &[u8]) -> SysResult {
        match self.device {
            Device::Null | Device::Zero => {}
            Device::Full => return Err(Errno::ENOSPC.into()),
            Device::StandardStream(1) => platform.write_console(Stream::Output, from),
            Device::StandardStream(2) => platform.write_console(Stream::Error, from),
            _ => return Err(Errno::EINVAL.into()),
        }
        Ok(from.len())
    }

    fn stat(&self) -> Stat {
        self.node.stat()
    }

    fn is_seekable(&self) -> bool {
        !matches!(self.device, Device::StandardStream(_))
    }

    fn is_pollable(&self) -> bool {
        matches!(self.device, Device::StandardStream(_))
    }

    fn node(&self) -> Option<&Rc<Node>> {
        Some(&self.node)
    }
}
