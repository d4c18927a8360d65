//! Who may do what to a file (fs/namei.c, fs/attr.c, fs/inode.c), where a call that changes who a thread is is reachable. Elsewhere
//! `no_file_rights.rs` takes this file's place, and nothing is ever refused. `acting.rs` says in whose name files are used.

use crate::abi::capability::{
    CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_MKNOD, CAP_SYS_ADMIN,
};
use crate::abi::credentials::UNCHANGED_ID;
use crate::abi::stat::{S_IFDIR, S_IFMT, Stat};
use crate::errno::Errno;
use crate::subsystems::acting::{act_as, act_as_real, has, is_in_group, owner, owner_of_process_files};
use crate::subsystems::credentials::Credentials;
use crate::subsystems::node::{Kind, Node};
use alloc::rc::Rc;

/// Execute a file, search a directory.
pub const EXECUTE: u32 = 1;
/// Write a file, change a directory's entries.
pub const WRITE: u32 = 2;
/// Read.
pub const READ: u32 = 4;

/// The set-user-id bit, the set-group-id bit, execution for the group, and the sticky bit.
const SET_USER: u32 = 0o4000;
const SET_GROUP: u32 = 0o2000;
const GROUP_EXECUTES: u32 = 0o010;
const STICKY: u32 = 0o1000;

/// Whether `node` may be used in the ways of `wanted`.
///
/// # Errors
/// EACCES.
pub fn check(node: &Node, wanted: u32) -> Result<(), Errno> {
    if node.owner.get() == PROCESS {
        return Ok(());
    }
    allow(node.permissions.get(), node.directory().is_some(), owner_of(node), wanted)
}

/// The same for what `stat` tells of a file.
///
/// # Errors
/// EACCES.
pub fn check_stat(stat: &Stat, wanted: u32) -> Result<(), Errno> {
    allow(stat.mode, stat.mode & S_IFMT == S_IFDIR, (stat.uid, stat.gid), wanted)
}

/// In place of an owner: the process, which may always use it (fs/proc/fd.c, proc_fd_permission).
const PROCESS: (u32, u32) = (u32::MAX, u32::MAX);

/// `node`, a directory, is to be the process's, whoever that is.
pub fn give_to_process(node: &Node) {
    node.owner.set(PROCESS);
}

/// User and group of `node`.
pub fn owner_of(node: &Node) -> (u32, u32) {
    match (&node.kind, node.owner.get()) {
        (Kind::Process(_) | Kind::Descriptor(_), _) | (_, PROCESS) => owner_of_process_files(),
        (_, owner) => owner,
    }
}

/// User and group of a new file that lies in no directory.
pub fn new_owner() -> (u32, u32) {
    owner()
}

/// fs/namei.c, generic_permission.
fn allow(bits: u32, is_directory: bool, (user, group): (u32, u32), wanted: u32) -> Result<(), Errno> {
    let allowed = match bits {
        _ if user == owner().0 => bits >> 6,
        _ if is_in_group(group) => bits >> 3,
        _ => bits,
    };
    let reads_only = wanted & !READ == 0 || is_directory && wanted & WRITE == 0;
    let overrides = is_directory || wanted & EXECUTE == 0 || bits & 0o111 != 0;
    let may = wanted & !allowed == 0 || reads_only && has(CAP_DAC_READ_SEARCH) || overrides && has(CAP_DAC_OVERRIDE);
    if may { Ok(()) } else { Err(Errno::EACCES) }
}

/// Whether who acts may do to a file of `user` what its owner may.
///
/// # Errors
/// EPERM.
pub fn check_owner(user: u32) -> Result<(), Errno> {
    if user == owner().0 || has(CAP_FOWNER) { Ok(()) } else { Err(Errno::EPERM) }
}

/// Whether `parent` may get a new entry.
///
/// # Errors
/// EACCES.
pub fn check_new(parent: &Node) -> Result<(), Errno> {
    check(parent, WRITE | EXECUTE)
}

/// Whether `node` may lose its entry in `parent` (fs/namei.c, may_delete).
///
/// # Errors
/// EACCES; EPERM: it is somebody else's in a sticky directory.
pub fn check_removal(parent: &Node, node: &Node) -> Result<(), Errno> {
    check_new(parent)?;
    let (own, is_sticky) = (owner().0, parent.permissions.get() & STICKY != 0);
    if is_sticky && node.owner.get().0 != own && parent.owner.get().0 != own && !has(CAP_FOWNER) {
        return Err(Errno::EPERM);
    }
    Ok(())
}

/// Whether `node`, a directory, may get another parent.
///
/// # Errors
/// EACCES.
pub fn check_move(node: &Node) -> Result<(), Errno> {
    if node.directory().is_some() { check(node, WRITE) } else { Ok(()) }
}

/// Whether `node` may get a further name (fs/namei.c, may_linkat, with protected_hardlinks, which Debian sets): it is who acts' own,
/// or a plain file that he may read and write.
///
/// # Errors
/// EPERM.
pub fn check_link(node: &Node) -> Result<(), Errno> {
    let bits = node.permissions.get();
    let gives_rights = bits & SET_USER != 0 || bits & (SET_GROUP | GROUP_EXECUTES) == SET_GROUP | GROUP_EXECUTES;
    let is_plain = matches!(node.kind, Kind::Regular(_)) && !gives_rights && check(node, READ | WRITE).is_ok();
    if is_plain { Ok(()) } else { check_owner(owner_of(node).0) }
}

/// Whether the symbolic link `link` in `parent` may be followed (fs/namei.c, may_follow_link, with protected_symlinks, which Debian
/// sets): not one that somebody left in a sticky directory of all, where it is the last one of a path.
///
/// # Errors
/// EACCES.
pub fn check_following(is_last: bool, parent: &Node, link: &Option<Rc<Node>>) -> Result<(), Errno> {
    let Some(link) = link.as_ref().filter(|_| is_last) else { return Ok(()) };
    let (is_common, user) = (parent.permissions.get() & 0o1002 == 0o1002, link.owner.get().0);
    let is_strange = is_common && user != owner().0 && user != parent.owner.get().0;
    if is_strange { Err(Errno::EACCES) } else { Ok(()) }
}

/// Whether `node` in `parent` may be opened with O_CREAT (fs/namei.c, may_create_in_sticky, without protected_regular and
/// protected_fifos): no device that somebody left in a sticky directory of all.
///
/// # Errors
/// EACCES.
pub fn check_existing(parent: &Node, node: &Node) -> Result<(), Errno> {
    let (is_common, user) = (parent.permissions.get() & 0o1002 == 0o1002, node.owner.get().0);
    let is_strange = is_common && user != owner().0 && user != parent.owner.get().0;
    let is_plain = matches!(node.kind, Kind::Regular(_) | Kind::Fifo(_));
    if is_strange && !is_plain { Err(Errno::EACCES) } else { Ok(()) }
}

/// Whether devices may be made.
///
/// # Errors
/// EPERM.
pub fn check_making_devices() -> Result<(), Errno> {
    if has(CAP_MKNOD) { Ok(()) } else { Err(Errno::EPERM) }
}

/// Gives `node`, new in `parent` (`None`: in no directory), its owner and group; it was asked for with the permission bits
/// `asked` (fs/inode.c, inode_init_owner and mode_strip_sgid).
pub fn own(parent: Option<&Node>, node: &Node, asked: u32) {
    let (user, mut group) = owner();
    let parent = parent.filter(|parent| parent.permissions.get() & SET_GROUP != 0);
    if let Some(parent) = parent {
        group = parent.owner.get().1;
        let bits = node.permissions.get();
        if node.directory().is_some() {
            node.permissions.set(bits | SET_GROUP);
        } else if asked & GROUP_EXECUTES != 0 && !keeps_set_group(group) {
            node.permissions.set(bits & !SET_GROUP);
        }
    }
    node.owner.set((user, group));
}

/// Whether who acts may have files of `group` with the set-group-id bit (fs/attr.c, in_group_or_capable).
fn keeps_set_group(group: u32) -> bool {
    is_in_group(group) || has(CAP_FSETID)
}

/// The permission bits that a file of `owner` gets where `bits` are asked for.
///
/// # Errors
/// EPERM.
pub fn bits_to_set((user, group): (u32, u32), bits: u32) -> Result<u32, Errno> {
    check_owner(user)?;
    Ok(if keeps_set_group(group) { bits } else { bits & !SET_GROUP })
}

/// Whether a file of `old` with these permission bits may become that of `user` and `group` (-1: as it is), and the bits that it
/// has then (fs/open.c, chown_common; fs/attr.c, notify_change and setattr_prepare).
///
/// # Errors
/// EPERM.
pub fn bits_after_change(
    old: (u32, u32),
    (user, group): (u32, u32),
    bits: u32,
    is_directory: bool,
) -> Result<u32, Errno> {
    let is_own = old.0 == owner().0;
    let may_user = user == UNCHANGED_ID || is_own && user == old.0;
    let may_group = group == UNCHANGED_ID || is_own && (group == old.1 || is_in_group(group));
    if !(may_user && may_group || has(CAP_CHOWN)) {
        return Err(Errno::EPERM);
    }
    let loses_group = bits & SET_GROUP != 0 && (bits & GROUP_EXECUTES != 0 || !keeps_set_group(old.1));
    if is_directory || bits & SET_USER == 0 && !loses_group {
        return Ok(bits);
    }
    check_owner(old.0)?;
    let keeps_group = !loses_group && keeps_set_group(if group == UNCHANGED_ID { old.1 } else { group });
    Ok(bits & !SET_USER & if keeps_group { u32::MAX } else { !SET_GROUP })
}

/// A regular file was written or cut: it loses its set-id bits (fs/attr.c, setattr_should_drop_suidgid).
pub fn note_change_of_contents(node: &Node) {
    let bits = node.permissions.get();
    if bits & (SET_USER | SET_GROUP) == 0 || has(CAP_FSETID) || !matches!(node.kind, Kind::Regular(_)) {
        return;
    }
    let loses_group = bits & GROUP_EXECUTES != 0 || !keeps_set_group(node.owner.get().1);
    node.permissions.set(bits & !SET_USER & if loses_group { !SET_GROUP } else { u32::MAX });
}

/// Whether the times of `node` may be set: to now, if `is_now`, to any others else.
///
/// # Errors
/// EACCES to now, EPERM to others.
pub fn check_times(node: &Node, is_now: bool) -> Result<(), Errno> {
    check_owner(node.owner.get().0).or_else(|errno| if is_now { check(node, WRITE) } else { Err(errno) })
}

/// Whether the extended attribute `name` of `node`, where one is kept, may be used in the way of `wanted`: [`READ`] or [`WRITE`]
/// (fs/xattr.c, xattr_permission).
///
/// # Errors
/// EPERM, ENODATA, EACCES.
pub fn check_attribute(node: &Node, name: &[u8], wanted: u32) -> Result<(), Errno> {
    if name.starts_with(b"trusted.") {
        let refused = if wanted == WRITE { Errno::EPERM } else { Errno::ENODATA };
        return if has(CAP_SYS_ADMIN) { Ok(()) } else { Err(refused) };
    }
    if !name.starts_with(b"user.") {
        return Ok(());
    }
    if wanted == WRITE && node.directory().is_some() && node.permissions.get() & STICKY != 0 {
        check_owner(node.owner.get().0)?;
    }
    check(node, wanted)
}

/// Whether trusted attributes are listed.
pub fn lists_trusted() -> bool {
    has(CAP_SYS_ADMIN)
}

/// Does `work` in the name of the real ids of `credentials`.
pub fn with_real_ids<R>(credentials: Credentials, work: impl FnOnce() -> R) -> R {
    act_as_real(credentials);
    let result = work();
    act_as(credentials);
    result
}

/// Whether a file without a name may get one by its descriptor (fs/namei.c, LOOKUP_LINKAT_EMPTY), for all that is kept here: who
/// may not might have opened it himself.
pub fn may_name_descriptors() -> bool {
    has(CAP_DAC_READ_SEARCH)
}

/// From here on the kernel itself looks at files: the program is over.
pub fn act_as_kernel() {
    act_as(Credentials::FIRST);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::credentials::Ids;
    use crate::subsystems::credentials::Identity;
    use crate::subsystems::directory::Directory;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::{Contents, Device};

    /// From now on `user` of group 100 acts, who is in group 7 beside it, with these capabilities.
    fn act_with(user: u32, capabilities: &[u32]) -> Credentials {
        let mut identity =
            Identity { users: Ids::all(user), groups: Ids::all(100), ..Credentials::FIRST.identity().clone() };
        identity.supplementary = &[7];
        identity.capabilities.effective = capabilities.iter().map(|capability| 1 << capability).sum();
        let credentials = Credentials::of(Box::leak(Box::new(identity)));
        act_as(credentials);
        credentials
    }

    fn node(tree: &mut FileTree, is_directory: bool, bits: u32, owner: (u32, u32)) -> Rc<Node> {
        let kind = if is_directory { Kind::Directory(Directory::default()) } else { Kind::Regular(Contents::empty()) };
        let node = tree.new_node(kind, bits);
        node.owner.set(owner);
        node
    }

    #[test]
    fn owner_group_and_others() {
        let mut tree = FileTree::new();
        let no = Err(Errno::EACCES);
        for (bits, owner, wanted, capabilities, expected) in [
            (0o077, (5, 100), READ, &[][..], no),
            (0o400, (5, 100), READ, &[], Ok(())),
            (0o707, (6, 100), READ, &[], no),
            (0o040, (6, 7), READ, &[], Ok(())),
            (0o006, (6, 8), READ | WRITE, &[], Ok(())),
            (0o000, (6, 8), READ, &[CAP_DAC_READ_SEARCH], Ok(())),
            (0o000, (6, 8), READ | WRITE, &[CAP_DAC_READ_SEARCH], no),
            (0o000, (6, 8), READ | WRITE, &[CAP_DAC_OVERRIDE], Ok(())),
            (0o000, (6, 8), EXECUTE, &[CAP_DAC_OVERRIDE], no),
            (0o001, (5, 8), EXECUTE, &[CAP_DAC_OVERRIDE], Ok(())),
        ] {
            act_with(5, capabilities);
            let node = node(&mut tree, false, bits, owner);
            assert_eq!(check(&node, wanted), expected, "{bits:o} {owner:?} {wanted}");
            assert_eq!(check_stat(&node.stat(), wanted), expected);
        }
        let directory = node(&mut tree, true, 0, (6, 8));
        act_with(5, &[CAP_DAC_READ_SEARCH]);
        assert_eq!((check(&directory, READ | EXECUTE), check_new(&directory)), (Ok(()), no));
        act_with(5, &[CAP_DAC_OVERRIDE]);
        assert_eq!((check_new(&directory), check_move(&directory)), (Ok(()), Ok(())));
    }

    #[test]
    fn the_process_s_own() {
        let mut tree = FileTree::new();
        let folder = node(&mut tree, true, 0o500, (0, 0));
        act_with(5, &[]);
        assert_eq!(check(&folder, EXECUTE), Err(Errno::EACCES));
        give_to_process(&folder);
        assert_eq!((check(&folder, EXECUTE), owner_of(&folder)), (Ok(()), (5, 100)));
    }

    #[test]
    fn sticky_directories() {
        let mut tree = FileTree::new();
        let directory = node(&mut tree, true, 0o1777, (6, 8));
        let (own, other) = (node(&mut tree, false, 0, (5, 8)), node(&mut tree, false, 0o777, (9, 8)));
        act_with(5, &[]);
        assert_eq!((check_removal(&directory, &own), check_removal(&directory, &other)), (Ok(()), Err(Errno::EPERM)));
        let link = |user| {
            let link = FileTree::new().new_node(Kind::Symlink(b"f"[..].into()), 0o777);
            link.owner.set((user, 8));
            Some(link)
        };
        for (is_last, user, expected) in
            [(true, 5, Ok(())), (true, 6, Ok(())), (true, 9, Err(Errno::EACCES)), (false, 9, Ok(()))]
        {
            assert_eq!(check_following(is_last, &directory, &link(user)), expected, "{user}");
        }
        let device = FileTree::new().new_node(Kind::Device(Device::Null), 0o666);
        assert_eq!(
            (check_existing(&directory, &other), check_existing(&directory, &device)),
            (Ok(()), Err(Errno::EACCES))
        );
        assert_eq!((check_link(&own), check_link(&other)), (Ok(()), Ok(())));
        other.permissions.set(0o4777);
        assert_eq!(check_link(&other), Err(Errno::EPERM));
        act_with(5, &[CAP_FOWNER]);
        assert_eq!((check_removal(&directory, &other), check_link(&other)), (Ok(()), Ok(())));
        act_with(6, &[]);
        assert_eq!(check_removal(&directory, &other), Ok(()), "it is his directory");
    }

    #[test]
    fn new_files_and_their_groups() {
        let mut tree = FileTree::new();
        let (plain, foreign) = (node(&mut tree, true, 0o777, (6, 8)), node(&mut tree, true, 0o2777, (6, 8)));
        act_with(5, &[]);
        let mut made = |parent: &Node, is_directory: bool, bits: u32| {
            let node = node(&mut tree, is_directory, bits, (0, 0));
            own(Some(parent), &node, bits);
            (node.owner.get(), node.permissions.get())
        };
        assert_eq!(made(&plain, false, 0o2755), ((5, 100), 0o2755));
        assert_eq!(made(&foreign, false, 0o2755), ((5, 8), 0o755));
        assert_eq!(made(&foreign, false, 0o2745), ((5, 8), 0o2745), "without execution it means something else");
        assert_eq!(made(&foreign, true, 0o755), ((5, 8), 0o2755));
    }

    #[test]
    fn changing_owner_rights_and_times() {
        let mut tree = FileTree::new();
        let (own, other) = (node(&mut tree, false, 0o6755, (5, 8)), node(&mut tree, false, 0o6755, (6, 8)));
        act_with(5, &[]);
        let no = Err(Errno::EPERM);
        assert_eq!(
            (other.set_permissions(0), other.set_owner(u32::MAX, 8), other.set_owner(u32::MAX, u32::MAX)),
            (no, no, no)
        );
        assert_eq!((own.set_owner(6, 8), own.set_owner(5, 9)), (no, no));
        assert_eq!((own.set_owner(5, 7), own.permissions.get(), own.owner.get()), (Ok(()), 0o755, (5, 7)));
        assert_eq!((own.set_permissions(0o2700), own.permissions.get()), (Ok(()), 0o2700));
        act_with(5, &[CAP_CHOWN]);
        assert_eq!((own.set_owner(5, 9), own.set_permissions(0o2700), own.permissions.get()), (Ok(()), Ok(()), 0o700));
        act_with(5, &[]);
        assert_eq!((check_times(&other, true), check_times(&other, false)), (Err(Errno::EACCES), no));
        other.permissions.set(0o6757);
        assert_eq!((check_times(&other, true), check_times(&other, false)), (Ok(()), no));
        note_change_of_contents(&other);
        assert_eq!(other.permissions.get(), 0o757);
        act_with(5, &[CAP_FSETID]);
        other.permissions.set(0o6757);
        note_change_of_contents(&other);
        assert_eq!(other.permissions.get(), 0o6757);
    }

    #[test]
    fn attributes_and_real_ids() {
        let mut tree = FileTree::new();
        let file = node(&mut tree, false, 0o640, (6, 100));
        let credentials = act_with(5, &[]);
        let call = |name: &str, wanted| check_attribute(&file, name.as_bytes(), wanted);
        assert_eq!((call("trusted.a", READ), call("trusted.a", WRITE)), (Err(Errno::ENODATA), Err(Errno::EPERM)));
        assert_eq!((call("user.a", READ), call("user.a", WRITE)), (Ok(()), Err(Errno::EACCES)));
        assert!(!lists_trusted() && !may_name_descriptors());
        let mut identity = credentials.identity().clone();
        identity.users.real = 6;
        let other = Credentials::of(Box::leak(Box::new(identity)));
        act_as(other);
        assert_eq!((check(&file, WRITE), with_real_ids(other, || check(&file, WRITE))), (Err(Errno::EACCES), Ok(())));
        assert_eq!(check(&file, WRITE), Err(Errno::EACCES), "only for so long");
    }
}
