//! The rules of `ARCHITECTURE.md` that a machine can check. Each failure says what to do about it.
#![allow(clippy::unwrap_used)] // what fails here fails the test

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use zeroos::catalog::{Catalog, Variant};
use zeroos::diagnostic::codes::CODES;
use zeroos::platform::PlatformRegistry;

/// Which modules of the library each module may name. A stage names the types that it is given, and no stage names the
/// stage that comes after it. `pipeline` and the command line may name all.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("address", &[]),
    ("linux", &[]),
    ("diagnostic", &[]),
    ("assets", &[]),
    ("isa", &["address"]),
    ("elf", &["address", "diagnostic"]),
    ("analysis", &["address", "elf", "isa", "linux"]),
    ("manifest", &["address", "analysis", "diagnostic", "elf", "isa", "linux"]),
    ("catalog", &["assets", "diagnostic", "linux"]),
    ("platform", &["address", "assets", "diagnostic", "isa"]),
    ("plan", &["address", "analysis", "catalog", "diagnostic", "elf", "isa", "linux", "platform"]),
    ("source", &["assets", "catalog", "diagnostic", "linux", "plan", "platform"]),
    ("compile", &["address", "diagnostic", "source"]),
    ("image", &["address", "analysis", "catalog", "diagnostic", "elf", "isa", "linux", "plan", "platform"]),
    ("verify", &["address", "elf", "image", "isa", "plan", "platform"]),
    ("snapshot", &["address", "diagnostic", "engine", "image", "linux", "machine"]),
    ("machine", &["address", "isa", "platform"]),
    ("engine", &["address", "diagnostic", "image", "linux", "machine", "platform"]),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Modules that may name all others.
const STORYTELLERS: [&str; 2] = ["pipeline", "cli"];

/// Stages that are functions of their arguments.
const PURE: [&str; 7] = ["analysis", "elf", "isa", "manifest", "plan", "source", "verify"];

/// Fragment files with `unsafe` code, and why each cannot do without.
const UNSAFE_FRAGMENTS: [(&str, &str); 9] = [
    ("subsystems/checked_memory.rs", "is the program's memory where calls look up what pages allow"),
    ("subsystems/file_windows.rs", "reaches files in the program's memory beside its own bytes"),
    ("subsystems/image_data.rs", "reads tables that the builder laid out at addresses"),
    ("subsystems/instruction_cache.rs", "executes fence.i"),
    ("subsystems/kernel_heap.rs", "is an allocator"),
    ("subsystems/parked_thread.rs", "owns threads by pointers, as the context switch needs them"),
    ("subsystems/program_memory.rs", "is the program's memory"),
    ("subsystems/protected_memory.rs", "is that behind a page table, and the table"),
    ("subsystems/threads.rs", "hands threads to the context switch"),
];

/// Lines that a source file may have: more is two ideas.
const MOST_LINES: usize = 450;

/// Files that may be longer, and why.
const LONGER: [(&str, &str); 1] = [("zeroos-cli/src/diagnostic/codes.rs", "one table of all error codes")];

/// What lies in the repository's top folder; names with a leading dot are the tools'.
const TOP_LEVEL: [&str; 16] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "corpus",
    "docs",
    "engines",
    "examples",
    "kernel-fragments",
    "platforms",
    "rust-toolchain.toml",
    "templates",
    "xtask",
    "zeroos-cli",
];

#[test]
fn stages_name_only_what_they_are_given() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_NAME.iter().copied().collect();
    let mut wrong = Vec::new();
    for file in rust_files("zeroos-cli/src") {
        let stage = file.module();
        if STORYTELLERS.contains(&stage) {
            continue;
        }
        let Some(allowed) = allowed.get(stage) else {
            wrong.push(format!("{}: add the module `{stage}` to MAY_NAME with what it may name", file.path));
            continue;
        };
        for named in first_segments(&file.shipped_code(), "crate::") {
            if named != stage && !allowed.contains(&named.as_str()) {
                wrong.push(format!(
                    "{}: names `crate::{named}`; `{stage}` may name {allowed:?} only. Hand the value in from pipeline.rs, \
                     or, if the direction is right, add it to MAY_NAME and to the stage picture",
                    file.path
                ));
            }
        }
    }
    report(&wrong);
}

#[test]
fn pure_stages_touch_nothing() {
    let mut wrong = Vec::new();
    for file in rust_files("zeroos-cli/src").iter().filter(|file| PURE.contains(&file.module())) {
        let code = file.shipped_code();
        for named in first_segments(&code, "std::") {
            if ["env", "fs", "net", "process", "thread", "time"].contains(&named.as_str()) {
                wrong.push(format!(
                    "{}: uses std::{named}, but `{}` is pure; do it in cli/ or pipeline.rs and hand the result in",
                    file.path,
                    file.module()
                ));
            }
        }
        for unordered in ["HashMap", "HashSet"] {
            if has_word(&code, unordered) {
                let path = &file.path;
                wrong.push(format!("{path}: uses {unordered}, whose order differs from run to run; use the BTree one"));
            }
        }
    }
    report(&wrong);
}

#[test]
fn every_error_code_is_explained_and_used() {
    let table: Vec<&str> = CODES.iter().map(|code| code.code).collect();
    assert!(table.is_sorted_by(|a, b| a < b), "order CODES ascending, each code once");
    let mut used = BTreeSet::new();
    for file in rust_files("zeroos-cli/src").iter().filter(|file| !file.path.ends_with("diagnostic/codes.rs")) {
        let code = file.shipped_code();
        used.extend(code.split("\"ZOS-E").skip(1).filter_map(|rest| Some(format!("ZOS-E{}", rest.split('"').next()?))));
    }
    let table: BTreeSet<String> = table.into_iter().map(str::to_owned).collect();
    let unexplained: Vec<_> = used.difference(&table).collect();
    let unused: Vec<_> = table.difference(&used).collect();
    assert!(unexplained.is_empty(), "add an entry to diagnostic/codes.rs for each of {unexplained:?}");
    assert!(unused.is_empty(), "no error has these codes; remove them from diagnostic/codes.rs: {unused:?}");
    for code in CODES {
        let sentences = code.explanation.matches(['.', ':']).count();
        assert!(sentences >= 2, "{}: say what leads to it, what was expected and what to do", code.code);
    }
}

#[test]
fn syscall_files_have_the_fragment_format() {
    let mut wrong = Vec::new();
    for file in rust_files("kernel-fragments/src/syscalls") {
        let path = &file.path;
        let header: Vec<&str> = file.text.lines().map_while(|line| line.strip_prefix("//! ")).collect();
        let header = header.join(" ");
        // Calls without a man page cite the kernel's documentation.
        let cites = header.contains("<https://") || header.contains("(Documentation/");
        if !header.starts_with('`') || !header.contains("(2)`") || !cites {
            wrong.push(format!("{path}: start with //! `name(2)`: <https://address of its man page>. …"));
        }
        if !header.contains("Supported: ") || !header.contains("Errors: ") {
            wrong.push(format!(
                "{path}: say \"Supported: …\" and \"Errors: …\" (or \"Errors: none\") in the first paragraph"
            ));
        }
        let code = file.shipped_code();
        if code.matches("syscall!(").count() != 1 {
            wrong.push(format!("{path}: declare exactly one call, `syscall!(NUMBER => FUNCTION);`"));
        }
        if has_word(&code, "unsafe") {
            wrong.push(format!("{path}: handlers are safe Rust; what needs `unsafe` belongs into a subsystem"));
        }
    }
    for file in rust_files("kernel-fragments/src") {
        let code = file.shipped_code();
        if code.contains("super::") {
            wrong.push(format!(
                "{}: write `crate::…` instead of `super::…`: the generator reads these paths",
                file.path
            ));
        }
        if code.contains("core::fmt") || code.contains("format!") {
            let path = &file.path;
            wrong.push(format!("{path}: use stop::Message instead of core::fmt, which would be most of a kernel"));
        }
    }
    report(&wrong);
}

const SUFFIXES: [(&str, Variant); 10] = [
    ("_single", Variant::SingleThread),
    ("_waits", Variant::Waits),
    ("_plain", Variant::PlainFutexes),
    ("_fresh", Variant::FreshMappings),
    ("_process", Variant::ProcessFiles),
    ("_signals", Variant::SignalFiles),
    ("_fifos", Variant::FifoWaits),
    ("_pairs", Variant::PairedSockets),
    ("_credentials", Variant::Credentials),
    ("_timers", Variant::Timers),
];

#[test]
fn syscall_files_are_named_after_their_call_and_variant() {
    let catalog = Catalog::embedded().unwrap();
    let mut wrong = Vec::new();
    for fragment in catalog.fragments() {
        let (path, Some(handler)) = (fragment.path(), &fragment.handler) else { continue };
        let stem = Path::new(&path).file_stem().unwrap().to_string_lossy().into_owned();
        let named = SUFFIXES.iter().find_map(|&(suffix, variant)| Some((stem.strip_suffix(suffix)?, variant)));
        let (call, suffix) = named.map_or((stem.as_str(), None), |(call, variant)| (call, Some(variant)));
        if handler.number.name() != Some(call) || handler.function != call {
            wrong.push(format!(
                "{path}: file, function and Linux's name of call {} must agree; they are `{call}`, `{}` and `{}`",
                handler.number.0, handler.function, handler.number
            ));
        }
        let expected = if path.starts_with("syscalls/console/") { Some(Variant::ConsoleOnly) } else { suffix };
        let rule = || format!("{path}: console_only files lie in syscalls/console/; the others end in {SUFFIXES:?}");
        wrong.extend((handler.variant != expected).then(rule));
    }
    report(&wrong);
}

#[test]
fn unsafe_fragments_are_the_known_few() {
    let known: BTreeMap<&str, &str> = UNSAFE_FRAGMENTS.into_iter().collect();
    let mut wrong = Vec::new();
    for file in rust_files("kernel-fragments/src") {
        let name = file.path.trim_start_matches("kernel-fragments/src/");
        if has_word(&file.shipped_code(), "unsafe") && !known.contains_key(name) {
            wrong.push(format!("{}: use what {:?} offer, or add it to UNSAFE_FRAGMENTS", file.path, known.keys()));
        }
    }
    report(&wrong);
}

#[test]
fn files_outside_crates_are_formatted() {
    let files = [rust_files("kernel-fragments/src"), rust_files("platforms")].concat();
    let output = Command::new("rustfmt")
        .current_dir(root())
        .args(["--check", "--files-with-diff", "--edition", "2024"])
        .args(files.iter().map(|file| &file.path))
        .output()
        .expect("rustfmt is a component that rust-toolchain.toml names");
    assert!(
        output.status.success(),
        "run `rustfmt --edition 2024` on these files (`cargo fmt` does not see them):\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn platform_folders_are_complete() {
    let folder = root().join("platforms");
    let registry = PlatformRegistry::discover(std::slice::from_ref(&folder)).unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        for file in ["platform.toml", "platform.rs", "README.md"] {
            assert!(folder.join(&name).join(file).is_file(), "platforms/{name}: add {file}");
        }
        registry.load(&name).unwrap();
        count += 1;
    }
    assert!(count > 0, "platforms/ is empty");
}

#[test]
fn every_source_file_has_one_idea_and_says_it() {
    let longer: BTreeMap<&str, &str> = LONGER.into_iter().collect();
    let mut wrong = Vec::new();
    for file in rust_files(".") {
        let lines = file.text.lines().count();
        if !file.text.starts_with("//!") {
            wrong.push(format!("{}: the first lines (`//!`) must say what the file is for", file.path));
        }
        if lines > MOST_LINES && !longer.contains_key(file.path.as_str()) {
            wrong.push(format!("{}: {lines} lines; split it by ideas (at most {MOST_LINES})", file.path));
        }
        let parts: Vec<&str> = file.path.trim_end_matches(".rs").split('/').collect();
        for vague in ["util", "utils", "common", "helper", "helpers", "manager"] {
            if parts.contains(&vague) {
                wrong.push(format!("{}: `{vague}` says nothing; name the module after what it holds", file.path));
            }
        }
    }
    report(&wrong);
}

#[test]
fn sources_name_no_machine() {
    let mut wrong = Vec::new();
    let mut files = files_below(".", &["rs", "toml", "md", "S", "ld", "sh", "c", "cpp"]);
    files.extend(files_below(".ci", &["", "run", "sh"]));
    for file in files {
        for folder in ["work", "opt", "home", "root", "Users"] {
            let needle = format!("/{folder}/");
            for (index, line) in file.text.lines().enumerate() {
                let absolute = line.match_indices(&needle).any(|(at, _)| {
                    !line[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || "._~-}".contains(before))
                });
                if absolute {
                    wrong.push(format!("{}:{}: names a folder of one computer: {}", file.path, index + 1, line.trim()));
                }
            }
        }
    }
    report(&wrong);
}

#[test]
fn every_template_is_used() {
    let users = ["source/templates.rs", "cli/platform.rs", "cli/link_script.rs"];
    let read = |user| std::fs::read_to_string(root().join("zeroos-cli/src").join(user)).unwrap();
    let renderer: String = users.map(read).concat();
    for template in &files_below("templates", &["S", "ld", "toml", "md", "rs"]) {
        let name = template.path.rsplit('/').next().unwrap_or_default();
        let is_used = ["\"", "/"].iter().any(|before| renderer.contains(&format!("{before}{name}\"")));
        assert!(is_used, "{}: render or print it in one of {users:?}, or remove it", template.path);
    }
}

#[test]
fn the_top_folder_holds_what_it_should() {
    let entries = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let ignored = |name: &String| name.starts_with('.') || name == "target" || name.ends_with(".zeroos.elf");
    let found: BTreeSet<String> = entries.filter(|name| !ignored(name)).collect();
    let expected: BTreeSet<String> = TOP_LEVEL.map(str::to_owned).into();
    let (missing, extra) = (expected.difference(&found), found.difference(&expected));
    assert!(
        found == expected,
        "missing: {:?}; to be put into a folder: {:?}",
        missing.collect::<Vec<_>>(),
        extra.collect::<Vec<_>>()
    );
}

/// A file of the repository.
#[derive(Clone)]
struct Source {
    /// Below the repository, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The module of the CLI's library that the file belongs to.
    fn module(&self) -> &str {
        let below = self.path.trim_start_matches("zeroos-cli/src/");
        below.split(['/', '.']).next().unwrap_or_default()
    }

    /// The text without comments and without the tests at its end.
    fn shipped_code(&self) -> String {
        if self.text.contains("#![cfg(test)]") {
            return String::new();
        }
        let tests = ["#[cfg(test)]\nmod tests", "#[cfg(test)]\npub mod tests"];
        let end = tests.into_iter().filter_map(|start| self.text.find(start)).min().unwrap_or(self.text.len());
        let shipped = &self.text[..end];
        shipped.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
    }
}

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rust_files(folder: &str) -> Vec<Source> {
    let files = files_below(folder, &["rs"]);
    assert!(!files.is_empty(), "{folder} has no Rust files: the rule checks nothing");
    files
}

/// Text files with one of these extensions below `folder` of the repository, by path; build results left out.
fn files_below(folder: &str, extensions: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = if folder == Path::new(".") { entry.file_name().into() } else { folder.join(entry.file_name()) };
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                if name != "target" && !name.starts_with('.') {
                    open.push(path);
                }
            } else if extensions
                .contains(&path.extension().and_then(|extension| extension.to_str()).unwrap_or_default())
                && let Ok(text) = std::fs::read_to_string(root().join(&path))
            {
                found.push(Source { path: path.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The first names behind each `prefix` in `code`, those of a group (`prefix{a::b, c}`) included.
fn first_segments(code: &str, prefix: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut found = BTreeSet::new();
    for rest in code.split(prefix).skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(name(rest));
            continue;
        };
        // Names at the group's own level only: behind its opening brace or one of its commas.
        let mut depth = 0;
        let mut expecting = true;
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => expecting = true,
                _ if expecting && !letter.is_whitespace() => {
                    found.insert(name(&group[at..]));
                    expecting = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|part| part == word)
}

fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn paths_are_found_in_groups_too() {
    let code = "use std::{collections::{BTreeMap, fs}, process::Command,\n  env};\nlet x = std::time::Instant::now();";
    let found: Vec<String> = first_segments(code, "std::").into_iter().collect();
    assert_eq!(found, ["collections", "env", "process", "time"]);
    assert!(has_word("a HashMap<u8>", "HashMap") && !has_word("MyHashMap", "HashMap"));
}
