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

/// What stands in place of a `%` in a message.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// These bytes.
    Text(&'a [u8]),
    /// A number, in decimal.
    Decimal(u64),
    /// A number, as `0x…`.
    Hex(u64),
}

/// Writes messages without `core::fmt`, which would be most of a small kernel. Messages are made once: what counts is that
/// each takes little code, so one function reads them all.
pub struct Message<'a, P: Platform>(pub &'a mut P);

impl<P: Platform> Message<'_, P> {
    /// Writes `template`, whose `%` stand for the `parts` in order.
    #[inline(never)]
    pub fn write(&mut self, template: &str, parts: &[Part<'_>]) {
        let mut parts = parts.iter();
        for text in template.as_bytes().split(|&byte| byte == b'%') {
            self.bytes(text);
            match parts.next() {
                Some(&Part::Text(text)) => self.bytes(text),
                Some(&Part::Decimal(value)) => self.digits(value, 10),
                Some(&Part::Hex(value)) => {
                    self.bytes(b"0x");
                    self.digits(value, 16);
                }
                None => {}
            }
        }
    }

    #[inline(never)]
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.write_console(Stream::Error, bytes);
    }

    #[inline(never)]
    fn digits(&mut self, mut value: u64, base: u64) {
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
