//! What `openat2(2)` is told beside the path: `struct open_how`, and how the path may lead to its file (fs/open.c,
//! build_open_flags; fs/namei.c). A path that may not lead everywhere is followed here up to its last component, which
//! is then opened like any other.

use crate::abi::open_flags::{O_CLOEXEC, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_TMPFILE_ALONE, O_TRUNC};
use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::directory::parent_of;
use crate::subsystems::file_rights::{EXECUTE, check, check_following};
use crate::subsystems::file_tree::{FileTree, Last, MAX_LINKS_FOLLOWED};
use crate::subsystems::node::{Kind, Node};
use crate::subsystems::opening::{Beginning, KNOWN_FLAGS, Rest};
use crate::subsystems::path_components::split_component;
use crate::subsystems::paths::start_directory;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Bytes of the only version of the structure that there is.
const HOW_BYTES: usize = 24;
/// A size that no version will have (PAGE_SIZE).
const MOST_BYTES: usize = 4096;

const RESOLVE_NO_MAGICLINKS: u64 = 2;
const RESOLVE_NO_SYMLINKS: u64 = 4;
const RESOLVE_BENEATH: u64 = 8;
const RESOLVE_IN_ROOT: u64 = 0x10;
const RESOLVE_CACHED: u64 = 0x20;
/// With RESOLVE_NO_XDEV: there is one file system.
const KNOWN_RESOLVES: u64 = 0x3f;

/// The last component, or `None` if the path may lead everywhere.
impl Rest for Option<Vec<u8>> {
    fn of<'a>(&'a self, path: &'a [u8]) -> &'a [u8] {
        self.as_deref().unwrap_or(path)
    }
}

/// The structure, checked.
pub struct OpenHow {
    /// As for `openat`.
    pub flags: u32,
    /// As for `openat`.
    pub mode: u32,
    resolve: u64,
}

impl OpenHow {
    /// The `len_bytes` bytes at `address`.
    ///
    /// # Errors
    /// EINVAL, E2BIG, EFAULT; EAGAIN for what RESOLVE_CACHED never does.
    pub fn read(memory: &impl UserMemory, address: UserAddress, len_bytes: usize) -> Result<OpenHow, Errno> {
        if len_bytes < HOW_BYTES {
            return Err(Errno::EINVAL);
        }
        // What this version does not know must be zero (lib/usercopy.c, copy_struct_from_user).
        if len_bytes > MOST_BYTES || memory.slice(address, len_bytes)?.iter().skip(HOW_BYTES).any(|&byte| byte != 0) {
            return Err(Errno::E2BIG);
        }
        let (flags, mode) = (memory.read_u64(address)?, memory.read_u64(address.add(8))?);
        let resolve = memory.read_u64(address.add(16))?;
        let is_scoped_twice = resolve & RESOLVE_BENEATH != 0 && resolve & RESOLVE_IN_ROOT != 0;
        if flags & !u64::from(KNOWN_FLAGS) != 0 || resolve & !KNOWN_RESOLVES != 0 || is_scoped_twice {
            return Err(Errno::EINVAL);
        }
        let flags = flags as u32;
        let may_have_mode = if flags & (O_CREAT | O_TMPFILE_ALONE) != 0 { 0o7777 } else { 0 };
        let is_confused = flags & O_PATH != 0 && flags & !(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) != 0;
        if mode & !may_have_mode != 0 || is_confused {
            return Err(Errno::EINVAL);
        }
        if resolve & RESOLVE_CACHED != 0 && flags & (O_TRUNC | O_CREAT | O_TMPFILE_ALONE) != 0 {
            return Err(Errno::EAGAIN);
        }
        Ok(OpenHow { flags, mode: mode as u32, resolve })
    }

    /// A resolution that begins in `directory` and goes nowhere where it may not.
    pub fn from_directory(
        &self,
        boot: &BootInfo,
        directory: Fd,
    ) -> impl FnOnce(&mut Descriptors, &mut FileTree, &[u8], Last) -> Beginning<Option<Vec<u8>>> {
        move |descriptors, tree, path, last| {
            let in_root = self.resolve & RESOLVE_IN_ROOT != 0;
            let skipped = if in_root { path.iter().take_while(|&&byte| byte == b'/').count() } else { 0 };
            if path.starts_with(b"/") && self.resolve & RESOLVE_BENEATH != 0 {
                return Err(Errno::EXDEV);
            }
            let relative = path.get(skipped..).unwrap_or_default();
            let start = start_directory(descriptors, tree, boot, directory, relative)?;
            match self.resolve {
                0 => Ok((start, None)),
                _ => self.follow(tree, boot, &start, relative, last).map(|(parent, name)| (parent, Some(name))),
            }
        }
    }

    /// The directory that holds the last component of `path`, and that component: no link that is still to be followed,
    /// but for those of `/proc/self/fd`.
    fn follow(
        &self,
        tree: &mut FileTree,
        boot: &BootInfo,
        start: &Rc<Node>,
        path: &[u8],
        last: Last,
    ) -> Result<(Rc<Node>, Vec<u8>), Errno> {
        let is_scoped = self.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT) != 0;
        let root = if is_scoped { start.clone() } else { tree.root(boot) };
        let (mut path, mut position, mut links_followed) = (path.to_vec(), 0, 0);
        let mut parent = if path.starts_with(b"/") { root.clone() } else { start.clone() };
        loop {
            let (component, rest) = split_component(&path, position);
            parent.directory().ok_or(Errno::ENOTDIR)?;
            check(&parent, EXECUTE)?;
            position = rest.position;
            match component {
                b"" | b"." => {}
                b".." if is_scoped && Rc::ptr_eq(&parent, &root) => {
                    if self.resolve & RESOLVE_BENEATH != 0 {
                        return Err(Errno::EXDEV);
                    }
                }
                b".." if rest.trailing => return Ok((parent, b"..".to_vec())),
                b".." => parent = parent_of(&parent).unwrap_or(root.clone()),
                name => {
                    let node = tree.place(boot, &parent, name, Last::Keep)?.node;
                    let follows = !rest.trailing || last.follows(rest.slash);
                    match node.as_deref().map(|node| &node.kind) {
                        Some(Kind::Symlink(target)) if follows => {
                            links_followed += 1;
                            if links_followed > MAX_LINKS_FOLLOWED {
                                return Err(Errno::ELOOP);
                            }
                            check_following(rest.trailing, &parent, &node)?;
                            if self.resolve & RESOLVE_NO_SYMLINKS != 0 {
                                return Err(Errno::ELOOP);
                            }
                            if target.starts_with(b"/") {
                                if self.resolve & RESOLVE_BENEATH != 0 {
                                    return Err(Errno::EXDEV);
                                }
                                parent = root.clone();
                            }
                            path = [target, path.get(position..).unwrap_or_default()].concat();
                            position = 0;
                            continue;
                        }
                        Some(Kind::Descriptor(link)) if follows && link.is_link() => {
                            if self.resolve & (RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS) != 0 {
                                return Err(Errno::ELOOP);
                            }
                            if is_scoped {
                                return Err(Errno::EXDEV);
                            }
                            if !rest.trailing {
                                parent = link.target(tree).ok_or(Errno::ENOENT)?;
                                continue;
                            }
                        }
                        _ if rest.trailing => {}
                        _ => {
                            parent = node.ok_or(Errno::ENOENT)?;
                            continue;
                        }
                    }
                    let slash: &[u8] = if rest.slash { b"/" } else { b"" };
                    return Ok((parent, [name, slash].concat()));
                }
            }
            if rest.trailing {
                return Ok((parent, b".".to_vec()));
            }
        }
    }
}
