//! The last check of an image: every byte of the program is the file's but for the jumps in place of `ecall`s and what stands
//! for instructions that the machine lacks, and each jump leads to its stub and back. Shown by spoiling finished images.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use object::{Object, ObjectSegment};
use tool::{Workplace, example};
use zeroos::address::Address;
use zeroos::compile::KernelCache;
use zeroos::pipeline::{BuildRequest, build, examine, plan};
use zeroos::plan::{DirectEntry, Jump, Plan, Replacement};
use zeroos::verify::{Started, verify};

/// Where `address` lies in the file `image`.
fn offset(image: &[u8], address: Address) -> usize {
    let file = object::File::parse(image).unwrap();
    let offset = file.segments().find_map(|segment| {
        let inside = address.0.checked_sub(segment.address()).filter(|&inside| inside < segment.file_range().1)?;
        Some(segment.file_range().0 + inside)
    });
    offset.unwrap() as usize
}

/// Builds `app`; spoils each of its direct sites, some other bytes of the program, and the ends of its stubs.
fn spoiled_images_are_refused(app: &str) -> Plan {
    let mut examined = examine(std::fs::read(app).unwrap()).unwrap();
    let plan = plan(&mut examined, &BuildRequest::default()).unwrap();
    let built = build(&examined, plan, &KernelCache::none()).unwrap();
    let check = |image: &[u8]| verify(&examined.app, &built.plan, image, Started::No);
    check(&built.image).unwrap();
    let sites: Vec<(Address, &DirectEntry)> = built.plan.direct_sites().collect();
    assert!(!sites.is_empty());
    let refused = |at: usize, bit: u8| {
        let mut image = built.image.clone();
        image[at] ^= 1 << bit;
        check(&image).unwrap_err().to_string()
    };
    for &(site, entry) in &sites {
        let at = offset(&built.image, site);
        // Another register, another distance.
        for (byte, bit) in [(0, 7), (2, 5), (3, 0)] {
            let what = refused(at + byte, bit);
            assert!(what.contains("a site "), "{site}: {what}");
        }
        if let Jump::Island { island, .. } = entry.jump {
            let at = offset(&built.image, island);
            for (byte, bit) in [(0, 7), (3, 0), (4, 7), (6, 5)] {
                let what = refused(at + byte, bit);
                assert!(what.contains("a site "), "{site}: {what}");
            }
        }
        let start = if let Jump::Far { .. } = entry.jump { at - 4 } else { at };
        assert!(refused(start - 1, 3).contains("was changed"), "{site}");
        assert!(refused(at + 4, 3).contains("was changed"), "{site}");
        // A stub of nothing but `ebreak` leads nowhere.
        let mut image = built.image.clone();
        let mut at = offset(&image, entry.stub.start());
        for _ in 0..entry.stub.size().0 / 4 {
            let word = image.get_mut(at..at + 4).unwrap();
            word.copy_from_slice(&0x0010_0073u32.to_le_bytes());
            at += 4;
        }
        let what = check(&image).unwrap_err().to_string();
        assert!(what.contains("a stub does not lead back"), "{site}: {what}");
    }
    built.plan
}

/// A static-PIE's relocations are applied, if nothing else is to be done to its words; each is checked.
#[test]
fn of_applied_relocations() {
    let bytes = std::fs::read(example("hello-c/bin/imac-pie")).unwrap();
    let mut examined = examine(bytes.clone()).unwrap();
    let own_plan = plan(&mut examined, &BuildRequest::default()).unwrap();
    let built = build(&examined, own_plan, &KernelCache::none()).unwrap();
    let check = |image: &[u8]| verify(&examined.app, &built.plan, image, Started::No);
    check(&built.image).unwrap();
    assert_eq!(built.plan.relocated.len(), examined.app.relocations.len() + examined.app.relocation_counts.len());
    for relocation in &examined.app.relocations {
        let placed = built.plan.placement.placed(relocation.addend);
        assert_eq!(built.plan.relocated.get(&relocation.target), Some(&placed.0));
    }
    for &address in built.plan.relocated.keys() {
        let mut image = built.image.clone();
        let at = offset(&image, built.plan.placement.placed(address));
        image[at + 2] ^= 1;
        let what = check(&image).unwrap_err().to_string();
        assert!(what.contains("was changed"), "{address}: {what}");
    }

    // One that is not relative: the program must find all of them as they were.
    let mut other = bytes;
    let relative = 3u64.to_le_bytes();
    let first = examined.app.relocations.first().unwrap();
    let entry = [first.target.0.to_le_bytes(), relative, first.addend.0.to_le_bytes()].concat();
    let at = other.windows(24).position(|window| window == entry).unwrap();
    other[at + 8] = 2; // R_RISCV_64
    let mut examined = examine(other).unwrap();
    assert_eq!(examined.app.relocation_counts, []);
    assert!(plan(&mut examined, &BuildRequest::default()).unwrap().relocated.is_empty());
}

/// Every entry of every table counts, also those that show nothing: all bits of the first that does, one bit of each other.
#[test]
fn of_page_tables() {
    let mut examined = examine(std::fs::read(example("hello-c/bin/gc-exec")).unwrap()).unwrap();
    let request = BuildRequest { platform: Some("qemu-virt".into()), ..BuildRequest::default() };
    let plan = plan(&mut examined, &request).unwrap();
    let built = build(&examined, plan, &KernelCache::none()).unwrap();
    let check = |image: &[u8]| verify(&examined.app, &built.plan, image, Started::No);
    check(&built.image).unwrap();
    let table = built.plan.placement.page_table.as_ref().unwrap();
    // The root, its directories, and the tables of the program's first pages and of the kernel.
    let directories = (0..=table.gigapages.len() as i64).map(|page| table.at.start().offset(4096 * page));
    let kernel = table.gigapages.len() - 1;
    let mut shown = 0;
    for at in directories.chain([table.table(0, 0), table.table(kernel, 0)]) {
        let at = offset(&built.image, at);
        let entry = |index: usize| &built.image[at + 8 * index..][..8];
        let first = (0..512).find(|&index| entry(index) != [0; 8]);
        for index in 0..512 {
            shown += usize::from(entry(index) != [0; 8]);
            let bits = if Some(index) == first { 0..64 } else { 13 * index % 64..13 * index % 64 + 1 };
            for bit in bits {
                let mut image = built.image.clone();
                image[at + 8 * index + bit / 8] ^= 1 << (bit % 8);
                let what = check(&image).unwrap_err().to_string();
                assert!(what.contains("the page table"), "{at:#x}, entry {index}, bit {bit}: {what}");
            }
        }
    }
    assert!(shown > 250, "{shown}");
    // The physical address of a load segment (ELF-64: `p_paddr`, 24 bytes into a program header of 56).
    let count = usize::from(u16::from_le_bytes([built.image[56], built.image[57]]));
    for header in 0..count {
        let mut image = built.image.clone();
        image[64 + 56 * header + 24 + 1] ^= 0x10;
        let what = check(&image).unwrap_err().to_string();
        assert!(what.contains("loaded elsewhere"), "segment {header}: {what}");
    }
}

#[test]
fn of_near_sites() {
    spoiled_images_are_refused(&example("hello-c/bin/gc-exec"));
    spoiled_images_are_refused(&example("hello-c/bin/gc-pie"));
}

#[test]
fn of_far_sites() {
    let workplace = Workplace::new();
    let source = ".text\n.skip 0x280000\n.globl _start\n_start: li a0, 0\nnop\n.option norvc\nli a7, 93\necall\nnop\n\
        .skip 0x280000\n";
    let plan = spoiled_images_are_refused(&workplace.guest("far.S", source, &[]));
    assert!(plan.direct_sites().all(|(_, entry)| matches!(entry.jump, Jump::Far { .. })));
    let plan = spoiled_images_are_refused(&workplace.guest("islands.S", include_str!("fixtures/islands.S"), &[]));
    assert!(plan.direct_sites().all(|(_, entry)| matches!(entry.jump, Jump::Island { .. })));
}

/// A call for which no register is free has its stub in text that nobody executes.
#[test]
fn of_stubs_in_unused_text() {
    let workplace = Workplace::new();
    let registers = (0..=6).map(|number| format!("t{number}")).chain((0..=11).map(|number| format!("s{number}")));
    let registers: Vec<String> = registers.collect();
    let set: String = registers.iter().map(|register| format!("li {register}, 2\n")).collect();
    let sum: String = registers.iter().map(|register| format!("add a0, a0, {register}\n")).collect();
    let source = format!(
        ".option norvc\n.text\n.skip 0x280000, 0xff\nfirst: ret\nnobody: .rept 256\n addi a0, a0, 1\n .endr\n ret\n.globl _start\n\
         _start: call first\n {set} li a7, 174\n ecall\n {sum} addi a0, a0, 4\n li a7, 93\n ecall\n.skip 0x280000, 0xff\n"
    );
    let app = workplace.guest("full.S", &source, &[]);
    // The stub counts as the kernel's, although it lies in the program.
    let [by_stub, by_trap] = ["direct", "trap"].map(|entry| {
        let (finished, stats) = workplace.stats(&["--entry", entry], &app, b"");
        assert_eq!(finished.status, 42, "{}", finished.stderr);
        stats["instructions"]["program"].as_u64().unwrap()
    });
    assert_eq!(by_stub, by_trap);
    let plan = spoiled_images_are_refused(&app);
    let (site, inside) = plan.direct_sites().find(|(_, entry)| plan.is_unused_text(entry.stub)).unwrap();
    assert_eq!(inside.jump, Jump::Near);

    // What the plan says of that text is checked, too.
    let examined = examine(std::fs::read(&app).unwrap()).unwrap();
    let built = build(&examined, plan.clone(), &KernelCache::none()).unwrap();
    let refused = |plan: &Plan| verify(&examined.app, plan, &built.image, Started::No).unwrap_err().to_string();
    let mut other = plan.clone();
    other.unused_text.push(zeroos::address::AddressRange::between(site, site.offset(4)).unwrap());
    assert!(refused(&other).contains("is in use"));
    other.unused_text = Vec::new();
    assert!(refused(&other).contains("was changed"));
}

/// What a program stops at, because it is no instruction, is no unused text, whatever lies before it.
#[test]
fn of_islands_behind_what_a_program_stops_at() {
    for before in ["", "nop"] {
        let source = format!(
            ".option norelax\n.option norvc\n.globl _start\n.text\n.skip 0x280000, 0xff\n.balign 8\nfirst: ret\n\
             stop: {before}\n.word 0\nnobody: .rept 64\n addi a0, a0, 1\n .endr\n ret\n\
             _start: call first\n li a7, 172\n auipc t0, 0\n ecall\n bnez a0, stop\n li a7, 93\n auipc t0, 0\n ecall\n\
             .skip 0x280000, 0xff\n"
        );
        let workplace = Workplace::new();
        let app = workplace.guest("stops.S", &source, &[]);
        workplace.zeroos(&["run", "--entry", "trap", &app]).exits(132);
        workplace.zeroos(&["run", "--entry", "direct", "--max-instructions", "100000", &app]).exits(132);
        let plan = spoiled_images_are_refused(&app);
        assert!(plan.direct_sites().all(|(_, entry)| matches!(entry.jump, Jump::Island { .. })));
    }
}

/// On a machine without atomic instructions: each replacement, each instruction of each stub, and what was filled.
#[test]
fn of_lowered_instructions() {
    let app = example("hello-rust/bin/ima-pie");
    let mut examined = examine(std::fs::read(app).unwrap()).unwrap();
    let request = BuildRequest { platform: Some("sp1".into()), ..BuildRequest::default() };
    let plan = plan(&mut examined, &request).unwrap();
    let built = build(&examined, plan, &KernelCache::none()).unwrap();
    let check = |image: &[u8]| verify(&examined.app, &built.plan, image, Started::No);
    check(&built.image).unwrap();
    let mut words: Vec<Address> = Vec::new();
    for (site, lowering) in built.plan.lowered_sites() {
        words.push(site);
        match &lowering.replacement {
            Replacement::InPlace(code) => words.extend((1..code.len()).map(|word| site.offset(4 * word as i64))),
            Replacement::Stub { stub, .. } => {
                words.extend((0..stub.size().0 / 4).map(|word| stub.start().offset(4 * word as i64)));
            }
        }
    }
    assert!(words.len() > 300, "{}", words.len());
    for word in words {
        let mut image = built.image.clone();
        // Another operation or destination.
        image[offset(&built.image, word)] ^= 1 << 7;
        assert!(check(&image).is_err(), "{word}");
    }
}
