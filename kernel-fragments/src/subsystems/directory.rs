//! A directory of the file tree: names, in the order of their bytes for look-up, in the order of their making for listing.

use crate::subsystems::node::{Node, with};
use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::Cell;

/// A directory: its entries, once somebody looked (`FileTree` fills it in then).
#[derive(Default)]
pub struct Directory {
    /// By name.
    entries: Cell<Vec<Rc<Entry>>>,
    /// By cookie, which is the first of each pair, from when somebody first listed them; some of those that were removed since are gone.
    listing: Cell<Vec<(u64, Weak<Entry>)>>,
    is_listed: Cell<bool>,
    /// Cookie of the next entry.
    next_cookie: Cell<u64>,
    /// Number of directories among the entries.
    subdirectories: Cell<u32>,
    /// Where it lies; nowhere when it was removed, and for the root.
    pub parent: Cell<Weak<Node>>,
    /// The path under which the image's files may still be waiting to become entries; empty if none are.
    pub unread_path: Cell<Vec<u8>>,
}

/// A name in a directory.
pub struct Entry {
    /// The name.
    pub name: Box<[u8]>,
    /// What it names.
    pub node: Rc<Node>,
    /// Its place in the order in which a directory is listed: the order in which entries were made. It stays when
    /// others come and go, so that listing a directory while deleting from it misses nothing.
    pub cookie: u64,
}

/// So many removed entries a listing may keep besides as many as there are.
const FEW: usize = 16;

/// The cookie of a directory's first own entry, after `.` and `..`.
pub const FIRST_COOKIE: u64 = 2;

impl Directory {
    /// What `name` names here.
    pub fn get(&self, name: &[u8]) -> Option<Rc<Node>> {
        with(&self.entries, |entries| {
            let index = search(entries, name).ok()?;
            entries.get(index).map(|entry| entry.node.clone())
        })
    }

    /// Makes `name` stand for `node` and returns what it stood for. Says nothing to a directory about its new parent.
    pub fn insert(&self, name: &[u8], node: Rc<Node>) -> Option<Rc<Node>> {
        self.count(&node, 1);
        let entry = |node, cookie| Rc::new(Entry { name: name.into(), node, cookie });
        with(&self.entries, |entries| match search(entries, name) {
            Ok(index) => entries.get_mut(index).map(|old| {
                let new = entry(node, old.cookie);
                with(&self.listing, |listing| {
                    let place = listing.binary_search_by_key(&old.cookie, |(cookie, _)| *cookie);
                    if let Some((_, listed)) = place.ok().and_then(|index| listing.get_mut(index)) {
                        *listed = Rc::downgrade(&new);
                    }
                });
                let old = core::mem::replace(old, new);
                self.count(&old.node, -1);
                old.node.clone()
            }),
            Err(index) => {
                let cookie = self.next_cookie.get();
                self.next_cookie.set(cookie + 1);
                let new = entry(node, cookie + FIRST_COOKIE);
                if self.is_listed.get() {
                    with(&self.listing, |listing| listing.push((new.cookie, Rc::downgrade(&new))));
                }
                entries.insert(index, new);
                None
            }
        })
    }

    /// Makes `name`, which stands for nothing, stand for `node`, with a cookie that the caller chose.
    pub fn insert_at(&self, name: &[u8], node: Rc<Node>, cookie: u64) {
        self.count(&node, 1);
        with(&self.entries, |entries| {
            if let Err(index) = search(entries, name) {
                entries.insert(index, Rc::new(Entry { name: name.into(), node, cookie }));
            }
        });
        self.is_listed.set(false);
    }

    /// Shows all entries to `visit`, in the order of their names; it must not come back here.
    pub fn each(&self, visit: impl FnMut(&Rc<Entry>)) {
        with(&self.entries, |entries| entries.iter().for_each(visit));
    }

    /// Removes `name` and returns what it stood for.
    pub fn remove(&self, name: &[u8]) -> Option<Rc<Node>> {
        let entry = with(&self.entries, |entries| search(entries, name).ok().map(|index| entries.remove(index)))?;
        self.count(&entry.node, -1);
        let node = entry.node.clone();
        drop(entry);
        let most = 2 * with(&self.entries, |entries| entries.len()) + FEW;
        with(&self.listing, |listing| {
            if listing.len() > most {
                listing.retain(|(_, entry)| entry.strong_count() > 0);
            }
        });
        Some(node)
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        with(&self.entries, |entries| entries.is_empty())
    }

    /// Shows the entries from `cookie` on to `visit`, in listing order, until it wants no more.
    pub fn list(&self, cookie: u64, mut visit: impl FnMut(&Entry) -> bool) {
        if cookie <= FIRST_COOKIE || !self.is_listed.get() {
            // From the start: what was removed need not be passed over any more.
            let pair = |entry: &Rc<Entry>| (entry.cookie, Rc::downgrade(entry));
            let mut listing: Vec<_> = with(&self.entries, |entries| entries.iter().map(pair).collect());
            listing.sort_unstable_by_key(|(cookie, _)| *cookie);
            self.listing.set(listing);
            self.is_listed.set(true);
        }
        with(&self.listing, |listing| {
            let start = listing.partition_point(|(listed, _)| *listed < cookie);
            let rest = listing.get(start..).unwrap_or_default();
            let _ = rest.iter().filter_map(|(_, entry)| entry.upgrade()).all(|entry| visit(&entry));
        });
    }

    /// The name under which `node` is listed here.
    pub fn name_of(&self, node: &Rc<Node>) -> Option<Box<[u8]>> {
        with(&self.entries, |entries| {
            entries.iter().find(|entry| Rc::ptr_eq(&entry.node, node)).map(|entry| entry.name.clone())
        })
    }

    /// Number of directories among the entries.
    pub fn subdirectories(&self) -> u32 {
        self.subdirectories.get()
    }

    /// An entry that stands for `node` came or went.
    fn count(&self, node: &Node, change: i32) {
        if node.directory().is_some() {
            self.subdirectories.set(self.subdirectories.get().saturating_add_signed(change));
        }
    }
}

fn search(entries: &[Rc<Entry>], name: &[u8]) -> Result<usize, usize> {
    entries.binary_search_by(|entry| entry.name[..].cmp(name))
}

/// The directory in which `node`, a directory, lies.
pub fn parent_of(node: &Rc<Node>) -> Option<Rc<Node>> {
    let parent = &node.directory()?.parent;
    let weak = parent.take();
    let strong = weak.upgrade();
    parent.set(weak);
    strong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::Kind;
    use crate::testing::{TestRandom, rounds, steps};

    /// Random changes against a list of names, while the directory is listed piece by piece.
    #[test]
    fn directories_behave_like_lists() {
        for seed in 0..rounds(50) {
            let (mut random, mut tree, directory) = (TestRandom(seed), FileTree::new(), Directory::default());
            let mut model: Vec<(u64, Vec<u8>, u64)> = Vec::new();
            let (mut next_cookie, mut position) = (FIRST_COOKIE, 0);
            for _ in 0..steps(300) {
                let name = vec![b'a' + random.below(26) as u8];
                let known = model.iter().position(|(_, known, _)| *known == name);
                match random.below(4) {
                    0 | 1 => {
                        let node = tree.new_node(Kind::Directory(Directory::default()), 0);
                        let inode = node.inode;
                        let old = directory.insert(&name, node).map(|node| node.inode);
                        assert_eq!(old, known.map(|index| model[index].2));
                        match known {
                            Some(index) => model[index].2 = inode,
                            None => model.push((next_cookie, name, inode)),
                        }
                        next_cookie += u64::from(known.is_none());
                    }
                    2 => {
                        let old = directory.remove(&name).map(|node| node.inode);
                        assert_eq!(old, known.map(|index| model.remove(index).2));
                    }
                    _ => {
                        let (mut found, limit) = (Vec::new(), random.below(10) as usize);
                        directory.list(position, |entry| {
                            found.push((entry.cookie, entry.name.to_vec(), entry.node.inode));
                            found.len() < limit
                        });
                        let expected = model.iter().filter(|(cookie, ..)| *cookie >= position);
                        assert_eq!(found, expected.take(limit.max(1)).cloned().collect::<Vec<_>>(), "seed {seed}");
                        position = found.last().map_or(0, |(cookie, ..)| cookie + 1);
                    }
                }
                assert_eq!(directory.subdirectories() as usize, model.len());
                assert!(with(&directory.listing, |listing| listing.len()) <= 2 * model.len() + FEW + 1);
            }
        }
    }
}
