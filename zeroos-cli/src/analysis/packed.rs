//! Abstract values at rest, four bytes each: nearly all are constants or places in the stack frame, near zero. There are
//! several for each block.

use rustc_hash::FxHashMap;

use super::value::Value;
use crate::isa::RegisterSet;

/// Lists of what is known of registers, each found by its place: which registers, then their values.
pub(super) struct PackedValues<'v> {
    packed: Vec<u32>,
    /// Those that do not fit into four bytes.
    wide: Vec<Value<'v>>,
    /// Where they are among the wide ones.
    places: FxHashMap<Value<'v>, u32>,
}

// What the lowest two bits say of the others.
const CONSTANT: u32 = 0;
const STACK: u32 = 1;
const WIDE: u32 = 2;

/// In place of the registers of a list: it was moved to where the other bits say. x0 is in no list, nothing is ever known of it.
const MOVED: u32 = 1;

impl Default for PackedValues<'_> {
    fn default() -> Self {
        PackedValues { packed: vec![RegisterSet::EMPTY.bits()], wide: Vec::new(), places: FxHashMap::default() }
    }
}

impl<'v> PackedValues<'v> {
    /// Where nothing is known.
    pub const NOTHING: u32 = 0;

    /// None yet, with room for as many `words` before any have to be moved.
    pub fn with_room(words: usize) -> PackedValues<'v> {
        let mut values = PackedValues::default();
        values.packed.reserve_exact(words);
        values
    }

    fn pack(&mut self, value: Value<'v>) -> u32 {
        let small = match value {
            Value::Constant(number) => Some((CONSTANT, number as i64)),
            Value::Stack(offset) => Some((STACK, offset)),
            _ => None,
        };
        match small {
            Some((kind, number)) if number << 34 >> 34 == number => (number as u32) << 2 | kind,
            _ => {
                let wide = &mut self.wide;
                let place = *self.places.entry(value).or_insert_with(|| {
                    wide.push(value);
                    wide.len() as u32 - 1
                });
                place << 2 | WIDE
            }
        }
    }

    fn unpack(&self, packed: u32) -> Value<'v> {
        let number = i64::from(packed as i32 >> 2);
        match packed & 3 {
            CONSTANT => Value::Constant(number as u64),
            STACK => Value::Stack(number),
            _ => self.wide[(packed >> 2) as usize],
        }
    }

    /// The registers of the list at `place`, and their values.
    pub fn get(&self, place: u32) -> (RegisterSet, impl Iterator<Item = Value<'v>>) {
        let (&known, rest) = self.packed[place as usize..].split_first().unwrap_or((&0, &[]));
        let known = RegisterSet::from_bits(known);
        (known, rest[..known.len()].iter().map(|&packed| self.unpack(packed)))
    }

    /// Puts the `values` of the `known` registers at a new place.
    pub fn append(&mut self, known: RegisterSet, values: &[Value<'v>]) -> u32 {
        if values.is_empty() {
            return PackedValues::NOTHING;
        }
        let place = self.packed.len() as u32;
        self.packed.push(known.bits());
        for &value in values {
            let packed = self.pack(value);
            self.packed.push(packed);
        }
        place
    }

    /// Moves the list at `place` to `others`, if it was not moved before; where it lies there. Nothing else is done with these
    /// lists until all that are needed have been moved and [`PackedValues::settle`] takes them back.
    pub fn move_to(&mut self, place: u32, others: &mut PackedValues<'v>) -> u32 {
        // Makes room at once. A wide value that is put down later just has a second place.
        self.places = FxHashMap::default();
        let here = place as usize;
        let first = self.packed[here];
        if first & MOVED != 0 {
            return first >> 1;
        }
        if first == RegisterSet::EMPTY.bits() {
            return PackedValues::NOTHING;
        }
        let moved = others.packed.len() as u32;
        others.packed.extend(&self.packed[here..=here + RegisterSet::from_bits(first).len()]);
        self.packed[here] = moved << 1 | MOVED;
        moved
    }

    /// Just the lists that were moved to `others` are left, in no more memory than they need.
    pub fn settle(&mut self, others: PackedValues<'v>) {
        self.packed = others.packed;
        self.packed.shrink_to_fit();
        self.wide.shrink_to_fit();
    }

    /// Puts them where no fewer lie already.
    pub fn replace(&mut self, place: u32, known: RegisterSet, values: &[Value<'v>]) {
        self.packed[place as usize] = known.bits();
        for (index, &value) in (place as usize + 1..).zip(values) {
            self.packed[index] = self.pack(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::arena::Arena;
    use crate::analysis::bounds::Bounds;
    use crate::isa::Register;

    #[test]
    fn what_is_packed_comes_back() {
        let arena = Arena::new();
        let mut values = vec![
            Value::Any,
            Value::Between(Bounds::below(7)),
            Value::Set(arena.set(&[1, 2])),
            Value::Set(arena.set(&[1, 3])),
        ];
        for number in [0, 1, (1 << 29) - 1, 1 << 29, -1, -(1 << 29), -(1 << 29) - 1, i64::MAX, i64::MIN] {
            values.extend([Value::Constant(number as u64), Value::Stack(number)]);
        }
        let registers = |from: u8, count: usize| (from..).take(count).map(Register::new).collect::<Vec<_>>();
        let (known, others) =
            (RegisterSet::of(&registers(5, values.len())), RegisterSet::of(&registers(2, values.len())));
        let mut packed = PackedValues::default();
        assert_eq!(packed.append(RegisterSet::EMPTY, &[]), PackedValues::NOTHING);
        packed.append(RegisterSet::of(&registers(1, 3)), &[Value::Any; 3]);
        let place = packed.append(known, &values);
        let (found, found_values) = packed.get(place);
        assert!(found == known && found_values.eq(values.iter().copied()));
        values.reverse();
        packed.replace(place, others, &values);
        let (found, found_values) = packed.get(place);
        assert!(found == others && found_values.eq(values.iter().copied()));
        assert_eq!(packed.get(PackedValues::NOTHING).0, RegisterSet::EMPTY);
        assert!(packed.wide.len() < values.len());

        let mut settled = PackedValues::default();
        let moved = [place, PackedValues::NOTHING, place].map(|place| packed.move_to(place, &mut settled));
        packed.settle(settled);
        assert_eq!(moved, [1, PackedValues::NOTHING, 1]);
        let (found, found_values) = packed.get(1);
        assert!(found == others && found_values.eq(values.iter().copied()));
        assert_eq!((packed.packed.len(), packed.get(0).0), (2 + values.len(), RegisterSet::EMPTY));
    }
}
