//! The files behind `signalfd4(2)`: what is read are blocked signals that are pending for the reading thread or the process.
//!
//! Kernels without that call have `no_signal_files.rs` in place of this file.

use crate::abi::pollfd::POLLIN;
use crate::abi::signalfd::{SIGNALFD_INFO_BYTES, encode};
use crate::abi::stat::{ANONYMOUS_DEVICE, Stat};
use crate::errno::{Errno, Refusal, SysResult};
use crate::outcome::{Leave, Outcome};
use crate::platform_interface::Platform;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::may_wait::MAY_WAIT;
use crate::subsystems::open_file::{File, OpenFile, READS};
use crate::subsystems::scattered::{Buffers, scatter, total_bytes};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::waiting::watched;
use crate::thread::{Thread, Unfinished};
use crate::user_memory::UserMemory;
use alloc::rc::Rc;
use core::any::Any;
use core::cell::Cell;

const _: bool = MAY_WAIT;

/// Signals to read.
pub struct SignalFile {
    /// Which: bit n-1 is signal n.
    mask: Cell<u64>,
    /// Those of all signals that were pending when somebody looked last.
    pending: Cell<u64>,
    activity: Cell<u64>,
}

impl SignalFile {
    /// A file of the signals in `mask`.
    pub fn new(mask: u64) -> SignalFile {
        SignalFile { mask: Cell::new(mask), pending: Cell::new(0), activity: Cell::new(0) }
    }

    /// Reads other signals from now on. Who waits for the file looks again.
    pub fn set_mask(&self, mask: u64) {
        self.mask.set(mask);
        self.note_activity();
    }

    /// These signals are pending now.
    fn see(&self, pending: u64) {
        if pending & !self.pending.get() & self.mask.get() != 0 {
            self.note_activity();
        }
        self.pending.set(pending);
    }

    fn note_activity(&self) {
        self.activity.set(self.activity.get() + 1);
    }
}

impl File for SignalFile {
    fn operations(&self) -> u32 {
        READS
    }

    fn read(&self, _platform: &mut dyn Platform, _offset: u64, _into: &mut [u8]) -> SysResult {
        Err(Refusal::Unsupported("reading a signalfd by a call other than read and readv"))
    }

    fn stat(&self) -> Stat {
        Stat { device: ANONYMOUS_DEVICE, inode: 1, mode: 0o600, links: 1, ..Stat::default() }
    }

    fn ready(&self) -> u16 {
        if self.pending.get() & self.mask.get() != 0 { POLLIN } else { 0 }
    }

    fn activity(&self) -> u64 {
        self.activity.get()
    }

    fn kind_name(&self) -> &'static str {
        "signalfd"
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// The signals behind an open file, if it is one of these.
pub fn signal_file(file: &OpenFile) -> Option<&SignalFile> {
    file.file.as_any()?.downcast_ref()
}

/// Has every such file show what is pending for `thread` as it polls. Returns the signals whose arrival may end its wait.
pub fn show_pending(descriptors: &mut Descriptors, signals: &Signals, thread: &Thread) -> u64 {
    let pending = signals.pending(thread);
    let mut awaited = 0;
    for file in descriptors.iter().filter_map(|(_, descriptor)| signal_file(&descriptor.file)) {
        file.see(pending);
        awaited |= file.mask.get();
    }
    // Others have a handler called, or end the program.
    awaited & thread.signal_mask
}

/// Takes as many signals of `open`, which is `file`, as the buffers have room for, and waits for the first. `argument` is the
/// call's first.
pub fn read_signals(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    argument: u64,
    open: &Rc<OpenFile>,
    file: &SignalFile,
    buffers: &Buffers,
) -> Outcome {
    thread.resume_call();
    let room_bytes = total_bytes(buffers);
    if room_bytes < SIGNALFD_INFO_BYTES {
        return Err(Errno::EINVAL.into());
    }
    let mut done_bytes = 0;
    while done_bytes + SIGNALFD_INFO_BYTES <= room_bytes {
        let Some(taken) = signals.take(thread, file.mask.get()) else { break };
        // As in Linux, a signal that cannot be stored is lost.
        match scatter(memory, buffers, done_bytes, &encode(taken.signal, taken.info)) {
            Ok(()) => done_bytes += SIGNALFD_INFO_BYTES,
            Err(errno) if done_bytes == 0 => return Err(errno.into()),
            Err(_) => break,
        }
    }
    file.see(signals.pending(thread));
    if done_bytes > 0 {
        return Ok(Leave::Return(done_bytes));
    }
    if open.is_nonblocking() {
        return Err(Errno::EAGAIN.into());
    }
    match signals.settle(thread, (Errno::EINTR.0 as usize).wrapping_neg())? {
        Leave::Return(_) => {
            thread.awaited_signals = file.mask.get() & thread.signal_mask;
            let unfinished = Unfinished { restarts: true, ..Unfinished::NONE };
            Ok(threads.wait_for_event(thread, argument, core::iter::once(watched(open)), unfinished))
        }
        interrupted => Ok(interrupted),
    }
}
