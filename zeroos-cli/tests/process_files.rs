//! What a program learns of itself in `/proc/self`: only kernels whose program names such a file can tell, the others say so.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use tool::Workplace;

/// Copies the file whose path is `path` to standard output; before that, `path` is worked on by `prepare`.
fn copies(path: &str, prepare: &str) -> String {
    format!(
        ".globl _start\n_start:\n{prepare}\nli a0, -100\nla a1, path\nli a2, 0\nli a7, 56\necall\nbltz a0, end\nmv s0, a0\n\
         more: mv a0, s0\nla a1, buffer\nli a2, 512\nli a7, 63\necall\nblez a0, end\nmv a2, a0\nli a0, 1\nla a1, buffer\n\
         li a7, 64\necall\nj more\nend: neg a0, a0\nli a7, 93\necall\n\
         .data\npath: .asciz \"{path}\"\n.balign 8\nbuffer: .fill 512\n"
    )
}

#[test]
fn maps_names_the_program_and_its_stack() {
    let workplace = Workplace::new();
    let app = workplace.guest("guest.S", &copies("/proc/self/maps", ""), &[]);
    let text = workplace.zeroos(&["run", &app]).exits(0).text().to_owned();
    let lines: Vec<&str> = text.lines().collect();
    let of_program: Vec<&str> = lines.iter().filter(|line| line.contains("/guest")).map(|line| &line[18..22]).collect();
    assert!(lines[0].starts_with("000") && of_program[0] == "r-xp" && of_program.contains(&"rw-p"), "{text}");
    let stack = lines.iter().find(|line| line.ends_with(" [stack]")).unwrap();
    assert!(stack.contains(" rw-p 00000000 00:00 0 "), "{text}");
    assert!(lines[0].contains("/bin/guest"), "{text}");
}

#[test]
fn status_tells_the_name() {
    let workplace = Workplace::new();
    let app = workplace.guest("guest.S", &copies("/proc/self/status", ""), &[]);
    let text = workplace.zeroos(&["run", &app]).exits(0).text().to_owned();
    assert!(text.starts_with("Name:\t") && text.contains("\nPid:\t2\n"), "{text}");
}

#[test]
fn arguments_environment_and_name() {
    let workplace = Workplace::new();
    let tells = |path: &str| {
        let app = workplace.guest("guest.S", &copies(path, ""), &[]);
        let finished = workplace.zeroos(&["run", "--arg", "one", "--arg", "", "--env", "A=b", &app]).exits(0);
        String::from_utf8_lossy(&finished.stdout).into_owned()
    };
    let arguments = tells("/proc/self/cmdline");
    assert!(arguments.ends_with("guest.elf\0one\0\0"), "{arguments:?}");
    assert_eq!((tells("/proc/self/environ"), tells("/proc/self/comm")), ("A=b\0".to_owned(), "guest.elf\n".to_owned()));
    let stat = tells("/proc/self/stat");
    assert!(stat.starts_with("2 (guest.elf) R 1 ") && stat.split(' ').count() == 52, "{stat}");
    let auxv = tells("/proc/self/auxv");
    assert!(auxv.len() > 100 && auxv.ends_with(&"\0".repeat(16)), "{auxv:?}");
    assert!(tells("/proc/self/statm").ends_with(" 0\n"));
}

/// The path is made at run time: the kernel does not answer what it cannot know.
#[test]
fn a_name_that_nobody_could_see() {
    let workplace = Workplace::new();
    let prepare = "la t0, path\nli t1, '/'\nsb t1, 10(t0)";
    let app = workplace.guest("guest.S", &copies("/proc/self:maps", prepare), &[]);
    let finished = workplace.zeroos(&["run", &app]).exits(123);
    assert!(finished.stderr.contains("unsupported: telling of the process"), "{}", finished.stderr);
    // Named in an argument.
    workplace.zeroos(&["run", "--env", "FILE=/proc/self/maps", &app]).exits(0);
}
