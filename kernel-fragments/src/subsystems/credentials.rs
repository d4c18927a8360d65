//! Who a thread is (credentials(7)), where a call that changes that is reachable. Elsewhere `no_credentials.rs` takes this file's
//! place: there everybody is root, and nothing is ever asked.
//!
//! As on Linux each thread has its own; C libraries have all threads make the same call.

use crate::abi::capability::{CAP_KILL, CapabilitySets};
use crate::abi::credentials::{GROUP_ID, Ids, USER_ID};
pub use crate::subsystems::acting::{groups, has as caller_has, note_limit, noted_limits, users};

/// All that a thread is. It never changes: another one takes its place (`identities.rs`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Its user ids.
    pub users: Ids,
    /// Its group ids.
    pub groups: Ids,
    /// The groups it is in beside these, ascending.
    pub supplementary: &'static [u32],
    /// Its capabilities.
    pub capabilities: CapabilitySets,
    /// Its SECURE_ bits.
    pub secure_bits: u32,
}

/// As the process starts.
static ROOT: Identity = Identity {
    users: Ids::all(USER_ID),
    groups: Ids::all(GROUP_ID),
    supplementary: &[],
    capabilities: CapabilitySets::ALL,
    secure_bits: 0,
};

/// Who one thread is: one word, of which every new thread gets a copy.
#[derive(Clone, Copy, Debug)]
pub struct Credentials(Option<&'static Identity>);

impl Credentials {
    /// The superuser, whom the program starts as.
    pub const FIRST: Credentials = Credentials(None);

    /// Those of `identity`.
    pub fn of(identity: &'static Identity) -> Credentials {
        Credentials(Some(identity))
    }

    /// All of it.
    pub fn identity(self) -> &'static Identity {
        self.0.unwrap_or(&ROOT)
    }

    /// The user ids.
    pub fn users(self) -> Ids {
        self.identity().users
    }

    /// The group ids.
    pub fn groups(self) -> Ids {
        self.identity().groups
    }

    /// The groups beside these, ascending.
    pub fn supplementary(self) -> &'static [u32] {
        self.identity().supplementary
    }

    /// The capabilities.
    pub fn capabilities(self) -> CapabilitySets {
        self.identity().capabilities
    }

    /// Whether `capability` is among those that count.
    pub fn has(self, capability: u32) -> bool {
        self.capabilities().effective >> capability & 1 != 0
    }

    /// Whether process 1, the superuser's, may be sent a signal (kernel/signal.c, kill_ok_by_cred).
    pub fn may_signal_root(self) -> bool {
        let Ids { real, effective, .. } = self.users();
        real == USER_ID || effective == USER_ID || self.has(CAP_KILL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_first_and_later() {
        assert!(Credentials::FIRST.has(CAP_KILL) && Credentials::FIRST.may_signal_root());
        let none = CapabilitySets { effective: 0, ..CapabilitySets::ALL };
        let other = Identity { users: Ids::all(5), capabilities: none, ..ROOT.clone() };
        let other = Credentials::of(Box::leak(Box::new(other)));
        assert!(!other.has(CAP_KILL) && !other.may_signal_root());
        assert_eq!((other.users().files, other.groups().real, other.supplementary()), (5, 0, &[][..]));
    }
}
