//! The locks of `flock(2)`: each belongs to an open file description, keeps others of the same file away, and ends with its
//! owner's last descriptor.

use crate::subsystems::node::Node;
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::watched::Watched;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

/// A lock that is held. Somebody who waits for its end watches it: its activity changes when its owner is gone, and it is gone
/// itself when it was given up.
struct FileLock {
    owner: Weak<OpenFile>,
    is_exclusive: bool,
}

impl Watched for FileLock {
    fn activity(&self) -> u64 {
        u64::from(self.owner.strong_count() == 0)
    }

    fn next_change_ns(&self) -> Option<u64> {
        None
    }
}

/// All locks.
#[derive(Default)]
pub struct FileLocks {
    locks: Vec<Rc<FileLock>>,
}

impl FileLocks {
    /// None is held.
    pub const fn new() -> FileLocks {
        FileLocks { locks: Vec::new() }
    }

    /// Gives up the lock that `open` holds, if it does.
    pub fn unlock(&mut self, open: &Rc<OpenFile>) {
        self.locks.retain(|lock| lock.owner.upgrade().is_some_and(|owner| !Rc::ptr_eq(&owner, open)));
    }

    /// Locks the file of `open`, in place of the lock that it may hold. One that is held by others is the error, to wait for;
    /// then `open` holds none, not even the one from before (flock(2)).
    pub fn lock(&mut self, open: &Rc<OpenFile>, is_exclusive: bool) -> Result<(), Weak<dyn Watched>> {
        let is_own = |lock: &Rc<FileLock>| lock.owner.upgrade().is_some_and(|owner| Rc::ptr_eq(&owner, open));
        if self.locks.iter().any(|lock| is_own(lock) && lock.is_exclusive == is_exclusive) {
            return Ok(());
        }
        self.unlock(open);
        let rival = self.locks.iter().find(|lock| {
            (lock.is_exclusive || is_exclusive) && lock.owner.upgrade().is_some_and(|owner| is_same_file(&owner, open))
        });
        if let Some(rival) = rival {
            let rival: Weak<FileLock> = Rc::downgrade(rival);
            return Err(rival);
        }
        self.locks.push(Rc::new(FileLock { owner: Rc::downgrade(open), is_exclusive }));
        Ok(())
    }
}

/// Whether both are open files of one node; what has no node is opened once.
fn is_same_file(one: &OpenFile, other: &OpenFile) -> bool {
    let node = |open: &OpenFile| open.file.node().map(Rc::as_ptr);
    node(one).is_some_and(|one: *const Node| node(other) == Some(one))
}
