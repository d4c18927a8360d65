//! Which calls are only made with arguments for which a simpler fragment suffices. The analysis knows an argument if it is a
//! constant of the function that makes the call; the fragments check it all the same, and end the run if it is another one.

use std::collections::BTreeSet;

use kernel_fragments::abi::futex::{FUTEX_PRIVATE_FLAG, FUTEX_WAIT, FUTEX_WAKE};
use kernel_fragments::abi::memory::{MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE};
use memchr::memmem;

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

/// What the program's text or an input of it names: only kernels that may be asked for it can tell of the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Names {
    /// A file of `/proc/self` that tells of the process; `exe` and `fd` are links.
    pub process_files: bool,
    /// `/proc/self/fd` or `/dev/fd`.
    pub descriptors: bool,
}

impl Names {
    /// What the program's own text names.
    pub fn in_program(app: &AppElf) -> Names {
        app.segments.iter().fold(Names::default(), |names, segment| names.and(app.segment_bytes(segment)))
    }

    /// These, and what `text` names.
    #[must_use]
    pub(super) fn and(self, text: &[u8]) -> Names {
        const FOLDER: &[u8] = b"/proc/self/";
        const LINKS: [&[u8]; 2] = [b"/proc/self/fd", b"/dev/fd"];
        let mut names = self;
        names.descriptors |= LINKS.iter().any(|links| memmem::find(text, links).is_some());
        let files = memmem::find_iter(text, FOLDER).map(|at| &text[at + FOLDER.len()..]);
        names.process_files |= { files }.any(|file| !file.starts_with(b"exe") && !file.starts_with(b"fd"));
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_process_files() {
        for (text, process_files, descriptors) in [
            (&b"x\0/proc/self/maps\0"[..], true, false),
            (b"/proc/self/exe\0/proc/self/status", true, false),
            (b"/proc/self/exe\0/proc/self/fd/3", false, true),
            (b"//dev/fd/%d", false, true),
            (b"/proc/self", false, false),
            (b"", false, false),
        ] {
            assert_eq!(Names::default().and(text), Names { process_files, descriptors });
        }
    }
}
