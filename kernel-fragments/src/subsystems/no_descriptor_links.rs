//! Takes the place of `descriptor_links.rs` in kernels whose program names no link of `/proc/self/fd`: there are none.

use crate::abi::stat::Stat;
use crate::errno::Refusal;
use crate::subsystems::node::Node;
use crate::subsystems::open_file::File;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// No directory.
pub struct DescriptorFolder;

impl DescriptorFolder {
    /// Nobody looks.
    pub const fn new() -> DescriptorFolder {
        DescriptorFolder
    }
}

/// Keeps nothing.
pub fn note_memory_file<T>(_tree: &mut T, _node: &Rc<Node>, _name: &[u8]) {}

/// Keeps nothing.
#[inline(always)]
pub fn note_removed<T>(_tree: &mut T, _node: &Rc<Node>, _parent: &Rc<Node>, _name: &[u8]) {}

/// A link that cannot be, so that no code is left that asks what one is.
pub enum DescriptorLink {}

#[allow(missing_docs)] // as in `descriptor_links.rs`
impl DescriptorLink {
    pub fn target<T>(&self, _tree: &mut T) -> Option<Rc<Node>> {
        match *self {}
    }

    pub fn is_link(&self) -> bool {
        match *self {}
    }

    pub fn stat(&self) -> Option<Stat> {
        match *self {}
    }

    pub fn open_again(&self, _flags: u32) -> Result<Box<dyn File>, Refusal> {
        match *self {}
    }

    pub fn text<T, B>(&self, _tree: &mut T, _boot: &B) -> Result<Vec<u8>, Refusal> {
        match *self {}
    }
}

/// Shows nothing.
pub fn show_descriptors<D, T, B>(_descriptors: &mut D, _tree: &mut T, _boot: &B, _path: &[u8]) {}

/// Shows nothing.
pub fn show_again<D, T>(_descriptors: &mut D, _tree: &mut T) {}
