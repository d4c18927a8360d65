# From machine mode, where the hart starts, into supervisor mode behind the page table that the builder laid out: it returns
# to its caller there. Kernel code is seen where it is, so nothing moves. Program and kernel share the mode and the table.

    .section .text.zeroos_supervisor, "ax", @progbits
    .globl zeroos_supervisor
zeroos_supervisor:
    # Without an entry that allows it, no other mode has memory (manual, "Physical Memory Protection"). This one allows all: what
    # is protected, the page table protects.
    li      t0, -1
    csrw    pmpaddr0, t0
    li      t1, 0x1f                    # NAPOT; read, write, execute
    csrw    pmpcfg0, t1
    csrw    medeleg, t0                 # every exception goes to stvec
    csrw    mcounteren, t0              # rdcycle, rdtime and rdinstret stay instructions
    csrw    mie, zero
    csrw    sie, zero
    li      t0, {{ satp }}              # Sv39
    csrw    satp, t0
    sfence.vma
    li      t0, 0x1800
    csrc    mstatus, t0
    li      t0, 0x0800                  # mstatus.MPP = supervisor mode
    csrs    mstatus, t0
    csrw    mepc, ra
    mret
