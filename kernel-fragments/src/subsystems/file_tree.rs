//! The file system: a tree in memory. A directory gets its entries from the files of the image and the built-in ones
//! when somebody looks: one when it is named, all when they are listed. So a program pays for what it opens. Changes are
//! kept until the run ends.
//!
//! Path resolution follows `path_resolution(7)`. What permission bits forbid, and to whom, is a matter of `file_rights.rs`.

use crate::boot_info::{BootInfo, CommittedFile};
use crate::errno::Errno;
use crate::subsystems::attributes::Attributes;
use crate::subsystems::built_in_files::{BUILT_IN_FILES, BuiltIn, PROCESS_FILES, PROCESS_FOLDER};
use crate::subsystems::descriptor_links::DescriptorFolder;
use crate::subsystems::directory::{Directory, parent_of};
use crate::subsystems::fifos::FifoOpening;
use crate::subsystems::file_rights::{EXECUTE, check, check_following};
use crate::subsystems::image_data::{bytes, committed_files};
use crate::subsystems::node::{Contents, Kind, MAX_NAME_BYTES, Node};
use crate::subsystems::node_times::Times;
use crate::subsystems::path_components::{child_of, split_component};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::Cell;

/// Longest path with its terminating zero (PATH_MAX).
pub const MAX_PATH_BYTES: usize = 4096;

/// Most symbolic links that one resolution follows.
pub const MAX_LINKS_FOLLOWED: u32 = 40;

/// The tree and where the process stands in it.
pub struct FileTree {
    root: Option<Rc<Node>>,
    working_directory: Option<Rc<Node>>,
    committed: &'static [CommittedFile],
    executable_path: &'static [u8],
    start_time_ns: i64,
    next_inode: u64,
    /// Permission bits that new files do not get (`umask(2)`).
    pub umask: u32,
    /// `/proc/self/fd`.
    pub descriptor_folder: DescriptorFolder,
    /// Files without a name that may get one (O_TMPFILE), and some that were.
    pub unnamed: Vec<Weak<Node>>,
    /// The call that may open a FIFO.
    pub fifo_opening: FifoOpening,
}

/// Whether a symbolic link at the end of a path is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Last {
    /// The link's target is meant.
    Follow,
    /// The link itself is meant, unless a slash follows it.
    Keep,
    /// The directory entry is meant, whatever it is: it is made, removed or renamed.
    Entry,
    /// A file is to be made unless there is one: the link's target is meant, unless a slash follows it.
    Create,
}

impl Last {
    /// Whether a link with or without a slash behind it is followed.
    pub fn follows(self, slash: bool) -> bool {
        match self {
            Last::Follow => true,
            Last::Keep => slash,
            Last::Entry => false,
            Last::Create => !slash,
        }
    }
}

/// Where a path leads: a name in a directory, whether or not there is something.
pub struct Place {
    /// The directory.
    pub parent: Rc<Node>,
    /// The name in it.
    pub name: Name,
    /// What is there.
    pub node: Option<Rc<Node>>,
    /// The path ended in a slash: only a directory will do.
    pub wants_directory: bool,
}

/// The last component of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Name {
    /// An ordinary name.
    Normal(Vec<u8>),
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// The path is `/`.
    Root,
}

impl Place {
    /// The place as its ordinary name and what is there.
    ///
    /// # Errors
    /// `special` of the name if it is not ordinary; ENAMETOOLONG.
    pub fn ordinary(self, special: impl FnOnce(Name) -> Errno) -> Result<(Vec<u8>, Option<Rc<Node>>), Errno> {
        match self.name {
            Name::Normal(name) if name.len() > MAX_NAME_BYTES => Err(Errno::ENAMETOOLONG),
            Name::Normal(name) => Ok((name, self.node)),
            name => Err(special(name)),
        }
    }
}

impl FileTree {
    /// A tree that is made at first use.
    pub const fn new() -> FileTree {
        FileTree {
            root: None,
            working_directory: None,
            committed: &[],
            executable_path: &[],
            start_time_ns: 0,
            next_inode: 1,
            umask: 0o022,
            descriptor_folder: DescriptorFolder::new(),
            unnamed: Vec::new(),
            fifo_opening: FifoOpening::new(),
        }
    }

    /// The root directory.
    pub fn root(&mut self, boot: &BootInfo) -> Rc<Node> {
        if let Some(root) = &self.root {
            return root.clone();
        }
        self.committed = committed_files(boot);
        self.executable_path = bytes(boot.executable_path);
        self.start_time_ns = boot.start_time_ns as i64;
        let root = self.unread_directory(b"/", 0o755);
        root.links.set(1);
        self.root = Some(root.clone());
        root
    }

    /// The working directory; at first the root.
    pub fn working_directory(&mut self, boot: &BootInfo) -> Rc<Node> {
        match &self.working_directory {
            Some(directory) => directory.clone(),
            None => self.root(boot),
        }
    }

    /// Sets the working directory.
    pub fn set_working_directory(&mut self, directory: Rc<Node>) {
        self.working_directory = Some(directory);
    }

    /// A new file of any kind that has no name yet.
    pub fn new_node(&mut self, kind: Kind, permissions: u32) -> Rc<Node> {
        let inode = self.next_inode;
        self.next_inode += 1;
        Rc::new(Node {
            start_time_ns: self.start_time_ns,
            inode,
            permissions: Cell::new(permissions),
            owner: Cell::new((0, 0)),
            links: Cell::new(0),
            times: Cell::new(Times::now(self.start_time_ns)),
            attributes: Attributes::default(),
            kind,
        })
    }

    /// Gives `node` a name in `parent`; what had the name loses it.
    pub fn link(&self, parent: &Rc<Node>, name: &[u8], node: &Rc<Node>) {
        self.attach(parent, name, node);
        parent.note_write();
        node.note_change();
    }

    /// As [`link`](Self::link), for what was there from the start.
    fn attach(&self, parent: &Rc<Node>, name: &[u8], node: &Rc<Node>) {
        let Some(directory) = parent.directory() else { return };
        if let Some(child) = node.directory() {
            child.parent.set(Rc::downgrade(parent));
        }
        node.links.set(node.links.get() + 1);
        if let Some(old) = directory.insert(name, node.clone()) {
            old.links.set(old.links.get().saturating_sub(1));
            old.note_change();
        }
    }

    /// Takes the name `name` in `parent` away. The directory is filled in first, so that the file does not come back.
    pub fn unlink(&mut self, parent: &Rc<Node>, name: &[u8]) {
        if let Some(old) = self.entries(parent).and_then(|directory| directory.remove(name)) {
            old.links.set(old.links.get().saturating_sub(1));
            old.note_change();
            parent.note_write();
        }
    }

    /// The directory's entries, filled in if need be.
    pub fn entries<'a>(&mut self, node: &'a Rc<Node>) -> Option<&'a Directory> {
        let directory = node.directory()?;
        let path = directory.unread_path.take();
        if !path.is_empty() {
            self.fill(node, directory, &path, None);
        }
        Some(directory)
    }

    /// What `name` stands for in `node`, the directory `directory`.
    fn child(&mut self, node: &Rc<Node>, directory: &Directory, name: &[u8]) -> Option<Rc<Node>> {
        let child = directory.get(name);
        if child.is_some() {
            return child;
        }
        let path = directory.unread_path.take();
        if !path.is_empty() {
            self.fill(node, directory, &path, Some(name));
            directory.unread_path.set(path);
        }
        directory.get(name)
    }

    /// The file that `path` leads to from `start`.
    ///
    /// # Errors
    /// ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES.
    pub fn find(&mut self, boot: &BootInfo, start: &Rc<Node>, path: &[u8], last: Last) -> Result<Rc<Node>, Errno> {
        let place = self.place(boot, start, path, last)?;
        let node = place.node.ok_or(Errno::ENOENT)?;
        if place.wants_directory && node.directory().is_none() { Err(Errno::ENOTDIR) } else { Ok(node) }
    }

    /// The place that `path` names from `start`.
    ///
    /// # Errors
    /// ENOENT for an empty path or a missing directory, ENOTDIR, ELOOP, EACCES, ENAMETOOLONG (with [`Last::Entry`] not for the last name).
    pub fn place(&mut self, boot: &BootInfo, start: &Rc<Node>, path: &[u8], last: Last) -> Result<Place, Errno> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        let root = self.root(boot);
        let mut path = path.to_vec();
        let mut parent = if path.starts_with(b"/") { root.clone() } else { start.clone() };
        let (mut position, mut links_followed) = (0, 0);
        loop {
            let (component, rest) = split_component(&path, position);
            if component.is_empty() {
                return Ok(Place { node: Some(parent.clone()), parent, name: Name::Root, wants_directory: true });
            }
            let (is_last, directory) = (rest.trailing, parent.directory().ok_or(Errno::ENOTDIR)?);
            check(&parent, EXECUTE)?;
            if component.len() > MAX_NAME_BYTES && !(is_last && last == Last::Entry) {
                return Err(Errno::ENAMETOOLONG);
            }
            let (name, node) = match component {
                b"." => (Name::Dot, Some(parent.clone())),
                b".." => (Name::DotDot, Some(parent_of(&parent).unwrap_or(root.clone()))),
                name => (Name::Normal(Vec::new()), self.child(&parent, directory, name)),
            };
            if let Some(kind @ (Kind::Symlink(_) | Kind::Descriptor(_))) = node.as_deref().map(|node| &node.kind)
                && (!is_last || last.follows(rest.slash))
            {
                links_followed += 1;
                if links_followed > MAX_LINKS_FOLLOWED {
                    return Err(Errno::ELOOP);
                }
                if let Kind::Descriptor(link) = kind {
                    let (name, node) = (Name::Normal(component.to_vec()), link.target(self));
                    if is_last {
                        return Ok(Place { parent, name, node, wants_directory: rest.slash });
                    }
                    (parent, position) = (node.ok_or(Errno::ENOENT)?, rest.position);
                    continue;
                }
                let Kind::Symlink(target) = kind else { continue };
                check_following(is_last, &parent, &node)?;
                if target.starts_with(b"/") {
                    parent = root.clone();
                }
                path = [target, path.get(rest.position..).unwrap_or_default()].concat();
                position = 0;
                continue;
            }
            if is_last {
                let name = if name == Name::Normal(Vec::new()) { Name::Normal(component.to_vec()) } else { name };
                return Ok(Place { parent, name, node, wants_directory: rest.slash });
            }
            parent = node.ok_or(Errno::ENOENT)?;
            position = rest.position;
        }
    }

    /// The absolute path of a directory.
    ///
    /// # Errors
    /// ENOENT if it was removed.
    pub fn path_of(&self, directory: &Rc<Node>) -> Result<Vec<u8>, Errno> {
        let mut names = Vec::new();
        let mut node = directory.clone();
        while let Some(parent) = parent_of(&node) {
            names.push(parent.directory().and_then(|parent| parent.name_of(&node)).ok_or(Errno::ENOENT)?);
            node = parent;
        }
        if self.root.as_ref().is_none_or(|root| !Rc::ptr_eq(root, &node)) {
            return Err(Errno::ENOENT);
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        Ok(if path.is_empty() { b"/".to_vec() } else { path })
    }

    /// A directory that is filled in when somebody looks.
    fn unread_directory(&mut self, path: &[u8], permissions: u32) -> Rc<Node> {
        let directory = Directory::default();
        directory.unread_path.set(path.to_vec());
        self.new_node(Kind::Directory(directory), permissions)
    }

    /// Makes the entries of the directory at `path` that the image has: all, or only the one that is `wanted`.
    fn fill(&mut self, node: &Rc<Node>, directory: &Directory, path: &[u8], wanted: Option<&[u8]>) {
        let is_wanted = |name: &[u8]| wanted.is_none_or(|wanted| wanted == name);
        for file in self.committed {
            if let Some((name, is_leaf)) = child_of(path, bytes(file.path)).filter(|(name, _)| is_wanted(name)) {
                let leaf = is_leaf.then(|| Kind::Regular(Contents::committed(bytes(file.contents))));
                let permissions = if is_leaf { file.mode as u32 & 0o7777 } else { 0o755 };
                self.fill_one(node, directory, path, name, leaf, permissions);
                if wanted.is_some() {
                    return;
                }
            }
        }
        for (file, built_in) in if path == PROCESS_FOLDER { PROCESS_FILES } else { BUILT_IN_FILES } {
            if let Some((name, is_leaf)) = child_of(path, file).filter(|(name, _)| is_wanted(name)) {
                let (leaf, permissions) = match *built_in {
                    BuiltIn::Device(device) => (Some(Kind::Device(device)), device.permissions()),
                    BuiltIn::Fixed(bytes) => (Some(Kind::Fixed(bytes)), 0o444),
                    BuiltIn::Process(file) => (Some(Kind::Process(file)), file.permissions()),
                    BuiltIn::Link(target) => (Some(Kind::Symlink(target.into())), 0o777),
                    BuiltIn::Executable => (Some(Kind::Symlink(self.executable_path.into())), 0o777),
                    BuiltIn::Directory(permissions) => (None, if is_leaf { permissions } else { 0o755 }),
                };
                self.fill_one(node, directory, path, name, leaf.filter(|_| is_leaf), permissions);
                if wanted.is_some() {
                    return;
                }
            }
        }
    }

    /// Makes the entry `name`, unless there is one: a file, or a directory if it is not a `leaf`.
    fn fill_one(
        &mut self,
        node: &Rc<Node>,
        directory: &Directory,
        path: &[u8],
        name: &[u8],
        leaf: Option<Kind>,
        permissions: u32,
    ) {
        if directory.get(name).is_some() {
            return;
        }
        let child = match leaf {
            Some(kind) => self.new_node(kind, permissions),
            None => {
                let slash: &[u8] = if path == b"/" { b"" } else { b"/" };
                self.unread_directory(&[path, slash, name].concat(), permissions)
            }
        };
        child.times.set(Times::at(self.start_time_ns));
        self.attach(node, name, &child);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::image_data::boot_with;

    fn sample() -> (BootInfo, FileTree, Rc<Node>) {
        let boot = boot_with(&[("/data/in.txt", "hello", 0o640), ("/data/sub/x", "", 0o600), ("/data-2", "", 0o644)]);
        let mut tree = FileTree::new();
        let root = tree.root(&boot);
        (boot, tree, root)
    }

    fn names(tree: &mut FileTree, node: &Rc<Node>) -> Vec<String> {
        let mut names = Vec::new();
        tree.entries(node).expect("a directory").list(0, |entry| {
            names.push(String::from_utf8_lossy(&entry.name).into_owned());
            true
        });
        names
    }

    #[test]
    fn directories_are_implied_by_paths() {
        let (boot, mut tree, root) = sample();
        assert_eq!(names(&mut tree, &root), ["data-2", "data", "dev", "proc", "sys", "tmp"]);
        let data = tree.find(&boot, &root, b"data", Last::Follow).expect("it is implied");
        assert_eq!(names(&mut tree, &data), ["in.txt", "sub"]);
        assert_eq!((data.stat().mode, data.stat().links), (0o40755, 3));
        let file = tree.find(&boot, &root, b"/data//./sub/../in.txt", Last::Follow).expect("it is committed");
        assert_eq!((file.stat().mode, file.stat().size_bytes), (0o100640, 5));
        assert_eq!(tree.find(&boot, &root, b"/tmp", Last::Keep).map(|node| node.stat().mode), Ok(0o41777));
    }

    #[test]
    fn paths_that_lead_nowhere() {
        let (boot, mut tree, root) = sample();
        let long = [b'n'; MAX_NAME_BYTES + 1];
        for (path, errno) in [
            (&b""[..], Errno::ENOENT),
            (b"nothing", Errno::ENOENT),
            (b"nothing/x", Errno::ENOENT),
            (b"data-2/x", Errno::ENOTDIR),
            (b"data-2/", Errno::ENOTDIR),
            (b"data-2/.", Errno::ENOTDIR),
            (b"data-2/..", Errno::ENOTDIR),
            (&long, Errno::ENAMETOOLONG),
        ] {
            assert_eq!(tree.find(&boot, &root, path, Last::Follow).err(), Some(errno), "{path:?}");
        }
        assert!(tree.find(&boot, &root, b"..", Last::Follow).is_ok_and(|node| Rc::ptr_eq(&node, &root)));
        assert!(tree.find(&boot, &root, b"///", Last::Follow).is_ok_and(|node| Rc::ptr_eq(&node, &root)));
    }

    #[test]
    fn symbolic_links_are_followed() {
        let (boot, mut tree, root) = sample();
        for (name, target) in [("abs", "/data"), ("rel", "data/sub"), ("a", "b"), ("b", "a"), ("file", "data/in.txt")] {
            let link = tree.new_node(Kind::Symlink(target.as_bytes().into()), 0o777);
            tree.link(&root, name.as_bytes(), &link);
        }
        let mut find = |path: &str, last| tree.find(&boot, &root, path.as_bytes(), last).map(|node| node.stat().mode);
        assert_eq!(find("abs/in.txt", Last::Keep), Ok(0o100640));
        assert_eq!(find("rel/../in.txt", Last::Keep), Ok(0o100640));
        assert_eq!(find("abs", Last::Keep), Ok(0o120777));
        assert_eq!(find("abs", Last::Follow), Ok(0o40755));
        assert_eq!(find("abs/", Last::Keep), Ok(0o40755));
        assert_eq!(find("file/", Last::Follow), Err(Errno::ENOTDIR));
        assert_eq!(find("a", Last::Follow), Err(Errno::ELOOP));
        assert_eq!(find("a/x", Last::Keep), Err(Errno::ELOOP));
        assert_eq!(find("/proc/self/exe", Last::Follow), Err(Errno::ENOENT));
    }
}
