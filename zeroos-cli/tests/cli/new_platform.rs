//! `zeroos new-platform`: the folder it writes builds and runs a program at once, and is never overwritten.

use crate::tool::{Workplace, example};

#[test]
fn a_new_platform_builds_and_runs_at_once() {
    let workplace = Workplace::new();
    let made = workplace.zeroos(&["new-platform", "my-board"]).exits(0).says(&["--platform my-board"]);
    let files = ["README.md", "platform.rs", "platform.toml"].map(|file| format!("platforms/my-board/{file}"));
    assert_eq!(made.text().lines().collect::<Vec<_>>(), files);
    for file in &files {
        let text = std::fs::read_to_string(workplace.path(file)).unwrap();
        assert!(file.ends_with("README.md") || text.contains("CHANGE"), "{file} marks no place to change");
        assert!(!text.contains("{{"), "{file} is not rendered");
    }
    for (app, expected) in [
        ("hello-minimal-c/bin/gc-exec", "hello-minimal-c/expected.stdout"),
        ("hello-minimal-c/bin/imac-pie", "hello-minimal-c/expected.stdout"),
        ("hello-c/bin/gc-pie", "hello-c/expected.stdout"),
    ] {
        let finished = workplace.zeroos(&["run", "--platform", "my-board", &example(app)]).exits(0);
        assert_eq!(finished.stdout, std::fs::read(example(expected)).unwrap(), "{app}");
    }
    let listed = workplace.zeroos(&["platforms"]).exits(0);
    assert!(listed.text().contains("my-board"));
}

#[test]
fn a_new_platform_elsewhere_is_found_by_its_folder() {
    let workplace = Workplace::new();
    workplace.zeroos(&["new-platform", "board", "--dir", "boards"]).exits(0).says(&["--platform-dir boards"]);
    let app = example("hello-minimal-c/bin/gc-exec");
    workplace.zeroos(&["run", "--platform", "board", &app]).exits(125).says(&["error[ZOS-E0301]"]);
    workplace.zeroos(&["run", "--platform-dir", "boards", "--platform", "board", &app]).exits(0);
}

#[test]
fn a_platform_that_is_there_is_not_overwritten() {
    let workplace = Workplace::new();
    workplace.zeroos(&["new-platform", "board"]).exits(0);
    let mine = workplace.write("platforms/board/platform.rs", "// mine\n");
    workplace.zeroos(&["new-platform", "board"]).exits(1).says(&["error[ZOS-E0903]", "already exists", "  help: "]);
    assert_eq!(std::fs::read_to_string(mine).unwrap(), "// mine\n");
}

#[test]
fn a_name_that_could_leave_the_folder_is_refused() {
    let workplace = Workplace::new();
    for name in ["../board", "Board", "a/b", "", "1board", "-"] {
        let refused = workplace.zeroos(&["new-platform", "--", name]).exits(1);
        refused.says(&["error[ZOS-E0904]", "is no platform name; expected"]);
    }
    assert!(workplace.listing().is_empty());
}

#[test]
fn a_platform_can_begin_as_another_one() {
    let workplace = Workplace::new();
    for (from, app) in
        [("sp1", "hello-c/bin/ima-pie"), ("ckb-vm", "hello-c/bin/imac-exec"), ("qemu-virt", "hello-c/bin/gc-pie")]
    {
        let name = format!("my-{from}");
        workplace.zeroos(&["new-platform", &name, "--from", from]).exits(0);
        let read = |file: &str| std::fs::read_to_string(workplace.path(&format!("platforms/{name}/{file}"))).unwrap();
        assert!(read("platform.toml").contains(&format!("\nname = \"{name}\"\n")) && read("README.md").contains(from));
        let finished = workplace.zeroos(&["run", "--platform", &name, &example(app)]).exits(0);
        assert_eq!(finished.stdout, std::fs::read(example("hello-c/expected.stdout")).unwrap(), "{from}");
    }
    workplace.zeroos(&["new-platform", "other", "--from", "vax"]).exits(1).says(&["error[ZOS-E0301]", "`vax`"]);
    assert!(!workplace.path("platforms/other").exists());
}
