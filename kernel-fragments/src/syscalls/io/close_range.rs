//! `close_range(2)`: <https://man7.org/linux/man-pages/man2/close_range.2.html>. Supported: CLOSE_RANGE_UNSHARE, which means
//! nothing to one process, CLOSE_RANGE_CLOEXEC. Errors: EINVAL.

use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::message_queues::note_closing;
use alloc::vec::Vec;

syscall!(436 => close_range);

const CLOSE_RANGE_UNSHARE: u32 = 2;
const CLOSE_RANGE_CLOEXEC: u32 = 4;

/// Closes, or marks close-on-exec, every descriptor from `first` to `last`.
pub fn close_range(descriptors: &mut Descriptors, first: u32, last: u32, flags: u32) -> SysResult {
    if flags & !(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) != 0 || first > last {
        return Err(Errno::EINVAL.into());
    }
    descriptors.open_standard_streams_if_unused();
    let range = first..=last;
    let open: Vec<Fd> = descriptors.iter().map(|(fd, _)| fd).filter(|fd| range.contains(&(fd.0 as u32))).collect();
    for fd in open {
        if flags & CLOSE_RANGE_CLOEXEC != 0 {
            descriptors.entry(fd)?.close_on_exec = true;
        } else {
            note_closing(&descriptors.remove(fd)?.file);
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closes_what_is_open() {
        let mut descriptors = Descriptors::new();
        assert_eq!(close_range(&mut descriptors, 10, 5, 0), Err(Errno::EINVAL.into()));
        assert_eq!(close_range(&mut descriptors, 0, 5, 8), Err(Errno::EINVAL.into()));
        assert_eq!(close_range(&mut descriptors, 2, u32::MAX, CLOSE_RANGE_CLOEXEC), Ok(0));
        let marked = [0, 1, 2].map(|fd| descriptors.entry(Fd(fd)).map(|entry| entry.close_on_exec));
        assert_eq!(marked, [Ok(false), Ok(false), Ok(true)]);
        assert_eq!(close_range(&mut descriptors, 1, 1, CLOSE_RANGE_UNSHARE), Ok(0));
        let open: Vec<i32> = descriptors.iter().map(|(fd, _)| fd.0).collect();
        assert_eq!(open, [0, 2]);
    }
}
