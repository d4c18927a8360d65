//! By which rule mmap places: each is a file of the library that takes the place of another one.

use std::fmt;

use super::{PlanError, Selection};
use crate::catalog::{Catalog, Fragment, Module};

/// The rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Allocator {
    /// Fresh pages first, then the lowest room that fits.
    #[default]
    FirstFit,
    /// At multiples of the length, rounded up to a power of two.
    Buddy,
    /// Behind everything that was ever mapped.
    Bump,
}

impl Allocator {
    /// The file that has the rule.
    fn module(self) -> Module {
        Module::of(&[
            "subsystems",
            match self {
                Allocator::FirstFit => "room",
                Allocator::Buddy => "room_buddy",
                Allocator::Bump => "room_bump",
            },
        ])
    }

    /// Has the kernel of `selection` place by this rule, if it maps anything at all.
    ///
    /// # Errors
    /// A library that lacks the file.
    pub(super) fn put_into(self, selection: &mut Selection, catalog: &Catalog) -> Result<(), PlanError> {
        let Some(place) = selection.files.get_mut(&Allocator::FirstFit.module()) else { return Ok(()) };
        let module = self.module();
        let chosen = catalog.get(&module).ok_or_else(|| PlanError::IncompleteLibrary { module: module.to_string() })?;
        // All three need the same files, and are asked the same question.
        *place = Fragment { module: place.module.clone(), ..chosen.clone() };
        Ok(())
    }
}

/// As the command line has it.
impl fmt::Display for Allocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Allocator::FirstFit => "first-fit",
            Allocator::Buddy => "buddy",
            Allocator::Bump => "bump",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_interchangeable() {
        let library = Catalog::embedded().unwrap();
        let first_fit = library.get(&Allocator::FirstFit.module()).unwrap();
        for allocator in [Allocator::Buddy, Allocator::Bump] {
            let other = library.get(&allocator.module()).unwrap();
            assert_eq!((&other.needs, other.allocates), (&first_fit.needs, first_fit.allocates), "{allocator}");
            assert!(other.text.contains("pub fn find_room(") && other.text.contains("pub const FRESH_PARTS: usize"));
        }
    }
}
