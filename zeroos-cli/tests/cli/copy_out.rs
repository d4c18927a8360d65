//! `--out`: files that a program wrote become files here, whole or not at all.

use std::fs;

use crate::tool::{Workplace, example, guests};

/// Writes a file, a tree with a link in it, and an executable; ends with the number of its arguments, itself included, less 1.
fn writes_files() -> String {
    format!(
        r##"{runtime}
static void put(const char *path, const char *text, long mode) {{
    long length = 0, fd = call(56, -100, (long)path, 01101, mode);
    while (text[length]) length++;
    call(64, fd, (long)text, length, 0);
    call(57, fd, 0, 0, 0);
}}
static int main(long argc, char **argv, char **envp) {{
    put("/result", "42\n", 0644);
    put("/tool", "#!/bin/sh\n", 0755);
    call(34, -100, (long)"/tree", 0755, 0);
    call(34, -100, (long)"/tree/empty", 0755, 0);
    put("/tree/a", "", 0644);
    put("/tree/b", "first\n", 0644);
    call(36, (long)"b", -100, (long)"/tree/link", 0);
    put("/removed", "x", 0644);
    call(35, -100, (long)"/removed", 0, 0);
    print("done\n");
    return argc - 1;
}}
"##,
        runtime = guests::RUNTIME
    )
}

#[test]
fn files_and_trees_are_copied() {
    let workplace = Workplace::new();
    let app = workplace.guest("writes.c", &writes_files(), &[]);
    let outs = ["--out", "/result=result.txt", "--out", "/tree=tree", "--out", "/tool=tool"];
    for options in [&[][..], &["--snapshot"], &["--entry", "trap"]] {
        let finished = workplace.zeroos(&[&["run"], options, &outs, &[&*app]].concat()).exits(0);
        assert_eq!((finished.text(), finished.stderr.as_str()), ("done\n", ""));
        assert_eq!(fs::read_to_string(workplace.path("result.txt")).unwrap(), "42\n");
        assert_eq!(fs::read_to_string(workplace.path("tree/link")).unwrap(), "first\n");
        assert_eq!(fs::read_link(workplace.path("tree/link")).unwrap().to_str(), Some("b"));
        assert_eq!(fs::read_to_string(workplace.path("tree/a")).unwrap(), "");
        assert!(workplace.path("tree/empty").is_dir());
        assert_eq!(fs::read_dir(workplace.path("tree")).unwrap().count(), 4);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |name: &str| fs::metadata(workplace.path(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode("result.txt"), mode("tool")), (0o644, 0o755));
        }
        fs::remove_dir_all(workplace.path("tree")).unwrap();
    }
    assert_eq!(workplace.listing(), ["result.txt", "tool", "writes.c", "writes.elf"]);
}

/// In place behind a page table, and moved.
#[test]
fn files_come_out_of_qemu() {
    let workplace = Workplace::new();
    let on =
        ["run", "--platform", "qemu-virt", "--engine", "qemu", "--out", "/result=result.txt", "--out", "/tree=tree"];
    for flags in [&[][..], &["-fPIE", "-static-pie"]] {
        let app = workplace.guest("writes.c", &writes_files(), flags);
        let finished = workplace.zeroos(&[&on[..], &[&*app]].concat()).exits(0);
        assert_eq!(finished.text(), "done\n");
        assert_eq!(fs::read_to_string(workplace.path("result.txt")).unwrap(), "42\n");
        assert_eq!(fs::read_to_string(workplace.path("tree/link")).unwrap(), "first\n");
        fs::remove_dir_all(workplace.path("tree")).unwrap();
    }
}

/// A program that starts without a file tree (its kernel has only the standard streams) leaves none behind; nor does one on a
/// machine without CSRs differ.
#[test]
fn what_is_not_there_is_an_error() {
    let workplace = Workplace::new();
    let hello = example("hello-minimal-c/bin/gc-exec");
    let refused = workplace.zeroos(&["run", "--out", "/result=result.txt", &hello]).exits(125);
    refused.says(&["error[ZOS-E0813]", "the program left no /result behind", "  help: "]);
    let app = workplace.guest("writes.c", &writes_files(), &["-march=rv64imac", "-mabi=lp64", "-static-pie"]);
    workplace.platform_without_csrs();
    let outs = ["--out", "/removed=removed", "--out", "/result=result.txt"];
    let options = [&["run", "--platform", "plain"], &outs[..], &[&*app]].concat();
    workplace.zeroos(&options).exits(125).says(&["error[ZOS-E0813]", "/removed"]);
    assert_eq!(fs::read_to_string(workplace.path("result.txt")).unwrap(), "42\n");
    // The program's own failure goes before.
    workplace.zeroos(&[&options[..], &["x", "y"]].concat()).exits(2).says(&["error[ZOS-E0813]"]);
    assert!(!workplace.path("removed").exists());
}

#[test]
fn an_image_hands_out_what_it_was_built_for() {
    let workplace = Workplace::new();
    let app = workplace.guest("writes.c", &writes_files(), &[]);
    workplace.zeroos(&["build", &app, "-o", "image", "--out", "/result", "--out", "/nope"]).exits(0);
    workplace.zeroos(&["run", "image"]).exits(0);
    workplace.zeroos(&["run", "--out", "/result=here", "image"]).exits(0);
    assert_eq!(fs::read_to_string(workplace.path("here")).unwrap(), "42\n");
    let refused = workplace.zeroos(&["run", "--out", "/tree=tree", "image"]).exits(125);
    refused.says(&["error[ZOS-E0904]", "`--out /tree`"]);
    workplace.write("zeroos.toml", "out = { \"/result\" = \"there\", \"/tree\" = \"tree\" }\n");
    workplace.zeroos(&["run", "image"]).exits(0);
    assert!(workplace.path("there").exists() && !workplace.path("tree").exists());
    workplace.zeroos(&["run", &app]).exits(0);
    assert!(workplace.path("tree").exists());
}

#[test]
fn what_cannot_be_copied_is_told() {
    let workplace = Workplace::new();
    let app = workplace.guest("writes.c", &writes_files(), &[]);
    let refused = |out: &str, parts: &[&str]| {
        workplace.zeroos(&["run", "--out", out, &app]).exits(125).says(parts);
    };
    refused("/result", &["error[ZOS-E0904]", "GUEST=HOST"]);
    refused("/result=", &["error[ZOS-E0904]", "GUEST=HOST"]);
    refused("result=x", &["error[ZOS-E05", "`result`"]);
    refused("/dev/null=x", &["error[ZOS-E0814]", "/dev/null"]);
    refused("/dev=x", &["error[ZOS-E0814]", "/dev/"]);
    refused("/result=nowhere/x", &["error[ZOS-E0902]", "nowhere/x"]);
    workplace.write("full/kept", "mine");
    refused("/tree=full", &["error[ZOS-E0903]", "full already exists"]);
    assert_eq!(workplace.listing(), ["full", "writes.c", "writes.elf"]);
    assert_eq!(fs::read_dir(workplace.path("full")).unwrap().count(), 1);
    let refused = workplace.zeroos(&["run", "--engine", "runner", "--out", "/result=x", &app]).exits(125);
    refused.says(&["error[ZOS-E0806]", "--out"]);
    let stops = ".globl _start\n_start: li a7, 221\necall\n";
    let app = workplace.guest("stops.S", stops, &[]);
    workplace.zeroos(&["run", "--out", "/result=x", &app]).exits(123).says(&["error[ZOS-E0815]", "/result"]);
    assert!(!workplace.path("x").exists());
}
