//! One file of the library, as the generator sees it. The build script compiles this file, too.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::linux::SyscallNumber;

/// A module of the kernel, for example `syscalls::io::write`: its file `syscalls/io/write.rs` without the extension.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Module(#[serde(borrow)] Cow<'static, str>);

/// A file of the library.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fragment {
    /// Its module.
    pub module: Module,
    /// Its text, which is copied as it is.
    #[serde(skip)]
    pub text: Cow<'static, str>,
    /// Its first paragraph of documentation, on one line.
    #[serde(borrow)]
    pub summary: Cow<'static, str>,
    /// The library modules it names in `use crate::…` (tests left out).
    pub needs: BTreeSet<Module>,
    /// Whether it allocates: then the kernel has a heap.
    pub allocates: bool,
    /// The call it provides.
    pub handler: Option<Handler>,
    /// The moments at which it wants to be called.
    pub hooks: Vec<Hook>,
}

impl Fragment {
    /// Its path below `kernel-fragments/src/`.
    pub fn path(&self) -> String {
        self.module.path()
    }
}

/// A function that carries out a call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handler {
    /// The call.
    pub number: SyscallNumber,
    /// Under which condition this file is the one to take; `None` is the general one.
    pub variant: Option<Variant>,
    /// The function's name.
    #[serde(borrow)]
    pub function: Cow<'static, str>,
    /// Its parameters in order.
    pub parameters: Vec<Parameter>,
    /// Whether it returns `Outcome` (control may leave the thread) rather than `SysResult`.
    pub may_leave: bool,
    /// Whether it reads the caller's stack pointer in its frame: its file names `crate::thread::SP`.
    pub reads_stack_pointer: bool,
    /// The function that is asked first, and its parameters.
    pub quick: Option<(Cow<'static, str>, Vec<Parameter>)>,
    /// The function that chooses who goes on in the caller's place, and its parameters.
    pub turn: Option<(Cow<'static, str>, Vec<Parameter>)>,
}

impl Handler {
    /// Whether the caller's frame must be complete when it begins.
    pub fn wants_frame(&self) -> bool {
        self.parameters.contains(&Parameter::WholeThread)
    }

    /// How many of a0…a5 it takes.
    pub fn arguments(&self) -> usize {
        self.parameters.iter().filter(|&parameter| *parameter == Parameter::Register).count()
    }
}

/// A function called at a fixed moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hook {
    /// When.
    pub moment: Moment,
    /// The function's name.
    #[serde(borrow)]
    pub function: Cow<'static, str>,
    /// Its parameters in order.
    pub parameters: Vec<Parameter>,
}

/// The moments of `hook!`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Moment {
    /// Before the program's first instruction.
    Boot,
    /// The calling thread gave up the hart, and that is soon done.
    Exchange,
    /// The calling thread gave up the hart.
    Switch,
    /// A timer is due and no thread on the hart.
    Alarm,
    /// The alarm was served.
    Choose,
    /// A complete frame is about to be loaded.
    Deliver,
    /// An instruction of the program met an exception.
    Fault,
    /// The program has ended.
    Exit,
}

/// A fact about the program by which a cheaper fragment does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Variant {
    /// No call that makes a thread or a timer is reachable: nothing happens while the program waits.
    SingleThread,
    /// Other threads can run, and there may be files on which a read or write has to wait for them.
    Waits,
    /// No call that makes a descriptor is reachable: only 0, 1 and 2 exist.
    ConsoleOnly,
    /// There is one thread, and every futex call wakes, or waits without a timeout.
    PlainFutexes,
    /// Every mapping is anonymous memory anywhere, and nothing else is done to mappings.
    FreshMappings,
    /// The program's text names `/proc/self`, so it may want to know of itself.
    ProcessFiles,
    /// Something names `/proc/self/fd`: there may be links to descriptors.
    DescriptorLinks,
    /// `signalfd4` is reachable: what is read may be signals.
    SignalFiles,
    /// `mknodat` is reachable: there may be FIFOs.
    Fifos,
    /// The same where there may be threads: opening one may have to wait.
    FifoWaits,
    /// `socketpair` is reachable: sockets may have another end.
    PairedSockets,
    /// A call about message queues is reachable.
    MessageQueues,
    /// A call that sets the time of day is reachable.
    TimeOfDay,
    /// A call that changes who a thread is is reachable.
    Credentials,
    /// A call about timers that send signals is reachable.
    Timers,
    /// A call that gives threads priorities is reachable.
    RealTime,
    /// Signals may tell more than which call sent them, and there may be threads that they are sent to.
    QueuedSignals,
}

/// What a parameter of a handler or hook is given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub enum Parameter {
    /// `&mut impl UserMemory`
    UserMemory,
    /// `&mut impl Platform`
    Platform,
    /// `&mut Thread`
    Thread,
    /// `&Thread`: with its frame complete.
    WholeThread,
    /// `&BootInfo`
    BootInfo,
    /// `Leave`, of a `switch` hook.
    Leave,
    /// `&mut T`: kernel state.
    State(StateType),
    /// The next of a0…a5.
    Register,
}

/// A type of kernel state.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct StateType {
    /// The module that defines it.
    pub module: Module,
    /// Its name there.
    #[serde(borrow)]
    pub name: Cow<'static, str>,
}

impl Module {
    /// The module of the file at `path` below `kernel-fragments/src/`.
    pub fn of_path(path: &str) -> Module {
        Module(path.strip_suffix(".rs").unwrap_or(path).to_owned().into())
    }

    /// The module named by `segments`.
    pub fn of<S: Borrow<str>>(segments: &[S]) -> Module {
        Module(segments.join("/").into())
    }

    /// Its file below `src/`.
    pub fn path(&self) -> String {
        format!("{}.rs", self.0)
    }

    /// The names of the modules around it, outermost first, and its own.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.replace('/', "::"))
    }
}

impl Variant {
    /// By the word that `syscall!` uses.
    pub fn named(word: &str) -> Option<Variant> {
        match word {
            "single_thread" => Some(Variant::SingleThread),
            "waits" => Some(Variant::Waits),
            "console_only" => Some(Variant::ConsoleOnly),
            "plain_futexes" => Some(Variant::PlainFutexes),
            "fresh_mappings" => Some(Variant::FreshMappings),
            "process_files" => Some(Variant::ProcessFiles),
            "descriptor_links" => Some(Variant::DescriptorLinks),
            "signal_files" => Some(Variant::SignalFiles),
            "fifos" => Some(Variant::Fifos),
            "fifo_waits" => Some(Variant::FifoWaits),
            "paired_sockets" => Some(Variant::PairedSockets),
            "message_queues" => Some(Variant::MessageQueues),
            "time_of_day" => Some(Variant::TimeOfDay),
            "credentials" => Some(Variant::Credentials),
            "timers" => Some(Variant::Timers),
            "real_time" => Some(Variant::RealTime),
            "queued_signals" => Some(Variant::QueuedSignals),
            _ => None,
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Variant::SingleThread => "single_thread",
            Variant::Waits => "waits",
            Variant::ConsoleOnly => "console_only",
            Variant::PlainFutexes => "plain_futexes",
            Variant::FreshMappings => "fresh_mappings",
            Variant::ProcessFiles => "process_files",
            Variant::DescriptorLinks => "descriptor_links",
            Variant::SignalFiles => "signal_files",
            Variant::Fifos => "fifos",
            Variant::FifoWaits => "fifo_waits",
            Variant::PairedSockets => "paired_sockets",
            Variant::MessageQueues => "message_queues",
            Variant::TimeOfDay => "time_of_day",
            Variant::Credentials => "credentials",
            Variant::Timers => "timers",
            Variant::RealTime => "real_time",
            Variant::QueuedSignals => "queued_signals",
        })
    }
}

impl Moment {
    /// By the word that `hook!` uses.
    pub fn named(word: &str) -> Option<Moment> {
        match word {
            "boot" => Some(Moment::Boot),
            "exchange" => Some(Moment::Exchange),
            "switch" => Some(Moment::Switch),
            "alarm" => Some(Moment::Alarm),
            "choose" => Some(Moment::Choose),
            "deliver" => Some(Moment::Deliver),
            "fault" => Some(Moment::Fault),
            "exit" => Some(Moment::Exit),
            _ => None,
        }
    }
}
