//! Cycles: the built-in machine, by `[costs]` of `platforms/ckb-vm/platform.toml`, counts exactly what CKB-VM does.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test has no other way to fail")]

use object::{Object, ObjectSegment};
use std::collections::BTreeSet;
use std::fmt::Write;
use zeroos::address::{Address, AddressRange, ByteCount};
use zeroos::compile::KernelCache;
use zeroos::engine::{RunOptions, builtin_machine};
use zeroos::image::read_note;
use zeroos::machine::{CapturedConsole, Ending, Machine, MachineConfig};
use zeroos::pipeline::{BuildRequest, build, examine, plan};
use zeroos::platform::{CostTable, HostInterface, PlatformRegistry};
use zeroos_engine_testing::{Bench, Layout};

const LAYOUT: Layout = Layout { text: 0x10000, text_readable: true, rodata: 0x20000, data: 0x30000 };

/// Runs `image` on CKB-VM; its cycles.
fn real(bench: &Bench, image: &[u8]) -> u64 {
    let image = bench.file("image", image);
    let outcome = bench.engine(&["run"], &[("", &image), ("--stats", &bench.path("stats"))]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
    let stats: serde_json::Value = serde_json::from_slice(&bench.read("stats")).expect("JSON");
    stats["cycles"].as_u64().expect("a number")
}

fn bench() -> Bench {
    Bench::new(env!("CARGO_BIN_EXE_zeroos-engine-ckb-vm"), LAYOUT)
}

/// Runs `machine` to its regular end; its cycles.
fn counted(mut machine: Machine) -> u64 {
    assert_eq!(machine.run(&mut CapturedConsole::default(), &mut ()), Ending::Exited { status: 0 });
    machine.counts().cycles.expect("they are counted").total
}

#[test]
fn of_examples() {
    for name in ["hello-minimal-c", "hello-c", "compute-c"] {
        let app = format!("{}/../../examples/{name}/bin/imac-exec", env!("CARGO_MANIFEST_DIR"));
        let examined = examine(std::fs::read(app).expect("an example")).unwrap();
        let request = BuildRequest { platform: Some("ckb-vm".into()), ..BuildRequest::default() };
        let built = build(&examined, plan(&examined, &request).unwrap(), &KernelCache::none()).unwrap();
        let note = read_note(&built.image).unwrap().expect("an image has a note");
        let cycles = counted(builtin_machine(&built.image, &note, RunOptions::default()).unwrap());
        assert_eq!(cycles, real(&bench(), &built.image), "{name}");
    }
}

/// The built-in machine with `file`, at its entry.
fn bare(file: &[u8], costs: CostTable) -> Machine {
    let elf = object::File::parse(file).unwrap();
    let config = MachineConfig {
        ram: vec![AddressRange::new(Address(0), ByteCount(4 << 20)).unwrap()],
        csrs: Some(BTreeSet::new()),
        host: Some(HostInterface::CkbVm),
        costs: Some(costs),
        entry: Address(elf.entry()),
        ..MachineConfig::default()
    };
    let mut machine = Machine::new(&config).unwrap();
    for segment in elf.segments() {
        assert!(machine.load(Address(segment.address()), segment.data().unwrap()));
    }
    machine
}

/// A stream of numbers that is the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % limit
    }

    fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// Instructions that CKB-VM fuses, and the like, on few registers, so that they often fit together; with jumps over some.
fn program(random: &mut Random) -> String {
    let mut source = "_start: .option arch, +c\n".to_owned();
    for number in 0..1500 {
        let [a, b, c] = std::array::from_fn(|_| random.pick(&["t0", "t1", "t2", "s0"]));
        let line = match random.below(16) {
            0 => format!("lui {a}, 5; addiw {}, {b}, 7", random.pick(&[a, b])),
            1 => format!("auipc {a}, 1; addi {b}, {}, 9", random.pick(&[a, b])),
            2 => format!("auipc {0}, 0; jalr ra, 8({0})", random.pick(&["ra", "t0"])),
            3 => format!("lui {0}, %hi(1f); jalr ra, %lo(1f)({0}); 1:", random.pick(&["ra", "t0"])),
            4 => {
                let both = [["mulh", "mul"], ["mulhu", "mul"], ["mulhsu", "mul"], ["div", "rem"], ["divu", "remu"]];
                let [first, second] = both[random.below(5) as usize];
                format!("{first} {c}, {a}, {b}; {second} {}, {a}, {b}", random.pick(&["t0", "t1", "t2", "s0"]))
            }
            5 => format!("{} {a}, {b}, {c}", random.pick(&["mulh", "mulhsu", "mul", "div", "rem", "mulw", "divw"])),
            6 => format!(
                "add {0}, {0}, {1}; sltu {1}, {0}, {1}; add {0}, {0}, {2}; sltu {2}, {0}, {2}; or {1}, {1}, {2}",
                a, b, c
            ),
            7 => format!(
                "sub {1}, {0}, {1}; sltu s1, {0}, {1}; sub {0}, {1}, {2}; sltu {2}, {1}, {0}; or {1}, {2}, s1",
                a, b, c
            ),
            8 | 9 => format!(
                "add {a}, {b}, {c}; sltu {}, {a}, {b}; add s1, {}, {c}",
                random.pick(&[b, "s1"]),
                random.pick(&[b, "s1"])
            ),
            10 => format!("sub {a}, {b}, {c}; sltu s1, {b}, {c}"),
            11 => {
                let branch = random.pick(&["beq", "bltu"]);
                // Over the first of what follows.
                format!(
                    "{branch} {a}, {b}, over{number}; add t0, t1, t2; over{number}: sltu t1, t0, t1; add s1, t1, s0"
                )
            }
            12 => format!("ld {a}, 0(sp); sw {b}, 4(sp); lbu {c}, 1(sp); sd {a}, 8(sp)"),
            13 => "ebreak; fence; amoadd.w t0, t1, (sp); amoswap.d t0, t1, (sp)".into(),
            _ => format!("{} {a}, {b}, {c}", random.pick(&["add", "sub", "sltu", "or"])),
        };
        writeln!(source, "{line}").expect("a string takes all");
    }
    source + "li a0, 0; li a7, 93; ecall"
}

/// Also where a jump leads into the middle of what would be one instruction.
#[test]
fn of_what_counts_as_one_instruction() {
    let costs = PlatformRegistry::discover(&[]).unwrap().load("ckb-vm").unwrap().costs.expect("it has costs");
    let mut saved = 0;
    for seed in 0..12 {
        let bench = bench();
        // The stack begins below the end of memory.
        let source = program(&mut Random(seed)).replacen("+c\n", "+c, +a\nli sp, 0x38000\n", 1);
        let file = std::fs::read(bench.assemble(&source)).expect("it was just made");
        let cycles = counted(bare(&file, costs));
        assert_eq!(cycles, real(&bench, &file), "seed {seed}");
        saved += counted(bare(&file, CostTable { fusion: None, ..costs })) - cycles;
    }
    assert!(saved > 10_000, "{saved}");
}
