//! Bare programs for SP1, and where their pieces go.

#![allow(dead_code, reason = "each test file uses some of it")]

use sha2::{Digest, Sha256};
use zeroos_engine_testing::{Bench, Layout};

/// Where SP1 lets segments be.
pub const LAYOUT: Layout = Layout { text: 0x7800_0000, text_readable: true, rodata: 0x7810_0000, data: 0x7820_0000 };

/// Numbers of host calls.
const NUMBERS: &str = "
    .equ HALT, 0x00
    .equ WRITE, 0x02
    .equ COMMIT, 0x10
    .equ COMMIT_DEFERRED, 0x1a
    .equ HINT_LEN, 0xf0
    .equ HINT_READ, 0xf1
";

/// The end of a program: `succeed` commits the digest at `digest` and halts with 0.
const ENDING: &str = "
    succeed:
        la s0, digest;  li s1, 8;  li a0, 0
    1:  lwu a1, 0(s0);  li t0, COMMIT;  ecall
        addi s0, s0, 4;  addi a0, a0, 1;  bne a0, s1, 1b
        li a0, 0;  li a1, 0
    2:  li t0, COMMIT_DEFERRED;  ecall
        addi a0, a0, 1;  bne a0, s1, 2b
        li a0, 0
    exit:
        li t0, HALT;  ecall
    wrong:
        li a0, 1;  j exit
";

const COPY: &str = "
    _start:
        li t0, HINT_LEN;  ecall
        mv s2, t0;  li s3, 32;  bltu s2, s3, wrong
        li a0, 0x100000;  mv a1, s2;  li t0, HINT_READ;  ecall
        la t1, digest;  li t2, 4
    1:  ld t3, 0(a0);  sd t3, 0(t1);  addi a0, a0, 8;  addi t1, t1, 8;  addi t2, t2, -1;  bnez t2, 1b
        mv a1, a0;  sub a2, s2, s3;  li a0, 13;  li t0, WRITE;  ecall
        j succeed
    .bss
    .balign 8
    digest: .skip 32
    .text
";

/// The input for [`copy`] that makes `public` public.
pub fn copy_input(public: &[u8]) -> Vec<u8> {
    [&Sha256::digest(public)[..], public].concat()
}

/// A whole program that has no public output; `body` falls through to success.
pub fn silent(body: &str) -> String {
    let digest = Sha256::digest(b"").iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    format!("{NUMBERS}{body}\n j succeed\n{ENDING}\n .section .rodata\n .balign 4\n digest: .byte {digest}\n")
}

/// Makes public what stands in its private input behind 32 bytes, which have to be the digest of that. So the program need not
/// compute one, and may be made to commit a wrong one.
pub fn copy() -> String {
    format!("{NUMBERS}{COPY}\n{ENDING}")
}

/// A bench for the engine.
pub fn bench() -> Bench {
    Bench::new(env!("CARGO_BIN_EXE_zeroos-engine-sp1"), LAYOUT)
}
