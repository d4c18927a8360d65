//! What the files of `/proc/self` say (proc_pid_maps(5), proc_pid_status(5), proc_pid_statm(5)), and who says the rest.

use crate::abi::memory::{PAGE_BYTES, PROT_ALL, PROT_EXEC, PROT_READ, PROT_WRITE};
use crate::boot_info::{BootInfo, Range, Segment};
use crate::errno::{Errno, Refusal};
use crate::subsystems::address_space::{AddressSpace, FROM_FILE, SHARED_MEMORY};
use crate::subsystems::built_in_files::ProcessFile;
use crate::subsystems::image_data::{bytes, segments};
use crate::subsystems::page_map::Contents;
use crate::subsystems::process_stack::{Part, read_part};
use crate::subsystems::process_stat::write_stat;
use crate::subsystems::program_break::ProgramBreak;
use crate::subsystems::session::Session;
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::UserMemory;
use alloc::vec::Vec;

/// Columns before the path in a line of `maps` (fs/proc/task_mmu.c, show_map_vma).
const PATH_COLUMN: usize = 73;

/// What `file` says now.
///
/// # Errors
/// ENOMEM if the kernel's heap is full. Unsupported: the descriptors.
pub fn tell(
    file: ProcessFile,
    memory: &impl UserMemory,
    space: &mut AddressSpace,
    program_break: &ProgramBreak,
    boot: &BootInfo,
    session: &Session,
    thread: &Thread,
    umask: u32,
) -> Result<Vec<u8>, Refusal> {
    let mut text = Vec::new();
    match file {
        ProcessFile::Maps => {
            each_mapping(space, program_break, boot, |mapping| write_mapping(&mut text, boot, mapping))?
        }
        ProcessFile::Status => {
            let (mut total_bytes, mut locked_bytes) = (0, 0);
            each_mapping(space, program_break, boot, |mapping| {
                let len_bytes = mapping.end - mapping.start;
                total_bytes += len_bytes;
                locked_bytes += if mapping.is_locked { len_bytes } else { 0 };
            })?;
            write_status(&mut text, boot, thread, umask, total_bytes, locked_bytes);
        }
        ProcessFile::Stat => {
            let total_bytes = mapped_bytes(space, program_break, boot)?;
            write_stat(&mut text, memory, boot, session, thread, total_bytes);
        }
        ProcessFile::Pages => {
            let pages = decimal(mapped_bytes(space, program_break, boot)? / PAGE_BYTES);
            text = [&pages[..], b" ", &pages, b" 0 0 0 ", &pages, b" 0\n"].concat();
        }
        ProcessFile::Arguments => text = read_part(memory, boot, Part::Arguments),
        ProcessFile::Environment => text = read_part(memory, boot, Part::Environment),
        ProcessFile::AuxiliaryVector => text = read_part(memory, boot, Part::AuxiliaryVector),
        ProcessFile::Name => text = [name_of(boot, thread), b"\n"].concat(),
        ProcessFile::Descriptors => {
            return Err(Refusal::Unsupported("/proc/self/fd to a program that does not name it"));
        }
    }
    Ok(text)
}

/// How many bytes are mapped.
fn mapped_bytes(space: &mut AddressSpace, program_break: &ProgramBreak, boot: &BootInfo) -> Result<usize, Errno> {
    let mut total_bytes = 0;
    each_mapping(space, program_break, boot, |mapping| total_bytes += mapping.end - mapping.start)?;
    Ok(total_bytes)
}

/// The thread's name.
pub fn name_of<'a>(boot: &BootInfo, thread: &'a Thread) -> &'a [u8] {
    let path = bytes(boot.executable_path);
    let own_name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let own_name = own_name.get(..15).unwrap_or(own_name);
    let name = thread.name.split(|&byte| byte == 0).next().unwrap_or_default();
    if name.is_empty() { own_name } else { name }
}

/// Whose pages they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Program,
    Break,
    Mappings,
    Stack,
}

/// Pages that are alike.
struct Mapping {
    start: usize,
    end: usize,
    protection: u8,
    is_shared: bool,
    is_locked: bool,
    owner: Owner,
}

/// Shows everything that is mapped to `visit`, ascending.
fn each_mapping(
    space: &mut AddressSpace,
    program_break: &ProgramBreak,
    boot: &BootInfo,
    mut visit: impl FnMut(Mapping),
) -> Result<(), Errno> {
    let break_start = boot.break_range.start;
    let in_use =
        Range { start: break_start, end: (program_break.end(boot) as u64).next_multiple_of(PAGE_BYTES as u64) };
    let parts =
        [(boot.break_range, Owner::Break), (boot.mapping_range, Owner::Mappings), (boot.stack_range, Owner::Stack)];
    let mut ranges = boot.program_ranges;
    ranges.sort_unstable_by_key(|range| range.start);
    for range in ranges.iter().filter(|range| range.start < range.end) {
        let mut at = range.start as usize / PAGE_BYTES * PAGE_BYTES;
        let range_end = (range.end as usize).next_multiple_of(PAGE_BYTES);
        while at < range_end {
            let inside = parts.iter().find(|(part, _)| part.holds(at, 1));
            let (owner, end) = match inside {
                Some(&(part, owner)) => (owner, part.end as usize),
                None => {
                    let starts =
                        parts.iter().filter(|(part, _)| part.start < part.end).map(|(part, _)| part.start as usize);
                    (Owner::Program, starts.filter(|&start| start > at).min().unwrap_or(range_end))
                }
            };
            let end = end.next_multiple_of(PAGE_BYTES).min(range_end);
            let (born_with, end) = born_with(boot, owner, at, end);
            let mut piece = space.piece(boot, at, end)?;
            // What is alike need not be known in one piece.
            while piece.end < end {
                let next = space.piece(boot, piece.end, end)?;
                if next.page != piece.page {
                    break;
                }
                piece = next;
            }
            let is_hidden = owner == Owner::Break && !in_use.holds(at, 1);
            if let Some((page, protection)) = piece.page.and_then(|page| Some((page, page.protection()?)))
                && !is_hidden
            {
                let end = if owner == Owner::Break { piece.end.min(in_use.end as usize) } else { piece.end };
                // Pages that the program was born with have every right in the address space, until it changes them.
                let protection = if protection == PROT_ALL { born_with } else { protection };
                let is_shared = match protection & FROM_FILE {
                    0 => protection & SHARED_MEMORY != 0,
                    _ => page.contents() == Contents::Shared,
                };
                visit(Mapping { start: at, end, protection, is_shared, is_locked: page.is_locked(), owner });
            }
            at = piece.end;
        }
    }
    Ok(())
}

/// What the pages from `at` on allowed when the program began, and up to where that is the same, at most `end`.
fn born_with(boot: &BootInfo, owner: Owner, at: usize, end: usize) -> (u8, usize) {
    let segments = segments(boot);
    if owner == Owner::Mappings || segments.is_empty() {
        return (PROT_ALL, end);
    }
    // Of two segments that share a page, the later one has it.
    let pages = |segment: &Segment| {
        let Range { start, end } = segment.range;
        (start as usize / PAGE_BYTES * PAGE_BYTES, (end as usize).next_multiple_of(PAGE_BYTES))
    };
    let next = segments.iter().map(|segment| pages(segment).0).filter(|&start| start > at).min().unwrap_or(end);
    match segments.iter().rev().find(|segment| (pages(segment).0..pages(segment).1).contains(&at)) {
        Some(segment) => (segment.access as u8, end.min(next).min(pages(segment).1)),
        None => ((PROT_READ | PROT_WRITE) as u8, end.min(next)),
    }
}

fn write_mapping(text: &mut Vec<u8>, boot: &BootInfo, mapping: Mapping) {
    let line = text.len();
    write_hex(text, mapping.start);
    text.push(b'-');
    write_hex(text, mapping.end);
    text.push(b' ');
    let may = |right: u32, letter| if u32::from(mapping.protection) & right != 0 { letter } else { b'-' };
    let kind = if mapping.is_shared { b's' } else { b'p' };
    text.extend([may(PROT_READ, b'r'), may(PROT_WRITE, b'w'), may(PROT_EXEC, b'x'), kind]);
    text.extend_from_slice(b" 00000000 00:00 0 ");
    let path = match mapping.owner {
        Owner::Program => bytes(boot.executable_path),
        Owner::Break => b"[heap]",
        Owner::Stack => b"[stack]",
        Owner::Mappings => b"",
    };
    if !path.is_empty() {
        text.resize(text.len().max(line + PATH_COLUMN), b' ');
        text.extend_from_slice(path);
    }
    text.push(b'\n');
}

fn write_status(
    text: &mut Vec<u8>,
    boot: &BootInfo,
    thread: &Thread,
    umask: u32,
    total_bytes: usize,
    locked_bytes: usize,
) {
    write_line(text, "Name", name_of(boot, thread));
    let octal = [9, 6, 3, 0].map(|shift| b'0' + (umask >> shift & 7) as u8);
    write_line(text, "Umask", &octal);
    write_line(text, "State", b"R (running)");
    for (title, number) in [("Tgid", PROCESS_ID), ("Ngid", 0), ("Pid", thread.tid), ("PPid", 1), ("TracerPid", 0)] {
        write_line(text, title, &decimal(number as usize));
    }
    let credentials = thread.credentials;
    for (title, ids) in [("Uid", credentials.users()), ("Gid", credentials.groups())] {
        let ids = [ids.real, ids.effective, ids.saved, ids.files].map(|id| decimal(id as usize));
        write_line(text, title, &ids.join(&b'\t'));
    }
    let groups: Vec<_> = credentials.supplementary().iter().map(|&group| decimal(group as usize)).collect();
    write_line(text, "Groups", &[groups.join(&b' '), b" ".to_vec()].concat());
    let sizes = [total_bytes, total_bytes, locked_bytes, 0, total_bytes, total_bytes];
    for (title, size_bytes) in ["VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS"].into_iter().zip(sizes) {
        let kibibytes = decimal(size_bytes / 1024);
        text.extend_from_slice(title.as_bytes());
        text.extend_from_slice(b":\t");
        text.resize(text.len() + 8usize.saturating_sub(kibibytes.len()), b' ');
        text.extend_from_slice(&kibibytes);
        text.extend_from_slice(b" kB\n");
    }
    let sets = credentials.capabilities();
    let sets = [sets.inheritable, sets.permitted, sets.effective, sets.bounding, sets.ambient];
    for (title, set) in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].into_iter().zip(sets) {
        let digits: Vec<u8> = (0..16).rev().map(|place| hex_digit((set >> (4 * place)) as usize)).collect();
        write_line(text, title, &digits);
    }
}

fn write_line(text: &mut Vec<u8>, title: &str, value: &[u8]) {
    text.extend_from_slice(title.as_bytes());
    text.extend_from_slice(b":\t");
    text.extend_from_slice(value);
    text.push(b'\n');
}

/// At least eight digits.
fn write_hex(text: &mut Vec<u8>, number: usize) {
    let digits = (usize::BITS - number.leading_zeros()).div_ceil(4).max(8);
    for place in (0..digits).rev() {
        text.push(hex_digit(number >> (4 * place)));
    }
}

/// The last digit of `number`.
fn hex_digit(number: usize) -> u8 {
    let digit = (number & 15) as u8;
    if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
}

/// The digits of `number`.
pub fn decimal(mut number: usize) -> Vec<u8> {
    let mut digits = Vec::new();
    loop {
        digits.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            digits.reverse();
            return digits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::mapping_request::Placement;
    use crate::testing_memory::machine;

    #[test]
    fn lines_of_maps() {
        let (mut memory, mut space, mut boot) = machine(4, 8);
        let start = boot.program_ranges[0].start;
        boot.break_range = Range { start: start + 0x2000, end: start + 0x4000 };
        boot.program_ranges[1] = boot.mapping_range;
        let mut program_break = ProgramBreak::new();
        program_break.move_to(&mut memory, &boot, start as usize + 0x2010);
        assert!(space.map(&mut memory, &boot, Placement::Hint(0), 2 * PAGE_BYTES, 1).is_ok());
        assert!(space.map(&mut memory, &boot, Placement::Hint(0), PAGE_BYTES, 0).is_ok());
        let locked = boot.mapping_range.start as usize;
        assert_eq!(space.set_locked(&mut memory, &boot, locked, locked + 2 * PAGE_BYTES, true), Ok(()));
        let mut say = |file, umask| {
            let (session, thread) = (Session::new(), Thread::first());
            tell(file, &memory, &mut space, &program_break, &boot, &session, &thread, umask)
        };
        let told = say(ProcessFile::Maps, 0);
        let told = String::from_utf8(told.expect("there is memory")).expect("it is text");
        let column = |text: &str| format!("{text:<73}");
        assert_eq!(
            told.lines().collect::<Vec<_>>(),
            [
                "00010000-00012000 rwxp 00000000 00:00 0 ",
                &(column("00012000-00013000 rwxp 00000000 00:00 0 ") + "[heap]"),
                "00014000-00016000 r--p 00000000 00:00 0 ",
                "00016000-00017000 ---p 00000000 00:00 0 ",
            ]
        );
        let told = say(ProcessFile::Status, 0o22);
        let told = String::from_utf8(told.expect("there is memory")).expect("it is text");
        assert_eq!(say(ProcessFile::Pages, 0), Ok(b"6 6 0 0 0 6 0\n".to_vec()));
        assert!(told.contains("\nUmask:\t0022\n") && told.contains("\nVmSize:\t      24 kB\n"), "{told}");
        assert!(told.contains("\nVmLck:\t       8 kB\nVmPin:\t       0 kB\n"), "{told}");
    }

    /// However many mappings there were at times.
    #[test]
    fn what_is_alike_is_one_line() {
        const PAGES: usize = 100;
        let (mut memory, mut space, boot) = machine(0, PAGES);
        let base = boot.mapping_range.start as usize;
        let boot =
            BootInfo { program_ranges: [boot.mapping_range, Range::NOWHERE, Range::NOWHERE, Range::NOWHERE], ..boot };
        let end = base + PAGES * PAGE_BYTES;
        assert_eq!(space.map(&mut memory, &boot, Placement::Fixed(base), end - base, 1), Ok(base));
        let lines = |space: &mut AddressSpace| {
            let mut count = 0;
            each_mapping(space, &ProgramBreak::new(), &boot, |_| count += 1).map(|()| count)
        };
        for at in (base..end).step_by(2 * PAGE_BYTES) {
            assert_eq!(space.protect(&mut memory, &boot, at, at + PAGE_BYTES, 3), Ok(()));
        }
        assert_eq!(lines(&mut space), Ok(PAGES));
        assert_eq!(space.protect(&mut memory, &boot, base, end, 3), Ok(()));
        let piece = space.piece(&boot, base, end).expect("there is memory");
        assert!(piece.end < end, "it is known in pieces");
        assert_eq!(lines(&mut space), Ok(1));
    }
}
