//! What exploring one function needs to know of the rest of the program: where functions start, which return, which
//! code addresses lie in data, where the unwinder enters.

use std::ops::Range;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::call_tables::{Access, CallTable, CallTables};
use super::code::Code;
use super::exceptions::Unwinding;
use super::exit::FunctionId;
use super::pointers::{Pointer, data_pointers};
use super::state::table_targets;
use super::value::Value;

/// What is known of a function before it is explored in full.
struct Known {
    entry: u64,
    /// A call of it comes back.
    returns: bool,
    /// Something calls it or names its address.
    certain: bool,
    /// A call or jump was seen to lead there, at least while less was known of the code around it.
    entered: bool,
}

/// See the module.
pub(super) struct Surroundings {
    /// Where functions plausibly start, ascending.
    starts: Vec<u64>,
    /// Code addresses in data, by target.
    pub pointers: Vec<Pointer>,
    /// Tables that calls go by.
    pub call_tables: CallTables,
    unwinding: Unwinding,
    /// Where recovery from a panic enters functions again, by entry.
    resumptions: Vec<(u64, u64)>,
    /// Starts and ends of the ranges that hold code.
    bounds: Vec<u64>,
    /// Ends of the ranges that hold code, ascending.
    ends: Vec<u64>,
    ids: FxHashMap<u64, FunctionId>,
    /// By function.
    functions: Vec<Known>,
}

impl Surroundings {
    /// What can be said before any function is explored.
    pub fn new(code: &Code<'_>) -> Surroundings {
        Surroundings {
            starts: code.function_starts(),
            pointers: data_pointers(code),
            call_tables: CallTables::default(),
            unwinding: Unwinding::new(code),
            resumptions: code.go.table().map(|table| table.resumptions().collect()).unwrap_or_default(),
            bounds: code.executable().flat_map(|range| [range.start().0, range.end().0]).collect(),
            ends: code.executable().map(|range| range.end().0).collect(),
            ids: FxHashMap::default(),
            functions: Vec::new(),
        }
    }

    /// The function that starts at `address`, which is one from now on; `None` where no code can be.
    pub fn function_at(&mut self, address: u64, code: &Code<'_>) -> Option<FunctionId> {
        if let Some(&id) = self.ids.get(&address) {
            return Some(id);
        }
        code.contains(address).then(|| {
            let id = FunctionId::new(self.functions.len());
            self.ids.insert(address, id);
            self.functions.push(Known { entry: address, returns: false, certain: false, entered: false });
            id
        })
    }

    /// The same where control goes to `address`.
    pub fn entered_at(&mut self, address: u64, code: &Code<'_>) -> Option<FunctionId> {
        let id = self.function_at(address, code)?;
        self.functions[id.index()].entered = true;
        Some(id)
    }

    /// The table of functions that a call of `target` goes by, if it goes by one and there are not too many already. What
    /// is stored into a table while the program runs was computed somewhere.
    pub fn call_table(&mut self, target: Value<'_>, code: &Code<'_>) -> Option<Rc<CallTable>> {
        let access = Access::of(target)?;
        if let Some(known) = self.call_tables.known(access) {
            return known;
        }
        if self.call_tables.are_too_many(code.slots()) {
            return None;
        }
        let before_stores = |op, address| code.initial_load(op, address);
        let table = table_targets(target, before_stores, |target, _| code.contains(target));
        let ((start, end), mut targets) = table.unwrap_or_default();
        targets.shrink_to_fit();
        let functions = targets.iter().filter_map(|&target| self.entered_at(target, code)).collect();
        self.call_tables.add(access, end.abs_diff(start), targets, functions)
    }

    /// Whether a call or jump was ever seen to lead to `function`, even if none is left.
    pub fn was_entered(&self, function: FunctionId) -> bool {
        self.functions[function.index()].entered
    }

    /// The function that starts at `address`, if it is one.
    pub fn known_function(&self, address: u64) -> Option<FunctionId> {
        self.ids.get(&address).copied()
    }

    /// Entries of the functions from `first` on.
    pub fn entries_from(&self, first: usize) -> impl Iterator<Item = u64> {
        self.functions[first..].iter().map(|known| known.entry)
    }

    /// Whether a call of `function` is known to come back.
    pub fn returns(&self, function: FunctionId) -> bool {
        self.functions[function.index()].returns
    }

    /// A call of `function` comes back; whether that is new.
    pub fn set_returns(&mut self, function: FunctionId) -> bool {
        !std::mem::replace(&mut self.functions[function.index()].returns, true)
    }

    /// `function` is called, or its address is taken: something starts there, whatever lies before it.
    pub fn set_certain(&mut self, function: FunctionId) {
        self.functions[function.index()].certain = true;
    }

    /// Where functions surely start, and where ranges of code start and end: ascending.
    pub fn certain_starts(&self) -> Vec<u64> {
        let certain = self.functions.iter().filter(|known| known.certain).map(|known| known.entry);
        let mut certain: Vec<u64> = certain.chain(self.bounds.iter().copied()).collect();
        certain.sort_unstable();
        certain.dedup();
        certain
    }

    /// The next plausible function start above `address`.
    pub fn limit_of(&self, address: u64) -> u64 {
        let next = self.starts.partition_point(|&start| start <= address);
        let next = self.starts.get(next).copied().unwrap_or(u64::MAX);
        let end = self.ends.partition_point(|&end| end <= address);
        self.ends.get(end).map_or(address, |&end| end.min(next))
    }

    /// Whether a function plausibly starts at `address`.
    pub fn is_start(&self, address: u64) -> bool {
        self.starts.binary_search(&address).is_ok()
    }

    /// The nearest plausible function start at or below `address`.
    pub fn start_before(&self, address: u64) -> u64 {
        let next = self.starts.partition_point(|&start| start <= address);
        next.checked_sub(1).map_or(address, |index| self.starts[index])
    }

    /// Where the unwinder enters when the call at `call` throws.
    pub fn landing_pad(&self, call: u64) -> Option<u64> {
        self.unwinding.of(call)
    }

    /// Where something starts and ends around `address` that is one function, as far as the unwinder's tables and
    /// plausible starts tell; and where in it code is entered besides at its start. It is empty if there is no code at
    /// `address`.
    pub fn function_around(&self, address: u64) -> (Range<u64>, impl Iterator<Item = u64>) {
        let guess = self.start_before(address);
        let (guess, known) = (guess..self.limit_of(guess), self.unwinding.around(address));
        let start = guess.start.max(known.start);
        let extent = start..guess.end.min(known.end).max(start);
        (extent.clone(), self.unwinding.pads_in(extent))
    }

    /// Where the function at `entry` goes on when Go recovered from a panic in it.
    pub fn resumption(&self, entry: u64) -> Option<u64> {
        let index = self.resumptions.binary_search_by_key(&entry, |&(entry, _)| entry).ok()?;
        Some(self.resumptions[index].1)
    }

    /// Code addresses in data that point into `start..end`.
    pub fn labels(&self, start: u64, end: u64) -> impl Iterator<Item = u64> {
        let first = self.pointers.partition_point(|pointer| pointer.target < start);
        self.pointers[first..].iter().map(|pointer| pointer.target).take_while(move |&target| target < end)
    }
}
