//! `openat(2)`: <https://man7.org/linux/man-pages/man2/openat.2.html>, where there may be threads and FIFOs. Supported: every flag
//! but O_ASYNC; O_SYNC, O_DSYNC, O_DIRECT and O_NOATIME change nothing in memory; not supported: changing `/proc/self/comm`. Files
//! of `/proc/self` as in the variant `process_files`. Errors: EFAULT, ENOENT, ENOTDIR, EISDIR, EEXIST, ELOOP, ENAMETOOLONG, EINVAL,
//! EBADF, EMFILE, EACCES, ENOSPC, ENOMEM, ENXIO, EINTR.

use crate::boot_info::BootInfo;
use crate::outcome::{Leave, Outcome};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::fifos::OPENING_WAITS;
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::opening::{describe, from_directory, open_path};
use crate::subsystems::private_input::PrivateInput;
use crate::subsystems::process_files::tell;
use crate::subsystems::program_break::ProgramBreak;
use crate::subsystems::random::RandomStream;
use crate::subsystems::session::Session;
use crate::subsystems::threads::Threads;
use crate::thread::{Thread, Unfinished};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(56 => openat, fifo_waits);

/// Opens, and with O_CREAT makes, the file at `path`, relative to `directory`. A FIFO is waited for, as its flags say.
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
    threads: &mut Threads,
    thread: &mut Thread,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    flags: u32,
    mode: u32,
) -> Outcome {
    let umask = tree.umask;
    let (own, is_again) = (thread.tid, thread.resume_call().opens_fifo);
    let mut opens = |tid| threads.find(tid).is_some_and(|other| other.unfinished.opens_fifo);
    tree.fifo_opening.retain(|tid| if tid == own { is_again } else { opens(tid) });
    let result = match tree.fifo_opening.finish(own) {
        Some(finished) => finished.and_then(|(file, flags)| describe(descriptors, file, flags)),
        None => {
            tree.fifo_opening.caller = Some(own);
            let caller = &*thread;
            let tell = |memory: &_, file| tell(file, memory, space, program_break, boot, session, caller, umask);
            let begin = from_directory(boot, directory);
            let result =
                open_path(memory, descriptors, tree, random, input, platform, boot, begin, path, flags, mode, tell);
            tree.fifo_opening.caller = None;
            result
        }
    };
    match (result, tree.fifo_opening.awaited(own)) {
        (Err(OPENING_WAITS), Some(awaited)) => {
            let unfinished = Unfinished { restarts: true, opens_fifo: true, ..Unfinished::NONE };
            Ok(threads.wait_for_event(thread, directory.0 as u64, core::iter::once(awaited), unfinished))
        }
        (result, _) => result.map(Leave::Return),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::abi::open_flags::{O_NONBLOCK, O_RDONLY, O_WRONLY};
    use crate::errno::Errno;
    use crate::subsystems::fifos::Fifo;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::node::Kind;
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::thread::PROCESS_ID;

    /// Two threads and a FIFO at `/fifo`.
    struct Sample {
        machine: ThreadMachine,
        boot: BootInfo,
        descriptors: Descriptors,
        tree: FileTree,
        path: UserAddress,
    }

    impl Sample {
        fn new() -> Sample {
            let (mut machine, boot) = (ThreadMachine::new(), boot_with(&[]));
            machine.spawn(0, UserAddress::NULL);
            let mut tree = FileTree::new();
            let root = tree.root(&boot);
            let fifo = tree.new_node(Kind::Fifo(Fifo::default()), 0o600);
            tree.link(&root, b"fifo", &fifo);
            let path = machine.memory.put_c_string(0, "/fifo");
            Sample { machine, boot, descriptors: Descriptors::new(), tree, path }
        }

        fn open(&mut self, flags: u32) -> Step {
            let Sample { machine, boot, descriptors, tree, path } = self;
            machine.call(|m, thread| {
                openat(
                    &mut m.memory,
                    descriptors,
                    tree,
                    &mut RandomStream::new(),
                    &mut PrivateInput::new(),
                    &mut m.platform,
                    &mut AddressSpace::new(),
                    &mut ProgramBreak::new(),
                    &mut Session::new(),
                    &mut m.threads,
                    thread,
                    boot,
                    AT_FDCWD,
                    *path,
                    flags,
                    0,
                )
            })
        }
    }

    /// However the path changed meanwhile.
    #[test]
    fn two_threads_meet() {
        let mut sample = Sample::new();
        assert_eq!(sample.open(O_RDONLY), Step::Switched(3, 0));
        assert_eq!(sample.open(O_WRONLY), Step::Returned(3));
        sample.machine.memory.put_c_string(0, "/gone");
        let again = Step::Switched(2, i64::from(AT_FDCWD.0));
        assert_eq!(sample.machine.yield_now(), again, "the call is made again");
        assert_eq!((sample.open(O_RDONLY), sample.open(O_RDONLY)), (Step::Returned(4), Step::Failed(Errno::ENOENT)));
    }

    /// A handler comes after the other end, and before the call is made again: its own end is closed.
    #[test]
    fn who_is_interrupted_leaves_nothing_open() {
        let mut sample = Sample::new();
        assert_eq!(sample.open(O_RDONLY), Step::Switched(3, 0));
        assert_eq!(sample.open(O_WRONLY), Step::Returned(3));
        let ThreadMachine { memory, threads, clock, .. } = &mut sample.machine;
        threads.interrupt(memory, clock, PROCESS_ID, false);
        assert!(sample.descriptors.remove(Fd(3)).is_ok());
        assert_eq!(sample.open(O_WRONLY | O_NONBLOCK), Step::Failed(Errno::ENXIO));
    }
}
