//! What results depend on, as a number: results below `target/corpus` are kept under it, and made anew when it changes.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::step::Step;

/// Gathers what a result depends on. The hash of the standard library is the same in every run of one build of this program;
/// after another toolchain's build, results are made anew at worst.
#[derive(Default)]
pub struct Fingerprint(DefaultHasher);

impl Fingerprint {
    /// Adds a value.
    pub fn add(&mut self, value: impl Hash) {
        value.hash(&mut self.0);
    }

    /// Adds a file's contents.
    pub fn add_file(&mut self, path: &Path) -> Result<()> {
        self.add(fs::read(path).with_context(|| path.display().to_string())?);
        Ok(())
    }

    /// Adds the names and contents of all files in a folder, but for binaries and build results.
    pub fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default();
            self.add(name);
            match path.is_dir() {
                true if name == "bin" || name == "target" => {}
                true => self.add_folder(&path)?,
                false => self.add_file(&path)?,
            }
        }
        Ok(())
    }

    /// Adds how this repository compiles programs, and with what.
    pub fn add_compilers(&mut self) -> Result<()> {
        self.add((include_str!("../compile.rs"), include_str!("../cross.rs")));
        self.add(Step::new("rustc").arg("--version").output()?);
        self.add(Step::new("riscv64-linux-gnu-gcc").arg("--version").output()?);
        self.add_file(&crate::root().join("templates/apart.ld"))
    }

    /// Whether `file` was made by [`Fingerprint::made`] under the same number.
    pub fn is_of(&self, file: &Path) -> bool {
        file.exists() && fs::read_to_string(beside(file)).is_ok_and(|known| known == self.number().to_string())
    }

    /// Notes that `file` was made under this number.
    pub fn made(&self, file: &Path) -> Result<()> {
        Ok(fs::write(beside(file), self.number().to_string())?)
    }

    /// The number.
    pub fn number(&self) -> u64 {
        self.0.finish()
    }
}

/// Where the number of a file is noted.
fn beside(file: &Path) -> PathBuf {
    file.with_extension("fingerprint")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_count_and_build_results_do_not() {
        let folder = std::env::temp_dir().join(format!("fingerprint-{}", std::process::id()));
        fs::create_dir_all(folder.join("target")).expect("a folder");
        let number = || {
            let mut fingerprint = Fingerprint::default();
            fingerprint.add_folder(&folder).expect("a folder");
            fingerprint.number()
        };
        fs::write(folder.join("main.c"), "1").expect("a file");
        let first = number();
        fs::write(folder.join("target/main.o"), "1").expect("a file");
        assert_eq!(number(), first);
        fs::write(folder.join("main.c"), "2").expect("a file");
        let second = number();
        fs::rename(folder.join("main.c"), folder.join("other.c")).expect("a file");
        assert!(second != first && number() != second);
        fs::remove_dir_all(folder).expect("the folder was there");
    }
}
