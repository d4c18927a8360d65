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
    ld      t0, 536(sp)
    bnez    t0, .Lleave_otherwise
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
    li      t0, 98
    bne     a7, t0, 1f
    j       zeroos_call_98
1:
    li      t0, 220
    bne     a7, t0, 1f
    j       zeroos_call_220
1:
zeroos_unknown_call:
    mv      a0, a7
    tail    zeroos_unsupported

# From what asks for the most frequent case first to the general function: all registers but a0 are kept, so that stubs need
# not keep them.
    .globl zeroos_kept_93
zeroos_kept_93:
    addi    sp, sp, -256
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
    call    zeroos_general_93
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
    addi    sp, sp, 256
    ret

# From what asks for the most frequent case first to the general function: all registers but a0 are kept, so that stubs need
# not keep them.
    .globl zeroos_kept_98
zeroos_kept_98:
    addi    sp, sp, -256
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
    call    zeroos_general_98
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
    addi    sp, sp, 256
    ret

# A call that makes a thread: first a function is asked that is quick, and gives it in a1, or 0 there. Of the new thread's frame what
# is in the hart is still missing. The slot of a0 is nobody's.
    .globl zeroos_call_220
zeroos_call_220:
    csrr    t0, mstatus
    bltz    t0, .Lwhole_zeroos_general_220    # mstatus.SD: floating point changed since it was saved or loaded
    sd      ra, 80(sp)
    sd      tp, 32(sp)
    jal     zeroos_quick_220
    ld      ra, 80(sp)
    beqz    a1, 1f
    csrr    t0, mepc                    # behind the call
    sd      t0, 0(a1)
    sd      gp, 24(a1)
    sd      s0, 64(a1)
    sd      s1, 72(a1)
    sd      s2, 144(a1)
    sd      s3, 152(a1)
    sd      s4, 160(a1)
    sd      s5, 168(a1)
    sd      s6, 176(a1)
    sd      s7, 184(a1)
    sd      s8, 192(a1)
    sd      s9, 200(a1)
    sd      s10, 208(a1)
    sd      s11, 216(a1)
1:  ret

# From what asks first to the function below: all registers but a0 are kept, but a1 becomes 0. It must be jumped to with
# callee-saved registers as they were, as compilers do for a last call: then the stack is the thread, too.
    .globl zeroos_kept_220
zeroos_kept_220:
    bne     sp, a6, 2f
    addi    sp, sp, -256
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
    addi    sp, sp, 256                 # the thread: nothing interrupts
    csrr    t0, mepc
    sd      t0, 0(sp)
    csrr    t0, mscratch
    sd      t0, 16(sp)
    sd      gp, 24(sp)
    sd      tp, 32(sp)
    sd      s0, 64(sp)
    sd      s1, 72(sp)
    sd      s2, 144(sp)
    sd      s3, 152(sp)
    sd      s4, 160(sp)
    sd      s5, 168(sp)
    sd      s6, 176(sp)
    sd      s7, 184(sp)
    sd      s8, 192(sp)
    sd      s9, 200(sp)
    sd      s10, 208(sp)
    sd      s11, 216(sp)
    addi    sp, sp, -256
    call    zeroos_general_220
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
    addi    sp, sp, 256
    li      a1, 0
    ret
2:  ebreak
# To a function that reads the caller's whole frame: the registers that are not there yet are put there.
.Lwhole_zeroos_general_220:
    csrr    t0, mepc                    # behind the call
    sd      t0, 0(sp)
    csrr    t0, mscratch
    sd      t0, 16(sp)
    sd      gp, 24(sp)
    sd      tp, 32(sp)
    sd      s0, 64(sp)
    sd      s1, 72(sp)
    sd      s2, 144(sp)
    sd      s3, 152(sp)
    sd      s4, 160(sp)
    sd      s5, 168(sp)
    sd      s6, 176(sp)
    sd      s7, 184(sp)
    sd      s8, 192(sp)
    sd      s9, 200(sp)
    sd      s10, 208(sp)
    sd      s11, 216(sp)
    csrr    t0, mstatus
    bgez    t0, 1f                      # mstatus.SD: floating point changed since it was saved or loaded
    jal     t2, zeroos_save_float
1:
    tail    zeroos_general_220

# What is no ecall is final: the kernel says what happened and ends the run.
zeroos_exception:
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    la      sp, zeroos_stack_top
    call    zeroos_fault

# The last name given to a floating-point state, and the name of the one in the hart, unless it was changed since.
    .section .bss.zeroos_float_states, "aw", @nobits
    .balign 8
zeroos_float_states:
    .zero   16
    .section .text.zeroos_trap

# Saves the floating-point registers to the frame at sp: a new state, which is also the hart's. Returns to t2.
zeroos_save_float:
    .option push
    .option arch, +d
    fsd     f0, 256(sp)
    fsd     f1, 264(sp)
    fsd     f2, 272(sp)
    fsd     f3, 280(sp)
    fsd     f4, 288(sp)
    fsd     f5, 296(sp)
    fsd     f6, 304(sp)
    fsd     f7, 312(sp)
    fsd     f8, 320(sp)
    fsd     f9, 328(sp)
    fsd     f10, 336(sp)
    fsd     f11, 344(sp)
    fsd     f12, 352(sp)
    fsd     f13, 360(sp)
    fsd     f14, 368(sp)
    fsd     f15, 376(sp)
    fsd     f16, 384(sp)
    fsd     f17, 392(sp)
    fsd     f18, 400(sp)
    fsd     f19, 408(sp)
    fsd     f20, 416(sp)
    fsd     f21, 424(sp)
    fsd     f22, 432(sp)
    fsd     f23, 440(sp)
    fsd     f24, 448(sp)
    fsd     f25, 456(sp)
    fsd     f26, 464(sp)
    fsd     f27, 472(sp)
    fsd     f28, 480(sp)
    fsd     f29, 488(sp)
    fsd     f30, 496(sp)
    fsd     f31, 504(sp)
    frcsr   t0
    sd      t0, 512(sp)
    .option pop
    la      t0, zeroos_float_states
    ld      t1, 0(t0)
    addi    t1, t1, 1
    sd      t1, 0(t0)
    sd      t1, 8(t0)
    sd      t1, 544(sp)
    li      t1, 0x2000
    csrc    mstatus, t1                 # mstatus.FS = clean
    jr      t2

# The call of the thread at sp, made right before mepc, may not simply return: its frame is completed (t0 > 0), or was written
# whole (t0 = -1), or nobody reads it any more (t0 = -2); the kernel chooses a thread, and that one goes on. Caller-saved registers that may
# be read again, also to make the call once more, are in the frame already.
    .globl zeroos_leave_otherwise
zeroos_leave_otherwise:
.Lleave_otherwise:                      # near: a branch reaches it
    bltz    t0, 1f
    csrr    t0, mepc                    # behind the call
    sd      t0, 0(sp)
    csrr    t0, mscratch
    sd      t0, 16(sp)
    sd      gp, 24(sp)
    sd      tp, 32(sp)
    sd      s0, 64(sp)
    sd      s1, 72(sp)
    sd      s2, 144(sp)
    sd      s3, 152(sp)
    sd      s4, 160(sp)
    sd      s5, 168(sp)
    sd      s6, 176(sp)
    sd      s7, 184(sp)
    sd      s8, 192(sp)
    sd      s9, 200(sp)
    sd      s10, 208(sp)
    sd      s11, 216(sp)
    csrr    t0, mstatus
    bgez    t0, zeroos_choose           # mstatus.SD: floating point changed since it was saved or loaded
    jal     t2, zeroos_save_float
    j       zeroos_choose
1:
    addi    t0, t0, 1
    bnez    t0, 2f
    la      t2, zeroos_float_states
    ld      t1, 0(t2)
    addi    t1, t1, 1                   # a new state
    sd      t1, 0(t2)
    sd      t1, 544(sp)    # which only the frame has
    j       zeroos_choose
2:  csrr    t0, mstatus
    bgez    t0, zeroos_choose
    la      t2, zeroos_float_states
    ld      t1, 0(t2)
    addi    t1, t1, 1
    sd      t1, 0(t2)
    sd      t1, 8(t2)                   # what the hart has is nobody's
zeroos_choose:
    mv      a0, sp
    jal     zeroos_leave                # a0: the thread that goes on
zeroos_go_on:
    mv      sp, a0
    la      t0, zeroos_float_states
    ld      t1, 8(t0)
    ld      t2, 544(sp)
    beq     t1, t2, 1f
    sd      t2, 8(t0)
    .option push
    .option arch, +d
    fld     f0, 256(sp)
    fld     f1, 264(sp)
    fld     f2, 272(sp)
    fld     f3, 280(sp)
    fld     f4, 288(sp)
    fld     f5, 296(sp)
    fld     f6, 304(sp)
    fld     f7, 312(sp)
    fld     f8, 320(sp)
    fld     f9, 328(sp)
    fld     f10, 336(sp)
    fld     f11, 344(sp)
    fld     f12, 352(sp)
    fld     f13, 360(sp)
    fld     f14, 368(sp)
    fld     f15, 376(sp)
    fld     f16, 384(sp)
    fld     f17, 392(sp)
    fld     f18, 400(sp)
    fld     f19, 408(sp)
    fld     f20, 416(sp)
    fld     f21, 424(sp)
    fld     f22, 432(sp)
    fld     f23, 440(sp)
    fld     f24, 448(sp)
    fld     f25, 456(sp)
    fld     f26, 464(sp)
    fld     f27, 472(sp)
    fld     f28, 480(sp)
    fld     f29, 488(sp)
    fld     f30, 496(sp)
    fld     f31, 504(sp)
    ld      t0, 512(sp)
    fscsr   t0
    .option pop
    li      t0, 0x2000
    csrc    mstatus, t0                 # mstatus.FS = clean
1:
    ld      gp, 24(sp)
    ld      tp, 32(sp)
    ld      s0, 64(sp)
    ld      s1, 72(sp)
    ld      s2, 144(sp)
    ld      s3, 152(sp)
    ld      s4, 160(sp)
    ld      s5, 168(sp)
    ld      s6, 176(sp)
    ld      s7, 184(sp)
    ld      s8, 192(sp)
    ld      s9, 200(sp)
    ld      s10, 208(sp)
    ld      s11, 216(sp)
    csrw    mscratch, sp
    ld      t0, 0(sp)
    csrw    mepc, t0
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
    ld      a0, 80(sp)
    ld      sp, 16(sp)
    mret
