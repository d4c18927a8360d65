//! The manifest as a table: one line for each syscall, then what needs a decision and how to take it.

use std::fmt::Write;

use super::{EvidenceKind, Manifest, SiteEntry, Status, Syscall};

/// Renders `manifest` as plain text.
pub(super) fn render(manifest: &Manifest) -> String {
    let mut text = String::new();
    let app = &manifest.app;
    let symbols = if app.stripped { "stripped" } else { "with symbols" };
    line(&mut text, format_args!("program  {} {} ({symbols}), libc: {}", app.kind, app.isa, app.libc));
    line(&mut text, format_args!("sha256   {}", app.sha256));
    line(&mut text, format_args!(""));
    let rows: Vec<[String; 6]> = manifest.syscalls.iter().map(|syscall| row(manifest, syscall)).collect();
    let header = ["number", "name", "fragment", "sites", "evidence", "shortest chain"].map(str::to_owned);
    let widths = (0..5).map(|column| rows.iter().chain([&header]).map(|row| row[column].chars().count()).max());
    let widths: Vec<usize> = widths.map(Option::unwrap_or_default).collect();
    for row in [&header].into_iter().chain(&rows) {
        let mut out = format!("{:>width$}", row[0], width = widths[0]);
        for (cell, width) in row[1..5].iter().zip(&widths[1..]) {
            let _ = write!(out, "  {cell:width$}");
        }
        line(&mut text, format_args!("{out}  {}", row[5]));
    }
    let reachable: Vec<&SiteEntry> = manifest.sites.iter().filter(|site| site.reachable).collect();
    line(&mut text, format_args!(""));
    line(
        &mut text,
        format_args!(
            "{} syscalls at {} reachable sites ({} more sites are never reached)",
            manifest.syscalls.len(),
            reachable.len(),
            manifest.sites.len() - reachable.len()
        ),
    );
    missing(&mut text, manifest);
    unbounded(&mut text, &reachable);
    text
}

fn row(manifest: &Manifest, syscall: &Syscall) -> [String; 6] {
    let sites: Vec<&SiteEntry> =
        manifest.sites.iter().filter(|site| syscall.sites.binary_search(&site.address).is_ok()).collect();
    let propagated = sites.iter().any(|site| site.evidence == EvidenceKind::Propagated);
    let chain = sites.iter().map(|site| &site.chain).min_by_key(|chain| chain.len());
    let fragment = match (&syscall.fragment, syscall.status) {
        (Some(file), _) => file.clone(),
        (None, Status::Enosys) => "(ENOSYS)".to_owned(),
        (None, _) => "MISSING".to_owned(),
    };
    [
        syscall.number.0.to_string(),
        syscall.name.clone(),
        fragment,
        syscall.sites.len().to_string(),
        if propagated { "propagated" } else { "constant" }.to_owned(),
        chain.map(|chain| chain.join(" > ")).unwrap_or_default(),
    ]
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
    line(
        text,
        format_args!(
            "next: build anyway if your run never makes them, refuse them with --deny-missing, declare them \"enosys\" \
             in zeroos.toml, or add kernel-fragments/src/syscalls/<family>/<name>.rs"
        ),
    );
}

fn unbounded(text: &mut String, reachable: &[&SiteEntry]) {
    let unbounded: Vec<&&SiteEntry> = reachable.iter().filter(|site| site.numbers.is_none()).collect();
    if unbounded.is_empty() {
        return;
    }
    line(text, format_args!(""));
    line(text, format_args!("unbounded: these sites may make any syscall"));
    for site in &unbounded {
        line(text, format_args!("  {} in {}: {}", site.address, site.function, site.why));
        line(text, format_args!("      by {}", site.chain.join(" > ")));
    }
    line(text, format_args!("next: the image carries every fragment for them; --deny-unbounded refuses to build it"));
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let start = text.len();
    let _ = text.write_fmt(arguments);
    text.truncate(start + text[start..].trim_end().len());
    text.push('\n');
}
