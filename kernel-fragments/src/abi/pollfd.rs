//! `struct pollfd` and its event bits (include/uapi/asm-generic/poll.h).

use crate::register::Fd;

/// Bytes of one element.
pub const POLLFD_BYTES: usize = 8;

/// There is something to read.
pub const POLLIN: u16 = 0x1;
/// Something exceptional is there to read; no kind of file here has it.
pub const POLLPRI: u16 = 0x2;
/// Writing will not wait.
pub const POLLOUT: u16 = 0x4;
/// The other end is in error; told unasked.
pub const POLLERR: u16 = 0x8;
/// The other end is closed; told unasked.
pub const POLLHUP: u16 = 0x10;
/// Not an open descriptor; told unasked.
pub const POLLNVAL: u16 = 0x20;
/// As `POLLIN`.
pub const POLLRDNORM: u16 = 0x40;
/// As `POLLOUT`.
pub const POLLWRNORM: u16 = 0x100;
/// As `POLLOUT`, for sockets.
pub const POLLWRBAND: u16 = 0x200;
/// The other end sends nothing more.
pub const POLLRDHUP: u16 = 0x2000;
/// What is told without being asked for.
pub const UNASKED: u16 = POLLERR | POLLHUP | POLLNVAL;

/// One descriptor to look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PollFd {
    /// Which; a negative one is passed over.
    pub fd: Fd,
    /// What is asked for.
    pub events: u16,
}

impl PollFd {
    /// Decodes one element; the answer in its last two bytes is not looked at.
    pub const fn decode(element: u64) -> PollFd {
        PollFd { fd: Fd(element as i32), events: (element >> 32) as u16 }
    }

    /// The element with `answer` in its last two bytes.
    pub const fn encode(self, answer: u16) -> u64 {
        self.fd.0 as u32 as u64 | (self.events as u64) << 32 | (answer as u64) << 48
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let element = PollFd { fd: Fd(-1), events: POLLIN | POLLOUT };
        assert_eq!(PollFd::decode(element.encode(POLLHUP)), element);
        assert_eq!(element.encode(POLLHUP).to_le_bytes(), [255, 255, 255, 255, 5, 0, 16, 0]);
    }
}
