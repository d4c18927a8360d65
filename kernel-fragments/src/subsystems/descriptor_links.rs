//! `/proc/self/fd` (proc_pid_fd(5)), which `/dev/fd` leads to: a directory with a link for each open descriptor. Links are made
//! when a path is looked up or the directory is listed, and lead to the open file itself, whatever became of its name.
//!
//! Kernels whose program names no such link have `no_descriptor_links.rs` in place of this file.

use crate::abi::stat::{S_IFIFO, S_IFMT, S_IFSOCK, Stat};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::register::Fd;
use crate::subsystems::descriptors::{Descriptor, Descriptors};
use crate::subsystems::directory::{Directory, FIRST_COOKIE};
use crate::subsystems::file_rights::give_to_process;
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::node::{Kind, Node};
use crate::subsystems::open_file::{File, OpenFile};
use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

/// The directory, once somebody looked, and the names of files that have no place in the tree.
pub struct DescriptorFolder(Option<Rc<Node>>, Vec<KeptName>);

/// The name of a file that was removed from `parent`, or never had a place in the tree.
struct KeptName {
    node: Weak<Node>,
    parent: Option<Rc<Node>>,
    name: Box<[u8]>,
}

impl DescriptorFolder {
    /// Nobody looked yet.
    pub const fn new() -> DescriptorFolder {
        DescriptorFolder(None, Vec::new())
    }

    #[cold]
    #[inline(never)]
    fn keep(&mut self, node: &Rc<Node>, parent: Option<Rc<Node>>, name: &[u8]) {
        self.1.retain(|kept| kept.node.strong_count() > 0 && kept.node.as_ptr() != Rc::as_ptr(node));
        self.1.push(KeptName { node: Rc::downgrade(node), parent, name: name.into() });
    }

    fn kept(&self, node: &Rc<Node>) -> Option<&KeptName> {
        self.1.iter().find(|kept| kept.node.as_ptr() == Rc::as_ptr(node))
    }

    /// Where `node` is, or was when it was removed; nothing for `root`.
    fn path_of(&self, root: &Rc<Node>, node: &Rc<Node>) -> Option<Vec<u8>> {
        // Its name and those of the directories above it that were removed, too.
        let (mut node, mut removed, mut path) = (node, Vec::new(), Vec::new());
        while !Rc::ptr_eq(root, node) && !is_below(root, node, &mut path) {
            let kept = self.kept(node)?;
            removed.push(&kept.name);
            node = kept.parent.as_ref()?;
        }
        for name in removed.into_iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        Some(path)
    }
}

/// Keeps the name of `node`, a file that never had a place in the tree (`memfd_create(2)`).
pub fn note_memory_file(tree: &mut FileTree, node: &Rc<Node>, name: &[u8]) {
    tree.descriptor_folder.keep(node, None, name);
}

/// Keeps the name of `node`, which is about to lose its place `name` in `parent`, if anybody but the tree and the caller knows it.
#[inline]
pub fn note_removed(tree: &mut FileTree, node: &Rc<Node>, parent: &Rc<Node>, name: &[u8]) {
    if Rc::strong_count(node) > 2 {
        tree.descriptor_folder.keep(node, Some(parent.clone()), name);
    }
}

/// A link to an open file, or that file where it has no place in the tree.
pub struct DescriptorLink {
    file: Weak<OpenFile>,
    /// It stands for the file, not for the link.
    is_followed: bool,
}

impl DescriptorLink {
    /// The file that the link leads to; `None` if it was closed.
    pub fn target(&self, tree: &mut FileTree) -> Option<Rc<Node>> {
        let open = self.file.upgrade()?;
        open.file.node().cloned().or_else(|| {
            let link = DescriptorLink { file: self.file.clone(), is_followed: true };
            Some(tree.new_node(Kind::Descriptor(link), 0))
        })
    }

    /// Whether it is the link itself.
    pub fn is_link(&self) -> bool {
        !self.is_followed
    }

    /// What `stat` tells, if it stands for the file.
    #[cold]
    pub fn stat(&self) -> Option<Stat> {
        let open = self.file.upgrade().filter(|_| self.is_followed)?;
        Some(open.file.stat())
    }

    /// Opens the file again, with `flags`.
    ///
    /// # Errors
    /// ENXIO for what cannot be opened by a name.
    pub fn open_again(&self, flags: u32) -> Result<Box<dyn File>, Refusal> {
        self.file.upgrade().ok_or(Errno::ENOENT)?.file.open_again(flags)
    }

    /// Where the link says that it leads.
    ///
    /// # Errors
    /// Unsupported: the name of a file that never had one (O_TMPFILE), but for those of memfd_create.
    pub fn text(&self, tree: &mut FileTree, boot: &BootInfo) -> Result<Vec<u8>, Refusal> {
        let open = self.file.upgrade().ok_or(Errno::ENOENT)?;
        if let Some(node) = open.file.node() {
            let root = tree.root(boot);
            let mut path = Vec::new();
            if Rc::ptr_eq(node, &root) {
                return Ok(b"/".to_vec());
            }
            if is_below(&root, node, &mut path) {
                return Ok(path);
            }
            let nameless = Refusal::Unsupported("the name in /proc/self/fd of a file that never had one");
            let folder = &tree.descriptor_folder;
            let path = match folder.kept(node).ok_or(nameless)? {
                KeptName { parent: None, name, .. } => [b"/memfd:", &name[..]].concat(),
                _ => folder.path_of(&root, node).ok_or(nameless)?,
            };
            return Ok([&path[..], b" (deleted)"].concat());
        }
        let stat = open.file.stat();
        let (kind, name) = match stat.mode & S_IFMT {
            S_IFIFO => (&b"pipe:["[..], decimal(stat.inode)),
            S_IFSOCK => (&b"socket:["[..], decimal(stat.inode)),
            _ => (&b"anon_inode:["[..], open.file.kind_name().as_bytes().to_vec()),
        };
        if name.is_empty() {
            return Err(Refusal::Unsupported("the name of this kind of file in /proc/self/fd"));
        }
        Ok([kind, &name, b"]"].concat())
    }
}

/// Whether `wanted` lies below the directory `folder`, at the path that is then appended to `path`.
fn is_below(folder: &Rc<Node>, wanted: &Rc<Node>, path: &mut Vec<u8>) -> bool {
    let start = path.len();
    // What is still to be looked at, the next one last: nodes, how long the path of their directories is, and their names.
    let (mut open, mut node) = (Vec::new(), folder.clone());
    loop {
        let (before, len_bytes) = (open.len(), path.len());
        if let Some(directory) = node.directory() {
            directory.each(|entry| open.push((entry.node.clone(), len_bytes, entry.name.clone())));
        }
        open.get_mut(before..).unwrap_or_default().reverse();
        let Some((next, len_bytes, name)) = open.pop() else {
            path.truncate(start);
            return false;
        };
        path.truncate(len_bytes);
        path.push(b'/');
        path.extend_from_slice(&name);
        if Rc::ptr_eq(&next, wanted) {
            return true;
        }
        node = next;
    }
}

/// Has the links be those of `descriptors`, before `path` is looked up.
#[inline(always)]
pub fn show_descriptors(descriptors: &mut Descriptors, tree: &mut FileTree, boot: &BootInfo, path: &[u8]) {
    // Of most paths a glance is enough.
    let is_likely =
        matches!(path, [_, _, b'r' | b'e', ..] | [b'/' | b'.', b'/' | b'.', ..] | [b'd', b'e', ..] | [b'p', b'r', ..]);
    if is_likely || tree.descriptor_folder.0.is_some() {
        show(descriptors, tree, boot, path);
    }
}

#[cold]
#[inline(never)]
fn show(descriptors: &mut Descriptors, tree: &mut FileTree, boot: &BootInfo, path: &[u8]) {
    if tree.descriptor_folder.0.is_none() && leads_there(path) {
        let root = tree.root(boot);
        let Ok(process) = tree.find(boot, &root, b"/proc/self", Last::Follow) else { return };
        let folder = tree.new_node(Kind::Directory(Directory::default()), 0o500);
        give_to_process(&folder);
        tree.link(&process, b"fd", &folder);
        tree.descriptor_folder.0 = Some(folder);
    }
    show_again(descriptors, tree);
}

/// Whether the directory or one above it is at `path`, or lies on its way. Who comes there by a relative path or a symbolic link
/// named one of these before.
fn leads_there(path: &[u8]) -> bool {
    let trimmed = |path: &[u8]| path.iter().position(|byte| !matches!(byte, b'/' | b'.')).unwrap_or(path.len());
    let path = path.get(trimmed(path)..).unwrap_or_default();
    let Some(device) = path.strip_prefix(b"dev") else { return path.starts_with(b"proc") };
    device.get(trimmed(device)..).is_some_and(|name| name.is_empty() || name.starts_with(b"f"))
}

/// The same, before the directory is listed.
pub fn show_again(descriptors: &mut Descriptors, tree: &mut FileTree) {
    if let Some(folder) = tree.descriptor_folder.0.clone() {
        fill(descriptors, tree, &folder);
    }
}

#[cold]
#[inline(never)]
fn fill(descriptors: &mut Descriptors, tree: &mut FileTree, folder: &Rc<Node>) {
    let Some(directory) = folder.directory() else { return };
    descriptors.open_standard_streams_if_unused();
    let mut closed = Vec::new();
    directory.each(|entry| {
        let is_open =
            descriptors.iter().any(|(fd, descriptor)| entry.cookie == cookie(fd) && leads_to(&entry.node, descriptor));
        if !is_open {
            closed.push(entry.name.clone());
        }
    });
    for name in closed {
        directory.remove(&name);
    }
    for (fd, descriptor) in descriptors.iter() {
        let name = decimal(fd.0 as u64);
        if directory.get(&name).is_none() {
            let may = |right: u32, has: bool| if has { right } else { 0 };
            let file = &descriptor.file;
            let permissions = 0o100 | may(0o400, file.is_readable()) | may(0o200, file.is_writable());
            let link = DescriptorLink { file: Rc::downgrade(&descriptor.file), is_followed: false };
            let node = tree.new_node(Kind::Descriptor(link), permissions);
            node.links.set(1);
            directory.insert_at(&name, node, cookie(fd));
        }
    }
}

fn leads_to(node: &Node, descriptor: &Descriptor) -> bool {
    matches!(&node.kind, Kind::Descriptor(link) if link.file.as_ptr() == Rc::as_ptr(&descriptor.file))
}

/// As Linux lists them: by number.
fn cookie(fd: Fd) -> u64 {
    fd.0 as u64 + FIRST_COOKIE
}

fn decimal(mut number: u64) -> Vec<u8> {
    let mut digits = Vec::new();
    loop {
        digits.insert(0, b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            return digits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_RDONLY, O_RDWR};
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::node::Contents;
    use crate::subsystems::tree_file::TreeFile;

    struct Machine {
        descriptors: Descriptors,
        tree: FileTree,
        boot: BootInfo,
    }

    impl Machine {
        fn find(&mut self, path: &str, last: Last) -> Result<Rc<Node>, Errno> {
            show_descriptors(&mut self.descriptors, &mut self.tree, &self.boot, path.as_bytes());
            let root = self.tree.root(&self.boot);
            self.tree.find(&self.boot, &root, path.as_bytes(), last)
        }

        fn text(&mut self, path: &str) -> Result<Vec<u8>, Refusal> {
            let node = self.find(path, Last::Keep)?;
            let Kind::Descriptor(link) = &node.kind else { panic!("{path} is no such link") };
            link.text(&mut self.tree, &self.boot)
        }
    }

    fn sample() -> Machine {
        let boot = boot_with(&[("/data/in.txt", "hello", 0o640)]);
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let root = tree.root(&boot);
        for path in [&b"/data/in.txt"[..], b"/data", b"/"] {
            let node = tree.find(&boot, &root, path, Last::Follow).expect("it is committed");
            descriptors.insert(OpenFile::new(Box::new(TreeFile(node)), O_RDONLY), false, 0).expect("there is room");
        }
        let counter = OpenFile::new(Box::new(EventCounter::new(0, false)), O_RDWR);
        descriptors.insert(counter, false, 0).expect("there is room");
        Machine { descriptors, tree, boot }
    }

    #[test]
    fn links_say_where_they_lead() {
        let mut machine = sample();
        for (fd, expected) in
            [(1, "pipe:[2]"), (3, "/data/in.txt"), (4, "/data"), (5, "/"), (6, "anon_inode:[eventfd]")]
        {
            let text = machine.text(&format!("/dev/fd/{fd}")).expect("it has a name");
            assert_eq!(String::from_utf8_lossy(&text), expected);
        }
        let stat = machine.find("/proc/self/fd/3", Last::Keep).expect("it is open").stat();
        assert_eq!((stat.mode, stat.size_bytes), (0o120500, 64));
        assert_eq!(machine.find("/proc/self/fd/7", Last::Keep).err(), Some(Errno::ENOENT));
        let folder = machine.find("/proc/self/fd", Last::Keep).expect("it is there").stat();
        assert_eq!((folder.mode, folder.links), (0o40500, 2));
        assert!(machine.find("/dev/fd/4/in.txt", Last::Keep).is_ok_and(|node| node.stat().size_bytes == 5));
        assert_eq!(machine.find("/dev/fd/6", Last::Follow).map(|node| node.stat().mode), Ok(0o600));
    }

    /// Kernel stacks are small.
    #[test]
    fn deep_directories_need_no_deep_stack() {
        let depth = if cfg!(miri) { 30 } else { 2000 };
        let look = move || {
            let mut machine = sample();
            let mut folders = vec![machine.tree.root(&machine.boot)];
            for _ in 0..depth {
                let folder = machine.tree.new_node(Kind::Directory(Directory::default()), 0o755);
                machine.tree.link(folders.last().expect("there is one"), b"d", &folder);
                folders.push(folder);
            }
            let deepest = folders.last().expect("there is one").clone();
            let mut path = Vec::new();
            assert!(is_below(&folders[0], &deepest, &mut path) && path.len() == 2 * depth);
            for pair in folders.windows(2).rev() {
                note_removed(&mut machine.tree, &pair[1], &pair[0], b"d");
                machine.tree.unlink(&pair[0], b"d");
            }
            let path = machine.tree.descriptor_folder.path_of(&folders[0], &deepest);
            assert_eq!(path.map(|path| path.len()), Some(2 * depth));
        };
        let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(look).expect("it starts");
        assert!(thread.join().is_ok());
    }

    #[test]
    fn memory_files_keep_their_names() {
        let mut machine = sample();
        let node = machine.tree.new_node(Kind::Regular(Contents::empty()), 0o777);
        note_memory_file(&mut machine.tree, &node, b"some name");
        machine.descriptors.insert(OpenFile::new(Box::new(TreeFile(node)), O_RDWR), false, 0).expect("there is room");
        assert_eq!(machine.text("/dev/fd/7"), Ok(b"/memfd:some name (deleted)".to_vec()));
    }

    #[test]
    fn paths_are_spelled_in_many_ways() {
        for path in ["//dev/fd/3", "/./dev/fd/3", "/dev//fd/3", "dev/fd/3", "proc/self/fd/3", "//proc/self/fd/3"] {
            assert!(sample().find(path, Last::Follow).is_ok_and(|node| node.stat().size_bytes == 5), "{path}");
        }
        for (folder, path) in [("/dev", &b"fd/3"[..]), ("dev/", b"fd/3"), ("/proc", b"self/fd/3")] {
            let mut machine = sample();
            let folder = machine.find(folder, Last::Follow).expect("it is there");
            show_descriptors(&mut machine.descriptors, &mut machine.tree, &machine.boot, path);
            assert!(machine.tree.find(&machine.boot, &folder, path, Last::Follow).is_ok());
        }
        let mut machine = sample();
        assert!(machine.find("/dev/null", Last::Follow).is_ok() && machine.tree.descriptor_folder.0.is_none());
    }

    #[test]
    fn links_come_and_go_with_descriptors() {
        let mut machine = sample();
        let first = machine.find("/proc/self/fd/3", Last::Keep).expect("it is open");
        assert!(machine.find("/proc/self/fd/3", Last::Keep).is_ok_and(|node| Rc::ptr_eq(&node, &first)));
        let removed = machine.descriptors.remove(Fd(3)).expect("it is open").file;
        assert_eq!(machine.find("/proc/self/fd/3", Last::Follow).err(), Some(Errno::ENOENT));
        machine.descriptors.insert(removed, false, 0).expect("there is room");
        let data = machine.find("/data", Last::Follow).expect("it is there");
        let file = machine.find("/data/in.txt", Last::Follow).expect("it is there");
        note_removed(&mut machine.tree, &file, &data, b"in.txt");
        machine.tree.unlink(&data, b"in.txt");
        assert!(machine.find("/proc/self/fd/3", Last::Follow).is_ok_and(|node| node.stat().size_bytes == 5));
        assert_eq!(machine.text("/proc/self/fd/3"), Ok(b"/data/in.txt (deleted)".to_vec()));
        // So is the directory, which had another name by then.
        let root = machine.tree.root(&machine.boot);
        machine.tree.unlink(&root, b"data");
        machine.tree.link(&root, b"other", &data);
        assert_eq!(machine.text("/proc/self/fd/3"), Ok(b"/other/in.txt (deleted)".to_vec()));
        note_removed(&mut machine.tree, &data, &root, b"other");
        machine.tree.unlink(&root, b"other");
        assert_eq!(machine.text("/proc/self/fd/3"), Ok(b"/other/in.txt (deleted)".to_vec()));
        assert_eq!(machine.text("/proc/self/fd/4"), Ok(b"/other (deleted)".to_vec()));
        let nameless = machine.tree.new_node(Kind::Regular(Contents::empty()), 0o600);
        let open = OpenFile::new(Box::new(TreeFile(nameless)), O_RDWR);
        machine.descriptors.insert(open, false, 0).expect("there is room");
        assert!(matches!(machine.text("/proc/self/fd/7"), Err(Refusal::Unsupported(_))));
        let folder = machine.find("/proc/self/fd", Last::Follow).expect("it is there");
        let mut names = Vec::new();
        folder.directory().expect("a directory").list(0, |entry| {
            names.push(String::from_utf8_lossy(&entry.name).into_owned());
            true
        });
        assert_eq!(names.concat(), "01234567", "by number");
    }
}
