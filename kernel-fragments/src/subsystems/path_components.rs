//! Paths as text: the components between their slashes.

/// If `file` lies below the directory at `path`: the next name on the way, and whether it is the file's own.
pub fn child_of<'a>(path: &[u8], file: &'a [u8]) -> Option<(&'a [u8], bool)> {
    let rest = file.strip_prefix(path)?;
    let rest = if path == b"/" { rest } else { rest.strip_prefix(b"/")? };
    let end = rest.iter().position(|&byte| byte == b'/');
    let name = rest.get(..end.unwrap_or(rest.len()))?;
    if name.is_empty() { None } else { Some((name, end.is_none())) }
}

/// What follows a component.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rest {
    /// Where, the slashes not skipped.
    pub position: usize,
    /// There is at least one slash.
    pub slash: bool,
    /// There is nothing but slashes.
    pub trailing: bool,
}

/// The component of `path` at or after `position`; empty at the end.
pub fn split_component(path: &[u8], position: usize) -> (&[u8], Rest) {
    let skipped = path.get(position..).unwrap_or_default();
    let slashes = skipped.iter().take_while(|&&byte| byte == b'/').count();
    let rest = skipped.get(slashes..).unwrap_or_default();
    let len_bytes = rest.iter().take_while(|&&byte| byte != b'/').count();
    let (component, behind) = rest.split_at_checked(len_bytes).unwrap_or_default();
    let trailing = behind.iter().all(|&byte| byte == b'/');
    (component, Rest { position: position + slashes + len_bytes, slash: !behind.is_empty(), trailing })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_lie_between_slashes() {
        let (first, rest) = split_component(b"//usr/lib//", 0);
        assert_eq!((first, rest), (&b"usr"[..], Rest { position: 5, slash: true, trailing: false }));
        let (second, rest) = split_component(b"//usr/lib//", rest.position);
        assert_eq!((second, rest), (&b"lib"[..], Rest { position: 9, slash: true, trailing: true }));
        assert_eq!(split_component(b"//usr/lib//", rest.position).0, b"");
    }

    #[test]
    fn files_below_a_directory_are_known_by_their_next_name() {
        assert_eq!(child_of(b"/", b"/etc/hosts"), Some((&b"etc"[..], false)));
        assert_eq!(child_of(b"/etc", b"/etc/hosts"), Some((&b"hosts"[..], true)));
        assert_eq!(child_of(b"/et", b"/etc/hosts"), None);
        assert_eq!(child_of(b"/etc/hosts", b"/etc/hosts"), None);
    }
}
