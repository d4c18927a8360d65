# Leaving the kernel otherwise than by returning from a call, on a machine without CSRs. No instruction there loads all
# registers and jumps, so the last step is made by code that belongs to the place where the thread goes on: its
# continuation, which loads t6 and sp and jumps directly.

# The call of the thread at sp may not simply return: its frame, which has pc and sp already, is completed (t0 > 0),
# or was written whole, or nobody reads it any more; the kernel chooses a thread, and that one's whole frame is loaded. Caller-saved registers that may
# be read again, also to make the call once more, are in the frame already.
    .section .text.zeroos_leave, "ax", @progbits
    .balign 4
    .globl zeroos_leave_otherwise
zeroos_leave_otherwise:
    bltz    t0, 1f
    ld      t1, 0(sp)
    sd      t1, {{ continues_at_offset }}(sp)
{%- for register in callee_saved %}
    sd      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
1:  mv      a0, sp
    call    zeroos_leave                # a0: the thread that goes on
    mv      sp, a0
{%- if threads %}
    la      t0, zeroos_running
    sd      sp, 0(t0)
{%- endif %}
    ld      t0, 0(sp)
    ld      t1, {{ continues_at_offset }}(sp)
    beq     t0, t1, 1f
    mv      a0, sp
    call    zeroos_find_continuation
1:
{%- for register in callee_saved %}
    ld      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
{%- for register in caller_saved %}
{%- if register.name != "t6" %}
    ld      {{ register.name }}, {{ register.offset }}(sp)
{%- endif %}
{%- endfor %}
    ld      a0, 80(sp)
    ld      t6, {{ continuation_offset }}(sp)
    beqz    t6, 1f
    jr      t6
1:  ld      t6, 0(sp)                   # the start of a function: t6 is free
    ld      sp, 16(sp)
    jr      t6
{%- if signals %}

# Signal handlers return here. Unwinders know a signal frame by its first two instructions, of which the second is not made.
    .globl zeroos_signal_return
zeroos_signal_return:
    li      a7, 139                     # rt_sigreturn
{%- if threads %}
    la      t0, zeroos_running
    ld      t0, 0(t0)
{%- else %}
    la      t0, zeroos_stack_top
{%- endif %}
    sd      sp, 16(t0)
    mv      sp, t0
    mv      a6, sp
    call    zeroos_call_139
    ld      t0, {{ leave_offset }}(sp)
    j       zeroos_leave_otherwise
{%- endif %}
