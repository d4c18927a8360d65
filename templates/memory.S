# Copying and filling, which the compiler calls by these names: many words a turn, wherever both ends lie so; half words where both
# lie at those; never a misaligned access, which not every machine allows.

    .section .text.memcpy, "ax", @progbits
    .globl memcpy
memcpy:                                 # a0: to, stays; a1: from; a2: bytes
    mv      a3, a0
    add     a2, a2, a3                  # from here on: where the last byte ends, compared by sign: what is empty may lie at 1
    or      a4, a0, a1
    andi    a4, a4, 7
    bnez    a4, 7f
zeroos_copy_words:                      # both at words
    addi    a6, a2, -128
    blt     a6, a3, 3f
2:  ld      a4, 0(a1)
    ld      a5, 8(a1)
    sd      a4, 0(a3)
    sd      a5, 8(a3)
    ld      a4, 16(a1)
    ld      a5, 24(a1)
    sd      a4, 16(a3)
    sd      a5, 24(a3)
    ld      a4, 32(a1)
    ld      a5, 40(a1)
    sd      a4, 32(a3)
    sd      a5, 40(a3)
    ld      a4, 48(a1)
    ld      a5, 56(a1)
    sd      a4, 48(a3)
    sd      a5, 56(a3)
    ld      a4, 64(a1)
    ld      a5, 72(a1)
    sd      a4, 64(a3)
    sd      a5, 72(a3)
    ld      a4, 80(a1)
    ld      a5, 88(a1)
    sd      a4, 80(a3)
    sd      a5, 88(a3)
    ld      a4, 96(a1)
    ld      a5, 104(a1)
    sd      a4, 96(a3)
    sd      a5, 104(a3)
    ld      a4, 112(a1)
    ld      a5, 120(a1)
    sd      a4, 112(a3)
    sd      a5, 120(a3)
    addi    a1, a1, 128
    addi    a3, a3, 128
    bge     a6, a3, 2b
3:  addi    a6, a2, -64
    blt     a6, a3, 3f
    ld      a4, 0(a1)
    ld      a5, 8(a1)
    sd      a4, 0(a3)
    sd      a5, 8(a3)
    ld      a4, 16(a1)
    ld      a5, 24(a1)
    sd      a4, 16(a3)
    sd      a5, 24(a3)
    ld      a4, 32(a1)
    ld      a5, 40(a1)
    sd      a4, 32(a3)
    sd      a5, 40(a3)
    ld      a4, 48(a1)
    ld      a5, 56(a1)
    sd      a4, 48(a3)
    sd      a5, 56(a3)
    addi    a1, a1, 64
    addi    a3, a3, 64
    bne     a3, a2, 3f
    ret
3:  addi    a6, a2, -8
    blt     a6, a3, 5f
4:  ld      a4, 0(a1)
    sd      a4, 0(a3)
    addi    a1, a1, 8
    addi    a3, a3, 8
    bge     a6, a3, 4b
5:  beq     a3, a2, 9f
6:  lbu     a4, 0(a1)                   # the rest
    sb      a4, 0(a3)
    addi    a1, a1, 1
    addi    a3, a3, 1
    bne     a3, a2, 6b
    ret
7:  addi    a4, a2, -16                 # not both at words
    blt     a4, a3, 5b
8:  andi    a4, a3, 7                   # bytes, until the place to write to is a word
    beqz    a4, 1f
    lbu     a4, 0(a1)
    sb      a4, 0(a3)
    addi    a1, a1, 1
    addi    a3, a3, 1
    j       8b
1:  andi    a4, a1, 7
    beqz    a4, zeroos_copy_words
    addi    a5, a4, -4
    beqz    a5, 2f
    slli    a5, a4, 3                   # each word to write is put together from two that are read
    neg     a6, a5
    sub     a1, a1, a4
    ld      t0, 0(a1)
    addi    a7, a2, -16
    blt     a7, a3, 4f
3:  ld      t1, 8(a1)
    srl     t0, t0, a5
    sll     t2, t1, a6
    or      t2, t2, t0
    sd      t2, 0(a3)
    ld      t0, 16(a1)
    srl     t1, t1, a5
    sll     t2, t0, a6
    or      t2, t2, t1
    sd      t2, 8(a3)
    addi    a1, a1, 16
    addi    a3, a3, 16
    bge     a7, a3, 3b
4:  addi    a7, a2, -8
    blt     a7, a3, 5f
    ld      t1, 8(a1)
    srl     t0, t0, a5
    sll     t2, t1, a6
    or      t2, t2, t0
    sd      t2, 0(a3)
    addi    a1, a1, 8
    addi    a3, a3, 8
5:  add     a1, a1, a4
    bne     a3, a2, 6b
9:  ret
2:  addi    a6, a2, -64                 # the place to read from is half a word further
    blt     a6, a3, 4f
3:  lw      a4, 0(a1)
    lw      a5, 4(a1)
    sw      a4, 0(a3)
    sw      a5, 4(a3)
    lw      a4, 8(a1)
    lw      a5, 12(a1)
    sw      a4, 8(a3)
    sw      a5, 12(a3)
    lw      a4, 16(a1)
    lw      a5, 20(a1)
    sw      a4, 16(a3)
    sw      a5, 20(a3)
    lw      a4, 24(a1)
    lw      a5, 28(a1)
    sw      a4, 24(a3)
    sw      a5, 28(a3)
    lw      a4, 32(a1)
    lw      a5, 36(a1)
    sw      a4, 32(a3)
    sw      a5, 36(a3)
    lw      a4, 40(a1)
    lw      a5, 44(a1)
    sw      a4, 40(a3)
    sw      a5, 44(a3)
    lw      a4, 48(a1)
    lw      a5, 52(a1)
    sw      a4, 48(a3)
    sw      a5, 52(a3)
    lw      a4, 56(a1)
    lw      a5, 60(a1)
    sw      a4, 56(a3)
    sw      a5, 60(a3)
    addi    a1, a1, 64
    addi    a3, a3, 64
    bge     a6, a3, 3b
4:  addi    a6, a2, -4
    blt     a6, a3, 7f
5:  lw      a4, 0(a1)
    sw      a4, 0(a3)
    addi    a1, a1, 4
    addi    a3, a3, 4
    bge     a6, a3, 5b
7:  bne     a3, a2, 6b
    ret

    .section .text.memmove, "ax", @progbits
    .globl memmove
memmove:                                # as memcpy; the two may overlap
    sub     a3, a0, a1
    bgeu    a3, a2, 4f                  # nothing is written before it is read, going upwards
    add     a3, a0, a2                  # downwards, from the ends
    add     a1, a1, a2
    or      a4, a3, a1
    andi    a4, a4, 7
    bnez    a4, 2f
    addi    a2, a2, -8
    bltz    a2, 6f
5:  ld      a4, -8(a1)
    sd      a4, -8(a3)
    addi    a1, a1, -8
    addi    a3, a3, -8
    addi    a2, a2, -8
    bgez    a2, 5b
6:  addi    a2, a2, 8
2:  beqz    a2, 3f
1:  lbu     a4, -1(a1)
    sb      a4, -1(a3)
    addi    a1, a1, -1
    addi    a3, a3, -1
    addi    a2, a2, -1
    bnez    a2, 1b
3:  ret
4:  tail    memcpy

    .section .text.memset, "ax", @progbits
    .globl memset
memset:                                 # a0: where, stays; a1: the byte; a2: how often
    mv      a3, a0
    sltiu   a4, a2, 16
    bnez    a4, 6f
1:  andi    a4, a3, 7
    beqz    a4, 2f
    sb      a1, 0(a3)
    addi    a3, a3, 1
    addi    a2, a2, -1
    j       1b
2:  andi    a1, a1, 255
    beqz    a1, 3f
    slli    a4, a1, 8
    or      a1, a1, a4
    slli    a4, a1, 16
    or      a1, a1, a4
    slli    a4, a1, 32
    or      a1, a1, a4
3:  addi    a2, a2, -64
    bltz    a2, 5f
4:  sd      a1, 0(a3)
    sd      a1, 8(a3)
    sd      a1, 16(a3)
    sd      a1, 24(a3)
    sd      a1, 32(a3)
    sd      a1, 40(a3)
    sd      a1, 48(a3)
    sd      a1, 56(a3)
    addi    a3, a3, 64
    addi    a2, a2, -64
    bgez    a2, 4b
5:  addi    a2, a2, 56
    bltz    a2, 7f
8:  sd      a1, 0(a3)
    addi    a3, a3, 8
    addi    a2, a2, -8
    bgez    a2, 8b
7:  addi    a2, a2, 8
6:  beqz    a2, 2f
1:  sb      a1, 0(a3)
    addi    a3, a3, 1
    addi    a2, a2, -1
    bnez    a2, 1b
2:  ret
