//! `socket(2)`: <https://man7.org/linux/man-pages/man2/socket.2.html>. Supported: AF_UNIX, which nobody listens on; not
//! supported: other families. Errors: EINVAL, EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EMFILE.

use crate::abi::open_flags::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use crate::errno::{Errno, SysResult};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::unix_socket::{TYPE_MASK, UnixSocket, socket_kind};
use alloc::boxed::Box;

syscall!(198 => socket);

/// A new socket of a family, type and protocol.
pub fn socket(descriptors: &mut Descriptors, family: i32, kind: u32, protocol: i32) -> SysResult {
    let (flags, kind) = (kind & !TYPE_MASK, kind & TYPE_MASK);
    if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let kind = socket_kind(family, kind, protocol)?;
    let file = OpenFile::new(Box::new(UnixSocket { kind }), O_RDWR | flags & O_NONBLOCK);
    Ok(descriptors.insert(file, flags & O_CLOEXEC != 0, 0)?.0 as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Refusal;

    const SOCK_STREAM: u32 = 1;
    const SOCK_DGRAM: u32 = 2;

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
