//! Fail-fast: the image ends and says why in one line, `zeroos: stop: …`, with the program counter. Nothing that the
//! program asked for is ever answered by pretending.

use crate::platform_interface::{Platform, Stream};

/// Exit status of a run that the kernel ended by itself.
pub const STOP_STATUS: i32 = 123;

/// Why the kernel cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// A supported call was asked for something that is not: what it was.
    Unsupported(&'static str),
    /// Every thread waits for another one; who waits where was already printed.
    Deadlock,
}

/// Writes one message piece by piece, without `core::fmt`, which would be most of a small kernel.
pub struct Message<'a, P: Platform>(pub &'a mut P);

impl<P: Platform> Message<'_, P> {
    /// Appends `text`.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Appends raw bytes. Out of line, as messages are made of many pieces and made once.
    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.write_console(Stream::Error, bytes);
        self
    }

    /// Appends `value` as `0x…`.
    pub fn hex(&mut self, value: u64) -> &mut Self {
        self.text("0x").digits(value, 16)
    }

    /// Appends `value` in decimal.
    pub fn decimal(&mut self, value: u64) -> &mut Self {
        self.digits(value, 10)
    }

    #[inline(never)]
    fn digits(&mut self, mut value: u64, base: u64) -> &mut Self {
        let mut buffer = [0u8; 20];
        let mut start = buffer.len();
        loop {
            start -= 1;
            buffer[start] = b"0123456789abcdef"[(value % base) as usize];
            value /= base;
            if value == 0 || start == 0 {
                return self.bytes(&buffer[start..]);
            }
        }
    }
}
