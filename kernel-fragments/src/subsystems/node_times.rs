//! When files were used: what `stat` tells, and what changes it.

use crate::subsystems::file_time::noted_time_ns;
use crate::subsystems::node::Node;

/// After which time a reading is noted in any case, in nanoseconds.
const DAY_NS: i64 = 24 * 3600 * 1_000_000_000;

/// Nanoseconds since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Times {
    /// Last read.
    pub access_ns: i64,
    /// Last write.
    pub modify_ns: i64,
    /// Last change of anything.
    pub change_ns: i64,
}

impl Times {
    /// All now, in a run that began `start_time_ns` after the epoch.
    pub fn now(start_time_ns: i64) -> Times {
        Times::at(start_time_ns.saturating_add(noted_time_ns().cast_signed()))
    }

    /// All at `time_ns`.
    pub const fn at(time_ns: i64) -> Times {
        Times { access_ns: time_ns, modify_ns: time_ns, change_ns: time_ns }
    }
}

impl Node {
    /// The time now, as files have it, in nanoseconds since the Unix epoch.
    fn now_ns(&self) -> i64 {
        self.start_time_ns.saturating_add(noted_time_ns().cast_signed())
    }

    /// It was read: that is noted if it was not since it was last changed, or not for a day (fs/inode.c,
    /// relatime_need_update).
    pub fn note_read(&self) {
        let Times { access_ns, modify_ns, change_ns } = self.times.get();
        let now_ns = self.now_ns();
        if access_ns <= modify_ns.max(change_ns) || now_ns.saturating_sub(access_ns) >= DAY_NS {
            self.times.set(Times { access_ns: now_ns, modify_ns, change_ns });
        }
    }

    /// What it holds was changed.
    pub fn note_write(&self) {
        let now_ns = self.now_ns();
        self.times.set(Times { modify_ns: now_ns, change_ns: now_ns, ..self.times.get() });
    }

    /// Something else of it was changed.
    pub fn note_change(&self) {
        self.times.set(Times { change_ns: self.now_ns(), ..self.times.get() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::file_time::note_time;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::{Contents, Kind};

    #[test]
    fn times_follow_what_happens() {
        let times = |node: &Node| {
            let Times { access_ns, modify_ns, change_ns } = node.times.get();
            (access_ns, modify_ns, change_ns)
        };
        let node = FileTree::new().new_node(Kind::Regular(Contents::empty()), 0o644);
        assert_eq!(times(&node), (0, 0, 0));
        note_time(5);
        node.note_read();
        note_time(6);
        node.note_read();
        assert_eq!(times(&node), (5, 0, 0), "noted once, as nothing was written since");
        node.note_write();
        note_time(7);
        assert_eq!(node.set_permissions(0o600), Ok(()));
        assert_eq!(times(&node), (5, 6, 7));
        node.note_read();
        note_time(8);
        node.note_read();
        assert_eq!(times(&node), (8, 6, 7), "at the very time of the change counts as before it");
        note_time(9 + DAY_NS as u64);
        node.note_read();
        assert_eq!(times(&node).0, 9 + DAY_NS);
    }
}
