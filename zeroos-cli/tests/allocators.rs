//! `--allocator`: by which rule mmap places. Each is right; what each costs is what it is for.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

#[path = "tool/mod.rs"]
mod tool;

use tool::Workplace;

const MAPPINGS: &str = include_str!("fixtures/cost/mappings.c");

/// Status and kernel instructions of the program under a rule.
fn run(workplace: &Workplace, platform: &str, allocator: &str, app: &str) -> (i32, u64) {
    let options = ["--platform", platform, "--allocator", allocator];
    let (finished, stats) = workplace.stats(&options, app, b"");
    (finished.status, stats["instructions"]["kernel"].as_u64().unwrap())
}

/// With much memory, nothing is used again but by `buddy`, which must zero it. With little, first fit zeroes, too, and `bump`
/// has no more.
#[test]
fn each_rule_costs_what_it_is_for() {
    let workplace = Workplace::new();
    let app = workplace.guest("mappings.c", MAPPINGS, &[]);
    let [(first_fit, costs), (buddy, buddy_costs), (bump, bump_costs)] =
        ["first-fit", "buddy", "bump"].map(|allocator| run(&workplace, "spike", allocator, &app));
    assert_eq!((first_fit, buddy, bump), (0, 0, 0));
    println!("much memory: first-fit {costs}, buddy {buddy_costs}, bump {bump_costs}");
    assert!(bump_costs <= costs && costs < buddy_costs);
    let app = workplace.guest("movable.c", MAPPINGS, &["-march=rv64imac", "-mabi=lp64", "-static-pie"]);
    let [(first_fit, costs), (buddy, buddy_costs), (bump, _)] =
        ["first-fit", "buddy", "bump"].map(|allocator| run(&workplace, "jolt", allocator, &app));
    println!("128 MiB: first-fit {costs}, buddy {buddy_costs}");
    assert_eq!((first_fit, buddy, bump), (0, 0, 2), "a pointer that only moves up gets to the end: ENOMEM");
}

#[test]
fn the_project_may_choose_and_the_source_shows_it() {
    let workplace = Workplace::new();
    let app = workplace.guest("mappings.c", MAPPINGS, &[]);
    workplace.write("zeroos.toml", "allocator = \"bump\"\n");
    workplace.zeroos(&["build", "--emit-source", "kernel", &app]).exits(0);
    let shown = std::fs::read_to_string(workplace.path("kernel/src/subsystems/room.rs")).unwrap();
    assert_eq!(shown, include_str!("../../kernel-fragments/src/subsystems/room_bump.rs"));
    workplace.zeroos(&["build", "--emit-source", "other", "--allocator", "buddy", &app]).exits(0);
    let shown = std::fs::read_to_string(workplace.path("other/src/subsystems/room.rs")).unwrap();
    assert_eq!(shown, include_str!("../../kernel-fragments/src/subsystems/room_buddy.rs"));
    workplace.zeroos(&["run", "--allocator", "bump", "mappings.elf.zeroos.elf"]).exits(125).says(&["--allocator"]);
    workplace.write("zeroos.toml", "allocator = \"best-fit\"\n");
    workplace.zeroos(&["build", &app]).exits(1).says(&["error[ZOS-E0904]", "best-fit"]);
}
