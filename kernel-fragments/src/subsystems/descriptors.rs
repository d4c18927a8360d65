//! The descriptor table: numbers to open files. The lowest free number is always the next to be given out.

use crate::errno::Errno;
use crate::platform_interface::Stream;
use crate::register::Fd;
use crate::subsystems::console::{open_input, open_output};
use crate::subsystems::open_file::OpenFile;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// How many descriptors there may be: the soft limit of RLIMIT_NOFILE as a Debian shell sets it.
pub const DEFAULT_LIMIT: usize = 1024;

/// Room for as many descriptors is made at first.
const FEW: usize = 4;

/// One entry of the table.
pub struct Descriptor {
    /// What it stands for; shared with its duplicates.
    pub file: Rc<OpenFile>,
    /// FD_CLOEXEC: kept, though there is no `execve`.
    pub close_on_exec: bool,
}

/// All descriptors. Each of the three standard ones is made when it is used first, or a number is given out.
pub struct Descriptors {
    /// By number.
    slots: Vec<Option<Descriptor>>,
    /// Bit n: standard stream n was not made yet.
    unmade: u32,
    /// No number from here on is given out (RLIMIT_NOFILE).
    limit: usize,
    /// The number of the last pipe.
    last_pipe: u64,
}

impl Descriptors {
    /// The table with the standard streams.
    pub const fn new() -> Descriptors {
        Descriptors { slots: Vec::new(), unmade: 0b111, limit: DEFAULT_LIMIT, last_pipe: 3 }
    }

    /// RLIMIT_NOFILE: the number from which on none is given out.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Sets RLIMIT_NOFILE. Descriptors beyond stay open.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// The file behind `fd`, which may have been opened with O_PATH; EBADF if there is none.
    pub fn any(&mut self, fd: Fd) -> Result<&Rc<OpenFile>, Errno> {
        Ok(&self.entry(fd)?.file)
    }

    /// The file behind `fd`; EBADF if there is none, or it was opened with O_PATH.
    pub fn get(&mut self, fd: Fd) -> Result<&Rc<OpenFile>, Errno> {
        let file = self.any(fd)?;
        if file.is_path_only() { Err(Errno::EBADF) } else { Ok(file) }
    }

    /// The file behind `fd` if it is open for reading; EBADF if not.
    pub fn readable(&mut self, fd: Fd) -> Result<&Rc<OpenFile>, Errno> {
        let file = self.any(fd)?;
        if file.is_readable() { Ok(file) } else { Err(Errno::EBADF) }
    }

    /// The file behind `fd` if it is open for writing; EBADF if not.
    pub fn writable(&mut self, fd: Fd) -> Result<&Rc<OpenFile>, Errno> {
        let file = self.any(fd)?;
        if file.is_writable() { Ok(file) } else { Err(Errno::EBADF) }
    }

    /// The entry of `fd`; EBADF if there is none.
    pub fn entry(&mut self, fd: Fd) -> Result<&mut Descriptor, Errno> {
        // A negative number becomes one that is far too large.
        let number = fd.0 as isize as usize;
        if !matches!(self.slots.get(number), Some(Some(_))) {
            return self.standard_stream(number);
        }
        match self.slots.get_mut(number) {
            Some(Some(descriptor)) => Ok(descriptor),
            _ => Err(Errno::EBADF),
        }
    }

    /// Standard stream `number`, which is made for that; EBADF if it is none, or was closed.
    #[cold]
    #[inline(never)]
    fn standard_stream(&mut self, number: usize) -> Result<&mut Descriptor, Errno> {
        self.make_standard_stream(number)?;
        self.slots.get_mut(number).and_then(Option::as_mut).ok_or(Errno::EBADF)
    }

    /// Gives `file` the lowest free number that is at least `least`.
    ///
    /// # Errors
    /// EMFILE if that would be beyond the limit; ENOMEM if the kernel's heap is full.
    pub fn insert(&mut self, file: Rc<OpenFile>, close_on_exec: bool, least: usize) -> Result<Fd, Errno> {
        self.open_standard_streams_if_unused();
        let number = self.lowest_free(least);
        if number >= self.limit {
            return Err(Errno::EMFILE);
        }
        self.make_room(number)?;
        self.put(number, Descriptor { file, close_on_exec });
        Ok(Fd(number as i32))
    }

    /// Whether there is a free number below the limit; EMFILE if not.
    pub fn check_free(&mut self) -> Result<(), Errno> {
        self.open_standard_streams_if_unused();
        if self.lowest_free(0) < self.limit { Ok(()) } else { Err(Errno::EMFILE) }
    }

    fn lowest_free(&self, least: usize) -> usize {
        let free = (least..self.slots.len()).find(|&number| matches!(self.slots.get(number), Some(None)));
        free.unwrap_or(self.slots.len().max(least))
    }

    /// Makes `fd` stand for `file`, whatever it was before, which is returned.
    ///
    /// # Errors
    /// EBADF if `fd` is negative or beyond the limit; ENOMEM if the kernel's heap is full.
    pub fn replace(&mut self, fd: Fd, file: Rc<OpenFile>, close_on_exec: bool) -> Result<Option<Descriptor>, Errno> {
        self.open_standard_streams_if_unused();
        let number = fd.0 as u32 as usize;
        if number >= self.limit {
            return Err(Errno::EBADF);
        }
        self.make_room(number)?;
        Ok(self.put(number, Descriptor { file, close_on_exec }))
    }

    /// Takes `fd` out of the table; EBADF if it is not there.
    pub fn remove(&mut self, fd: Fd) -> Result<Descriptor, Errno> {
        self.entry(fd)?;
        self.slots.get_mut(fd.0 as u32 as usize).and_then(Option::take).ok_or(Errno::EBADF)
    }

    /// Makes the standard streams that were not used yet; everything that gives out numbers does it.
    #[inline]
    pub fn open_standard_streams_if_unused(&mut self) {
        if self.unmade != 0 {
            self.make_standard_streams();
        }
    }

    /// A number for a new pipe; the standard streams have the first three.
    pub fn new_pipe_number(&mut self) -> u64 {
        self.last_pipe += 1;
        self.last_pipe
    }

    /// The open descriptors, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Fd, &Descriptor)> {
        let entries = self.slots.iter().enumerate();
        entries.filter_map(|(number, slot)| slot.as_ref().map(|descriptor| (Fd(number as i32), descriptor)))
    }

    /// Sees to it that nothing is allocated to put something at `number`; ENOMEM.
    fn make_room(&mut self, number: usize) -> Result<(), Errno> {
        let missing = (number + 1).saturating_sub(self.slots.len());
        self.slots.try_reserve(missing).map_err(|_| Errno::ENOMEM)
    }

    /// Puts `descriptor` at `number`, which is below the limit.
    fn put(&mut self, number: usize, descriptor: Descriptor) -> Option<Descriptor> {
        while self.slots.len() <= number {
            self.slots.push(None);
        }
        self.slots.get_mut(number).and_then(|slot| slot.replace(descriptor))
    }

    #[cold]
    #[inline(never)]
    fn make_standard_streams(&mut self) {
        for number in 0..3 {
            // Those that are there, or were closed, stay as they are.
            let _ = self.make_standard_stream(number);
        }
    }

    /// Makes standard stream `number`; EBADF if it is none, or was made before.
    #[cold]
    #[inline(never)]
    fn make_standard_stream(&mut self, number: usize) -> Result<(), Errno> {
        if number > 2 || self.unmade & 1 << number == 0 {
            return Err(Errno::EBADF);
        }
        self.unmade &= !(1 << number);
        if self.slots.capacity() == 0 {
            // A size that is known is cheaper than growing.
            self.slots = Vec::with_capacity(FEW);
        }
        let file = match number {
            0 => open_input(),
            1 => open_output(Stream::Output),
            _ => open_output(Stream::Error),
        };
        self.put(number, Descriptor { file, close_on_exec: false });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestRandom, rounds, steps};
    use alloc::collections::BTreeMap;

    #[test]
    fn starts_with_the_standard_streams() {
        let mut table = Descriptors::new();
        assert!(table.readable(Fd(0)).is_ok() && table.writable(Fd(0)).is_err());
        assert!(table.readable(Fd(1)).is_err() && table.writable(Fd(1)).is_ok());
        assert!(table.writable(Fd(2)).is_ok());
        for fd in [3, -1, i32::MIN, i32::MAX] {
            assert_eq!(table.get(Fd(fd)).err(), Some(Errno::EBADF));
        }
    }

    #[test]
    fn the_first_use_may_be_any() {
        assert_eq!(Descriptors::new().insert(open_input(), false, 0), Ok(Fd(3)));
        assert!(Descriptors::new().remove(Fd(1)).is_ok());
        assert!(Descriptors::new().replace(Fd(2), open_input(), false).is_ok_and(|old| old.is_some()));
    }

    #[test]
    fn the_limit_holds() {
        let mut table = Descriptors::new();
        table.set_limit(5);
        assert_eq!(table.insert(open_input(), false, 4), Ok(Fd(4)));
        assert_eq!(table.insert(open_input(), false, 4), Err(Errno::EMFILE));
        assert_eq!(table.insert(open_input(), false, 0), Ok(Fd(3)));
        assert_eq!(table.insert(open_input(), false, 0), Err(Errno::EMFILE));
        assert_eq!(table.replace(Fd(5), open_input(), false).err(), Some(Errno::EBADF));
        assert_eq!(table.replace(Fd(-1), open_input(), false).err(), Some(Errno::EBADF));
    }

    /// Random operations against a map from number to identity.
    #[test]
    fn behaves_like_a_map() {
        for seed in 0..rounds(200) {
            let mut random = TestRandom(seed);
            let mut table = Descriptors::new();
            table.set_limit(24);
            let mut model = BTreeMap::new();
            for fd in 0..3 {
                model.insert(fd, (Rc::as_ptr(table.any(Fd(fd)).expect("a standard stream")), false));
            }
            for _ in 0..steps(300) {
                let (fd, close_on_exec) = (random.below(27) as i32 - 1, random.below(2) == 1);
                let file = open_input();
                let identity = (Rc::as_ptr(&file), close_on_exec);
                match random.below(3) {
                    0 => {
                        let least = fd.max(0);
                        let free = (least..).find(|number| !model.contains_key(number)).expect("one is free");
                        let expected = if free < 24 { Ok(Fd(free)) } else { Err(Errno::EMFILE) };
                        assert_eq!(table.insert(file, close_on_exec, least as usize), expected);
                        expected.map(|fd| model.insert(fd.0, identity)).ok();
                    }
                    1 => {
                        let old = table.replace(Fd(fd), file, close_on_exec);
                        assert_eq!(old.is_ok(), (0..24).contains(&fd));
                        if let Ok(old) = old {
                            let old = old.map(|old| (Rc::as_ptr(&old.file), old.close_on_exec));
                            assert_eq!(model.insert(fd, identity), old);
                        }
                    }
                    _ => {
                        let old = table.remove(Fd(fd)).ok().map(|old| (Rc::as_ptr(&old.file), old.close_on_exec));
                        assert_eq!(model.remove(&fd), old);
                    }
                }
                let found = table.iter().map(|(fd, entry)| (fd.0, (Rc::as_ptr(&entry.file), entry.close_on_exec)));
                assert!(found.eq(model.iter().map(|(&fd, &identity)| (fd, identity))));
            }
        }
    }
}
