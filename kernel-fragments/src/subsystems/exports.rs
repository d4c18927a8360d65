//! Files that are copied out of a run (`zeroos run --out`): once the program has ended, what the builder named is looked up in
//! the tree, and a table in memory says where names and bytes lie. The engine reads it there; nothing is copied here.

use crate::boot_info::{BootInfo, ExportedFile, Table, Text};
use crate::subsystems::file_rights::act_as_kernel;
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::image_data::{bytes, texts};
use crate::subsystems::node::{Kind, Node};
use alloc::rc::Rc;
use alloc::vec::Vec;

hook!(exit => export);

/// The table of [`ExportedFile`]s: for each path that was named one, and one for each file below it if it is a directory, each
/// behind the directory that it lies in. It lies on the kernel's heap and stays there.
pub fn export(boot: &BootInfo, tree: &mut FileTree) -> Table {
    act_as_kernel();
    let mut files = Vec::new();
    let root = tree.root(boot);
    for (request, &path) in texts(boot.exports).iter().enumerate() {
        let request = request as u64;
        match tree.find(boot, &root, bytes(path), Last::Follow) {
            Ok(node) => export_tree(tree, request, node, &mut files),
            Err(_) => files.push(ExportedFile { request, kind: ExportedFile::MISSING, ..ExportedFile::default() }),
        }
    }
    let files = files.leak();
    Table { address: files.as_ptr() as u64, count: files.len() as u64 }
}

/// Appends `node` and, if it is a directory, all below it.
fn export_tree(tree: &mut FileTree, request: u64, node: Rc<Node>, files: &mut Vec<ExportedFile>) {
    let mut open = Vec::from([(Vec::new(), node)]);
    while let Some((path, node)) = open.pop() {
        if let Some(directory) = tree.entries(&node) {
            let below = open.len();
            directory.list(0, |entry| {
                let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
                open.push(([&path[..], slash, &entry.name[..]].concat(), entry.node.clone()));
                true
            });
            if let Some(below) = open.get_mut(below..) {
                below.reverse();
            }
        }
        files.push(one(request, path, &node));
        if let Kind::Regular(contents) = &node.kind {
            let more = ExportedFile { request, kind: ExportedFile::MORE, ..ExportedFile::default() };
            contents.pieces(|piece| files.push(ExportedFile { contents: text(piece), ..more }));
        }
    }
}

fn one(request: u64, path: Vec<u8>, node: &Node) -> ExportedFile {
    let (kind, contents) = match &node.kind {
        Kind::Regular(_) => (ExportedFile::REGULAR, Text::default()), // its pieces follow
        Kind::Fixed(bytes) => (ExportedFile::REGULAR, text(bytes)),
        Kind::Directory(_) => (ExportedFile::DIRECTORY, Text::default()),
        Kind::Symlink(target) => (ExportedFile::SYMLINK, text(target)),
        Kind::Device(_) | Kind::Process(_) | Kind::Descriptor(_) | Kind::Fifo(_) => {
            (ExportedFile::OTHER, Text::default())
        }
    };
    ExportedFile { request, kind, path: text(path.leak()), mode: u64::from(node.permissions.get()), contents }
}

fn text(bytes: &[u8]) -> Text {
    Text { address: bytes.as_ptr() as u64, len_bytes: bytes.len() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::image_data::{boot_with, exported, texts_of};
    use crate::subsystems::node::Contents;

    /// Request, kind, path, contents.
    fn listing(boot: &BootInfo, tree: &mut FileTree) -> Vec<(u64, u64, String, String)> {
        let string = |text| String::from_utf8_lossy(bytes(text)).into_owned();
        let mut files: Vec<(u64, u64, String, String)> = Vec::new();
        for file in exported(export(boot, tree)) {
            match files.last_mut() {
                Some(before) if file.kind == ExportedFile::MORE => before.3 += &string(file.contents),
                _ => files.push((file.request, file.kind, string(file.path), string(file.contents))),
            }
        }
        files
    }

    #[test]
    fn files_trees_and_what_is_missing() {
        let mut boot =
            boot_with(&[("/data/in.txt", "hello", 0o640), ("/data/sub/x", "", 0o600), ("/other", "o", 0o644)]);
        boot.exports = texts_of(&["/data", "/nope", "/data/in.txt", "/dev/null"]);
        let mut tree = FileTree::new();
        let root = tree.root(&boot);
        let data = tree.find(&boot, &root, b"data", Last::Follow).expect("it is committed");
        let link = tree.new_node(Kind::Symlink(b"in.txt"[..].into()), 0o777);
        tree.link(&data, b"link", &link);
        let written = tree.new_node(Kind::Regular(Contents::empty()), 0o755);
        if let Kind::Regular(contents) = &written.kind {
            contents.write(1, b"new").expect("there is memory");
            contents.write(5000, b"far").expect("there is memory");
        }
        tree.link(&data, b"new", &written);
        let far = format!("\0new{}far", "\0".repeat(4996));
        let expected = [
            (0, ExportedFile::DIRECTORY, "", ""),
            (0, ExportedFile::SYMLINK, "link", "in.txt"),
            (0, ExportedFile::REGULAR, "new", far.as_str()),
            (0, ExportedFile::REGULAR, "in.txt", "hello"),
            (0, ExportedFile::DIRECTORY, "sub", ""),
            (0, ExportedFile::REGULAR, "sub/x", ""),
            (1, ExportedFile::MISSING, "", ""),
            (2, ExportedFile::REGULAR, "", "hello"),
            (3, ExportedFile::OTHER, "", ""),
        ];
        let mut found = listing(&boot, &mut tree);
        found.sort();
        let mut expected: Vec<_> = expected
            .map(|(request, kind, path, contents)| (request, kind, path.to_owned(), contents.to_owned()))
            .into();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_directory_comes_before_what_is_in_it() {
        let mut boot = boot_with(&[("/d/a/b/c", "", 0o644), ("/d/b", "", 0o644)]);
        boot.exports = texts_of(&["/d"]);
        let paths: Vec<String> = listing(&boot, &mut FileTree::new()).into_iter().map(|file| file.2).collect();
        for path in ["a", "a/b", "a/b/c"] {
            let at = |path: &str| paths.iter().position(|found| found == path).expect("it is listed");
            assert!(at(path) > path.rsplit_once('/').map_or(0, |(parent, _)| at(parent)), "{paths:?}");
        }
    }
}
