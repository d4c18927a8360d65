//! Sockets as the calls about them see them: which kind an open file is, and the parts that several calls share.

use crate::abi::message::MOST_NAME_BYTES;
use crate::errno::{Errno, Refusal};
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::paired_sockets::{PairedSocket, paired};
use crate::subsystems::unix_socket::SocketKind::{Datagram, SeqPacket, Stream};
use crate::subsystems::unix_socket::UnixSocket;
use crate::user_memory::{UserAddress, UserMemory};

/// AF_UNIX.
pub const AF_UNIX: i32 = 1;

/// Only this call must not wait (MSG_DONTWAIT).
pub const DONTWAIT: u32 = 0x40;
/// What is received stays (MSG_PEEK).
pub const PEEK: u32 = 2;
/// The whole length of a message is told (MSG_TRUNC).
pub const TRUNC: u32 = 0x20;
/// All of the buffer is to be filled (MSG_WAITALL).
pub const WAITALL: u32 = 0x100;
/// No SIGPIPE (MSG_NOSIGNAL).
pub const NOSIGNAL: u32 = 0x4000;
/// Bytes out of band (MSG_OOB).
pub const OOB: u32 = 1;

/// What an open file is.
pub enum Socket<'a> {
    /// A socket without another end.
    Alone(&'a UnixSocket),
    /// An end of a pair.
    Paired(&'a PairedSocket),
}

/// The socket that `open` is; ENOTSOCK.
pub fn socket_of(open: &OpenFile) -> Result<Socket<'_>, Errno> {
    if let Some(socket) = paired(open) {
        return Ok(Socket::Paired(socket));
    }
    let socket = open.file.as_any().and_then(|file| file.downcast_ref());
    socket.map(Socket::Alone).ok_or(Errno::ENOTSOCK)
}

/// Whether there is an address of `len_bytes` bytes at `address` to send to.
///
/// # Errors
/// EINVAL for a length that no address has, EFAULT.
pub fn has_address(memory: &impl UserMemory, address: UserAddress, len_bytes: i32) -> Result<bool, Errno> {
    if address.is_null() {
        return Ok(false);
    }
    if !(0..=MOST_NAME_BYTES).contains(&len_bytes) {
        return Err(Errno::EINVAL);
    }
    memory.slice(address, len_bytes as usize)?;
    Ok(len_bytes > 0)
}

/// Stores `name` at `address`, cut off where the length at `len_address` says, and there its own length.
///
/// # Errors
/// EINVAL for a negative length, EFAULT.
pub fn store_address(
    memory: &mut impl UserMemory,
    name: &[u8],
    address: UserAddress,
    len_address: UserAddress,
) -> Result<(), Errno> {
    let room_bytes = usize::try_from(memory.read_u32(len_address)?.cast_signed()).map_err(|_| Errno::EINVAL)?;
    memory.write(address, name.get(..room_bytes).unwrap_or(name))?;
    memory.write_u32(len_address, name.len() as u32)
}

/// What a socket without another end answers to sending.
pub fn refuse_sending(socket: &UnixSocket, has_address: bool) -> Refusal {
    match (socket.kind, has_address) {
        (Stream, true) => Errno::EOPNOTSUPP.into(),
        (Datagram, true) => Refusal::Unsupported("sending to an address"),
        (Stream | Datagram, false) | (SeqPacket, _) => Errno::ENOTCONN.into(),
    }
}

/// What a socket without another end answers to receiving.
pub fn refuse_receiving(socket: &UnixSocket, waits: bool) -> Refusal {
    match socket.kind {
        Stream => Errno::EINVAL.into(),
        SeqPacket => Errno::ENOTCONN.into(),
        Datagram if waits => Refusal::Unsupported("receiving from a socket that nobody sends to"),
        Datagram => Errno::EAGAIN.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn addresses_in_and_out() {
        let mut memory = FakeMemory::new(64);
        let (at, length) = (memory.address(0), memory.put(32, &[1, 0, 0, 0]));
        assert_eq!(store_address(&mut memory, b"ab", at, length), Ok(()));
        assert_eq!((memory.bytes(0, 2), memory.bytes(32, 1)), (&b"a\0"[..], &[2][..]));
        memory.put(32, &[255; 4]);
        assert_eq!(store_address(&mut memory, b"ab", at, length), Err(Errno::EINVAL));
        assert_eq!(has_address(&memory, UserAddress::NULL, -1), Ok(false));
        assert_eq!((has_address(&memory, at, 0), has_address(&memory, at, 9)), (Ok(false), Ok(true)));
        assert_eq!(has_address(&memory, at, 129), Err(Errno::EINVAL));
        assert_eq!(has_address(&memory, UserAddress(8), 2), Err(Errno::EFAULT));
    }
}
