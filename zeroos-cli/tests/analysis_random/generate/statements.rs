//! The statements of a random function.

use super::*;

impl Generator {
    pub(super) fn statement(&mut self) {
        let deep = self.depth > 3;
        match self.random.below(23) {
            0 | 1 => {
                let register = self.any_register();
                self.set_number(register);
            }
            2..=4 => self.slot(),
            5 | 6 => self.copy(),
            7 if !self.habits.has(Habits::TAME) && self.random.one_in(3) => self.arithmetic(),
            8..=11 => self.system_call(),
            12 | 13 if !deep => self.condition(),
            14 if !deep && self.loops < 3 => self.repeat(),
            15 | 16 => {
                let callee = self.random.below(self.functions.len());
                self.guarded_call(callee);
            }
            17 if !deep => self.switch(),
            18 => self.global(),
            19 => self.pointer(),
            20 => self.array(),
            21 => self.call_through_table(),
            22 if self.habits.has(Habits::POINTERS) => self.pointer(),
            _ => self.code.half(0x0001), // c.nop: what follows may lie at an odd halfword
        }
    }

    fn slot(&mut self) {
        let (load, store) = self.random.pick(&WIDTHS);
        let mut offset = SLOTS + 8 * self.random.below(SLOT_COUNT) as i32;
        if self.habits.has(Habits::ARGUMENTS) && self.random.one_in(4) {
            offset = 0; // the outgoing argument
        }
        let mut base = SP;
        if self.frame_pointer && self.random.one_in(2) {
            (base, offset) = (FRAME_POINTER, offset - self.frame);
        }
        if self.random.one_in(2) {
            let register = self.source();
            self.code.store(store, register, base, offset);
        } else {
            let register = self.any_register();
            self.code.immediate(load, register, base, offset);
            self.holds[usize::from(register)] = Holds::Number;
        }
    }

    fn copy(&mut self) {
        let (from, to) = (self.source(), self.any_register());
        match self.random.below(3) {
            0 => self.code.half(0x8002 | u16::from(to) << 7 | u16::from(from) << 2), // c.mv
            1 => self.code.register(ADD, to, ZERO, from),
            _ => self.code.immediate(ADDI, to, from, 0),
        }
        self.holds[usize::from(to)] = self.holds[usize::from(from)];
    }

    fn arithmetic(&mut self) {
        let (left, right, to) = (self.source(), self.source(), self.any_register());
        let operation = self.random.pick(&ARITHMETIC);
        self.code.register(operation, to, left, right);
        self.holds[usize::from(to)] = Holds::Number;
    }

    fn system_call(&mut self) {
        if self.holds[usize::from(A7)] != Holds::Number || self.random.one_in(2) {
            let register = self.source();
            self.code.immediate(ADDI, A7, register, 0);
            self.holds[usize::from(A7)] = self.holds[usize::from(register)];
        }
        self.code.word(0x73);
        self.holds[usize::from(A0)] = Holds::Anything;
    }

    /// What holds on both of two paths.
    fn meet(&mut self, other: [Holds; 32]) {
        for (mine, other) in self.holds.iter_mut().zip(other) {
            if *mine != other {
                *mine = Holds::Anything;
            }
        }
    }

    fn condition(&mut self) {
        let (otherwise, end) = (self.code.label(), self.code.label());
        self.coin(1);
        let branch = self.random.pick(&[BEQ, BNE]);
        self.code.branch(branch, T6, ZERO, otherwise);
        let before = self.holds;
        let count = 1 + self.random.below(3);
        self.statements(count);
        if self.random.one_in(2) {
            self.code.bind(otherwise, Section::Code);
            return self.meet(before);
        }
        self.code.jump(ZERO, end);
        self.code.bind(otherwise, Section::Code);
        let then = std::mem::replace(&mut self.holds, before);
        self.statements(1 + count / 2);
        self.code.bind(end, Section::Code);
        self.meet(then);
    }

    fn repeat(&mut self) {
        let counter = COUNTERS + 8 * self.loops;
        self.loops += 1;
        let turns = 2 + self.random.below(3) as i32;
        self.constant(T5, turns);
        self.code.store(SD, T5, SP, counter);
        let again = self.code.here(Section::Code);
        let before = self.holds;
        let count = 2 + self.random.below(3);
        self.statements(count);
        // What held at the start holds again before the next turn.
        for register in 5..30 {
            match before[usize::from(register)] {
                holds if holds == self.holds[usize::from(register)] => {}
                Holds::Anything => {}
                Holds::Number => self.number(register),
                Holds::Pointer => self.point(register),
            }
        }
        self.meet(before);
        self.holds = before;
        self.code.immediate(LD, T5, SP, counter);
        self.code.immediate(ADDI, T5, T5, -1);
        self.code.store(SD, T5, SP, counter);
        self.code.branch(BNE, T5, ZERO, again);
        self.loops -= 1;
    }

    /// A switch through a table of distances or of addresses.
    fn switch(&mut self) {
        let absolute = self.random.one_in(2);
        let section = if absolute { self.absolute_tables } else { Section::Constants };
        self.code.align(section, 8);
        let table = self.code.here(section);
        let cases = [(); 4].map(|()| self.code.label());
        for case in cases {
            match absolute {
                true => self.code.quad(section, case),
                false => self.code.distance(section, case, table),
            }
        }
        let (before, end) = (self.holds, self.code.label());
        match self.random.below(if self.habits.has(Habits::BOUNDS) { 3 } else { 2 }) {
            0 => self.coin(2),
            1 => {
                self.coin(3);
                self.constant(T5, 4);
                self.code.branch(BGEU, T6, T5, end);
            }
            _ => {
                self.coin(3);
                self.constant(T5, 4);
                self.code.register(REMU, T6, T6, T5);
            }
        }
        self.code.address(T5, table);
        self.code.immediate(SLLI, T6, T6, if absolute { 3 } else { 2 });
        self.code.register(ADD, T6, T6, T5);
        self.code.immediate(if absolute { LD } else { LW }, T6, T6, 0);
        if !absolute {
            self.code.register(ADD, T6, T6, T5);
        }
        self.code.immediate(JALR, ZERO, T6, 0);
        let mut met = before;
        for case in cases {
            self.code.bind(case, Section::Code);
            self.holds = before;
            self.statements(1);
            self.meet(met);
            met = self.holds;
            if case != cases[3] {
                self.code.jump(ZERO, end);
            }
        }
        self.code.bind(end, Section::Code);
    }

    fn global(&mut self) {
        let label = self.random.pick(&self.globals);
        self.code.address(T5, label);
        if self.random.one_in(2) {
            let register = self.source();
            self.code.store(SD, register, T5, 0);
        } else {
            let register = self.any_register();
            self.code.immediate(LD, register, T5, 0);
            self.holds[usize::from(register)] = Holds::Number;
        }
    }

    /// Makes `register` a pointer to a slot or a global.
    fn point(&mut self, register: u8) {
        if self.random.one_in(3) {
            let label = self.random.pick(&self.globals);
            self.code.address(register, label);
        } else {
            self.code.immediate(ADDI, register, SP, SLOTS + 8 * self.random.below(SLOT_COUNT) as i32);
        }
        self.holds[usize::from(register)] = Holds::Pointer;
    }

    fn pointer(&mut self) {
        match (self.register_that(Holds::Pointer), self.random.below(3)) {
            (Some(pointer), 0) => {
                let register = self.source();
                self.code.store(SD, register, pointer, 0);
            }
            (Some(pointer), 1) => {
                let register = self.any_register();
                self.code.immediate(LD, register, pointer, 0);
                self.holds[usize::from(register)] = Holds::Number;
            }
            _ => {
                let register = self.any_register();
                self.point(register);
            }
        }
    }

    fn array(&mut self) {
        let register = self.any_register();
        if !self.habits.has(Habits::ARRAYS) {
            // A constant table at a constant or at an unknown index.
            self.code.address(T5, self.constants);
            let index = 8 * self.random.below(4) as i32;
            self.code.immediate(LD, register, T5, index);
            self.holds[usize::from(register)] = Holds::Number;
            return;
        }
        let array = self.random.pick(&self.arrays);
        if self.random.one_in(2) {
            let source = self.source();
            self.code.immediate(ADDI, A0, source, 0);
            self.holds[usize::from(A0)] = self.holds[usize::from(source)];
            self.coin(2);
            self.code.address(T5, array);
            self.code.immediate(SLLI, T6, T6, 3);
            self.code.register(ADD, T5, T5, T6);
            self.code.store(SD, A0, T5, 0);
        } else {
            self.code.address(T5, array);
            self.code.immediate(LD, register, T5, 8 * self.random.below(4) as i32);
            self.holds[usize::from(register)] = Holds::Number;
        }
    }

    /// A call that happens now and then: functions may call each other in circles.
    fn guarded_call(&mut self, callee: usize) {
        let over = self.code.label();
        self.coin(2);
        self.code.branch(BNE, T6, ZERO, over);
        let before = self.holds;
        self.call(callee);
        self.code.bind(over, Section::Code);
        self.meet(before);
    }

    /// Puts the arguments of a function in their places.
    fn pass(&mut self, signature: &Signature) {
        if signature.on_stack {
            let register = self.source();
            self.code.store(SD, register, SP, 0);
        }
        for number in 0..signature.numbers {
            if self.holds[usize::from(A0 + number)] != Holds::Number || self.random.one_in(2) {
                self.set_number(A0 + number);
            }
        }
        if signature.pointer {
            self.point(A0 + signature.numbers);
        }
    }

    pub(super) fn call(&mut self, callee: usize) {
        let signature = self.functions[callee];
        self.pass(&signature);
        if signature.odd_link {
            self.code.jump(T1, signature.label);
        } else if self.random.one_in(3) {
            self.code.address(T5, signature.label);
            self.code.immediate(JALR, RA, T5, 0);
        } else {
            self.code.jump(RA, signature.label);
        }
        self.returned(&signature);
    }

    fn returned(&mut self, signature: &Signature) {
        let lost: Vec<u8> = match signature.changes {
            // Compilers that see the callee rely on what it leaves alone (-fipa-ra).
            Some(changes) => [T1, A0, A0 + 1].into_iter().chain(changes).collect(),
            None => TEMPORARIES.to_vec(),
        };
        for register in lost {
            self.holds[usize::from(register)] = Holds::Anything;
        }
        if signature.returns {
            self.holds[usize::from(A0)] = Holds::Number;
            self.holds[usize::from(A0) + 1] = Holds::Number;
        }
    }

    /// One of two functions, by a table in memory.
    fn call_through_table(&mut self) {
        let plain = |signature: &&Signature| !(signature.on_stack || signature.pointer || signature.odd_link);
        let all: Vec<Signature> = self.functions.iter().filter(plain).copied().collect();
        if all.is_empty() {
            return;
        }
        let over = self.code.label();
        self.coin(2);
        self.code.branch(BNE, T6, ZERO, over);
        let before = self.holds;
        let callees = [self.random.pick(&all), self.random.pick(&all)];
        for number in 0..3 {
            self.set_number(A0 + number);
        }
        self.coin(1);
        let distances = self.habits.has(Habits::DISTANCES) && self.random.one_in(2);
        let section = if distances { Section::Constants } else { self.absolute_tables };
        self.code.align(section, 8);
        let table = self.code.here(section);
        for callee in callees {
            match distances {
                true => self.code.distance(section, callee.label, table),
                false => self.code.quad(section, callee.label),
            }
        }
        self.code.address(T5, table);
        self.code.immediate(SLLI, T6, T6, if distances { 2 } else { 3 });
        self.code.register(ADD, T6, T6, T5);
        self.code.immediate(if distances { LW } else { LD }, T6, T6, 0);
        if distances {
            self.code.register(ADD, T6, T6, T5);
        }
        self.code.immediate(JALR, RA, T6, 0);
        let any = Signature { returns: callees.iter().all(|callee| callee.returns), changes: None, ..callees[0] };
        self.returned(&any);
        self.code.bind(over, Section::Code);
        self.meet(before);
    }
}
