//! Futex operations and words (include/uapi/linux/futex.h).

use crate::errno::Errno;

/// Wait while the word has a value.
pub const FUTEX_WAIT: u32 = 0;
/// Wake waiters.
pub const FUTEX_WAKE: u32 = 1;
/// Wake some, let others wait for another word.
pub const FUTEX_REQUEUE: u32 = 3;
/// The same, if the word has a value.
pub const FUTEX_CMP_REQUEUE: u32 = 4;
/// Change a second word, wake waiters of one or both.
pub const FUTEX_WAKE_OP: u32 = 5;
/// Own the word, or wait until one does.
pub const FUTEX_LOCK_PI: u32 = 6;
/// Give it up.
pub const FUTEX_UNLOCK_PI: u32 = 7;
/// Own it if nobody does.
pub const FUTEX_TRYLOCK_PI: u32 = 8;
/// Wait until a time, for wakes of some kinds.
pub const FUTEX_WAIT_BITSET: u32 = 9;
/// Wake waiters for some kinds.
pub const FUTEX_WAKE_BITSET: u32 = 10;
/// Wait, to be requeued to a word to own.
pub const FUTEX_WAIT_REQUEUE_PI: u32 = 11;
/// Requeue to a word to own.
pub const FUTEX_CMP_REQUEUE_PI: u32 = 12;
/// As LOCK_PI, by the monotonic clock.
pub const FUTEX_LOCK_PI2: u32 = 13;

/// The word is not shared with other processes; all are so here.
pub const FUTEX_PRIVATE_FLAG: u32 = 128;
/// The timeout is by the time of day.
pub const FUTEX_CLOCK_REALTIME: u32 = 256;
/// Every bit: what operations without a set match.
pub const MATCH_ANY: u32 = u32::MAX;

/// A robust or priority-inheritance futex has waiters.
pub const FUTEX_WAITERS: u32 = 0x8000_0000;
/// Its owner died while holding it.
pub const FUTEX_OWNER_DIED: u32 = 0x4000_0000;
/// The owner's id; 0 if there is none.
pub const FUTEX_TID_MASK: u32 = 0x3fff_ffff;

/// Bytes of `struct robust_list_head`.
pub const ROBUST_LIST_HEAD_BYTES: usize = 24;

/// What FUTEX_WAKE_OP does to the second word `old`: the new word, and whether its waiters are to be woken too.
///
/// # Errors
/// ENOSYS for an unknown operation. An unknown comparison is found only once the word is written: `Ok(_, None)`.
pub fn wake_operation(encoded: u32, old: u32) -> Result<(u32, Option<bool>), Errno> {
    let field = |shift: u32| ((encoded << shift) as i32) >> 20; // 12 bits, sign-extended
    let (argument, compared) = (field(8), field(20));
    let argument = if encoded >> 31 != 0 { 1u32 << (argument & 31) } else { argument as u32 };
    let new = match encoded >> 28 & 7 {
        0 => argument,
        1 => old.wrapping_add(argument),
        2 => old | argument,
        3 => old & !argument,
        4 => old ^ argument,
        _ => return Err(Errno::ENOSYS),
    };
    let signed = old as i32;
    // FUTEX_OP_CMP_EQ, NE, LT, LE, GT, GE (include/uapi/linux/futex.h).
    let holds = match encoded >> 24 & 15 {
        0 => Some(signed == compared),
        1 => Some(signed != compared),
        2 => Some(signed < compared),
        3 => Some(signed <= compared),
        4 => Some(signed > compared),
        5 => Some(signed >= compared),
        _ => None,
    };
    Ok((new, holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FUTEX_OP of the header.
    fn encode(operation: u32, argument: u32, comparison: u32, compared: u32) -> u32 {
        operation << 28 | comparison << 24 | (argument & 0xfff) << 12 | compared & 0xfff
    }

    #[test]
    fn operations_and_comparisons() {
        for (operation, argument, old, new) in [
            (0, 5, 9, 5),
            (1, 5, 9, 14),
            (1, -1i32 as u32, 9, 8),
            (2, 6, 9, 15),
            (3, 1, 9, 8),
            (4, 1, 9, 8),
            (8, 4, 9, 16),
        ] {
            assert_eq!(wake_operation(encode(operation, argument, 0, 9), old), Ok((new, Some(true))));
        }
        for (comparison, below, same, above) in [
            (0, false, true, false),
            (1, true, false, true),
            (2, true, false, false),
            (3, true, true, false),
            (4, false, false, true),
            (5, false, true, true),
        ] {
            for (old, holds) in [(-3, below), (-2, same), (-1, above)] {
                let encoded = encode(0, 0, comparison, -2i32 as u32);
                assert_eq!(wake_operation(encoded, old as u32), Ok((0, Some(holds))), "{comparison} {old}");
            }
        }
        assert_eq!(wake_operation(encode(5, 0, 0, 0), 0), Err(Errno::ENOSYS));
        assert_eq!(wake_operation(encode(0, 1, 6, 0), 0), Ok((1, None)));
    }
}
