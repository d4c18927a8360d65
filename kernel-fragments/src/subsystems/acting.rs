//! In whose name the running thread uses files: user and group for files, the groups beside it, and the capabilities that count.
//! Files have no way to the thread that uses them, so who becomes somebody else, and who goes on, leaves it here.

use crate::subsystems::credentials::{Credentials, Identity};
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Most groups beside its own that a thread can be in here; Linux has room for 65536.
pub const MOST_GROUPS: usize = 256;

/// Who acts. Atomic only to be a safe static: there is one hart, and relaxed accesses are plain ones.
struct Acting {
    user: AtomicU32,
    group: AtomicU32,
    capabilities: AtomicU64,
    groups: [AtomicU32; MOST_GROUPS],
    groups_count: AtomicUsize,
}

impl Acting {
    const fn new() -> Acting {
        Acting {
            user: AtomicU32::new(0),
            group: AtomicU32::new(0),
            capabilities: AtomicU64::new(crate::abi::capability::ALL_CAPABILITIES),
            groups: [const { AtomicU32::new(0) }; MOST_GROUPS],
            groups_count: AtomicUsize::new(0),
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

/// From now on files are used in the name of `credentials`.
pub fn act_as(credentials: Credentials) {
    let identity = credentials.identity();
    act(identity, identity.users.files, identity.groups.files, identity.capabilities.effective);
}

/// From now on files are used in the name of the real ids of `credentials`, with the capabilities that those have by themselves
/// (fs/open.c, access_override_creds).
pub fn act_as_real(credentials: Credentials) {
    use crate::abi::capability::SECURE_NO_SETUID_FIXUP;
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
        acting.groups_count.store(identity.supplementary.len().min(MOST_GROUPS), Relaxed);
        for (place, &group) in acting.groups.iter().zip(&identity.supplementary) {
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
