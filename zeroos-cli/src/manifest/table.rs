//! The manifest as a table: one line for each syscall, then what needs a decision and how to take it.

use super::layout::{Columns, chain, counted, line};
use super::{EvidenceKind, Manifest, SiteEntry, Status, Syscall};

/// Where fragment files lie; the table leaves it out of their names.
pub(super) const FRAGMENTS: &str = "syscalls/";

/// Columns for a chain that has a line for itself.
pub(super) const OWN_LINE: usize = 108;

/// Renders `manifest` as plain text.
pub(super) fn render(manifest: &Manifest) -> String {
    let mut text = String::new();
    let app = &manifest.app;
    line(&mut text, format_args!("program  {}", app.described()));
    line(&mut text, format_args!("sha256   {}", app.sha256));
    line(&mut text, format_args!(""));
    let mut columns = Columns::new(["number", "name", "fragment", "sites", "evidence", "at"]);
    for syscall in &manifest.syscalls {
        let (cells, chain) = row(manifest, syscall);
        columns.row(cells, chain);
    }
    columns.write(&mut text, 0, "by (shortest chain)");
    line(&mut text, format_args!(""));
    counts(&mut text, manifest);
    missing(&mut text, manifest);
    unbounded(&mut text, manifest);
    text
}

fn row<'m>(manifest: &'m Manifest, syscall: &Syscall) -> ([String; 6], &'m [String]) {
    let sites: Vec<&SiteEntry> = syscall.sites.iter().filter_map(|&address| manifest.site(address)).collect();
    let propagated = sites.iter().any(|site| site.evidence == EvidenceKind::Propagated);
    let nearest = sites.iter().min_by_key(|site| site.chain.len());
    let cells = [
        syscall.number.0.to_string(),
        syscall.name.clone(),
        family(syscall),
        syscall.sites.len().to_string(),
        if propagated { "propagated" } else { "constant" }.to_owned(),
        nearest.map(|site| site.address.to_string()).unwrap_or_default(),
    ];
    (cells, nearest.map(|site| site.chain.as_slice()).unwrap_or_default())
}

/// The fragment in few letters: the family and the variant of `FAMILY/NAME_VARIANT.rs`, whose name is beside it.
fn family(syscall: &Syscall) -> String {
    let file = fragment(syscall.fragment.as_deref(), syscall.status);
    let parts = file.strip_suffix(".rs").and_then(|path| path.rsplit_once('/'));
    let variant = parts.and_then(|(family, stem)| Some((family, stem.strip_prefix(&syscall.name)?)));
    match variant {
        Some((family, "")) => family.to_owned(),
        Some((family, variant)) => format!("{family}{}", variant.replace('_', ", ")),
        None => file,
    }
}

/// The fragment file below the folder of fragments.
pub(super) fn fragment(file: Option<&str>, status: Status) -> String {
    match (file, status) {
        (Some(file), _) => file.strip_prefix(FRAGMENTS).unwrap_or(file).to_owned(),
        (None, Status::Enosys) => "(ENOSYS)".to_owned(),
        (None, _) => "MISSING".to_owned(),
    }
}

fn counts(text: &mut String, manifest: &Manifest) {
    let with = |status: Status| manifest.syscalls.iter().filter(|syscall| syscall.status == status).count();
    let mut shares = vec![format!("{} with a fragment", with(Status::Supported))];
    for (status, what) in [(Status::Enosys, "answered ENOSYS as configured"), (Status::Missing, "missing")] {
        if with(status) > 0 {
            shares.push(format!("{} {what}", with(status)));
        }
    }
    line(text, format_args!("{}: {}", counted(manifest.syscalls.len(), "syscall"), shares.join(", ")));
    if with(Status::Supported) > 0 {
        let variants = manifest.syscalls.iter().any(|syscall| family(syscall).contains(','));
        let variants = if variants { "; `, single` is NAME_single.rs" } else { "" };
        line(text, format_args!("fragments: kernel-fragments/src/{FRAGMENTS}FAMILY/NAME.rs{variants}"));
    }
    let reachable = || manifest.sites.iter().filter(|site| site.reachable);
    let kinds = [
        (EvidenceKind::Constant, "constant"),
        (EvidenceKind::Propagated, "propagated"),
        (EvidenceKind::Unbounded, "unbounded"),
    ];
    let kinds = kinds.map(|(kind, name)| (reachable().filter(|site| site.evidence == kind).count(), name));
    let kinds: Vec<String> =
        kinds.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    let count = reachable().count();
    let never = manifest.sites.len() - count;
    let never = if never == 0 { String::new() } else { format!("; {never} more are never reached") };
    line(text, format_args!("{}: {}{never}", counted(count, "reachable site"), kinds.join(", ")));
    if !manifest.address_taken_rule.is_empty() {
        line(text, format_args!("called by pointer: {}", manifest.address_taken_rule));
    }
    if manifest.start_up_instructions > 0 {
        let followed = counted(manifest.start_up_instructions as usize, "instruction");
        line(
            text,
            format_args!(
                "start-up: {followed} followed, the same in every run; functions that only it uses count as far as it goes"
            ),
        );
    }
    if !manifest.unbounded_jumps.is_empty() {
        let shown: Vec<String> = manifest.unbounded_jumps.iter().take(3).map(ToString::to_string).collect();
        let more = if manifest.unbounded_jumps.len() > shown.len() { ", …" } else { "" };
        let count = counted(manifest.unbounded_jumps.len(), "indirect jump");
        line(
            text,
            format_args!(
                "{count} could not be bounded ({}{more}): taken to lead anywhere in the function",
                shown.join(", ")
            ),
        );
    }
    if let Some(address) = reachable().map(|site| site.address).next() {
        line(text, format_args!("one site in full: `zeroos explain APP {address}`"));
    }
}

fn missing(text: &mut String, manifest: &Manifest) {
    let missing: Vec<&Syscall> = manifest.syscalls.iter().filter(|syscall| syscall.status == Status::Missing).collect();
    if missing.is_empty() {
        return;
    }
    line(text, format_args!(""));
    line(text, format_args!("missing: no fragment implements these; an image stops with a message when one is made"));
    for syscall in &missing {
        line(text, format_args!("  {:>4} {}", syscall.number.0, syscall.name));
    }
    next(
        text,
        &[
            "build anyway if your runs never make them (`--audit TRACE` compares with a run)",
            "declare them `enosys` in zeroos.toml if the program can live without them",
            "`zeroos build --deny-missing` refuses to build",
            "or write kernel-fragments/src/syscalls/FAMILY/NAME.rs",
        ],
    );
}

fn unbounded(text: &mut String, manifest: &Manifest) {
    if manifest.open_sites().next().is_none() {
        return;
    }
    line(text, format_args!(""));
    line(text, format_args!("unbounded: these sites may make any syscall, so an image carries every fragment"));
    for site in manifest.open_sites() {
        line(text, format_args!("  {} in {}: {}", site.address, site.function, site.why));
        if !site.chain.is_empty() {
            line(text, format_args!("      by {}", chain(&site.chain, OWN_LINE)));
        }
    }
    next(
        text,
        &[
            "`zeroos explain APP ADDRESS` shows the code of such a site",
            "`--audit TRACE` tells which calls a run really makes",
            "`zeroos build --deny-unbounded` refuses to build",
        ],
    );
}

fn next(text: &mut String, steps: &[&str]) {
    for (index, step) in steps.iter().enumerate() {
        line(text, format_args!("{} {step}", if index == 0 { "next:" } else { "     " }));
    }
}
