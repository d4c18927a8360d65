//! Files that the user names: read with an error that says what is in the way, written whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnose;

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// Not readable.
    #[error("cannot read {}: {message}", path.display())]
    Read { path: PathBuf, message: String },
    /// A log that cannot be read.
    #[error("cannot read the log {}: {message}", path.display())]
    Log { path: PathBuf, message: String },
    /// A directory where a program should be.
    #[error("{} is a directory; expected a file", path.display())]
    Directory { path: PathBuf },
    /// Not writable.
    #[error("cannot write {}: {message}", path.display())]
    Write { path: PathBuf, message: String },
    /// An image where a program should be.
    #[error("{} is an image that zeroos built; expected the program it was built from", path.display())]
    Image { path: PathBuf },
    /// Something is there that would be overwritten.
    #[error("{} already exists", path.display())]
    Exists { path: PathBuf },
    /// An option or project-file entry that cannot be understood.
    #[error("{what}")]
    Option { what: String },
}

impl Diagnose for FileError {
    fn code(&self) -> &'static str {
        match self {
            FileError::Read { .. } | FileError::Log { .. } | FileError::Directory { .. } | FileError::Image { .. } => {
                "ZOS-E0901"
            }
            FileError::Write { .. } => "ZOS-E0902",
            FileError::Exists { .. } => "ZOS-E0903",
            FileError::Option { .. } => "ZOS-E0904",
        }
    }

    fn help(&self) -> String {
        match self {
            FileError::Read { .. } | FileError::Log { .. } => "check the path and its permissions".into(),
            FileError::Directory { .. } => {
                "name the program itself, for example target/riscv64gc-unknown-linux-musl/release/NAME".into()
            }
            FileError::Image { .. } => "`zeroos run IMAGE` runs it; build again from the program itself".into(),
            FileError::Write { .. } => "check that the folder exists, can be written and has room".into(),
            FileError::Exists { .. } => "choose another name, or remove it first".into(),
            FileError::Option { .. } => "`zeroos COMMAND --help` shows the forms".into(),
        }
    }
}

/// The bytes of the file at `path`.
///
/// # Errors
/// A directory, or a file that cannot be read.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    if path.is_dir() {
        return Err(FileError::Directory { path: path.to_owned() });
    }
    std::fs::read(path).map_err(|error| FileError::Read { path: path.to_owned(), message: error.to_string() })
}

/// The bytes of the log at `path`; a pipe will do.
///
/// # Errors
/// A log that cannot be read.
pub(super) fn read_log(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|error| FileError::Log { path: path.to_owned(), message: error.to_string() })
}

/// The bytes of the program at `path`.
///
/// # Errors
/// As [`read`]; and an image, which is an ELF like any program but has its kernel already.
pub(super) fn read_program(path: &Path) -> Result<Vec<u8>, FileError> {
    let bytes = read(path)?;
    // A note that this version cannot read makes it an image all the same.
    if matches!(crate::image::read_note(&bytes), Ok(None)) {
        Ok(bytes)
    } else {
        Err(FileError::Image { path: path.to_owned() })
    }
}

/// Writes `pieces`, one behind the other, to `path`, executable if asked: a reader sees the old file or the new one,
/// never half of it. What is no regular file (a device, a pipe) is written to, not replaced; a symbolic link stays and
/// its target is replaced.
///
/// # Errors
/// A folder that cannot be written.
pub(super) fn write_whole(path: &Path, pieces: &[impl AsRef<[u8]>], executable: bool) -> Result<(), FileError> {
    let named = path.to_owned();
    let failed = |error: std::io::Error| FileError::Write { path: named.clone(), message: error.to_string() };
    let write_to = |file: &mut std::fs::File| pieces.iter().try_for_each(|piece| file.write_all(piece.as_ref()));
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        return std::fs::OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| write_to(&mut file))
            .map_err(failed);
    }
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = target.as_path();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    write_to(file.as_file_mut()).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = if executable { 0o755 } else { 0o644 };
        file.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    }
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Writes `files` (by path below `folder`), which must not exist yet or be an empty folder.
///
/// # Errors
/// A folder with something in it, or one that cannot be written.
pub(super) fn write_folder(folder: &Path, files: &std::collections::BTreeMap<String, String>) -> Result<(), FileError> {
    let failed = |error: std::io::Error| FileError::Write { path: folder.to_owned(), message: error.to_string() };
    if folder.exists() && std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(FileError::Exists { path: folder.to_owned() });
    }
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
        write_whole(&path, &[text.as_bytes()], false)?;
    }
    Ok(())
}
