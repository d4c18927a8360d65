//! The platforms of zkVMs: the same program, the same input, the same public output on each, and what each refuses. On the
//! built-in machine with that platform's instructions, memory and host; `engines/` has the real ones.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use std::fs;

use tool::guests::{self, RUNTIME};
use tool::{Finished, Workplace, example};

/// Each platform, and how a program must be linked for it.
const PLATFORMS: [(&str, &[&str]); 6] = [
    ("spike", &[]),
    ("zkvm-standard", &["-static-pie"]),
    ("jolt", &["-static-pie"]),
    ("ckb-vm", &[]),
    (
        "sp1",
        &[
            "-Wl,-z,separate-code",
            "-Wl,-Ttext=0x78001000",
            "-Wl,--section-start=.rodata=0x78800000",
            "-Wl,-Tdata=0x78900000",
        ],
    ),
    (
        "zisk",
        &[
            "-mcmodel=medany",
            "-Wl,-z,separate-code",
            "-Wl,-Ttext=0x90001000",
            "-Wl,--section-start=.rodata=0xa0430000",
            "-Wl,-Tdata=0xa0440000",
        ],
    ),
];

/// Runs the C program `source`, compiled for RV64IM, on `platform`.
fn run(workplace: &Workplace, platform: &str, source: &str, options: &[&str], input: &[u8]) -> Finished {
    let link = PLATFORMS.iter().find(|(name, _)| *name == platform).unwrap().1;
    let flags = [&["-march=rv64im", "-mabi=lp64", "-gdwarf-5"], link].concat();
    let app = workplace.guest(&format!("{platform}.c"), source, &flags);
    workplace.zeroos_with_input(&[&["run", "--platform", platform], options, &[&*app]].concat(), input)
}

/// Where `main_with` puts the body.
fn line_of_main(platform: &str) -> String {
    format!("{platform}.c:{}", RUNTIME.matches('\n').count() + 2)
}

fn main_with(body: &str) -> String {
    format!("{RUNTIME}\nstatic int main(long argc, char **argv, char **envp) {{ {body} }}")
}

#[test]
fn the_public_output_is_the_same_everywhere() {
    let workplace = Workplace::new();
    let source = guests::answers_its_input();
    // 109 bytes: it fits twice into ZisK's 256.
    let input: Vec<u8> = (0..109).collect();
    fs::write(workplace.path("input"), &input).unwrap();
    let mut digests = Vec::new();
    for (platform, _) in PLATFORMS {
        let options = ["--input", "input", "--public-output", "public", "--stats", "stats.json"];
        let finished = run(&workplace, platform, &source, &options, b"").exits(0);
        assert_eq!(finished.text(), "round\nround\n", "{platform}");
        assert_eq!(fs::read(workplace.path("public")).unwrap(), input.repeat(2), "{platform}");
        let stats: serde_json::Value =
            serde_json::from_slice(&fs::read(workplace.path("stats.json")).unwrap()).unwrap();
        digests.push(stats["public_output"]["sha256"].as_str().unwrap().to_owned());
        assert_eq!(stats.get("misaligned_accesses").is_some(), platform == "zkvm-standard", "{platform}");
        let piped = run(&workplace, platform, &source, &["--public-output", "public"], b"piped").exits(0);
        assert_eq!(piped.text(), "round\nround\n", "{platform}");
        assert_eq!(fs::read(workplace.path("public")).unwrap(), b"pipedpiped", "{platform}");
    }
    digests.dedup();
    assert_eq!(digests.len(), 1);
}

/// A Rust program that has less than 64 KiB of constants before its code: the constants must not end up below what SP1 loads.
#[test]
fn a_rust_program_hashes_its_input_on_zkvms() {
    let workplace = Workplace::new();
    let [input, expected] = ["input/text.txt", "expected.public"].map(|name| example(&format!("digest-rust/{name}")));
    for (platform, binary) in [("sp1", "ima-pie"), ("zisk", "ima-pie"), ("jolt", "imac-pie"), ("ckb-vm", "imac-exec")] {
        let app = example(&format!("digest-rust/bin/{binary}"));
        let options = ["run", "--platform", platform, "--input", &input, "--public-output", "public", &app];
        workplace.zeroos(&options).exits(0);
        assert_eq!(fs::read(workplace.path("public")).unwrap(), fs::read(&expected).unwrap(), "{platform}");
    }
}

#[test]
fn a_failure_is_a_failure_everywhere() {
    let workplace = Workplace::new();
    let fails = main_with("print(\"failing\\n\"); return 7;");
    for (platform, _) in PLATFORMS {
        assert_eq!(run(&workplace, platform, &fails, &[], b"").exits(7).text(), "failing\n", "{platform}");
    }
    // fork, which no kernel here does.
    let stopped = main_with("return call(220, 0, 0, 0, 0);");
    for (platform, _) in PLATFORMS {
        let finished = run(&workplace, platform, &stopped, &[], b"").exits(123);
        assert!(format!("{}{}", finished.text(), finished.stderr).contains("zeroos: stop: "), "{platform}");
    }
}

/// What ends a run on the real machine ends it here, and the message says where.
#[test]
fn what_a_machine_cannot_do_is_told_with_its_place() {
    let workplace = Workplace::new();
    let misaligned = main_with(
        "static char bytes[16]; char *at = bytes + 1; __asm__(\"\" : \"+r\"(at)); return *(volatile int *)at;",
    );
    for platform in ["jolt", "sp1"] {
        let finished = run(&workplace, platform, &misaligned, &[], b"").exits(123);
        finished.says(&["error[ZOS-E0808]", "misaligned access to 0x", "is start+", &line_of_main(platform)]);
    }
    let options = ["--stats", "stats.json"];
    run(&workplace, "zkvm-standard", &misaligned, &options, b"").exits(0);
    let stats: serde_json::Value = serde_json::from_slice(&fs::read(workplace.path("stats.json")).unwrap()).unwrap();
    assert_eq!(stats["misaligned_accesses"], 1);

    let null = main_with("*(volatile long *)8 = 1; return 0;");
    for platform in ["zisk", "sp1", "zkvm-standard"] {
        let finished = run(&workplace, platform, &null, &[], b"").exits(123);
        finished.says(&[
            "error[ZOS-E0808]",
            "store access fault at 0x",
            "(value 0x8)",
            "is start+",
            &line_of_main(platform),
        ]);
    }

    let writes_code = main_with("extern char _start[]; *(volatile long *)_start = 1; return 0;");
    for platform in ["sp1", "zisk", "ckb-vm"] {
        let finished = run(&workplace, platform, &writes_code, &[], b"").exits(123);
        finished.says(&["error[ZOS-E0808]", "memory that cannot be written"]);
    }

    let runs_data = main_with("print(\"now\\n\"); static long code[2] = {0x8082}; ((void (*)(void))code)(); return 0;");
    for platform in ["sp1", "zisk", "ckb-vm"] {
        let finished = run(&workplace, platform, &runs_data, &[], b"").exits(123);
        finished.says(&["error[ZOS-E0808]", "memory that is not executable"]);
    }
}

#[test]
fn public_output_that_has_no_room_ends_the_run() {
    let workplace = Workplace::new();
    let body = "static char bytes[4089]; long output = call(56, -100, (long)\"/dev/zkvm/output\", 1, 0);
        long written = call(64, output, (long)bytes, SIZE, 0); return written != SIZE;";
    for (platform, room) in [("zisk", 256), ("jolt", 4088)] {
        let of_size = |size: u32| main_with(&body.replace("SIZE", &size.to_string()));
        run(&workplace, platform, &of_size(room), &[], b"").exits(0);
        let finished = run(&workplace, platform, &of_size(room + 1), &[], b"").exits(123);
        assert!(finished.text().contains(&format!("room for {room} bytes of public output only")), "{platform}");
    }
}
