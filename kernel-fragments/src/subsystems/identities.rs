//! Becoming somebody else: the rules by which ids and capabilities change (kernel/sys.c, security/commoncap.c).
//!
//! What a thread is is kept until the run ends, each identity once: threads, of which nobody is told when they end, hold on to it.

use crate::abi::capability::{
    FILE_CAPABILITIES, SECURE_KEEP_CAPS, SECURE_NO_CAP_AMBIENT_RAISE, SECURE_NO_SETUID_FIXUP,
};
use crate::abi::credentials::{Ids, UNCHANGED_ID};
use crate::errno::Errno;
use crate::subsystems::acting::{act_as, note_dumpable};
use crate::subsystems::credentials::{Credentials, Identity};
use crate::subsystems::promises::Promises;
use crate::thread::Thread;
use alloc::vec::Vec;

/// Every identity that some thread has or had, but the first.
pub struct Identities {
    known: Vec<&'static Identity>,
}

impl Identities {
    /// None.
    pub const fn new() -> Identities {
        Identities { known: Vec::new() }
    }

    /// `groups` as an identity holds them: those of one that is known, or they are kept from now on.
    pub fn kept_groups(&self, groups: Vec<u32>) -> &'static [u32] {
        let mut known = self.known.iter().map(|identity| identity.supplementary);
        known.find(|&known| known == groups).unwrap_or_else(|| groups.leak())
    }

    /// Makes `thread`, which runs, `new` (kernel/cred.c, commit_creds).
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full.
    pub fn become_new(&mut self, promises: &mut Promises, thread: &mut Thread, new: Identity) -> Result<(), Errno> {
        let old = thread.credentials.identity();
        let ids = |identity: &Identity| {
            let Identity { users, groups, .. } = identity;
            (users.effective, groups.effective, users.files, groups.files)
        };
        if ids(old) != ids(&new) || new.capabilities.permitted & !old.capabilities.permitted != 0 {
            // Who may do more, or other things, than it could before is not to be looked into.
            promises.is_not_dumpable = true;
            note_dumpable(false);
            promises.parent_death_signal = 0;
        }
        let known = match self.known.iter().copied().find(|known| **known == new) {
            _ if *old == new => old,
            Some(known) => known,
            None => {
                self.known.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                let mut place = Vec::new();
                place.try_reserve_exact(1).map_err(|_| Errno::ENOMEM)?;
                place.push(new);
                let known: &'static Identity = place.leak().first().ok_or(Errno::ENOMEM)?;
                self.known.push(known);
                known
            }
        };
        thread.credentials = Credentials::of(known);
        act_as(thread.credentials);
        Ok(())
    }
}

/// The other ids for `setuid` and `setgid` (`is_capable`: any).
///
/// # Errors
/// EINVAL: -1; EPERM.
pub fn set_one(old: Ids, id: u32, is_capable: bool) -> Result<Ids, Errno> {
    match id {
        UNCHANGED_ID => Err(Errno::EINVAL),
        _ if is_capable => Ok(Ids::all(id)),
        _ if id == old.real || id == old.saved => Ok(Ids { effective: id, files: id, ..old }),
        _ => Err(Errno::EPERM),
    }
}

/// The other ids for `setreuid` and `setregid`.
///
/// # Errors
/// EPERM.
pub fn set_two(old: Ids, real: u32, effective: u32, is_capable: bool) -> Result<Ids, Errno> {
    let Ids { real: old_real, effective: old_effective, saved, .. } = old;
    let may_real = real == UNCHANGED_ID || [old_real, old_effective].contains(&real);
    let may_effective = effective == UNCHANGED_ID || [old_real, old_effective, saved].contains(&effective);
    if !(may_real && may_effective || is_capable) {
        return Err(Errno::EPERM);
    }
    let mut new = Ids { real: or(real, old_real), effective: or(effective, old_effective), ..old };
    if real != UNCHANGED_ID || effective != UNCHANGED_ID && effective != old_real {
        new.saved = new.effective;
    }
    new.files = new.effective;
    Ok(new)
}

/// The other ids for `setresuid` and `setresgid`; the same if nothing changes, also that for files.
///
/// # Errors
/// EPERM.
pub fn set_three(old: Ids, real: u32, effective: u32, saved: u32, is_capable: bool) -> Result<Ids, Errno> {
    let is_same = |new: u32, old: u32| new == UNCHANGED_ID || new == old;
    if is_same(real, old.real)
        && (is_same(effective, old.effective) && is_same(effective, old.files))
        && is_same(saved, old.saved)
    {
        return Ok(old);
    }
    let known = [UNCHANGED_ID, old.real, old.effective, old.saved];
    if !is_capable && [real, effective, saved].iter().any(|id| !known.contains(id)) {
        return Err(Errno::EPERM);
    }
    let effective = or(effective, old.effective);
    Ok(Ids { real: or(real, old.real), effective, saved: or(saved, old.saved), files: effective })
}

/// The other ids for `setfsuid` and `setfsgid`; the same for what may not be.
pub fn set_for_files(old: Ids, id: u32, is_capable: bool) -> Ids {
    let may = is_capable || [old.real, old.effective, old.saved, old.files].contains(&id);
    if id != UNCHANGED_ID && may { Ids { files: id, ..old } } else { old }
}

fn or(id: u32, old: u32) -> u32 {
    if id == UNCHANGED_ID { old } else { id }
}

impl Identity {
    /// With other user ids, by any call but `setfsuid`; user 0 has all capabilities that are permitted, and others lose them
    /// (cap_emulate_setxuid).
    pub fn with_users(&self, users: Ids) -> Identity {
        let mut new = Identity { users, ..self.clone() };
        if self.secure_bits & SECURE_NO_SETUID_FIXUP != 0 {
            return new;
        }
        let has_root = |ids: Ids| [ids.real, ids.effective, ids.saved].contains(&0);
        let capabilities = &mut new.capabilities;
        if has_root(self.users) && !has_root(users) {
            if self.secure_bits & SECURE_KEEP_CAPS == 0 {
                (capabilities.permitted, capabilities.effective) = (0, 0);
            }
            capabilities.ambient = 0;
        }
        match (self.users.effective, users.effective) {
            (0, 1..) => capabilities.effective = 0,
            (1.., 0) => capabilities.effective = capabilities.permitted,
            _ => {}
        }
        new
    }

    /// With another user id for files (cap_task_fix_setuid, LSM_SETID_FS).
    pub fn with_file_user(&self, users: Ids) -> Identity {
        let mut new = Identity { users, ..self.clone() };
        if self.secure_bits & SECURE_NO_SETUID_FIXUP == 0 {
            let capabilities = &mut new.capabilities;
            match (self.users.files, users.files) {
                (0, 1..) => capabilities.effective &= !FILE_CAPABILITIES,
                (1.., 0) => capabilities.effective |= capabilities.permitted & FILE_CAPABILITIES,
                _ => {}
            }
        }
        new
    }

    /// With `capability` ambient, or not (PR_CAP_AMBIENT).
    ///
    /// # Errors
    /// EPERM: it is not permitted and inheritable, or raising is forbidden.
    pub fn with_ambient(&self, capability: u32, raises: bool) -> Result<Identity, Errno> {
        let mut new = self.clone();
        let (set, sets) = (1 << capability, &mut new.capabilities);
        let is_forbidden = self.secure_bits & SECURE_NO_CAP_AMBIENT_RAISE != 0;
        if raises && (sets.permitted & sets.inheritable & set == 0 || is_forbidden) {
            return Err(Errno::EPERM);
        }
        sets.ambient = if raises { sets.ambient | set } else { sets.ambient & !set };
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::capability::{ALL_CAPABILITIES, CAP_CHOWN, CAP_KILL, CAP_SETUID};
    use crate::subsystems::acting::{has, owner};

    const OLD: Ids = Ids { real: 1, effective: 2, saved: 3, files: 4 };

    fn ids(real: u32, effective: u32, saved: u32, files: u32) -> Ids {
        Ids { real, effective, saved, files }
    }

    #[test]
    fn who_may_become_whom() {
        assert_eq!((set_one(OLD, 9, true), set_one(OLD, 3, false)), (Ok(Ids::all(9)), Ok(ids(1, 3, 3, 3))));
        assert_eq!((set_one(OLD, 2, false), set_one(OLD, u32::MAX, true)), (Err(Errno::EPERM), Err(Errno::EINVAL)));
        const NO: u32 = u32::MAX;
        assert_eq!(set_two(OLD, NO, NO, false), Ok(ids(1, 2, 3, 2)));
        assert_eq!(set_two(OLD, 2, NO, false), Ok(ids(2, 2, 2, 2)));
        assert_eq!(set_two(OLD, NO, 1, false), Ok(ids(1, 1, 3, 1)), "the saved one stays for the real one");
        assert_eq!(set_two(OLD, NO, 3, false), Ok(ids(1, 3, 3, 3)));
        assert_eq!((set_two(OLD, 3, NO, false), set_two(OLD, NO, 4, false)), (Err(Errno::EPERM), Err(Errno::EPERM)));
        assert_eq!(set_two(OLD, 8, 9, true), Ok(ids(8, 9, 9, 9)));
        assert_eq!(set_three(OLD, NO, NO, NO, false), Ok(OLD), "that for files, too");
        assert_eq!(set_three(OLD, 1, 2, 3, false), Ok(ids(1, 2, 3, 2)));
        assert_eq!(set_three(OLD, 3, 1, 2, false), Ok(ids(3, 1, 2, 1)));
        assert_eq!(
            (set_three(OLD, NO, 4, NO, false), set_three(OLD, NO, NO, 4, true)),
            (Err(Errno::EPERM), Ok(ids(1, 2, 4, 2)))
        );
        assert_eq!((set_for_files(OLD, 3, false), set_for_files(OLD, 9, false)), (ids(1, 2, 3, 3), OLD));
        assert_eq!((set_for_files(OLD, NO, true), set_for_files(OLD, 9, true)), (OLD, ids(1, 2, 3, 9)));
    }

    #[test]
    fn capabilities_go_and_come() {
        let root = Credentials::FIRST.identity();
        let user = root.with_users(Ids::all(5));
        assert_eq!((user.capabilities.permitted, user.capabilities.effective), (0, 0));
        let aside = root.with_users(ids(0, 5, 0, 5));
        assert_eq!((aside.capabilities.permitted, aside.capabilities.effective), (ALL_CAPABILITIES, 0));
        assert_eq!(aside.with_users(Ids::all(0)).capabilities.effective, ALL_CAPABILITIES);
        let keeps = Identity { secure_bits: SECURE_KEEP_CAPS, ..root.clone() }.with_users(Ids::all(5));
        assert_eq!((keeps.capabilities.permitted, keeps.capabilities.effective), (ALL_CAPABILITIES, 0));
        let fixed = Identity { secure_bits: SECURE_NO_SETUID_FIXUP, ..root.clone() }.with_users(Ids::all(5));
        assert_eq!(fixed.capabilities, root.capabilities);
        let files = root.with_file_user(ids(0, 0, 0, 5));
        let has = |identity: &Identity, capability: u32| identity.capabilities.effective >> capability & 1 != 0;
        assert!(!has(&files, CAP_CHOWN) && has(&files, CAP_KILL) && has(&files, CAP_SETUID));
        assert!(has(&files.with_file_user(Ids::all(0)), CAP_CHOWN));
        assert_eq!(root.with_ambient(CAP_KILL, true).err(), Some(Errno::EPERM), "it is not inheritable");
    }

    /// One identity is kept once, and counts for files at once.
    #[test]
    fn becoming() {
        let (mut identities, mut promises, mut thread) = (Identities::new(), Promises::new(), Thread::first());
        let root = thread.credentials.identity();
        let mut change = |thread: &mut Thread, new| identities.become_new(&mut promises, thread, new);
        for (user, known) in [(5, 1), (0, 2), (5, 2), (0, 2)] {
            let old = thread.credentials.identity();
            assert_eq!(change(&mut thread, old.with_users(ids(0, user, 0, user))), Ok(()));
            assert_eq!((owner(), has(CAP_CHOWN)), ((user, 0), user == 0), "{known}");
        }
        assert_eq!(change(&mut thread, root.with_users(Ids::all(5))), Ok(()));
        assert_eq!((identities.known.len(), promises.is_not_dumpable), (3, true));
    }

    #[test]
    fn groups_are_kept_once() {
        let (mut identities, mut promises, mut thread) = (Identities::new(), Promises::new(), Thread::first());
        let supplementary = identities.kept_groups(vec![5, 7]);
        let new = Identity { supplementary, ..thread.credentials.identity().clone() };
        assert_eq!(identities.become_new(&mut promises, &mut thread, new), Ok(()));
        assert!(core::ptr::eq(identities.kept_groups(vec![5, 7]), supplementary));
        let user = thread.credentials.identity().with_users(Ids::all(5));
        assert!(core::ptr::eq(user.supplementary, supplementary), "nothing is copied for another user");
    }
}
