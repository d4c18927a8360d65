//! Why a machine ended a run by itself: what on the real machine is a panic, an abort or a proof that cannot be made.

use super::trap::{INSTRUCTION_ACCESS_FAULT, STORE_ACCESS_FAULT, Trap};
use crate::address::{Address, ByteCount};

/// What ended the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// An exception where no handler can be set.
    #[error("{trap}{}, and the machine has no trap handler", why(*trap, *protected))]
    Unhandled {
        /// The exception.
        trap: Trap,
        /// Whether there is memory at the address that could not be reached.
        protected: bool,
    },
    /// A misaligned load or store on a machine that does not do it.
    #[error("misaligned access to {address} at {pc}: this machine has aligned loads and stores only")]
    Misaligned {
        /// The load or store.
        pc: Address,
        /// What it wanted to reach.
        address: Address,
    },
    /// An `ecall` of the program, on a machine whose host would take it for a call to itself.
    #[error(
        "the program's own ecall at {pc} reached the machine (a7 is {number}): \
         the host would take it for a call to itself"
    )]
    ProgramCall {
        /// The `ecall`.
        pc: Address,
        /// What was in a7.
        number: u64,
    },
    /// The host could not do what it was asked to.
    #[error("{failure} at {pc}")]
    Host {
        /// The instruction that asked.
        pc: Address,
        /// Why not.
        failure: HostFailure,
    },
}

impl Failure {
    /// The instruction that did it.
    pub fn pc(self) -> Address {
        match self {
            Failure::Unhandled { trap, .. } => trap.pc,
            Failure::Misaligned { pc, .. } | Failure::ProgramCall { pc, .. } | Failure::Host { pc, .. } => pc,
        }
    }
}

/// What an access fault means where there is memory.
fn why(trap: Trap, protected: bool) -> &'static str {
    match trap.cause {
        INSTRUCTION_ACCESS_FAULT if protected => ", memory that is not executable",
        STORE_ACCESS_FAULT if protected => ", memory that cannot be written",
        _ => "",
    }
}

/// What a host refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HostFailure {
    /// No such call.
    #[error("host call {0:#x} does not exist")]
    UnknownCall(u64),
    /// No such descriptor.
    #[error("a host call names descriptor {0}, which does not exist")]
    UnknownDescriptor(u64),
    /// A buffer that is not memory.
    #[error("a host call names {length} bytes at {address}, which are not all memory that it may reach")]
    Outside {
        /// Its first byte.
        address: Address,
        /// Its length, bytes.
        length: u64,
    },
    /// A second look at an input that is read once.
    #[error("the input is read a second time")]
    InputConsumed,
    /// Another length than the input's.
    #[error("{asked} bytes of input are asked for, but there are {there}; both must be the same")]
    InputLength {
        /// What the guest wants.
        asked: u64,
        /// What there is.
        there: u64,
    },
    /// Input for an odd place.
    #[error("input is to go to {0}, which is not on 8 bytes")]
    InputMisaligned(Address),
    /// Input over something.
    #[error("input is to go to {0}, where something has been written; it must go to untouched memory")]
    InputOverwrites(Address),
    /// More input than the machine can show.
    #[error("the input of {there} is too large for this machine, which has room for {room}")]
    InputTooLarge {
        /// What there is.
        there: ByteCount,
        /// What fits.
        room: ByteCount,
    },
    /// More public output than the machine has room for.
    #[error("the public output is larger than {0}, which is all that this machine has room for")]
    OutputTooLarge(ByteCount),
    /// An index beyond the digest's words.
    #[error("a digest has 8 words; word {0} is committed")]
    DigestIndex(u64),
    /// The run ended without one of the words.
    #[error("the run ends without word {0} of the public output's SHA-256 committed")]
    DigestMissing(u8),
    /// A word that is another one.
    #[error("word {0} of the committed digest is not that of the public output's SHA-256")]
    DigestWrong(u8),
    /// The run ended without one of the deferred words, or it is not zero.
    #[error("the run ends without word {0} of the deferred digest committed as zero")]
    DeferredDigest(u8),
}
