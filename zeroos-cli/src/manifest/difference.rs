//! Two builds of a program compared: which calls the new one adds and drops, and what became unbounded or missing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::layout::{Columns, chain, counted, line};
use super::table::{FRAGMENTS, OWN_LINE, fragment};
use super::{App, Manifest, SiteEntry, Status, Syscall};
use crate::address::Address;
use crate::linux::SyscallNumber;

/// What a new build changes (`zeroos.manifest-diff/1`). Chains are those of the build that has the call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Difference {
    /// [`Difference::SCHEMA`].
    pub schema: String,
    /// The build that was there before.
    pub old: App,
    /// The build that takes its place.
    pub new: App,
    /// Whether the numbers of all sites were known before.
    pub bounded_before: bool,
    /// Whether they are now.
    pub bounded_now: bool,
    /// Calls that only the new build can make.
    pub added: Vec<Added>,
    /// Calls that only the old build could make.
    pub dropped: Vec<Named>,
    /// Calls of both whose fragment or number of sites differs.
    pub changed: Vec<Changed>,
    /// Calls that have no fragment now and were not made, or had one, before.
    pub missing_gained: Vec<Named>,
    /// Calls that had no fragment before and are not made, or have one, now.
    pub missing_lost: Vec<Named>,
    /// Sites of the new build that may carry any number and have no counterpart in the old one.
    pub unbounded_gained: Vec<OpenSite>,
    /// Sites of the old build that could carry any number and have no counterpart in the new one.
    pub unbounded_lost: Vec<OpenSite>,
}

/// A call that the new build adds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Added {
    /// Its number.
    pub number: SyscallNumber,
    /// Its name.
    pub name: String,
    /// What happens when the program makes it.
    pub status: Status,
    /// The fragment file. TOML, which has no null, leaves it out.
    pub fragment: Option<String>,
    /// The reachable sites that can make it.
    pub sites: Vec<AddedSite>,
}

/// Where an added call is made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AddedSite {
    /// The `ecall`.
    pub address: Address,
    /// The function it is in.
    pub function: String,
    /// The functions on a shortest path from the entry.
    pub chain: Vec<String>,
}

/// A call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Named {
    /// Its number.
    pub number: SyscallNumber,
    /// Its name.
    pub name: String,
}

/// A call that both builds can make, but not alike.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Changed {
    /// Its number.
    pub number: SyscallNumber,
    /// Its name.
    pub name: String,
    /// How many sites could make it before.
    pub sites_before: usize,
    /// How many can now.
    pub sites_now: usize,
    /// What answered it before.
    pub fragment_before: Option<String>,
    /// What answers it now: a program with threads, for example, gets the fragment that knows threads.
    pub fragment_now: Option<String>,
}

/// A site that may carry any number.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpenSite {
    /// The `ecall`.
    pub address: Address,
    /// The function it is in.
    pub function: String,
    /// What was lost.
    pub why: String,
    /// The functions on a shortest path from the entry.
    pub chain: Vec<String>,
}

/// Sites of an added call that the report for people lists.
const MOST_SITES: usize = 5;

impl Difference {
    /// The `schema` of every comparison that this version writes.
    pub const SCHEMA: &'static str = "zeroos.manifest-diff/1";

    /// What changes from `old` to `new`, both made with the same fragment library.
    pub fn new(old: &Manifest, new: &Manifest) -> Difference {
        let only_in = |one: &Manifest, other: &Manifest| -> Vec<Syscall> {
            one.syscalls.iter().filter(|call| other.syscall(call.number).is_none()).cloned().collect()
        };
        let missing_only_in = |one: &Manifest, other: &Manifest| -> Vec<Named> {
            let missing = |call: &&Syscall| call.status == Status::Missing;
            let calls = one.syscalls.iter().filter(missing);
            calls.filter(|call| other.syscall(call.number).filter(missing).is_none()).map(Named::of).collect()
        };
        let changed = new.syscalls.iter().filter_map(|now| Changed::between(old.syscall(now.number)?, now));
        let (unbounded_lost, unbounded_gained) = without_counterparts(old, new);
        Difference {
            schema: Difference::SCHEMA.to_owned(),
            old: old.app.clone(),
            new: new.app.clone(),
            bounded_before: old.bounded,
            bounded_now: new.bounded,
            added: only_in(new, old).iter().map(|call| Added::new(call, new)).collect(),
            dropped: only_in(old, new).iter().map(Named::of).collect(),
            changed: changed.collect(),
            missing_gained: missing_only_in(new, old),
            missing_lost: missing_only_in(old, new),
            unbounded_gained,
            unbounded_lost,
        }
    }

    /// Whether the new build asks for the very same kernel, at as many sites.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.dropped.is_empty()
            && self.changed.is_empty()
            && self.missing_gained.is_empty()
            && self.missing_lost.is_empty()
            && self.unbounded_gained.is_empty()
            && self.unbounded_lost.is_empty()
    }

    /// A report for people.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        for (title, app) in [("old", &self.old), ("new", &self.new)] {
            line(&mut text, format_args!("{title}  {}", app.described()));
            line(&mut text, format_args!("     {}", app.sha256));
        }
        line(&mut text, format_args!(""));
        if self.is_empty() {
            let same = if self.old.sha256 == self.new.sha256 { " (it is the same file)" } else { "" };
            line(&mut text, format_args!("no difference: the same calls at as many sites{same}"));
            return text;
        }
        self.tell_added(&mut text);
        let names = |calls: &[Named]| calls.iter().map(|call| call.name.clone()).collect::<Vec<_>>().join(", ");
        if !self.dropped.is_empty() {
            let count = counted(self.dropped.len(), "call");
            line(
                &mut text,
                format_args!("dropped: {count} that only the old build can make: {}", names(&self.dropped)),
            );
        }
        self.tell_changed(&mut text);
        for (title, calls) in
            [("missing now, no fragment implements", &self.missing_gained), ("no longer missing", &self.missing_lost)]
        {
            if !calls.is_empty() {
                line(&mut text, format_args!("{title}: {}", names(calls)));
            }
        }
        for (title, sites) in [
            ("unbounded now, may make any call", &self.unbounded_gained),
            ("no longer unbounded", &self.unbounded_lost),
        ] {
            if !sites.is_empty() {
                line(&mut text, format_args!("{title}: {}", counted(sites.len(), "site")));
            }
            for site in sites {
                line(&mut text, format_args!("  {} in {}: {}", site.address, site.function, site.why));
                if !site.chain.is_empty() {
                    line(&mut text, format_args!("      by {}", chain(&site.chain, OWN_LINE)));
                }
            }
        }
        match (self.bounded_before, self.bounded_now) {
            (true, false) => line(&mut text, format_args!("the new build is unbounded, the old one was not")),
            (false, true) => line(&mut text, format_args!("the new build is bounded, the old one was not")),
            _ => {}
        }
        text
    }

    fn tell_added(&self, text: &mut String) {
        if self.added.is_empty() {
            line(text, format_args!("added: nothing; the new build makes no call that the old one cannot"));
            return;
        }
        let count = counted(self.added.len(), "call");
        line(text, format_args!("added: {count} that only the new build can make"));
        let mut columns = Columns::new(["number", "name", "fragment", "at"]);
        for call in &self.added {
            let file = fragment(call.fragment.as_deref(), call.status);
            let mut cells = [call.number.0.to_string(), call.name.clone(), file, String::new()];
            for site in call.sites.iter().take(MOST_SITES) {
                cells[3] = site.address.to_string();
                columns.row(cells, &site.chain);
                cells = Default::default();
            }
            if call.sites.len() > MOST_SITES {
                cells[3] = format!("and {}", counted(call.sites.len() - MOST_SITES, "site"));
                columns.row(cells, &[]);
            }
        }
        columns.write(text, 2, "by (shortest chain)");
    }

    fn tell_changed(&self, text: &mut String) {
        if self.changed.is_empty() {
            return;
        }
        line(text, format_args!("changed: {} that both can make", counted(self.changed.len(), "call")));
        for call in &self.changed {
            let mut what = Vec::new();
            if call.sites_before != call.sites_now {
                what.push(format!("{} before, {} now", counted(call.sites_before, "site"), call.sites_now));
            }
            if call.fragment_before != call.fragment_now {
                let [before, now] = [&call.fragment_before, &call.fragment_now]
                    .map(|file| file.as_deref().map_or("none", |file| file.strip_prefix(FRAGMENTS).unwrap_or(file)));
                what.push(format!("fragment {before} before, {now} now"));
            }
            line(text, format_args!("  {:>4} {:<24} {}", call.number.0, call.name, what.join("; ")));
        }
    }
}

impl Named {
    fn of(call: &Syscall) -> Named {
        Named { number: call.number, name: call.name.clone() }
    }
}

impl Added {
    fn new(call: &Syscall, manifest: &Manifest) -> Added {
        let sites = call.sites.iter().filter_map(|&address| manifest.site(address)).map(|site| AddedSite {
            address: site.address,
            function: site.function.clone(),
            chain: site.chain.clone(),
        });
        let Syscall { number, name, status, fragment, .. } = call.clone();
        Added { number, name, status, fragment, sites: sites.collect() }
    }
}

impl Changed {
    fn between(old: &Syscall, new: &Syscall) -> Option<Changed> {
        let differs = old.sites.len() != new.sites.len() || old.fragment != new.fragment;
        differs.then(|| Changed {
            number: new.number,
            name: new.name.clone(),
            sites_before: old.sites.len(),
            sites_now: new.sites.len(),
            fragment_before: old.fragment.clone(),
            fragment_now: new.fragment.clone(),
        })
    }
}

/// The open sites of each build that the other has nothing like. Code moves from build to build, so a site's counterpart
/// is one in a function of the same name; without names, one that lost its number in the same way.
fn without_counterparts(old: &Manifest, new: &Manifest) -> (Vec<OpenSite>, Vec<OpenSite>) {
    let mut lost: BTreeMap<String, Vec<OpenSite>> = BTreeMap::new();
    for site in old.open_sites() {
        lost.entry(likeness(site)).or_default().push(OpenSite::of(site));
    }
    let mut gained = Vec::new();
    for site in new.open_sites() {
        let counterpart = lost.get_mut(&likeness(site)).and_then(Vec::pop);
        if counterpart.is_none() {
            gained.push(OpenSite::of(site));
        }
    }
    let mut lost: Vec<OpenSite> = lost.into_values().flatten().collect();
    lost.sort_by_key(|site| site.address);
    (lost, gained)
}

/// What a site has in common with its counterpart in another build.
fn likeness(site: &SiteEntry) -> String {
    if !site.function.starts_with("fn_0x") {
        return site.function.clone();
    }
    let words = site.why.split(' ').filter(|word| !word.starts_with("0x"));
    words.collect::<Vec<_>>().join(" ")
}

impl OpenSite {
    fn of(site: &SiteEntry) -> OpenSite {
        OpenSite {
            address: site.address,
            function: site.function.clone(),
            why: site.why.clone(),
            chain: site.chain.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::manifest::{EvidenceKind, FragmentStatus};

    fn site(address: u64, function: &str, number: Option<u64>) -> SiteEntry {
        SiteEntry {
            address: Address(address),
            function: function.to_owned(),
            numbers: number.map(|number| [SyscallNumber(number)].into()),
            evidence: if number.is_some() { EvidenceKind::Constant } else { EvidenceKind::Unbounded },
            origins: BTreeMap::new(),
            why: if number.is_some() { String::new() } else { format!("a7 is lost at {address:#x} in a loop") },
            reachable: true,
            chain: vec!["_start".to_owned(), function.to_owned()],
        }
    }

    fn manifest(sites: Vec<SiteEntry>) -> Manifest {
        let fragments =
            [64, 94].map(|number| (SyscallNumber(number), FragmentStatus::Supported(format!("{number}.rs"))));
        Manifest::of_sites(sites, &fragments.into())
    }

    #[test]
    fn the_same_calls_are_no_difference_wherever_they_moved() {
        let old = manifest(vec![site(0x100, "write", Some(64)), site(0x200, "fn_0x1f0", None)]);
        let new = manifest(vec![site(0x300, "fn_0x2f0", None), site(0x400, "write", Some(64))]);
        let difference = Difference::new(&old, &new);
        assert!(difference.is_empty() && difference.to_table().contains("no difference"), "{difference:?}");
    }

    #[test]
    fn what_is_added_has_its_sites_and_what_is_dropped_its_name() {
        let old = manifest(vec![site(0x100, "write", Some(64)), site(0x200, "exit", Some(94))]);
        let new =
            manifest(vec![site(0x100, "write", Some(64)), site(0x110, "log", Some(64)), site(0x300, "net", Some(198))]);
        let difference = Difference::new(&old, &new);
        let [added] = difference.added.as_slice() else { panic!("{difference:?}") };
        assert_eq!((added.name.as_str(), added.status, added.sites[0].address.0), ("socket", Status::Missing, 0x300));
        assert_eq!(difference.dropped[0].name, "exit_group");
        assert_eq!((difference.changed[0].sites_before, difference.changed[0].sites_now), (1, 2));
        assert_eq!(difference.missing_gained[0].name, "socket");
        let text = difference.to_table();
        for part in ["0x300  _start > net", "dropped: 1 call", "1 site before, 2 now", "MISSING"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let back = Difference::new(&new, &old);
        assert_eq!((back.dropped[0].name.as_str(), back.missing_lost[0].name.as_str()), ("socket", "socket"));
    }

    #[test]
    fn open_sites_are_matched_by_function_and_without_names_by_what_was_lost() {
        let old = manifest(vec![site(0x100, "syscall", None), site(0x200, "fn_0x1f0", None)]);
        let new =
            manifest(vec![site(0x300, "fn_0x2f0", None), site(0x310, "fn_0x308", None), site(0x400, "do_any", None)]);
        let difference = Difference::new(&old, &new);
        let addresses = |sites: &[OpenSite]| sites.iter().map(|site| site.address.0).collect::<Vec<_>>();
        assert_eq!(addresses(&difference.unbounded_gained), [0x310, 0x400]);
        assert_eq!(addresses(&difference.unbounded_lost), [0x100]);
        let now_bounded = Difference::new(&old, &manifest(vec![site(0x100, "write", Some(64))]));
        assert!(now_bounded.to_table().contains("the new build is bounded, the old one was not"));
    }
}
