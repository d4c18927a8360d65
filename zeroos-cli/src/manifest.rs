//! The manifest: what a program asks of a kernel, as data that others can rely on (`zeroos.manifest/1`) and as a table
//! that a person can decide from. It names no path, so the same program gives the same manifest everywhere. Beside it,
//! what people ask next: was a run within the manifest ([`Audit`]), what does a new build add ([`Difference`]), and why
//! is this one site as it is ([`story`]).

mod audit;
mod difference;
mod error;
mod layout;
mod listing;
mod story;
mod table;
mod trace;

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;
use serde::{Deserialize, Serialize};

pub use audit::{Audit, Miss, Observed};
pub use difference::{Added, Changed, Difference, Named, OpenSite};
pub use error::ManifestError;
pub use story::story;
pub use trace::Trace;

use crate::address::Address;
use crate::analysis::{Analysis, Evidence};
use crate::elf::{AppElf, ElfKind, FloatAbi};
use crate::linux::SyscallNumber;

/// The `schema` of every manifest that this version writes.
pub const SCHEMA: &str = "zeroos.manifest/1";

/// What the kernel has for a syscall.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FragmentStatus {
    /// The fragment file that implements it, relative to the fragment library.
    Supported(String),
    /// Nothing: the call stops the image.
    Missing,
    /// It fails with `ENOSYS` because the user's configuration says so.
    Enosys,
}

/// What the kernel has for each number; a number that is not in it is missing.
pub type FragmentLookup = BTreeMap<SyscallNumber, FragmentStatus>;

/// The whole manifest. Field names and order are the file format's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// Which program it is about.
    pub app: App,
    /// Whether the numbers of all reachable sites are known.
    pub bounded: bool,
    /// What decided which functions whose address is taken count as reachable: one sentence.
    #[serde(default)]
    pub address_taken_rule: String,
    /// Reachable indirect jumps whose targets could not be bounded.
    #[serde(default)]
    pub unbounded_jumps: Vec<Address>,
    /// Instructions that were followed from the program's first on, if what they leave behind for good is left out of the
    /// manifest as far as they did not execute it; 0 if nothing is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub start_up_instructions: u32,
    /// Every syscall that a reachable site can make, by number.
    pub syscalls: Vec<Syscall>,
    /// Every `ecall`, by address.
    pub sites: Vec<SiteEntry>,
}

/// The program, without its path.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct App {
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// `exec` or `static-pie`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The ISA attribute of the file, or what its header says.
    pub isa: String,
    /// Whether it has no symbols.
    pub stripped: bool,
    /// `musl`, `glibc`, `go` or `unknown`: a guess from strings in the file.
    pub libc: String,
}

/// One syscall.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Syscall {
    /// Its number.
    pub number: SyscallNumber,
    /// Its name, or `syscall_N`.
    pub name: String,
    /// The reachable sites that can make it.
    pub sites: Vec<Address>,
    /// The fragment file.
    pub fragment: Option<String>,
    /// What happens when the program makes it.
    pub status: Status,
}

/// See [`FragmentStatus`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A fragment implements it.
    Supported,
    /// The image stops there.
    Missing,
    /// It fails with `ENOSYS`, as configured.
    Enosys,
}

/// One `ecall`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SiteEntry {
    /// Where it is.
    pub address: Address,
    /// The function it is in.
    pub function: String,
    /// The numbers it can carry; `None` if any. TOML, which has no null, leaves it out.
    pub numbers: Option<BTreeSet<SyscallNumber>>,
    /// How they are known.
    pub evidence: EvidenceKind,
    /// The instructions that bring each number into being, as far as they are known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<SyscallNumber, BTreeSet<Address>>,
    /// Where they come from, or what was lost; empty for a constant.
    pub why: String,
    /// Whether a path from the entry reaches it.
    pub reachable: bool,
    /// The functions on a shortest path from the entry.
    pub chain: Vec<String>,
}

/// See [`Evidence`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceKind {
    /// One constant, set in the function itself.
    Constant,
    /// A set, carried from elsewhere.
    Propagated,
    /// Any number.
    Unbounded,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Manifest {
    /// The manifest of `elf`, of which `analysis` is the analysis, for a kernel that has `fragments`.
    pub fn new(elf: &AppElf, analysis: &Analysis, fragments: &FragmentLookup) -> Manifest {
        let sites: Vec<SiteEntry> = analysis
            .sites
            .iter()
            .map(|site| {
                let (evidence, why) = match &site.evidence {
                    Evidence::Constant(_) => (EvidenceKind::Constant, String::new()),
                    Evidence::Propagated { why, .. } => (EvidenceKind::Propagated, why.clone()),
                    Evidence::Unbounded { why } => (EvidenceKind::Unbounded, why.clone()),
                };
                SiteEntry {
                    address: site.address,
                    function: site.function_name.clone(),
                    numbers: site.evidence.numbers(),
                    evidence,
                    origins: site.origins.clone(),
                    why,
                    reachable: site.reachable,
                    chain: site.chain.clone(),
                }
            })
            .collect();
        Manifest {
            app: App::new(elf),
            address_taken_rule: analysis.address_taken_rule.clone(),
            unbounded_jumps: analysis.unbounded_jumps.clone(),
            start_up_instructions: analysis.finished.as_ref().map_or(0, |finished| finished.instructions),
            ..Manifest::of_sites(sites, fragments)
        }
    }

    /// What follows from the sites alone, about no program yet.
    fn of_sites(sites: Vec<SiteEntry>, fragments: &FragmentLookup) -> Manifest {
        let mut callers: BTreeMap<SyscallNumber, Vec<Address>> = BTreeMap::new();
        for site in sites.iter().filter(|site| site.reachable) {
            for &number in site.numbers.iter().flatten() {
                callers.entry(number).or_default().push(site.address);
            }
        }
        let syscalls = callers.into_iter().map(|(number, sites)| syscall(number, sites, fragments)).collect();
        let bounded = sites.iter().all(|site| !site.reachable || site.numbers.is_some());
        Manifest {
            schema: SCHEMA.to_owned(),
            app: App::default(),
            bounded,
            address_taken_rule: String::new(),
            unbounded_jumps: Vec::new(),
            start_up_instructions: 0,
            syscalls,
            sites,
        }
    }

    /// The site at `address`.
    pub fn site(&self, address: Address) -> Option<&SiteEntry> {
        let index = self.sites.binary_search_by_key(&address, |site| site.address).ok()?;
        self.sites.get(index)
    }

    /// The entry of call `number`, if a reachable site can make it.
    pub fn syscall(&self, number: SyscallNumber) -> Option<&Syscall> {
        let index = self.syscalls.binary_search_by_key(&number, |syscall| syscall.number).ok()?;
        self.syscalls.get(index)
    }

    /// Reachable sites that may carry any number.
    pub fn open_sites(&self) -> impl Iterator<Item = &SiteEntry> {
        self.sites.iter().filter(|site| site.reachable && site.numbers.is_none())
    }

    /// Pretty JSON with a final newline; the same manifest always gives the same bytes.
    ///
    /// # Errors
    /// None for a manifest made by [`Manifest::new`].
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// The same as TOML; `null` becomes an absent key.
    ///
    /// # Errors
    /// None for a manifest made by [`Manifest::new`], unless a number exceeds TOML's 63 bits.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }

    /// A table for people.
    pub fn to_table(&self) -> String {
        table::render(self)
    }
}

fn syscall(number: SyscallNumber, sites: Vec<Address>, fragments: &FragmentLookup) -> Syscall {
    let (fragment, status) = match fragments.get(&number) {
        Some(FragmentStatus::Supported(file)) => (Some(file.clone()), Status::Supported),
        Some(FragmentStatus::Enosys) => (None, Status::Enosys),
        Some(FragmentStatus::Missing) | None => (None, Status::Missing),
    };
    Syscall { number, name: number.to_string(), sites, fragment, status }
}

/// The `type` of a program that runs at any address.
const STATIC_PIE: &str = "static-pie";

impl App {
    /// Whether it may run at other addresses than its file's.
    fn is_movable(&self) -> bool {
        self.kind == STATIC_PIE
    }

    /// One line about it.
    fn described(&self) -> String {
        let symbols = if self.stripped { "stripped" } else { "with symbols" };
        format!("{} {} ({symbols}), libc: {}", self.kind, self.isa_without_versions(), self.libc)
    }

    /// `rv64imac_zicsr` of `rv64i2p1_m2p0_a2p1_c2p0_zicsr2p0`.
    fn isa_without_versions(&self) -> String {
        let mut isa = String::new();
        for (index, part) in self.isa.split('_').enumerate() {
            // The version is a last number, `p` and another number.
            let major = part.trim_end_matches(|digit: char| digit.is_ascii_digit()).strip_suffix('p');
            let name = major.map_or(part, |rest| rest.trim_end_matches(|digit: char| digit.is_ascii_digit()));
            if index > 0 && name.len() > 1 {
                isa.push('_');
            }
            isa.push_str(name);
        }
        isa
    }

    fn new(elf: &AppElf) -> App {
        App {
            sha256: elf.sha256().iter().map(|byte| format!("{byte:02x}")).collect(),
            kind: match elf.kind {
                ElfKind::Executable => "exec",
                ElfKind::StaticPie => STATIC_PIE,
            }
            .to_owned(),
            isa: elf.isa.attribute.clone().unwrap_or_else(|| isa_of_header(elf)),
            stripped: elf.is_stripped(),
            libc: libc(elf).to_owned(),
        }
    }
}

/// The least ISA that the header's flags allow.
fn isa_of_header(elf: &AppElf) -> String {
    let float = match elf.isa.float_abi {
        FloatAbi::Soft => "",
        FloatAbi::Single => "f",
        FloatAbi::Double => "fd",
        FloatAbi::Quad => "fdq",
    };
    format!("rv64ima{float}{}", if elf.isa.compressed { "c" } else { "" })
}

/// A guess from what each library leaves in every program: Go its table of function names, glibc the messages of its start-up
/// code and allocator, musl its fixed list of `strerror` texts or the names that its start-up opens.
fn libc(elf: &AppElf) -> &'static str {
    let bytes = elf.file_bytes();
    let holds = |text: &[u8]| memmem::find(bytes, text).is_some();
    if holds(b"\0runtime.goexit\0") || holds(b"\xff Go buildinf:") {
        "go"
    } else if holds(b"GNU C Library") || holds(b"FATAL: kernel too old") || holds(b"glibc.malloc.") {
        "glibc"
    } else if holds(b"/dev/null\0") && (holds(b"No error information") || !holds(b"glibc")) {
        "musl"
    } else {
        "unknown"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::analyse;

    fn hello() -> (AppElf, Analysis) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hello-c/bin/gc-exec-symbols");
        let elf = AppElf::parse(std::fs::read(path).unwrap()).unwrap();
        let analysis = analyse(&elf);
        (elf, analysis)
    }

    fn fragments() -> FragmentLookup {
        BTreeMap::from([
            (SyscallNumber(66), FragmentStatus::Supported("syscalls/io/writev.rs".to_owned())),
            (SyscallNumber(29), FragmentStatus::Enosys),
        ])
    }

    #[test]
    fn the_json_has_the_agreed_fields() {
        let (elf, analysis) = hello();
        let manifest = Manifest::new(&elf, &analysis, &fragments());
        let text = manifest.to_json().unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["schema"], "zeroos.manifest/1");
        assert_eq!(json["bounded"], true);
        assert_eq!((&json["app"]["type"], &json["app"]["libc"]), (&"exec".into(), &"musl".into()));
        assert_eq!(json["app"]["sha256"].as_str().unwrap().len(), 64);
        let named = |name: &str| {
            let syscalls = json["syscalls"].as_array().unwrap();
            syscalls.iter().find(|syscall| syscall["name"] == name).unwrap().clone()
        };
        assert_eq!((&named("writev")["status"], &named("writev")["number"]), (&"supported".into(), &66.into()));
        assert_eq!(named("writev")["fragment"], "syscalls/io/writev.rs");
        assert_eq!((&named("ioctl")["status"], &named("ioctl")["fragment"]), (&"enosys".into(), &().into()));
        assert_eq!(named("exit_group")["status"], "missing");
        assert!(named("writev")["sites"][0].as_str().unwrap().starts_with("0x"));
        let site = &json["sites"][0];
        assert_eq!(site["evidence"], "constant");
        assert!(site["numbers"].is_array() && site["chain"].is_array() && site["reachable"].is_boolean());
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
    }

    #[test]
    fn the_instructions_that_decide_are_added_where_they_are_known() {
        let (elf, mut analysis) = hello();
        for site in &mut analysis.sites {
            site.origins.clear();
        }
        let none = Manifest::new(&elf, &analysis, &fragments()).to_json().unwrap();
        assert!(!none.contains("origins"));
        analysis.sites[0].origins = BTreeMap::from([(SyscallNumber(64), BTreeSet::from([Address(0x10100)]))]);
        let manifest = Manifest::new(&elf, &analysis, &fragments());
        let text = manifest.to_json().unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["sites"][0]["origins"], serde_json::json!({"64": ["0x10100"]}));
        assert!(json["sites"][1]["origins"].is_null());
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
        let toml: toml::Table = manifest.to_toml().unwrap().parse().unwrap();
        assert_eq!(toml["sites"][0]["origins"]["64"][0].as_str(), Some("0x10100"));
    }

    #[test]
    fn the_isa_is_told_without_version_numbers() {
        let told = |isa: &str| App { isa: isa.to_owned(), ..App::default() }.isa_without_versions();
        assert_eq!(told("rv64i2p1_m2p0_a2p1_c2p0_zicsr2p0_zca1p0"), "rv64imac_zicsr_zca");
        assert_eq!((told("rv64imafdc"), told("")), ("rv64imafdc".to_owned(), String::new()));
    }

    #[test]
    fn a_small_c_program_is_given_few_syscalls() {
        let (elf, analysis) = hello();
        let manifest = Manifest::new(&elf, &analysis, &fragments());
        let names: Vec<&str> = manifest.syscalls.iter().map(|syscall| syscall.name.as_str()).collect();
        assert!(names.len() <= 11 && !names.contains(&"exit"), "{names:?}");
    }

    #[test]
    fn an_open_site_makes_the_manifest_unbounded() {
        let (elf, mut analysis) = hello();
        let site = analysis.sites.iter_mut().find(|site| site.reachable).unwrap();
        site.evidence = Evidence::Unbounded { why: "a7 is lost".to_owned() };
        let manifest = Manifest::new(&elf, &analysis, &fragments());
        assert!(!manifest.bounded);
        let json: serde_json::Value = serde_json::from_str(&manifest.to_json().unwrap()).unwrap();
        let open = json["sites"].as_array().unwrap().iter().find(|site| site["evidence"] == "unbounded").unwrap();
        assert!(open["numbers"].is_null());
        assert!(manifest.to_table().contains("a7 is lost"));
        let toml: toml::Table = manifest.to_toml().unwrap().parse().unwrap();
        assert_eq!(toml["bounded"].as_bool(), Some(false));
    }

    #[test]
    fn the_table_names_what_is_missing_and_the_next_step() {
        let (elf, analysis) = hello();
        let table = Manifest::new(&elf, &analysis, &fragments()).to_table();
        assert!(table.contains("_start > "), "{table}");
        let missing = table.split("missing:").nth(1).unwrap();
        assert!(missing.contains("exit_group") && !missing.contains("ioctl") && missing.contains("--deny-missing"));
        assert!(table.lines().all(|line| !line.ends_with(' ')));
    }
}
