//! A run held against the manifest: every call that was really made must have been predicted, and, where the log has
//! addresses, from that very site. What was predicted and not seen is no fault; one run does not do everything.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::layout::{counted, line};
use super::{App, Manifest, ManifestError, SiteEntry, Trace};
use crate::address::Address;
use crate::linux::SyscallNumber;

/// What a run shows about a manifest (`zeroos.audit/1`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Audit {
    /// [`Audit::SCHEMA`].
    pub schema: String,
    /// Whether nothing was missed.
    pub passed: bool,
    /// How many calls were recognised in the log.
    pub calls: u64,
    /// How many of them have an address, so that their site was checked.
    pub calls_with_address: u64,
    /// How far above its file's addresses the program ran, as the addresses in the log tell. TOML, which has no null,
    /// leaves it out.
    pub moved_by: Option<Address>,
    /// Names in the place of a call's that Linux/riscv64 does not have; most likely the program's own output.
    pub unknown_names: BTreeSet<String>,
    /// Which program the manifest is about.
    pub app: App,
    /// Predicted, and made.
    pub seen: Vec<Observed>,
    /// Predicted, and not made in this run.
    pub not_seen: Vec<Observed>,
    /// Made, and covered only by a site that may carry any number.
    pub open: Vec<Observed>,
    /// Made, but by no `ecall` of the program: handlers return through code of the kernel's.
    pub excused: Vec<Observed>,
    /// Made, although the manifest rules it out.
    pub missed: Vec<Miss>,
}

/// A call and how often it was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Observed {
    /// Its number.
    pub number: SyscallNumber,
    /// Its name.
    pub name: String,
    /// How often it was made.
    pub calls: u64,
}

/// A call that the manifest rules out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Miss {
    /// Its number.
    pub number: SyscallNumber,
    /// Its name.
    pub name: String,
    /// How often it was made.
    pub calls: u64,
    /// From where (the file's own address), if the log says it.
    pub at: Option<Address>,
    /// Which claim of the manifest it breaks.
    pub why: String,
}

/// RISC-V has no `SA_RESTORER`: a handler returns into code that the kernel provides (Linux: the vDSO; QEMU: a page of its
/// own), so its `rt_sigreturn` is no `ecall` of the program.
const COME_BACK: SyscallNumber = SyscallNumber(139);
/// `rt_sigaction`: only programs that can make it have handlers.
const INSTALL: SyscallNumber = SyscallNumber(134);

/// Names that one line lists.
const MOST_NAMES: usize = 12;

/// What programs are moved by is a multiple of a page.
const PAGE: u64 = 4096;

impl Audit {
    /// The `schema` of every audit that this version writes.
    pub const SCHEMA: &'static str = "zeroos.audit/1";

    /// Holds `trace` against `manifest`.
    pub fn new(manifest: &Manifest, trace: &Trace) -> Audit {
        let moved_by = (!trace.places.is_empty()).then(|| moved_by(manifest, trace));
        let mut audit = Audit {
            schema: Audit::SCHEMA.to_owned(),
            passed: true,
            calls: trace.count(),
            calls_with_address: trace.placed(),
            moved_by: moved_by.map(Address),
            unknown_names: trace.unknown_names.clone(),
            app: manifest.app.clone(),
            seen: Vec::new(),
            not_seen: Vec::new(),
            open: Vec::new(),
            excused: Vec::new(),
            missed: Vec::new(),
        };
        let handlers = !manifest.bounded || manifest.syscall(INSTALL).is_some();
        for (&number, &calls) in &trace.calls {
            let observed = Observed { number, name: number.to_string(), calls };
            if manifest.syscall(number).is_some() {
                audit.seen.push(observed);
            } else if number == COME_BACK && handlers {
                audit.excused.push(observed);
            } else if manifest.bounded {
                // A log with addresses says more of it below.
                if !trace.places.keys().any(|&(_, placed)| placed == number) {
                    let why = "no reachable site can make it".to_owned();
                    audit.missed.push(Miss { number, name: number.to_string(), calls, at: None, why });
                }
            } else {
                audit.open.push(observed);
            }
        }
        for (&(pc, number), &calls) in &trace.places {
            let at = Address(pc.0.wrapping_sub(moved_by.unwrap_or(0)));
            let excused = number == COME_BACK && handlers && manifest.site(at).is_none();
            if let Some(why) = broken_claim(manifest, at, number).filter(|_| !excused) {
                audit.missed.push(Miss { number, name: number.to_string(), calls, at: Some(at), why });
            }
        }
        audit.missed.sort_by_key(|miss| (miss.number, miss.at));
        let made = |number: &SyscallNumber| trace.calls.contains_key(number);
        let unmade = manifest.syscalls.iter().filter(|syscall| !made(&syscall.number));
        let unmade = unmade.map(|syscall| Observed { number: syscall.number, name: syscall.name.clone(), calls: 0 });
        audit.not_seen = unmade.collect();
        audit.passed = audit.missed.is_empty();
        audit
    }

    /// Nothing, if the run was within the manifest.
    ///
    /// # Errors
    /// [`ManifestError::Missed`], which names each call that was not predicted.
    pub fn verdict(&self) -> Result<(), ManifestError> {
        if self.passed {
            return Ok(());
        }
        let calls = self.missed.iter().map(|miss| match miss.at {
            Some(at) => format!("{} at {at}", miss.name),
            None => miss.name.clone(),
        });
        Err(ManifestError::Missed { calls: some_of(calls) })
    }

    /// A report for people.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        line(&mut text, format_args!("program  {}", self.app.described()));
        line(&mut text, format_args!("sha256   {}", self.app.sha256));
        let moved = match self.moved_by {
            Some(Address(0)) => ", each checked at its site".to_owned(),
            Some(by) => format!(", each checked at its site (the program ran {by} above its file's addresses)"),
            None => ", without addresses".to_owned(),
        };
        let moved = if self.calls_with_address == self.calls || self.moved_by.is_none() {
            moved
        } else {
            format!(", {} of them with an address", self.calls_with_address)
        };
        line(&mut text, format_args!("trace    {} recognised{moved}", counted(self.calls as usize, "call")));
        let lists = [
            ("predicted and seen", &self.seen),
            ("predicted, not seen in this run (that is no fault: other inputs may make them)", &self.not_seen),
            ("seen, covered only by a site that may make any call", &self.open),
            ("seen, made by the kernel's own code when a handler returns", &self.excused),
        ];
        for (title, calls) in lists.iter().filter(|(_, calls)| !calls.is_empty()) {
            line(&mut text, format_args!(""));
            line(&mut text, format_args!("{title}: {}", calls.len()));
            for call in *calls {
                let times = if call.calls == 0 { String::new() } else { counted(call.calls as usize, "time") };
                line(&mut text, format_args!("  {:>4} {:<24} {times}", call.number.0, call.name));
            }
        }
        if !self.missed.is_empty() {
            line(&mut text, format_args!(""));
            line(&mut text, format_args!("SEEN, NOT PREDICTED: {}", self.missed.len()));
            for miss in &self.missed {
                let at = miss.at.map_or_else(String::new, |at| format!(" at {at}"));
                let times = counted(miss.calls as usize, "time");
                line(&mut text, format_args!("  {:>4} {}{at}, {times}: {}", miss.number.0, miss.name, miss.why));
            }
        }
        if !self.unknown_names.is_empty() {
            let names = some_of(self.unknown_names.iter().cloned());
            line(&mut text, format_args!(""));
            line(&mut text, format_args!("not taken for calls, Linux/riscv64 has none of the name: {names}"));
        }
        line(&mut text, format_args!(""));
        line(&mut text, format_args!("{}", self.conclusion()));
        text
    }

    fn conclusion(&self) -> String {
        if !self.passed {
            return format!("FAILED: {} not predicted", counted(self.missed.len(), "call"));
        }
        let (seen, predicted) = (self.seen.len(), self.seen.len() + self.not_seen.len());
        let open = if self.open.is_empty() { "" } else { "; the manifest is unbounded, so this proves little" };
        format!("passed: every call was predicted; {seen} of {predicted} predicted calls were seen{open}")
    }
}

/// The first of `names` in one line, and how many more there are: a log may hold anything.
fn some_of(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let listed = names.take(MOST_NAMES).collect::<Vec<_>>().join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}

/// What the manifest says against `number` being made at `at`.
fn broken_claim(manifest: &Manifest, at: Address, number: SyscallNumber) -> Option<String> {
    let Some(site) = manifest.site(at) else {
        return Some("there is no `ecall` that the analysis knows".to_owned());
    };
    if !site.reachable {
        return Some(format!("this site in {} counts as never reached", site.function));
    }
    let numbers = site.numbers.as_ref()?;
    if numbers.contains(&number) {
        return None;
    }
    let known: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Some(format!("this site in {} carries {} only", site.function, known.join(", ")))
}

/// How far the program was moved: the distance that makes most places of the trace a site that carries their number. An
/// `ET_EXEC` is never moved.
fn moved_by(manifest: &Manifest, trace: &Trace) -> u64 {
    if !manifest.app.is_movable() {
        return 0;
    }
    let mut by_offset: BTreeMap<u64, Vec<&SiteEntry>> = BTreeMap::new();
    for site in &manifest.sites {
        by_offset.entry(site.address.0 % PAGE).or_default().push(site);
    }
    let mut votes: BTreeMap<u64, u64> = BTreeMap::new();
    for (pc, number) in trace.places.keys() {
        for site in by_offset.get(&(pc.0 % PAGE)).into_iter().flatten() {
            let carries = site.numbers.as_ref().is_none_or(|numbers| numbers.contains(number));
            *votes.entry(pc.0.wrapping_sub(site.address.0)).or_default() += 1 + u64::from(carries);
        }
    }
    // Of equally good ones the smallest.
    votes.into_iter().max_by_key(|&(distance, votes)| (votes, std::cmp::Reverse(distance))).map_or(0, |best| best.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::EvidenceKind;

    fn site(address: u64, numbers: Option<&[u64]>, reachable: bool) -> SiteEntry {
        SiteEntry {
            address: Address(address),
            function: "f".to_owned(),
            numbers: numbers.map(|numbers| numbers.iter().copied().map(SyscallNumber).collect()),
            evidence: if numbers.is_some() { EvidenceKind::Constant } else { EvidenceKind::Unbounded },
            origins: BTreeMap::new(),
            why: String::new(),
            reachable,
            chain: vec!["_start".to_owned(), "f".to_owned()],
        }
    }

    fn manifest(kind: &str, sites: Vec<SiteEntry>) -> Manifest {
        let mut manifest = Manifest::of_sites(sites, &BTreeMap::new());
        manifest.app.kind = kind.to_owned();
        manifest
    }

    fn machine_log(calls: &[(u64, &str)]) -> Trace {
        let line = |&(pc, name): &(u64, &str)| format!("{pc:#x} {name}(0x0, 0x0, 0x0, 0x0, 0x0, 0x0) = 0x0\n");
        Trace::parse(&calls.iter().map(line).collect::<String>())
    }

    fn missed(audit: &Audit) -> Vec<(u64, Option<u64>)> {
        audit.missed.iter().map(|miss| (miss.number.0, miss.at.map(|at| at.0))).collect()
    }

    fn writes_and_exits(kind: &str) -> Manifest {
        manifest(kind, vec![site(0x10100, Some(&[64]), true), site(0x10200, Some(&[94]), true)])
    }

    #[test]
    fn what_is_predicted_passes_and_what_is_not_fails_by_name() {
        let manifest = writes_and_exits("exec");
        let audit = Audit::new(&manifest, &Trace::parse("1 write(1) = 1\n1 write(1) = 1\n"));
        assert!(audit.passed && audit.verdict().is_ok());
        assert_eq!((audit.seen[0].number.0, audit.seen[0].calls, audit.not_seen[0].number.0), (64, 2, 94));
        let audit = Audit::new(&manifest, &Trace::parse("1 write(1) = 1\n1 openat(1) = 1\n"));
        assert!(!audit.passed && audit.verdict().unwrap_err().to_string().ends_with(": openat"));
        assert_eq!(missed(&audit), [(56, None)]);
    }

    #[test]
    fn a_log_with_addresses_is_checked_site_by_site() {
        let mut manifest = writes_and_exits("exec");
        manifest.sites.push(site(0x10300, Some(&[63]), false));
        assert!(Audit::new(&manifest, &machine_log(&[(0x10100, "write"), (0x10200, "exit_group")])).passed);
        // A predicted number from the wrong site, from no site and from one that was thought dead; a new number.
        let wrong = [(0x10200, "write"), (0x10180, "write"), (0x10300, "read"), (0x10100, "openat")];
        let audit = Audit::new(&manifest, &machine_log(&wrong));
        let expected = [(56, Some(0x10100)), (63, Some(0x10300)), (64, Some(0x10180)), (64, Some(0x10200))];
        assert_eq!(missed(&audit), expected);
        let said = audit.to_table();
        for part in
            ["counts as never reached", "no `ecall` that the analysis knows", "carries exit_group only", "FAILED: 4"]
        {
            assert!(said.contains(part), "{part} in {said}");
        }
    }

    #[test]
    fn a_moved_program_is_recognised_by_its_sites() {
        let calls = [(0x8015_0100, "write"), (0x8015_0200, "exit_group"), (0x8015_0abc, "write")];
        let audit = Audit::new(&writes_and_exits("static-pie"), &machine_log(&calls));
        assert_eq!((audit.moved_by, missed(&audit)), (Some(Address(0x8014_0000)), vec![(64, Some(0x10abc))]));
        assert_eq!(Audit::new(&writes_and_exits("exec"), &machine_log(&calls)).moved_by, Some(Address(0)));
    }

    #[test]
    fn returning_from_a_handler_is_excused_only_where_there_can_be_one() {
        let trace = Trace::parse("1 rt_sigreturn(1) = 1\n");
        let audit = Audit::new(&writes_and_exits("exec"), &trace);
        assert_eq!(missed(&audit), [(139, None)]);
        let audit = Audit::new(&manifest("exec", vec![site(0x10100, Some(&[134]), true)]), &trace);
        assert!(audit.passed && audit.excused.len() == 1);
    }

    #[test]
    fn an_open_site_covers_any_number_but_only_from_its_place() {
        let manifest = manifest("exec", vec![site(0x10100, None, true), site(0x10200, Some(&[94]), true)]);
        let audit = Audit::new(&manifest, &Trace::parse("1 write(1) = 1\n"));
        assert!(audit.passed && audit.open[0].number.0 == 64 && audit.to_table().contains("proves little"));
        let audit = Audit::new(&manifest, &machine_log(&[(0x10100, "write"), (0x10200, "write")]));
        assert_eq!(missed(&audit), [(64, Some(0x10200))]);
    }
}
