//! What a file tree is made of: files, directories, symbolic links and devices, each shared by the directories that name
//! it and the descriptors that have it open.

use crate::abi::stat::{S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, Stat};
use crate::boot_info::Text;
use crate::errno::{Errno, Refusal};
use crate::subsystems::attributes::Attributes;
use crate::subsystems::built_in_files::ProcessFile;
use crate::subsystems::descriptor_links::DescriptorLink;
use crate::subsystems::directory::Directory;
use crate::subsystems::fifos::Fifo;
use crate::subsystems::node_times::Times;
use crate::subsystems::overlay::Overlay;
use crate::subsystems::public_output::OUTPUT_PERMISSIONS;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};

/// The number of the one file system.
pub const TREE_DEVICE: u64 = 1;

/// Longest name of a directory entry (NAME_MAX).
pub const MAX_NAME_BYTES: usize = 255;

/// One file of any kind.
pub struct Node {
    /// Its number.
    pub inode: u64,
    /// Permission bits.
    pub permissions: Cell<u32>,
    /// Owner and group.
    pub owner: Cell<(u32, u32)>,
    /// Number of directory entries that name it.
    pub links: Cell<u32>,
    /// When it was used.
    pub times: Cell<Times>,
    /// When the run began, in nanoseconds since the Unix epoch.
    pub start_time_ns: i64,
    /// Its extended attributes.
    pub attributes: Attributes,
    /// What it is.
    pub kind: Kind,
}

/// The kinds of file that have a place in the tree.
pub enum Kind {
    /// Bytes that can be read and written.
    Regular(Contents),
    /// Bytes that the kernel shows, as in `/proc` and `/sys`.
    Fixed(&'static [u8]),
    /// What the kernel tells of the process when it is opened, as in `/proc/self`.
    Process(ProcessFile),
    /// Names.
    Directory(Directory),
    /// A path in place of which another is taken.
    Symlink(Box<[u8]>),
    /// A link in `/proc/self/fd`, or what it leads to.
    Descriptor(DescriptorLink),
    /// A character device.
    Device(Device),
    /// A pipe with a name.
    Fifo(Fifo),
}

/// The character devices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Device {
    /// Swallows everything, has nothing.
    Null,
    /// Swallows everything, has zeros.
    Zero,
    /// Has zeros and is full.
    Full,
    /// `/dev/random` (8) or `/dev/urandom` (9): the minor number.
    Random(u8),
    /// `/dev/stdin`, `/dev/stdout`, `/dev/stderr`: opens the standard stream of this number anew.
    StandardStream(u8),
    /// `/dev/zkvm/input`: the run's private input.
    PrivateInput,
    /// `/dev/zkvm/output`: the run's public output.
    PublicOutput,
}

impl Device {
    /// The number that `st_rdev` shows (include/linux/kdev_t.h).
    pub fn number(self) -> u64 {
        match self {
            Device::Null => 0x103,
            Device::Zero => 0x105,
            Device::Full => 0x107,
            Device::Random(minor) => 0x100 | u64::from(minor),
            Device::StandardStream(number) => 0x8800 | u64::from(number),
            // 240 is for local use (Documentation/admin-guide/devices.txt).
            Device::PrivateInput => 240 << 8,
            Device::PublicOutput => 240 << 8 | 1,
        }
    }

    /// Its permission bits: what makes no sense is not offered.
    pub fn permissions(self) -> u32 {
        match self {
            Device::PrivateInput => 0o444,
            Device::PublicOutput => OUTPUT_PERMISSIONS,
            _ => 0o666,
        }
    }
}

/// What a regular file holds: a file of the image until something writes to it.
pub struct Contents {
    committed: Cell<Option<&'static [u8]>>,
    written: Cell<Vec<u8>>,
    /// What lies over both, once the file was mapped to be shared.
    pub overlay: OnceCell<Rc<dyn Overlay>>,
}

impl Contents {
    /// Bytes that lie in the image.
    pub fn committed(bytes: &'static [u8]) -> Contents {
        Contents { committed: Cell::new(Some(bytes)), written: Cell::default(), overlay: OnceCell::new() }
    }

    /// What follows `offset`, if the file is as it lies in the image, and not shorter.
    #[inline]
    pub fn committed_from(&self, offset: u64) -> Option<&'static [u8]> {
        self.committed.get()?.get(offset as usize..)
    }

    /// Nothing.
    pub fn empty() -> Contents {
        Contents { committed: Cell::new(None), written: Cell::default(), overlay: OnceCell::new() }
    }

    /// The length.
    pub fn size_bytes(&self) -> usize {
        match self.committed.get() {
            Some(bytes) => bytes.len(),
            None => with(&self.written, |bytes| bytes.len()),
        }
    }

    /// Where in memory they lie, until they are changed.
    pub fn place(&self) -> Text {
        if let Some(overlay) = self.overlay.get() {
            overlay.settle(self);
        }
        let text = |bytes: &[u8]| Text { address: bytes.as_ptr() as u64, len_bytes: bytes.len() as u64 };
        match self.committed.get() {
            Some(bytes) => text(bytes),
            None => with(&self.written, |bytes| text(bytes)),
        }
    }

    /// Copies from `offset` on to `into` and says how many bytes there were.
    ///
    /// # Errors
    /// Unsupported: to where the file itself is mapped.
    pub fn read(&self, offset: u64, into: &mut [u8]) -> Result<usize, Refusal> {
        let read_bytes = match self.committed.get() {
            Some(bytes) => return Ok(copy_from(bytes, offset, into)),
            None => with(&self.written, |bytes| copy_from(bytes, offset, into)),
        };
        if let Some(overlay) = self.overlay.get() {
            overlay.read(offset as usize, into.get_mut(..read_bytes).unwrap_or_default())?;
        }
        Ok(read_bytes)
    }

    /// Puts `from` at `offset`; a gap before it is zero.
    ///
    /// # Errors
    /// ENOSPC if the kernel's memory does not suffice. Unsupported: where the file is mapped and the kernel cannot write,
    /// or from there.
    pub fn write(&self, offset: u64, from: &[u8]) -> Result<usize, Refusal> {
        let start = usize::try_from(offset).map_err(|_| Errno::ENOSPC)?;
        let end = start.checked_add(from.len()).ok_or(Errno::ENOSPC)?;
        self.make_own()?;
        let old_size_bytes = if self.overlay.get().is_some() { self.size_bytes() } else { 0 };
        with(&self.written, |bytes| put(bytes, start, end, from))?;
        match self.overlay.get() {
            Some(overlay) if !from.is_empty() => overlay.write(old_size_bytes, start, from)?,
            _ => (),
        }
        Ok(from.len())
    }

    /// Cuts off what lies behind `size_bytes`, or appends zeros up to there.
    ///
    /// # Errors
    /// ENOSPC if the kernel's memory does not suffice. Unsupported: where the file is mapped and the kernel cannot write.
    pub fn truncate(&self, size_bytes: u64) -> Result<(), Refusal> {
        if let Some(overlay) = self.overlay.get() {
            overlay.zero_from((size_bytes as usize).min(self.size_bytes()))?;
        }
        if size_bytes == 0 {
            self.committed.set(None);
            self.written.set(Vec::new());
            return Ok(());
        }
        let size_bytes = usize::try_from(size_bytes).map_err(|_| Errno::ENOSPC)?;
        self.make_own()?;
        with(&self.written, |bytes| resize(bytes, size_bytes))?;
        Ok(())
    }

    /// Takes over what was written at `offset` to a mapping, as far as the file goes; says whether anything was.
    pub fn absorb(&self, offset: usize, from: &[u8]) -> bool {
        with(&self.written, |bytes| {
            let rest = bytes.get_mut(offset..).unwrap_or_default();
            let len_bytes = rest.len().min(from.len());
            match (rest.get_mut(..len_bytes), from.get(..len_bytes)) {
                (Some(place), Some(from)) if place != from => {
                    place.copy_from_slice(from);
                    true
                }
                _ => false,
            }
        })
    }

    /// Copies a file of the image, so that it can be changed.
    ///
    /// # Errors
    /// ENOSPC if the kernel's memory does not suffice.
    pub fn make_own(&self) -> Result<(), Errno> {
        if let Some(committed) = self.committed.get() {
            with(&self.written, |bytes| {
                bytes.try_reserve(committed.len()).map_err(|_| Errno::ENOSPC)?;
                bytes.extend_from_slice(committed);
                Ok(())
            })?;
            self.committed.set(None);
        }
        Ok(())
    }
}

fn copy_from(bytes: &[u8], offset: u64, into: &mut [u8]) -> usize {
    let rest = bytes.get(offset as usize..).unwrap_or_default();
    let len_bytes = rest.len().min(into.len());
    if let (Some(into), Some(rest)) = (into.get_mut(..len_bytes), rest.get(..len_bytes)) {
        into.copy_from_slice(rest);
    }
    len_bytes
}

/// Cuts `bytes` to this size, or appends zeros up to it.
///
/// # Errors
/// ENOSPC if the kernel's memory does not suffice.
pub fn resize(bytes: &mut Vec<u8>, size_bytes: usize) -> Result<(), Errno> {
    bytes.try_reserve(size_bytes.saturating_sub(bytes.len())).map_err(|_| Errno::ENOSPC)?;
    bytes.resize(size_bytes, 0);
    Ok(())
}

/// Makes `bytes` be `from` in `start..end`, with zeros in a gap before it.
///
/// # Errors
/// ENOSPC if the kernel's memory does not suffice; then nothing changed.
fn put(bytes: &mut Vec<u8>, start: usize, end: usize, from: &[u8]) -> Result<(), Errno> {
    if let Some(place) = bytes.get_mut(start..end) {
        place.copy_from_slice(from);
        return Ok(());
    }
    if from.is_empty() {
        return Ok(());
    }
    bytes.try_reserve(end.saturating_sub(bytes.len())).map_err(|_| Errno::ENOSPC)?;
    if start > bytes.len() {
        bytes.resize(start, 0);
    }
    let (inside, behind) = from.split_at_checked(bytes.len().saturating_sub(start)).unwrap_or((from, &[]));
    if let Some(place) = bytes.get_mut(start..start + inside.len()) {
        place.copy_from_slice(inside);
    }
    bytes.extend_from_slice(behind);
    Ok(())
}

/// Works on what `cell` holds. A cell without borrow flags cannot panic; `work` must not come back to the same cell.
pub fn with<T: Default, R>(cell: &Cell<T>, work: impl FnOnce(&mut T) -> R) -> R {
    let mut value = cell.take();
    let result = work(&mut value);
    cell.set(value);
    result
}

impl Node {
    /// The directory it is.
    pub fn directory(&self) -> Option<&Directory> {
        if let Kind::Directory(directory) = &self.kind { Some(directory) } else { None }
    }

    /// Sets the permission bits.
    pub fn set_permissions(&self, permissions: u32) {
        self.permissions.set(permissions);
        self.note_change();
    }

    /// Sets owner and group, -1 for the one it has; a regular file loses its set-id bits (fs/attr.c).
    pub fn set_owner(&self, user: u32, group: u32) {
        let (old_user, old_group) = self.owner.get();
        let new = |new, old| if new == u32::MAX { old } else { new };
        self.owner.set((new(user, old_user), new(group, old_group)));
        self.note_change();
        if let Kind::Regular(_) = self.kind {
            let bits = self.permissions.get();
            // Without execution for the group, its set-id bit means something else and stays.
            let set_group = if bits & 0o010 != 0 { 0o2000 } else { 0 };
            self.permissions.set(bits & !(0o4000 | set_group));
        }
    }

    /// What `stat` tells.
    pub fn stat(&self) -> Stat {
        let (kind, size_bytes, represented_device) = match &self.kind {
            Kind::Regular(contents) => (S_IFREG, contents.size_bytes(), 0),
            Kind::Fixed(bytes) => (S_IFREG, bytes.len(), 0),
            Kind::Process(_) => (S_IFREG, 0, 0),
            Kind::Directory(_) => (S_IFDIR, 4096, 0),
            Kind::Symlink(target) => (S_IFLNK, target.len(), 0),
            Kind::Device(device) => (S_IFCHR, 0, device.number()),
            Kind::Fifo(_) => (S_IFIFO, 0, 0),
            Kind::Descriptor(link) => return self.stat_of_descriptor(link),
        };
        self.stat_as(kind, size_bytes, represented_device)
    }

    #[cold]
    fn stat_of_descriptor(&self, link: &DescriptorLink) -> Stat {
        link.stat().unwrap_or_else(|| self.stat_as(S_IFLNK, 64, 0))
    }

    #[inline(always)]
    fn stat_as(&self, kind: u32, size_bytes: usize, represented_device: u64) -> Stat {
        let links = match &self.kind {
            // A directory is named by its parent, by its own `.` and by each child's `..`.
            Kind::Directory(directory) if self.links.get() > 0 => 2 + directory.subdirectories(),
            _ => self.links.get(),
        };
        let blocks = if kind == S_IFREG { (size_bytes as u64).div_ceil(4096) * 8 } else { 0 };
        let Times { access_ns, modify_ns, change_ns } = self.times.get();
        Stat {
            device: TREE_DEVICE,
            inode: self.inode,
            mode: kind | self.permissions.get(),
            links,
            uid: self.owner.get().0,
            gid: self.owner.get().1,
            represented_device,
            size_bytes: size_bytes as u64,
            blocks,
            access_time_ns: access_ns,
            modify_time_ns: modify_ns,
            change_time_ns: change_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestRandom, more_than_memory, rounds};

    #[test]
    fn committed_contents_are_copied_when_written() {
        static BYTES: [u8; 5] = *b"hello";
        let contents = Contents::committed(&BYTES);
        let mut buffer = [0; 8];
        assert_eq!(contents.read(1, &mut buffer), Ok(4));
        assert_eq!(&buffer[..4], b"ello");
        assert_eq!(contents.read(u64::MAX, &mut buffer), Ok(0));
        assert_eq!(contents.write(7, b"x"), Ok(1));
        assert_eq!(contents.read(0, &mut buffer), Ok(8));
        assert_eq!(&buffer, b"hello\0\0x");
        assert_eq!(contents.truncate(2), Ok(()));
        assert_eq!(contents.truncate(4), Ok(()));
        assert_eq!(contents.read(0, &mut buffer), Ok(4));
        assert_eq!(&buffer[..4], b"he\0\0");
        assert_eq!(contents.write(u64::MAX, b"x"), Err(Errno::ENOSPC.into()));
        assert_eq!(contents.write(more_than_memory(), b"x"), Err(Errno::ENOSPC.into()));
        assert_eq!(contents.write(100, b""), Ok(0));
        assert_eq!(contents.size_bytes(), 4);
    }

    /// Random writes and truncations against a vector.
    #[test]
    fn contents_behave_like_bytes() {
        for seed in 0..rounds(50) {
            let mut random = TestRandom(seed);
            let contents = Contents::committed(b"the image's own bytes");
            let mut model = b"the image's own bytes".to_vec();
            for _ in 0..100 {
                let (offset, len_bytes) = (random.below(60) as usize, random.below(20) as usize);
                match random.below(3) {
                    0 => {
                        contents.truncate(offset as u64).expect("there is memory");
                        model.resize(offset, 0);
                    }
                    1 => {
                        let from = vec![random.below(256) as u8; len_bytes];
                        assert_eq!(contents.write(offset as u64, &from), Ok(len_bytes));
                        if len_bytes > 0 {
                            model.resize(model.len().max(offset + len_bytes), 0);
                            model[offset..offset + len_bytes].copy_from_slice(&from);
                        }
                    }
                    _ => {
                        let mut into = vec![0; len_bytes];
                        let read = contents.read(offset as u64, &mut into).expect("nothing is mapped");
                        let expected = model.get(offset..).unwrap_or_default();
                        assert_eq!(into[..read], expected[..expected.len().min(len_bytes)]);
                    }
                }
                assert_eq!(contents.size_bytes(), model.len());
            }
        }
    }
}
