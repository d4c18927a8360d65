//! Why a kernel could not be compiled or linked.

use crate::diagnostic::Diagnose;
use crate::source::TARGET;

/// What went wrong between source and linked kernel.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// rustc or rust-lld could not be started.
    #[error("cannot start `{program}`: {message}")]
    Start {
        /// The program.
        program: String,
        /// The system's message.
        message: String,
    },
    /// The core library for the kernel's target is not installed, and its source is not either.
    #[error(
        "rustc ({version}) has no core library for {target}, which this kernel is compiled for, and no source of it"
    )]
    NoTarget {
        /// Which rustc.
        version: String,
        /// The target.
        target: String,
    },
    /// rustc refused the core library's own source.
    #[error("rustc could not build its own `{name}` library:\n{output}")]
    Library {
        /// The crate.
        name: &'static str,
        /// Its messages.
        output: String,
    },
    /// The toolchain has no rust-lld.
    #[error("the Rust toolchain has no rust-lld; looked in {folder}")]
    NoLinker {
        /// Where it should be.
        folder: String,
    },
    /// rustc refused the generated kernel.
    #[error("rustc did not accept the generated kernel:\n{output}")]
    Rustc {
        /// Its messages.
        output: String,
    },
    /// rust-lld refused the kernel.
    #[error("the kernel could not be linked:\n{output}")]
    Linker {
        /// Its messages.
        output: String,
    },
    /// The scratch folder could not be used.
    #[error("cannot use a scratch folder in {folder}: {message}")]
    Scratch {
        /// The folder for temporary files.
        folder: String,
        /// The system's message.
        message: String,
    },
}

impl CompileError {
    pub(super) fn scratch(error: &std::io::Error) -> CompileError {
        CompileError::Scratch { folder: std::env::temp_dir().display().to_string(), message: error.to_string() }
    }
}

impl Diagnose for CompileError {
    fn code(&self) -> &'static str {
        match self {
            CompileError::Start { .. } => "ZOS-E0603",
            CompileError::NoTarget { .. } => "ZOS-E0604",
            CompileError::Library { .. } => "ZOS-E0609",
            CompileError::NoLinker { .. } => "ZOS-E0605",
            CompileError::Rustc { .. } => "ZOS-E0606",
            CompileError::Linker { .. } => "ZOS-E0607",
            CompileError::Scratch { .. } => "ZOS-E0608",
        }
    }

    fn help(&self) -> String {
        match self {
            CompileError::Start { .. } => {
                "install Rust (https://rustup.rs), or set RUSTC; `zeroos doctor` checks it".into()
            }
            CompileError::NoTarget { target, .. } if target == TARGET => {
                format!("run `rustup target add {TARGET}`; `zeroos doctor` checks it")
            }
            CompileError::NoTarget { .. } => {
                "run `rustup component add rust-src`: the library is then built once; `zeroos doctor` checks it".into()
            }
            CompileError::Library { .. } => {
                "rustc and its `rust-src` do not fit each other: `rustup component remove rust-src`, then add it again"
                    .into()
            }
            CompileError::NoLinker { .. } => "install Rust by rustup, whose toolchains contain rust-lld".into(),
            CompileError::Rustc { .. } => {
                "if a platform.rs of yours is named above, correct it; otherwise please report this with the output of \
                 `zeroos build --emit-source DIR`"
                    .into()
            }
            CompileError::Linker { .. } => {
                "if the message says that the room is too small, the platform has too little memory for this program; \
                 otherwise please report it"
                    .into()
            }
            CompileError::Scratch { .. } => "make room there, or set TMPDIR to a folder that can be written".into(),
        }
    }
}
