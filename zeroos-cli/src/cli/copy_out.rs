//! `--out GUEST=HOST`: what a run handed out becomes files here. Each appears whole or not at all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::input::{self, FileError};
use super::{Failure, say};
use crate::engine::{EngineError, Exported, ExportedKind};

/// One `--out`.
pub(super) struct CopyOut {
    /// Absolute guest path.
    pub guest: String,
    /// Where it goes.
    pub host: PathBuf,
}

impl CopyOut {
    /// Of `GUEST=HOST`.
    ///
    /// # Errors
    /// Another form.
    pub(super) fn parse(text: &str) -> Result<CopyOut, FileError> {
        match text.split_once('=') {
            Some((guest, host)) if !host.is_empty() => Ok(CopyOut { guest: guest.into(), host: host.into() }),
            _ => Err(FileError::Option { what: format!("--out `{text}` is not GUEST=HOST") }),
        }
    }
}

/// Copies what `wanted` names out of `exported`, whose requests are `paths`; `None` if the kernel stopped the run. Tells each
/// failure, and says whether there was none.
pub(super) fn copy_out(wanted: &[CopyOut], paths: &[String], exported: Option<&[Exported]>) -> bool {
    let mut complete = true;
    for CopyOut { guest, host } in wanted {
        let copied = match exported {
            Some(exported) => {
                let request = paths.iter().position(|path| path == guest);
                let files: Vec<&Exported> = exported.iter().filter(|file| Some(file.request) == request).collect();
                copy_one(guest, host, &files)
            }
            None => Err(EngineError::NothingExported { path: guest.clone() }.into()),
        };
        if let Err(failure) = copied {
            say::failure(&failure);
            complete = false;
        }
    }
    complete
}

/// Copies one file or directory: the first of `files`, with all others in it.
fn copy_one(guest: &str, host: &Path, files: &[&Exported]) -> Result<(), Failure> {
    let Some((first, below)) = files.split_first().filter(|(first, _)| first.path.is_empty()) else {
        return Err(EngineError::Exports.into());
    };
    match &first.kind {
        ExportedKind::Missing => Err(EngineError::NotWritten { path: guest.into() }.into()),
        ExportedKind::Regular(pieces) => Ok(input::write_whole(host, pieces, first.mode & 0o111 != 0)?),
        ExportedKind::Directory => copy_tree(guest, host, below),
        // Links are followed where the path itself is looked up.
        ExportedKind::Symlink(_) | ExportedKind::Other => Err(EngineError::NoContents { path: guest.into() }.into()),
    }
}

/// Makes the directory `host`, which must not be there yet, or be empty.
fn copy_tree(guest: &str, host: &Path, files: &[&Exported]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| FileError::Write { path: host.to_owned(), message: error.to_string() };
    match std::fs::read_dir(host) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(FileError::Exists { path: host.to_owned() }.into());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error).into()),
    }
    let parent = host.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let scratch = tempfile::tempdir_in(parent).map_err(failed)?;
    // The folder for scratch is ours alone; what becomes of it is everybody's, as folders are.
    let tree = scratch.path().join("tree");
    std::fs::create_dir(&tree).map_err(failed)?;
    check_tree(files)?;
    // Links come last, so that none is ever followed.
    let (links, others): (Vec<&Exported>, Vec<&Exported>) =
        files.iter().partition(|file| matches!(file.kind, ExportedKind::Symlink(_)));
    for file in others.into_iter().chain(links) {
        let mut path = tree.clone();
        for name in &file.path {
            path.push(host_name(name).ok_or_else(|| EngineError::NoContents { path: guest_path(guest, file) })?);
        }
        match &file.kind {
            ExportedKind::Directory => std::fs::create_dir(&path).map_err(failed)?,
            ExportedKind::Regular(pieces) => input::write_whole(&path, pieces, file.mode & 0o111 != 0)?,
            ExportedKind::Symlink(target) => make_link(target, &path).map_err(failed)?,
            ExportedKind::Missing | ExportedKind::Other => {
                return Err(EngineError::NoContents { path: guest_path(guest, file) }.into());
            }
        }
    }
    Ok(std::fs::rename(&tree, host).map_err(failed)?)
}

/// A program can write what it likes where the table lies. Each entry has to be one of its own, in a directory before it.
fn check_tree(files: &[&Exported]) -> Result<(), EngineError> {
    let mut directories = BTreeSet::from([&[][..]]);
    let mut all = BTreeSet::new();
    for file in files {
        let (_, parent) = file.path.split_last().ok_or(EngineError::Exports)?;
        if !directories.contains(parent) || !all.insert(&file.path) {
            return Err(EngineError::Exports);
        }
        if file.kind == ExportedKind::Directory {
            directories.insert(&file.path);
        }
    }
    Ok(())
}

fn guest_path(guest: &str, file: &Exported) -> String {
    format!("{guest}/{}", String::from_utf8_lossy(&file.path.join(&b'/')))
}

#[cfg(unix)]
fn host_name(name: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(name)))
}

#[cfg(not(unix))]
fn host_name(name: &[u8]) -> Option<PathBuf> {
    // What would be a path there is no name.
    let name = std::str::from_utf8(name).ok().filter(|name| !name.contains(['\\', ':']))?;
    Some(PathBuf::from(name))
}

#[cfg(unix)]
fn make_link(target: &[u8], path: &Path) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), path)
}

#[cfg(not(unix))]
fn make_link(_: &[u8], _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &[&str], kind: ExportedKind) -> Exported {
        Exported { request: 0, path: path.iter().map(|name| name.as_bytes().to_vec()).collect(), kind, mode: 0o644 }
    }

    fn copied(folder: &Path, files: &[Exported]) -> bool {
        copy_tree("/x", &folder.join("out"), &files.iter().collect::<Vec<_>>()).is_ok()
    }

    /// What a program may have written there itself reaches no file but those of the tree.
    #[test]
    fn no_link_of_the_tree_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "kept").unwrap();
        let to = |path: &Path| ExportedKind::Symlink(path.to_string_lossy().as_bytes().into());
        let payload = || ExportedKind::Regular(vec![b"payload"[..].into()]);
        assert!(!copied(folder.path(), &[entry(&["a"], to(&secret)), entry(&["a"], payload())]));
        assert!(!copied(folder.path(), &[entry(&["a"], payload()), entry(&["a"], to(&secret))]));
        assert!(!copied(folder.path(), &[entry(&["a"], to(folder.path())), entry(&["a", "secret"], payload())]));
        assert!(!copied(folder.path(), &[entry(&["none", "b"], payload())]));
        let tree =
            [entry(&["link"], to(&secret)), entry(&["sub"], ExportedKind::Directory), entry(&["sub", "b"], payload())];
        assert!(copied(folder.path(), &tree));
        assert_eq!(std::fs::read_to_string(folder.path().join("out/link")).unwrap(), "kept");
        assert_eq!(std::fs::read_to_string(folder.path().join("out/sub/b")).unwrap(), "payload");
    }
}
