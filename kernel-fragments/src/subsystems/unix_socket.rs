//! A `unix(7)` socket that is not connected, and what the kinds of socket are. Nobody listens anywhere in this one process, so none ever is: programs look for
//! services of the system (name caches, loggers) and go on when there is none.

use crate::abi::pollfd::{POLLHUP, POLLOUT, POLLWRBAND, POLLWRNORM};
use crate::abi::stat::{S_IFMT, S_IFSOCK, Stat};
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::open_file::{File, OpenFile};
use core::any::Any;

/// The file system in which sockets live.
pub const SOCKET_DEVICE: u64 = 8;

/// Bytes that may be queued at a socket (net.core.wmem_default).
pub const BUFFER_BYTES: usize = 212_992;

/// One more than the highest family there is (AF_MAX).
const FAMILIES: i32 = 46;
const AF_UNIX: i32 = 1;
const SOCK_STREAM: u32 = 1;
const SOCK_DGRAM: u32 = 2;
const SOCK_RAW: u32 = 3;
const SOCK_SEQPACKET: u32 = 5;
/// One more than the highest type (SOCK_MAX).
const TYPES: u32 = 11;
/// The bits of a type; the others are flags.
pub const TYPE_MASK: u32 = 0xf;

/// What is sent by a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SocketKind {
    /// Bytes in order.
    Stream,
    /// Messages.
    Datagram,
    /// Messages in order, over a connection.
    SeqPacket,
}

impl SocketKind {
    /// Its number (SO_TYPE).
    pub fn number(self) -> u32 {
        match self {
            SocketKind::Stream => SOCK_STREAM,
            SocketKind::Datagram => SOCK_DGRAM,
            SocketKind::SeqPacket => SOCK_SEQPACKET,
        }
    }
}

/// What a family, a type without flags and a protocol make.
///
/// # Errors
/// EAFNOSUPPORT, EINVAL, EPROTONOSUPPORT, ESOCKTNOSUPPORT. Unsupported: other families.
pub fn socket_kind(family: i32, kind: u32, protocol: i32) -> Result<SocketKind, Refusal> {
    if !(0..FAMILIES).contains(&family) {
        return Err(Errno::EAFNOSUPPORT.into());
    }
    if kind >= TYPES {
        return Err(Errno::EINVAL.into());
    }
    if family != AF_UNIX {
        return Err(Refusal::Unsupported("sockets but those of AF_UNIX"));
    }
    if protocol != 0 && protocol != AF_UNIX {
        return Err(Errno::EPROTONOSUPPORT.into());
    }
    match kind {
        SOCK_STREAM => Ok(SocketKind::Stream),
        SOCK_SEQPACKET => Ok(SocketKind::SeqPacket),
        SOCK_DGRAM | SOCK_RAW => Ok(SocketKind::Datagram),
        _ => Err(Errno::ESOCKTNOSUPPORT.into()),
    }
}

/// An unconnected socket.
pub struct UnixSocket {
    /// Its kind.
    pub kind: SocketKind,
}

impl UnixSocket {
    fn is_stream(&self) -> bool {
        self.kind != SocketKind::Datagram
    }
}

impl File for UnixSocket {
    fn read(&self, _platform: &mut dyn Platform, _offset: u64, _into: &mut [u8]) -> SysResult {
        if self.is_stream() { Err(Errno::EINVAL.into()) } else { Err(Refusal::Unsupported("receiving from a socket")) }
    }

    fn write(&self, _platform: &mut dyn Platform, _offset: u64, _from: &[u8]) -> SysResult {
        Err(Errno::ENOTCONN.into())
    }

    fn stat(&self) -> Stat {
        Stat { device: SOCKET_DEVICE, inode: 1, mode: S_IFSOCK | 0o777, links: 1, ..Stat::default() }
    }

    fn ready(&self) -> u16 {
        POLLOUT | POLLWRNORM | POLLWRBAND | if self.is_stream() { POLLHUP } else { 0 }
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// Whether an open file is a socket; ENOTSOCK.
pub fn check_socket(file: &OpenFile) -> Result<(), Errno> {
    let is_socket = file.file.stat().mode & S_IFMT == S_IFSOCK;
    if is_socket { Ok(()) } else { Err(Errno::ENOTSOCK) }
}
