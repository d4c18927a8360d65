//! Regular files and directories of the tree, and whatever was opened with O_PATH, as open files.

use crate::abi::stat::Stat;
use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::node::{Kind, Node};
use crate::subsystems::open_file::File;
use alloc::rc::Rc;
#[cfg(test)]
use {
    crate::register::Fd, crate::subsystems::descriptors::Descriptors, crate::subsystems::file_tree::FileTree,
    crate::subsystems::node::Contents, crate::subsystems::open_file::OpenFile, alloc::boxed::Box,
};

/// An opened node.
pub struct TreeFile(pub Rc<Node>);

impl File for TreeFile {
    fn read(&self, _platform: &mut dyn Platform, offset: u64, into: &mut [u8]) -> SysResult {
        match &self.0.kind {
            Kind::Regular(contents) => self.0.read_regular(contents, offset, into),
            Kind::Fixed(bytes) => {
                let rest = bytes.get(offset as usize..).unwrap_or_default();
                let read = into.iter_mut().zip(rest).map(|(into, byte)| *into = *byte).count();
                Ok(read)
            }
            Kind::Directory(_) => Err(Errno::EISDIR.into()),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    fn write(&self, _platform: &mut dyn Platform, offset: u64, from: &[u8]) -> SysResult {
        match &self.0.kind {
            Kind::Regular(contents) => self.0.write_regular(contents, offset, from),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    fn stat(&self) -> Stat {
        self.0.stat()
    }

    fn is_seekable(&self) -> bool {
        true
    }

    fn is_pollable(&self) -> bool {
        false
    }

    fn node(&self) -> Option<&Rc<Node>> {
        Some(&self.0)
    }
}

/// A descriptor for a new regular file with these contents.
#[cfg(test)]
pub fn open_with(descriptors: &mut Descriptors, contents: &'static [u8], flags: u32) -> Fd {
    let node = FileTree::new().new_node(Kind::Regular(Contents::committed(contents)), 0o644);
    descriptors.insert(OpenFile::new(Box::new(TreeFile(node)), flags), false, 0).expect("there is room")
}
