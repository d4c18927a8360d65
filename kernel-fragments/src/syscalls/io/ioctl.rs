//! `ioctl(2)`: <https://man7.org/linux/man-pages/man2/ioctl.2.html>. Supported: FIOCLEX, FIONCLEX, FIONBIO, FIONREAD
//! where the number is known; terminal requests are refused, as nothing is a terminal. Not supported: FIOASYNC, FIONREAD
//! on standard streams. Errors: EBADF, EFAULT, ENOTTY, EINVAL.

use crate::abi::ioctl::{FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, FIONREAD};
use crate::abi::open_flags::O_NONBLOCK;
use crate::abi::stat::{S_IFCHR, S_IFIFO, S_IFMT, S_IFREG};
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::OpenFile;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(29 => ioctl);

/// Carries out `request` on a descriptor or its file.
pub fn ioctl(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    request: u32,
    argument: UserAddress,
) -> SysResult {
    descriptors.get(fd)?;
    let descriptor = descriptors.entry(fd)?;
    let open = &descriptor.file;
    match request {
        FIOCLEX => descriptor.close_on_exec = true,
        FIONCLEX => descriptor.close_on_exec = false,
        FIONBIO if memory.read_u32(argument)? != 0 => open.flags.set(open.flags.get() | O_NONBLOCK),
        FIONBIO => open.flags.set(open.flags.get() & !O_NONBLOCK),
        FIONREAD => {
            let stat = open.file.stat();
            let readable_bytes = match (stat.mode & S_IFMT, open.file.readable_bytes()) {
                (_, Some(readable_bytes)) => readable_bytes,
                // Negative behind the end, as in fs/ioctl.c.
                (S_IFREG, None) => stat.size_bytes.wrapping_sub(open.offset.get()) as usize,
                (S_IFIFO, None) => return Err(Refusal::Unsupported("FIONREAD on a standard stream")),
                _ => return Err(unknown_request(open).into()),
            };
            memory.write_u32(argument, readable_bytes as u32)?;
        }
        FIOASYNC => return Err(Refusal::Unsupported("FIOASYNC")),
        _ => return Err(unknown_request(open).into()),
    }
    Ok(0)
}

/// What files like `open` say to a request that they do not know: nearly all of them ENOTTY (random_ioctl of
/// drivers/char/random.c, ep_eventpoll_ioctl of fs/eventpoll.c).
fn unknown_request(open: &OpenFile) -> Errno {
    let stat = open.file.stat();
    let is_random = stat.mode & S_IFMT == S_IFCHR && [0x108, 0x109].contains(&stat.represented_device);
    if is_random || open.file.kind_name() == "eventpoll" { Errno::EINVAL } else { Errno::ENOTTY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::ioctl::{TCGETS, TIOCGWINSZ};
    use crate::abi::open_flags::O_RDWR;
    use crate::subsystems::epoll::Epoll;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::{Device, Kind};
    use crate::subsystems::open_file::File;
    use crate::subsystems::random_file::RandomFile;
    use crate::testing::FakeMemory;
    use alloc::boxed::Box;

    #[test]
    fn some_kinds_have_an_error_of_their_own() {
        let (mut memory, mut descriptors) = (FakeMemory::new(8), Descriptors::new());
        let node = FileTree::new().new_node(Kind::Device(Device::Random(9)), 0o666);
        let files: [Box<dyn File>; 2] = [Box::new(RandomFile::new(node, [1; 4])), Box::<Epoll>::default()];
        for file in files {
            let fd = descriptors.insert(OpenFile::new(file, O_RDWR), false, 0).expect("there is room");
            for request in [TCGETS, TIOCGWINSZ, FIONREAD] {
                let argument = memory.address(0);
                assert_eq!(ioctl(&mut memory, &mut descriptors, fd, request, argument), Err(Errno::EINVAL.into()));
            }
        }
    }

    #[test]
    fn is_no_terminal() {
        let (mut memory, mut descriptors) = (FakeMemory::new(8), Descriptors::new());
        let argument = memory.address(0);
        let mut call = |fd, request, argument| ioctl(&mut memory, &mut descriptors, Fd(fd), request, argument);
        assert_eq!(call(1, TIOCGWINSZ, argument), Err(Errno::ENOTTY.into()));
        assert_eq!(call(1, TCGETS, UserAddress::NULL), Err(Errno::ENOTTY.into()));
        assert_eq!(call(7, TIOCGWINSZ, argument), Err(Errno::EBADF.into()));
        assert_eq!(call(1, FIONBIO, UserAddress::NULL), Err(Errno::EFAULT.into()));
    }

    #[test]
    fn flags_change() {
        let (mut memory, mut descriptors) = (FakeMemory::new(8), Descriptors::new());
        let argument = memory.put(0, &[1, 0, 0, 0]);
        assert_eq!(ioctl(&mut memory, &mut descriptors, Fd(1), FIONBIO, argument), Ok(0));
        assert!(descriptors.get(Fd(1)).is_ok_and(|open| open.is_nonblocking()));
        assert_eq!(ioctl(&mut memory, &mut descriptors, Fd(1), FIONBIO, argument.add(4)), Ok(0));
        assert!(descriptors.get(Fd(1)).is_ok_and(|open| !open.is_nonblocking()));
        assert_eq!(ioctl(&mut memory, &mut descriptors, Fd(1), FIOCLEX, UserAddress::NULL), Ok(0));
        assert!(descriptors.entry(Fd(1)).is_ok_and(|entry| entry.close_on_exec));
        assert_eq!(ioctl(&mut memory, &mut descriptors, Fd(1), FIONCLEX, UserAddress::NULL), Ok(0));
        assert!(descriptors.entry(Fd(1)).is_ok_and(|entry| !entry.close_on_exec));
    }
}
