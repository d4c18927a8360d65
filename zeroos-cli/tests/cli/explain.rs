//! `zeroos explain`: syscalls, error codes, and one site of a program.

use serde_json::Value;

use crate::tool::{Workplace, example};

#[test]
fn explain_knows_calls_by_name_and_number_and_codes() {
    let workplace = Workplace::new();
    let by_name = workplace.zeroos(&["explain", "write"]).exits(0);
    let by_number = workplace.zeroos(&["explain", "64"]).exits(0);
    assert_eq!(by_name.stdout, by_number.stdout);
    assert!(by_name.text().contains("write is Linux/riscv64 syscall 64") && by_name.text().contains("/write.rs"));

    let missing = workplace.zeroos(&["explain", "execve"]).exits(0);
    for part in ["221", "No fragment provides it", "syscalls/FAMILY/execve.rs", "enosys = [\"execve\"]"] {
        assert!(missing.text().contains(part), "{part} in {}", missing.text());
    }

    let number = workplace.zeroos(&["explain", "9999"]).exits(0);
    assert!(number.text().contains("no Linux/riscv64 syscall"), "{}", number.text());

    let code = workplace.zeroos(&["explain", "zos-e0105"]).exits(0);
    assert!(code.text().starts_with("ZOS-E0105: ") && code.text().contains("-static"), "{}", code.text());
}

#[test]
fn explain_refuses_what_nobody_knows() {
    let workplace = Workplace::new();
    for what in ["frobnicate", "ZOS-E9999", "", "0x40"] {
        let refused = workplace.zeroos(&["explain", what]).exits(1);
        assert!(refused.stdout.is_empty());
        refused.says(&["error[ZOS-E0904]", "is not known here; expected", "  help: "]);
    }
}

fn sites(workplace: &Workplace, app: &str) -> Vec<Value> {
    let finished = workplace.zeroos(&["manifest", "--format", "json", app]).exits(0);
    let manifest: Value = serde_json::from_slice(&finished.stdout).unwrap();
    manifest["sites"].as_array().unwrap().clone()
}

/// Everything the manifest says of a site, and its code.
#[test]
fn a_site_is_explained_in_full() {
    let workplace = Workplace::new();
    let app = example("hello-c/bin/gc-exec-symbols");
    let sites = sites(&workplace, &app);
    let site = sites.iter().find(|site| site["function"] == "__stdio_write" && site["reachable"] == true).unwrap();
    let address = site["address"].as_str().unwrap();
    let told = workplace.zeroos(&["explain", &app, address]).exits(0);
    for name in site["chain"].as_array().unwrap() {
        let line = |line: &&str| line.trim_start_matches([' ', '>']).starts_with(name.as_str().unwrap());
        assert!(told.text().lines().any(|text| line(&text)), "{name} in {}", told.text());
    }
    let marked = format!("  > {address}  ecall\n");
    for part in
        ["a constant", "66 writev", "console/writev.rs", "addi a7, zero, 66", "sets a7", &marked, "dead temporaries"]
    {
        assert!(told.text().contains(part), "{part} in {}", told.text());
    }
    let dead = sites.iter().find(|site| site["reachable"] == false).unwrap()["address"].as_str().unwrap();
    let told = workplace.zeroos(&["explain", &app, dead]).exits(0);
    assert!(told.text().contains("never reached") && told.text().contains("lists every `ecall`"), "{}", told.text());
}

/// Branch targets are addresses, what carries numbers from elsewhere says from where, and what is lost is said.
#[test]
fn sites_of_wrappers_and_open_sites_are_explained() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: beqz a0, 1f\nli a0, 64\ncall wrapper\n1: li a0, 93\ncall wrapper\n\
        ld a7, 0(sp)\necall\nj 1b\n.type wrapper, @function\nwrapper: mv a7, a0\necall\nret\n";
    let app = workplace.guest("wrapper.S", source, &[]);
    let sites = sites(&workplace, &app);
    assert_eq!(sites.len(), 2);
    for site in sites {
        let address = site["address"].as_str().unwrap();
        let told = workplace.zeroos(&["explain", &app, address]).exits(0);
        let why = site["why"].as_str().unwrap();
        assert!(!why.is_empty() && told.text().contains(why), "{}", told.text());
        let parts = match site["evidence"].as_str().unwrap() {
            "unbounded" => ["any number", "# to 0x", "--deny-unbounded"],
            _ => ["2 numbers", "64 write", "93 exit"],
        };
        assert!(parts.iter().all(|part| told.text().contains(part)), "{}", told.text());
    }
}

#[test]
fn an_address_without_a_site_is_refused_with_the_nearest_ones() {
    let workplace = Workplace::new();
    let app = example("hello-c/bin/gc-pie");
    let sites = sites(&workplace, &app);
    let address = sites[0]["address"].as_str().unwrap();
    let beside = format!("{:#x}", u64::from_str_radix(&address[2..], 16).unwrap() + 2);
    let refused = workplace.zeroos(&["explain", &app, &beside]).exits(1);
    assert!(refused.stdout.is_empty());
    refused.says(&["error[ZOS-E0203]", &beside, "nearest: ", &format!("{address} in "), "  help: ", "static-PIE"]);
    workplace.zeroos(&["explain", &app, "0xffffffffffffffff"]).exits(1).says(&["error[ZOS-E0203]"]);
    for wrong in ["12d7a", "main", "0x", "0x1ffffffffffffffff"] {
        workplace.zeroos(&["explain", &app, wrong]).exits(1).says(&["error[ZOS-E0904]", "is not an address; expected"]);
    }
    workplace.zeroos(&["explain", "nowhere", address]).exits(1).says(&["error[ZOS-E0901]", "nowhere"]);
    workplace.write("text", "no program\n");
    workplace.zeroos(&["explain", "text", address]).exits(1).says(&["error[ZOS-E0101]", "text"]);
}
