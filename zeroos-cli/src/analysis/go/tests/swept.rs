//! What sweeping functions finds of random code, against exploring all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{CODE, DATA, FLAVOURS, FUNCTIONS, TEXT, TEXT_SIZE, elf, program, put};
use crate::analysis::recover_and_see;
use crate::analysis::result::{Analysis, Evidence, Site};
use crate::elf::AppElf;

/// Instructions that make something of addresses and numbers, compressed ones among them.
const WORDS: [u32; 26] = [
    0x0ac0_0893, // li a7, 172
    0x0ae0_0893, // li a7, 174
    0x0005_0893, // mv a7, a0
    0x0ad0_0513, // li a0, 173
    0x0181_3883, // ld a7, 24(sp)
    0x00a1_3c23, // sd a0, 24(sp)
    0xfe01_0113, // addi sp, sp, -32
    0x0011_3023, // sd ra, 0(sp)
    0x0001_3083, // ld ra, 0(sp)
    0x0010_0073, // ebreak
    0x0002_80e7, // jalr t0
    0x0002_8067, // jr t0
    0x0002_b283, // ld t0, 0(t0)
    0x0002_b883, // ld a7, 0(t0)
    0x0112_b023, // sd a7, 0(t0)
    0x00a2_b023, // sd a0, 0(t0)
    0x0052_b023, // sd t0, 0(t0)
    0x0002_8313, // mv t1, t0
    0x00a2_8333, // add t1, t0, a0
    0x0003_3883, // ld a7, 0(t1)
    0x0003_3283, // ld t0, 0(t1)
    0x00a3_3027, // fsd fa0, 0(t1)
    0x0000_8513, // mv a0, ra
    0x0001_0001, // c.nop; c.nop
    0x852a_8082, // c.ret; c.mv a0, a0
    0x0ac0_0293, // li t0, 172
];

/// More find no more: 300,000 of them were tried.
const PROGRAMS: usize = 4000;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// A displacement from `at` to somewhere in code: mostly to a whole word of the same function or to a function.
    fn displacement(&mut self, at: u64) -> u32 {
        let target = match self.below(8) {
            0 => TEXT + 2 * self.below(TEXT_SIZE / 2),
            1..=3 => TEXT + FUNCTIONS[self.below(3) as usize],
            _ => (at & !0x3f) + 4 * self.below(16),
        };
        target.wrapping_sub(at) as u32
    }

    /// One or two instructions for `at`.
    fn instructions(&mut self, at: u64) -> Vec<u32> {
        let offset = self.displacement(at);
        let branch =
            (offset >> 12 & 1) << 31 | (offset >> 5 & 0x3f) << 25 | (offset >> 1 & 0xf) << 8 | (offset >> 11 & 1) << 7;
        let jump =
            (offset >> 20 & 1) << 31 | (offset >> 1 & 0x3ff) << 21 | (offset >> 11 & 1) << 20 | (offset & 0xf_f000);
        let place = if self.below(3) == 0 { u64::from(offset) + at } else { DATA + 0x700 + 8 * self.below(4) };
        let distance = place.wrapping_sub(at) as u32;
        let upper = distance.wrapping_add(0x800) & 0xffff_f000 | 0x297; // auipc t0
        let low = distance << 20;
        match self.below(20) {
            0 | 1 => vec![0x0005_0063 | branch], // beqz a0
            2 => vec![0x0000_006f | jump],       // j
            3..=8 => vec![0x0000_00ef | jump],   // jal ra
            9 => vec![upper, 0x0002_8293 | low], // addi t0, t0
            10 | 11 => {
                let uses = [0x0002_80e7, 0x0002_8067, 0x0002_b283, 0x0002_b883, 0x0002_8293]; // jalr, jr, ld t0, ld a7, addi
                vec![upper, uses[self.below(5) as usize] | low]
            }
            12 => vec![upper],
            13 | 14 => vec![0x0000_0893 | (self.below(500) as u32) << 20, 0x0000_0073], // li a7; ecall
            15 => vec![0x0181_3883, 0x0000_0073],                                       // ld a7, 24(sp); ecall
            16 => vec![0x0005_0893, 0x0000_0073],                                       // mv a7, a0; ecall
            _ => vec![WORDS[self.below(WORDS.len() as u64) as usize]],
        }
    }

    /// A program of three functions and a few words of data.
    fn program(&mut self) -> Vec<u8> {
        let mut data = program(FLAVOURS[4]);
        data[0x500..0x550].fill(0);
        for word in 0..4 {
            // No place inside a function: Go's compiler keeps none in data, and where code was seen it counts as a number.
            let values = [0, 172, TEXT + FUNCTIONS[1], TEXT + FUNCTIONS[2], DATA + 0x700];
            let value = values[self.below(5) as usize];
            put(&mut data, 0x700 + 8 * word, &value.to_le_bytes());
        }
        let mut bytes = elf(&data);
        let ends = [FUNCTIONS[1], FUNCTIONS[2], TEXT_SIZE];
        for (start, end) in FUNCTIONS.into_iter().zip(ends) {
            let mut at = start;
            while at < end {
                for word in self.instructions(TEXT + at) {
                    if at < end {
                        put(&mut bytes, (0x1000 + TEXT - CODE + at) as usize, &word.to_le_bytes());
                    }
                    at += 4;
                }
            }
            put(&mut bytes, (0x1000 + TEXT - CODE + end) as usize - 4, &0x0000_8067u32.to_le_bytes()); // ret
            // Padding.
            if self.below(4) == 0 {
                let padding = 2 * self.below(6) as usize;
                put(&mut bytes, (0x1000 + TEXT - CODE + end) as usize - padding, &vec![0; padding]);
            }
        }
        bytes
    }
}

/// The numbers of the sites that can be reached; `None` for any.
fn numbers(analysis: &Analysis) -> BTreeMap<u64, Option<Vec<u64>>> {
    let reachable = analysis.sites.iter().filter(|site| site.reachable);
    let numbers = |site: &Site| site.evidence.numbers().map(|all| all.iter().map(|each| each.0).collect());
    reachable.map(|site| (site.address.0, numbers(site))).collect()
}

/// The sites to which no value gets although control does, as far as exploring can tell: sweeping may find both.
fn without_value(analysis: &Analysis) -> BTreeSet<u64> {
    let is_one =
        |site: &&Site| matches!(&site.evidence, Evidence::Unbounded { why } if why.contains("no value was found"));
    analysis.sites.iter().filter(is_one).map(|site| site.address.0).collect()
}

#[test]
fn nothing_that_exploring_finds_is_missing_where_functions_are_swept() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut found, mut swept, mut same) = (0, 0, 0);
    for case in 0..PROGRAMS {
        let bytes = random.program();
        let file = AppElf::parse(bytes).unwrap();
        let [by_sweeping, by_exploring] = [true, false].map(|sweeps| recover_and_see(&file, sweeps));
        let [less, more] = [&by_exploring.0, &by_sweeping.0].map(numbers);
        let without_value = without_value(&by_exploring.0);
        let is_whole = less.iter().all(|(site, numbers)| match (numbers, more.get(site)) {
            (_, Some(None)) => true,
            (None, Some(_)) if without_value.contains(site) => true,
            (Some(numbers), Some(Some(known))) => numbers.iter().all(|number| known.contains(number)),
            (None, Some(Some(_))) | (_, None) => false,
        });
        assert!(is_whole, "program {case}: explored {less:?}, swept {more:?}");
        found += less.len();
        swept += by_sweeping.1;
        same += usize::from(less == more);
    }
    let is_enough = found > PROGRAMS && swept > PROGRAMS / 8 && same > 3 * PROGRAMS / 4;
    assert!(is_enough, "{found} sites, {swept} functions swept, {same} programs the same: too little was tested");
}
