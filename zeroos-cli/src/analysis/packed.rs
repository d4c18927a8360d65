//! Abstract values at rest, four bytes each: nearly all are constants or places in the stack frame, near zero. There are
//! several for each block.

use rustc_hash::FxHashMap;

use super::value::Value;

/// Lists of values, each found by its place.
#[derive(Default)]
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

impl<'v> PackedValues<'v> {
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

    /// The `count` values at `place`.
    pub fn get(&self, place: u32, count: usize) -> impl Iterator<Item = Value<'v>> {
        self.packed[place as usize..][..count].iter().map(|&packed| self.unpack(packed))
    }

    /// Puts `values` at a new place.
    pub fn append(&mut self, values: &[Value<'v>]) -> u32 {
        let place = self.packed.len() as u32;
        for &value in values {
            let packed = self.pack(value);
            self.packed.push(packed);
        }
        place
    }

    /// Puts `values` where no fewer lie already.
    pub fn replace(&mut self, place: u32, values: &[Value<'v>]) {
        for (index, &value) in (place as usize..).zip(values) {
            self.packed[index] = self.pack(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::arena::Arena;

    #[test]
    fn what_is_packed_comes_back() {
        let arena = Arena::new();
        let mut values =
            vec![Value::Any, Value::Below(7), Value::Set(arena.set(&[1, 2])), Value::Set(arena.set(&[1, 3]))];
        for number in [0, 1, (1 << 29) - 1, 1 << 29, -1, -(1 << 29), -(1 << 29) - 1, i64::MAX, i64::MIN] {
            values.extend([Value::Constant(number as u64), Value::Stack(number)]);
        }
        let mut packed = PackedValues::default();
        packed.append(&[Value::Any; 3]);
        let place = packed.append(&values);
        assert!(packed.get(place, values.len()).eq(values.iter().copied()));
        values.reverse();
        packed.replace(place, &values);
        assert!(packed.get(place, values.len()).eq(values.iter().copied()));
        assert!(packed.wide.len() < values.len());
    }
}
