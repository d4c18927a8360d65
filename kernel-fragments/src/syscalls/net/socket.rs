//! `socket(2)`: <https://man7.org/linux/man-pages/man2/socket.2.html>. Supported: AF_UNIX, which nobody listens on; not
//! supported: other families. Errors: EINVAL, EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EMFILE.

use crate::abi::open_flags::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::unix_socket::UnixSocket;
use alloc::boxed::Box;

syscall!(198 => socket);

const AF_UNIX: i32 = 1;
/// One more than the highest family there is (AF_MAX).
const FAMILIES: i32 = 46;
const SOCK_STREAM: u32 = 1;
const SOCK_DGRAM: u32 = 2;
const SOCK_RAW: u32 = 3;
const SOCK_SEQPACKET: u32 = 5;
/// One more than the highest type (SOCK_MAX), and the bits that hold it.
const TYPES: u32 = 11;
const TYPE_MASK: u32 = 0xf;

/// A new socket of a family, type and protocol.
pub fn socket(descriptors: &mut Descriptors, family: i32, kind: u32, protocol: i32) -> SysResult {
    let (flags, kind) = (kind & !TYPE_MASK, kind & TYPE_MASK);
    if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL.into());
    }
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
    let is_stream = match kind {
        SOCK_STREAM | SOCK_SEQPACKET => true,
        SOCK_DGRAM | SOCK_RAW => false,
        _ => return Err(Errno::ESOCKTNOSUPPORT.into()),
    };
    let file = OpenFile::new(Box::new(UnixSocket { is_stream }), O_RDWR | flags & O_NONBLOCK);
    Ok(descriptors.insert(file, flags & O_CLOEXEC != 0, 0)?.0 as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_types_and_protocols() {
        let mut descriptors = Descriptors::new();
        for (family, kind, protocol, expected) in [
            (1, SOCK_STREAM | O_CLOEXEC | O_NONBLOCK, 0, Ok(3)),
            (1, SOCK_DGRAM, 1, Ok(4)),
            (1, SOCK_STREAM, 6, Err(Errno::EPROTONOSUPPORT)),
            (1, 4, 0, Err(Errno::ESOCKTNOSUPPORT)),
            (1, 11, 0, Err(Errno::EINVAL)),
            (1, 0x10 | SOCK_STREAM, 0, Err(Errno::EINVAL)),
            (46, SOCK_STREAM, 0, Err(Errno::EAFNOSUPPORT)),
            (-1, SOCK_STREAM, 0, Err(Errno::EAFNOSUPPORT)),
        ] {
            assert_eq!(socket(&mut descriptors, family, kind, protocol), expected.map_err(Into::into));
        }
        assert!(matches!(socket(&mut descriptors, 2, SOCK_STREAM, 0), Err(Refusal::Unsupported(_))));
    }
}
