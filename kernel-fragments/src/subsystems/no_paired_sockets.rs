//! Takes the place of `paired_sockets.rs` in kernels without `socketpair`: there are none.

use crate::errno::Errno;
use crate::subsystems::unix_socket::SocketKind;

/// An end of a pair that cannot be, so that no code is left that uses one.
pub enum PairedSocket {}

#[allow(missing_docs)] // as in `paired_sockets.rs`
impl PairedSocket {
    pub fn kind(&self) -> SocketKind {
        match *self {}
    }

    pub fn take_error(&self) -> Option<Errno> {
        match *self {}
    }

    pub fn is_connected(&self) -> bool {
        match *self {}
    }

    pub fn is_full(&self) -> bool {
        match *self {}
    }

    pub fn shut_down(&self, _directions: u32) {
        match *self {}
    }
}

/// Nothing is one.
#[inline(always)]
pub fn paired<O>(_open: &O) -> Option<&PairedSocket> {
    None
}

/// No file keeps messages apart.
#[inline(always)]
pub fn keeps_messages<O>(_open: &O) -> bool {
    false
}

/// No file ends in this way.
#[inline(always)]
pub fn is_receiving_over<O>(_open: &O) -> bool {
    false
}
