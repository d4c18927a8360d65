//! `set_tid_address(2)`: <https://man7.org/linux/man-pages/man2/set_tid_address.2.html>. Supported: everything.
//! Errors: none.

use crate::errno::SysResult;
use crate::thread::Thread;
use crate::user_memory::UserAddress;

syscall!(96 => set_tid_address);

/// Remembers where the thread's end is to be announced; returns its id. The address is looked at when it ends.
pub fn set_tid_address(thread: &mut Thread, address: UserAddress) -> SysResult {
    thread.clear_child_tid = address;
    Ok(thread.tid as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_address_and_returns_the_id() {
        let mut thread = Thread::first();
        assert_eq!(set_tid_address(&mut thread, UserAddress(0x1234)), Ok(thread.tid as usize));
        assert_eq!(thread.clear_child_tid, UserAddress(0x1234));
    }
}
