//! The built-in machine from below: traps, control registers, counting and devices, what it lacks where it stands for a
//! smaller one, and hosts, by programs that run on it bare.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod bare;
mod hosts;
mod limits;
#[path = "../machine_against_qemu/toolchain.rs"]
#[allow(dead_code)] // the comparison with QEMU uses all of it
mod toolchain;

use bare::{Bare, FINISHER, PASS, UART, pass};
use toolchain::range;
use zeroos::address::Address;
use zeroos::machine::{CapturedConsole, Ending, HtifAddresses, Machine, MachineConfig, Observer, Trap};

/// The causes and values of the traps that `instructions` raise one after another, each at its own label `at`.
fn traps(setup: &str, instructions: &[&str]) -> Vec<(u64, u64)> {
    let mut source = format!("    la s10, records\n    la t0, handler\n    csrw mtvec, t0\n{setup}\n");
    for (index, instruction) in instructions.iter().enumerate() {
        source += &format!("    la s11, after{index}\nat{index}: {instruction}\nafter{index}:\n");
    }
    source += PASS;
    source +=
        "    .balign 4\nhandler:\n    csrr t5, mcause\n    sd t5, 0(s10)\n    csrr t5, mtval\n    sd t5, 8(s10)\n";
    source += "    csrr t5, mepc\n    sd t5, 16(s10)\n    addi s10, s10, 24\n    csrw mepc, s11\n    mret\n";
    source += "    .bss\nrecords: .space 4096\n";
    let mut bare = Bare::load(&source, "", Some(100_000));
    assert_eq!(bare.run(), Ending::Exited { status: 0 });
    (0..instructions.len())
        .map(|index| {
            let record = 3 * index as u64;
            if bare.word("records", record) != 1 {
                assert_eq!(bare.word("records", record + 2), bare.address(&format!("at{index}")), "mepc of {index}");
            }
            (bare.word("records", record), bare.word("records", record + 1))
        })
        .collect()
}

#[test]
fn memory_faults_report_the_address() {
    let setup = "    li a0, 0x1001\n    la a1, records\n    addi a1, a1, 1";
    let cases = ["ld a2, 7(a0)", "sb a2, 0(a0)", "amoadd.d a2, a2, (a1)", "lr.w a2, (a1)", "sc.w a2, a2, (a1)"];
    let found = traps(setup, &cases);
    assert_eq!(found[..2], [(5, 0x1008), (7, 0x1001)]);
    let causes: Vec<u64> = found[2..].iter().map(|trap| trap.0).collect();
    assert_eq!(causes, [6, 4, 6], "misaligned atomics");
    assert!(found[2..].iter().all(|trap| trap.1 % 4 == 1));
    assert_eq!(traps("    li a0, 0x2000", &["jr a0"]), [(1, 0x2000)]);
    // The second half of a 4-byte instruction lies behind the RAM's end.
    let across = "    li a0, 0x8002fffe\n    li a1, 3\n    sh a1, 0(a0)";
    assert_eq!(traps(across, &["jr a0"]), [(1, 0x8003_0000)]);
}

#[test]
fn illegal_instructions_report_their_bits() {
    let csrw_cycle = 0xc000_1073; // csrw cycle, zero: read-only
    let sret = 0x1020_0073;
    let cases = [".word 0xffffffff", ".short 0", ".word 0xc0001073", ".word 0x10200073", "csrr a0, 0x180"];
    assert_eq!(traps("", &cases), [(2, 0xffff_ffff), (2, 0), (2, csrw_cycle), (2, sret), (2, 0x1800_2573)]);
}

#[test]
fn floating_point_is_illegal_while_switched_off_or_without_a_rounding_mode() {
    let off = traps("", &["fadd.d fa0, fa0, fa0", "csrr a0, fflags", "fld fa0, 0(sp)"]);
    assert!(off.iter().all(|trap| trap.0 == 2), "{off:?}");
    let on = "    li a0, 1 << 13\n    csrs mstatus, a0\n    csrwi frm, 5\n    fadd.d fa0, fa0, fa0, rne";
    let dynamic = traps(on, &["fadd.d fa0, fa0, fa0", "fcvt.w.d a0, fa0, dyn"]);
    assert!(dynamic.iter().all(|trap| trap.0 == 2), "{dynamic:?}");
}

#[test]
fn environment_calls_and_breakpoints() {
    let found = traps("", &["ecall", "ebreak"]);
    assert_eq!((found[0], found[1].0), ((11, 0), 3));
    assert!(found[1].1 >= 0x8000_0000, "mtval of a breakpoint is its address");
}

#[test]
fn a_trap_in_the_trap_handlers_first_instruction_ends_the_run() {
    let mut bare = Bare::load("    li t0, 0x3000\n    csrw mtvec, t0\nbad: .word 0xffffffff\n", "", None);
    let pc = Address(bare.address("bad"));
    let first = Trap { pc, cause: 2, value: 0xffff_ffff };
    let second = Trap { pc: Address(0x3000), cause: 1, value: 0x3000 };
    assert_eq!(bare.run(), Ending::TrapLoop { first, second });
    assert_eq!(first.to_string(), format!("illegal instruction at {pc} (value 0xffffffff)"));
}

#[test]
fn the_instruction_limit_is_exact_and_stops_between_instructions() {
    let mut bare = Bare::load("1:  addi s0, s0, 1\n    j 1b\n", "", Some(1001));
    assert_eq!(bare.run(), Ending::InstructionLimit);
    assert_eq!((bare.counts().total, bare.machine.x(8)), (1001, 501));
    assert_eq!(bare.run(), Ending::InstructionLimit);
    assert_eq!(bare.counts().total, 1001);
}

#[test]
fn interrupt_enable_moves_through_traps_and_counters_leave_trapping_instructions_out() {
    let bare = pass(
        "    la t0, handler
    csrw mtvec, t0
    csrsi mstatus, 8
    csrr s2, minstret
    csrr s3, mcycle
    ecall
    csrr s4, minstret
    csrr s5, mcycle
    csrr s6, mstatus
    csrwi minstret, 7
    csrr s8, instret
    j 1f
    .balign 4
handler:
    csrr s7, mstatus
    csrr t0, mepc
    addi t0, t0, 4
    csrw mepc, t0
    mret
1:",
        "",
    );
    let x = |register| bare.machine.x(register);
    assert_eq!((x(23) & 0x88, x(22) & 0x88), (0x80, 0x88), "MIE and MPIE in the handler and after it");
    // Between the reads of minstret: itself, the read of mcycle and five in the handler; the ecall did not retire.
    assert_eq!((x(20) - x(18), x(21) - x(19)), (7, 8));
    assert_eq!(x(24), 7, "a written counter is not incremented by the write");
}

#[test]
fn stale_code_is_dropped_by_fence_i() {
    let bare = pass(
        "    la t0, patched
    li t1, 2
again:
    addi t1, t1, -1
patched:
    addi s0, s0, 1
    beqz t1, 1f
    lw t2, new
    sw t2, 0(t0)
    fence.i
    j again
    .balign 4
new: .option push
    .option norvc
    addi s0, s0, 100
    .option pop
1:"
        .replace("addi s0, s0, 1\n", ".word 0x00140413\n")
        .as_str(),
        "",
    );
    assert_eq!(bare.machine.x(8), 101);
}

#[test]
fn results_for_x0_vanish_and_ctzw_of_zero_is_32() {
    let bare = pass("    li t1, 5\n    add zero, t1, t1\n    lui zero, 5\n    jal zero, 1f\n1:  mv s0, zero", "");
    assert_eq!((bare.machine.x(0), bare.machine.x(8)), (0, 0));
    let bare = pass("    li t1, 1 << 52\n    ctzw s0, t1\n    clzw s1, t1\n    wfi", "");
    assert_eq!((bare.machine.x(8), bare.machine.x(9)), (32, 32));
}

#[derive(Default)]
struct Log(Vec<String>);

impl Observer for Log {
    fn syscall_entered(&mut self, pc: Address, number: u64, x: &[u64; 32]) {
        let arguments = &x[10..16];
        self.0.push(format!("{:#x} {number} {arguments:?}", pc.0 & 0xfff));
    }

    fn syscall_left(&mut self, x: &[u64; 32], resumed_behind_site: bool) {
        let a0 = x[10];
        self.0.push(format!("-> {a0} {resumed_behind_site}"));
    }
}

#[test]
fn instructions_are_counted_by_side_and_by_call() {
    let source = "    la t0, handler
    csrw mtvec, t0
    j program
    .balign 4
handler:
    csrr t0, mepc
    addi t0, t0, 4
    csrw mepc, t0
    li t1, 94
    beq a7, t1, leave
    li t2, 7
    bne a7, t2, 1f
    nop
1:  mv a0, a7
    mret
leave:
    li t0, 0x100000
    li t1, 0x73333
    sw t1, 0(t0)
    .balign 4096
    .space 100
program:
    li a7, 5
    ecall
    li a7, 7
    ecall
    ecall
    li a7, 94
    ecall
program_end:
    nop";
    let mut bare = Bare::load(source, "", Some(1000));
    let mut log = Log::default();
    assert_eq!(bare.machine.run(&mut bare.console, &mut log), Ending::Exited { status: 7 });
    let counts = bare.counts();
    // la is two instructions; `li t1, 0x73333` and `li t0, 0x100000` are two and one.
    assert_eq!((counts.boot, counts.program), (4, 7));
    let costs: Vec<_> = counts
        .syscalls
        .iter()
        .map(|(number, cost)| (*number, cost.calls(), cost.min(), cost.median(), cost.max()))
        .collect();
    assert_eq!(costs, [(5, 1, 9, 9, 9), (7, 2, 10, 10, 10), (94, 1, 9, 9, 9)]);
    assert_eq!(counts.kernel, 4 + 9 + 20 + 9);
    assert_eq!(counts.total, counts.program + counts.kernel);
    assert_eq!(log.0[..2], ["0x66 5 [0, 0, 0, 0, 0, 0]", "-> 5 true"]);
    assert_eq!(log.0.len(), 7, "{:?}", log.0);
}

/// A jump from program code to a stub is a call at the site that the stub stands for; a jump elsewhere is none.
#[test]
fn a_call_without_a_trap_is_counted_and_observed_as_one() {
    let source = "    j program
elsewhere:
    j program_goes_on
stub:
    nop
    li a0, 3
    j behind
    .balign 4096
program:
    j elsewhere
program_goes_on:
    li a5, 9
site:
    j stub
behind:
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
program_end:
    nop";
    let mut bare = Bare::load(source, "", Some(1000));
    let mut log = Log::default();
    assert_eq!(bare.machine.run(&mut bare.console, &mut log), Ending::Exited { status: 0 });
    let counts = bare.counts();
    assert_eq!((counts.boot, counts.kernel), (1, 1 + 1 + 3));
    let costs: Vec<_> = counts.syscalls.iter().map(|(number, cost)| (*number, cost.calls(), cost.total())).collect();
    assert_eq!(costs, [(178, 1, 3)]);
    assert_eq!(log.0.len(), 2, "{:?}", log.0);
    assert!(log.0[0].ends_with("178 [0, 0, 0, 0, 0, 9]") && log.0[1] == "-> 3 true", "{:?}", log.0);
}

#[test]
fn the_uart_carries_bytes_and_ends_with_eot() {
    let bare = pass(
        "    li s0, 0x10000000
1:  lbu t0, 5(s0)
    andi t1, t0, 1
    beqz t1, 2f
    lbu t0, 0(s0)
    sb t0, 0(s0)
    j 1b
2:  lbu s1, 0(s0)
    li t0, 0x83
    sb t0, 3(s0)
    sb t0, 0(s0)",
        "hi\n",
    );
    assert_eq!(bare.console.output, b"hi\n\x04", "and the divisor latch is not the transmitter");
    assert_eq!(bare.machine.x(9), 0);
}

const HTIF_WORDS: &str = "\n    .data\n    .balign 8\ntohost: .dword 0\nfromhost: .dword 0\nblock: .space 64\ntext: .ascii \"words\"\n    .bss\nbuffer: .space 64\n";

#[test]
fn the_htif_writes_reads_and_exits() {
    let call = "    la t0, block\n    sd a7, 0(t0)\n    sd a0, 8(t0)\n    sd a1, 16(t0)\n    sd a2, 24(t0)
    la t1, tohost\n    sd t0, 0(t1)\n    ld s2, 0(t1)\n    ld s3, 8(t1)\n    sd zero, 8(t1)\n    ld a0, 0(t0)\n";
    let source = format!(
        "    li a7, 64\n    li a0, 2\n    la a1, text\n    li a2, 5\n{call}    mv s0, a0
    li a7, 63\n    li a0, 0\n    la a1, buffer\n    li a2, 64\n{call}    mv s1, a0
    li a7, 64\n    li a0, 1\n    la a1, buffer\n    mv a2, s1\n{call}
    li a7, 64\n    li a0, 1\n    li a1, 64\n    li a2, 5\n{call}    mv s4, a0
    li t0, 0x101\n    slli t0, t0, 48\n    addi t0, t0, 33\n    sd t0, 0(t1)
    li t0, 1\n    slli t0, t0, 56\n    sd t0, 0(t1)\n    ld s5, 8(t1)
    li t0, 85\n    sd t0, 0(t1)\n{HTIF_WORDS}"
    );
    let mut bare = Bare::load(&source, "from the host", Some(1000));
    assert_eq!(bare.run(), Ending::Exited { status: 42 });
    assert_eq!(bare.console.error, b"words");
    assert_eq!(bare.console.output, b"from the host!");
    let x = |register| bare.machine.x(register);
    assert_eq!((x(8), x(9), x(20) as i64), (5, 13, -14), "results; a bad address is EFAULT");
    assert_eq!((x(18), x(19)), (0, 1), "tohost is cleared, fromhost answers");
    assert_eq!(x(21) & 0xffff, 0x104, "the console's end of input");
}

#[test]
fn the_finisher_gives_the_status() {
    let mut bare = Bare::load(
        "    li t0, 0x100000\n    li t1, 0x7777\n    sw t1, 0(t0)\n    li t1, 0x803333\n    sw t1, 0(t0)",
        "",
        Some(100),
    );
    assert_eq!(bare.run(), Ending::Exited { status: 0x80 });
}

/// Whatever a guest does, the machine goes on or stops with an ending: debug builds check every overflow and index.
#[test]
fn random_code_never_panics() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut total = 0;
    for round in 0..400 {
        let ram = vec![range(0x8000_0000, 0x3000), range(0x8000_3000, 0x801), range(0x9000_0003, 0x1001)];
        let htif = HtifAddresses { tohost: Address(0x8000_0100), fromhost: Address(0x8000_0108) };
        let mut machine = Machine::new(&MachineConfig {
            ram,
            entry: Address(0x8000_0000 + random() % 0x2000),
            htif: Some(htif),
            uart: Some(Address(UART)),
            test_finisher: Some(Address(FINISHER)),
            program: vec![range(0x8000_0fff, 0x802), range(0x9000_0000, 0x100)],
            max_instructions: Some(20_000),
            ..MachineConfig::default()
        })
        .unwrap();
        // Half of the rounds: whole words of major opcodes, so that most of them are instructions.
        let word = |bits: u64| if round % 2 == 0 { bits as u32 } else { bits as u32 & 0x01ff_ff9f | 3 };
        let code: Vec<u8> = (0..0xa00).flat_map(|_| word(random() >> 7).to_le_bytes()).collect();
        assert!(machine.load(Address(0x8000_0000), &code) && machine.load(Address(0x9000_0003), &code[..0x1001]));
        for register in 1..32 {
            let near = [0x8000_0000, 0x8000_0100, 0x8000_3000, 0x9000_0003, UART, FINISHER, u64::MAX - 8, 0];
            machine.set_x(register, near[random() as usize % near.len()].wrapping_add(random() % 32));
        }
        // Traps lead back into the code.
        let setup = [0x3050_9073_u32, 0x3001_1073, 0x0001_8067]; // csrw mtvec, ra; csrw mstatus, sp; jr gp
        let setup: Vec<u8> = setup.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert!(machine.load(Address(0x8000_2800), &setup));
        machine.set_x(1, 0x8000_0000 + random() % 0x2000);
        machine.set_x(2, 0x6000);
        machine.set_x(3, machine.pc().0);
        machine.set_pc(Address(0x8000_2800));
        machine.run(&mut CapturedConsole::default(), &mut ());
        total += machine.counts().total;
    }
    assert!(total > 100_000, "the rounds end too early to show anything: {total}");
}
