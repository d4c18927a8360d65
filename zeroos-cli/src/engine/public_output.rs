//! What is told of a run's public output: its size and digest, which is what a proof shows of it.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The public output of a finished run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicOutput {
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it, in hexadecimal.
    pub sha256: String,
    /// Whether it went to the same stream as what the guest printed.
    pub mixed: bool,
}

/// The public output of a run that goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Running {
    bytes: u64,
    digest: Sha256,
    /// Whether standard output is where it goes.
    on_standard_output: bool,
    /// Whether the guest printed anything there.
    printed: bool,
}

impl Running {
    /// Nothing yet; it will go to standard output, or to a place of its own.
    pub(super) fn new(on_standard_output: bool) -> Running {
        Running { on_standard_output, ..Running::default() }
    }

    /// The guest printed something to standard output.
    pub(super) fn something_was_printed(&mut self) {
        self.printed = true;
    }

    /// More of it.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.digest.update(bytes);
    }

    /// That was all.
    pub(super) fn finish(self) -> PublicOutput {
        let sha256 = self.digest.finalize().iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        PublicOutput { bytes: self.bytes, sha256, mixed: self.bytes > 0 && self.on_standard_output && self.printed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_one_output() {
        let mut running = Running::default();
        running.append(b"a");
        running.append(b"bc");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into();
        assert_eq!(running.finish(), PublicOutput { bytes: 3, sha256, mixed: false });
    }
}
