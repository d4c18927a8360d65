//! In whose name the running thread acts: user and group for files, the groups beside it, the capabilities that count, the effective
//! ids, and the limits that bind who lacks a capability. What is used by it has no way to the thread that uses it, so who becomes
//! somebody else, and who goes on, leaves it here.

use crate::abi::capability::{ALL_CAPABILITIES, SECURE_NO_SETUID_FIXUP};
use crate::abi::credentials::{GROUP_ID, Ids, USER_ID};
use crate::abi::rlimit::{RLIMIT_NICE, RLIMIT_RTPRIO};
use crate::subsystems::credentials::{Credentials, Identity};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Most groups beside its own that a thread can be in here; Linux has room for 65536.
pub const MOST_GROUPS: usize = 256;

/// Who acts. Atomic only to be a safe static: there is one hart, and relaxed accesses are plain ones.
struct Acting {
    user: AtomicU32,
    group: AtomicU32,
    capabilities: AtomicU64,
    groups: [AtomicU32; MOST_GROUPS],
    groups_count: AtomicUsize,
    /// Real, effective, saved and that for files.
    user_ids: [AtomicU32; 4],
    group_ids: [AtomicU32; 4],
    is_not_dumpable: AtomicBool,
    /// Soft limits, at first 0 as for every process: RLIMIT_NICE, RLIMIT_RTPRIO.
    limits: [AtomicU64; 2],
}

impl Acting {
    const fn new() -> Acting {
        Acting {
            user: AtomicU32::new(0),
            group: AtomicU32::new(0),
            capabilities: AtomicU64::new(ALL_CAPABILITIES),
            groups: [const { AtomicU32::new(0) }; MOST_GROUPS],
            groups_count: AtomicUsize::new(0),
            user_ids: [const { AtomicU32::new(USER_ID) }; 4],
            group_ids: [const { AtomicU32::new(GROUP_ID) }; 4],
            is_not_dumpable: AtomicBool::new(false),
            limits: [const { AtomicU64::new(0) }; 2],
        }
    }
}

#[cfg(not(test))]
static ACTING: Acting = Acting::new();

// Tests run beside each other: each has its own.
#[cfg(test)]
std::thread_local! {
    static ACTING: Acting = const { Acting::new() };
}

fn with<R>(work: impl FnOnce(&Acting) -> R) -> R {
    #[cfg(not(test))]
    return work(&ACTING);
    #[cfg(test)]
    ACTING.with(work)
}

/// From now on everything is done in the name of `credentials`.
pub fn act_as(credentials: Credentials) {
    let identity = credentials.identity();
    act(identity, identity.users.files, identity.groups.files, identity.capabilities.effective);
}

/// From now on files are used in the name of the real ids of `credentials`, with the capabilities that those have by themselves
/// (fs/open.c, access_override_creds).
pub fn act_as_real(credentials: Credentials) {
    let identity = credentials.identity();
    let capabilities = match identity.users.real {
        _ if identity.secure_bits & SECURE_NO_SETUID_FIXUP != 0 => identity.capabilities.effective,
        0 => identity.capabilities.permitted,
        _ => 0,
    };
    act(identity, identity.users.real, identity.groups.real, capabilities);
}

fn act(identity: &Identity, user: u32, group: u32, capabilities: u64) {
    with(|acting| {
        acting.user.store(user, Relaxed);
        acting.group.store(group, Relaxed);
        acting.capabilities.store(capabilities, Relaxed);
        for (places, ids) in [(&acting.user_ids, identity.users), (&acting.group_ids, identity.groups)] {
            let ids = [ids.real, ids.effective, ids.saved, ids.files];
            places.iter().zip(ids).for_each(|(place, id)| place.store(id, Relaxed));
        }
        acting.groups_count.store(identity.supplementary.len().min(MOST_GROUPS), Relaxed);
        for (place, &group) in acting.groups.iter().zip(identity.supplementary) {
            place.store(group, Relaxed);
        }
    });
}

/// The user and the group that new files get.
pub fn owner() -> (u32, u32) {
    with(|acting| (acting.user.load(Relaxed), acting.group.load(Relaxed)))
}

/// Whether `capability` counts.
pub fn has(capability: u32) -> bool {
    with(|acting| acting.capabilities.load(Relaxed) >> capability & 1 != 0)
}

/// Whether who acts is in `group`.
pub fn is_in_group(group: u32) -> bool {
    with(|acting| {
        let count = acting.groups_count.load(Relaxed);
        acting.group.load(Relaxed) == group
            || acting.groups.iter().take(count).any(|other| other.load(Relaxed) == group)
    })
}

/// The user ids of who runs.
pub fn users() -> Ids {
    with(|acting| ids(&acting.user_ids))
}

/// The group ids of who runs.
pub fn groups() -> Ids {
    with(|acting| ids(&acting.group_ids))
}

fn ids(places: &[AtomicU32; 4]) -> Ids {
    let [real, effective, saved, files] = places.each_ref().map(|place| place.load(Relaxed));
    Ids { real, effective, saved, files }
}

/// Whether others may look into the process, or not.
pub fn note_dumpable(is_dumpable: bool) {
    with(|acting| acting.is_not_dumpable.store(!is_dumpable, Relaxed));
}

/// Whose the files of `/proc/self` are (fs/proc/base.c, task_dump_owner).
pub fn owner_of_process_files() -> (u32, u32) {
    if with(|acting| acting.is_not_dumpable.load(Relaxed)) { (0, 0) } else { (users().effective, groups().effective) }
}

/// The soft limit of `resource` is `limit`.
pub fn note_limit(resource: u32, limit: u64) {
    if let Some(index) = [RLIMIT_NICE, RLIMIT_RTPRIO].iter().position(|&known| known == resource) {
        with(|acting| acting.limits.get(index).into_iter().for_each(|place| place.store(limit, Relaxed)));
    }
}

/// The soft limits of RLIMIT_NICE and RLIMIT_RTPRIO.
pub fn noted_limits() -> (u64, u64) {
    with(|acting| {
        let [nice, priority] = &acting.limits;
        (nice.load(Relaxed), priority.load(Relaxed))
    })
}

/// From now on the test acts in the first name without any capability; returns it.
#[cfg(test)]
pub fn act_without_capabilities() -> Credentials {
    use crate::abi::capability::CapabilitySets;
    let none = CapabilitySets { effective: 0, ..CapabilitySets::ALL };
    let identity = Identity { capabilities: none, ..Credentials::FIRST.identity().clone() };
    let credentials = Credentials::of(alloc::boxed::Box::leak(alloc::boxed::Box::new(identity)));
    act_as(credentials);
    credentials
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::capability::CAP_KILL;

    #[test]
    fn what_is_left_here() {
        assert_eq!((owner(), users(), has(CAP_KILL), is_in_group(5)), ((0, 0), Ids::all(0), true, false));
        let first = Credentials::FIRST.identity();
        let mut identity = Identity { supplementary: &[5, 7], ..first.clone() };
        (identity.users.real, identity.users.effective, identity.users.files) = (1, 2, 3);
        identity.capabilities.effective = 0;
        let credentials = Credentials::of(Box::leak(Box::new(identity)));
        act_as(credentials);
        assert_eq!((owner(), users(), has(CAP_KILL), is_in_group(5)), ((3, 0), credentials.users(), false, true));
        assert_eq!(groups(), Ids::all(0));
        assert_eq!(owner_of_process_files(), (2, 0));
        note_dumpable(false);
        act_as_real(credentials);
        assert_eq!((owner(), owner_of_process_files(), has(CAP_KILL)), ((1, 0), (0, 0), false));
        note_limit(RLIMIT_RTPRIO, 9);
        note_limit(0, 8);
        assert_eq!(noted_limits(), (0, 9));
    }
}
