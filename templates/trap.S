# The trap handler. The program's `ecall` arrives here with the number in a7 and the arguments in a0-a5; the program keeps
# every register but a0. While the program runs, {{ p }}scratch holds the running thread, whose first field is its frame: xN at
# 8*N, pc at 0. Below the thread is its kernel stack, so sp is both. While the kernel runs, {{ p }}scratch holds the program's sp.

    .section .text.zeroos_trap, "ax", @progbits
    .balign 4
    .globl zeroos_trap
zeroos_trap:
{%- if traps %}
    csrrw   sp, {{ p }}scratch, sp
{%- for register in caller_saved %}
    sd      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
    csrr    t0, {{ p }}cause
    addi    t0, t0, -{{ environment_call }}{% if environment_call < 10 %} {% endif %}                 # environment call from {{ mode }} mode
    bnez    t0, zeroos_exception
    csrr    t0, {{ p }}epc
    addi    t0, t0, 4                   # behind the ecall
    csrw    {{ p }}epc, t0
    mv      a6, sp
    jal     zeroos_syscall              # a0: the result
{%- if whole_frames %}
    ld      t0, {{ leave_offset }}(sp)
{%- if direct %}
    li      t1, 0
{%- endif %}
    bnez    t0, .Lleave_otherwise
{%- endif %}
{%- for register in caller_saved %}
    ld      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
    csrrw   sp, {{ p }}scratch, sp
    {{ p }}ret
{%- elif csrs %}
    j       zeroos_exception            # no call arrives here
{%- endif %}

# The dispatcher: a jump to the function of call a7. Arguments, thread and return address are in place, so that it serves
# the call as if it had been called itself.
    .globl zeroos_syscall
zeroos_syscall:
{%- if compares %}
{%- for call in calls %}
    li      t0, {{ call.number }}
    bne     a7, t0, 1f
    j       {{ call.symbol }}
1:
{%- endfor %}
zeroos_unknown_call:
    mv      a0, a7
    tail    zeroos_unsupported
{%- else %}
    li      t0, {{ last_call }}
    bltu    t0, a7, zeroos_unknown_call
    slli    t0, a7, {% if wide %}3{% else %}2{% endif %}
1:  auipc   t1, %pcrel_hi(zeroos_calls)
    add     t0, t0, t1
    {% if wide %}ld {% else %}lwu{% endif %}     t0, %pcrel_lo(1b)(t0)
    jr      t0
zeroos_unknown_call:
    mv      a0, a7
    tail    zeroos_unsupported

    .section .rodata.zeroos_calls, "a", @progbits
    .balign 8
zeroos_calls:
{%- for symbol in call_table %}
    .{% if wide %}dword{% else %}word{% endif %}   {{ symbol }}
{%- endfor %}

    .section .text.zeroos_trap
{%- endif %}

{%- for call in quick %}

# From what asks for the most frequent case first to the general function: all registers but a0 are kept, so that stubs need
# not keep them.
    .globl {{ call.kept }}
{{ call.kept }}:
    addi    sp, sp, -256
{%- for register in caller_saved %}
    sd      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
    call    {{ call.general }}
{%- for register in caller_saved %}
    ld      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
    addi    sp, sp, 256
    ret
{%- endfor %}

{%- for call in whole %}

{%- if call.quick and csrs %}

# A call that makes a thread: first a function is asked that is quick, and gives it in a1, or 0 there. Of the new thread's frame what
# is in the hart is still missing. The slot of a0 is nobody's.
    .globl {{ call.entry }}
{{ call.entry }}:
{%- if float %}
    csrr    t0, {{ p }}status
    bltz    t0, .Lwhole_{{ call.general }}    # {{ p }}status.SD: floating point changed since it was saved or loaded
{%- endif %}
    sd      ra, 80(sp)
    sd      tp, 32(sp)
    jal     {{ call.quick[0] }}
    ld      ra, 80(sp)
    beqz    a1, 1f
    csrr    t0, {{ p }}epc                    # behind the call
    sd      t0, 0(a1)
{%- for register in callee_saved %}
{%- if register.name != "tp" %}
    sd      {{ register.name }}, {{ register.offset }}(a1)
{%- endif %}
{%- endfor %}
1:  ret

# From what asks first to the function below: all registers but a0 are kept, but a1 becomes 0. It must be jumped to with
# callee-saved registers as they were, as compilers do for a last call: then the stack is the thread, too.
    .globl {{ call.quick[1] }}
{{ call.quick[1] }}:
    bne     sp, a6, 2f
    addi    sp, sp, -256
{%- for register in caller_saved %}
    sd      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
    addi    sp, sp, 256                 # the thread: nothing interrupts
    csrr    t0, {{ p }}epc
    sd      t0, 0(sp)
    csrr    t0, {{ p }}scratch
    sd      t0, 16(sp)
{%- for register in callee_saved %}
    sd      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
    addi    sp, sp, -256
    call    {{ call.general }}
{%- for register in caller_saved %}
    ld      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
    addi    sp, sp, 256
    li      a1, 0
    ret
2:  ebreak
{%- else %}
    .globl {{ call.entry }}
{{ call.entry }}:
{%- endif %}
{%- if csrs %}
# To a function that reads the caller's whole frame: the registers that are not there yet are put there.
.Lwhole_{{ call.general }}:
    csrr    t0, {{ p }}epc                    # behind the call
    sd      t0, 0(sp)
    csrr    t0, {{ p }}scratch
    sd      t0, 16(sp)
{%- endif %}
{%- for register in callee_saved %}
    sd      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
{%- if float and csrs %}
    csrr    t0, {{ p }}status
    bgez    t0, 1f                      # {{ p }}status.SD: floating point changed since it was saved or loaded
    jal     t2, zeroos_save_float
1:
{%- endif %}
    tail    {{ call.general }}
{%- endfor %}

{% if csrs %}{% if traps and faults -%}
# What is no ecall may be a signal: the thread's frame is completed, its pc the instruction, and the kernel lets it go on in a
# handler or ends the run. If the kernel itself failed, what is saved here goes astray; the run ends all the same.
zeroos_exception:
    sd      a0, 80(sp)
    li      t0, {{ fault }}
    sd      t0, {{ leave_offset }}(sp)
{%- if direct %}
    li      t1, 0
{%- endif %}
    j       zeroos_leave_otherwise
{%- else -%}
# What is no ecall is final: the kernel says what happened and ends the run.
zeroos_exception:
    csrr    a0, {{ p }}cause
    csrr    a1, {{ p }}epc
    csrr    a2, {{ p }}tval
    la      sp, zeroos_stack_top
    call    zeroos_fault
{%- endif %}
{%- endif %}
{%- if whole_frames and csrs %}

{%- if float %}

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
{%- for register in float_registers %}
    fsd     {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
    frcsr   t0
    sd      t0, {{ fcsr_offset }}(sp)
    .option pop
    la      t0, zeroos_float_states
    ld      t1, 0(t0)
    addi    t1, t1, 1
    sd      t1, 0(t0)
    sd      t1, 8(t0)
    sd      t1, {{ float_state_offset }}(sp)
    li      t1, 0x2000
    csrc    {{ p }}status, t1                 # {{ p }}status.FS = clean
    jr      t2
{%- endif %}

# The call of the thread at sp, made right before {{ p }}epc, may not simply return: its frame is completed (t0 > 0), or was written
# whole (t0 = -1), or nobody reads it any more (t0 = -2); the kernel chooses a thread, and that one goes on. Caller-saved registers that may
# be read again, also to make the call once more, are in the frame already.
{%- if direct %} t1 is the end of the stub by which the call came: it loads
# those that are live, and goes back. For a trap it is 0.
{%- endif %}
    .globl zeroos_leave_otherwise
zeroos_leave_otherwise:
.Lleave_otherwise:                      # near: a branch reaches it
    bltz    t0, 1f
{%- if direct %}
    sd      t1, {{ continuation_offset }}(sp)
{%- endif %}
    csrr    t0, {{ p }}epc                    # behind the call
    sd      t0, 0(sp)
    csrr    t0, {{ p }}scratch
    sd      t0, 16(sp)
{%- for register in callee_saved %}
    sd      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
{%- if float %}
    csrr    t0, {{ p }}status
    bgez    t0, zeroos_choose           # {{ p }}status.SD: floating point changed since it was saved or loaded
    jal     t2, zeroos_save_float
    j       zeroos_choose
{%- endif %}
{%- if direct or float %}
{%- if not float %}
    j       zeroos_choose
{%- endif %}
1:
{%- if direct %}
    sd      zero, {{ continuation_offset }}(sp)
{%- endif %}
{%- if float %}
    addi    t0, t0, 1
    bnez    t0, 2f
    la      t2, zeroos_float_states
    ld      t1, 0(t2)
    addi    t1, t1, 1                   # a new state
    sd      t1, 0(t2)
    sd      t1, {{ float_state_offset }}(sp)    # which only the frame has
    j       zeroos_choose
2:  csrr    t0, {{ p }}status
    bgez    t0, zeroos_choose
    la      t2, zeroos_float_states
    ld      t1, 0(t2)
    addi    t1, t1, 1
    sd      t1, 0(t2)
    sd      t1, 8(t2)                   # what the hart has is nobody's
{%- endif %}
{%- else %}
1:
{%- endif %}
zeroos_choose:
    mv      a0, sp
    jal     zeroos_leave                # a0: the thread that goes on
zeroos_go_on:
    mv      sp, a0
{%- if float %}
    la      t0, zeroos_float_states
    ld      t1, 8(t0)
    ld      t2, {{ float_state_offset }}(sp)
    beq     t1, t2, 1f
    sd      t2, 8(t0)
    .option push
    .option arch, +d
{%- for register in float_registers %}
    fld     {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
    ld      t0, {{ fcsr_offset }}(sp)
    fscsr   t0
    .option pop
    li      t0, 0x2000
    csrc    {{ p }}status, t0                 # {{ p }}status.FS = clean
1:
{%- endif %}
{%- for register in callee_saved %}
    ld      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
{%- if direct %}
    ld      t0, {{ continuation_offset }}(sp)
    beqz    t0, 1f
    ld      t1, 16(sp)
    csrw    {{ p }}scratch, t1
    jr      t0
1:  li      t0, {{ previous_bits }}                  # {{ p }}status.{{ previous }} = {{ mode }} mode: no trap has set it
    csrs    {{ p }}status, t0
{%- endif %}
    csrw    {{ p }}scratch, sp
    ld      t0, 0(sp)
    csrw    {{ p }}epc, t0
{%- for register in caller_saved %}
    ld      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
    ld      a0, 80(sp)
    ld      sp, 16(sp)
    {{ p }}ret
{%- for call in turns %}

# From a stub whose call hands the hart to another thread most of the time, with its end in t1 and the place of the call in
# the frame: the frame is completed first. The call takes no arguments.
    .globl {{ call.turn }}
{{ call.turn }}:
    sd      t1, {{ continuation_offset }}(sp)
    csrr    t0, {{ p }}scratch
    sd      t0, 16(sp)
{%- for register in callee_saved %}
    sd      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
{%- if float %}
    csrr    t0, {{ p }}status
    bgez    t0, 1f                      # as above
    jal     t2, zeroos_save_float
1:
{%- endif %}
    mv      a0, sp
    jal     {{ call.choose }}       # a0: the thread that goes on, or 0
    bnez    a0, zeroos_go_on
    ld      t0, 0(sp)
    csrw    {{ p }}epc, t0
    mv      a6, sp
    jal     {{ call.general }}
    ld      t0, {{ leave_offset }}(sp)
    bnez    t0, zeroos_choose
    sd      a0, 80(sp)
    mv      a0, sp
    j       zeroos_go_on
{%- endfor %}
{%- endif %}
{%- if signals and csrs %}

# Signal handlers return here. Unwinders know a signal frame by these two instructions.
    .globl zeroos_signal_return
zeroos_signal_return:
    li      a7, 139                     # rt_sigreturn
{%- if traps %}
    ecall
{%- else %}
    csrrw   sp, {{ p }}scratch, sp
    mv      a6, sp
    call    zeroos_call_139
    ld      t0, {{ leave_offset }}(sp)
    j       zeroos_leave_otherwise
{%- endif %}
{%- endif %}
