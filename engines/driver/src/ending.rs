//! How a run can end, and the exit status that says so.

use std::fmt;

/// Exit statuses that are not the program's own.
pub mod status {
    /// The machine stopped the program.
    pub const STOPPED: u8 = 123;
    /// The run took as many cycles as it was allowed to.
    pub const CYCLE_LIMIT: u8 = 124;
    /// The engine did not run the image, or could not do what it was asked for.
    pub const REFUSED: u8 = 125;
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// The program ended itself, with this status.
    Exit(u8),
    /// The machine stopped it, for this reason.
    Stopped(String),
    /// It reached the limit, which is this many cycles.
    CycleLimit(u64),
}

/// A run that began.
pub struct Finished {
    /// How it ended.
    pub ending: Ending,
    /// The machine's cycles up to there.
    pub cycles: u64,
    /// What the program made public up to there.
    pub public_output: Vec<u8>,
}

/// Why an engine did not do what it was asked for: what was found, and what to do.
#[derive(Debug)]
pub struct Refusal(String);

impl Refusal {
    /// A refusal with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Ending {
    /// The exit status of the engine.
    pub fn status(&self) -> u8 {
        match self {
            Self::Exit(code) => *code,
            Self::Stopped(_) => status::STOPPED,
            Self::CycleLimit(_) => status::CYCLE_LIMIT,
        }
    }

    /// The program's own status, if it ended itself.
    pub fn exit_code(&self) -> Option<u8> {
        match self {
            Self::Exit(code) => Some(*code),
            _ => None,
        }
    }

    /// One word for the statistics, which tells a program's own status 123 from a stop.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exit(_) => "exit",
            Self::Stopped(_) => "stopped",
            Self::CycleLimit(_) => "cycle-limit",
        }
    }

    /// What to tell the user; nothing if the program ended itself.
    pub fn message(&self) -> Option<String> {
        match self {
            Self::Exit(_) => None,
            Self::Stopped(reason) => Some(format!("the machine stopped the program: {reason}")),
            Self::CycleLimit(cycles) => Some(format!(
                "the program was still running after {cycles} cycles (raise --max-cycles to let it go on)"
            )),
        }
    }
}
