//! Opening what a path names (`openat(2)`).

use crate::abi::open_flags::{
    O_ACCMODE, O_APPEND, O_ASYNC, O_CLOEXEC, O_CREAT, O_DIRECT, O_DIRECTORY, O_EXCL, O_LARGEFILE, O_NOATIME, O_NOCTTY,
    O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY, O_SYNC, O_TMPFILE_ALONE, O_TRUNC, O_WRONLY,
};
use crate::abi::stat::Stat;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::built_in_files::ProcessFile;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::devices::DeviceFile;
use crate::subsystems::fifos::FifoOpening;
use crate::subsystems::file_rights::{READ, WRITE, check, check_existing, check_new, check_owner, check_stat, own};
use crate::subsystems::file_tree::{FileTree, Last, Name, Place};
use crate::subsystems::node::{Contents, Device, Kind, MAX_NAME_BYTES, Node};
use crate::subsystems::open_file::{File, OpenFile, READS};
use crate::subsystems::paths::{read_nonempty_path, start_directory};
use crate::subsystems::private_input::PrivateInput;
use crate::subsystems::public_output::PublicOutput;
use crate::subsystems::random::RandomStream;
use crate::subsystems::random_file::RandomFile;
use crate::subsystems::tree_file::TreeFile;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
/// What names links to descriptors.
const FOLDER_ENDS: &[u8] = b"self/fd/";
const DEVICE_FOLDER: &[u8] = b"/dev/fd/";

/// All that `openat` looks at; it ignores the other bits.
pub const KNOWN_FLAGS: u32 = O_ACCMODE
    | O_APPEND
    | O_ASYNC
    | O_CLOEXEC
    | O_CREAT
    | O_DIRECT
    | O_DIRECTORY
    | O_EXCL
    | O_LARGEFILE
    | O_NOATIME
    | O_NOCTTY
    | O_NOFOLLOW
    | O_NONBLOCK
    | O_PATH
    | O_SYNC
    | O_TMPFILE_ALONE
    | O_TRUNC;

/// What is resolved from where a resolution begins.
pub trait Rest {
    /// It, where the program gave `path`.
    fn of<'a>(&'a self, path: &'a [u8]) -> &'a [u8];
}

/// All of the path.
impl Rest for () {
    fn of<'a>(&'a self, path: &'a [u8]) -> &'a [u8] {
        path
    }
}

/// The directory where a resolution begins, and what is resolved from there.
pub type Beginning<R> = Result<(Rc<Node>, R), Errno>;

/// A resolution that begins in `directory`.
pub fn from_directory(
    boot: &BootInfo,
    directory: Fd,
) -> impl FnOnce(&mut Descriptors, &mut FileTree, &[u8], Last) -> Beginning<()> {
    move |descriptors, tree, path, _| Ok((start_directory(descriptors, tree, boot, directory, path)?, ()))
}

/// Opens, and with O_CREAT makes, the file at `path`, whose resolution begins where `begin` says; `tell` writes what
/// the kernel tells of the process.
///
/// # Errors
/// Those of `openat`.
pub fn open_path<M: UserMemory, R: Rest>(
    memory: &mut M,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    random: &mut RandomStream,
    input: &mut PrivateInput,
    platform: &mut impl Platform,
    boot: &BootInfo,
    begin: impl FnOnce(&mut Descriptors, &mut FileTree, &[u8], Last) -> Beginning<R>,
    path: UserAddress,
    flags: u32,
    mode: u32,
    tell: impl FnOnce(&M, ProcessFile) -> SysTextResult,
) -> SysResult {
    let flags = checked_flags(flags)?;
    let path = read_nonempty_path(memory, path)?;
    // A descriptor is set aside before the path is looked at (fs/open.c, do_sys_openat2).
    descriptors.check_free()?;
    let permissions = mode & 0o7777 & !tree.umask;
    let node = if flags & O_TMPFILE_ALONE != 0 {
        let last = if flags & O_NOFOLLOW != 0 { Last::Keep } else { Last::Follow };
        let (start, rest) = begin(descriptors, tree, path, last)?;
        let parent = tree.find(boot, &start, rest.of(path), last)?;
        parent.directory().ok_or(Errno::ENOTDIR)?;
        check_new(&parent)?;
        let node = tree.new_node(Kind::Regular(Contents::empty()), permissions);
        own(Some(&parent), &node, mode);
        if flags & O_NOATIME != 0 {
            check_owner(node.owner.get().0)?;
        }
        tree.unnamed.retain(|other| other.strong_count() > 0);
        if flags & O_EXCL == 0 {
            tree.unnamed.push(Rc::downgrade(&node));
        }
        node
    } else {
        let keeps_links = flags & O_NOFOLLOW != 0 || flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL;
        let last = match (flags & O_CREAT != 0, keeps_links) {
            (true, true) => Last::Entry,
            (true, false) => Last::Create,
            (false, true) => Last::Keep,
            (false, false) => Last::Follow,
        };
        let (start, rest) = begin(descriptors, tree, path, last)?;
        let path = rest.of(path);
        let place = tree.place(boot, &start, path, last).map_err(|errno| explained(errno, path))?;
        node_at(tree, place, flags, permissions, mode)?
    };
    tree.entries(&node); // for `fstat`: the number of a directory's links is that of its entries
    let file: Box<dyn File> = match node.kind {
        Kind::Process(file) if flags & O_PATH == 0 => Box::new(ProcessText { text: tell(memory, file)?, node }),
        _ => open_node(node, flags, &mut tree.fifo_opening, input, platform, || random.split(boot.seed))?,
    };
    describe(descriptors, file, flags)
}

/// A new descriptor of `file`, opened with `flags`.
///
/// # Errors
/// EMFILE.
pub fn describe(descriptors: &mut Descriptors, file: Box<dyn File>, flags: u32) -> SysResult {
    // O_LARGEFILE is always set on 64-bit machines.
    let kept = flags & !(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
    let kept = if flags & O_PATH != 0 { kept } else { kept | O_LARGEFILE };
    Ok(descriptors.insert(OpenFile::new(file, kept), flags & O_CLOEXEC != 0, 0)?.0 as usize)
}

/// Where `path` led to `errno`: to a link of `/proc/self/fd` only if the kernel has these.
#[cold]
fn explained(errno: Errno, path: &[u8]) -> Refusal {
    let names_link = path.windows(FOLDER_ENDS.len()).any(|part| part == FOLDER_ENDS || part == DEVICE_FOLDER);
    match errno {
        Errno::ENOTDIR if names_link => Refusal::Unsupported("/proc/self/fd to a program that does not name it"),
        errno => errno.into(),
    }
}

/// The flags as they count (fs/open.c, build_open_flags).
fn checked_flags(flags: u32) -> Result<u32, Refusal> {
    let mut flags = flags & KNOWN_FLAGS;
    if flags & O_ASYNC != 0 {
        return Err(Refusal::Unsupported("open with O_ASYNC"));
    }
    if flags & O_PATH != 0 {
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    }
    let contradictory = if flags & O_TMPFILE_ALONE != 0 {
        flags & (O_DIRECTORY | O_CREAT) != O_DIRECTORY || flags & O_ACCMODE == 0
    } else {
        flags & (O_DIRECTORY | O_CREAT) == O_DIRECTORY | O_CREAT
    };
    if contradictory { Err(Errno::EINVAL.into()) } else { Ok(flags) }
}

/// The file at `place`, made if it is to be, with `permissions`, of which the umask let the bits `asked` through.
fn node_at(tree: &mut FileTree, place: Place, flags: u32, permissions: u32, asked: u32) -> Result<Rc<Node>, Refusal> {
    let Place { parent, name, node, wants_directory } = place;
    if flags & O_CREAT != 0 {
        match (&name, &node) {
            (Name::Normal(_), _) if wants_directory => return Err(Errno::EISDIR.into()),
            (Name::Normal(name), _) if name.len() > MAX_NAME_BYTES => return Err(Errno::ENAMETOOLONG.into()),
            (_, Some(_)) if flags & O_EXCL != 0 => return Err(Errno::EEXIST.into()),
            (Name::Normal(name), None) => {
                if parent.links.get() == 0 {
                    return Err(Errno::ENOENT.into()); // the directory was removed
                }
                check_new(&parent)?;
                let node = tree.new_node(Kind::Regular(Contents::empty()), permissions);
                own(Some(&parent), &node, asked);
                tree.link(&parent, name, &node);
                return Ok(node);
            }
            _ => {}
        }
    }
    let node = node.ok_or(Errno::ENOENT)?;
    let is_directory = node.directory().is_some();
    if (wants_directory || flags & O_DIRECTORY != 0) && !is_directory {
        return Err(Errno::ENOTDIR.into());
    }
    if flags & O_PATH != 0 {
        return Ok(node);
    }
    let writes = flags & O_ACCMODE != 0 || flags & O_TRUNC != 0;
    match &node.kind {
        Kind::Symlink(_) => return Err(Errno::ELOOP.into()),
        Kind::Descriptor(link) if link.is_link() => return Err(Errno::ELOOP.into()),
        Kind::Directory(_) if writes || flags & O_CREAT != 0 => return Err(Errno::EISDIR.into()),
        _ => {}
    }
    if flags & O_CREAT != 0 {
        check_existing(&parent, &node)?;
    }
    check_use(&node, flags)?;
    match &node.kind {
        Kind::Process(ProcessFile::Name) if writes => Err(Refusal::Unsupported("writing to /proc/self/comm")),
        Kind::Fixed(_) | Kind::Process(_) if writes => Err(Errno::EACCES.into()),
        Kind::Regular(contents) => {
            if flags & O_TRUNC != 0 {
                contents.truncate(0)?;
                node.note_new_contents();
            }
            Ok(node)
        }
        _ if flags & O_DIRECT != 0 => Err(Errno::EINVAL.into()), // not FMODE_CAN_ODIRECT (fs/open.c, do_dentry_open)
        _ => Ok(node),
    }
}

/// Whether `node` may be opened with `flags` (fs/namei.c, may_open).
#[inline(always)]
fn check_use(node: &Node, flags: u32) -> Result<(), Errno> {
    let reads = if flags & O_ACCMODE == O_WRONLY { 0 } else { READ };
    let writes = if flags & O_ACCMODE == O_RDONLY && flags & O_TRUNC == 0 { 0 } else { WRITE };
    match node.kind {
        // What a link leads to that is no node of the tree has its own.
        Kind::Descriptor(_) => check_stat(&node.stat(), reads | writes)?,
        _ => check(node, reads | writes)?,
    }
    if flags & O_NOATIME != 0 { check_owner(node.owner.get().0) } else { Ok(()) }
}

/// What stands behind a descriptor for `node`; `seed` makes one for a stream of random numbers.
fn open_node(
    node: Rc<Node>,
    flags: u32,
    opening: &mut FifoOpening,
    input: &mut PrivateInput,
    platform: &mut impl Platform,
    seed: impl FnOnce() -> [u64; 4],
) -> Result<Box<dyn File>, Refusal> {
    Ok(match &node.kind {
        _ if flags & O_PATH != 0 => Box::new(TreeFile(node)),
        Kind::Descriptor(link) => link.open_again(flags)?,
        Kind::Fifo(fifo) => fifo.open(opening, node.clone(), flags)?,
        Kind::Device(Device::Random(_)) => Box::new(RandomFile::new(node, seed())),
        Kind::Device(Device::PrivateInput) => Box::new(input.open(platform, node)?),
        Kind::Device(Device::PublicOutput) => Box::new(PublicOutput(Some(node))),
        Kind::Device(device) => Box::new(DeviceFile { device: *device, node }),
        _ => Box::new(TreeFile(node)),
    })
}

/// What the kernel tells, or why it does not.
pub type SysTextResult = Result<Vec<u8>, Refusal>;

/// What the kernel told of the process when it was asked to.
struct ProcessText {
    node: Rc<Node>,
    text: Vec<u8>,
}

impl File for ProcessText {
    fn operations(&self) -> u32 {
        READS
    }

    fn read(&self, _platform: &mut dyn Platform, offset: u64, into: &mut [u8]) -> SysResult {
        let rest = self.text.get(offset as usize..).unwrap_or_default();
        Ok(into.iter_mut().zip(rest).map(|(into, byte)| *into = *byte).count())
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
