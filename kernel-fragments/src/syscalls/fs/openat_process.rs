//! `openat(2)`: <https://man7.org/linux/man-pages/man2/openat.2.html>, where the program names files of `/proc/self`. Supported:
//! every flag but O_ASYNC; O_SYNC, O_DSYNC, O_DIRECT and O_NOATIME change nothing in memory; not supported: changing `comm`.
//! `/proc/self/maps` shows mappings of files without their names; `status` has no signals and no number of threads, `stat` and
//! `statm` have 0 for what is not kept (processor time, faults) and 1 thread. Errors: EFAULT, ENOENT, ENOTDIR, EISDIR, EEXIST,
//! ELOOP, ENAMETOOLONG, EINVAL, EBADF, EMFILE, EACCES, ENOSPC, ENOMEM.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::opening::{from_directory, open_path};
use crate::subsystems::private_input::PrivateInput;
use crate::subsystems::process_files::tell;
use crate::subsystems::program_break::ProgramBreak;
use crate::subsystems::random::RandomStream;
use crate::subsystems::session::Session;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(56 => openat, process_files);

/// Opens, and with O_CREAT makes, the file at `path`, relative to `directory`.
pub fn openat(
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
    flags: u32,
    mode: u32,
) -> SysResult {
    let umask = tree.umask;
    let tell = |memory: &_, file| tell(file, memory, space, program_break, boot, session, thread, umask);
    let begin = from_directory(boot, directory);
    open_path(memory, descriptors, tree, random, input, platform, boot, begin, path, flags, mode, tell)
}
