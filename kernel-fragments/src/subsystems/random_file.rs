//! An opened `/dev/random` or `/dev/urandom`: each opening has a random stream of its own, so that what one reader takes
//! does not depend on others. What is written is taken, and changes nothing: the numbers follow from the committed seed.

use crate::abi::stat::Stat;
use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::subsystems::node::{Device, Kind, Node};
use crate::subsystems::open_file::File;
use crate::subsystems::random::RandomStream;
use alloc::rc::Rc;
use core::cell::Cell;

/// The opened device.
pub struct RandomFile {
    node: Rc<Node>,
    seed: [u64; 4],
    stream: Cell<RandomStream>,
}

impl RandomFile {
    /// The device at `node`, with the stream of `seed`.
    pub fn new(node: Rc<Node>, seed: [u64; 4]) -> RandomFile {
        RandomFile { node, seed, stream: Cell::new(RandomStream::new()) }
    }
}

impl File for RandomFile {
    fn read(&self, _platform: &mut dyn Platform, _offset: u64, into: &mut [u8]) -> SysResult {
        let mut stream = self.stream.replace(RandomStream::new());
        stream.fill(self.seed, into);
        self.stream.set(stream);
        Ok(into.len())
    }

    fn write(&self, _platform: &mut dyn Platform, _offset: u64, from: &[u8]) -> SysResult {
        Ok(from.len())
    }

    /// Only `/dev/random` was ever waited for (drivers/char/random.c, urandom_fops).
    fn is_pollable(&self) -> bool {
        matches!(self.node.kind, Kind::Device(Device::Random(8)))
    }

    fn stat(&self) -> Stat {
        self.node.stat()
    }

    fn is_seekable(&self) -> bool {
        true
    }

    fn node(&self) -> Option<&Rc<Node>> {
        Some(&self.node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::file_tree::FileTree;
    use crate::testing::FakePlatform;

    #[test]
    fn goes_on_where_it_was() {
        let node = FileTree::new().new_node(Kind::Device(Device::Random(9)), 0o666);
        let file = RandomFile::new(node, [1, 2, 3, 4]);
        let (mut platform, mut expected, mut bytes) = (FakePlatform::new(), [0; 100], [0; 100]);
        RandomStream::new().fill([1, 2, 3, 4], &mut expected);
        assert_eq!(file.write(&mut platform, 0, b"entropy"), Ok(7));
        assert_eq!(file.read(&mut platform, 0, &mut bytes[..30]), Ok(30));
        assert_eq!(file.read(&mut platform, 0, &mut bytes[30..]), Ok(70));
        assert_eq!(bytes, expected);
        assert_eq!((file.stat().represented_device, file.is_pollable()), (0x109, false));
        let node = FileTree::new().new_node(Kind::Device(Device::Random(8)), 0o666);
        assert!(RandomFile::new(node, [1; 4]).is_pollable());
    }
}
