//! The interest list behind `epoll(7)`. Who is ready is found by asking each file when somebody waits; edge-triggered
//! interests go by how often something they are for happened to the file since they were told last.

use crate::abi::epoll::{EPOLL_EVENT_BYTES, EPOLLET, EPOLLEXCLUSIVE, EPOLLONESHOT, EPOLLWAKEUP, EpollEvent};
use crate::abi::pollfd::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRBAND, POLLWRNORM};
use crate::abi::stat::{ANONYMOUS_DEVICE, Stat};
use crate::errno::Errno;
use crate::register::Fd;
use crate::subsystems::open_file::{File, OpenFile};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::Cell;

/// How many lists may lie above each other's (fs/eventpoll.c, EP_MAX_NESTS).
const MOST_NESTED: u32 = 4;

/// The files that somebody is interested in.
#[derive(Default)]
pub struct Epoll {
    interests: Cell<Vec<Interest>>,
    /// How often the list was changed.
    changes: Cell<u64>,
    /// The lists in which it is itself, and some in which it was.
    above: Cell<Vec<Weak<OpenFile>>>,
}

/// Interest in one file under one descriptor.
struct Interest {
    fd: Fd,
    file: Weak<OpenFile>,
    wanted: EpollEvent,
    /// What [`edges`](Interest::edges) was when it was told last; `None` if nothing was since it was asked for.
    told_at: Option<u64>,
}

impl Interest {
    fn is_for(&self, fd: Fd, file: &Rc<OpenFile>) -> bool {
        self.fd == fd && self.file.as_ptr() == Rc::as_ptr(file)
    }

    /// How often something happened to `file` that it is for (ep_poll_callback).
    fn edges(&self, file: &OpenFile) -> u64 {
        const WRITING: u32 = (POLLOUT | POLLWRNORM | POLLWRBAND) as u32;
        const READING: u32 = (POLLIN | POLLPRI | POLLRDNORM) as u32;
        let [reading, writing] = file.file.edges();
        match (self.wanted.events & READING != 0, self.wanted.events & WRITING != 0) {
            (true, true) => reading.wrapping_add(writing),
            (false, true) => writing,
            _ => reading,
        }
    }

    /// What there is to tell, and the file's edges.
    fn news(&self) -> Option<(u32, u64)> {
        const FLAGS: u32 = EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE;
        let file = self.file.upgrade()?;
        if self.wanted.events & !FLAGS == 0 {
            return None; // told once already
        }
        let events = u32::from(file.file.ready()) & self.wanted.events;
        let edges = self.edges(&file);
        let is_old = self.wanted.events & EPOLLET != 0 && self.told_at == Some(edges);
        if events == 0 || is_old { None } else { Some((events, edges)) }
    }
}

/// What is wanted, together with what is told without being asked for.
fn with_unasked(wanted: EpollEvent) -> EpollEvent {
    EpollEvent { events: wanted.events | u32::from(POLLERR | POLLHUP), ..wanted }
}

impl Epoll {
    /// Starts interest in `file` under `fd`; EEXIST if there is one.
    pub fn add(&self, fd: Fd, file: &Rc<OpenFile>, wanted: EpollEvent) -> Result<(), Errno> {
        self.changes.set(self.changes.get() + 1);
        self.with_interests(|interests| {
            if interests.iter().any(|interest| interest.is_for(fd, file)) {
                return Err(Errno::EEXIST);
            }
            interests.push(Interest { fd, file: Rc::downgrade(file), wanted: with_unasked(wanted), told_at: None });
            Ok(())
        })
    }

    /// Replaces what is wanted of `file` under `fd`; ENOENT if there is no interest, EINVAL if it is exclusive.
    pub fn modify(&self, fd: Fd, file: &Rc<OpenFile>, wanted: EpollEvent) -> Result<(), Errno> {
        self.changes.set(self.changes.get() + 1);
        self.with_interests(|interests| {
            let found = interests.iter_mut().find(|interest| interest.is_for(fd, file));
            let interest = found.ok_or(Errno::ENOENT)?;
            if (interest.wanted.events | wanted.events) & EPOLLEXCLUSIVE != 0 {
                return Err(Errno::EINVAL);
            }
            interest.wanted = with_unasked(wanted);
            interest.told_at = None;
            Ok(())
        })
    }

    /// Ends interest in `file` under `fd`; ENOENT if there is none.
    pub fn remove(&self, fd: Fd, file: &Rc<OpenFile>) -> Result<(), Errno> {
        self.with_interests(|interests| {
            let count = interests.len();
            interests.retain(|interest| !interest.is_for(fd, file));
            if interests.len() < count { Ok(()) } else { Err(Errno::ENOENT) }
        })
    }

    /// Takes up to `limit` events. Who was told goes to the end of the list, so that everybody's turn comes.
    pub fn take(&self, limit: usize) -> Vec<EpollEvent> {
        self.with_interests(|interests| {
            let (mut told, mut events) = (Vec::new(), Vec::new());
            for mut interest in core::mem::take(interests) {
                if interest.file.strong_count() == 0 {
                    continue; // closed
                }
                match interest.news().filter(|_| events.len() < limit) {
                    Some((happened, edges)) => {
                        events.push(EpollEvent { events: happened, data: interest.wanted.data });
                        interest.told_at = Some(edges);
                        if interest.wanted.events & EPOLLONESHOT != 0 {
                            interest.wanted.events &= EPOLLET | EPOLLONESHOT | EPOLLWAKEUP;
                        }
                        told.push(interest);
                    }
                    None => interests.push(interest),
                }
            }
            interests.append(&mut told);
            events
        })
    }

    /// How many lists lie below this one, one in the other; `None` if `list` is among them, or too many.
    fn depth_below(&self, list: &Rc<OpenFile>) -> Option<u32> {
        let files = self.with_interests(|interests| interests.iter().filter_map(|one| one.file.upgrade()).collect());
        let mut deepest = 0;
        for file in Vec::into_iter(files) {
            if let Some(below) = interest_list(&file) {
                let depth = if Rc::ptr_eq(&file, list) { None } else { below.depth_below(list) };
                deepest = deepest.max(depth.filter(|&depth| depth < MOST_NESTED)? + 1);
            }
        }
        Some(deepest)
    }

    /// How many lists this one, which is `own`, lies in, one in the other.
    fn depth_above(&self, own: &Rc<OpenFile>) -> u32 {
        let mut above = self.above.take();
        above.retain(|list| list.upgrade().and_then(|list| Some(interest_list(&list)?.holds(own))).unwrap_or(false));
        let lists: Vec<_> = above.iter().filter_map(Weak::upgrade).collect();
        self.above.set(above);
        let depths = lists.iter().filter_map(|list| Some(interest_list(list)?.depth_above(list) + 1));
        depths.max().unwrap_or(0)
    }

    fn holds(&self, file: &Rc<OpenFile>) -> bool {
        self.with_interests(|interests| interests.iter().any(|interest| interest.file.as_ptr() == Rc::as_ptr(file)))
    }

    /// Works on the interests; `work` must not come back here.
    fn with_interests<R>(&self, work: impl FnOnce(&mut Vec<Interest>) -> R) -> R {
        let mut interests = self.interests.take();
        let result = work(&mut interests);
        self.interests.set(interests);
        result
    }
}

/// Notes that `list` is about to be interested in `file`, another list.
///
/// # Errors
/// ELOOP if `file` is interested in `list`, however indirectly, or too many lists would lie in each other.
pub fn nest(list: &Rc<OpenFile>, file: &Rc<OpenFile>) -> Result<(), Errno> {
    let (Some(outer), Some(inner)) = (interest_list(list), interest_list(file)) else { return Ok(()) };
    let below = inner.depth_below(list).ok_or(Errno::ELOOP)?;
    if below + 1 + outer.depth_above(list) > MOST_NESTED {
        return Err(Errno::ELOOP);
    }
    let mut above = inner.above.take();
    above.retain(|other| other.strong_count() > 0 && other.as_ptr() != Rc::as_ptr(list));
    above.push(Rc::downgrade(list));
    inner.above.set(above);
    Ok(())
}

/// Whether up to `limit` events may be asked for: EINVAL (fs/eventpoll.c, EP_MAX_EVENTS).
pub fn check_limit(limit: i32) -> Result<usize, Errno> {
    const MAX_EVENTS: i32 = i32::MAX / EPOLL_EVENT_BYTES as i32;
    if limit <= 0 || limit > MAX_EVENTS { Err(Errno::EINVAL) } else { Ok(limit as usize) }
}

/// Writes up to `limit` events that there are at `now_ns` since boot on `open` to `address`; returns their number.
///
/// # Errors
/// EINVAL if it is no interest list, EFAULT.
pub fn tell(
    memory: &mut impl UserMemory,
    open: &OpenFile,
    now_ns: u64,
    address: UserAddress,
    limit: usize,
) -> Result<usize, Errno> {
    let interests = interest_list(open).ok_or(Errno::EINVAL)?;
    interests.pass_time(now_ns);
    let events = interests.take(limit);
    for (index, event) in events.iter().enumerate() {
        event.write(memory, address.add(index * EPOLL_EVENT_BYTES))?;
    }
    Ok(events.len())
}

impl File for Epoll {
    fn operations(&self) -> u32 {
        0
    }

    fn stat(&self) -> Stat {
        Stat { device: ANONYMOUS_DEVICE, inode: 1, mode: 0o600, links: 1, ..Stat::default() }
    }

    fn kind_name(&self) -> &'static str {
        "eventpoll"
    }

    fn ready(&self) -> u16 {
        let ready = self.with_interests(|interests| interests.iter().any(|interest| interest.news().is_some()));
        if ready { POLLIN | POLLRDNORM } else { 0 }
    }

    fn activity(&self) -> u64 {
        // Far more changes of the list than anything happens to a file, so that the sums differ.
        let changes = self.changes.get() << 32;
        let files = |interests: &mut Vec<Interest>| {
            let open = interests.iter().filter_map(|interest| interest.file.upgrade());
            open.fold(0, |sum: u64, file| sum.wrapping_add(file.file.activity()))
        };
        self.with_interests(files).wrapping_add(changes)
    }

    fn edges(&self) -> [u64; 2] {
        let changes = self.changes.get() << 32;
        let files = |interests: &mut Vec<Interest>| {
            let open = interests.iter().filter_map(|interest| Some(interest.edges(&*interest.file.upgrade()?)));
            open.fold(0, u64::wrapping_add)
        };
        [self.with_interests(files).wrapping_add(changes); 2]
    }

    fn pass_time(&self, now_ns: u64) {
        self.with_interests(|interests| {
            for file in interests.iter().filter_map(|interest| interest.file.upgrade()) {
                file.file.pass_time(now_ns);
            }
        });
    }

    fn next_change_ns(&self) -> Option<u64> {
        self.with_interests(|interests| {
            let open = interests.iter().filter_map(|interest| interest.file.upgrade());
            open.filter_map(|file| file.file.next_change_ns()).min()
        })
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// The interest list behind an open file, if it is one.
pub fn interest_list(file: &OpenFile) -> Option<&Epoll> {
    file.file.as_any()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::pipe::new_pipe;
    use crate::testing::FakePlatform;
    use alloc::boxed::Box;

    const IN: u32 = POLLIN as u32;

    fn counter(value: u64) -> Rc<OpenFile> {
        OpenFile::new(Box::new(EventCounter::new(value, false)), O_RDWR)
    }

    fn signal(file: &OpenFile) {
        assert_eq!(file.file.write(&mut FakePlatform::new(), 0, &1u64.to_le_bytes()), Ok(8));
    }

    fn drain(file: &OpenFile) {
        assert_eq!(file.file.read(&mut FakePlatform::new(), 0, &mut [0; 8]), Ok(8));
    }

    #[test]
    fn level_edge_and_once() {
        for (flags, expected) in [(0, [1, 1, 1, 0]), (EPOLLET, [1, 0, 1, 0]), (EPOLLONESHOT, [1, 0, 0, 0])] {
            let (epoll, file) = (Epoll::default(), counter(0));
            let wanted = EpollEvent { events: IN | flags, data: 9 };
            assert_eq!(epoll.add(Fd(3), &file, wanted), Ok(()));
            assert_eq!((epoll.take(8), epoll.ready()), (vec![], 0));
            signal(&file);
            let first = epoll.take(8);
            assert_eq!(first, [EpollEvent { events: IN, data: 9 }]);
            let second = epoll.take(8).len();
            signal(&file);
            let third = epoll.take(8).len();
            drain(&file);
            assert_eq!([first.len(), second, third, epoll.take(8).len()], expected, "{flags:x}");
            signal(&file);
            assert_eq!(epoll.modify(Fd(3), &file, wanted), Ok(()));
            assert_eq!(epoll.take(8).len(), 1);
        }
    }

    /// Linux wakes readers when something is written, and writers when there is room again.
    #[test]
    fn edges_are_for_readers_or_writers() {
        let (reader, writer) = new_pipe(4);
        let (reader, writer) = (OpenFile::new(Box::new(reader), O_RDWR), OpenFile::new(Box::new(writer), O_RDWR));
        let semaphore = OpenFile::new(Box::new(EventCounter::new(5, true)), O_RDWR);
        let (epoll, platform) = (Epoll::default(), &mut FakePlatform::new());
        let out = u32::from(POLLOUT);
        for (data, file, events) in
            [(1, &reader, IN), (2, &writer, out), (3, &semaphore, IN), (4, &semaphore, IN | out)]
        {
            assert_eq!(epoll.add(Fd(data as i32), file, EpollEvent { events: events | EPOLLET, data }), Ok(()));
        }
        let told = || epoll.take(8).iter().map(|event| event.data).collect::<Vec<_>>();
        assert_eq!((told(), told()), (vec![2, 3, 4], vec![]));
        assert_eq!(writer.file.write(platform, 0, &[0; 65530]), Ok(65530));
        assert_eq!((told(), writer.file.write(platform, 0, &[0; 6]), told()), (vec![1], Ok(6), vec![1]));
        assert_eq!((reader.file.read(platform, 0, &mut [0; 4000]), told()), (Ok(4000), vec![]));
        assert_eq!((reader.file.read(platform, 0, &mut [0; 100]), told()), (Ok(100), vec![2]));
        assert_eq!((reader.file.read(platform, 0, &mut [0; 8192]), told()), (Ok(8192), vec![]));
        assert_eq!((semaphore.file.read(platform, 0, &mut [0; 8]), told()), (Ok(8), vec![4]));
        signal(&semaphore);
        assert_eq!(told(), [3, 4]);
        drop(writer);
        assert_eq!(told(), [1]);
    }

    #[test]
    fn interests_come_and_go() {
        let (epoll, file, other) = (Epoll::default(), counter(1), counter(1));
        let wanted = EpollEvent { events: IN | u32::from(POLLOUT), data: 1 };
        assert_eq!(epoll.modify(Fd(3), &file, wanted), Err(Errno::ENOENT));
        assert_eq!(epoll.add(Fd(3), &file, wanted), Ok(()));
        assert_eq!(epoll.add(Fd(3), &file, wanted), Err(Errno::EEXIST));
        assert_eq!(epoll.add(Fd(4), &other, EpollEvent { data: 2, ..wanted }), Ok(()));
        // Everybody's turn comes.
        let turns: Vec<u64> = (0..4).flat_map(|_| epoll.take(1)).map(|event| event.data).collect();
        assert_eq!(turns, [1, 2, 1, 2]);
        drop(other);
        assert_eq!(epoll.take(8).len(), 1);
        assert_eq!((epoll.remove(Fd(3), &file), epoll.remove(Fd(3), &file)), (Ok(()), Err(Errno::ENOENT)));
        assert!(epoll.take(8).is_empty());
    }

    /// However often an interest comes and goes, and whatever became of the list.
    #[test]
    fn who_is_above_is_noted_once() {
        let list = || OpenFile::new(Box::<Epoll>::default(), O_RDWR);
        let (inner, outer) = (list(), list());
        for _ in 0..3 {
            assert_eq!((nest(&outer, &inner), nest(&list(), &inner)), (Ok(()), Ok(())));
        }
        assert_eq!(nest(&outer, &inner), Ok(()));
        assert_eq!(interest_list(&inner).map(|inner| inner.above.take().len()), Some(1));
    }
}
