//! A thread between the call that makes it and the moment at which its parent's registers are complete.

use crate::subsystems::parked_thread::{ParkedThread, ThreadRoom};
use crate::thread::{A0, SP, TP, Thread};
use crate::user_memory::UserAddress;

/// A thread that `clone` made, and that gets its parent's registers once these are complete.
#[derive(Debug)]
pub struct Newborn {
    /// Where it will lie.
    pub room: ThreadRoom,
    /// Its id.
    pub tid: u32,
    /// What `clone` was asked for.
    pub start: Start,
}

/// In what a new thread differs from its parent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    /// Its stack pointer; 0 for its parent's.
    pub stack: u64,
    /// Its thread pointer, if not its parent's.
    pub thread_pointer: Option<u64>,
    /// Where its end is announced; null for nowhere.
    pub clear_child_tid: UserAddress,
}

impl Newborn {
    /// The thread, now that its parent's frame is complete.
    pub fn born(self, parent: &Thread) -> ParkedThread {
        let mut newborn = self.room.make(parent, self.tid);
        let thread = newborn.get_mut();
        thread.clear_child_tid = self.start.clear_child_tid;
        thread.frame.x[A0] = 0;
        if self.start.stack != 0 {
            thread.frame.x[SP] = self.start.stack;
        }
        if let Some(thread_pointer) = self.start.thread_pointer {
            thread.frame.x[TP] = thread_pointer;
        }
        newborn
    }
}
