//! Calls that change who a thread is, and calls on files, priorities and limits that depend on it. Of each file only what it is, whose
//! it is and who may use it is looked at. Some calls are another thread's, which becomes somebody else for itself.

use super::{BUFFER, Generator, IN_ARENA, OWN_PID, PATHS, SCRATCH, STRUCTURE};

/// Calls of one sequence.
const CALLS: usize = 100;

/// Who there is, and -1 (no change) or a number of nobody.
const IDS: [u64; 7] = [0, 0, 1000, 1000, 1001, 7, u32::MAX as u64];
/// Of `NAMES`: a, b, d, d/a, d/b, nope/a, a/, ., link.
const FILES: [u64; 12] = [0, 0, 1, 1, 2, 3, 3, 4, 5, 6, 8, 9];
/// Attributes, from `ATTRIBUTES` on in the arena.
const USER_ATTRIBUTE: u64 = STRUCTURE + 0x700;
const TRUSTED_ATTRIBUTE: u64 = STRUCTURE + 0x720;
/// Where ids, groups, capabilities and times are told.
const TOLD: u64 = STRUCTURE + 0x100;
const HERE: u64 = (-100i64).cast_unsigned();

impl Generator {
    pub(super) fn credentials(&mut self) {
        self.poke_text(USER_ATTRIBUTE, "user.a");
        self.poke_text(TRUSTED_ATTRIBUTE, "trusted.a");
        let mask = self.random.one_of(&[0, 0, 0o22]);
        self.call(166, &[mask]);
        for (name, bits) in [(8, &[0o777u64, 0o777, 0o1777, 0o2777, 0o755][..]), (2, &[0o777, 0o1777, 0o3777, 0o700])] {
            let bits = self.random.one_of(bits);
            if name == 2 {
                self.call(34, &[HERE, at(name), 0o700]);
            }
            self.call(53, &[HERE, at(name), bits]);
        }
        for name in [0, 3] {
            let bits = self.bits();
            self.make(56, &[HERE, at(name), 0o102, bits]);
        }
        for _ in 0..CALLS {
            match self.random.below(14) {
                0 => self.become_somebody(),
                1 => self.act_as_somebody(),
                2 => self.change_capabilities(),
                3 => self.ask_who(),
                4 | 5 => self.open_something(),
                6 => self.change_entries(),
                7 | 8 => self.change_file(),
                9 | 10 => self.look_at_file(),
                11 => self.use_descriptor(),
                12 => self.use_attribute(),
                _ => self.ask_for_more(),
            }
        }
        self.ask_who();
    }

    fn own_path(&mut self) -> u64 {
        at(self.random.one_of(&FILES))
    }

    fn id(&mut self) -> u64 {
        self.random.one_of(&IDS)
    }

    fn bits(&mut self) -> u64 {
        self.random.one_of(&[0o644, 0o600, 0o640, 0o666, 0o4755, 0o2755, 0o2744, 0o6777, 0, 0o070, 0o007])
    }

    /// By the first thread, or sometimes by another.
    fn call_by_some(&mut self, number: u64, arguments: &[u64]) {
        let thread = self.random.one_of(&[0, 0, 0, 1]);
        self.call_by(thread, number, arguments);
    }

    /// Perhaps for good.
    fn become_somebody(&mut self) {
        let (first, second, third) = (self.id(), self.id(), self.id());
        match self.random.below(9) {
            0 => self.call_by_some(146, &[first]),
            1 => self.call_by_some(144, &[first]),
            2 => self.call_by_some(145, &[first, second]),
            3 => self.call_by_some(143, &[first, second]),
            4 => self.call_by_some(147, &[first, second, third]),
            5 => self.call_by_some(149, &[first, second, third]),
            _ => {
                let groups = [first, second & 0x7fff_ffff, 5 + first];
                self.poke(TOLD, groups[0] | groups[1] << 32);
                self.poke(TOLD + 8, groups[2]);
                let count = self.random.one_of(&[0, 1, 2, 3, 3, 65537]);
                self.call_by_some(159, &[count, IN_ARENA | TOLD]);
            }
        }
    }

    /// With a way back.
    fn act_as_somebody(&mut self) {
        let (id, keep) = (self.id(), u64::from(u32::MAX));
        match self.random.below(6) {
            0 | 1 => self.call_by_some(147, &[keep, id, 0]),
            2 => self.call_by_some(149, &[keep, id, 0]),
            3 => self.call_by_some(151, &[id]),
            4 => self.call_by_some(152, &[id]),
            _ => self.call_by_some(145, &[0, id]),
        }
    }

    fn change_capabilities(&mut self) {
        const ALL: u64 = 0x1ff_ffff_ffff;
        let some = self.random.one_of(&[0, 1 << 7, 0xff, 0x80_0000, 0x1_0000_001f, ALL, ALL, ALL & !2, ALL & !0x10f]);
        match self.random.below(8) {
            0..=2 => {
                let permitted = self.random.one_of(&[ALL, ALL, some, some]);
                let inheritable = self.random.one_of(&[0, some, ALL]);
                let version = self.random.one_of(&[0x2008_0522, 0x2008_0522, 0x2007_1026, 0x1998_0330, 5]);
                self.poke(TOLD, version);
                self.poke(TOLD + 8, some & 0xffff_ffff | permitted << 32);
                self.poke(TOLD + 16, inheritable & 0xffff_ffff | some >> 32 << 32);
                self.poke(TOLD + 24, permitted >> 32 | inheritable >> 32 << 32);
                self.call_by_some(91, &[IN_ARENA | TOLD, IN_ARENA | (TOLD + 8)]);
            }
            3 => {
                let keeps = self.random.below(3);
                self.call(167, &[8, keeps]);
            }
            4 => {
                let bits = self.random.one_of(&[0, 4, 0x10, 0x14, 0x40, 0x30, 0x100, 1]);
                self.call_by_some(167, &[28, bits]);
            }
            5 => {
                let capability = self.random.one_of(&[0, 7, 40, 41]);
                let option = self.random.one_of(&[23, 24]);
                self.call(167, &[option, capability]);
            }
            6 => {
                let (does, capability) = (1 + self.random.below(5), self.random.one_of(&[0, 7, 40, 41]));
                self.call(167, &[47, does, if does == 4 { 0 } else { capability }, 0, 0]);
            }
            _ => {
                let (option, value) = self.random.one_of(&[(3, 0), (4, 1), (7, 0), (27, 0)]);
                self.call(167, &[option, value]);
            }
        }
    }

    fn ask_who(&mut self) {
        let told = IN_ARENA | TOLD;
        self.call_by_some(148, &[told, told + 4, told + 8]);
        self.call(150, &[told + 12, told + 16, told + 20]);
        for number in [151, 152] {
            self.call_by_some(number, &[u64::from(u32::MAX)]);
        }
        let count = self.random.one_of(&[0, 1, 8]);
        self.call_by_some(158, &[count, told + 24]);
        self.poke(TOLD + 64, 0x2008_0522);
        self.call(90, &[told + 64, told + 72]);
        let number = self.random.one_of(&[174, 175, 176, 177]);
        self.call_by_some(number, &[]);
    }

    fn open_something(&mut self) {
        const O_NOATIME: u64 = 0o100_0000;
        const O_PATH: u64 = 0o1000_0000;
        const O_TMPFILE: u64 = 0o2020_0000;
        let (path, bits) = (self.own_path(), self.bits());
        let how = [0, 1, 2, 2, 3, 0o1000, O_NOATIME, O_PATH, 0o20_0000, 0o2001];
        let new = [0o101, 0o102, 0o102, 0o302, 0o1102, O_TMPFILE | 2];
        let flags = if self.random.below(2) == 0 { self.random.one_of(&how) } else { self.random.one_of(&new) };
        self.made.push(self.steps.len() as u64);
        self.call_by_some(56, &[HERE, path, flags, bits]);
    }

    fn change_entries(&mut self) {
        let (path, other, bits) = (self.own_path(), self.own_path(), self.bits());
        match self.random.below(9) {
            0 | 1 => {
                let flags = self.random.one_of(&[0, 0, 0x200]);
                self.call_by_some(35, &[HERE, path, flags]);
            }
            2 => self.call(34, &[HERE, path, bits | self.steps.len() as u64 & 0o1000]),
            3 => self.call(36, &[path, HERE, other]),
            4 => self.call(37, &[HERE, path, HERE, other, 0]),
            5 | 6 => {
                let flags = self.random.one_of(&[0, 0, 1, 2]);
                self.call(276, &[HERE, path, HERE, other, flags]);
            }
            7 => {
                // Who opened a FIFO would wait.
                let (kind, number) = self.random.one_of(&[(0o10_0000, 0), (0o2_0000, 0x103)]);
                self.call(33, &[HERE, path, kind | bits, number]);
            }
            _ => {
                let folder = self.random.one_of(&[8, 8, 8, 2]);
                self.call(49, &[at(folder)]);
            }
        }
    }

    fn change_file(&mut self) {
        let (path, fd, bits) = (self.own_path(), self.fd(), self.bits());
        let (user, group) = (self.id(), self.id());
        match self.random.below(9) {
            0 | 1 => self.call_by_some(53, &[HERE, path, bits]),
            2 => self.call(52, &[fd, bits]),
            3 | 4 => {
                let flags = self.random.one_of(&[0, 0x100]);
                self.call_by_some(54, &[HERE, path, user, group, flags]);
            }
            5 => self.call(55, &[fd, user, group]),
            6 => {
                self.poke(TOLD, 5);
                self.poke(TOLD + 16, 6);
                // UTIME_NOW, a time, UTIME_OMIT; and UTIME_NOW.
                let now = self.random.one_of(&[0x3fff_ffff, 7, 0x3fff_fffe]);
                self.poke(TOLD + 8, now);
                self.poke(TOLD + 24, 0x3fff_ffff);
                let times = self.random.one_of(&[0, IN_ARENA | TOLD, IN_ARENA | TOLD]);
                self.call(88, &[HERE, path, times, 0]);
            }
            7 => self.call(45, &[path, 3]),
            _ => self.call(452, &[HERE, path, bits, 0]),
        }
    }

    fn look_at_file(&mut self) {
        let path = self.own_path();
        let mode = self.random.below(8);
        match self.random.below(8) {
            0 => self.call_by_some(48, &[HERE, path, mode]),
            1 => {
                let flags = self.random.one_of(&[0, 0x200, 0x100]);
                self.call_by_some(439, &[HERE, path, mode, flags]);
            }
            2 => self.call(78, &[HERE, path, IN_ARENA | BUFFER, 16]),
            3 => {
                let fd = self.fd();
                self.call(80, &[fd, SCRATCH]);
                self.call(super::PEEK, &[SCRATCH | 24, 8]);
            }
            // Owner and group; group, kind and bits. How many links there are is left out: an image's root has directories of its own.
            4 => {
                self.call(79, &[HERE, path, SCRATCH, 0x100]);
                self.call(super::PEEK, &[SCRATCH | 24, 8]);
            }
            _ => {
                self.call(291, &[HERE, path, 0x100, 0x7ff, SCRATCH | 0x200]);
                self.call(super::PEEK, &[SCRATCH | 0x218, 8]);
            }
        }
    }

    fn use_descriptor(&mut self) {
        let fd = self.fd();
        match self.random.below(8) {
            0 | 1 => self.call_by_some(64, &[fd, IN_ARENA | BUFFER, 5]),
            2 => self.call(46, &[fd, 9]),
            3 => self.call(47, &[fd, 0, 0, 20]),
            4 => self.call(50, &[fd]),
            5 => self.call(25, &[fd, 4, 0o100_0000]),
            6 => self.call(59, &[IN_ARENA | STRUCTURE, 0o4000]),
            _ => self.make(279, &[IN_ARENA | PATHS, 0]),
        }
    }

    fn use_attribute(&mut self) {
        let path = self.own_path();
        let name = IN_ARENA | self.random.one_of(&[USER_ATTRIBUTE, TRUSTED_ATTRIBUTE]);
        let value = IN_ARENA | BUFFER;
        match self.random.below(5) {
            0 | 1 => self.call(5, &[path, name, value, 4, 0]),
            2 => self.call(8, &[path, name, value + 64, 16]),
            3 => self.call(11, &[path, value + 96, 64]),
            _ => self.call(14, &[path, name]),
        }
    }

    /// What takes a capability, or none to give up.
    fn ask_for_more(&mut self) {
        match self.random.below(8) {
            0 => {
                let pid = self.random.one_of(&[1, OWN_PID]);
                self.call_by_some(129, &[pid, 0]);
            }
            1 => {
                let nice = self.random.one_of(&[0, 5, 5, (-5i64).cast_unsigned()]);
                self.call(140, &[0, 0, nice]);
                self.call(141, &[0, 0]);
            }
            2 | 3 => {
                let (policy, priority) = self.random.one_of(&[(0, 0), (1, 5), (2, 7), (3, 0), (5, 0), (1, 0)]);
                self.poke(TOLD, priority);
                self.call(119, &[0, policy, IN_ARENA | TOLD]);
            }
            4 => {
                let priority = self.random.one_of(&[0, 1, 6]);
                self.poke(TOLD, priority);
                self.call(118, &[0, IN_ARENA | TOLD]);
            }
            5 => self.call(120, &[0]),
            _ => {
                // RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_CORE.
                let resource = self.random.one_of(&[13, 14, 4]);
                let (soft, hard) = self.random.one_of(&[(0, 0), (6, 6), (6, 30), (30, 30)]);
                self.poke(TOLD, soft);
                self.poke(TOLD + 8, hard);
                self.call(164, &[resource, IN_ARENA | TOLD]);
            }
        }
    }
}

/// Where the name of this index lies.
fn at(name: u64) -> u64 {
    IN_ARENA | (PATHS + 32 * name)
}
