//! Compiled kernels by the hash of everything they depend on. A cache that cannot be read or written costs time, never
//! correctness: its failures are silent.

use std::path::PathBuf;

/// A folder of compiled kernels, or none.
#[derive(Clone, Debug, Default)]
pub struct KernelCache {
    folder: Option<PathBuf>,
}

impl KernelCache {
    /// The user's cache: `ZEROOS_CACHE_DIR`, else `zeroos` below `XDG_CACHE_HOME` or `~/.cache`.
    pub fn of_user() -> KernelCache {
        let named = std::env::var_os("ZEROOS_CACHE_DIR").map(PathBuf::from);
        let xdg = || Some(PathBuf::from(std::env::var_os("XDG_CACHE_HOME")?).join("zeroos"));
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/zeroos"));
        KernelCache { folder: named.or_else(xdg).or_else(home).filter(|folder| folder.is_absolute()) }
    }

    /// No cache: everything is compiled.
    pub fn none() -> KernelCache {
        KernelCache::default()
    }

    /// Where the folder `name` is kept; it need not exist yet.
    pub(super) fn folder(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(name))
    }

    /// The archive stored under `key`.
    pub(super) fn get(&self, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.folder.as_ref()?.join(key)).ok().filter(|archive| archive.starts_with(b"!<arch>\n"))
    }

    /// Stores `archive` under `key`: whole or not at all.
    pub(super) fn put(&self, key: &str, archive: &[u8]) {
        let Some(folder) = &self.folder else { return };
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            let file = tempfile::NamedTempFile::new_in(folder)?;
            std::fs::write(file.path(), archive)?;
            file.persist(folder.join(key))?;
            Ok(())
        };
        // A full disk or a read-only home must not fail a build that has succeeded.
        let _ = write();
    }
}
