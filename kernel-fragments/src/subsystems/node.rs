//! What a file tree is made of: files, directories, symbolic links and devices, each shared by the directories that name
//! it and the descriptors that have it open.

use crate::abi::stat::{S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, Stat};
use crate::errno::{Errno, SysResult};
use crate::subsystems::attributes::Attributes;
use crate::subsystems::built_in_files::ProcessFile;
pub use crate::subsystems::contents::Contents;
use crate::subsystems::descriptor_links::DescriptorLink;
use crate::subsystems::directory::Directory;
use crate::subsystems::fifos::Fifo;
use crate::subsystems::file_rights::{bits_after_change, bits_to_set, note_change_of_contents, owner_of};
use crate::subsystems::node_times::Times;
use crate::subsystems::public_output::OUTPUT_PERMISSIONS;
use alloc::boxed::Box;
use core::cell::Cell;

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

    /// Reads from `contents`, which are its own. Errors as [`Contents::read`].
    pub fn read_regular(&self, contents: &Contents, offset: u64, into: &mut [u8]) -> SysResult {
        self.note_read();
        contents.read(offset, into)
    }

    /// Writes to `contents`, which are its own. Errors as [`Contents::write`].
    pub fn write_regular(&self, contents: &Contents, offset: u64, from: &[u8]) -> SysResult {
        if !from.is_empty() {
            self.note_new_contents();
        }
        contents.write(offset, from)
    }

    /// What it holds was changed by a call.
    #[inline]
    pub fn note_new_contents(&self) {
        self.note_write();
        note_change_of_contents(self);
    }

    /// Sets the permission bits.
    ///
    /// # Errors
    /// EPERM.
    pub fn set_permissions(&self, permissions: u32) -> Result<(), Errno> {
        self.permissions.set(bits_to_set(self.owner.get(), permissions)?);
        self.note_change();
        Ok(())
    }

    /// Sets owner and group, -1 for the one it has; what is no directory loses its set-id bits (fs/attr.c).
    ///
    /// # Errors
    /// EPERM.
    pub fn set_owner(&self, user: u32, group: u32) -> Result<(), Errno> {
        let (old_user, old_group) = self.owner.get();
        let (bits, is_directory) = (self.permissions.get(), self.directory().is_some());
        let bits = bits_after_change((old_user, old_group), (user, group), bits, is_directory)?;
        let new = |new, old| if new == u32::MAX { old } else { new };
        self.permissions.set(bits);
        self.owner.set((new(user, old_user), new(group, old_group)));
        self.note_change();
        Ok(())
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
            uid: owner_of(self).0,
            gid: owner_of(self).1,
            represented_device,
            size_bytes: size_bytes as u64,
            blocks,
            access_time_ns: access_ns,
            modify_time_ns: modify_ns,
            change_time_ns: change_ns,
        }
    }
}
