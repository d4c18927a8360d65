//! The input that the devices share: one byte stream, and the sign of its end.

use crate::machine::console::Console;

/// End of transmission: what a terminal sends at the end of input. Devices that carry only bytes deliver it.
pub(super) const END_OF_TRANSMISSION: u8 = 4;

/// State of the byte stream.
#[derive(Default)]
pub(super) struct Input {
    ended: bool,
}

impl Input {
    /// Whether [`next_byte`](Input::next_byte) would still give one. It never waits: whether input has arrived yet
    /// depends on the host, and a guest that can see that would not execute the same instructions every time.
    pub(super) fn has_next(&self) -> bool {
        !self.ended
    }

    /// The next byte, waiting for it; the last one is the end of transmission, then there is none.
    pub(super) fn next_byte(&mut self, console: &mut dyn Console) -> Option<u8> {
        if self.ended {
            return None;
        }
        let mut byte = [0];
        if console.read(&mut byte) == 0 {
            self.ended = true;
            return Some(END_OF_TRANSMISSION);
        }
        Some(byte[0])
    }
}
