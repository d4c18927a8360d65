# The bootloader: from reset to the program's first instruction. The machine arrives in machine mode with interrupts off
# and memory zero; segments, initial stack and files lie where the builder put them.

    .section .text.start, "ax", @progbits
    .globl _start
_start:
{%- if supervisor %}
    call    zeroos_supervisor
{%- endif %}
    la      sp, zeroos_stack_top        # the first thread, on top of its kernel stack
{%- if csrs %}
    csrw    {{ p }}scratch, sp                # while the program runs, {{ p }}scratch is its thread
    la      t0, zeroos_trap
    csrw    {{ p }}tvec, t0                   # 4-aligned: direct mode
{%- endif %}
{%- if float %}
    li      t0, 0x2000                  # {{ p }}status.FS = initial: floating point traps until it is on
    csrs    {{ p }}status, t0
{%- endif %}
    call    zeroos_boot                 # a0: the program's entry, a1: its stack pointer
    mv      sp, a1
    mv      t0, a0
    li      a0, 0                       # psABI: a function to register with atexit; none
    jr      t0
