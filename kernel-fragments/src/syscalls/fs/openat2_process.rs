//! `openat2(2)`: <https://man7.org/linux/man-pages/man2/openat2.2.html>, where the program names files of `/proc/self`.
//! Supported: the flags of `openat`, and of RESOLVE_ all; there is one file system, and everything is cached; files of
//! `/proc/self` as `openat` has them; not supported: O_ASYNC, changing `comm`, waiting for the other end of a FIFO.
//! Errors: EINVAL, E2BIG, EFAULT, EAGAIN, EXDEV, ENOENT, ENOTDIR, EISDIR, EEXIST, ELOOP, ENAMETOOLONG, EBADF, EMFILE,
//! EACCES, ENOSPC, ENOMEM.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::open_how::OpenHow;
use crate::subsystems::opening::open_path;
use crate::subsystems::private_input::PrivateInput;
use crate::subsystems::process_files::tell;
use crate::subsystems::program_break::ProgramBreak;
use crate::subsystems::random::RandomStream;
use crate::subsystems::session::Session;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(437 => openat2, process_files);

/// Opens, and with O_CREAT makes, the file at `path`, relative to `directory`, as the `len_bytes` bytes at `how` say.
pub fn openat2(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    random: &mut RandomStream,
    input: &mut PrivateInput,
    platform: &mut impl Platform,
    space: &mut AddressSpace,
    program_break: &mut ProgramBreak,
    session: &mut Session,
    thread: &mut Thread,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    how: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let how = OpenHow::read(memory, how, len_bytes)?;
    let umask = tree.umask;
    let tell = |memory: &_, file| tell(file, memory, space, program_break, boot, session, thread, umask);
    let begin = how.from_directory(boot, directory);
    open_path(memory, descriptors, tree, random, input, platform, boot, begin, path, how.flags, how.mode, tell)
}
