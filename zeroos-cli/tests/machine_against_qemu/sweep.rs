//! Every floating-point operation over pairs and triples of edge cases and over random operands, in all five rounding
//! modes, with the inexact flag clear and set before (the machine takes different ways then).

use std::fmt::Write;

use zeroos::isa::Op;

use crate::operands::{DOUBLES, INTEGERS, Random, SINGLES, boxed, random_double, random_single, reads_singles, shape};

const MODES: usize = 5;
/// Bytes of a result: the destination and the flags.
const RECORD: usize = 9;
const RANDOM_TRIPLES: usize = 10_000;

pub struct Sweep {
    singles: Vec<[u64; 3]>,
    doubles: Vec<[u64; 3]>,
    integers: Vec<[u64; 3]>,
    operations: Vec<Op>,
}

impl Sweep {
    pub fn new(seed: u64) -> Sweep {
        let mut random = Random::new(seed);
        let mut singles = triples(&SINGLES.map(boxed));
        let mut doubles = triples(&DOUBLES);
        let mut integers: Vec<[u64; 3]> = INTEGERS.iter().map(|&value| [value, 0, 0]).collect();
        // Not boxed: reads as a NaN wherever the value matters.
        singles.extend([[0x3f80_0000, boxed(0x3f80_0000), 0], [boxed(0x3f80_0000), 0xffff_fffe_3f80_0000, 0]]);
        for _ in 0..RANDOM_TRIPLES {
            singles.push([(); 3].map(|()| boxed(random_single(&mut random))));
            doubles.push([(); 3].map(|()| random_double(&mut random)));
            let shift = random.below(64);
            integers.push([random.next() >> shift, 0, 0]);
        }
        // Sums and fused products that nearly cancel.
        for index in 0..RANDOM_TRIPLES / 5 {
            let [a, b, _] = doubles[doubles.len() - 1 - index];
            let product = (f64::from_bits(a) * f64::from_bits(b)).to_bits() ^ 1 << 63;
            doubles.push([a, b, product.wrapping_add(random.next() % 3)]);
            doubles.push([a, a ^ 1 << 63 ^ (random.next() % 4), 0]);
            let [a, b, _] = singles[singles.len() - 1 - index].map(|bits| bits as u32);
            let product = (f32::from_bits(a) * f32::from_bits(b)).to_bits() ^ 1 << 31;
            singles.push([boxed(a), boxed(b), boxed(product.wrapping_add(random.below(3) as u32))]);
        }
        let operations = Op::all().filter(|&op| op >= Op::Flw && op < Op::AddUw && shape(op).is_some()).collect();
        Sweep { singles, doubles, integers, operations }
    }

    fn operands(&self, op: Op) -> (&'static str, &[[u64; 3]]) {
        match shape(op) {
            Some(shape) if shape.contains('x') => ("integers", &self.integers),
            _ if reads_singles(op) => ("singles", &self.singles),
            _ => ("doubles", &self.doubles),
        }
    }

    /// The program: for each operation a loop over its operands that writes a record for each mode.
    pub fn source(&self) -> String {
        let mut text = String::from("    .globl _start\n_start:\n");
        for &op in &self.operations {
            let (table, _) = self.operands(op);
            let shape = shape(op).unwrap();
            let mut sources = shape[1..].chars().filter(|kind| *kind != 'r').enumerate();
            let sources: Vec<String> = sources
                .by_ref()
                .map(|(index, kind)| if kind == 'x' { format!("t{index}") } else { format!("ft{index}") })
                .collect();
            let (destination, store) = if shape.starts_with('d') { ("t3", "sd") } else { ("ft3", "fsd") };
            let name = op.mnemonic();
            writeln!(text, "    la s0, {table}\n    la s1, {table}_end\n    la s2, out").unwrap();
            writeln!(text, "1:  fld ft0, 0(s0)\n    fld ft1, 8(s0)\n    fld ft2, 16(s0)\n    ld t0, 0(s0)").unwrap();
            for mode in 0..MODES {
                // The flags before alternate between none and all with operand and mode.
                writeln!(text, "    fsrmi {mode}\n    srli t4, s0, 3\n    addi t4, t4, {mode}").unwrap();
                writeln!(text, "    andi t4, t4, 1\n    fsflags t4").unwrap();
                writeln!(text, "    {name} {destination}, {}", sources.join(", ")).unwrap();
                let offset = mode * RECORD;
                writeln!(text, "    frflags t4\n    {store} {destination}, {offset}(s2)").unwrap();
                writeln!(text, "    sb t4, {}(s2)", offset + 8).unwrap();
            }
            writeln!(text, "    addi s2, s2, {}\n    addi s0, s0, 24\n    bne s0, s1, 1b", MODES * RECORD).unwrap();
            text.push_str("    li a0, 1\n    la a1, out\n    sub a2, s2, a1\n    li a7, 64\n    ecall\n");
        }
        text.push_str("    li a0, 0\n    li a7, 93\n    ecall\n    .data\n    .balign 8\n");
        for (name, table) in [("singles", &self.singles), ("doubles", &self.doubles), ("integers", &self.integers)] {
            writeln!(text, "{name}:").unwrap();
            for [a, b, c] in table {
                writeln!(text, "    .dword {a:#x}, {b:#x}, {c:#x}").unwrap();
            }
            writeln!(text, "{name}_end:").unwrap();
        }
        let most = self.singles.len().max(self.doubles.len()).max(self.integers.len());
        writeln!(text, "    .bss\nout: .space {}", most * MODES * RECORD).unwrap();
        text
    }

    /// Names the first operation, operands and mode whose records differ.
    pub fn compare(&self, ours: &[u8], theirs: &[u8]) {
        assert_eq!(ours.len(), theirs.len(), "length of the output");
        let mut records = ours.chunks_exact(RECORD).zip(theirs.chunks_exact(RECORD));
        for &op in &self.operations {
            for operands in self.operands(op).1 {
                for mode in 0..MODES {
                    let (ours, theirs) = records.next().unwrap();
                    let show = |record: &[u8]| {
                        let value = u64::from_le_bytes(*record.first_chunk().unwrap());
                        format!("{value:#018x} flags {:#07b}", record[8])
                    };
                    let case = || format!("{} of {operands:#018x?} in mode {mode}", op.mnemonic());
                    assert_eq!(show(ours), show(theirs), "{}", case());
                }
            }
        }
        assert!(records.next().is_none());
    }
}

/// All pairs, and all triples of a part.
fn triples(values: &[u64]) -> Vec<[u64; 3]> {
    let mut triples = Vec::new();
    for &a in values {
        triples.extend(values.iter().map(|&b| [a, b, b]));
    }
    let some: Vec<u64> = values.iter().copied().step_by(2).collect();
    for &a in &some {
        for &b in &some {
            triples.extend(some.iter().map(|&c| [a, b, c]));
        }
    }
    triples
}
