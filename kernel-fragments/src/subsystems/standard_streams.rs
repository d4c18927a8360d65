//! The descriptor table of a program that can never make a descriptor: only the three standard streams exist, and all
//! that can happen to them is that they are closed. Standard input is the run's input, the other two the console; all
//! three look like pipes, which is what they are when the original runs with its output collected.

use crate::abi::stat::{S_IFIFO, Stat};
use crate::errno::Errno;
use crate::platform_interface::Stream;
use crate::register::Fd;

/// Which of the three are open.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StandardStreams {
    /// Bit n: descriptor n was closed.
    closed: u32,
}

impl StandardStreams {
    /// All open.
    pub const fn new() -> StandardStreams {
        StandardStreams { closed: 0 }
    }

    /// Whether `fd` is open; EBADF if not.
    pub fn check_open(&self, fd: Fd) -> Result<(), Errno> {
        match fd.0 {
            0..=2 if self.closed >> fd.0 & 1 == 0 => Ok(()),
            _ => Err(Errno::EBADF),
        }
    }

    /// Whether `fd` can be read; EBADF if not.
    pub fn check_input(&self, fd: Fd) -> Result<(), Errno> {
        if fd.0 == 0 { self.check_open(fd) } else { Err(Errno::EBADF) }
    }

    /// Where writing to `fd` goes; EBADF if it cannot be written.
    pub fn output(&self, fd: Fd) -> Result<Stream, Errno> {
        self.check_open(fd)?;
        match fd.0 {
            1 => Ok(Stream::Output),
            2 => Ok(Stream::Error),
            _ => Err(Errno::EBADF),
        }
    }

    /// Closes `fd`; EBADF if it is not open.
    pub fn close(&mut self, fd: Fd) -> Result<(), Errno> {
        self.check_open(fd)?;
        self.closed |= 1 << fd.0;
        Ok(())
    }
}

/// What `fstat` tells about standard stream `number`: a pipe of its own.
pub fn standard_stream_stat(number: u32) -> Stat {
    Stat { device: PIPE_DEVICE, inode: u64::from(number) + 1, mode: S_IFIFO | 0o600, links: 1, ..Stat::default() }
}

/// The number of the file system in which pipes live.
pub const PIPE_DEVICE: u64 = 13;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_goes_its_way_until_closed() {
        let mut streams = StandardStreams::new();
        assert_eq!(streams.check_input(Fd(0)), Ok(()));
        assert_eq!(streams.check_input(Fd(1)), Err(Errno::EBADF));
        assert_eq!(streams.output(Fd(0)), Err(Errno::EBADF));
        assert_eq!(streams.output(Fd(1)), Ok(Stream::Output));
        assert_eq!(streams.output(Fd(2)), Ok(Stream::Error));
        for fd in [Fd(3), Fd(-1), Fd(i32::MIN), Fd(i32::MAX)] {
            assert_eq!(streams.check_open(fd), Err(Errno::EBADF));
        }
        assert_eq!(streams.close(Fd(1)), Ok(()));
        assert_eq!(streams.close(Fd(1)), Err(Errno::EBADF));
        assert_eq!(streams.output(Fd(1)), Err(Errno::EBADF));
        assert_eq!(streams.output(Fd(2)), Ok(Stream::Error));
    }
}
