//! The folders that the binary carries, so that an installed `zeroos` works in any directory.

use include_dir::{Dir, include_dir};

/// `templates/`: tera templates of assembly, linker script, Cargo.toml and the platform folder of `new-platform`.
pub static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../templates");

/// `kernel-fragments/src/`: the library that kernels are picked from.
pub static FRAGMENTS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../kernel-fragments/src");

/// `platforms/`: one folder each.
pub static PLATFORMS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../platforms");

/// The text of the file `name` below `templates/`; empty if there is none.
pub fn template(name: &str) -> &'static str {
    TEMPLATES.get_file(name).and_then(|file| file.contents_utf8()).unwrap_or_default()
}

/// All files below `folder` as `(path relative to the embedded root, text)`, by path; files that are not UTF-8 are
/// left out.
pub fn text_files(folder: &'static Dir<'static>) -> Vec<(String, &'static str)> {
    let mut files: Vec<(String, &'static str)> = folder
        .files()
        .filter_map(|file| Some((file.path().to_str()?.replace('\\', "/"), file.contents_utf8()?)))
        .chain(folder.dirs().flat_map(text_files))
        .collect();
    files.sort();
    files
}
