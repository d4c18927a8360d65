//! Named by kinds of files on which a read or write may have to wait for another thread. A kernel with threads that holds
//! this file gets the variants of `read`, `write` and their kind that can wait; others are spared them.

/// What such a file kind names.
pub const MAY_WAIT: bool = true;
