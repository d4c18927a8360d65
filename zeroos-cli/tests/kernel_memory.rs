//! The kernel's own copying and filling (`templates/memory.S`) does what the C standard says, at every alignment.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use tool::Workplace;

/// The guest checks itself; it is linked to the template as it is, which has nothing to fill in.
#[test]
fn copies_and_fills_like_one_byte_at_a_time() {
    let template = include_str!("../../templates/memory.S");
    assert!(!template.contains("{{") && !template.contains("{%"), "the template is plain assembly");
    let workplace = Workplace::new();
    let memory = workplace.write("memory.S", template);
    let flags = ["-Wl,--no-relax", "-ffreestanding", "-fno-tree-loop-distribute-patterns", memory.to_str().unwrap()];
    let app = workplace.guest("check.c", include_str!("fixtures/memory.c"), &flags);
    workplace.zeroos(&["run", "--", &app]).exits(0);
}
