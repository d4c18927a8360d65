//! In place of `credentials.rs` where no call can change who a thread is: everybody is root, with every right.

use crate::abi::capability::CapabilitySets;
use crate::abi::credentials::{GROUP_ID, Ids, USER_ID};

/// Who one thread is.
#[derive(Clone, Copy, Debug)]
pub struct Credentials;

impl Credentials {
    /// The superuser.
    pub const FIRST: Credentials = Credentials;

    /// The user ids.
    #[inline(always)]
    pub fn users(self) -> Ids {
        Ids::all(USER_ID)
    }

    /// The group ids.
    #[inline(always)]
    pub fn groups(self) -> Ids {
        Ids::all(GROUP_ID)
    }

    /// The groups beside these.
    #[inline(always)]
    pub fn supplementary(self) -> &'static [u32] {
        &[]
    }

    /// The capabilities.
    #[inline(always)]
    pub fn capabilities(self) -> CapabilitySets {
        CapabilitySets::ALL
    }

    /// Whether `capability` is among those that count.
    #[inline(always)]
    pub fn has(self, _capability: u32) -> bool {
        true
    }

    /// Whether process 1 may be sent a signal.
    #[inline(always)]
    pub fn may_signal_root(self) -> bool {
        true
    }
}

/// Whether the running thread has `capability`.
#[inline(always)]
pub fn caller_has(_capability: u32) -> bool {
    true
}

/// The user ids of the running thread.
#[inline(always)]
pub fn users() -> Ids {
    Ids::all(USER_ID)
}

/// The group ids of the running thread.
#[inline(always)]
pub fn groups() -> Ids {
    Ids::all(GROUP_ID)
}

/// A soft limit was set, which binds nobody who has every capability.
#[inline(always)]
pub fn note_limit(_resource: u32, _limit: u64) {}

/// The soft limits of RLIMIT_NICE and RLIMIT_RTPRIO, as far as they bind anybody.
#[inline(always)]
pub fn noted_limits() -> (u64, u64) {
    (0, 0)
}
