//! `openat(2)`: <https://man7.org/linux/man-pages/man2/openat.2.html>. Supported: every flag but O_ASYNC; O_SYNC,
//! O_DSYNC, O_DIRECT and O_NOATIME change nothing in memory; not supported: the files of `/proc/self` that tell of the process,
//! and `fd`, where no text of the program names them. Errors: EFAULT, ENOENT, ENOTDIR, EISDIR, EEXIST, ELOOP, ENAMETOOLONG, EINVAL, EBADF, EMFILE, EACCES,
//! ENOSPC, ENOMEM.

use crate::boot_info::BootInfo;
use crate::errno::{Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::opening::{from_directory, open_path};
use crate::subsystems::private_input::PrivateInput;
use crate::subsystems::random::RandomStream;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(56 => openat);

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
    let tell =
        |_: &_, _| Err(Refusal::Unsupported("telling of the process in /proc/self to a program that does not name it"));
    let begin = from_directory(boot, directory);
    open_path(memory, descriptors, tree, random, input, platform, boot, begin, path, flags, mode, tell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::abi::open_flags::{
        O_CLOEXEC, O_CREAT, O_DIRECT, O_DIRECTORY, O_EXCL, O_LARGEFILE, O_NOFOLLOW, O_PATH, O_TMPFILE_ALONE, O_TRUNC,
    };
    use crate::abi::open_flags::{O_RDONLY, O_RDWR, O_WRONLY};
    use crate::errno::Errno;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::node::Kind;
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
        assert_eq!(machine.tree.unnamed.len(), 1);
        assert_eq!(machine.open("/tmp", O_RDWR | O_TMPFILE_ALONE | O_DIRECTORY | O_EXCL), Ok(6));
        assert!(machine.descriptors.remove(Fd(5)).is_ok());
        assert_eq!(
            (machine.open("/tmp", O_RDWR | O_TMPFILE_ALONE | O_DIRECTORY), machine.tree.unnamed.len()),
            (Ok(5), 1)
        );
        assert_eq!(machine.open("/new", O_RDWR | O_DIRECT), Ok(7));
    }

    #[test]
    fn nameless_files_are_made_behind_links_that_may_be_followed() {
        let mut machine = Machine::new();
        let root = machine.tree.root(&machine.boot);
        let link = machine.tree.new_node(Kind::Symlink(b"tmp"[..].into()), 0o777);
        machine.tree.link(&root, b"link", &link);
        let flags = O_RDWR | O_TMPFILE_ALONE | O_DIRECTORY;
        assert_eq!(machine.open("/link", flags | O_NOFOLLOW), Err(Errno::ENOTDIR.into()));
        assert_eq!((machine.open("/link", flags), machine.open("/link/", flags | O_NOFOLLOW)), (Ok(3), Ok(4)));
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
            ("/tmp", O_RDONLY | O_DIRECT, Errno::EINVAL),
            ("/dev/null", O_RDWR | O_DIRECT, Errno::EINVAL),
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

    #[test]
    fn what_is_told_of_the_process() {
        let mut machine = Machine::new();
        assert!(matches!(machine.open("/proc/self/maps", O_RDONLY), Err(Refusal::Unsupported(_))));
        assert_eq!(machine.open("/proc/self/maps", O_RDWR), Err(Errno::EACCES.into()));
        assert_eq!(machine.open("/proc/self/status", O_PATH), Ok(3));
        assert_eq!(machine.descriptors.any(Fd(3)).map(|open| open.file.stat().mode), Ok(0o100444));
    }
}
