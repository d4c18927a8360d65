//! What a program does that the kernel cannot answer, or that no machine can do, ends the run at once, with the place:
//! one line from the kernel and, where the kernel cannot know the function, one from the tool.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use tool::Workplace;

/// A program that calls `culprit`, which executes `instructions`.
fn culprit(instructions: &str) -> String {
    format!(
        ".globl _start\n.type _start, @function\n_start:\n call culprit\n li a7, 93\n ecall\n.size _start, . - _start\n\
         .type culprit, @function\nculprit:\n{instructions}\n ret\n.size culprit, . - culprit\n"
    )
}

/// Runs a program whose function `culprit` executes `instructions`; it must end with `status`. The lines of standard
/// error that tell of the end, without warnings of the build.
#[track_caller]
fn last_words(instructions: &str, status: i32, flags: &[&str]) -> Vec<String> {
    let workplace = Workplace::new();
    let app = workplace.guest("guest.S", &culprit(instructions), flags);
    let finished = workplace.zeroos(&["run", "--max-instructions", "1000000", &app]).exits(status);
    assert_eq!(finished.text(), "", "nothing is printed on the program's behalf");
    finished.stderr.lines().filter(|line| !line.starts_with("warning: ")).map(str::to_owned).collect()
}

/// The kernel's line says all, with the function that the builder knew: nothing follows it.
#[track_caller]
fn is_one_line(lines: &[String], parts: &[&str]) {
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for part in parts {
        assert!(lines[0].contains(part), "expected `{part}` in {}", lines[0]);
    }
}

/// The kernel's line, which cannot name the function, and the tool's, which does.
#[track_caller]
fn is_located(lines: &[String], parts: &[&str], place: &str) {
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for part in parts {
        assert!(lines[0].contains(part), "expected `{part}` in {}", lines[0]);
    }
    assert!(lines[1].starts_with("note: pc 0x") && lines[1].ends_with(place), "expected `{place}` in {}", lines[1]);
}

#[test]
fn an_unsupported_call_says_number_name_place_and_what_would_add_it() {
    let lines = last_words(" li a7, 117\n ecall", 123, &[]);
    is_one_line(
        &lines,
        &["zeroos: stop: unsupported syscall 117 (ptrace)", ", pc 0x", " in culprit", "`zeroos explain 117`"],
    );
}

/// `make` is entered by an address that the analysis cannot see, with another number than its one visible caller has: the
/// stub of the site, made for the one call, must not make it.
#[test]
fn a_number_that_was_not_predicted_never_becomes_another_call() {
    let source = ".globl _start\n_start: li a7, 172\ncall make\nld t0, hidden\nli t1, 0x5500000000\nsub t0, t0, t1\n\
        li a7, 64\nli a0, 1\nla a1, text\nli a2, 3\njalr t0\nli a0, 0\nli a7, 93\necall\n\
        .type make, @function\nmake: ecall\nret\n.size make, . - make\n\
        .data\n.balign 8\nhidden: .dword make + 0x5500000000\ntext: .ascii \"no\\n\"\n";
    let workplace = Workplace::new();
    let app = workplace.guest("hidden.S", source, &[]);
    let finished = workplace.zeroos(&["run", "--entry", "direct", &app]).exits(123);
    assert_eq!(finished.text(), "");
    let lines: Vec<String> = finished.stderr.lines().map(str::to_owned).collect();
    is_located(&lines, &["zeroos: stop: syscall 64 was not predicted here", ", pc 0x"], "is make");
    workplace.zeroos(&["run", "--entry", "trap", &app]).exits(123).says(&["unsupported syscall 64"]);
}

#[test]
fn a_number_that_linux_does_not_know_is_no_success_either() {
    let lines = last_words(" li a7, 9999\n ecall", 123, &[]);
    is_one_line(&lines, &["zeroos: stop: unsupported syscall 9999", ", pc 0x", " in culprit"]);
}

/// The number comes out of memory: the kernel has every fragment, and still says where it stopped.
#[test]
fn an_unbounded_site_stops_at_a_call_that_nothing_provides() {
    let lines = last_words(" li t0, 117\n sd t0, -8(sp)\n addi t1, sp, -16\n ld a7, 8(t1)\n ecall", 123, &[]);
    is_one_line(&lines, &["unsupported syscall 117", " in culprit"]);
}

#[test]
fn a_breakpoint_is_sigtrap_with_cause_place_and_trap_value() {
    let lines = last_words(" nop\n ebreak", 133, &[]);
    is_located(&lines, &["zeroos: fault: breakpoint (ebreak), cause 3, pc 0x", "trap value 0x"], "is culprit+0x2");
}

#[test]
fn an_illegal_instruction_is_sigill_with_its_bits() {
    let lines = last_words(" .word 0xffffffff", 132, &[]);
    is_located(&lines, &["fault: illegal instruction, cause 2, pc 0x", "trap value 0xffffffff"], "is culprit");
}

#[test]
fn a_store_to_nothing_is_sigsegv_with_the_address() {
    let lines = last_words(" sd zero, 0(zero)", 139, &[]);
    is_located(&lines, &["fault: access to an address without memory, cause 7", "trap value 0x0"], "is culprit");
}

#[test]
fn a_load_from_nothing_is_sigsegv_with_the_address() {
    let lines = last_words(" li t0, 0x7ffffff8\n nop\n ld t0, 0(t0)", 139, &[]);
    is_located(&lines, &["fault: access to an address without memory, cause 5", "trap value 0x7ffffff8"], "");
}

/// The place is no code, so there is no function to name: the kernel's line stays alone.
#[test]
fn a_jump_to_nothing_is_sigsegv() {
    let lines = last_words(" jr zero", 139, &[]);
    is_one_line(&lines, &["fault: jump to an address without memory, cause 1, pc 0x0", "trap value 0x0"]);
}

/// Without symbols the tool says why it cannot name the function.
#[test]
fn a_stripped_program_is_told_how_to_learn_more() {
    let lines = last_words(" ebreak", 133, &["-s"]);
    is_located(&lines, &["fault: breakpoint (ebreak), cause 3"], "it names functions unless stripped");
    let lines = last_words(" li a7, 117\n ecall", 123, &["-s"]);
    is_one_line(&lines, &["unsupported syscall 117 (ptrace), pc 0x"]);
}

/// `kill(getpid(), SIGTERM)` and SIGABRT with their default actions: 128 + signal, as a shell shows it.
#[test]
fn a_raised_signal_ends_the_run_by_its_default_action() {
    for signal in [15, 6, 9] {
        let raise = format!(" li a7, 172\n ecall\n li a1, {signal}\n li a7, 129\n ecall");
        let lines = last_words(&raise, 128 + signal, &[]);
        assert!(lines.iter().all(|line| !line.contains("error")), "{lines:?}");
    }
}

/// The same on QEMU: the kernel's words and the exit status do not depend on the engine.
/// Calls `call` again and again, each time with another number in the eight bytes at `name`, until it fails; then exits with
/// the error's number.
fn until_it_fails(before: &str, call: &str) -> String {
    format!(
        ".globl _start\n_start:\n{before}\n\
         again: la t0, name\nli t1, 8\nincrement: lbu t2, (t0)\naddi t2, t2, 1\nli t3, 'z' + 1\nblt t2, t3, written\n\
         li t2, 'a'\nsb t2, (t0)\naddi t0, t0, 1\naddi t1, t1, -1\nbnez t1, increment\nwritten: sb t2, (t0)\n\
         {call}\nbgez a0, again\nneg a0, a0\nli a7, 93\necall\n\
         .data\nuser: .ascii \"user.\"\nname: .asciz \"aaaaaaaa\"\nlong: .fill 4000, 1, 'x'\n.byte 0\n.fill 65536\n"
    )
}

#[test]
fn attributes_that_the_kernel_has_no_memory_for() {
    let workplace = Workplace::new();
    let set = "mv a0, s0\nla a1, user\nla a2, long\nli a3, 65000\nli a4, 0\nli a7, 7\necall";
    let source = until_it_fails("la a0, name\nli a1, 0\nli a7, 279\necall\nmv s0, a0", set);
    let app = workplace.guest("guest.S", &source, &["-static-pie"]);
    workplace.platform("small", &[("size_bytes = 0x1000_0000", "size_bytes = 0x80_0000")]);
    workplace.zeroos(&["run", "--platform", "small", &app]).exits(12); // ENOMEM
}

#[test]
fn a_full_heap_of_the_kernel_is_said_so() {
    let workplace = Workplace::new();
    let link = "la a0, long\nli a1, -100\nla a2, name\nli a7, 36\necall";
    let app = workplace.guest("guest.S", &until_it_fails("", link), &["-static-pie"]);
    workplace.platform("small", &[("size_bytes = 0x1000_0000", "size_bytes = 0x80_0000")]);
    let finished = workplace.zeroos(&["run", "--platform", "small", &app]).exits(123);
    assert!(finished.stderr.contains("zeroos: stop: the kernel's heap is full"), "{}", finished.stderr);
}

#[test]
fn qemu_stops_in_the_same_way() {
    let workplace = Workplace::new();
    let flags = ["-static-pie"];
    for (instructions, status, said) in [
        (" li a7, 117\n ecall", 123, "unsupported syscall 117"),
        (" ebreak", 133, "fault: breakpoint (ebreak), cause 3"),
    ] {
        let app = workplace.guest("guest.S", &culprit(instructions), &flags);
        let finished = workplace.zeroos(&["run", "--engine", "qemu", &app]).exits(status);
        assert!(finished.text().contains(said), "{}", finished.text());
    }
}
