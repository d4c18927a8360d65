//! Which fragments make the kernel: one for each reachable call, in the variant that the program's facts allow, and
//! everything those files name.

use std::collections::{BTreeMap, BTreeSet};

use super::{Callee, Names, PlanError, arguments};
use crate::analysis::Analysis;
use crate::catalog::{Catalog, Fragment, Handler, Hook, Module, Moment, Parameter, StateType, Variant};
use crate::linux::SyscallNumber;

/// Files that the generated root itself names.
const ALWAYS: [&[&str]; 10] = [
    &["boot_info"],
    &["errno"],
    &["fragment"],
    &["outcome"],
    &["platform_interface"],
    &["register"],
    &["report"],
    &["stop"],
    &["thread"],
    &["user_memory"],
];

/// The calls that make a thread, a timer, a file of signals or connected sockets: something may happen while the program waits.
const NEEDS_SCHEDULER: [&str; 7] =
    ["clone", "clone3", "setitimer", "signalfd4", "socketpair", "timer_create", "timerfd_create"];

/// The calls about message queues, where something may happen, too.
const QUEUE_CALLS: [&str; 6] =
    ["mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink"];

/// The calls about timers that send signals.
const TIMER_CALLS: [&str; 7] =
    ["getitimer", "setitimer", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime"];

/// Files that other files name without need, and what takes their place where the variant was not chosen.
const REPLACED: [(&str, Variant, &str); 11] = [
    ("credentials", Variant::Credentials, "no_credentials"),
    ("descriptor_links", Variant::DescriptorLinks, "no_descriptor_links"),
    ("fifos", Variant::Fifos, "no_fifos"),
    ("file_rights", Variant::Credentials, "no_file_rights"),
    ("message_queues", Variant::MessageQueues, "no_message_queues"),
    ("paired_sockets", Variant::PairedSockets, "no_paired_sockets"),
    ("real_time", Variant::RealTime, "no_real_time"),
    ("signal_files", Variant::SignalFiles, "no_signal_files"),
    ("signal_queue", Variant::QueuedSignals, "no_signal_queue"),
    ("time_of_day", Variant::TimeOfDay, "no_time_of_day"),
    ("timers", Variant::Timers, "no_timers"),
];

/// The calls that change who a thread is.
const CHANGES_CREDENTIALS: [&str; 10] = [
    "capset",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setgroups",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setuid",
];

/// What signal handlers return by: no site of the program makes this call, the kernel's own return code does.
const RT_SIGRETURN: SyscallNumber = SyscallNumber(139);

/// The kernel's contents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selection {
    /// Every file of the kernel, by module.
    pub files: BTreeMap<Module, Fragment>,
    /// The handler of each call, with its module.
    pub handlers: BTreeMap<SyscallNumber, (Module, Handler)>,
    /// Hooks by moment, in the order in which they are called.
    pub hooks: BTreeMap<Moment, Vec<(Module, Hook)>>,
    /// Kernel state, each type once.
    pub states: BTreeSet<StateType>,
    /// Calls declared to answer ENOSYS.
    pub enosys: BTreeSet<SyscallNumber>,
    /// Reachable calls that nothing provides.
    pub missing: BTreeMap<SyscallNumber, Missing>,
    /// Whether some reachable site can carry any number: then every fragment is here.
    pub unbounded: bool,
    /// Which variants were chosen.
    pub variants: BTreeSet<Variant>,
    /// Whether the kernel has a heap.
    pub has_heap: bool,
}

/// A reachable call without a fragment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Missing {
    /// The call.
    pub number: SyscallNumber,
    /// From the entry to the function that makes it.
    pub chain: Vec<String>,
}

impl Selection {
    /// Selects for the program of `analysis`; calls in `enosys` are answered so, and the files `extra` are wanted beside
    /// those of the calls: among them the program's memory. `names` are those of files of `/proc/self`.
    ///
    /// # Errors
    /// A library that lacks a file of [`ALWAYS`].
    pub fn new(
        analysis: &Analysis,
        catalog: &Catalog,
        enosys: &BTreeSet<SyscallNumber>,
        extra: &BTreeSet<Module>,
        names: Names,
    ) -> Result<Selection, PlanError> {
        let reachable = reachable_calls(analysis);
        let unbounded = analysis.sites.iter().any(|site| site.reachable && site.evidence.numbers().is_none());
        let mut wanted: BTreeSet<SyscallNumber> = reachable.keys().copied().collect();
        if unbounded {
            wanted.extend(catalog.provided());
        }
        wanted.retain(|number| !enosys.contains(number));
        let needs_scheduler = |number: &SyscallNumber| {
            number.name().is_some_and(|name| NEEDS_SCHEDULER.contains(&name) || QUEUE_CALLS.contains(&name))
        };
        let mut variants = BTreeSet::new();
        if !unbounded {
            variants.insert(Variant::ConsoleOnly);
            variants.extend(arguments::simple_calls(analysis));
        }
        if names.process_files || unbounded {
            variants.insert(Variant::ProcessFiles);
        }
        let reaches = |name| wanted.iter().any(|number| number.name() == Some(name));
        if reaches("signalfd4") {
            variants.insert(Variant::SignalFiles);
        }
        if ["adjtimex", "clock_adjtime", "clock_settime", "settimeofday"].into_iter().any(reaches) {
            variants.insert(Variant::TimeOfDay);
        }
        if CHANGES_CREDENTIALS.into_iter().any(reaches) {
            variants.insert(Variant::Credentials);
        }
        if ["sched_setattr", "sched_setparam", "sched_setscheduler"].into_iter().any(reaches) {
            variants.insert(Variant::RealTime);
        }
        if TIMER_CALLS.into_iter().any(reaches) {
            variants.insert(Variant::Timers);
        }
        if reaches("socketpair") {
            variants.insert(Variant::PairedSockets);
        }
        if QUEUE_CALLS.into_iter().any(reaches) {
            variants.insert(Variant::MessageQueues);
        }
        if reaches("mknodat") {
            variants.extend([Variant::Fifos, Variant::FifoWaits]);
        }
        if names.descriptors || unbounded {
            variants.insert(Variant::DescriptorLinks);
        }
        if wanted.iter().any(needs_scheduler) {
            variants.remove(&Variant::PlainFutexes);
        } else {
            variants.insert(Variant::SingleThread);
            variants.remove(&Variant::FifoWaits);
        }
        let tells_more = ["rt_sigqueueinfo", "rt_tgsigqueueinfo"].into_iter().any(reaches);
        let has_others = [Variant::Credentials, Variant::Timers].iter().any(|variant| variants.contains(variant));
        if tells_more || has_others || !variants.contains(&Variant::SingleThread) {
            variants.insert(Variant::QueuedSignals);
        }
        let mut selection = Selection::with_variants(catalog, &wanted, extra, variants.clone())?;
        // What these variants keep is less than the general state, so they only serve a kernel in which nothing else needs that.
        let general = [(Variant::ConsoleOnly, "descriptors"), (Variant::FreshMappings, "address_space")];
        while let Some((variant, _)) = general.iter().find(|(variant, file)| {
            variants.contains(variant) && selection.files.contains_key(&Module::of(&["subsystems", file]))
        }) {
            variants.remove(variant);
            selection = Selection::with_variants(catalog, &wanted, extra, variants.clone())?;
        }
        let may_wait = Module::of(&["subsystems", "may_wait"]);
        if !variants.contains(&Variant::SingleThread) && (unbounded || selection.files.contains_key(&may_wait)) {
            variants.insert(Variant::Waits);
            selection = Selection::with_variants(catalog, &wanted, extra, variants)?;
        }
        selection.enosys = enosys.clone();
        selection.unbounded = unbounded;
        selection.missing = reachable
            .into_iter()
            .filter(|(number, _)| wanted.contains(number) && !selection.handlers.contains_key(number))
            .map(|(number, chain)| (number, Missing { number, chain }))
            .collect();
        Ok(selection)
    }

    fn with_variants(
        catalog: &Catalog,
        wanted: &BTreeSet<SyscallNumber>,
        extra: &BTreeSet<Module>,
        variants: BTreeSet<Variant>,
    ) -> Result<Selection, PlanError> {
        // Who can have a handler called must be able to come back from it.
        let mut wanted = wanted.clone();
        loop {
            let selection = Selection::of_calls(catalog, &wanted, extra, &variants)?;
            if selection.hooks(Moment::Deliver).is_empty() || !wanted.insert(RT_SIGRETURN) {
                return Ok(selection);
            }
        }
    }

    fn of_calls(
        catalog: &Catalog,
        wanted: &BTreeSet<SyscallNumber>,
        extra: &BTreeSet<Module>,
        variants: &BTreeSet<Variant>,
    ) -> Result<Selection, PlanError> {
        let mut handlers = BTreeMap::new();
        for &number in wanted {
            if let Some((fragment, handler)) = provider(catalog, number, variants) {
                handlers.insert(number, (fragment.module.clone(), handler.clone()));
            }
        }
        let roots = ALWAYS.map(Module::of).into_iter().chain(handlers.values().map(|(module, _)| module.clone()));
        let roots = roots.chain(extra.iter().cloned());
        let makes_threads = handlers.keys().any(|number| matches!(number.name(), Some("clone" | "clone3")));
        let differ = variants.contains(&Variant::Credentials) && makes_threads;
        let roots = roots.chain(differ.then(|| Module::of(&["subsystems", "thread_credentials"])));
        let files = closure(catalog, roots, variants)?;
        let mut hooks: BTreeMap<Moment, Vec<(Module, Hook)>> = BTreeMap::new();
        for fragment in files.values() {
            for hook in &fragment.hooks {
                hooks.entry(hook.moment).or_default().push((fragment.module.clone(), hook.clone()));
            }
        }
        // Other boot hooks may allocate.
        for list in hooks.values_mut() {
            list.sort_by_key(|(module, _)| *module != kernel_heap());
        }
        let parameters = handlers.values().map(|(_, handler)| &handler.parameters);
        let parameters = parameters.chain(hooks.values().flatten().map(|(_, hook)| &hook.parameters)).flatten();
        let states = parameters.filter_map(|parameter| match parameter {
            Parameter::State(state) => Some(state.clone()),
            _ => None,
        });
        Ok(Selection {
            states: states.collect(),
            has_heap: files.contains_key(&kernel_heap()),
            files,
            handlers,
            hooks,
            enosys: BTreeSet::new(),
            missing: BTreeMap::new(),
            unbounded: false,
            variants: variants.clone(),
        })
    }

    /// The hooks of `moment`.
    pub fn hooks(&self, moment: Moment) -> &[(Module, Hook)] {
        self.hooks.get(&moment).map_or(&[], Vec::as_slice)
    }

    /// Whether control can leave a thread other than by returning to it or ending the run: then the trap handler needs
    /// its path that saves and loads whole frames.
    pub fn needs_whole_frames(&self) -> bool {
        self.handlers.values().any(|(_, handler)| handler.may_leave || handler.wants_frame())
            && (self.files.contains_key(&Module::of(&["subsystems", "threads"]))
                || !self.hooks(Moment::Deliver).is_empty())
    }

    /// Whether there can be more than one thread.
    pub fn has_threads(&self) -> bool {
        !self.hooks(Moment::Switch).is_empty()
    }

    /// Whether control can leave a call of `callee` otherwise than by returning or ending the run.
    pub fn may_leave(&self, callee: Callee) -> bool {
        let may_leave = |number| self.handlers.get(&number).is_some_and(|(_, handler)| handler.may_leave);
        self.needs_whole_frames()
            && match callee {
                Callee::Call(number) => may_leave(number),
                Callee::Dispatcher => true,
            }
    }
}

fn kernel_heap() -> Module {
    Module::of(&["subsystems", "kernel_heap"])
}

/// The fragment for `number`: a variant that holds goes before the general file.
fn provider<'a>(
    catalog: &'a Catalog,
    number: SyscallNumber,
    variants: &BTreeSet<Variant>,
) -> Option<(&'a Fragment, &'a Handler)> {
    catalog
        .providers(number)
        .filter_map(|fragment| Some((fragment, fragment.handler.as_ref()?)))
        .filter(|(_, handler)| handler.variant.is_none_or(|variant| variants.contains(&variant)))
        .max_by_key(|(_, handler)| handler.variant)
}

/// All files that `roots` need, themselves included, with [`REPLACED`] ones replaced.
fn closure(
    catalog: &Catalog,
    roots: impl Iterator<Item = Module>,
    variants: &BTreeSet<Variant>,
) -> Result<BTreeMap<Module, Fragment>, PlanError> {
    let replaced = REPLACED.iter().filter(|(_, variant, _)| !variants.contains(variant));
    let of_subsystem = |name| Module::of(&["subsystems", name]);
    let replaced: BTreeMap<Module, Module> =
        replaced.map(|(file, _, other)| (of_subsystem(file), of_subsystem(other))).collect();
    let mut files = BTreeMap::new();
    let mut open: Vec<Module> = roots.collect();
    while let Some(module) = open.pop() {
        if files.contains_key(&module) {
            continue;
        }
        let source = replaced.get(&module).unwrap_or(&module);
        let chosen = catalog.get(source).ok_or_else(|| PlanError::IncompleteLibrary { module: source.to_string() })?;
        let fragment = Fragment { module: module.clone(), ..chosen.clone() };
        open.extend(fragment.needs.iter().cloned());
        if fragment.allocates {
            open.push(kernel_heap());
        }
        files.insert(module, fragment);
    }
    Ok(files)
}

/// Every number that a reachable site can carry, with the shortest chain to one of its sites.
fn reachable_calls(analysis: &Analysis) -> BTreeMap<SyscallNumber, Vec<String>> {
    let mut calls: BTreeMap<SyscallNumber, Vec<String>> = BTreeMap::new();
    for site in analysis.sites.iter().filter(|site| site.reachable) {
        for number in site.evidence.numbers().into_iter().flatten() {
            let chain = calls.entry(number).or_insert_with(|| site.chain.clone());
            if site.chain.len() < chain.len() {
                *chain = site.chain.clone();
            }
        }
    }
    calls
}
