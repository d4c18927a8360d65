//! Where no trap may be left: `--entry direct`, and platforms whose `ecall` calls the host.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use std::fs;

use tool::{Workplace, example};

/// A platform like Spike whose `ecall` is the host's: a kernel for it serves no trap.
fn host_call_platform(workplace: &Workplace) {
    workplace.zeroos(&["new-platform", "hostcall"]).exits(0);
    let file = workplace.path("platforms/hostcall/platform.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("ecall = \"mtvec\""), "{text}");
    fs::write(&file, text.replace("ecall = \"mtvec\"", "ecall = \"host-call\"")).unwrap();
}

/// An `ecall` more than 1 MiB from everything, whose number is set elsewhere.
const FAR: &str = ".text\n.skip 0x280000\n.globl _start\n.type _start, @function\n_start: li a7, 93\nli a0, 0\nnop\necall\n\
    .size _start, . - _start\n.skip 0x280000\n";

#[test]
fn programs_run_where_no_ecall_may_be_executed() {
    let workplace = Workplace::new();
    host_call_platform(&workplace);
    for (app, output) in [("hello-c", None), ("threads-c", Some("threads-c")), ("signals-c", Some("signals-c"))] {
        for binary in ["gc-exec", "gc-pie"] {
            let program = example(&format!("{app}/bin/{binary}"));
            let finished = workplace.zeroos(&["run", "--platform", "hostcall", "--", &program]).exits(0);
            if let Some(name) = output {
                let expected = fs::read(example(&format!("{name}/expected.stdout"))).unwrap();
                assert!(finished.stdout == expected, "{program}: {}", finished.text());
            }
        }
    }
}

/// Programs stay at their low addresses, and `auipc` reaches 2 GiB: not the kernel.
#[test]
fn a_kernel_can_be_further_away_than_a_jump_reaches() {
    let workplace = Workplace::new();
    workplace.zeroos(&["new-platform", "high"]).exits(0);
    let file = workplace.path("platforms/high/platform.toml");
    let text = fs::read_to_string(&file).unwrap();
    let high = text.replace("start = \"0x80000000\"", "start = \"0x280000000\"");
    assert!(high != text && high.contains("[in_place]"), "{text}");
    fs::write(&file, high).unwrap();
    for name in ["threads-c", "signals-c"] {
        for entry in ["direct", "trap"] {
            let program = example(&format!("{name}/bin/gc-exec"));
            let finished = workplace.zeroos(&["run", "--platform", "high", "--entry", entry, "--", &program]).exits(0);
            let expected = fs::read(example(&format!("{name}/expected.stdout"))).unwrap();
            assert!(finished.stdout == expected, "{program}: {}", finished.text());
        }
    }
}

#[test]
fn a_site_that_keeps_its_trap_is_an_error_that_names_it_and_the_reason() {
    let workplace = Workplace::new();
    host_call_platform(&workplace);
    let far = workplace.guest("far.S", FAR, &[]);
    let parts = ["error[ZOS-E0504]", "the `ecall` at 0x290", "_start", "no room for a stub within 1 MiB", "  help: "];
    workplace.zeroos(&["build", &far, "--entry", "direct"]).exits(1).says(&parts).says(&["--entry direct"]);
    workplace.zeroos(&["build", &far, "--platform", "hostcall"]).exits(1).says(&parts).says(&["platform `hostcall`"]);
    let minimal = example("hello-minimal-c/bin/gc-exec");
    let trap = ["build", &minimal, "--platform", "hostcall", "--entry", "trap"];
    workplace.zeroos(&trap).exits(1).says(&["error[ZOS-E0504]", "platform `hostcall`", "`--entry trap` was asked for"]);
    workplace.zeroos(&["run", "--", &far]).exits(0);
}
