//! `struct signalfd_siginfo` (include/uapi/linux/signalfd.h), and which parts of it a signal fills (kernel/signal.c,
//! siginfo_layout).

use crate::abi::signal::{SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
use crate::abi::signal_info::{SI_KERNEL, SI_TIMER, SignalInfo};

/// Bytes of one.
pub const SIGNALFD_INFO_BYTES: usize = 128;

/// What is read of `signal`, which came with `info`.
pub fn encode(signal: u32, info: SignalInfo) -> [u8; SIGNALFD_INFO_BYTES] {
    let mut bytes = [0; SIGNALFD_INFO_BYTES];
    let mut put = |offset: usize, value: &[u8]| {
        if let Some(place) = bytes.get_mut(offset..offset + value.len()) {
            place.copy_from_slice(value);
        }
    };
    put(0, &signal.to_le_bytes());
    put(8, &info.code.to_le_bytes());
    let [first, value] = info.words;
    let is_fault = matches!(signal, SIGILL | SIGTRAP | SIGBUS | SIGFPE | SIGSEGV);
    if (1..SI_KERNEL).contains(&info.code) && is_fault {
        put(72, &first.to_le_bytes()); // ssi_addr
    } else if info.code == SI_TIMER {
        put(24, &(first as u32).to_le_bytes()); // ssi_tid
        put(32, &((first >> 32) as u32).to_le_bytes()); // ssi_overrun
    } else {
        put(12, &first.to_le_bytes()); // ssi_pid, ssi_uid
    }
    if info.code < 0 {
        put(44, &(value as u32).to_le_bytes()); // ssi_int
        put(48, &value.to_le_bytes()); // ssi_ptr
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal_info::SI_QUEUE;

    #[test]
    fn every_kind_has_its_fields() {
        let word = |bytes: &[u8; SIGNALFD_INFO_BYTES], at: usize| bytes[at];
        let sent = encode(10, SignalInfo { code: SI_QUEUE, words: [2 | 7 << 32, 99] });
        assert_eq!([0, 8, 12, 16, 44, 48].map(|at| word(&sent, at)), [10, 255, 2, 7, 99, 99]);
        let timer = encode(14, SignalInfo { code: SI_TIMER, words: [3 | 4 << 32, 99] });
        assert_eq!([12, 24, 32, 44, 48].map(|at| word(&timer, at)), [0, 3, 4, 99, 99]);
        let fault = encode(SIGSEGV, SignalInfo::fault(1, 0x55));
        assert_eq!([12, 72, 48].map(|at| word(&fault, at)), [0, 0x55, 0]);
    }
}
