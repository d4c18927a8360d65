//! What a file that can be changed holds, piece by piece: it grows by pieces and hardly anything that is there ever moves. What
//! nobody wrote takes no memory and is zero. How long the file is, its owner knows (`contents.rs`): nothing is kept here behind its end.

use crate::errno::Errno;
use alloc::vec::Vec;

/// Bytes of a file in one piece. With what may lie before them they are a block of the kernel's heap, which are powers of two.
const PIECE_BYTES: usize = BLOCK_BYTES - WORD_BYTES;
const BLOCK_BYTES: usize = 16384;
const WORD_BYTES: usize = 8;

/// Pieces by number.
#[derive(Default)]
pub struct FilePieces(Vec<Piece>);

/// It ends behind the last byte that was written to it, if any was; behind that, and where there is no piece, everything is zero.
#[derive(Default)]
struct Piece {
    /// So many bytes lie before the first one: fewer than a word. What is written first is so copied by words, and what is written
    /// or read later most likely, too: databases have a few bytes before each of their pages in a journal, but aligned buffers.
    lead_bytes: usize,
    bytes: Vec<u8>,
}

impl Piece {
    /// What is stored from `skip` on.
    fn stored(&self, skip: usize) -> &[u8] {
        self.bytes.get(self.lead_bytes + skip..).unwrap_or_default()
    }

    /// Forgets what lies from `skip` on, and has zeros up to there. There is memory for that.
    fn cut(&mut self, skip: usize) {
        self.bytes.resize(self.lead_bytes + skip, 0);
    }
}

impl FilePieces {
    /// The `len_bytes` bytes from `start` on, if they are all stored, in one piece.
    #[inline]
    pub fn stored(&self, start: usize, len_bytes: usize) -> Option<&[u8]> {
        let piece = self.0.get(start / PIECE_BYTES)?;
        let at = piece.lead_bytes + start % PIECE_BYTES;
        piece.bytes.get(at..at + len_bytes)
    }

    /// Copies from `start` on to all of `into`.
    pub fn read(&self, start: usize, into: &mut [u8]) {
        let (mut at, mut rest) = (start, into);
        while !rest.is_empty() {
            let (part, behind) = rest.split_at_mut(rest.len().min(PIECE_BYTES - at % PIECE_BYTES));
            match self.stored(at, part.len()) {
                Some(stored) => part.copy_from_slice(stored),
                None => {
                    let stored = self.stored_from(at);
                    let (front, zeros) = part.split_at_mut(stored.len().min(part.len()));
                    front.copy_from_slice(stored.get(..front.len()).unwrap_or_default());
                    zeros.fill(0);
                }
            }
            (at, rest) = (at + part.len(), behind);
        }
    }

    /// As [`write`](Self::write), for what goes over or right behind what is stored of one piece; `None`, and nothing is written,
    /// where it does not.
    #[inline]
    pub fn write_quickly(&mut self, start: usize, from: &[u8]) -> Option<()> {
        let piece = self.0.get_mut(start / PIECE_BYTES)?;
        let skip = start % PIECE_BYTES;
        let at = piece.lead_bytes + skip;
        if at == piece.bytes.len() && from.len() <= (PIECE_BYTES - skip).min(piece.bytes.capacity() - at) {
            piece.bytes.extend_from_slice(from);
        } else {
            piece.bytes.get_mut(at..at + from.len())?.copy_from_slice(from);
        }
        Some(())
    }

    /// Puts `from` at `start` and says how many of its bytes there was memory for.
    pub fn write(&mut self, start: usize, from: &[u8]) -> usize {
        let mut done = 0;
        while let Some(rest @ [_, ..]) = from.get(done..) {
            let at = start + done;
            let part = rest.get(..PIECE_BYTES - at % PIECE_BYTES).unwrap_or(rest);
            if self.write_quickly(at, part).is_none() && self.put(at, part).is_err() {
                break;
            }
            done += part.len();
        }
        done
    }

    /// Makes the bytes of one piece from `start` on be `part`, which is not all over what is stored there.
    fn put(&mut self, start: usize, part: &[u8]) -> Result<(), Errno> {
        let (index, skip) = (start / PIECE_BYTES, start % PIECE_BYTES);
        // A file of a few bytes takes a small block: the first piece is the only one that moves, a few times.
        let needed_bytes = WORD_BYTES + skip + part.len();
        let len_bytes = if index == 0 { BLOCK_BYTES.min((needed_bytes * 4).next_power_of_two()) } else { BLOCK_BYTES };
        let piece = self.piece(index, len_bytes)?;
        if piece.bytes.is_empty() {
            piece.lead_bytes = part.as_ptr().addr().wrapping_sub(skip) % WORD_BYTES;
        }
        // From here on it is all new, whatever of it was there.
        piece.cut(skip);
        piece.bytes.extend_from_slice(part);
        Ok(())
    }

    /// Piece `index`, with memory for `len_bytes` bytes.
    ///
    /// # Errors
    /// ENOSPC if the kernel's memory does not suffice.
    fn piece(&mut self, index: usize, len_bytes: usize) -> Result<&mut Piece, Errno> {
        self.make_table(index + 1)?;
        let piece = self.0.get_mut(index).ok_or(Errno::ENOSPC)?;
        let more_bytes = len_bytes.saturating_sub(piece.bytes.len());
        piece.bytes.try_reserve_exact(more_bytes).map_err(|_| Errno::ENOSPC)?;
        Ok(piece)
    }

    /// Makes a place for each of `count` pieces. Errors as [`piece`](Self::piece).
    fn make_table(&mut self, count: usize) -> Result<(), Errno> {
        if count > self.0.len() {
            self.0.try_reserve(count - self.0.len()).map_err(|_| Errno::ENOSPC)?;
            self.0.resize_with(count, Piece::default);
        }
        Ok(())
    }

    /// What is stored of the piece of byte `start` from there on.
    fn stored_from(&self, start: usize) -> &[u8] {
        self.0.get(start / PIECE_BYTES).map_or(&[], |piece| piece.stored(start % PIECE_BYTES))
    }

    /// Sees to it that writing to `start..end` cannot fail.
    ///
    /// # Errors
    /// ENOSPC if the kernel's memory does not suffice.
    pub fn reserve(&mut self, start: usize, end: usize) -> Result<(), Errno> {
        for index in start / PIECE_BYTES..end.div_ceil(PIECE_BYTES) {
            self.piece(index, BLOCK_BYTES)?;
        }
        Ok(())
    }

    /// Forgets what lies behind `size_bytes`, and makes room in the table for all before. Errors as [`reserve`](Self::reserve).
    pub fn resize(&mut self, size_bytes: usize) -> Result<(), Errno> {
        let (count, rest_bytes) = (size_bytes.div_ceil(PIECE_BYTES), size_bytes % PIECE_BYTES);
        self.make_table(count)?;
        self.0.truncate(count);
        match self.0.last_mut() {
            Some(last) if rest_bytes > 0 && !last.stored(rest_bytes).is_empty() => last.cut(rest_bytes),
            _ => (),
        }
        Ok(())
    }

    /// Takes over `from`, which belongs at `start` and was [reserved](Self::reserve); says whether it is anything new.
    pub fn absorb(&mut self, start: usize, from: &[u8]) -> bool {
        let (mut at, mut rest, mut is_new) = (start, from, false);
        while !rest.is_empty() {
            let (part, behind) = rest.split_at_checked(PIECE_BYTES - at % PIECE_BYTES).unwrap_or((rest, &[]));
            let stored = self.stored_from(at);
            let (front, zeros) = part.split_at_checked(stored.len()).unwrap_or((part, &[]));
            if stored.get(..front.len()) != Some(front) || zeros.iter().any(|&byte| byte != 0) {
                is_new |= self.write(at, part) == part.len();
            }
            (at, rest) = (at + part.len(), behind);
        }
        is_new
    }

    /// Shows `visit` the bytes of a file of `size_bytes` bytes, one piece behind the other, as they lie in memory until they
    /// change.
    pub fn visit(&self, size_bytes: usize, mut visit: impl FnMut(&[u8])) {
        static ZEROS: [u8; 4096] = [0; 4096];

        for start in (0..size_bytes).step_by(PIECE_BYTES) {
            let stored = self.stored_from(start);
            if !stored.is_empty() {
                visit(stored);
            }
            let mut zero_bytes = PIECE_BYTES.min(size_bytes - start).saturating_sub(stored.len());
            while let Some(zeros) = ZEROS.get(..zero_bytes.min(ZEROS.len())).filter(|zeros| !zeros.is_empty()) {
                visit(zeros);
                zero_bytes -= zeros.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestRandom, rounds, steps};

    /// Where the edges of pieces are, and a little further.
    fn somewhere(random: &mut TestRandom) -> usize {
        let edge = random.below(5) as usize * PIECE_BYTES;
        if random.below(2) == 0 { edge } else { (edge + random.below(9) as usize).saturating_sub(4) }
    }

    /// Everything that can be done, in random order, against a vector.
    #[test]
    fn pieces_behave_like_bytes() {
        for seed in 0..rounds(200) {
            let (mut random, mut pieces, mut model) = (TestRandom(seed), FilePieces::default(), Vec::new());
            for step in 1..steps(40) as u8 {
                let (first, second) = (somewhere(&mut random), somewhere(&mut random));
                let (start, end) = (first.min(second), first.max(second));
                match random.below(5) {
                    0 => {
                        assert_eq!(pieces.resize(start), Ok(()));
                        model.resize(start, 0);
                    }
                    1 => assert_eq!(pieces.reserve(start.min(model.len()), end.min(model.len())), Ok(())),
                    2 => {
                        let (start, end) = (start.min(model.len()), end.min(model.len()));
                        let byte = if random.below(2) == 0 { 0 } else { step };
                        let is_new = model[start..end].iter().any(|&old| old != byte);
                        assert_eq!(pieces.absorb(start, &vec![byte; end - start]), is_new);
                        model[start..end].fill(byte);
                    }
                    _ => {
                        assert_eq!(pieces.write(start, &vec![step; end - start]), end - start);
                        if end > start {
                            model.resize(model.len().max(end), 0);
                            model[start..end].fill(step);
                        }
                    }
                }
                let mut found = vec![9; model.len()];
                pieces.read(0, &mut found);
                assert!(found == model, "seed {seed}, step {step}");
                let (start, end) = (start.min(model.len()), end.min(model.len()));
                pieces.read(start, &mut found[start..end]);
                assert!(found == model, "seed {seed}, step {step}");
                found.clear();
                pieces.visit(model.len(), |piece| found.extend_from_slice(piece));
                assert!(found == model, "seed {seed}, step {step}");
            }
        }
    }

    #[test]
    fn nothing_moves_and_holes_take_no_memory() {
        let mut pieces = FilePieces::default();
        assert_eq!(pieces.write(5 * PIECE_BYTES + 1, b"x"), 1);
        assert!(pieces.0[..5].iter().all(|piece| piece.bytes.capacity() == 0));
        let place = pieces.0[5].bytes.as_ptr();
        for at in (0..5 * PIECE_BYTES).step_by(if cfg!(miri) { 997 } else { 1 }) {
            assert_eq!(pieces.write(at, b"y"), 1);
        }
        assert_eq!(pieces.write(5 * PIECE_BYTES, &[b'z'; 2 * PIECE_BYTES]), 2 * PIECE_BYTES);
        assert_eq!(pieces.0[5].bytes.as_ptr(), place);
        assert!(pieces.0[1..].iter().all(|piece| piece.bytes.capacity() == BLOCK_BYTES));
    }

    /// Whatever a buffer's place and a file's offset: what is copied between them begins alike.
    #[test]
    #[cfg_attr(miri, ignore = "bytes lie at any address there")]
    fn a_piece_lies_as_what_was_written_first() {
        let buffer = [1; 100];
        for (skip, offset) in [(0, 4), (3, 4), (7, PIECE_BYTES), (0, 5 * PIECE_BYTES + 1)] {
            let mut pieces = FilePieces::default();
            assert_eq!(pieces.write(offset, &buffer[skip..]), 100 - skip);
            let stored = pieces.stored_from(offset);
            assert_eq!((stored.len(), stored.as_ptr().addr() % 8), (100 - skip, buffer[skip..].as_ptr().addr() % 8));
        }
    }
}
