//! The folders that the binary carries, so that an installed `zeroos` works in any directory.

use include_dir::{Dir, include_dir};

/// `templates/`: tera templates of assembly, linker script, Cargo.toml and the platform folder of `new-platform`.
pub static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../templates");

/// The files of `kernel-fragments/src/`, the library that kernels are picked from: `(path below it, text)`, by path.
pub static FRAGMENTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/fragments.rs"));

/// `platforms/`: one folder each.
pub static PLATFORMS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../platforms");

/// The text of the file `name` below `templates/`; empty if there is none.
pub fn template(name: &str) -> &'static str {
    TEMPLATES.get_file(name).and_then(|file| file.contents_utf8()).unwrap_or_default()
}
