//! Reads the fragment library once, by the code that `catalog` has for it, and leaves what it says as `catalog.json`; tells
//! cargo that the embedded folders matter: files added there must reach the binary.

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
    let files: Vec<(String, &str)> = files.iter().map(|(path, text)| (path.clone(), text.as_str())).collect();
    let fragments = match catalog::parse::library(&files) {
        Ok(fragments) => fragments,
        Err(error) => {
            println!("cargo::error={FRAGMENTS}: {error}");
            return Ok(());
        }
    };
    let index = Path::new(&std::env::var("OUT_DIR")?).join("catalog.json");
    std::fs::write(index, serde_json::to_string(&fragments)?)?;
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
