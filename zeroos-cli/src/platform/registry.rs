//! Finding platforms: a folder given with `--platform-dir` comes first, then `platforms/` in the working directory, then
//! those that the binary carries.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Platform, PlatformError, raw};
use crate::assets;

/// All platforms that can be named, each read when it is asked for: a broken one does not spoil the others.
#[derive(Clone, Debug, Default)]
pub struct PlatformRegistry {
    folders: BTreeMap<String, Origin>,
}

#[derive(Clone, Debug)]
enum Origin {
    Embedded,
    Folder(PathBuf),
}

impl PlatformRegistry {
    /// The embedded platforms and the folders below `directories`; a later directory wins.
    ///
    /// # Errors
    /// A directory that cannot be listed (one that does not exist holds nothing).
    pub fn discover(directories: &[PathBuf]) -> Result<PlatformRegistry, PlatformError> {
        let embedded = assets::PLATFORMS.dirs().filter_map(|folder| folder.path().to_str());
        let mut folders: BTreeMap<String, Origin> = embedded.map(|name| (name.to_owned(), Origin::Embedded)).collect();
        for directory in directories.iter().filter(|directory| directory.exists()) {
            let unreadable = |error: std::io::Error| PlatformError::Unreadable {
                file: directory.display().to_string(),
                message: error.to_string(),
            };
            for entry in std::fs::read_dir(directory).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                if let Some(name) = path.file_name().and_then(|name| name.to_str())
                    && path.join("platform.toml").exists()
                {
                    folders.insert(name.to_owned(), Origin::Folder(path.clone()));
                }
            }
        }
        Ok(PlatformRegistry { folders })
    }

    /// The names, ascending.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.folders.keys().map(String::as_str)
    }

    /// Reads the platform `name`.
    ///
    /// # Errors
    /// An unknown name, or a folder whose files are missing or wrong.
    pub fn load(&self, name: &str) -> Result<Platform, PlatformError> {
        let (toml, source) = self.texts(name)?;
        raw::parse(name, &toml, &source)
    }

    /// The texts of `platform.toml` and `platform.rs` of the platform `name`.
    ///
    /// # Errors
    /// An unknown name, or a folder whose files are missing.
    pub fn texts(&self, name: &str) -> Result<(String, String), PlatformError> {
        let origin = self.folders.get(name).ok_or_else(|| PlatformError::Unknown {
            name: name.to_owned(),
            known: self.names().collect::<Vec<_>>().join(", "),
        })?;
        let read = |file: &str| match origin {
            Origin::Embedded => assets::PLATFORMS
                .get_file(format!("{name}/{file}"))
                .and_then(|found| found.contents_utf8())
                .map(str::to_owned)
                .ok_or_else(|| PlatformError::Unreadable {
                    file: format!("{name}/{file}"),
                    message: "not there".into(),
                }),
            Origin::Folder(folder) => read_text(&folder.join(file)),
        };
        Ok((read("platform.toml")?, read("platform.rs")?))
    }
}

fn read_text(path: &Path) -> Result<String, PlatformError> {
    std::fs::read_to_string(path)
        .map_err(|error| PlatformError::Unreadable { file: path.display().to_string(), message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_platform_is_sound() {
        let registry = PlatformRegistry::discover(&[]).unwrap();
        for name in registry.names() {
            registry.load(name).unwrap();
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = PlatformRegistry::discover(&[]).unwrap().load("vax").unwrap_err();
        assert!(error.to_string().contains("ckb-vm, jolt, qemu-virt"));
    }
}
