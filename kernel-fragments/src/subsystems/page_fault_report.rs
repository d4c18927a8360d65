//! The kernel's last words about page faults, in kernels behind a page table: what the page does not allow. All other faults are
//! `report.rs`'s.

use crate::boot_info::BootInfo;
use crate::platform_interface::Platform;
use crate::report::{self, place};
use crate::stop::Message;
use crate::stop::Part::{Decimal, Hex, Text};

/// Exception causes (ISA manual II, "Supervisor Cause Register").
const INSTRUCTION_PAGE_FAULT: u64 = 12;
const LOAD_PAGE_FAULT: u64 = 13;
const STORE_PAGE_FAULT: u64 = 15;
/// Wait status of a program that SIGSEGV (signal(7)) ended.
const ENDED_BY_SIGSEGV: i32 = 128 + 11;
/// An access as far as this below the stack is taken for its overflow: what the builder keeps free there, and Linux, too
/// (mm/mmap.c, stack_guard_gap).
const STACK_GUARD_BYTES: u64 = 1 << 20;

/// Ends the run: the program (or the kernel) met exception `cause` at `pc`, with trap value `value`.
pub fn fault(platform: &mut impl Platform, boot: &BootInfo, cause: u64, pc: u64, value: u64) -> ! {
    // A page that is not mapped allows nothing, either.
    let what = match cause {
        _ if boot.kernel_code.holds(pc as usize, 1) => report::fault(platform, boot, cause, pc, value),
        INSTRUCTION_PAGE_FAULT => "jump to a page that may not be executed",
        LOAD_PAGE_FAULT => "read of a page that may not be read",
        STORE_PAGE_FAULT => "write to a page that may not be written",
        _ => report::fault(platform, boot, cause, pc, value),
    };
    let below_stack = boot.stack_range.start.checked_sub(value);
    let is_overflow = cause != INSTRUCTION_PAGE_FAULT && below_stack.is_some_and(|below| below <= STACK_GUARD_BYTES);
    let hint: &[u8] = if is_overflow { b", below the stack, which is full" } else { b"" };
    let [in_, function] = place(boot, pc);
    Message(platform).write(
        "zeroos: fault: %, cause %, pc %%%, trap value %%\n",
        &[Text(what.as_bytes()), Decimal(cause), Hex(pc), in_, function, Hex(value), Text(hint)],
    );
    platform.exit(ENDED_BY_SIGSEGV)
}
