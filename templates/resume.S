# The entry of an image that starts where a snapshot was taken: all registers are loaded, and the program makes the call
# before which it stood.

    .section .text.zeroos_resume, "ax", @progbits
    .balign 4
    .globl zeroos_resume
zeroos_resume:
{%- if supervisor %}
    call    zeroos_supervisor
{%- endif %}
    la      sp, zeroos_saved
{%- if csrs %}
    la      t0, zeroos_trap
    csrw    {{ p }}tvec, t0
    ld      t0, {{ continuation_offset }}(sp)
    csrw    {{ p }}scratch, t0                # the running thread
{%- if float %}
    li      t1, 0x6000                  # {{ p }}status.FS
    csrs    {{ p }}status, t1
    .option push
    .option arch, +d
{%- for register in float_registers %}
    fld     {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
    ld      t0, {{ fcsr_offset }}(sp)
    fscsr   t0
    .option pop
    csrc    {{ p }}status, t1
    ld      t0, {{ continues_at_offset }}(sp)
    csrs    {{ p }}status, t0                 # as it was: whether the registers are saved somewhere
{%- endif %}
    ld      t0, 0(sp)
    csrw    {{ p }}epc, t0
    li      t0, {{ previous_bits }}                  # {{ p }}status.{{ previous }} = {{ mode }} mode
    csrs    {{ p }}status, t0
{%- endif %}
{%- for register in callee_saved %}
    ld      {{ register.name }}, {{ register.offset }}(sp)
{%- endfor %}
{%- for register in caller_saved %}
{%- if csrs or register.name != "t6" %}
    ld      {{ register.name }}, {{ register.offset }}(sp)
{%- endif %}
{%- endfor %}
    ld      a0, 80(sp)
{%- if csrs %}
    ld      sp, 16(sp)
    {{ p }}ret
{%- else %}
    ld      t6, {{ continuation_offset }}(sp)
    jr      t6                          # loads t6 and sp, and makes the call
{%- endif %}
