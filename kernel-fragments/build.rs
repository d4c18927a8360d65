//! Discovers the fragment files, so that adding a syscall or a subsystem is adding a file: writes one `mod` tree with
//! every `.rs` file below `src/` into `modules.rs`, which `src/lib.rs` includes.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let source = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("src");
    let mut tree = String::new();
    write_modules(&source, &mut tree)?;
    println!("cargo::rerun-if-changed=src");
    fs::write(Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("modules.rs"), tree)
}

/// Appends `pub mod x;` for each file and `pub mod dir { … }` for each folder of `folder`, in name order; `fragment.rs`
/// (the macros) and `lib.rs` are declared by `lib.rs` itself.
fn write_modules(folder: &Path, tree: &mut String) -> io::Result<()> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let title = format!("The files of `{name}/`.");
            tree.push_str(&format!("#[doc = {title:?}]\npub mod {name} {{\n"));
            write_modules(&path, tree)?;
            tree.push_str("}\n");
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "lib" && name != "fragment" {
            tree.push_str(&format!("#[path = {path:?}]\npub mod {name};\n"));
        }
    }
    Ok(())
}
