//! A run's private input, taken as a whole when the guest first asks.

use crate::machine::console::Console;

/// The input.
#[derive(Default)]
pub(super) struct PrivateInput {
    bytes: Option<Vec<u8>>,
}

/// Bytes asked for at once.
const CHUNK: usize = 65536;

impl PrivateInput {
    /// All of it.
    pub(super) fn bytes(&mut self, console: &mut dyn Console) -> &[u8] {
        self.bytes.get_or_insert_with(|| {
            let mut bytes = Vec::new();
            let mut chunk = vec![0; CHUNK];
            loop {
                match console.read(&mut chunk).min(CHUNK) {
                    0 => return bytes,
                    count => bytes.extend_from_slice(&chunk[..count]),
                }
            }
        })
    }
}
