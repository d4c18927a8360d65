//! Remembers the end of what a guest printed, so that the kernel's last message can be completed by the symbol of its
//! program counter: the kernel knows addresses, the image knows names.

use object::{Object, ObjectSymbol};

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

    /// Where the kernel stopped, as lines for the user; empty if it did not.
    pub(super) fn explain(&self, image: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let Some(message) =
            text.lines().rev().find(|line| line.contains("zeroos: stop: ") || line.contains("zeroos: fault: "))
        else {
            return Vec::new();
        };
        let Some(pc) = message.split("pc 0x").nth(1).and_then(|rest| {
            let digits = rest.split(|letter: char| !letter.is_ascii_hexdigit()).next()?;
            u64::from_str_radix(digits, 16).ok()
        }) else {
            return Vec::new();
        };
        match nearest_symbol(image, pc) {
            Some((name, 0)) => vec![format!("pc {pc:#x} is {name}")],
            Some((name, offset)) => vec![format!("pc {pc:#x} is {name}+{offset:#x}")],
            None => {
                vec![format!("pc {pc:#x} has no symbol near it: the program is stripped, or the address is not code")]
            }
        }
    }
}

/// The function symbol at or below `address` with the distance, demangled; only within one section.
fn nearest_symbol(image: &[u8], address: u64) -> Option<(String, u64)> {
    let file = object::File::parse(image).ok()?;
    let symbols =
        file.symbols().filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.address() <= address);
    let nearest = symbols.max_by_key(object::ObjectSymbol::address)?;
    let offset = address - nearest.address();
    // A symbol with a size speaks for no address behind it.
    if nearest.size() > 0 && offset >= nearest.size() {
        return None;
    }
    Some((format!("{:#}", rustc_demangle::demangle(nearest.name().ok()?)), offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernels_messages_are_explained() {
        let mut words = LastWords::default();
        words.hear(b"pc 0x1000 is what a program may print\n");
        assert!(words.explain(b"").is_empty());
        words.hear(&[b'x'; 10_000]);
        words.hear(b"\nzeroos: stop: unsupported syscall 198 (socket), pc 0x1234 in f; no fragment\n");
        let lines = words.explain(b"");
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("pc 0x1234 "), "{lines:?}");
    }
}
