//! A `unix(7)` socket that is not connected. Nobody listens anywhere in this one process, so none ever is: programs look for
//! services of the system (name caches, loggers) and go on when there is none.

use crate::abi::pollfd::{POLLHUP, POLLOUT, POLLWRNORM};
use crate::abi::stat::Stat;
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::open_file::{File, OpenFile};
use core::any::Any;

/// The file system in which sockets live, and the kind of file.
const SOCKET_DEVICE: u64 = 8;
const S_IFSOCK: u32 = 0o14_0000;

/// An unconnected socket.
pub struct UnixSocket {
    /// SOCK_STREAM or SOCK_SEQPACKET; otherwise SOCK_DGRAM.
    pub is_stream: bool,
}

impl File for UnixSocket {
    fn read(&self, _platform: &mut dyn Platform, _offset: u64, _into: &mut [u8]) -> SysResult {
        if self.is_stream { Err(Errno::EINVAL.into()) } else { Err(Refusal::Unsupported("receiving from a socket")) }
    }

    fn write(&self, _platform: &mut dyn Platform, _offset: u64, _from: &[u8]) -> SysResult {
        Err(Errno::ENOTCONN.into())
    }

    fn stat(&self) -> Stat {
        Stat { device: SOCKET_DEVICE, inode: 1, mode: S_IFSOCK | 0o777, links: 1, ..Stat::default() }
    }

    fn ready(&self) -> u16 {
        // POLLWRBAND is 0x200 (net/unix/af_unix.c, unix_poll).
        POLLOUT | POLLWRNORM | 0x200 | if self.is_stream { POLLHUP } else { 0 }
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// Whether an open file is a socket; ENOTSOCK.
pub fn check_socket(file: &OpenFile) -> Result<(), Errno> {
    let is_socket = file.file.as_any().is_some_and(|file| file.is::<UnixSocket>());
    if is_socket { Ok(()) } else { Err(Errno::ENOTSOCK) }
}
