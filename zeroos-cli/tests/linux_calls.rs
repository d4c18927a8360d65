//! Programs that tell what calls come to, on Linux as `qemu-riscv64` has it and as images: the same words.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use std::process::Command;

use tool::Workplace;

/// Compiles `fixtures/calls/NAME.c` and runs it both ways, in the platform `on`; returns what it says.
#[track_caller]
fn says_the_same(name: &str, source: &str, on: &[&str]) -> String {
    let workplace = Workplace::new();
    workplace.write("calls.h", include_str!("fixtures/calls/calls.h"));
    let app = workplace.guest(&format!("{name}.c"), source, &[]);
    let image = workplace.zeroos(&[&["run"], on, &[app.as_str()]].concat()).exits(0);
    let folder = workplace.path("scratch");
    std::fs::create_dir_all(folder.join("tmp")).unwrap();
    let mut qemu = Command::new("qemu-riscv64");
    qemu.arg(&app).current_dir(&folder);
    let linux = tool::finish(&mut qemu, b"").exits(0);
    assert_eq!(image.text(), linux.text(), "{name}: left the image, right Linux");
    image.text().to_owned()
}

#[test]
fn links_to_descriptors() {
    let text = says_the_same("descriptor_links", include_str!("fixtures/calls/descriptor_links.c"), &[]);
    assert!(text.contains("/proc/self/fd/3 -> /tmp/links/file\n"), "{text}");
}

#[test]
fn files_of_signals() {
    let text = says_the_same("signal_files", include_str!("fixtures/calls/signal_files.c"), &[]);
    assert!(text.contains("interrupted: -4"), "{text}");
}

#[test]
fn fifos_and_rights_of_pipes() {
    let text = says_the_same("fifos", include_str!("fixtures/calls/fifos.c"), &[]);
    assert!(text.contains("interrupted: -4"), "{text}");
}

#[test]
fn pairs_of_sockets() {
    let text = says_the_same("socket_pairs", include_str!("fixtures/calls/socket_pairs.c"), &[]);
    assert!(text.contains("drained: 500000"), "{text}");
}

#[test]
fn message_queues() {
    let text = says_the_same("message_queues", include_str!("fixtures/calls/message_queues.c"), &[]);
    assert!(text.contains("not to us: -11 \n") && text.contains("restarted: 4 \n"), "{text}");
}

/// It has what the calls about queues share, though it can make none.
#[test]
fn a_program_that_only_removes_message_queues() {
    let source = r#"#include "calls.h"
        static int main(int argc, char **argv, char **envp) {
            tell("unlink", call(181, "/zeroos-none" + 1, 0, 0, 0));
            return 0;
        }"#;
    assert_eq!(says_the_same("only_unlink", source, &[]), "unlink: -2 \n");
}

/// QEMU has no `mq_notify`: these answers are those of a Linux, but for the process's number and the clock that is set.
#[test]
fn message_queues_that_tell() {
    let workplace = Workplace::new();
    workplace.write("calls.h", include_str!("fixtures/calls/calls.h"));
    let app = workplace.guest("notices.c", include_str!("fixtures/calls/message_queue_notices.c"), &[]);
    let image = workplace.zeroos(&["run", &app]).exits(0);
    let expected = [
        "bad event: -14 ",
        "bad how: -22 ",
        "bad signal: -22 ",
        "no queue: -9 ",
        "no socket: -88 ",
        "nobody to forget: 0 ",
        "notify: 0 ",
        "busy: -16 ",
        "QSIZE:0          NOTIFY:0     SIGNO:10    NOTIFY_PID:2     ",
        "told: 10 10 -3 2 0 77 ",
        "send: 0 ",
        "QSIZE:1          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     ",
        "notify: 0 ",
        "not empty: 0 ",
        "receive: 1 ",
        "receive: 1 ",
        "nothing: -11 ",
        "told: 10 10 -3 2 0 78 ",
        "send: 0 ",
        "receive: 1 ",
        "notify: 0 ",
        "forget: 0 ",
        "send: 0 ",
        "receive: 1 ",
        "notify: 0 ",
        "close a copy: 0 ",
        "notify: 0 ",
        "replace a copy: 0 ",
        "none: 0 ",
        "QSIZE:0          NOTIFY:1     SIGNO:0     NOTIFY_PID:2     ",
        "send: 0 ",
        "notify: 0 ",
        "receive: 1 ",
        "to the thread: 0 ",
        "thread received: 1 ",
        "told: 10 10 -3 2 0 83 ",
        "send: 0 ",
        "receive: 1 ",
        "set: 0 ",
        "timeout: -110 ",
        "late: 0 ",
        "unlink: 0 ",
    ];
    assert_eq!(image.text().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn pipes_and_what_is_moved_through_them() {
    let text = says_the_same("splices", include_str!("fixtures/calls/splices.c"), &[]);
    assert!(text.contains("waits: 4 \n") && text.contains("a little room: \n"), "{text}");
}

#[test]
fn interest_in_interest_lists() {
    let text = says_the_same("nested_epolls", include_str!("fixtures/calls/nested_epolls.c"), &[]);
    assert!(text.contains("longer circle: -40"), "{text}");
}

/// Where calls look at what pages allow: with `--check-access`, and behind a page table.
#[test]
fn pages_of_files() {
    for on in [&["--check-access"][..], &["--platform", "qemu-virt"]] {
        let text = says_the_same("shared_pages", include_str!("fixtures/calls/shared_pages.c"), on);
        assert!(text.contains("moves and grows: 1 \n") && text.contains("behind: -14 -14 \n"), "{text}");
    }
}

/// A machine without a page table lets the program do that.
#[test]
fn behind_the_end_of_a_file() {
    let source = include_str!("fixtures/calls/behind_the_end.c");
    let text = says_the_same("behind_the_end", source, &["--platform", "qemu-virt"]);
    assert!(text.contains("8192 7 2 8192 faults\n"), "{text}");
}

#[test]
fn memory_that_is_locked() {
    let text = says_the_same("locked_memory", include_str!("fixtures/calls/locked_memory.c"), &[]);
    assert!(text.contains("up to them: -16 \n") && text.contains("three: VmLck:\t      12 kB\n"), "{text}");
}

/// Nobody's Linux is to have its clock set: these answers are from the source of Linux.
#[test]
fn the_time_of_day_is_set() {
    let workplace = Workplace::new();
    workplace.write("calls.h", include_str!("fixtures/calls/calls.h"));
    let app = workplace.guest("time_of_day.c", include_str!("fixtures/calls/time_of_day.c"), &[]);
    let image = workplace.zeroos(&["run", &app]).exits(0);
    let expected = [
        "set: 0 ",
        "realtime: 2000000000 ",
        "coarse: 2000000000 ",
        "monotonic: 0 ",
        "other clock: -22 ",
        "file: 2000000000 ",
        "timer: 0 ",
        "due: 8 ",
        "timer: 0 ",
        "canceled: -125 ",
        "not yet: -11 ",
        "adjtime: 5 ",
        "realtime: 2000000100 ",
    ];
    assert_eq!(image.text().lines().collect::<Vec<_>>(), expected);
}

/// QEMU answers these in its own way: the answers here are from the source of Linux, those that any machine gives also from one.
#[test]
fn corners_of_memory_signals_and_futexes() {
    let workplace = Workplace::new();
    workplace.write("calls.h", include_str!("fixtures/calls/calls.h"));
    let app = workplace.guest("corners.c", include_str!("fixtures/calls/corners.c"), &[]);
    let image = workplace.zeroos(&["run", &app]).exits(0);
    let expected = [
        "discard: 0 ",
        "shared memory: 7 ",
        "wipe: -22 ",
        "populate: 0 ",
        "populate to write: -22 ",
        "barriers: 0 ",
        "registered: 80 ",
        "nobody: -3 ",
        "the parent: -22 ",
        "no stack: 0 ",
        "handler's stack: 0 ",
        "flags: 0 ",
        "stays: 1 ",
        "goes on: 131072 ",
        "stops: 2097152 ",
        "owned by nobody: -3 ",
        "word: 2151483648 ",
        "taken: -11 ",
        "word: 2147483650 ",
        "pretence: -1 ",
        "by a thread's id: 0 ",
        "no event: 0 ",
        "no time: -22 ",
        "own memory: 4 ",
        "abcd",
        "personality: 262144 ",
        "keys: -38 ",
        "rings: -38 ",
    ];
    assert_eq!(image.text().lines().collect::<Vec<_>>(), expected);
}

/// Not everybody who tests is the superuser: these answers are from the source of Linux.
#[test]
fn somebody_else() {
    let workplace = Workplace::new();
    workplace.write("calls.h", include_str!("fixtures/calls/calls.h"));
    let app = workplace.guest("credentials.c", include_str!("fixtures/calls/credentials.c"), &[]);
    let image = workplace.zeroos(&["run", &app]).exits(0);
    let expected = [
        "before: 0 ",
        "groups: 0 ",
        "aside: 0 ",
        "below: -13 ",
        "access by the real one: 0 ",
        "back: 0 ",
        "for good: 0 ",
        "Uid:\t1000\t1000\t1000\t1000",
        "Gid:\t10\t10\t10\t10",
        "Groups:\t20 30 ",
        "CapPrm:\t0000000000000000",
        "what is open: 5 ",
        "mode: -1 ",
        "below: -13 ",
        "others' in /tmp: -1 ",
        "own in /tmp: 0 ",
        "in the root: -13 ",
        "a pipe's owner: 1000 ",
        "itself: 0 ",
        "process 1: -1 ",
        "a clock: -1 ",
        "a hard limit: -1 ",
        "another policy: -1 ",
        "its own: 0 ",
        "nicer: 0 ",
        "less nice: -13 ",
        "process 1: -1 ",
        "its environment: -13 ",
        "looked into: 0 ",
        "its environment's owner: 1000 ",
        "groups: -1 ",
        "root: -1 ",
    ];
    assert_eq!(image.text().lines().collect::<Vec<_>>(), expected);
}

/// `qemu-riscv64` lets a program read its host's clock as often as it likes, too.
#[test]
fn timers_of_a_program_that_only_reads_the_clock() {
    let text = says_the_same("timers_by_reading", include_str!("fixtures/calls/timers_by_reading.c"), &[]);
    assert!(text.ends_with("yield: 0 \nagain: 0 \nagain: 0 \nagain: 0 \n"), "{text}");
}

/// Whether somebody may have priorities is the host's business: these answers are from the source of Linux, for one processor, but that
/// the first thread is not interrupted when it wakes the others.
#[test]
fn threads_with_priorities() {
    let workplace = Workplace::new();
    workplace.write("calls.h", include_str!("fixtures/calls/calls.h"));
    let app = workplace.guest("priorities.c", include_str!("fixtures/calls/priorities.c"), &[]);
    let image = workplace.zeroos(&["run", &app]).exits(0);
    let expected = [
        "wake: 4 ",
        "woken: 2 ",
        "woken: 4 ",
        "yielded: 2 ",
        "yielded: 4 ",
        "woken: 3 ",
        "yielded: 3 ",
        "woken: 1 ",
        "yielded: 1 ",
    ];
    assert_eq!(image.text().lines().collect::<Vec<_>>(), expected);
}

/// How many signals may wait is the whole host's business, for each user: these answers are Linux's, of a machine where nobody else has any.
#[test]
fn signals_that_wait() {
    let workplace = Workplace::new();
    workplace.write("calls.h", include_str!("fixtures/calls/calls.h"));
    let app = workplace.guest("queued_signals.c", include_str!("fixtures/calls/queued_signals.c"), &[]);
    let image = workplace.zeroos(&["run", &app]).exits(0);
    let expected = [
        "wrong: 0 ",
        "first: 41 -1 7 8 1 ",
        "first: 40 -1 7 8 2 ",
        "handled: 998 ",
        "sum: 524790126 ",
        "limit: 0 ",
        "queue: 0 ",
        "queue: 0 ",
        "queue: 0 ",
        "queue: 0 ",
        "beyond: -11 ",
        "another: -11 ",
        "a standard one: 0 ",
        "kill: 0 ",
        "kill with a real-time one: 0 ",
        "once more: 0 ",
        "tkill: -11 ",
        "tkill with a standard one: 0 ",
        "a timer: -11 ",
        "a bad event: -14 ",
        "queued: 40 -1 7 8 0 ",
        "five with what kill told: -11 ",
        "kill: 10 0 1 0 0 ",
        "queue: 0 ",
        "queued: 40 -1 7 8 1 ",
        "queued: 40 -1 7 8 2 ",
        "queued: 40 -1 7 8 3 ",
        "queued: 40 -1 7 8 6 ",
        "queued: -11 ",
        "untold: 15 0 0 0 0 ",
        "untold: 43 0 0 0 0 ",
        "none: -11 ",
        "untold: 12 0 0 0 0 ",
        "queue: 0 ",
        "queue: 0 ",
        "limit: 0 ",
        "beyond: -11 ",
        "queued: 40 -1 7 8 7 ",
        "queued: 40 -1 7 8 8 ",
        "limit: 0 ",
        "first: 0 ",
        "queue: 0 ",
        "second: -11 ",
        "beyond: -11 ",
        "delete: 0 ",
        "queue: 0 ",
        "queued: 40 -1 7 8 10 ",
        "queued: 40 -1 7 8 12 ",
        "limit: 0 ",
        "queued: 40 -1 7 8 13 ",
        "limit: 0 ",
        "many: 3000 ",
        "none: -11 ",
        "write: -32 ",
        "broken pipe: 13 0 1 0 0 ",
        "limit: 0 ",
        "queue: 0 ",
        "queue: 0 ",
        "queue: -11 ",
        "somebody else: 0 ",
        "queue: 0 ",
        "queue: 0 ",
        "queue: -11 ",
        "queued: 40 -1 7 8 0 ",
        "queued: 40 -1 7 8 1 ",
        "queued: -11 ",
        "kill: 0 ",
        "tkill: 0 ",
        "queued: 41 -1 7 8 3 ",
        "queued: 41 -1 7 8 4 ",
        "queued: -11 ",
        "kill: 0 ",
        "untold: 40 0 1 1000 0 ",
        "untold: 15 0 0 0 0 ",
    ];
    assert_eq!(image.text().lines().collect::<Vec<_>>(), expected);
}

/// The same where it is known what they tell, and they are only counted.
#[test]
fn signals_that_are_counted() {
    let workplace = Workplace::new();
    workplace.write("calls.h", include_str!("fixtures/calls/calls.h"));
    let app = workplace.guest("counted_signals.c", include_str!("fixtures/calls/counted_signals.c"), &[]);
    let image = workplace.zeroos(&["run", &app]).exits(0);
    let expected = [
        "handled: 400600 ",
        "limit: 0 ",
        "kill: 0 ",
        "tkill: 0 ",
        "kill: 0 ",
        "again: 0 ",
        "beyond: -11 ",
        "beyond: 0 ",
        "beyond: 0 ",
        "a standard one: 0 ",
        "to the thread: 0 ",
        "its own first: 40 -6 1 0 ",
        "then the process's: 40 0 1 0 ",
        "no more: -11 ",
        "untold: 42 0 0 0 ",
        "untold: 12 0 0 0 ",
        "told: 10 0 1 0 ",
        "told: 15 0 1 0 ",
        "limit: 0 ",
        "kill: 0 ",
        "ignored: -11 ",
        "tkill: 0 ",
        "told: 41 -6 1 0 ",
    ];
    assert_eq!(image.text().lines().collect::<Vec<_>>(), expected);
}
