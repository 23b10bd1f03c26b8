//! What a power cut leaves of recorded calls.
//!
//! A file's bytes are durable once the file was synced; a name once its folder was, or, on disks that
//! keep the order of such calls, anything was. What is not durable may be there or not: each write for
//! itself and page by page, names too unless the disk keeps their order. A sync that failed makes
//! nothing durable; a later one does.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::disk::{Change, Node, ROOT};
use crate::steps::Dice;

/// Bytes that a disk writes whole or not at all.
const PAGE: usize = 4096;
/// Bytes of a part of a page that a disk may have written when the power went.
const SECTOR: usize = 512;

/// Which names survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// As on ext4 and XFS: they become durable in the order of the calls, with any sync.
    InOrder,
    /// As POSIX has it: by a sync of their folder.
    BySync,
}

/// What of all that is in doubt is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Luck {
    /// Everything: the process was killed, and the disk goes on.
    All,
    /// Nothing.
    None,
    /// So many of 100 by chance.
    Some(usize),
}

/// A power cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// Behind so many of the recorded changes.
    pub(crate) at: usize,
    pub(crate) names: Names,
    pub(crate) luck: Luck,
    pub(crate) seed: u64,
}

/// Files and folders, as a disk has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    folders: HashMap<Node, BTreeMap<String, Node>>,
    files: HashMap<Node, Vec<u8>>,
}

impl Cut {
    /// What is on the disk that was empty.
    pub(crate) fn leaves(&self, recorded: &[Change]) -> Disk {
        let changes = &recorded[..self.at];
        let durable = Durable::of(changes, self.names);
        let mut dice = Dice::new(self.seed);
        let mut is_lucky = || match self.luck {
            Luck::All => true,
            Luck::None => false,
            Luck::Some(share) => dice.below(100) < share,
        };
        // Of names that survive in order, those up to some call.
        let last_name = if self.luck == Luck::All {
            self.at
        } else {
            let first = durable.all;
            first + Dice::new(self.seed ^ 1).below(self.at - first + 1)
        };
        let mut disk = Disk::default();
        disk.folders.insert(ROOT, BTreeMap::new());
        let mut torn = Dice::new(self.seed ^ 2);
        for (i, change) in changes.iter().enumerate() {
            let is_durable = durable.is(i, change);
            let is_write = matches!(change, Change::Write { .. });
            let is_there = is_durable
                || if is_write || self.names == Names::BySync { is_lucky() } else { i < last_name };
            if !is_there {
                continue;
            }
            if let Change::Write { node, at, bytes } = change
                && !is_durable
                && self.luck != Luck::All
            {
                for (at, bytes) in parts(*at, bytes, &mut torn) {
                    disk.write(*node, at, bytes);
                }
            } else {
                disk.change(change);
            }
        }
        disk
    }
}

/// The pages of a write that a disk has written, perhaps one of them in part.
fn parts<'b>(at: usize, bytes: &'b [u8], dice: &mut Dice) -> Vec<(usize, &'b [u8])> {
    // Half of those that survive are whole.
    if dice.below(2) == 0 {
        return vec![(at, bytes)];
    }
    let mut parts = Vec::new();
    let mut begin = 0;
    while begin < bytes.len() {
        let end = bytes.len().min(begin + PAGE - (at + begin) % PAGE);
        match dice.below(8) {
            0 => {
                let sectors = dice.below(PAGE / SECTOR) * SECTOR;
                parts.push((at + begin, &bytes[begin..end.min(begin + sectors)]));
            }
            1..=3 => {}
            _ => parts.push((at + begin, &bytes[begin..end])),
        }
        begin = end;
    }
    parts
}

/// What is durable for certain.
struct Durable {
    names: Names,
    /// Behind the last sync of anything.
    all: usize,
    /// The last sync of each file or folder.
    of: HashMap<Node, usize>,
}

impl Durable {
    fn of(changes: &[Change], names: Names) -> Self {
        let mut durable = Self { names, all: 0, of: HashMap::new() };
        for (i, change) in changes.iter().enumerate() {
            if let Change::Sync { node, failed: false } = change {
                durable.of.insert(*node, i);
                durable.all = i + 1;
            }
        }
        durable
    }

    fn is(&self, i: usize, change: &Change) -> bool {
        let synced = |node: &Node| self.of.get(node).is_some_and(|last| i < *last);
        match (change, self.names) {
            (Change::Write { node, .. }, _) | (Change::Resize { node, .. }, Names::BySync) => {
                synced(node)
            }
            (Change::Make { of, .. } | Change::Remove { of, .. }, Names::BySync) => synced(of),
            (Change::Rename { from, to, .. }, Names::BySync) => synced(&from.0) && synced(&to.0),
            (_, Names::InOrder) => i < self.all,
            (Change::Sync { .. } | Change::Mark { .. }, _) => true,
        }
    }
}

impl Disk {
    fn write(&mut self, node: Node, at: usize, bytes: &[u8]) {
        let file = self.files.entry(node).or_default();
        if bytes.is_empty() {
            return;
        }
        if file.len() < at + bytes.len() {
            file.resize(at + bytes.len(), 0);
        }
        file[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn folder(&mut self, node: Node) -> &mut BTreeMap<String, Node> {
        self.folders.entry(node).or_default()
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Make { of, name, node, is_folder } => {
                self.folder(*of).insert(name.clone(), *node);
                if *is_folder {
                    self.folder(*node);
                } else {
                    self.files.entry(*node).or_default();
                }
            }
            Change::Remove { of, name, node } => {
                // Its name may stand for another by now, if a rename was lost.
                if self.folder(*of).get(name) == Some(node) {
                    self.folder(*of).remove(name);
                }
            }
            Change::Rename { from, to, node } => {
                if self.folder(from.0).get(&from.1) == Some(node) {
                    self.folder(from.0).remove(&from.1);
                }
                self.folder(to.0).insert(to.1.clone(), *node);
            }
            Change::Write { node, at, bytes } => self.write(*node, *at, bytes),
            Change::Resize { node, len } => self.files.entry(*node).or_default().resize(*len, 0),
            Change::Sync { .. } | Change::Mark { .. } => {}
        }
    }

    /// Writes all of it to a folder, without its empty pages.
    pub(crate) fn put(&self, folder: &Path) {
        self.put_folder(ROOT, folder);
    }

    fn put_folder(&self, node: Node, path: &Path) {
        for (name, node) in &self.folders[&node] {
            let path = path.join(name);
            if self.folders.contains_key(node) {
                fs::create_dir(&path).unwrap();
                self.put_folder(*node, &path);
            } else {
                put_file(&path, self.files.get(node).map_or(&[][..], |bytes| bytes));
            }
        }
    }

    /// Every file by its path.
    pub(crate) fn listed(&self) -> BTreeMap<String, &[u8]> {
        let mut listed = BTreeMap::new();
        let mut open = vec![(ROOT, String::new())];
        while let Some((node, below)) = open.pop() {
            for (name, node) in &self.folders[&node] {
                let path = format!("{below}/{name}");
                if self.folders.contains_key(node) {
                    open.push((*node, path));
                } else {
                    listed.insert(path, self.files.get(node).map_or(&[][..], |bytes| bytes));
                }
            }
        }
        listed
    }
}

/// Writes a file without its empty pages.
pub(crate) fn put_file(path: &Path, bytes: &[u8]) {
    let file = File::create(path).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    let mut begin = 0;
    while begin < bytes.len() {
        let end = bytes.len().min(begin + PAGE);
        let mut full = end;
        // Runs of full pages at once.
        if bytes[begin..end].iter().any(|&byte| byte != 0) {
            while full < bytes.len() {
                let next = bytes.len().min(full + PAGE);
                if bytes[full..next].iter().all(|&byte| byte == 0) {
                    break;
                }
                full = next;
            }
            file.write_all_at(&bytes[begin..full], begin as u64).unwrap();
        }
        begin = full;
    }
}
