//! `connect(2)`: <https://man7.org/linux/man-pages/man2/connect.2.html>. Supported: AF_UNIX, where nobody listens; not
//! supported: undoing a connection (AF_UNSPEC). Errors: EBADF, ENOTSOCK, EINVAL, EFAULT, ENOENT, ENOTDIR, ELOOP,
//! ENAMETOOLONG, ECONNREFUSED.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::{WRITE, check};
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::unix_socket::check_socket;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(203 => connect);

const AF_UNSPEC: u8 = 0;
const AF_UNIX: u8 = 1;

/// Bytes of `struct sockaddr_storage`, and of `struct sockaddr_un`, whose path starts at offset 2.
const MOST_BYTES: usize = 128;
const UNIX_BYTES: usize = 110;

/// Connects the socket `fd` to the `len_bytes` bytes of address at `address`.
pub fn connect(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    fd: Fd,
    address: UserAddress,
    len_bytes: u32,
) -> SysResult {
    check_socket(descriptors.get(fd)?)?;
    if len_bytes as usize > MOST_BYTES {
        return Err(Errno::EINVAL.into());
    }
    let bytes = memory.slice(address, len_bytes as usize)?;
    match bytes.split_at_checked(2) {
        Some(([AF_UNSPEC, 0], _)) => Err(Refusal::Unsupported("connecting to no address")),
        Some(([AF_UNIX, 0], path)) if !path.is_empty() && bytes.len() <= UNIX_BYTES => {
            if path.starts_with(&[0]) {
                return Err(Errno::ECONNREFUSED.into()); // a name beside the tree
            }
            let path = path.split(|&byte| byte == 0).next().unwrap_or_default();
            let start = if path.starts_with(b"/") { tree.root(boot) } else { tree.working_directory(boot) };
            // Whatever is there, it is no socket.
            check(&*tree.find(boot, &start, path, Last::Follow)?, WRITE)?;
            Err(Errno::ECONNREFUSED.into())
        }
        _ => Err(Errno::EINVAL.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::image_data::boot_with;
    use crate::syscalls::net::socket::socket;
    use crate::testing::FakeMemory;

    /// The answers are those of Linux.
    #[test]
    fn nobody_listens() {
        let mut memory = FakeMemory::new(256);
        let (mut descriptors, mut tree, boot) = (Descriptors::new(), FileTree::new(), boot_with(&[("/f", "", 0)]));
        assert_eq!(socket(&mut descriptors, 1, 1, 0), Ok(3));
        for (fd, address, len_bytes, errno) in [
            (3, &b"\x01\0/run/nobody\0"[..], 14, Errno::ENOENT),
            (3, b"\x01\0/f", 110, Errno::ECONNREFUSED),
            (3, b"\x01\0/f/", 110, Errno::ENOTDIR),
            (3, b"\x01\0\0name", 7, Errno::ECONNREFUSED),
            (3, b"\x01\0", 2, Errno::EINVAL),
            (3, b"\x01\0/f", 111, Errno::EINVAL),
            (3, b"\x02\0/f", 16, Errno::EINVAL),
            (3, b"", 129, Errno::EINVAL),
            (1, b"", 129, Errno::ENOTSOCK),
            (9, b"", 129, Errno::EBADF),
        ] {
            memory.put(0, &[0; 128]);
            let address = memory.put(0, address);
            let result = connect(&mut memory, &mut descriptors, &mut tree, &boot, Fd(fd), address, len_bytes);
            assert_eq!(result, Err(errno.into()), "{fd} {len_bytes}");
        }
        let result = connect(&mut memory, &mut descriptors, &mut tree, &boot, Fd(3), UserAddress(8), 8);
        assert_eq!(result, Err(Errno::EFAULT.into()));
    }
}
