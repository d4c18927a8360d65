//! `docs/compatibility.md` is what the headers of the handlers say: each call with what is supported, what is not, where it
//! differs from Linux, and its errors. Run with `ZEROOS_UPDATE_GOLDEN=1` to write it anew.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use zeroos::catalog::Catalog;

/// The environment variable by which golden files are written instead of compared.
const UPDATE: &str = "ZEROOS_UPDATE_GOLDEN";

const INTRODUCTION: &str = "\
# What each call does

Written by `ZEROOS_UPDATE_GOLDEN=1 cargo test -p zeroos-cli --test compatibility` from the first lines of the files below
`kernel-fragments/src/syscalls/`; do not edit. The reference is Linux 6.12 on riscv64, for one process that starts as the superuser.

* What is **not supported** ends the run with the call, its place and the reason: it is never answered by a made-up result.
* **Variants** of a call serve the programs for which they suffice, and are chosen by the plan: `single_thread` where nothing
  happens while the program waits, `waits` where a read or write may have to wait for another thread, `console_only` where
  there are no descriptors but the standard streams, `plain_futexes` and `fresh_mappings` where the arguments of all calls are
  known to be the simple ones, `process_files` where the program or an input of it names a file of `/proc/self`,
  `signal_files` where `signalfd4` can be called, `fifo_waits` where `mknodat` can, and there may be threads,
  `paired_sockets` where `socketpair` can, `credentials` where a call that changes ids or capabilities can, `timers` where a
  timer that sends signals can be made.
* A call that is not listed here ends the run as unsupported.

";

/// What the header of one handler says.
#[derive(Debug, PartialEq, Eq)]
struct Statement {
    man_page: String,
    condition: String,
    supported: String,
    not_supported: String,
    remarks: String,
    errors: String,
}

impl Statement {
    /// Reads the first paragraph of a handler's file: `` `name(2)`[ words]: <URL>[, condition]. Supported: …[; not supported:
    /// …]. [More sentences.] Errors: …. ``
    fn read(source: &str) -> Option<Statement> {
        let paragraph: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//! ")).collect();
        let text = paragraph.join(" ");
        let (head, rest) = text.split_once("Supported: ")?;
        let (claims, rest) = rest.split_once("Errors: ")?;
        let (first, remarks) = claims.trim().split_once(". ").unwrap_or((claims.trim(), ""));
        let (supported, not_supported) = first.split_once("; not supported: ").unwrap_or((first, ""));
        let man_page = head.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(url, _)| url);
        let condition = head.split_once(">, ").map_or("", |(_, condition)| condition);
        let without_stop = |text: &str| text.trim().trim_end_matches('.').to_owned();
        let (errors, more) = rest.split_once(". ").unwrap_or((rest, ""));
        let (errors, detail) = errors.split_once(':').unwrap_or((errors, ""));
        let remarks = [remarks, detail, more].map(str::trim).into_iter().filter(|text| !text.is_empty());
        Some(Statement {
            man_page: man_page.to_owned(),
            condition: without_stop(condition),
            supported: without_stop(supported),
            not_supported: without_stop(not_supported),
            remarks: without_stop(&remarks.collect::<Vec<_>>().join(" ")),
            errors: without_stop(errors),
        })
    }
}

/// The document.
fn render() -> String {
    let catalog = Catalog::embedded().unwrap();
    let mut handlers: Vec<_> =
        catalog.fragments().filter_map(|fragment| Some((fragment.handler.as_ref()?, fragment))).collect();
    handlers.sort_by_key(|(handler, _)| (handler.number, handler.variant));
    let mut text = INTRODUCTION.to_owned();
    let mut calls: Vec<_> = handlers.iter().map(|(handler, _)| handler.number).collect();
    calls.dedup();
    writeln!(text, "{} calls, {} files.\n", calls.len(), handlers.len()).unwrap();
    text.push_str("| call | number | variant | supported | not supported | remarks | errors |\n");
    text.push_str("|---|--:|---|---|---|---|---|\n");
    for (handler, fragment) in handlers {
        let source = std::fs::read_to_string(root().join("kernel-fragments/src").join(fragment.path())).unwrap();
        let Some(statement) = Statement::read(&source) else { panic!("{}: no statement", fragment.path()) };
        let Statement { man_page, condition, supported, not_supported, remarks, errors } = statement;
        let name = handler.number.to_string();
        let name = if man_page.is_empty() { name } else { format!("[{name}]({man_page})") };
        let variant = handler.variant.map_or_else(String::new, |variant| variant.to_string());
        let remarks = [condition, remarks].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(". ");
        let cells = [supported, not_supported, remarks, errors].map(|cell| cell.replace('|', "\\|"));
        writeln!(text, "| {name} | {} | {variant} | {} |", handler.number.0, cells.join(" | ")).unwrap();
    }
    text
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

#[test]
fn the_document_is_what_the_headers_say() {
    let (path, expected) = (root().join("docs/compatibility.md"), render());
    if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).position(|(found, expected)| found != expected);
    assert!(found == expected, "docs/compatibility.md is stale from line {differs:?} on; run again with {UPDATE}=1");
}

#[test]
fn statements_are_read_in_parts() {
    let source = "//! `f(2)`: <https://man.example/f>, where nobody waits. Supported: a, b;\n//! not supported: c. It\n\
                  //! differs. Errors: EINVAL,\n//! EIO: seldom.\n\nuse x;";
    let statement = Statement::read(source).unwrap();
    assert_eq!(statement.man_page, "https://man.example/f");
    assert_eq!((statement.condition.as_str(), statement.supported.as_str()), ("where nobody waits", "a, b"));
    assert_eq!((statement.not_supported.as_str(), statement.errors.as_str()), ("c", "EINVAL, EIO"));
    assert_eq!(statement.remarks, "It differs. seldom");
    assert_eq!(Statement::read("//! `f(2)`: no such thing."), None);
}
