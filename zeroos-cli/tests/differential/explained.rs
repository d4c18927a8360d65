//! Where the image's run may differ from Linux's, and why. No answer does: what this kernel does not support ends the run.

/// What a run may end with that Linux goes on from; up to there all answers have to be the same.
const STOPS: [&str; 1] = [
    // A descriptor that sequences make by `dup` may be of another `epoll`.
    "unsupported: epoll_ctl of one epoll descriptor on another",
];

/// Whether `stop`, the last line of what a run said, is such an end.
pub fn is_explained(stop: &str) -> bool {
    STOPS.iter().any(|explained| stop.contains(explained))
}
