//! `openat(2)`: <https://man7.org/linux/man-pages/man2/openat.2.html>. Supported: every flag but O_ASYNC; O_SYNC,
//! O_DSYNC, O_DIRECT and O_NOATIME change nothing in memory. Errors: EFAULT, ENOENT, ENOTDIR, EISDIR, EEXIST, ELOOP,
//! ENAMETOOLONG, EINVAL, EBADF, EMFILE, EACCES, ENOSPC, ENOMEM.

use crate::abi::open_flags::{
    O_ACCMODE, O_APPEND, O_ASYNC, O_CLOEXEC, O_CREAT, O_DIRECT, O_DIRECTORY, O_EXCL, O_LARGEFILE, O_NOATIME, O_NOCTTY,
    O_NOFOLLOW, O_NONBLOCK, O_PATH, O_SYNC, O_TMPFILE_ALONE, O_TRUNC,
};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::devices::DeviceFile;
use crate::subsystems::file_tree::{FileTree, Last, Name, Place};
use crate::subsystems::node::{Contents, Device, Kind, MAX_NAME_BYTES, Node};
use crate::subsystems::open_file::{File, OpenFile};
use crate::subsystems::paths::{read_nonempty_path, start_directory};
use crate::subsystems::private_input::PrivateInput;
use crate::subsystems::public_output::PublicOutput;
use crate::subsystems::random::RandomStream;
use crate::subsystems::random_file::RandomFile;
use crate::subsystems::tree_file::TreeFile;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::boxed::Box;
use alloc::rc::Rc;

syscall!(56 => openat);

/// All that `openat` looks at; it ignores the other bits.
const KNOWN_FLAGS: u32 = O_ACCMODE
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

/// Opens, and with O_CREAT makes, the file at `path`, relative to `directory`.
pub fn openat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    random: &mut RandomStream,
    input: &mut PrivateInput,
    platform: &mut impl Platform,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    flags: u32,
    mode: u32,
) -> SysResult {
    let flags = checked_flags(flags)?;
    let path = read_nonempty_path(memory, path)?;
    // A descriptor is set aside before the path is looked at (fs/open.c, do_sys_openat2).
    descriptors.check_free()?;
    let start = start_directory(descriptors, tree, boot, directory, path)?;
    let permissions = mode & 0o7777 & !tree.umask;
    let node = if flags & O_TMPFILE_ALONE != 0 {
        let parent = tree.find(boot, &start, path, Last::Follow)?;
        parent.directory().ok_or(Errno::ENOTDIR)?;
        tree.new_node(Kind::Regular(Contents::empty()), permissions)
    } else {
        let keeps_links = flags & O_NOFOLLOW != 0 || flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL;
        let last = match (flags & O_CREAT != 0, keeps_links) {
            (true, true) => Last::Entry,
            (true, false) => Last::Create,
            (false, true) => Last::Keep,
            (false, false) => Last::Follow,
        };
        let place = tree.place(boot, &start, path, last)?;
        node_at(tree, place, flags, permissions)?
    };
    tree.entries(&node); // for `fstat`: the number of a directory's links is that of its entries
    let file = open_node(node, flags, input, platform, || random.split(boot.seed))?;
    // O_LARGEFILE is always set on 64-bit machines.
    let kept = flags & !(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
    let kept = if flags & O_PATH != 0 { kept } else { kept | O_LARGEFILE };
    Ok(descriptors.insert(OpenFile::new(file, kept), flags & O_CLOEXEC != 0, 0)?.0 as usize)
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

/// The file at `place`, made if it is to be.
fn node_at(tree: &mut FileTree, place: Place, flags: u32, permissions: u32) -> Result<Rc<Node>, Refusal> {
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
                let node = tree.new_node(Kind::Regular(Contents::empty()), permissions);
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
        Kind::Symlink(_) => Err(Errno::ELOOP.into()),
        Kind::Directory(_) if writes || flags & O_CREAT != 0 => Err(Errno::EISDIR.into()),
        Kind::Fixed(_) if writes => Err(Errno::EACCES.into()),
        Kind::Regular(contents) => {
            if flags & O_TRUNC != 0 {
                contents.truncate(0)?;
            }
            Ok(node)
        }
        _ => Ok(node),
    }
}

/// What stands behind a descriptor for `node`; `seed` makes one for a stream of random numbers.
fn open_node(
    node: Rc<Node>,
    flags: u32,
    input: &mut PrivateInput,
    platform: &mut impl Platform,
    seed: impl FnOnce() -> [u64; 4],
) -> Result<Box<dyn File>, Errno> {
    Ok(match node.kind {
        _ if flags & O_PATH != 0 => Box::new(TreeFile(node)),
        Kind::Device(Device::Random(_)) => Box::new(RandomFile::new(node, seed())),
        Kind::Device(Device::PrivateInput) => Box::new(input.open(platform, node)?),
        Kind::Device(Device::PublicOutput) => Box::new(PublicOutput(Some(node))),
        Kind::Device(device) => Box::new(DeviceFile { device, node }),
        _ => Box::new(TreeFile(node)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::abi::open_flags::{O_RDONLY, O_RDWR, O_WRONLY};
    use crate::subsystems::image_data::boot_with;
    use crate::testing::{FakeMemory, FakePlatform};

    struct Machine {
        memory: FakeMemory,
        descriptors: Descriptors,
        tree: FileTree,
        random: RandomStream,
        input: PrivateInput,
        platform: FakePlatform,
        boot: BootInfo,
    }

    impl Machine {
        fn new() -> Machine {
            let boot = boot_with(&[("/data/in.txt", "hello", 0o640)]);
            Machine {
                memory: FakeMemory::new(5000),
                descriptors: Descriptors::new(),
                tree: FileTree::new(),
                random: RandomStream::new(),
                input: PrivateInput::new(),
                platform: FakePlatform::with_input(b"private"),
                boot,
            }
        }

        fn open_in(&mut self, directory: Fd, path: &str, flags: u32, mode: u32) -> SysResult {
            let path = self.memory.put_c_string(0, path);
            let Machine { memory, descriptors, tree, random, input, platform, boot } = self;
            openat(memory, descriptors, tree, random, input, platform, boot, directory, path, flags, mode)
        }

        fn open(&mut self, path: &str, flags: u32) -> SysResult {
            self.open_in(AT_FDCWD, path, flags, 0o666)
        }
    }

    #[test]
    fn reads_what_was_committed() {
        let mut machine = Machine::new();
        assert_eq!(machine.open("/data/in.txt", O_RDONLY | O_CLOEXEC), Ok(3));
        let open = machine.descriptors.readable(Fd(3)).expect("just opened");
        let mut buffer = [0; 9];
        assert_eq!(open.file.read(&mut FakePlatform::new(), 0, &mut buffer), Ok(5));
        assert_eq!(&buffer[..5], b"hello");
        assert_eq!(open.flags.get(), O_LARGEFILE);
        assert_eq!(open.file.stat().mode, 0o100640);
        assert_eq!(machine.open("/data", O_RDONLY | O_DIRECTORY), Ok(4));
        assert_eq!(machine.open_in(Fd(4), "in.txt", O_RDONLY, 0), Ok(5));
        assert_eq!(machine.open_in(Fd(4), "../data/in.txt", O_RDONLY, 0), Ok(6));
    }

    #[test]
    fn makes_files() {
        let mut machine = Machine::new();
        assert_eq!(machine.open("new", O_WRONLY | O_CREAT | O_EXCL), Ok(3));
        assert_eq!(machine.descriptors.get(Fd(3)).map(|open| open.file.stat().mode), Ok(0o100644));
        assert_eq!(machine.open("/new", O_RDWR | O_CREAT | O_EXCL), Err(Errno::EEXIST.into()));
        assert_eq!(machine.open("/new", O_RDWR | O_CREAT), Ok(4));
        assert_eq!(machine.open("nowhere/new", O_RDWR | O_CREAT), Err(Errno::ENOENT.into()));
        assert_eq!(machine.open("other/", O_RDWR | O_CREAT), Err(Errno::EISDIR.into()));
        assert_eq!(machine.open("/tmp", O_RDWR | O_TMPFILE_ALONE | O_DIRECTORY), Ok(5));
        assert_eq!(machine.descriptors.get(Fd(5)).map(|open| open.file.stat().links), Ok(0));
    }

    #[test]
    fn refusals() {
        let mut machine = Machine::new();
        for (path, flags, errno) in [
            ("", O_RDONLY, Errno::ENOENT),
            ("nothing", O_RDONLY, Errno::ENOENT),
            ("data", O_WRONLY, Errno::EISDIR),
            ("data", O_RDONLY | O_TRUNC, Errno::EISDIR),
            ("data", O_RDONLY | O_CREAT, Errno::EISDIR),
            ("/", O_RDONLY | O_CREAT, Errno::EISDIR),
            ("data/.", O_RDONLY | O_CREAT | O_EXCL, Errno::EEXIST),
            ("data/in.txt", O_RDONLY | O_DIRECTORY, Errno::ENOTDIR),
            ("data/in.txt/", O_RDONLY, Errno::ENOTDIR),
            ("data", O_RDONLY | O_CREAT | O_DIRECTORY, Errno::EINVAL),
            ("/tmp", O_RDONLY | O_TMPFILE_ALONE | O_DIRECTORY, Errno::EINVAL),
            ("/proc/self/exe", O_RDONLY | O_NOFOLLOW, Errno::ELOOP),
            ("/proc/self/exe", O_RDONLY | O_NOFOLLOW | O_DIRECTORY, Errno::ENOTDIR),
            ("/sys/devices/system/cpu/online", O_WRONLY, Errno::EACCES),
        ] {
            assert_eq!(machine.open(path, flags), Err(errno.into()), "{path} {flags:o}");
        }
        assert_eq!(machine.open_in(Fd(9), "data", O_RDONLY, 0), Err(Errno::EBADF.into()));
        assert_eq!(machine.open_in(Fd(1), "data", O_RDONLY, 0), Err(Errno::ENOTDIR.into()));
        assert_eq!(machine.open_in(Fd(9), "/data", O_RDONLY, 0), Ok(3));
        machine.descriptors.set_limit(4);
        assert_eq!(machine.open("nothing", O_RDONLY), Err(Errno::EMFILE.into()));
    }

    /// A slash after a name that may have to be made is refused before anybody looks whether it is a link.
    #[test]
    fn links_on_the_way_to_new_files() {
        let mut machine = Machine::new();
        let root = machine.tree.root(&machine.boot);
        for (name, target) in [("dangling", "new"), ("slash", "data/"), ("loop", "loop")] {
            let link = machine.tree.new_node(Kind::Symlink(target.as_bytes().into()), 0o777);
            machine.tree.link(&root, name.as_bytes(), &link);
        }
        for (path, flags, errno) in [
            ("dangling/", O_CREAT | O_RDONLY, Errno::EISDIR),
            ("dangling/", O_CREAT | O_NOFOLLOW, Errno::EISDIR),
            ("loop/", O_CREAT | O_RDONLY, Errno::EISDIR),
            ("slash", O_CREAT | O_RDONLY, Errno::EISDIR),
            ("loop", O_CREAT | O_RDONLY, Errno::ELOOP),
            ("dangling", O_CREAT | O_EXCL, Errno::EEXIST),
        ] {
            assert_eq!(machine.open(path, flags), Err(errno.into()), "{path} {flags:o}");
        }
        assert_eq!(machine.open("dangling", O_CREAT | O_RDONLY), Ok(3));
        assert_eq!(machine.open("new", O_RDONLY), Ok(4));
    }

    #[test]
    fn truncation_and_devices() {
        let mut machine = Machine::new();
        assert_eq!(machine.open("data/in.txt", O_WRONLY | O_TRUNC), Ok(3));
        assert_eq!(machine.descriptors.get(Fd(3)).map(|open| open.file.stat().size_bytes), Ok(0));
        assert_eq!(machine.open("/dev/null", O_RDWR | O_TRUNC), Ok(4));
        assert_eq!(machine.descriptors.get(Fd(4)).map(|open| open.file.stat().mode), Ok(0o20666));
        assert_eq!(machine.open("/proc/self/exe", O_PATH | O_NOFOLLOW), Ok(5));
        assert!(machine.descriptors.get(Fd(5)).is_err() && machine.descriptors.any(Fd(5)).is_ok());
    }

    /// Naming the input with O_PATH takes nothing from standard input.
    #[test]
    fn devices_of_the_zkvm() {
        let mut machine = Machine::new();
        assert_eq!(machine.open("/dev/zkvm/input", O_PATH), Ok(3));
        assert_eq!(machine.platform.input, b"private");
        let mut buffer = [0; 8];
        for fd in [4, 5] {
            assert_eq!(machine.open("/dev/zkvm/input", O_RDONLY), Ok(fd));
            let open = machine.descriptors.readable(Fd(fd as i32)).expect("just opened").clone();
            assert_eq!(open.file.read(&mut machine.platform, 0, &mut buffer), Ok(7));
            assert_eq!(&buffer[..7], b"private");
        }
        assert!(machine.platform.input.is_empty());
        assert_eq!(machine.open("/dev/zkvm/output", O_WRONLY | O_TRUNC), Ok(6));
        let open = machine.descriptors.writable(Fd(6)).expect("just opened").clone();
        assert_eq!(open.file.write(&mut machine.platform, 0, b"public"), Ok(6));
        assert_eq!(machine.platform.public, b"public");
        assert_eq!(machine.descriptors.readable(Fd(6)).err(), Some(Errno::EBADF));
        assert_eq!(machine.open("/dev/zkvm", O_RDONLY | O_DIRECTORY), Ok(7));
        assert_eq!(machine.open("/dev/zkvm/more", O_RDONLY), Err(Errno::ENOENT.into()));
    }

    #[test]
    fn random_devices() {
        let mut machine = Machine::new();
        assert_eq!(machine.open("/dev/urandom", O_RDWR), Ok(3));
        assert_eq!(machine.open("/dev/random", O_RDONLY), Ok(4));
        assert_eq!(machine.open("/dev/random", O_PATH), Ok(5));
        let [first, second] = [3, 4].map(|fd| {
            let mut bytes = [0; 8];
            let open = machine.descriptors.readable(Fd(fd)).expect("just opened");
            assert_eq!(open.file.read(&mut FakePlatform::new(), 0, &mut bytes), Ok(8));
            bytes
        });
        assert!(first != second && first != [0; 8] && second != [0; 8]);
    }
}
