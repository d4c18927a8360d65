//! Operands worth trying, the random numbers behind the rest, and which operands each operation takes (written down
//! here once more: the machine's own table is what is being tested).

use zeroos::isa::Op;

/// xorshift64: the same numbers on every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

pub const INTEGERS: [u64; 24] = [
    0,
    1,
    2,
    3,
    u64::MAX,
    u64::MAX - 1,
    i64::MAX as u64,
    i64::MIN as u64,
    i64::MIN as u64 + 1,
    i32::MAX as u64,
    i32::MIN as u64,
    i32::MIN as i64 as u64,
    0xffff_ffff,
    1 << 32,
    (1 << 24) + 1,
    (1 << 53) + 1,
    (1 << 53) - 1,
    (1 << 54) + 2,
    (1 << 54) + 3,
    63,
    0x8080_0080_0000_7f80,
    0x0123_4567_89ab_cdef,
    0x5555_5555_5555_5555,
    0x0000_8000_0000_ff00,
];

pub const DOUBLES: [u64; 28] = [
    0,
    1 << 63,
    0x3ff0_0000_0000_0000, // 1
    0xbff0_0000_0000_0000,
    0x3ff0_0000_0000_0001,
    0x3fef_ffff_ffff_ffff,
    0x3fe0_0000_0000_0000, // 0.5
    0xbff8_0000_0000_0000, // -1.5
    0x4004_0000_0000_0000, // 2.5
    0x7ff0_0000_0000_0000, // infinities
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000, // NaNs: quiet, with payload, signalling
    0xfff8_0000_0000_1234,
    0x7ff0_0000_0000_0001,
    0xfff4_0000_0000_0000,
    0x0000_0000_0000_0001, // subnormals
    0x800f_ffff_ffff_ffff,
    0x0008_0000_0000_0000,
    0x0010_0000_0000_0000, // smallest normal
    0x8010_0000_0000_0001,
    0x7fef_ffff_ffff_ffff, // greatest
    0xffef_ffff_ffff_fffe,
    0x3ca0_0000_0000_0000, // 2^-53: half an ulp of 1
    0x41df_ffff_ffe0_0000, // 2^31 - 0.5
    0xc1e0_0000_0010_0000, // -2^31 - 0.5
    0x43e0_0000_0000_0000, // 2^63
    0x380f_ffff_f000_0000, // between the largest subnormal and the smallest normal single
    0x47ef_ffff_f000_0000, // halfway between the greatest single and 2^128
];

pub const SINGLES: [u32; 26] = [
    0,
    0x8000_0000,
    0x3f80_0000, // 1
    0xbf80_0000,
    0x3f80_0001,
    0x3f7f_ffff,
    0x3f00_0000, // 0.5
    0xbfc0_0000, // -1.5
    0x4020_0000, // 2.5
    0x7f80_0000, // infinities
    0xff80_0000,
    0x7fc0_0000, // NaNs: quiet, with payload, signalling
    0xffc0_0123,
    0x7f80_0001,
    0xffa0_0000,
    0x0000_0001, // subnormals
    0x807f_ffff,
    0x0040_0000,
    0x0080_0000, // smallest normal
    0x8080_0001,
    0x7f7f_ffff, // greatest
    0xff7f_fffe,
    0x3380_0000, // 2^-24: half an ulp of 1
    0x4f00_0000, // 2^31
    0xcf00_0001, // below -2^31
    0x5f00_0000, // 2^63
];

/// A NaN-boxed single.
pub fn boxed(single: u32) -> u64 {
    u64::from(single) | 0xffff_ffff_0000_0000
}

/// A double whose exponent is often at a border, and whose fraction often has long runs: products, sums and
/// quotients of these overflow, underflow, cancel and fall halfway.
pub fn random_double(random: &mut Random) -> u64 {
    let exponent = match random.below(8) {
        0 => random.below(3) as u64,
        1 => 2046 - random.below(3) as u64,
        2 => 512 + random.below(4) as u64 - 2,
        3 => 1534 + random.below(4) as u64,
        4 => random.below(2048) as u64,
        _ => 1023 + random.below(120) as u64 - 60,
    };
    (random.next() & 1) << 63 | exponent << 52 | fraction(random, 52)
}

/// As [`random_double`].
pub fn random_single(random: &mut Random) -> u32 {
    let exponent = match random.below(8) {
        0 => random.below(3) as u64,
        1 => 254 - random.below(3) as u64,
        2 => 62 + random.below(4) as u64,
        3 => 190 + random.below(4) as u64,
        4 => random.below(256) as u64,
        _ => 127 + random.below(60) as u64 - 30,
    };
    ((random.next() & 1) << 31 | exponent << 23 | fraction(random, 23)) as u32
}

fn fraction(random: &mut Random, bits: u32) -> u64 {
    let mask = (1 << bits) - 1;
    match random.below(4) {
        0 => random.next() & mask,
        1 => random.next() << random.below(bits as usize) & mask,
        2 => (1 << random.below(bits as usize)) - 1,
        _ => mask & !((1 << random.below(bits as usize)) - 1),
    }
}

/// The operands of an operation in assembly, in order: `d` an integer and `f` a floating-point destination, `x` and
/// `y` their sources, `i` a 12-bit immediate, `6` and `5` shift amounts, `u` a 20-bit immediate, `r` a rounding mode.
/// `None` for those that need a context of their own.
pub fn shape(op: Op) -> Option<&'static str> {
    use Op::*;
    Some(match op {
        Lui | Auipc => "du",
        Addi | Slti | Sltiu | Xori | Ori | Andi | Addiw => "dxi",
        Slli | Srli | Srai | SlliUw | Rori | Bclri | Bexti | Binvi | Bseti => "dx6",
        Slliw | Srliw | Sraiw | Roriw => "dx5",
        Add | Sub | Sll | Slt | Sltu | Xor | Srl | Sra | Or | And | Addw | Subw | Sllw | Srlw | Sraw => "dxx",
        Mul | Mulh | Mulhsu | Mulhu | Div | Divu | Rem | Remu | Mulw | Divw | Divuw | Remw | Remuw => "dxx",
        AddUw | Sh1add | Sh2add | Sh3add | Sh1addUw | Sh2addUw | Sh3addUw | Andn | Orn | Xnor => "dxx",
        Max | Maxu | Min | Minu | Rol | Rolw | Ror | Rorw | Bclr | Bext | Binv | Bset => "dxx",
        Clz | Clzw | Ctz | Ctzw | Cpop | Cpopw | SextB | SextH | ZextH | OrcB | Rev8 => "dx",
        FmaddS | FmsubS | FnmsubS | FnmaddS | FmaddD | FmsubD | FnmsubD | FnmaddD => "fyyyr",
        FaddS | FsubS | FmulS | FdivS | FaddD | FsubD | FmulD | FdivD => "fyyr",
        FsgnjS | FsgnjnS | FsgnjxS | FminS | FmaxS | FsgnjD | FsgnjnD | FsgnjxD | FminD | FmaxD => "fyy",
        FeqS | FltS | FleS | FeqD | FltD | FleD => "dyy",
        FsqrtS | FsqrtD | FcvtSD => "fyr",
        FcvtDS => "fy",
        FclassS | FclassD | FmvXW | FmvXD => "dy",
        FcvtWS | FcvtWuS | FcvtLS | FcvtLuS | FcvtWD | FcvtWuD | FcvtLD | FcvtLuD => "dyr",
        FcvtSW | FcvtSWu | FcvtSL | FcvtSLu | FcvtDL | FcvtDLu => "fxr",
        FcvtDW | FcvtDWu | FmvWX | FmvDX => "fx",
        _ => return None,
    })
}

/// Whether the operation's floating-point sources are singles.
pub fn reads_singles(op: Op) -> bool {
    op != Op::FcvtSD && (op < Op::Fld || op == Op::FcvtDS)
}
