//! `zeroos manifest`: the table, a run held against it (`--audit`), two builds compared (`--diff`).

use std::process::Command;

use serde_json::Value;

use crate::tool::{Finished, Workplace, example, finish, guests};

/// What `qemu-riscv64 -strace` and the program print together.
fn emulator_log(program: &str) -> String {
    let finished = finish(Command::new("qemu-riscv64").args(["-R", "0x40000000", "-strace", program]), b"");
    format!("{}{}", finished.text(), finished.stderr)
}

/// What `zeroos run --trace` and the program print together.
fn machine_log(workplace: &Workplace, program: &str) -> String {
    let finished = workplace.zeroos(&["run", "--trace", program]).exits(0);
    format!("{}{}", finished.text(), finished.stderr)
}

fn json(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).expect("it is JSON")
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|call| call["name"].as_str().unwrap()).collect()
}

#[test]
fn the_table_fits_a_line_and_names_the_site_that_each_chain_leads_to() {
    let workplace = Workplace::new();
    for app in ["hello-c/bin/gc-exec-symbols", "std-rust/bin/gc-pie", "hello-glibc/bin/gc-exec"].map(example) {
        let table = workplace.zeroos(&["manifest", &app]).exits(0);
        let data = json(&workplace.zeroos(&["manifest", "--format", "json", &app]).exits(0));
        assert_eq!(data["schema"], "zeroos.manifest/1");
        for line in table.text().lines() {
            assert!(line.chars().count() <= 120 && !line.ends_with(' '), "{app}: {line}");
        }
        for call in data["syscalls"].as_array().unwrap() {
            let (number, name) = (call["number"].to_string(), call["name"].as_str().unwrap());
            let is_row = |line: &&str| line.split_whitespace().take(2).eq([number.as_str(), name]);
            let row = table.text().lines().find(is_row).unwrap_or_else(|| panic!("{name} has no row"));
            let sites = call["sites"].as_array().unwrap();
            assert!(sites.iter().any(|site| row.contains(site.as_str().unwrap())), "{row}");
        }
        let rule = data["address_taken_rule"].as_str().unwrap();
        assert!(!rule.is_empty() && table.text().contains(rule), "{}", table.text());
    }
}

#[test]
fn what_is_missing_or_unbounded_comes_with_the_next_step() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: li a7, 221\necall\nld a7, 0(sp)\necall\nli a7, 93\necall\n";
    let app = workplace.guest("execve.S", source, &[]);
    let table = workplace.zeroos(&["manifest", &app]).exits(0);
    for part in ["1 missing", "221 execve", "1 unbounded", "may make any syscall", "zeroos explain", "--deny-unbounded"]
    {
        assert!(table.text().contains(part), "{part} in {}", table.text());
    }
    assert_eq!(table.text().matches("next:").count(), 2);
}

/// Both kinds of log, whose calls lie between the program's own output, of movable and unmovable programs.
#[test]
fn what_the_examples_do_is_within_their_manifests() {
    let workplace = Workplace::new();
    for app in ["hello-c/bin/gc-exec", "hello-glibc/bin/gc-exec", "threads-c/bin/gc-pie", "signals-c/bin/imac-exec"] {
        let app = example(app);
        let logs = [(emulator_log(&app), false), (machine_log(&workplace, &app), true)];
        for (log, has_addresses) in logs {
            workplace.write("log", &log);
            let audit = json(&workplace.zeroos(&["manifest", &app, "--audit", "log", "--format", "json"]).exits(0));
            assert_eq!((&audit["schema"], &audit["passed"]), (&"zeroos.audit/1".into(), &true.into()));
            let (calls, placed) = (audit["calls"].as_u64().unwrap(), audit["calls_with_address"].as_u64().unwrap());
            assert_eq!((calls >= 3, placed), (true, if has_addresses { calls } else { 0 }), "{app}\n{log}");
            assert!(names(&audit["seen"]).contains(&"exit_group"), "{audit:#}");
            let table = workplace.zeroos(&["manifest", &app, "--audit", "log"]).exits(0);
            let told = [format!("{calls} calls recognised"), "passed: every call was predicted".to_owned()];
            assert!(told.iter().all(|part| table.text().contains(part)), "{}", table.text());
        }
    }
}

/// Predicted and made, predicted only: each call is in exactly one list.
#[test]
fn an_audit_tells_what_was_seen_from_what_was_not() {
    let workplace = Workplace::new();
    let app = example("hello-c/bin/gc-pie");
    workplace.write("log", machine_log(&workplace, &app));
    let manifest = json(&workplace.zeroos(&["manifest", &app, "--format", "json"]).exits(0));
    let audit = json(&workplace.zeroos(&["manifest", &app, "--audit", "log", "--format", "json"]).exits(0));
    assert_eq!(names(&audit["seen"]), ["ioctl", "writev", "exit_group", "set_tid_address"]);
    let mut all = [names(&audit["seen"]), names(&audit["not_seen"])].concat();
    let mut predicted = names(&manifest["syscalls"]);
    all.sort_unstable();
    predicted.sort_unstable();
    assert_eq!(all, predicted);
}

#[test]
fn a_call_that_was_not_predicted_is_an_error_that_names_it() {
    let workplace = Workplace::new();
    let app = example("hello-c/bin/gc-exec");
    workplace.write("log", emulator_log(&app) + "77 execve(0x1,0x2) = 0\n");
    let failed = workplace.zeroos(&["manifest", &app, "--audit", "log"]).exits(1);
    assert!(failed.text().contains("SEEN, NOT PREDICTED: 1") && failed.text().contains("221 execve"));
    failed.says(&["error[ZOS-E0201]", "execve", "  help: "]);
    let audit = json(&workplace.zeroos(&["manifest", &app, "--audit", "log", "--format", "json"]).exits(1));
    assert_eq!((&audit["passed"], names(&audit["missed"])), (&false.into(), vec!["execve"]));
}

/// A number that the program can make is not allowed from just anywhere.
#[test]
fn a_predicted_call_from_another_site_is_an_error() {
    let workplace = Workplace::new();
    let app = example("hello-c/bin/gc-exec");
    let log = machine_log(&workplace, &app);
    let wrong = log.replacen(" ioctl(", " writev(", 1);
    assert_ne!(log, wrong);
    workplace.write("log", &wrong);
    let failed = workplace.zeroos(&["manifest", &app, "--audit", "log"]).exits(1);
    assert!(failed.text().contains("carries ioctl only"), "{}", failed.text());
    failed.says(&["error[ZOS-E0201]", "writev at 0x"]);
}

#[test]
fn several_runs_are_taken_together() {
    let workplace = Workplace::new();
    let app = example("hello-c/bin/gc-exec");
    workplace.write("one", "5 lseek(1) = 0\n");
    workplace.write("two", "some output\n5 close(1) = 0\n5 close(1) = 0\n");
    let both = ["manifest", &app, "--audit", "one", "--audit", "two", "--format", "toml"];
    let finished = workplace.zeroos(&both).exits(0);
    let audit: toml::Table = finished.text().parse().unwrap();
    let calls: Vec<_> = audit["seen"].as_array().unwrap().iter().map(|call| call["calls"].as_integer()).collect();
    assert_eq!((audit["calls"].as_integer(), calls), (Some(3), vec![Some(2), Some(1)]));
}

#[test]
fn a_log_that_says_nothing_is_refused() {
    let workplace = Workplace::new();
    let app = example("hello-minimal-c/bin/gc-exec");
    workplace.write("good", "5 write(1) = 0\n");
    for (name, bytes) in [("empty", &b""[..]), ("chatter", b"hello\nfork 3 times (or 4)\n"), ("binary", &[0xff; 4096])]
    {
        workplace.write(name, bytes);
        let refused = workplace.zeroos(&["manifest", &app, "--audit", "good", "--audit", name]).exits(1);
        assert!(refused.stdout.is_empty());
        let size = format!("in {} bytes", bytes.len());
        refused.says(&["error[ZOS-E0202]", name, "no call was recognised", &size, "  help: ", "-strace"]);
    }
    for name in ["nowhere", "."] {
        let refused = workplace.zeroos(&["manifest", &app, "--audit", name]).exits(1);
        refused.says(&["error[ZOS-E0901]", "cannot read the log", name, "  help: "]);
    }
    workplace.zeroos(&["manifest", &app, "--audit", "good", "--diff", &app]).exits(2);
}

#[test]
fn a_new_build_shows_what_it_adds_and_drops() {
    let workplace = Workplace::new();
    let program = |calls: &str| {
        format!("{}\nstatic int main(long c, char **v, char **e) {{ {calls} return 0; }}\n", guests::RUNTIME)
    };
    let old = workplace.guest("old.c", &program("print(\"x\"); call(172, 0, 0, 0, 0);"), &[]);
    let source = program("call(221, 0, 0, 0, 0); print(\"x\"); print(\"y\"); call(*(volatile int *)v[0], 0, 0, 0, 0);");
    let new = workplace.guest("new.c", &source, &[]);
    let difference = json(&workplace.zeroos(&["manifest", &old, "--diff", &new, "--format", "json"]).exits(0));
    assert_eq!(difference["schema"], "zeroos.manifest-diff/1");
    assert_eq!((names(&difference["added"]), names(&difference["dropped"])), (vec!["execve"], vec!["getpid"]));
    assert_eq!(names(&difference["missing_gained"]), ["execve"]);
    assert_eq!(difference["unbounded_gained"].as_array().unwrap().len(), 1);
    let site = &difference["added"][0]["sites"][0];
    assert!(site["address"].as_str().unwrap().starts_with("0x") && site["chain"][0] == "_start", "{site:#}");
    let table = workplace.zeroos(&["manifest", &old, "--diff", &new]).exits(0);
    for part in ["added: 1 call", "221  execve  MISSING", "dropped: 1 call", "getpid", "unbounded now", "was not"] {
        assert!(table.text().contains(part), "{part} in {}", table.text());
    }
    let back = json(&workplace.zeroos(&["manifest", &new, "--diff", &old, "--format", "json"]).exits(0));
    assert_eq!((names(&back["added"]), names(&back["dropped"])), (vec!["getpid"], vec!["execve"]));
}

/// Symbols do not change what a program can do.
#[test]
fn a_stripped_build_is_no_difference() {
    let workplace = Workplace::new();
    let (stripped, with_symbols) = (example("hello-c/bin/gc-exec"), example("hello-c/bin/gc-exec-symbols"));
    let finished = workplace.zeroos(&["manifest", &stripped, "--diff", &with_symbols]).exits(0);
    assert!(finished.text().contains("no difference"), "{}", finished.text());
    let same = workplace.zeroos(&["manifest", &stripped, "--diff", &stripped]).exits(0);
    assert!(same.text().contains("it is the same file"), "{}", same.text());
    workplace.zeroos(&["manifest", &stripped, "--diff", "nowhere"]).exits(1).says(&["error[ZOS-E0901]", "nowhere"]);
}
