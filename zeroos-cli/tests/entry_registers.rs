//! What a call leaves of the caller's registers: every example is run with stubs and with traps, and the built-in machine
//! records the register file before and after every call.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use std::collections::BTreeMap;

use tool::{Workplace, example};
use zeroos::address::Address;
use zeroos::analysis::analyse;
use zeroos::elf::AppElf;
use zeroos::engine::{RunOptions, builtin_machine};
use zeroos::image::read_note;
use zeroos::isa::{Register, RegisterSet};
use zeroos::machine::{CapturedConsole, Ending, Observer};

/// A call as the program saw it.
struct Call {
    site: Address,
    number: u64,
    before: [u64; 32],
    /// The registers behind the site, if that is where the program went on.
    after: Option<[u64; 32]>,
}

#[derive(Default)]
struct Calls(Vec<Call>);

impl Observer for Calls {
    fn syscall_entered(&mut self, site: Address, number: u64, x: &[u64; 32]) {
        self.0.push(Call { site, number, before: *x, after: None });
    }

    fn syscall_left(&mut self, x: &[u64; 32], resumed_behind_site: bool) {
        if let Some(call) = self.0.last_mut().filter(|_| resumed_behind_site) {
            call.after = Some(*x);
        }
    }
}

/// Runs `app` entered in the way that `options` of `build` ask for: the calls, how it ended, what it printed, and what was added to its addresses.
fn run(workplace: &Workplace, app: &str, options: &[&str]) -> (Vec<Call>, Ending, Vec<u8>, u64) {
    let build = ["build", app, "-o", "image", "--report", "report", "--arg", "1"];
    workplace.zeroos(&[&build[..], options].concat()).exits(0);
    let image = std::fs::read(workplace.path("image")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(workplace.path("report")).unwrap()).unwrap();
    let address = |name: &str| {
        let text = report["sites"][0][name].as_str().unwrap().trim_start_matches("0x").to_owned();
        u64::from_str_radix(&text, 16).unwrap()
    };
    let note = read_note(&image).unwrap().unwrap();
    assert_eq!(note.direct.is_empty(), options.contains(&"trap"));
    let options = RunOptions { max_instructions: Some(400_000_000), ..RunOptions::default() };
    let mut machine = builtin_machine(&image, &note, options).unwrap();
    let (mut console, mut calls) = (CapturedConsole::default(), Calls::default());
    let ending = machine.run(&mut console, &mut calls);
    (calls.0, ending, console.output, address("placed").wrapping_sub(address("address")))
}

/// s0–s11, sp, gp and tp.
fn always_kept() -> RegisterSet {
    let numbers = [2, 3, 4, 8, 9].into_iter().chain(18..=27);
    numbers.map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with)
}

/// In both modes every register that may be read behind a call has the value from before it; and in a program that cannot
/// be moved, where all addresses are the same, both modes make the same calls with the same registers and results.
fn registers_survive(name: &str, binaries: &[&str]) {
    in_both_ways(name, binaries, &["--entry", "direct"], &["--entry", "trap"]);
}

/// As that, by stubs on a machine without CSRs.
fn registers_survive_without_csrs(name: &str, binaries: &[&str]) {
    in_both_ways(name, binaries, &["--platform", "plain"], &["--entry", "trap"]);
}

fn in_both_ways(name: &str, binaries: &[&str], direct: &[&str], trap: &[&str]) {
    let workplace = Workplace::new();
    workplace.platform_without_csrs();
    let has_csrs = !direct.contains(&"plain");
    for binary in binaries {
        let app = example(&format!("{name}/bin/{binary}"));
        let analysis = analyse(&AppElf::parse(std::fs::read(&app).unwrap()).unwrap());
        let live: BTreeMap<u64, RegisterSet> =
            analysis.sites.iter().map(|site| (site.address.0, site.live_after.union(always_kept()))).collect();
        let (direct, trap) = (run(&workplace, &app, direct), run(&workplace, &app, trap));
        let mut compared = 0;
        for (calls, _, _, bias) in [&direct, &trap] {
            for call in calls {
                let Some(after) = call.after.filter(|after| after[4] == call.before[4]) else { continue };
                for register in live[&call.site.0.wrapping_sub(*bias)].iter().map(|register| register.number()) {
                    let (was, is) = (call.before[usize::from(register)], after[usize::from(register)]);
                    assert_eq!(was, is, "{app}: x{register} across call {} at {}", call.number, call.site);
                    compared += 1;
                }
            }
        }
        assert!(compared > 50, "{app}: only {compared} registers");
        assert_eq!((direct.1, &direct.2), (trap.1, &trap.2), "{app}");
        let numbers = |calls: &[Call]| calls.iter().map(|call| call.number).collect::<Vec<_>>();
        assert_eq!(numbers(&direct.0), numbers(&trap.0), "{app}");
        if binary.ends_with("pie") {
            continue;
        }
        for (left, right) in direct.0.iter().zip(&trap.0) {
            let about = format!("{app}: call {} at {}", left.number, left.site);
            assert_eq!(left.site, right.site, "{about}");
            assert_eq!(left.after.map(|after| after[10]), right.after.map(|after| after[10]), "{about}");
            // An unwinder saves and restores temporaries that hold nothing; there a link may be left from some call.
            let is_link = |value: u64| direct.0.iter().any(|call| call.site.0 + 4 == value);
            // Without CSRs it may be the address of a thread, too.
            let holds_nothing = |register| !has_csrs && matches!(register, 5..=7 | 28..=31);
            for register in live[&left.site.0].with(Register::A0).iter().map(|one| usize::from(one.number())) {
                // a7 is the number; the jump of far text leaves it to the stub.
                if register != 17 && !is_link(left.before[register]) && !holds_nothing(register) {
                    assert_eq!(left.before[register], right.before[register], "{about}: x{register}");
                }
            }
        }
    }
}

#[test]
fn of_c_programs() {
    registers_survive("hello-c", &["gc-exec", "gc-pie", "imac-exec"]);
    registers_survive("float-c", &["gc-exec"]);
    registers_survive("hello-glibc", &["gc-exec"]);
}

#[test]
fn of_threads() {
    registers_survive("threads-c", &["gc-exec", "gc-pie", "imac-exec"]);
}

#[test]
fn of_signal_handlers() {
    registers_survive("signals-c", &["gc-exec", "gc-pie"]);
}

#[test]
fn of_cpp_and_rust() {
    registers_survive("exceptions-cpp", &["gc-exec"]);
    registers_survive("hello-rust", &["gc-exec", "gc-pie"]);
    registers_survive("std-rust", &["gc-exec", "gc-pie"]);
}

#[test]
fn on_a_machine_without_csrs() {
    for name in ["hello-c", "threads-c", "signals-c", "std-rust", "rayon-rust"] {
        registers_survive_without_csrs(name, &["imac-exec", "imac-pie"]);
    }
}
