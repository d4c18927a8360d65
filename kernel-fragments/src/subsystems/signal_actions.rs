//! What `rt_sigaction` is asked for, and what it tells.

use crate::abi::signal::{Action, SA_KNOWN, SET_BYTES, SIGACTION_BYTES, UNBLOCKABLE, check, set_of};
use crate::errno::{Errno, SysResult};
use crate::subsystems::signal_faults::HANDLERS_ARE_CALLED;
use crate::user_memory::{UserAddress, UserMemory};

// A program that sets handlers needs the kernel that calls them.
const _: () = assert!(HANDLERS_ARE_CALLED);

/// The signal that is `number`, and the action at `address`, if that is not null.
///
/// # Errors
/// EINVAL: no such signal, or one whose action nobody sets, or sets are not as many bytes. EFAULT.
pub fn read_action(
    memory: &impl UserMemory,
    number: i32,
    address: UserAddress,
    set_bytes: usize,
) -> Result<(u32, Option<Action>), Errno> {
    if set_bytes != SET_BYTES {
        return Err(Errno::EINVAL);
    }
    let is_given = !address.is_null();
    if is_given {
        memory.read::<SIGACTION_BYTES>(address)?;
    }
    let signal = check(number)?;
    if !is_given {
        return Ok((signal, None));
    }
    if set_of(signal) & UNBLOCKABLE != 0 {
        return Err(Errno::EINVAL);
    }
    let field = |offset: usize| memory.read_u64(address.add(offset));
    Ok((signal, Some(Action { handler: field(0)?, flags: field(8)? & SA_KNOWN, mask: field(16)? & !UNBLOCKABLE })))
}

/// Stores `action` at `address`, if that is not null.
pub fn tell_action(memory: &mut impl UserMemory, address: UserAddress, action: Action) -> SysResult {
    if !address.is_null() {
        memory.slice_mut(address, SIGACTION_BYTES)?;
        for (offset, value) in [(0, action.handler), (8, action.flags), (16, action.mask)] {
            memory.write_u64(address.add(offset), value)?;
        }
    }
    Ok(0)
}
