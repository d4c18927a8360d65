//! Which calls are only made with arguments for which a simpler fragment suffices. The analysis knows an argument if it is a
//! constant of the function that makes the call; the fragments check it all the same, and end the run if it is another one.

use std::collections::BTreeSet;

use kernel_fragments::abi::futex::{FUTEX_PRIVATE_FLAG, FUTEX_WAIT, FUTEX_WAKE};
use kernel_fragments::abi::memory::{MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE};

use crate::analysis::{Analysis, Site};
use crate::catalog::Variant;
use crate::elf::AppElf;
use crate::linux::SyscallNumber;

/// The variants that the arguments of all reachable calls allow, if every site's number is known.
pub(super) fn simple_calls(analysis: &Analysis) -> BTreeSet<Variant> {
    let holds = |name: &str, rule: fn(&Site) -> bool| {
        let sites = analysis.sites.iter().filter(|site| site.reachable);
        let makes = |number: SyscallNumber| number.name() == Some(name);
        let mut sites = sites.filter(|site| site.evidence.numbers().into_iter().flatten().any(makes));
        sites.all(rule)
    };
    let futexes = holds("futex", is_plain_futex).then_some(Variant::PlainFutexes);
    let mappings = holds("mmap", is_fresh_mapping).then_some(Variant::FreshMappings);
    futexes.into_iter().chain(mappings).collect()
}

/// Wakes, or waits without a timeout.
fn is_plain_futex(site: &Site) -> bool {
    let [_, operation, _, timeout, ..] = &site.arguments;
    let waits = |&operation: &u64| operation as u32 & !FUTEX_PRIVATE_FLAG == FUTEX_WAIT;
    let wakes = |&operation: &u64| operation as u32 & !FUTEX_PRIVATE_FLAG == FUTEX_WAKE;
    let is_null = || timeout.as_ref().is_some_and(|values| values.iter().all(|&value| value == 0));
    let plain = |operation: &u64| wakes(operation) || waits(operation) && is_null();
    operation.as_ref().is_some_and(|values| values.iter().all(plain))
}

/// Anonymous memory, wherever there is room.
fn is_fresh_mapping(site: &Site) -> bool {
    let [wish, _, _, flags, ..] = &site.arguments;
    let anywhere = |&flags: &u64| flags as u32 & (MAP_ANONYMOUS | MAP_FIXED | MAP_FIXED_NOREPLACE) == MAP_ANONYMOUS;
    wish.as_ref().is_some_and(|values| values.iter().all(|&wish| wish == 0))
        && flags.as_ref().is_some_and(|values| values.iter().all(anywhere))
}

/// Whether the program's own text names a file of `/proc/self` that tells of the process.
pub fn names_itself(app: &AppElf) -> bool {
    app.segments.iter().any(|segment| names_process_files(app.segment_bytes(segment)))
}

/// Whether `text` names a file of `/proc/self` that tells of the process; `exe` and `fd` are links.
pub(super) fn names_process_files(text: &[u8]) -> bool {
    const FOLDER: &[u8] = b"/proc/self/";
    let tells = |rest: &[u8]| !rest.starts_with(b"exe") && !rest.starts_with(b"fd");
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| byte == b'/') {
        rest = &rest[at..];
        if rest.strip_prefix(FOLDER).is_some_and(tells) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_process_files() {
        for (text, expected) in [
            (&b"x\0/proc/self/maps\0"[..], true),
            (b"/proc/self/exe\0/proc/self/status", true),
            (b"/proc/self/exe\0/proc/self/fd/3", false),
            (b"/proc/self", false),
            (b"", false),
        ] {
            assert_eq!(names_process_files(text), expected);
        }
    }
}
