//! `/proc/self/stat` (proc_pid_stat(5); fs/proc/array.c, do_task_stat): one line of 52 fields. What is not kept is 0.

use crate::abi::memory::PAGE_BYTES;
use crate::boot_info::BootInfo;
use crate::subsystems::process_files::{decimal, name_of};
use crate::subsystems::process_stack::places;
use crate::subsystems::session::Session;
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::UserMemory;
use alloc::vec::Vec;

/// PF_RANDOMIZE, which every program has.
const FLAGS: usize = 0x40_0000;
/// Priority 20 is what niceness 0 shows as.
const PRIORITY: usize = 20;
/// RLIM_INFINITY.
const NO_LIMIT: usize = usize::MAX;
const SIGCHLD: usize = 17;

/// Appends the line.
pub fn write_stat(
    text: &mut Vec<u8>,
    memory: &impl UserMemory,
    boot: &BootInfo,
    session: &Session,
    thread: &Thread,
    total_bytes: usize,
) {
    text.extend(decimal(PROCESS_ID as usize));
    text.extend_from_slice(b" (");
    text.extend_from_slice(name_of(boot, thread));
    text.extend_from_slice(b") R 1 ");
    text.extend(decimal(session.group as usize));
    text.push(b' ');
    text.extend(decimal(session.session as usize));
    text.extend_from_slice(b" 0 -1");
    let (places, pages) = (places(memory, boot), total_bytes / PAGE_BYTES);
    let first_code = boot.program_ranges.iter().map(|range| range.start).filter(|&start| start != 0).min();
    // Fields 9 to 52, by the numbers of the manual.
    let mut fields = [0; 44];
    for (number, value) in [
        (9, FLAGS),
        (18, PRIORITY),
        (20, 1),
        (23, total_bytes),
        (24, pages),
        (25, NO_LIMIT),
        (26, first_code.unwrap_or(0) as usize),
        (28, boot.initial_stack_pointer as usize),
        (32, (thread.signal_mask & 0x7fff_ffff) as usize),
        (38, SIGCHLD),
        (47, boot.break_range.start as usize),
        (48, places.arguments.start as usize),
        (49, places.arguments.end as usize),
        (50, places.environment.start as usize),
        (51, places.environment.end as usize),
    ] {
        if let Some(field) = fields.get_mut(number - 9) {
            *field = value;
        }
    }
    for field in fields {
        text.push(b' ');
        text.extend(decimal(field));
    }
    text.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot_info::Range;
    use crate::testing::FakeMemory;

    #[test]
    fn fields_stand_where_they_belong() {
        let boot = BootInfo { break_range: Range { start: 77, end: 99 }, ..BootInfo::default() };
        let mut text = Vec::new();
        let thread = Thread { name: *b"a b)\0\0\0\0\0\0\0\0\0\0\0\0", ..Thread::first() };
        write_stat(&mut text, &FakeMemory::new(8), &boot, &Session::new(), &thread, 5 * PAGE_BYTES);
        let text = String::from_utf8(text).expect("it is text");
        let rest = text.strip_prefix("2 (a b)) R 1 2 1 0 -1 ").expect("the first fields");
        let fields: Vec<&str> = rest.trim_end().split(' ').collect();
        assert_eq!(fields.len() + 8, 52);
        assert_eq!((fields[20 - 9], fields[24 - 9], fields[47 - 9]), ("1", "5", "77"));
        assert!(text.ends_with(" 0\n"));
    }
}
