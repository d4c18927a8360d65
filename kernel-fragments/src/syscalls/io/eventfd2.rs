//! `eventfd2(2)`: <https://man7.org/linux/man-pages/man2/eventfd.2.html>. Supported: every flag. Errors: EINVAL, EMFILE.

use crate::abi::open_flags::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use crate::errno::{Errno, SysResult};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::event_counter::EventCounter;
use crate::subsystems::open_file::OpenFile;
use alloc::boxed::Box;

syscall!(19 => eventfd2);

const EFD_SEMAPHORE: u32 = 1;

/// A descriptor for a new counter that starts at `value`.
pub fn eventfd2(descriptors: &mut Descriptors, value: u32, flags: u32) -> SysResult {
    if flags & !(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let counter = EventCounter::new(u64::from(value), flags & EFD_SEMAPHORE != 0);
    let open = OpenFile::new(Box::new(counter), O_RDWR | flags & O_NONBLOCK);
    Ok(descriptors.insert(open, flags & O_CLOEXEC != 0, 0)?.0 as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::Fd;

    #[test]
    fn flags() {
        let mut descriptors = Descriptors::new();
        assert_eq!(eventfd2(&mut descriptors, 0, 2), Err(Errno::EINVAL.into()));
        assert_eq!(eventfd2(&mut descriptors, 1, O_CLOEXEC | O_NONBLOCK), Ok(3));
        assert!(descriptors.entry(Fd(3)).is_ok_and(|entry| entry.close_on_exec));
        assert!(descriptors.get(Fd(3)).is_ok_and(|open| open.flags.get() == O_RDWR | O_NONBLOCK));
    }
}
