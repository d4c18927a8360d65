//! Which threads wait for which files. Nobody tells when something happens to a file: whenever a thread is chosen, the
//! activity of those that somebody waits for is compared with what it was. So closing, duplicating and writing need not know
//! about waiting. A file that is gone counts as changed: the call is made again and says what Linux says of the descriptor.

use crate::subsystems::watched::Watched;
use alloc::rc::Weak;
use alloc::vec::Vec;

/// One thread's interest in one file.
struct FileWait {
    tid: u32,
    file: Weak<dyn Watched>,
    /// The file's activity when the thread began to wait.
    seen: u64,
}

impl FileWait {
    fn is_over(&self) -> bool {
        self.file.upgrade().is_none_or(|file| file.activity() != self.seen)
    }
}

/// All such interests, in the order in which the threads began to wait.
#[derive(Default)]
pub struct FileWaits {
    waits: Vec<FileWait>,
}

impl FileWaits {
    /// Nobody waits.
    pub const fn new() -> FileWaits {
        FileWaits { waits: Vec::new() }
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    /// Thread `tid` waits until something happens to `file`, or it is gone.
    pub fn add(&mut self, tid: u32, file: Weak<dyn Watched>) {
        let seen = file.upgrade().map_or(0, |file| file.activity());
        self.waits.push(FileWait { tid, file, seen });
    }

    /// Thread `tid` waits no more.
    pub fn forget(&mut self, tid: u32) {
        self.waits.retain(|wait| wait.tid != tid);
    }

    /// The longest waiting thread to whose files something happened; it waits no more.
    pub fn take_changed(&mut self) -> Option<u32> {
        let tid = self.waits.iter().find(|wait| wait.is_over())?.tid;
        self.forget(tid);
        Some(tid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::rc::Rc;
    use core::cell::Cell;

    struct Counter(Cell<u64>);
    impl Watched for Counter {
        fn activity(&self) -> u64 {
            self.0.get()
        }
        fn next_change_ns(&self) -> Option<u64> {
            None
        }
    }

    #[test]
    fn changes_end_waits_in_order() {
        let files: [Rc<Counter>; 3] = [(); 3].map(|()| Rc::new(Counter(Cell::new(7))));
        let weak = |index: usize| -> Weak<dyn Watched> { Rc::downgrade(&(files[index].clone() as Rc<dyn Watched>)) };
        let mut waits = FileWaits::new();
        for (tid, index) in [(9, 0), (9, 1), (4, 1), (5, 2)] {
            waits.add(tid, weak(index));
        }
        assert_eq!(waits.take_changed(), None);
        files[1].0.set(8);
        let order = [(); 3].map(|()| waits.take_changed());
        assert_eq!(order, [Some(9), Some(4), None]);
        files[0].0.set(8);
        assert_eq!(waits.take_changed(), None, "9 waits no more");
        drop(files);
        assert_eq!((waits.take_changed(), waits.is_empty()), (Some(5), true));
    }
}
