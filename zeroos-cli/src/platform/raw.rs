//! `platform.toml` as written, and the checks that make a [`Platform`] of it. Unknown keys are errors: a key that is
//! silently ignored is a wish that is silently refused.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{
    Access, CostTable, Devices, EcallBehaviour, InstructionSet, LoaderRules, MemoryRegion, Misaligned, Platform,
    PlatformError, TRAP_CSRS, translation::RawTranslation,
};
use crate::address::{Address, AddressRange, ByteCount};

/// The format this version reads.
const SCHEMA: &str = "zeroos.platform/2";
/// Regions are given out in pages of this size, bytes.
const PAGE: u64 = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlatform {
    schema: String,
    name: String,
    summary: String,
    isa: String,
    ecall: EcallBehaviour,
    #[serde(default)]
    misaligned: Misaligned,
    csrs: Option<Vec<String>>,
    costs: Option<CostTable>,
    memory: Vec<RawRegion>,
    in_place: Option<RawSpan>,
    translation: Option<RawTranslation>,
    #[serde(default)]
    loader: LoaderRules,
    devices: Devices,
    #[serde(default)]
    runner: RawRunner,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegion {
    name: String,
    start: Address,
    size_bytes: ByteCount,
    #[serde(default)]
    access: Access,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpan {
    start: Address,
    end: Address,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawRunner {
    command: Vec<String>,
}

/// Reads the `platform.toml` and `platform.rs` of the folder `folder`.
///
/// # Errors
/// What does not parse or contradicts itself, with the file's name.
pub(super) fn parse(folder: &str, toml: &str, source: &str) -> Result<Platform, PlatformError> {
    let file = format!("{folder}/platform.toml");
    let raw: RawPlatform = toml::from_str(toml)
        .map_err(|error| PlatformError::Syntax { file: file.clone(), message: error.to_string() })?;
    let wrong = |what: String| PlatformError::Contradiction { file: file.clone(), what };
    if raw.schema != SCHEMA {
        return Err(wrong(format!("schema is `{}`; this version reads `{SCHEMA}`", raw.schema)));
    }
    if raw.name != folder {
        return Err(wrong(format!("name is `{}`, the folder `{folder}`; they must agree", raw.name)));
    }
    let isa = InstructionSet::parse(&raw.isa).map_err(wrong)?;
    let csrs = csrs(raw.csrs, raw.ecall).map_err(wrong)?;
    if isa.float && csrs.as_ref().is_some_and(|csrs| !TRAP_CSRS.iter().all(|(_, number)| csrs.contains(number))) {
        return Err(wrong(format!(
            "isa is `{}`, but csrs lacks some of {}; with floating point all are needed",
            raw.isa,
            TRAP_CSRS.map(|(name, _)| name).join(", ")
        )));
    }
    let mut memory = Vec::new();
    for region in raw.memory {
        let range = AddressRange::new(region.start, region.size_bytes)
            .filter(|range| !range.is_empty() && range.start().0 % PAGE == 0 && range.end().0 % PAGE == 0)
            .ok_or_else(|| {
                wrong(format!("memory `{}` must be whole pages of {PAGE} bytes, at least one", region.name))
            })?;
        memory.push(MemoryRegion { name: region.name, range, access: region.access });
    }
    if memory.is_empty() {
        return Err(wrong("no [[memory]]; expected at least one region".into()));
    }
    if !memory.iter().any(|region| region.access.executes()) || !memory.iter().any(|region| region.access.writes()) {
        return Err(wrong("no [[memory]] to execute in, or none to write to; expected both, or one for both".into()));
    }
    let mut ascending: Vec<AddressRange> = memory.iter().map(|region| region.range).collect();
    ascending.sort();
    if let Some(pair) = ascending.windows(2).find(|pair| pair[0].overlaps(pair[1])) {
        return Err(wrong(format!("memory {} and {} overlap", pair[0], pair[1])));
    }
    let in_place = match raw.in_place {
        None => None,
        Some(span) => Some(
            AddressRange::between(span.start, span.end)
                .filter(|range| ascending.iter().all(|region| !region.overlaps(*range)))
                .ok_or_else(|| wrong("in_place must end behind its start and overlap no memory region".into()))?,
        ),
    };
    if raw.translation.is_some() && csrs.is_some() {
        return Err(wrong("translation is given, but the machine does not have all CSRs; leave `csrs` away".into()));
    }
    if raw.translation.is_some() && (raw.costs.is_some() || raw.misaligned != Misaligned::Works) {
        return Err(wrong(
            "translation is given, and costs or a rule for misaligned accesses; behind a page table the built-in machine has neither"
                .into(),
        ));
    }
    let translation = raw.translation.map(|raw_translation| raw_translation.check(&memory, &raw.devices));
    let translation = translation.transpose().map_err(wrong)?;
    Ok(Platform {
        name: raw.name,
        summary: raw.summary,
        isa,
        ecall: raw.ecall,
        misaligned: raw.misaligned,
        costs: raw.costs,
        csrs,
        memory,
        in_place,
        translation,
        loader: raw.loader,
        devices: raw.devices,
        runner: raw.runner.command,
        source: source.to_owned(),
    })
}

/// The numbers of the CSRs named, by default all if `ecall` traps, else none.
fn csrs(names: Option<Vec<String>>, ecall: EcallBehaviour) -> Result<Option<BTreeSet<u16>>, String> {
    let Some(names) = names else {
        return Ok(if ecall == EcallBehaviour::Mtvec { None } else { Some(BTreeSet::new()) });
    };
    let known = || TRAP_CSRS.map(|(name, _)| name).join(", ");
    let number = |name: &String| {
        let found = TRAP_CSRS.iter().find(|(known, _)| known == name);
        found.map(|&(_, number)| number).ok_or_else(|| format!("csrs has `{name}`; expected some of {}", known()))
    };
    let csrs = names.iter().map(number).collect::<Result<BTreeSet<u16>, String>>()?;
    if ecall == EcallBehaviour::Mtvec && csrs.len() < TRAP_CSRS.len() {
        return Err(format!("ecall is `mtvec`, but csrs lacks some of {}, by which traps are served", known()));
    }
    Ok(Some(csrs))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        schema = "zeroos.platform/2"
        name = "board"
        summary = "a board"
        isa = "rv64gc"
        ecall = "mtvec"
        memory = [{ name = "ram", start = "0x80000000", size_bytes = 0x10000 }]
        devices = { htif = true }
    "#;

    #[test]
    fn a_complete_file_is_read() {
        let platform = parse("board", GOOD, "").unwrap();
        assert_eq!(platform.memory[0].range.end(), Address(0x8001_0000));
    }

    #[test]
    fn an_unknown_key_is_an_error_and_names_the_file() {
        let error = parse("board", &GOOD.replace("summary", "sumary"), "").unwrap_err();
        assert!(error.to_string().contains("board/platform.toml") && error.to_string().contains("sumary"));
    }

    #[test]
    fn what_the_built_in_machine_has_not_behind_a_page_table_is_refused() {
        let classes =
            ["load", "load_double", "store", "store_double", "branch", "jump", "multiply", "divide", "atomic"];
        let costs: String = classes.iter().map(|class| format!("{class} = 1, ")).collect();
        let costs = format!("costs = {{ {costs}atomic_double = 1, system = 1, other = 1 }}\n");
        let translation = "translation.mode = \"sv39\"
            translation.program = { virtual = \"0x0\", physical = \"0xc0000000\", size_bytes = 0x40000000 }
            translation.devices = { virtual = \"0xc0000000\", physical = \"0x0\", size_bytes = 0x40000000 }\n";
        let read = |more: &[&str]| parse("board", &format!("{GOOD}{}", more.concat()), "");
        assert!(read(&[&costs]).unwrap().costs.is_some() && read(&[translation]).unwrap().translation.is_some());
        assert!(read(&[translation, &costs]).is_err() && read(&[translation, "misaligned = \"stops\""]).is_err());
    }

    #[test]
    fn contradictions_are_refused() {
        for (from, to) in
            [("0x10000", "0x10001"), ("rv64gc", "rv32i"), ("platform/2", "platform/9"), ("\"board\"", "\"b\"")]
        {
            assert!(parse("board", &GOOD.replace(from, to), "").is_err(), "{to}");
        }
    }
}
