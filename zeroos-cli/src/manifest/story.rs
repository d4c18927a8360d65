//! The whole story of one site: where it is, which numbers it carries and what decides them, how it is reached, the code
//! around it, and what an entry into the kernel may use there.

use std::collections::BTreeSet;

use super::layout::{counted, line};
use super::table::{FRAGMENTS, fragment};
use super::{Manifest, ManifestError, listing};
use crate::address::Address;
use crate::analysis::{Analysis, Evidence, Site};
use crate::elf::{AppElf, ElfKind};
use crate::isa::RegisterSet;
use crate::linux::SyscallNumber;

/// Instructions listed for one number.
const MOST_ORIGINS: usize = 8;

/// Sites named when there is none at the address asked for.
const NEAREST: usize = 3;

/// Tells of the `ecall` at `address` in `elf`, of which `analysis` is the analysis and `manifest` the manifest.
///
/// # Errors
/// There is no `ecall` at `address`; the nearest ones are named.
pub fn story(
    elf: &AppElf,
    analysis: &Analysis,
    manifest: &Manifest,
    address: Address,
) -> Result<String, ManifestError> {
    let index = analysis.sites.binary_search_by_key(&address, |site| site.address);
    let Some(site) = index.ok().and_then(|index| analysis.sites.get(index)) else {
        let movable = elf.kind == ElfKind::StaticPie;
        return Err(ManifestError::NoSite { address, nearest: nearest(analysis, address), movable });
    };
    let mut text = String::new();
    let place = if site.function <= address {
        format!("{} + {:#x}", site.function, (address - site.function).0)
    } else {
        format!("{} - {:#x}", site.function, (site.function - address).0)
    };
    line(&mut text, format_args!("{address}  `ecall` in {} ({place})", site.function_name));
    numbers(&mut text, elf, site, manifest);
    chain(&mut text, elf, site, manifest.start_up_instructions > 0);
    line(&mut text, format_args!(""));
    line(&mut text, format_args!("code   (> the site, * decides the number)"));
    let marked: BTreeSet<Address> = site.origins.values().flatten().copied().collect();
    listing::write(&mut text, elf, site.function, address, &marked);
    line(&mut text, format_args!(""));
    line(&mut text, format_args!("for an entry into the kernel"));
    let registers = |set: RegisterSet| {
        let names: Vec<String> = set.iter().map(|register| register.to_string()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(" ") }
    };
    line(&mut text, format_args!("  may be read afterwards  {}", registers(site.live_after)));
    line(&mut text, format_args!("  dead temporaries        {}", registers(site.dead_temporaries)));
    line(&mut text, format_args!("  target of a branch      {}", if site.branch_target { "may be" } else { "no" }));
    Ok(text)
}

fn numbers(text: &mut String, elf: &AppElf, site: &Site, manifest: &Manifest) {
    line(text, format_args!(""));
    let numbers = match &site.evidence {
        Evidence::Constant(number) => {
            line(text, format_args!("number: a constant, set in the function itself"));
            BTreeSet::from([*number])
        }
        Evidence::Propagated { numbers, why } => {
            line(text, format_args!("{}: {why}", counted(numbers.len(), "number")));
            numbers.clone()
        }
        Evidence::Unbounded { why } => {
            line(text, format_args!("any number: {why}"));
            let next =
                "an image of this program carries every fragment; `zeroos build --deny-unbounded` refuses to build";
            if site.reachable {
                line(text, format_args!("  {next}"));
            }
            return;
        }
    };
    for number in numbers {
        let answer = match manifest.syscall(number) {
            Some(syscall) => fragment(syscall.fragment.as_deref(), syscall.status),
            None => "(no reachable site makes it)".to_owned(),
        };
        line(text, format_args!("  {:>4} {number:<24} {answer}", number.0));
        origins(text, elf, site, number);
    }
    line(text, format_args!("  (fragments lie below kernel-fragments/src/{FRAGMENTS})"));
}

/// The instructions that bring `number` into being.
fn origins(text: &mut String, elf: &AppElf, site: &Site, number: SyscallNumber) {
    let Some(origins) = site.origins.get(&number) else { return };
    for &origin in origins.iter().take(MOST_ORIGINS) {
        let instruction = listing::instruction_at(elf, origin).map_or_else(String::new, |found| found.to_string());
        let own = site.function <= origin && origin < site.address;
        let function = match listing::function_at(elf, origin) {
            Some(name) => format!("in {name}"),
            None if own => format!("in {}", site.function_name),
            None => String::new(),
        };
        line(text, format_args!("         {origin}  {instruction:<24} {function}"));
    }
    if origins.len() > MOST_ORIGINS {
        line(text, format_args!("         and {} more", origins.len() - MOST_ORIGINS));
    }
}

fn chain(text: &mut String, elf: &AppElf, site: &Site, start_up_decides: bool) {
    line(text, format_args!(""));
    if !site.reachable {
        line(
            text,
            format_args!("never reached: no path from the entry leads here, so its numbers ask for no fragment."),
        );
        line(
            text,
            format_args!(
                "  The manifest lists it because it lists every `ecall` of the file: nothing is dropped silently."
            ),
        );
        if start_up_decides {
            line(
                text,
                format_args!(
                    "  What only start-up could run counts as far as start-up goes, which is the same in every run."
                ),
            );
        }
        return;
    }
    if site.chain.is_empty() {
        line(text, format_args!("no path from the entry to it was seen, but where control goes is not known."));
        return;
    }
    line(text, format_args!("reached from the entry ({}) by", elf.entry));
    for (index, name) in site.chain.iter().enumerate() {
        let mark = if index == 0 { ' ' } else { '>' };
        let pointer = name.strip_prefix("[pointer at 0x").and_then(|rest| rest.strip_suffix(']'));
        let place = pointer.and_then(|digits| u64::from_str_radix(digits, 16).ok()).map(Address);
        let data = place.and_then(|place| listing::data_at(elf, place)).map(|data| format!("  {data}"));
        line(text, format_args!("  {mark} {name}{}", data.unwrap_or_default()));
    }
}

/// The sites nearest to `address`, in words.
fn nearest(analysis: &Analysis, address: Address) -> String {
    let mut sites: Vec<&Site> = analysis.sites.iter().collect();
    sites.sort_by_key(|site| (site.address.0.abs_diff(address.0), site.address));
    let mut sites: Vec<&Site> = sites.into_iter().take(NEAREST).collect();
    sites.sort_by_key(|site| site.address);
    let names: Vec<String> = sites.iter().map(|site| format!("{} in {}", site.address, site.function_name)).collect();
    if names.is_empty() { "the program has none at all".to_owned() } else { format!("nearest: {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::analysis::analyse;
    use crate::isa::{Op, Register};

    fn hello() -> (AppElf, Analysis, Manifest) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hello-c/bin/gc-exec-symbols");
        let elf = AppElf::parse(std::fs::read(path).unwrap()).unwrap();
        let analysis = analyse(&elf);
        let manifest = Manifest::new(&elf, &analysis, &BTreeMap::new());
        (elf, analysis, manifest)
    }

    /// The site of `exit_group` in `_Exit`, and the address of the instruction before it that sets a7.
    fn exit(elf: &AppElf, analysis: &Analysis) -> (usize, Address) {
        let index = analysis.sites.iter().position(|site| site.function_name == "_Exit" && site.reachable).unwrap();
        let site = analysis.sites[index].address;
        let setter = (1..16).map(|halves| Address(site.0 - 2 * halves)).find(|&at| {
            listing::instruction_at(elf, at)
                .is_some_and(|found| found.op == Op::Addi && found.rd() == Register::A7 && found.immediate == 94)
        });
        (index, setter.unwrap())
    }

    #[test]
    fn every_site_has_a_story_with_its_own_ecall_marked() {
        let (elf, analysis, manifest) = hello();
        assert!(!analysis.sites.is_empty());
        for site in &analysis.sites {
            let text = story(&elf, &analysis, &manifest, site.address).unwrap();
            assert!(text.contains(&format!("  > {}  ecall\n", site.address)), "{text}");
            assert!(text.contains(if site.reachable { "  > " } else { "never reached" }), "{text}");
            assert!(text.lines().all(|line| !line.ends_with(' ')));
        }
    }

    #[test]
    fn the_deciding_instruction_is_named_and_marked_if_it_is_known() {
        let (elf, mut analysis, manifest) = hello();
        let (index, setter) = exit(&elf, &analysis);
        analysis.sites[index].origins.clear();
        let address = analysis.sites[index].address;
        let plain = story(&elf, &analysis, &manifest, address).unwrap();
        assert!(plain.contains(&format!("    {setter}  addi a7, zero, 94")) && plain.contains("# sets a7"), "{plain}");
        analysis.sites[index].origins = BTreeMap::from([(SyscallNumber(94), BTreeSet::from([setter]))]);
        let told = story(&elf, &analysis, &manifest, address).unwrap();
        assert!(told.contains(&format!("  * {setter}  addi a7, zero, 94")), "{told}");
        assert!(told.contains(&format!("         {setter}  addi a7, zero, 94        in _Exit")), "{told}");
    }

    /// An instruction in a caller, and many of them.
    #[test]
    fn instructions_elsewhere_are_listed_with_their_function() {
        let (elf, mut analysis, manifest) = hello();
        let (index, setter) = exit(&elf, &analysis);
        let many: BTreeSet<Address> = (0..20).map(|halves| Address(elf.entry.0 + 2 * halves)).collect();
        let site = &mut analysis.sites[index];
        site.evidence =
            Evidence::Propagated { numbers: BTreeSet::from([94, 64].map(SyscallNumber)), why: "because".into() };
        site.origins = BTreeMap::from([(SyscallNumber(64), many), (SyscallNumber(94), BTreeSet::from([setter]))]);
        let address = site.address;
        let text = story(&elf, &analysis, &manifest, address).unwrap();
        for part in ["2 numbers: because", "64 write", "in _start", "and 12 more", "94 exit_group"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn an_open_site_says_what_was_lost() {
        let (elf, mut analysis, manifest) = hello();
        let (index, _) = exit(&elf, &analysis);
        analysis.sites[index].evidence = Evidence::Unbounded { why: "a7 comes from a loop".to_owned() };
        let text = story(&elf, &analysis, &manifest, analysis.sites[index].address).unwrap();
        assert!(text.contains("any number: a7 comes from a loop") && text.contains("--deny-unbounded"), "{text}");
    }

    #[test]
    fn another_address_is_refused_with_the_nearest_sites() {
        let (elf, mut analysis, manifest) = hello();
        let (index, setter) = exit(&elf, &analysis);
        let error = story(&elf, &analysis, &manifest, setter).unwrap_err().to_string();
        assert!(error.contains(&format!("{} in _Exit", analysis.sites[index].address)), "{error}");
        assert!(story(&elf, &analysis, &manifest, Address(u64::MAX)).is_err());
        analysis.sites.clear();
        let error = story(&elf, &analysis, &manifest, setter).unwrap_err().to_string();
        assert!(error.contains("the program has none at all"), "{error}");
    }
}
