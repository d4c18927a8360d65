//! Why an image could not be run.

use crate::diagnostic::Diagnose;

/// What kept an engine from running an image to its end.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The image asks for a machine that cannot be.
    #[error("the built-in machine cannot be set up for this image: {what}")]
    Setup {
        /// What was found.
        what: String,
    },
    /// The guest got stuck.
    #[error("the image got stuck: {what}")]
    Stuck {
        /// What happened.
        what: String,
    },
    /// The machine ended the run.
    #[error("the machine ended the run: {what}")]
    Stopped {
        /// What happened, and where.
        what: String,
    },
    /// The emulator could not be started.
    #[error("cannot start `{program}`: {message}")]
    Start {
        /// The program.
        program: String,
        /// The system's message.
        message: String,
    },
    /// The emulator ended in a way that is no guest's exit.
    #[error("`{program}` ended abnormally: {what}")]
    Abnormal {
        /// The program.
        program: String,
        /// How.
        what: String,
    },
    /// This engine has no such machine.
    #[error("engine `{engine}` cannot run images for platform `{platform}`")]
    WrongPlatform {
        /// The engine.
        engine: &'static str,
        /// The image's platform.
        platform: String,
    },
    /// The platform names no command.
    #[error("platform `{platform}` names no command that runs its images")]
    NoRunner {
        /// The platform.
        platform: String,
    },
    /// An option that the engine cannot honour.
    #[error("engine `{engine}` does not support {option}")]
    Option {
        /// The engine.
        engine: &'static str,
        /// The option.
        option: &'static str,
    },
    /// Something was to be copied out that the program did not write.
    #[error("the program left no {path} behind")]
    NotWritten {
        /// The guest path.
        path: String,
    },
    /// Something was to be copied out that cannot be.
    #[error("{path} cannot be copied out: it is neither a file nor a directory of files")]
    NoContents {
        /// The guest path.
        path: String,
    },
    /// Something was to be copied out of a run that did not end by itself.
    #[error("the run was stopped, so {path} is not copied out")]
    NothingExported {
        /// The guest path.
        path: String,
    },
    /// The table of what the program left behind is broken.
    #[error("what the kernel says of the files that it hands out makes no sense")]
    Exports,
    /// The tool's own standard streams failed.
    #[error("cannot write the guest's output: {message}")]
    Output {
        /// The system's message.
        message: String,
    },
}

impl Diagnose for EngineError {
    fn code(&self) -> &'static str {
        match self {
            EngineError::Setup { .. } => "ZOS-E0801",
            EngineError::Stuck { .. } => "ZOS-E0802",
            EngineError::NoRunner { .. } => "ZOS-E0809",
            EngineError::Start { .. } => "ZOS-E0803",
            EngineError::Abnormal { .. } => "ZOS-E0804",
            EngineError::WrongPlatform { .. } => "ZOS-E0805",
            EngineError::Option { .. } => "ZOS-E0806",
            EngineError::Output { .. } => "ZOS-E0807",
            EngineError::Stopped { .. } => "ZOS-E0808",
            EngineError::NotWritten { .. } => "ZOS-E0813",
            EngineError::NoContents { .. } => "ZOS-E0814",
            EngineError::NothingExported { .. } => "ZOS-E0815",
            EngineError::Exports => "ZOS-E0816",
        }
    }

    fn help(&self) -> String {
        match self {
            EngineError::NoRunner { .. } => {
                "leave `--engine` away for the built-in machine, or give the platform's platform.toml a `[runner]`"
                    .into()
            }
            EngineError::Setup { .. } => {
                "build the image again; if you wrote the platform, check its memory and devices".into()
            }
            EngineError::Stuck { .. } => "this is a fault of the kernel: please report it with the program".into(),
            EngineError::Stopped { .. } => {
                "the real machine would fail there, too: see `zeroos explain ZOS-E0808` for what leads to it".into()
            }
            EngineError::Start { program, .. } if program.contains("qemu") => {
                "`apt-get install qemu-system-misc` installs it; `zeroos doctor` checks it".into()
            }
            EngineError::Start { .. } => {
                "put it on the search path: the platform's README.md says where it comes from; or leave `--engine` away"
                    .into()
            }
            EngineError::Abnormal { .. } => "see the emulator's own message above".into(),
            EngineError::WrongPlatform { .. } => "build for `--platform qemu-virt`, or use `--engine builtin`".into(),
            EngineError::Option { .. } => "leave the option away, or use `--engine builtin`".into(),
            EngineError::NotWritten { .. } => {
                "check the guest path; `--trace` shows what the program opens, and its working directory is /".into()
            }
            EngineError::NoContents { .. } => {
                "name the files and directories that you want, one `--out` for each".into()
            }
            EngineError::NothingExported { .. } => "see above for what stopped it".into(),
            EngineError::Exports => {
                "the program may have written over the kernel's memory, by a wild pointer; if not, please report it"
                    .into()
            }
            EngineError::Output { .. } => "check where standard output goes".into(),
        }
    }
}
