//! How the tool talks: streams, colours, usage errors.

use crate::tool::{Workplace, example, finish};

#[test]
fn wrong_usage_exits_with_2_or_125_for_run() {
    let workplace = Workplace::new();
    for arguments in
        [&["build"][..], &["no-such-command"], &["build", "--no-such-option", "x"], &["platforms", "x"], &[]]
    {
        let finished = workplace.zeroos(arguments).exits(2);
        assert!(finished.stdout.is_empty() && !finished.stderr.is_empty(), "{arguments:?}");
    }
    for arguments in
        [&["run"][..], &["run", "--no-such-option", "x"], &["--color", "never", "run", "--engine", "vax", "x"]]
    {
        let finished = workplace.zeroos(arguments).exits(125);
        assert!(finished.stdout.is_empty() && !finished.stderr.is_empty(), "{arguments:?}");
    }
}

/// The exit statuses of `run` are the guest's wherever the global option stands.
#[test]
fn a_failure_of_run_is_125_behind_a_global_option_too() {
    let workplace = Workplace::new();
    workplace.zeroos(&["--color", "never", "run", "nowhere"]).exits(125);
    workplace.zeroos(&["--color=never", "run", "nowhere"]).exits(125);
    workplace.zeroos(&["--color=never", "build", "nowhere"]).exits(1);
}

#[test]
fn help_and_version_are_data() {
    let workplace = Workplace::new();
    for arguments in [&["--help"][..], &["run", "--help"], &["build", "-h"], &["--version"]] {
        let finished = workplace.zeroos(arguments).exits(0);
        assert!(!finished.stdout.is_empty() && finished.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn colours_follow_the_option_and_no_color() {
    let workplace = Workplace::new();
    const ESCAPE: &str = "\x1b[";
    let coloured = |options: &[&str], no_color: bool| {
        let mut command = workplace.command(&[options, &["build", "nowhere"]].concat());
        if no_color {
            command.env("NO_COLOR", "1");
        }
        finish(&mut command, b"").exits(1).stderr.contains(ESCAPE)
    };
    assert!(!coloured(&[], false), "standard error is a file");
    assert!(!coloured(&[], true));
    assert!(coloured(&["--color", "always"], false));
    assert!(coloured(&["--color", "always"], true), "the command line was asked last");
    assert!(!coloured(&["--color", "never"], false));
}

/// The guest's output is all that `run` prints on standard output; warnings about the build go the other way.
#[test]
fn diagnostics_never_mix_with_data() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: li a7, 221\nbnez a7, 1f\necall\n1: li a7, 64\nli a0, 1\nla a1, text\nli a2, 3\necall\n\
        li a7, 93\nli a0, 0\necall\n.data\ntext: .ascii \"hi\\n\"\n";
    let app = workplace.guest("warned.S", source, &[]);
    let finished = workplace.zeroos(&["run", &app]).exits(0);
    assert_eq!(finished.text(), "hi\n");
}

#[test]
#[cfg(target_os = "linux")]
fn data_that_cannot_be_written_is_an_error() {
    let workplace = Workplace::new();
    for arguments in [&["platforms"][..], &["explain", "write"], &["manifest", &example("hello-minimal-c/bin/gc-exec")]]
    {
        let mut command = workplace.command(arguments);
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command.stdin(std::process::Stdio::null()).stdout(full).stderr(std::process::Stdio::piped());
        let output = output.spawn().unwrap().wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("error[ZOS-E0902]"), "{said}");
    }
}
