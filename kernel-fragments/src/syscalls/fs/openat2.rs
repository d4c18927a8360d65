//! `openat2(2)`: <https://man7.org/linux/man-pages/man2/openat2.2.html>. Supported: the flags of `openat`, and of
//! RESOLVE_ all; there is one file system, and everything is cached; not supported: O_ASYNC, the files of `/proc/self`
//! that tell of the process, and `fd`, where no text of the program names them, waiting for the other end of a FIFO.
//! Errors: EINVAL, E2BIG, EFAULT, EAGAIN, EXDEV, ENOENT, ENOTDIR, EISDIR, EEXIST, ELOOP, ENAMETOOLONG, EBADF, EMFILE,
//! EACCES, ENOSPC, ENOMEM.

use crate::boot_info::BootInfo;
use crate::errno::{Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::open_how::OpenHow;
use crate::subsystems::opening::open_path;
use crate::subsystems::private_input::PrivateInput;
use crate::subsystems::random::RandomStream;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(437 => openat2);

/// Opens, and with O_CREAT makes, the file at `path`, relative to `directory`, as the `len_bytes` bytes at `how` say.
pub fn openat2(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    random: &mut RandomStream,
    input: &mut PrivateInput,
    platform: &mut impl Platform,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    how: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let how = OpenHow::read(memory, how, len_bytes)?;
    let tell =
        |_: &_, _| Err(Refusal::Unsupported("telling of the process in /proc/self to a program that does not name it"));
    let begin = how.from_directory(boot, directory);
    open_path(memory, descriptors, tree, random, input, platform, boot, begin, path, how.flags, how.mode, tell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::abi::open_flags::{O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDWR, O_TRUNC};
    use crate::errno::Errno;
    use crate::subsystems::acting::act_without_capabilities;
    use crate::subsystems::file_tree::Last;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::node::Kind;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::tree_file::TreeFile;
    use crate::testing::{FakeMemory, FakePlatform};
    use alloc::boxed::Box;

    const NO_MAGICLINKS: u64 = 2;
    const NO_SYMLINKS: u64 = 4;
    const BENEATH: u64 = 8;
    const IN_ROOT: u64 = 0x10;
    const CACHED: u64 = 0x20;

    struct Machine {
        memory: FakeMemory,
        descriptors: Descriptors,
        tree: FileTree,
        boot: BootInfo,
    }

    impl Machine {
        /// A tree with links out of and within `/jail`, which is open as descriptor 3.
        fn new() -> Machine {
            let boot =
                boot_with(&[("/jail/in.txt", "inside", 0o640), ("/jail/sub/x", "", 0o600), ("/in.txt", "out", 0o644)]);
            let mut tree = FileTree::new();
            let root = tree.root(&boot);
            let jail = tree.find(&boot, &root, b"/jail", Last::Keep).expect("it is implied");
            let links = [
                ("up", ".."),
                ("abs", "/in.txt"),
                ("rel", "sub/../in.txt"),
                ("back", "sub/../../jail/in.txt"),
                ("loop", "loop"),
            ];
            for (name, target) in links.into_iter().chain([("new", "sub/made"), ("dir", "sub/")]) {
                let link = tree.new_node(Kind::Symlink(target.as_bytes().into()), 0o777);
                tree.link(&jail, name.as_bytes(), &link);
            }
            let mut machine = Machine { memory: FakeMemory::new(9000), descriptors: Descriptors::new(), tree, boot };
            assert_eq!(machine.open_in(AT_FDCWD, "/jail", [u64::from(O_PATH), 0, 0]), Ok(3));
            machine
        }

        fn call(&mut self, directory: Fd, path: &str, how: &[u8]) -> SysResult {
            let (path, at) = (self.memory.put_c_string(0, path), self.memory.put(4096, how));
            let Machine { memory, descriptors, tree, boot } = self;
            let (mut random, mut input, mut platform) = (RandomStream::new(), PrivateInput::new(), FakePlatform::new());
            let (random, input, platform) = (&mut random, &mut input, &mut platform);
            openat2(memory, descriptors, tree, random, input, platform, boot, directory, path, at, how.len())
        }

        fn open_in(&mut self, directory: Fd, path: &str, how: [u64; 3]) -> SysResult {
            self.call(directory, path, &how.map(u64::to_le_bytes).concat())
        }

        /// How many bytes the file at `path` below the jail has.
        fn size(&mut self, path: &str, resolve: u64) -> Result<u64, Refusal> {
            let fd = self.open_in(Fd(3), path, [0, 0, resolve])?;
            Ok(self.descriptors.remove(Fd(fd as i32))?.file.file.stat().size_bytes)
        }
    }

    #[test]
    fn where_a_path_may_lead() {
        let mut machine = Machine::new();
        let fails = |errno: Errno| Err(errno.into());
        for (path, resolve, expected) in [
            ("up/in.txt", 0, Ok(3)),
            ("abs", 0, Ok(3)),
            ("abs", BENEATH, fails(Errno::EXDEV)),
            ("up/in.txt", BENEATH, fails(Errno::EXDEV)),
            ("../jail/in.txt", BENEATH, fails(Errno::EXDEV)),
            ("back", BENEATH, fails(Errno::EXDEV)),
            ("/jail/in.txt", BENEATH, fails(Errno::EXDEV)),
            ("rel", BENEATH, Ok(6)),
            ("sub/.././in.txt", BENEATH, Ok(6)),
            ("abs", IN_ROOT, Ok(6)),
            ("up/in.txt", IN_ROOT, Ok(6)),
            ("/../..//in.txt", IN_ROOT, Ok(6)),
            ("back", IN_ROOT, fails(Errno::ENOENT)),
            ("rel", NO_SYMLINKS, fails(Errno::ELOOP)),
            ("dir/x", NO_SYMLINKS, fails(Errno::ELOOP)),
            ("sub/../in.txt", NO_SYMLINKS, Ok(6)),
            ("rel", NO_MAGICLINKS | CACHED, Ok(6)),
            ("loop", BENEATH, fails(Errno::ELOOP)),
            ("in.txt/", BENEATH, fails(Errno::ENOTDIR)),
            ("in.txt/..", BENEATH, fails(Errno::ENOTDIR)),
            ("in.txt/.", BENEATH, fails(Errno::ENOTDIR)),
            ("none/x", IN_ROOT, fails(Errno::ENOENT)),
            ("", IN_ROOT, fails(Errno::ENOENT)),
        ] {
            assert_eq!(machine.size(path, resolve), expected, "{path} {resolve:#x}");
        }
        for path in ["/", "..", "sub/..", "dir", "dir/", "sub/../../sub"] {
            assert!(machine.open_in(Fd(3), path, [u64::from(O_DIRECTORY), 0, IN_ROOT]).is_ok(), "{path}");
        }
        assert!(machine.open_in(Fd(3), "loop", [u64::from(O_PATH | O_NOFOLLOW), 0, NO_SYMLINKS]).is_ok());
    }

    #[test]
    fn every_directory_on_the_way_must_be_open_to_the_caller() {
        let mut machine = Machine::new();
        let root = machine.tree.root(&machine.boot);
        let mut find = |path: &[u8]| machine.tree.find(&machine.boot, &root, path, Last::Keep).expect("it is there");
        let (jail, sub, link) = (find(b"/jail"), find(b"/jail/sub"), find(b"/jail/dir"));
        act_without_capabilities();
        sub.permissions.set(0o600);
        jail.permissions.set(0o1777);
        link.owner.set((9, 9));
        let denied = Err(Errno::EACCES.into());
        for (path, resolve) in [
            ("sub/x", BENEATH),
            ("sub/../in.txt", BENEATH),
            ("sub/./../in.txt", NO_SYMLINKS),
            ("sub/.", IN_ROOT),
            ("sub/..", BENEATH),
            ("rel", NO_MAGICLINKS),
            ("dir", BENEATH),
            ("dir", NO_SYMLINKS),
        ] {
            assert_eq!(machine.size(path, resolve), denied, "{path} {resolve:#x}");
        }
        for path in ["sub", "./in.txt", "sub/"] {
            assert!(machine.size(path, BENEATH).is_ok(), "{path}");
        }
        sub.permissions.set(0o700);
        jail.permissions.set(0o600);
        assert_eq!(machine.size("up", IN_ROOT), denied);
        assert_eq!((machine.size("..", IN_ROOT), machine.size("in.txt", BENEATH)), (denied, denied));
        let inner = OpenFile::new(Box::new(TreeFile(sub)), O_PATH);
        let inner = machine.descriptors.insert(inner, false, 0).expect("there is room");
        assert!(machine.open_in(inner, "..", [0, 0, NO_SYMLINKS]).is_ok(), "it is only listed");
    }

    #[test]
    fn files_are_made_inside() {
        let mut machine = Machine::new();
        let create = u64::from(O_RDWR | O_CREAT);
        assert!(machine.open_in(Fd(3), "new", [create, 0o600, IN_ROOT]).is_ok());
        assert_eq!(machine.size("sub/made", 0), Ok(0));
        assert_eq!(
            machine.open_in(Fd(3), "new", [create | u64::from(O_EXCL), 0o600, IN_ROOT]),
            Err(Errno::EEXIST.into())
        );
        assert_eq!(machine.open_in(Fd(3), "fresh/", [create, 0o600, BENEATH]), Err(Errno::EISDIR.into()));
        assert_eq!(machine.open_in(Fd(3), "abs", [create, 0o600, BENEATH]), Err(Errno::EXDEV.into()));
    }

    #[test]
    fn unlike_openat_it_checks_everything() {
        let mut machine = Machine::new();
        for (how, errno) in [
            ([1 << 32, 0, 0], Errno::EINVAL),
            ([0x8000_0000, 0, 0], Errno::EINVAL),
            ([0, 0o600, 0], Errno::EINVAL),
            ([u64::from(O_CREAT), 0o10000, 0], Errno::EINVAL),
            ([u64::from(O_CREAT | O_DIRECTORY), 0o600, 0], Errno::EINVAL),
            ([u64::from(O_PATH | O_TRUNC), 0, 0], Errno::EINVAL),
            ([0, 0, 0x40], Errno::EINVAL),
            ([0, 0, BENEATH | IN_ROOT], Errno::EINVAL),
            ([u64::from(O_TRUNC), 0, CACHED], Errno::EAGAIN),
        ] {
            assert_eq!(machine.open_in(Fd(3), "in.txt", how), Err(errno.into()), "{how:x?}");
        }
        assert_eq!(machine.call(Fd(3), "in.txt", &[0; 23]), Err(Errno::EINVAL.into()));
        assert_eq!(machine.call(Fd(3), "in.txt", &[0; 4097]), Err(Errno::E2BIG.into()));
        assert_eq!(machine.call(Fd(3), "in.txt", &[[0; 24], [1; 24]].concat()), Err(Errno::E2BIG.into()));
        assert_eq!(machine.call(Fd(3), "in.txt", &[0; 32]), Ok(4));
        assert_eq!(machine.open_in(Fd(99), "in.txt", [0, 0, IN_ROOT]), Err(Errno::EBADF.into()));
    }
}
