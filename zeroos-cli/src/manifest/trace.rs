//! Reads the log of a run: which calls were made, how often and, if the log has it, from where. Two formats are known,
//! line by line and without being told which: `qemu-riscv64 -strace` (`PID name(…) = …`, without addresses) and
//! `zeroos run --trace` (`0xPC name(0x…, six of them) = …`). Everything else in the text is skipped: the program's own
//! output usually lies between the calls.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::linux::SyscallNumber;

/// Letters that a syscall's name may have; the longest of Linux 6.12 has 23.
const MOST_NAME: usize = 40;

/// What a log shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// How often each call was made.
    pub calls: BTreeMap<SyscallNumber, u64>,
    /// How often each call was made from each address of the running program: what [`Trace::calls`] counts, as far as
    /// the log has addresses.
    pub places: BTreeMap<(Address, SyscallNumber), u64>,
    /// Names that stand where a call's name would, but that Linux/riscv64 does not have: the program's own output, or a
    /// call that this version does not know.
    pub unknown_names: BTreeSet<String>,
}

impl Trace {
    /// The calls in `log`.
    ///
    /// QEMU's threads write into each other's lines, so every place that looks like the start of a call counts.
    pub fn parse(log: &str) -> Trace {
        let mut trace = Trace::default();
        for (space, _) in log.match_indices(' ') {
            let (before, rest) = (&log[..space], &log[space + 1..]);
            if let Some((pc, number)) = machine_call(before, rest) {
                *trace.places.entry((pc, number)).or_default() += 1;
                *trace.calls.entry(number).or_default() += 1;
            } else if before.ends_with(|last: char| last.is_ascii_digit()) {
                match emulator_call(rest) {
                    Some(Ok(number)) => *trace.calls.entry(number).or_default() += 1,
                    Some(Err(name)) => _ = trace.unknown_names.insert(name.to_owned()),
                    None => {}
                }
            }
        }
        trace
    }

    /// Adds what another run made.
    pub fn add(&mut self, other: Trace) {
        for (number, count) in other.calls {
            *self.calls.entry(number).or_default() += count;
        }
        for (place, count) in other.places {
            *self.places.entry(place).or_default() += count;
        }
        self.unknown_names.extend(other.unknown_names);
    }

    /// How many calls were recognised.
    pub fn count(&self) -> u64 {
        self.calls.values().sum()
    }

    /// How many of them have an address.
    pub fn placed(&self) -> u64 {
        self.places.values().sum()
    }
}

/// A call in the log of the built-in machine (`engine/builtin.rs` writes it): an address, a name and six arguments. What
/// the program printed without a line feed may stand right before the address.
fn machine_call(before: &str, rest: &str) -> Option<(Address, SyscallNumber)> {
    let digits = before.bytes().rev().take(17).take_while(u8::is_ascii_hexdigit).count();
    let (head, digits) = before.split_at(before.len() - digits);
    let pc = u64::from_str_radix(digits, 16).ok().filter(|_| head.ends_with("0x"))?;
    let (name, arguments) = name_of_call(rest)?;
    let arguments = &arguments[..arguments.bytes().take(128).position(|byte| byte == b')')?];
    let mut count = 0;
    for argument in arguments.split(", ") {
        u64::from_str_radix(argument.strip_prefix("0x")?, 16).ok()?;
        count += 1;
    }
    let number = SyscallNumber::named(name)
        .or_else(|| name.strip_prefix("syscall_").and_then(|digits| digits.parse().ok()).map(SyscallNumber))?;
    (count == 6).then_some((Address(pc), number))
}

/// A call in QEMU's log, behind the process number; `Err` is a name that is not Linux's.
fn emulator_call(rest: &str) -> Option<Result<SyscallNumber, &str>> {
    if let Some(number) = rest.strip_prefix("Unknown syscall ") {
        let end = number.bytes().take(20).take_while(|byte| byte.is_ascii_digit() || *byte == b'-').count();
        return number[..end].parse::<i64>().ok().map(|number| Ok(SyscallNumber(number.cast_unsigned())));
    }
    let (name, _) = name_of_call(rest)?;
    // QEMU names these after other architectures' calls, some only in some versions.
    let linux = match name {
        "fstatat64" => "newfstatat",
        "getdents" => "getdents64",
        "pread" => "pread64",
        "pwrite" => "pwrite64",
        "prlimit" => "prlimit64",
        "_newselect" => "pselect6",
        "sys_futex" => "futex",
        name => name,
    };
    Some(SyscallNumber::named(linux).ok_or(name))
}

/// `name(` at the start of `text`, and what follows it.
fn name_of_call(text: &str) -> Option<(&str, &str)> {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let end = text.bytes().take(MOST_NAME + 1).take_while(letter).count();
    let (name, rest) = text.split_at(end);
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    rest.strip_prefix('(').filter(|_| starts_well && end <= MOST_NAME).map(|rest| (name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(trace: &Trace) -> Vec<String> {
        trace.calls.iter().map(|(number, count)| format!("{number} {count}")).collect()
    }

    #[test]
    fn the_emulator_s_log_with_threads_writing_over_each_other_is_read() {
        let log = "12 clone(0x7d0f00,child_stack=0x40) = 1313 set_robust_list(1,24) = 0\n = 13\n12 Unknown syscall 258\n\
            12 futex(0x10,FUTEX_PRIVATE_FLAG|FUTEX_WAIT,2,NULL,NULL,0)13 futex(0x10,1) = 1\n";
        let trace = Trace::parse(log);
        assert_eq!(names(&trace), ["futex 2", "set_robust_list 1", "clone 1", "riscv_hwprobe 1"]);
        assert!(trace.places.is_empty() && trace.unknown_names.is_empty());
    }

    #[test]
    fn other_architectures_names_are_translated_and_unknown_ones_are_told() {
        let trace = Trace::parse("9 fstatat64(3,0x1) = 0\n9 frobnicate(1) = 0\n9 Unknown syscall -1\n");
        assert_eq!(names(&trace), ["newfstatat 1", "syscall_18446744073709551615 1"]);
        assert_eq!(trace.unknown_names, BTreeSet::from(["frobnicate".to_owned()]));
    }

    #[test]
    fn the_machine_s_log_has_addresses() {
        let log = "0x12102 set_tid_address(0x17790, 0xe0, 0x0, 0x0, 0xfffffffffffe88f8, 0x2) = 0x2\n\
            no line feed0x12d7a writev(0x1, 0x80940af0, 0x2, 0x1, 0x14ea5, 0x17208)output = 0xd\n\
            0x1232c syscall_9999(0x0, 0x0, 0x0, 0x1, 0x17208, 0x0) = ?\n";
        let trace = Trace::parse(log);
        let places: Vec<_> = trace.places.keys().map(|&(pc, number)| (pc.0, number.0)).collect();
        assert_eq!(places, [(0x12102, 96), (0x1232c, 9999), (0x12d7a, 66)]);
        assert_eq!((trace.count(), trace.placed()), (3, 3));
    }

    #[test]
    fn the_program_s_own_output_is_skipped() {
        let text = "write(1)\n3 blind mice, see how they run\n(12 )\n12 (x)\n= 0x40 12\n0x40 write(0x1, 0x2)\nUnknown syscall 3\n";
        // The only thing that looks like a call there is the last but one: an address that ends in a digit, a known name.
        assert_eq!(names(&Trace::parse(text)), ["write 1"]);
        let endless = format!("1 {}(", "a".repeat(10_000));
        assert_eq!(Trace::parse(&endless), Trace::default());
    }

    #[test]
    fn runs_add_up() {
        let mut both = Trace::parse("1 write(1) = 0\n");
        both.add(Trace::parse("2 write(1) = 0\n2 read(0) = 0\n"));
        assert_eq!(names(&both), ["read 1", "write 2"]);
    }
}
