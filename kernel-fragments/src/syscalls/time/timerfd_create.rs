//! `timerfd_create(2)`: <https://man7.org/linux/man-pages/man2/timerfd_create.2.html>. Supported: every clock, TFD_CLOEXEC,
//! TFD_NONBLOCK. Errors: EINVAL, EMFILE.

use crate::abi::open_flags::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use crate::abi::timespec::{CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_REALTIME};
use crate::errno::{Errno, SysResult};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::timer_file::TimerFile;
use alloc::boxed::Box;

syscall!(85 => timerfd_create);

/// CLOCK_REALTIME_ALARM and CLOCK_BOOTTIME_ALARM, which would wake the machine; it never sleeps.
const ALARM_CLOCKS: [i32; 2] = [8, 9];

/// A new timer that goes by `clock`, not armed, as a file.
pub fn timerfd_create(descriptors: &mut Descriptors, clock: i32, flags: u32) -> SysResult {
    let is_clock = matches!(clock, CLOCK_REALTIME | CLOCK_MONOTONIC | CLOCK_BOOTTIME) || ALARM_CLOCKS.contains(&clock);
    if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 || !is_clock {
        return Err(Errno::EINVAL.into());
    }
    // An alarm clock shows what the clock of the same kind shows.
    let clock = match clock {
        8 => CLOCK_REALTIME,
        9 => CLOCK_BOOTTIME,
        clock => clock,
    };
    let file = OpenFile::new(Box::new(TimerFile::new(clock)), O_RDWR | flags & O_NONBLOCK);
    Ok(descriptors.insert(file, flags & O_CLOEXEC != 0, 0)?.0 as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_flags() {
        let mut descriptors = Descriptors::new();
        assert_eq!(timerfd_create(&mut descriptors, 1, O_CLOEXEC | O_NONBLOCK), Ok(3));
        assert_eq!(timerfd_create(&mut descriptors, 8, 0), Ok(4));
        for (clock, flags) in [(2, 0), (4, 0), (11, 0), (-1, 0), (1, 1)] {
            assert_eq!(timerfd_create(&mut descriptors, clock, flags), Err(Errno::EINVAL.into()));
        }
    }
}
