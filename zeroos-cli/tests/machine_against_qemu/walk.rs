//! A random walk: thousands of instructions in random order over random registers, operands from the tables of edge
//! cases now and then, and all registers printed again and again.

use std::fmt::Write;

use zeroos::isa::Op;

use crate::operands::{DOUBLES, INTEGERS, Random, SINGLES, boxed, random_double, random_single, reads_singles, shape};

/// Instructions between two prints.
const STRETCH: usize = 60;
/// Registers that the walk does not write: sp holds the scratch memory, gp the place of the next print, tp the table.
const FIXED: [usize; 4] = [0, 2, 3, 4];
/// x5–x31, f0–f31, fcsr.
const PRINT: usize = 27 + 32 + 1;
const SCRATCH: usize = 256;

/// The program of about `length` random instructions.
pub fn source(seed: u64, length: usize) -> String {
    let mut random = Random::new(seed);
    let mut table: Vec<u64> = INTEGERS.into_iter().chain(DOUBLES).collect();
    table.extend(SINGLES.map(boxed));
    table.extend((0..64).map(|_| random_double(&mut random)));
    table.extend((0..64).map(|_| boxed(random_single(&mut random))));
    table.truncate(255);

    let mut text = String::from("    .globl _start\n_start:\n    la sp, scratch\n    la gp, out\n    la tp, table\n");
    for register in (1..32).filter(|register| !FIXED.contains(register)) {
        writeln!(text, "    ld x{register}, {}(tp)", random.below(table.len()) * 8).unwrap();
    }
    for register in 0..32 {
        writeln!(text, "    fld f{register}, {}(tp)", random.below(table.len()) * 8).unwrap();
    }
    writeln!(text, "    fscsr zero").unwrap();
    let operations: Vec<Op> = Op::all().filter(|op| !crate::MACHINE_MODE.contains(op)).collect();
    let mut prints = 0;
    for step in 0..length {
        let op = if step < operations.len() { operations[step] } else { random.pick(&operations) };
        if random.below(16) == 0 {
            writeln!(text, "    fsrmi {}\n    fsflagsi {}", random.below(5), random.pick(&[0, 0, 1, 31])).unwrap();
        }
        step_of(op, &mut random, table.len(), &mut text);
        if step % STRETCH == STRETCH - 1 || step == length - 1 {
            print(&mut text);
            prints += 1;
        }
    }
    text.push_str("    li a0, 1\n    la a1, out\n    sub a2, gp, a1\n    li a7, 64\n    ecall\n");
    text.push_str("    li a0, 0\n    li a7, 93\n    ecall\n    .data\n    .balign 8\ntable:\n");
    for value in table {
        writeln!(text, "    .dword {value:#x}").unwrap();
    }
    writeln!(text, "scratch: .space {SCRATCH}\n    .bss\nout: .space {}", prints * PRINT * 8).unwrap();
    text
}

/// Stores every register behind the last print.
fn print(text: &mut String) {
    for register in 5..32 {
        writeln!(text, "    sd x{register}, {}(gp)", (register - 5) * 8).unwrap();
    }
    for register in 0..32 {
        writeln!(text, "    fsd f{register}, {}(gp)", (27 + register) * 8).unwrap();
    }
    writeln!(text, "    csrr x5, fcsr\n    sd x5, {}(gp)\n    addi gp, gp, {}", (27 + 32) * 8, PRINT * 8).unwrap();
}

fn integer_source(random: &mut Random) -> String {
    format!("x{}", random.pick(&[0, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 25, 28, 30, 31]))
}

/// Any register but the fixed ones; x0 now and then.
fn integer_destination(random: &mut Random) -> String {
    let register = random.below(32);
    if random.below(24) == 0 { "x0".to_owned() } else { format!("x{}", if register < 5 { 1 } else { register }) }
}

fn float(random: &mut Random) -> String {
    format!("f{}", random.below(32))
}

/// One operation, and what it needs to be harmless.
fn step_of(op: Op, random: &mut Random, table_size: usize, text: &mut String) {
    let name = op.mnemonic();
    let mut source = || integer_source(random);
    let (a, b) = (source(), source());
    let d = integer_destination(random);
    let f = float(random);
    let immediate = random.below(4096) as i64 - 2048;
    let line = match op {
        _ if shape(op).is_some() => plain(op, random, table_size, text),
        Op::Jal => format!("{name} {d}, 1f\n    addi {d}, {d}, 1\n1:"),
        // A jump over a compressed or a full-size instruction; the link register holds an address, the same in both.
        Op::Jalr => format!("la x1, 1f\n    {name} x1, {}(x1)\n    addi x5, x5, 1\n1:", 0),
        Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu => {
            let b = if random.below(4) == 0 { a.clone() } else { b };
            format!("{name} {a}, {b}, 1f\n    xori x6, x6, {immediate}\n    addi x7, x7, 1\n1:")
        }
        Op::Lb | Op::Lh | Op::Lw | Op::Ld | Op::Lbu | Op::Lhu | Op::Lwu => {
            format!("{name} {d}, {}(sp)", random.below(SCRATCH - 8))
        }
        Op::Sb | Op::Sh | Op::Sw | Op::Sd => format!("{name} {a}, {}(sp)", random.below(SCRATCH - 8)),
        Op::Flw | Op::Fld => format!("{name} {f}, {}(sp)", random.below(SCRATCH - 8)),
        Op::Fsw | Op::Fsd => format!("{name} {f}, {}(sp)", random.below(SCRATCH - 8)),
        Op::Fence | Op::FenceI => name.to_owned(),
        Op::Ecall => "li x17, 64\n    li x10, 1\n    mv x11, sp\n    li x12, 0\n    ecall".to_owned(),
        Op::Csrrw | Op::Csrrs | Op::Csrrc => {
            // frm must stay valid, or the next operation that rounds is illegal.
            format!("{name} {d}, {}, {a}\n    fsrmi {}", random.pick(&["fflags", "frm", "fcsr"]), random.below(5))
        }
        Op::Csrrwi | Op::Csrrsi | Op::Csrrci => {
            let csr = random.pick(&["fflags", "frm", "fcsr"]);
            format!("{name} {d}, {csr}, {}\n    fsrmi {}", random.below(32), random.below(5))
        }
        _ => atomic(op, random, &a, &d),
    };
    writeln!(text, "    {line}").unwrap();
}

/// An operation without side effects, its sources loaded from the table first more often than not.
fn plain(op: Op, random: &mut Random, table_size: usize, text: &mut String) -> String {
    let mut operands = Vec::new();
    for kind in shape(op).unwrap_or_default().chars() {
        operands.push(match kind {
            'd' => integer_destination(random),
            'f' => float(random),
            'x' => {
                let register = random.pick(&[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 28]);
                if random.below(3) > 0 {
                    writeln!(text, "    ld x{register}, {}(tp)", random.below(table_size) * 8).unwrap();
                }
                if random.below(16) == 0 { "x0".to_owned() } else { format!("x{register}") }
            }
            'y' => {
                let register = float(random);
                let first_single = INTEGERS.len() + DOUBLES.len();
                let index = match random.below(3) {
                    0 => None,
                    1 if reads_singles(op) => Some(first_single + random.below(SINGLES.len())),
                    1 => Some(INTEGERS.len() + random.below(DOUBLES.len())),
                    _ => Some(INTEGERS.len() + random.below(table_size - INTEGERS.len())),
                };
                if let Some(index) = index {
                    writeln!(text, "    fld {register}, {}(tp)", index * 8).unwrap();
                }
                register
            }
            'i' => (random.below(4096) as i64 - 2048).to_string(),
            'u' => random.below(1 << 20).to_string(),
            '6' => random.below(64).to_string(),
            '5' => random.below(32).to_string(),
            _ => random.pick(&["rne", "rtz", "rdn", "rup", "rmm", "dyn", "dyn"]).to_owned(),
        });
    }
    if op == Op::Ctzw && operands[1] != "x0" {
        // QEMU before 8.0 counts into the upper word when the lower one is zero; a unit test covers that operand.
        writeln!(text, "    bseti {0}, {0}, 31", operands[1]).unwrap();
    }
    format!("{} {}", op.mnemonic(), operands.join(", "))
}

/// An atomic on an aligned place of the scratch memory, its address in x1.
fn atomic(op: Op, random: &mut Random, a: &str, d: &str) -> String {
    let name = op.mnemonic();
    let place = format!("addi x1, sp, {}", random.below(SCRATCH / 8) * 8);
    let ordering = random.pick(&["", ".aq", ".rl", ".aqrl"]);
    let a = if a == "x1" { "x9" } else { a };
    let d = if d == "x1" { "x9" } else { d };
    let width = name.rsplit('.').next().unwrap_or_default();
    match op {
        Op::LrW | Op::LrD => format!("{place}\n    {name}{ordering} {d}, (x1)"),
        // With a reservation, and without one.
        Op::ScW | Op::ScD if random.below(2) == 0 => {
            format!("{place}\n    lr.{width} x9, (x1)\n    {name}{ordering} {d}, {a}, (x1)")
        }
        Op::ScW | Op::ScD => format!("{place}\n    sc.{width} x0, x0, (sp)\n    {name}{ordering} {d}, {a}, (x1)"),
        _ => format!("{place}\n    {name}{ordering} {d}, {a}, (x1)"),
    }
}

/// Names the first print and register that differ.
pub fn compare(ours: &[u8], theirs: &[u8]) {
    assert_eq!(ours.len(), theirs.len(), "length of the output");
    for (index, (ours, theirs)) in ours.chunks_exact(8).zip(theirs.chunks_exact(8)).enumerate() {
        let register = match index % PRINT {
            register @ 0..27 => format!("x{}", register + 5),
            register @ 27..59 => format!("f{}", register - 27),
            _ => "fcsr".to_owned(),
        };
        let value = |bytes: &[u8]| format!("{:#018x}", u64::from_le_bytes(*bytes.first_chunk().unwrap()));
        assert_eq!(value(ours), value(theirs), "{register} in print {}", index / PRINT);
    }
}
