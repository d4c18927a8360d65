# The trap handler. The program's `ecall` arrives here with the number in a7 and the arguments in a0-a5; the program keeps
# every register but a0. While the program runs, mscratch holds the running thread, whose first field is its frame: xN at
# 8*N, pc at 0. Below the thread is its kernel stack, so sp is both. While the kernel runs, mscratch holds the program's sp.

    .section .text.zeroos_trap, "ax", @progbits
    .balign 4
    .globl zeroos_trap
zeroos_trap:
    csrrw   sp, mscratch, sp
    sd      ra, 8(sp)
    sd      t0, 40(sp)
    sd      t1, 48(sp)
    sd      t2, 56(sp)
    sd      a1, 88(sp)
    sd      a2, 96(sp)
    sd      a3, 104(sp)
    sd      a4, 112(sp)
    sd      a5, 120(sp)
    sd      a6, 128(sp)
    sd      a7, 136(sp)
    sd      t3, 224(sp)
    sd      t4, 232(sp)
    sd      t5, 240(sp)
    sd      t6, 248(sp)
    csrr    t0, mcause
    addi    t0, t0, -11                 # environment call from machine mode
    bnez    t0, zeroos_exception
    csrr    t0, mepc
    addi    t0, t0, 4                   # behind the ecall
    csrw    mepc, t0
    mv      a6, sp
    jal     zeroos_syscall              # a0: the result
    ld      ra, 8(sp)
    ld      t0, 40(sp)
    ld      t1, 48(sp)
    ld      t2, 56(sp)
    ld      a1, 88(sp)
    ld      a2, 96(sp)
    ld      a3, 104(sp)
    ld      a4, 112(sp)
    ld      a5, 120(sp)
    ld      a6, 128(sp)
    ld      a7, 136(sp)
    ld      t3, 224(sp)
    ld      t4, 232(sp)
    ld      t5, 240(sp)
    ld      t6, 248(sp)
    csrrw   sp, mscratch, sp
    mret

# The dispatcher: a jump to the function of call a7. Arguments, thread and return address are in place, so that it serves
# the call as if it had been called itself.
    .globl zeroos_syscall
zeroos_syscall:
    li      t0, 93
    bne     a7, t0, 1f
    j       zeroos_call_93
1:
    li      t0, 172
    bne     a7, t0, 1f
    j       zeroos_call_172
1:
zeroos_unknown_call:
    mv      a0, a7
    tail    zeroos_unsupported

# What is no ecall is final: the kernel says what happened and ends the run.
zeroos_exception:
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    la      sp, zeroos_stack_top
    call    zeroos_fault
