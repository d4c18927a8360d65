//! Remembers the end of what a guest printed, so that the kernel's last message can be completed by the symbol of its
//! program counter: the kernel knows addresses, the image knows names.

use super::location::nearest_symbol;
use crate::address::Address;
use crate::image::ImageNote;

/// Bytes kept: more than the longest message.
const KEPT: usize = 2048;

/// The end of an output stream.
#[derive(Clone, Debug, Default)]
pub(super) struct LastWords {
    bytes: Vec<u8>,
}

impl LastWords {
    /// Takes note of `bytes`.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(&bytes[bytes.len().saturating_sub(KEPT)..]);
        if self.bytes.len() > 2 * KEPT {
            self.bytes.drain(..self.bytes.len() - KEPT);
        }
    }

    /// Where the kernel stopped, as a line for the user; `None` if it did not, has said so itself, or nobody can tell.
    pub(super) fn explain(&self, image: &[u8], note: &ImageNote) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let message =
            text.lines().rev().find(|line| line.contains("zeroos: stop: ") || line.contains("zeroos: fault: "))?;
        let (_, rest) = message.split_once("pc 0x")?;
        let digits_end = rest.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(rest.len());
        let (digits, rest) = rest.split_at(digits_end);
        if rest.starts_with(" in ") {
            return None;
        }
        let pc = u64::from_str_radix(digits, 16).ok()?;
        match nearest_symbol(image, pc) {
            Some((name, 0)) => Some(format!("pc {pc:#x} is {name}")),
            Some((name, offset)) => Some(format!("pc {pc:#x} is {name}+{offset:#x}")),
            None if note.program.iter().any(|span| span.range().contains(Address(pc))) => Some(format!(
                "pc {pc:#x} lies in the program, which has no symbol there: it names functions unless stripped"
            )),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernels_messages_are_explained() {
        let mut words = LastWords::default();
        words.hear(b"pc 0x1000 is what a program may print\n");
        let note = note_with_program(0x1000, 0x2000);
        assert_eq!(words.explain(b"", &note), None);
        words.hear(&[b'x'; 10_000]);
        words.hear(b"\nzeroos: fault: breakpoint (ebreak), cause 3, pc 0x1234, trap value 0x0\n");
        let line = words.explain(b"", &note).unwrap();
        assert!(line.starts_with("pc 0x1234 lies in the program"), "{line}");
    }

    #[test]
    fn what_the_kernel_said_itself_or_nobody_knows_is_not_explained() {
        let note = note_with_program(0x1000, 0x2000);
        for message in [
            "zeroos: stop: unsupported syscall 198 (socket), pc 0x1234 in main; no fragment provides it\n",
            "zeroos: fault: jump to an address without memory, cause 1, pc 0x0, trap value 0x0\n",
            "zeroos: stop: kernel panic at src/lib.rs:1\n",
        ] {
            let mut words = LastWords::default();
            words.hear(message.as_bytes());
            assert_eq!(words.explain(b"", &note), None, "{message}");
        }
    }

    fn note_with_program(start: u64, end: u64) -> ImageNote {
        ImageNote {
            schema: String::new(),
            platform: String::new(),
            isa: String::new(),
            csrs: None,
            misaligned: crate::platform::Misaligned::Works,
            costs: None,
            supervisor: false,
            ram: Vec::new(),
            write_xor_execute: false,
            program: vec![crate::image::Span { start: Address(start), end: Address(end) }],
            direct: Vec::new(),
            devices: crate::platform::Devices::default(),
            htif: None,
            runner: Vec::new(),
            kernel_parts: crate::image::KernelParts::default(),
            exports: None,
        }
    }
}
