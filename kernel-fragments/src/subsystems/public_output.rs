//! The run's public output as an open file: `/dev/zkvm/output`, or a descriptor that is open from the start. As the zkVM
//! standard's `write_output`: each write is appended, and none can fail. It cannot be read.

use crate::abi::stat::{S_IFCHR, Stat};
use crate::errno::{Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::node::{Device, Node, TREE_DEVICE};
use crate::subsystems::open_file::File;
use alloc::boxed::Box;
use alloc::rc::Rc;

/// Permission bits: everybody may write.
pub const OUTPUT_PERMISSIONS: u32 = 0o222;

/// The opened output, with its place in the tree if it was opened there.
pub struct PublicOutput(pub Option<Rc<Node>>);

impl File for PublicOutput {
    fn write(&self, platform: &mut dyn Platform, _offset: u64, from: &[u8]) -> SysResult {
        platform.write_output(from);
        Ok(from.len())
    }

    fn stat(&self) -> Stat {
        match &self.0 {
            Some(node) => node.stat(),
            None => Stat {
                device: TREE_DEVICE,
                mode: S_IFCHR | OUTPUT_PERMISSIONS,
                represented_device: Device::PublicOutput.number(),
                links: 1,
                ..Stat::default()
            },
        }
    }

    fn is_pollable(&self) -> bool {
        false
    }

    fn open_again(&self, _flags: u32) -> Result<Box<dyn File>, Refusal> {
        Ok(Box::new(PublicOutput(None)))
    }

    fn node(&self) -> Option<&Rc<Node>> {
        self.0.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::Kind;
    use crate::testing::FakePlatform;

    #[test]
    fn writes_are_appended_and_nothing_is_read() {
        let mut platform = FakePlatform::new();
        let node = FileTree::new().new_node(Kind::Device(Device::PublicOutput), OUTPUT_PERMISSIONS);
        let (named, unnamed) = (PublicOutput(Some(node)), PublicOutput(None));
        assert_eq!(named.write(&mut platform, 9, b"one "), Ok(4));
        assert_eq!(unnamed.write(&mut platform, 0, b"output"), Ok(6));
        assert_eq!(platform.public, b"one output");
        assert!(platform.output.is_empty());
        assert_eq!(named.read(&mut platform, 0, &mut [0; 4]), Err(Errno::EINVAL.into()));
        for file in [named, unnamed] {
            let stat = file.stat();
            assert_eq!((stat.mode, stat.represented_device), (0o20222, 240 << 8 | 1));
            assert!(!file.is_seekable());
        }
    }
}
