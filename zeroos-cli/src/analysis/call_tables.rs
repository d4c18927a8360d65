//! Tables of functions that calls go by. Each is read once and shared by all calls that go by it: there may be as many of
//! these as there are functions, and hundreds of elements.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::exit::{Exit, FunctionId};
use super::value::{Read, Value};

/// One table.
#[derive(Debug)]
pub(super) struct CallTable {
    /// Its place among all.
    pub id: usize,
    /// Where the elements lead to, ascending.
    pub targets: Vec<u64>,
    /// The functions that start there.
    pub functions: Vec<FunctionId>,
    /// Whether nothing is left to do for its elements as addresses that code computes.
    pub is_taken: Cell<bool>,
}

impl PartialEq for CallTable {
    fn eq(&self, other: &CallTable) -> bool {
        self.id == other.id
    }
}

impl Eq for CallTable {}

/// How an element is loaded, and what is added to it then.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Access(u64, Read);

impl Access {
    /// The one that gave `value`, if it is what some element of a table says.
    pub fn of(value: Value<'_>) -> Option<Access> {
        match value {
            Value::Loaded(read) => Some(Access(0, *read)),
            Value::Displaced(displaced) => Some(Access(displaced.base, displaced.read)),
            _ => None,
        }
    }

    /// Whether `other` reads the same table, whatever its index. What is added to distances says which table it is; without, its
    /// place does.
    fn is_like(self, other: Access) -> bool {
        let Access(base, read) = self;
        base == other.0 && read.load == other.1.load && (base != 0 || read.table.base == other.1.table.base)
    }
}

/// All tables.
#[derive(Default)]
pub(super) struct CallTables {
    /// `None` where no table is.
    by_access: FxHashMap<Access, Option<Rc<CallTable>>>,
    all: Vec<Rc<CallTable>>,
    /// Which functions make calls by which of them.
    users: BTreeSet<(FunctionId, usize)>,
    /// How many bytes they take, those counted again that several of them have.
    bytes: u64,
}

/// How many bytes all tables may take for each halfword of code: it bounds the work where they overlap.
const BYTES_LIMIT: u64 = 16;

impl CallTables {
    /// What was found by `access` before, if it was asked for.
    pub fn known(&self, access: Access) -> Option<Option<Rc<CallTable>>> {
        self.by_access.get(&access).cloned()
    }

    /// By `access` lies a table of so many `bytes` of `functions`, which start at `targets`; nothing, if there are none.
    pub fn add(
        &mut self,
        access: Access,
        bytes: u64,
        targets: Vec<u64>,
        functions: Vec<FunctionId>,
    ) -> Option<Rc<CallTable>> {
        let table = (!functions.is_empty())
            .then(|| Rc::new(CallTable { id: self.all.len(), targets, functions, is_taken: Cell::new(false) }));
        self.bytes = self.bytes.saturating_add(bytes);
        self.all.extend(table.clone());
        self.by_access.insert(access, table.clone());
        table
    }

    /// Whether they take too much for a program of so many halfwords.
    pub fn are_too_many(&self, slots: usize) -> bool {
        self.bytes > BYTES_LIMIT.saturating_mul(slots as u64)
    }

    /// `function` calls by `table`; whether that is new.
    pub fn use_by(&mut self, function: FunctionId, table: &CallTable) -> bool {
        self.users.insert((function, table.id))
    }

    /// All of them, by their place.
    pub fn all(&self) -> &[Rc<CallTable>] {
        &self.all
    }

    /// Those that `function` calls by.
    pub fn of(&self, function: FunctionId) -> impl Iterator<Item = &CallTable> {
        self.users.range((function, 0)..=(function, usize::MAX)).map(|&(_, table)| &*self.all[table])
    }

    /// Where any element of any table leads to.
    pub fn targets(&self) -> impl Iterator<Item = u64> {
        self.all.iter().flat_map(|table| table.targets.iter().copied())
    }

    /// Whether `access` may give an element that leads to `target` of a table that some call goes by: it may do so with another
    /// index than the call.
    pub fn leads_to(&self, access: Access, target: u64) -> bool {
        self.by_access.iter().any(|(other, table)| {
            let has = |table: &Rc<CallTable>| table.targets.binary_search(&target).is_ok();
            other.is_like(access) && table.as_ref().is_some_and(has)
        })
    }

    /// The functions that call by a table with an element that leads to `target`.
    pub fn users_of(&self, target: u64) -> impl Iterator<Item = FunctionId> {
        let has = move |table: usize| self.all[table].targets.binary_search(&target).is_ok();
        self.users.iter().filter(move |&&(_, table)| has(table)).map(|&(function, _)| function)
    }
}

/// The tables that were looked at where each needs to be only once.
#[derive(Default)]
pub(super) struct Seen(FxHashSet<usize>);

impl Seen {
    /// The functions of `table`, the first time that it is asked for.
    pub fn once<'t>(&mut self, table: &'t CallTable) -> &'t [FunctionId] {
        if self.0.insert(table.id) { &table.functions } else { &[] }
    }

    /// The functions of the table that `exit` goes by, the first time that it is asked for.
    pub fn once_by<'e>(&mut self, exit: &'e Exit) -> &'e [FunctionId] {
        exit.call().and_then(|callee| callee.table).map_or(&[], |table| self.once(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::bounds::Bounds;
    use crate::analysis::value::{Scale, Table};
    use crate::isa::Op;

    #[test]
    fn a_table_is_read_once_and_overlapping_ones_become_too_many() {
        let mut tables = CallTables::default();
        let access = |base| {
            let table = Table { base, scale: Scale { shift: 3, index: Bounds::NONE } };
            Access(0, Read { table, load: Op::Ld, shift: 0 })
        };
        assert!(tables.known(access(0)).is_none());
        assert!(tables.add(access(0), 0, Vec::new(), Vec::new()).is_none());
        assert_eq!(tables.known(access(0)), Some(None));
        for base in 1..10 {
            let functions = (0..10).map(FunctionId::new).collect();
            let table = tables.add(access(base), 80, (0..10).collect(), functions).expect("a table");
            assert!(tables.use_by(FunctionId::new(3), &table) && !tables.use_by(FunctionId::new(3), &table));
            assert_eq!(tables.are_too_many(40), base > 8);
        }
        assert_eq!(tables.known(access(9)), Some(Some(tables.all()[8].clone())));
        assert_eq!(tables.users_of(9).count(), 9);
        assert_eq!(tables.users_of(10).count(), 0);
    }
}
