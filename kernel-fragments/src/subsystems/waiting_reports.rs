//! What is told when nobody can ever go on: who waits for what.

use crate::platform_interface::Platform;
use crate::stop::{Message, Part};
use crate::thread::{ECALL_BYTES, PC, Thread, Wait};

/// Says what each of `threads` waits for and where.
pub fn report_waiting<'t>(platform: &mut impl Platform, threads: impl Iterator<Item = &'t Thread>) {
    for thread in threads {
        let (what, address) = match thread.wait {
            Wait::Futex(address, _) => ("a wake of the futex at ", Part::Hex(address.0 as u64)),
            Wait::OwnFutex(address) => ("ownership of the futex at ", Part::Hex(address.0 as u64)),
            Wait::Sleep(_) => ("a signal", Part::Text(b"")),
            Wait::Event => ("something to happen to a file, or a signal", Part::Text(b"")),
        };
        let behind = if thread.wait == Wait::Event { 0 } else { ECALL_BYTES };
        let (tid, pc) = (u64::from(thread.tid), thread.frame.x[PC].wrapping_sub(behind));
        let parts = [Part::Decimal(tid), Part::Text(what.as_bytes()), address, Part::Hex(pc)];
        Message(platform).write("zeroos: thread % waits for %%, pc %\n", &parts);
    }
}
