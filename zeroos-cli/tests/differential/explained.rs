//! Where the image's run may differ from Linux's, and why. No answer does: what this kernel does not support ends the run.

/// What a run may end with that Linux goes on from; up to there all answers have to be the same.
const STOPS: [&str; 1] = [
    // Linux changes the one inode that all events, timers and epolls share.
    "unsupported: rights of a file that is neither in the tree nor a pipe or socket",
];

/// Whether `stop`, the last line of what a run said, is such an end.
pub fn is_explained(stop: &str) -> bool {
    STOPS.iter().any(|explained| stop.contains(explained))
}
