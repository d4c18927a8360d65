//! Insertion into and removal from the middle of a `Vec` by index, without a path that can panic (which would bring
//! message formatting into the kernel).

use crate::errno::Errno;
use alloc::vec::Vec;

/// Inserts `value` before index `at`, or at the end if there is none.
///
/// # Errors
/// ENOMEM if the kernel's heap is full; then nothing changed.
pub fn insert<T: Copy>(list: &mut Vec<T>, at: usize, value: T) -> Result<(), Errno> {
    list.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
    list.push(value);
    if let Some(moved @ [_, ..]) = list.get_mut(at..) {
        let others = moved.len() - 1;
        moved.copy_within(..others, 1);
        if let Some(place) = moved.first_mut() {
            *place = value;
        }
    }
    Ok(())
}

/// Removes the `count` elements from index `at` on, or as many as there are.
pub fn remove<T: Copy>(list: &mut Vec<T>, at: usize, count: usize) {
    if let Some(moved) = list.get_mut(at..) {
        let count = count.min(moved.len());
        if count < moved.len() {
            moved.copy_within(count.., 0);
        }
        list.truncate(list.len() - count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn like_the_methods_of_vec() {
        for at in 0..=4 {
            let (mut list, mut model) = (vec![1, 2, 3, 4], vec![1, 2, 3, 4]);
            assert_eq!(insert(&mut list, at, 9), Ok(()));
            model.insert(at, 9);
            assert_eq!(list, model);
            for count in 0..=5 - at {
                let (mut list, mut model) = (list.clone(), model.clone());
                remove(&mut list, at, count);
                model.drain(at..at + count);
                assert_eq!(list, model);
            }
        }
        let mut list = vec![1, 2];
        remove(&mut list, 5, 1);
        remove(&mut list, 1, usize::MAX);
        assert_eq!(list, [1]);
    }
}
