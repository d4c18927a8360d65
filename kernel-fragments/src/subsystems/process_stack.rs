//! What the initial stack still holds of how the program was started (proc_pid_cmdline(5), proc_pid_environ(5),
//! proc_pid_auxv(5)). As in Linux the program's own memory is read, so what it wrote over its arguments shows.

use crate::boot_info::{BootInfo, Range};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::vec::Vec;

const AT_NULL: u64 = 0;
const AT_RANDOM: u64 = 25;
const AT_EXECFN: u64 = 31;

/// The random bytes at AT_RANDOM: behind them the builder lays the strings of the arguments, those of the environment, and
/// the one of AT_EXECFN.
const RANDOM_BYTES: u64 = 16;

/// More words than any auxiliary vector and its entries have, and more bytes than any strings.
const MOST_ENTRIES: usize = 64;

/// What can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The strings of the arguments.
    Arguments,
    /// The strings of the environment.
    Environment,
    /// The auxiliary vector, its end included.
    AuxiliaryVector,
}

/// Where these lie; nothing lies anywhere if the program spoiled its stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// The strings of the arguments.
    pub arguments: Range,
    /// The strings of the environment.
    pub environment: Range,
    /// The auxiliary vector.
    pub auxiliary_vector: Range,
}

/// Finds them.
pub fn places(memory: &impl UserMemory, boot: &BootInfo) -> Places {
    find(memory, boot).unwrap_or_default()
}

fn find(memory: &impl UserMemory, boot: &BootInfo) -> Option<Places> {
    let word = |address: u64| memory.read_u64(UserAddress(address as usize)).ok();
    let pointer = boot.initial_stack_pointer;
    let variables = pointer.checked_add(word(pointer)?.checked_add(2)?.checked_mul(8)?)?;
    let mut vector = variables;
    while boot.stack_range.holds(vector as usize, 8) && word(vector)? != 0 {
        vector += 8;
    }
    let start = vector + 8;
    let (mut end, mut random, mut path) = (start, 0, 0);
    for _ in 0..MOST_ENTRIES {
        let (key, value) = (word(end)?, word(end + 8)?);
        end += 16;
        match key {
            AT_RANDOM => random = value,
            AT_EXECFN => path = value,
            AT_NULL => break,
            _ => {}
        }
    }
    let first_variable = word(variables)?;
    let strings = random.checked_add(RANDOM_BYTES)?;
    let middle = if first_variable == 0 { path } else { first_variable };
    let is_sound =
        boot.stack_range.start <= strings && strings <= middle && middle <= path && path <= boot.stack_range.end;
    is_sound.then_some(Places {
        arguments: Range { start: strings, end: middle },
        environment: Range { start: middle, end: path },
        auxiliary_vector: Range { start, end },
    })
}

/// The bytes of `part`.
pub fn read_part(memory: &impl UserMemory, boot: &BootInfo, part: Part) -> Vec<u8> {
    let places = places(memory, boot);
    let read = |range: Range| {
        let len_bytes = range.end.saturating_sub(range.start) as usize;
        memory.slice(UserAddress(range.start as usize), len_bytes).unwrap_or_default()
    };
    match part {
        Part::Environment => read(places.environment).to_vec(),
        Part::AuxiliaryVector => read(places.auxiliary_vector).to_vec(),
        Part::Arguments => {
            let arguments = read(places.arguments);
            if arguments.last().is_none_or(|&byte| byte == 0) {
                return arguments.to_vec();
            }
            // One title written over all of it, perhaps longer (fs/proc/base.c, get_mm_proctitle).
            let title = read(Range { start: places.arguments.start, end: places.environment.end });
            title.split(|&byte| byte == 0).next().unwrap_or_default().to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    /// A stack with two arguments and one variable.
    fn sample() -> (FakeMemory, BootInfo) {
        let mut memory = FakeMemory::new(512);
        let at = |offset: usize| memory.address(offset).0 as u64;
        let words = [2, at(272), at(275), 0, at(277), 0, AT_RANDOM, at(256), AT_EXECFN, at(281), 6, 4096, AT_NULL, 0];
        let boot = BootInfo {
            initial_stack_pointer: at(0),
            stack_range: Range { start: at(0), end: at(512) },
            ..BootInfo::default()
        };
        memory.put(0, &words.map(u64::to_le_bytes).concat());
        memory.put(272, b"ab\0c\0V=1\0/bin/ab\0");
        (memory, boot)
    }

    #[test]
    fn parts_are_found() {
        let (memory, boot) = sample();
        assert_eq!(read_part(&memory, &boot, Part::Arguments), b"ab\0c\0");
        assert_eq!(read_part(&memory, &boot, Part::Environment), b"V=1\0");
        assert_eq!(read_part(&memory, &boot, Part::AuxiliaryVector), memory.bytes(48, 64));
    }

    #[test]
    fn a_title_and_a_spoiled_stack() {
        let (mut memory, boot) = sample();
        memory.put(272, b"a title\0");
        assert_eq!(read_part(&memory, &boot, Part::Arguments), b"a title");
        memory.put(56, &7u64.to_le_bytes());
        assert_eq!(read_part(&memory, &boot, Part::Arguments), b"");
        memory.put(0, &u64::MAX.to_le_bytes());
        assert_eq!(read_part(&memory, &boot, Part::AuxiliaryVector), b"");
    }
}
