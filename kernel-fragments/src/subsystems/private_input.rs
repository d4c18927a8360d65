//! The run's private input as a whole, and `/dev/zkvm/input`, which shows it. As the zkVM standard's `read_input`: every
//! opening starts at the first byte, and reading cannot fail. Standard input is the same stream: what was read from it before
//! the first opening is gone, and afterwards it is at its end.

use crate::abi::stat::Stat;
use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::node::Node;
use crate::subsystems::open_file::File;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Bytes that the platform is asked for at first; each further time, as many as there are.
const FIRST_BYTES: usize = 4096;

/// The rest of the input, taken once and kept.
pub struct PrivateInput {
    bytes: Option<Rc<Vec<u8>>>,
}

impl PrivateInput {
    /// Not taken yet.
    pub const fn new() -> PrivateInput {
        PrivateInput { bytes: None }
    }

    /// Takes the input, unless it was taken, and opens it.
    ///
    /// # Errors
    /// ENOMEM if the kernel's memory does not suffice.
    pub fn open(&mut self, platform: &mut dyn Platform, node: Rc<Node>) -> Result<InputFile, Errno> {
        if let Some(bytes) = &self.bytes {
            return Ok(InputFile { node, bytes: bytes.clone() });
        }
        let bytes = Rc::new(all(platform)?);
        self.bytes = Some(bytes.clone());
        Ok(InputFile { node, bytes })
    }
}

/// Everything that can still be read. A platform may give less than it is asked for before the end.
fn all(platform: &mut dyn Platform) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            let more = filled.max(FIRST_BYTES);
            bytes.try_reserve(more).map_err(|_| Errno::ENOMEM)?;
            bytes.resize(filled + more, 0);
        }
        match bytes.get_mut(filled..).map_or(0, |room| platform.read_input(room)) {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The opened `/dev/zkvm/input`.
pub struct InputFile {
    node: Rc<Node>,
    bytes: Rc<Vec<u8>>,
}

impl File for InputFile {
    fn read(&self, _platform: &mut dyn Platform, offset: u64, into: &mut [u8]) -> SysResult {
        let rest = self.bytes.get(offset as usize..).unwrap_or_default();
        let len_bytes = rest.len().min(into.len());
        if let (Some(into), Some(rest)) = (into.get_mut(..len_bytes), rest.get(..len_bytes)) {
            into.copy_from_slice(rest);
        }
        Ok(len_bytes)
    }

    fn stat(&self) -> Stat {
        self.node.stat()
    }

    fn is_seekable(&self) -> bool {
        true
    }

    fn is_pollable(&self) -> bool {
        false
    }

    fn node(&self) -> Option<&Rc<Node>> {
        Some(&self.node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform_interface::Stream;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::{Device, Kind};
    use crate::testing::FakePlatform;

    fn node() -> Rc<Node> {
        FileTree::new().new_node(Kind::Device(Device::PrivateInput), 0o444)
    }

    #[test]
    fn every_opening_starts_at_what_was_left_at_the_first() {
        let mut platform = FakePlatform::with_input(b"line\nthe rest");
        let mut line = [0; 5];
        assert_eq!(platform.read_input(&mut line), 5);
        let mut input = PrivateInput::new();
        let mut buffer = [0; 16];
        for _ in 0..2 {
            let file = input.open(&mut platform, node()).expect("there is memory");
            assert_eq!(file.read(&mut platform, 0, &mut buffer), Ok(8));
            assert_eq!(&buffer[..8], b"the rest");
            assert_eq!(file.read(&mut platform, 6, &mut buffer[..1]), Ok(1));
            assert_eq!(buffer[0], b's');
            assert_eq!(file.read(&mut platform, 8, &mut buffer), Ok(0));
            assert_eq!(file.read(&mut platform, u64::MAX, &mut buffer), Ok(0));
            assert_eq!(file.write(&mut platform, 0, b"x"), Err(Errno::EINVAL.into()));
        }
        assert_eq!(platform.read_input(&mut buffer), 0, "standard input is at its end");
        let stat = node().stat();
        assert_eq!((stat.mode, stat.represented_device), (0o20444, 240 << 8));
    }

    /// Gives its input in pieces of up to 7 bytes, as a terminal may.
    struct Reluctant(FakePlatform);

    impl Platform for Reluctant {
        fn write_console(&mut self, _stream: Stream, _bytes: &[u8]) {}
        fn read_input(&mut self, buffer: &mut [u8]) -> usize {
            let most = buffer.len().min(7);
            self.0.read_input(&mut buffer[..most])
        }
        fn write_output(&mut self, _bytes: &[u8]) {}
        fn exit(&mut self, status: i32) -> ! {
            self.0.exit(status)
        }
    }

    #[test]
    fn all_of_it_is_taken_however_it_comes() {
        // The fake machine moves what is left at each of the small readings: a lot takes Miri minutes.
        let much = if cfg!(miri) { None } else { Some(100_000) };
        for len_bytes in [0, 1, 4095, 4096, 4097, 8192].into_iter().chain(much) {
            let bytes: Vec<u8> = (0..len_bytes).map(|index| (index % 251) as u8).collect();
            let mut platform = Reluctant(FakePlatform::with_input(&bytes));
            let file = PrivateInput::new().open(&mut platform, node()).expect("there is memory");
            assert!(*file.bytes == bytes, "{len_bytes}");
        }
    }
}
