//! Reads the fragment library once, by the code that `catalog` has for it, and leaves what it says as `catalog.json`, and as
//! `fragments.rs` which files it has; tells cargo that the embedded folders matter: files added there must reach the binary.

use std::error::Error;
use std::path::Path;

#[allow(dead_code)] // the command has uses for the rest
#[path = "src/linux.rs"]
mod linux;

#[allow(dead_code)] // the command has uses for the rest
#[path = "src/catalog"]
mod catalog {
    mod error;
    mod fragment;
    pub mod parse;

    pub use error::CatalogError;
}

/// The fragment library.
const FRAGMENTS: &str = "../kernel-fragments/src";

fn main() -> Result<(), Box<dyn Error>> {
    for folder in ["../templates", FRAGMENTS, "../platforms"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    let mut files = Vec::new();
    read(Path::new(FRAGMENTS), "", &mut files)?;
    files.sort();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let fragments = match catalog::parse::library(&files) {
        Ok(fragments) => fragments,
        Err(error) => {
            println!("cargo::error={FRAGMENTS}: {error}");
            return Ok(());
        }
    };
    let folder = std::env::var("OUT_DIR")?;
    let folder = Path::new(&folder);
    std::fs::write(folder.join("catalog.json"), serde_json::to_string(&fragments)?)?;
    let entry = |(path, _): &(&str, &str)| {
        let place = format!("/{FRAGMENTS}/{path}");
        format!("({path:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {place:?}))),\n")
    };
    std::fs::write(folder.join("fragments.rs"), format!("&[\n{}]\n", files.iter().map(entry).collect::<String>()))?;
    Ok(())
}

/// Adds every Rust file below `folder` as `(path behind prefix, text)`.
fn read(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &format!("{path}/"), files)?;
        } else if path.ends_with(".rs") {
            files.push((path, std::fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}
