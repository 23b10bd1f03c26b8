//! Watched folders: every call that changes one is recorded, counted, and refused if a trial wants it.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use parking_lot::{Mutex, MutexGuard};

/// A file or folder, whatever its name.
pub(crate) type Node = usize;
/// The watched folder itself.
pub(crate) const ROOT: Node = 0;

/// A call that changed something. Names stand in the folder `of`.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A new file or folder, or a further name of a file.
    Make {
        of: Node,
        name: String,
        node: Node,
        is_folder: bool,
    },
    Remove {
        of: Node,
        name: String,
        node: Node,
    },
    Rename {
        from: (Node, String),
        to: (Node, String),
        node: Node,
    },
    Write {
        node: Node,
        at: usize,
        bytes: Vec<u8>,
    },
    Resize {
        node: Node,
        len: usize,
    },
    /// `fsync` or `fdatasync`, of a file or a folder.
    Sync {
        node: Node,
        failed: bool,
    },
    /// Writer so and so has been told that so many of its steps are done.
    Mark {
        writer: usize,
        steps: usize,
    },
}

/// Kinds of calls that can be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// To write or to make a file.
    Open,
    Write,
    Sync,
    Rename,
    Remove,
    Resize,
    Folder,
}

impl Call {
    pub(crate) const ALL: [Self; 7] = [
        Self::Open,
        Self::Write,
        Self::Sync,
        Self::Rename,
        Self::Remove,
        Self::Resize,
        Self::Folder,
    ];
}

/// Which call is refused, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// None: any.
    pub(crate) call: Option<Call>,
    /// Counted from 1.
    pub(crate) nth: usize,
    pub(crate) how: How,
    /// Whether all such calls behind it are refused too.
    pub(crate) lasts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// This error.
    Error(c_int),
    /// The process is killed; of a write, half is done before.
    Kill,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Go,
    /// Only so many bytes are written.
    Short(usize),
    Error(c_int),
    Kill,
}

/// A folder that is watched as long as this lives. Syncs there only count: no disk is waited for.
#[derive(Debug)]
pub(crate) struct Watched {
    id: usize,
}

#[derive(Debug)]
struct Folder {
    root: Vec<u8>,
    /// By path below the root.
    names: BTreeMap<String, Node>,
    nodes: usize,
    /// None: nothing is recorded.
    record: Option<Vec<Change>>,
    fault: Option<Fault>,
    /// Calls that the fault is for, since it was set.
    calls: usize,
    hits: usize,
    /// Bytes that files may still grow by.
    room: Option<u64>,
    /// What the trials do not understand.
    odd: Vec<String>,
}

#[derive(Debug, Default)]
struct Watch {
    folders: BTreeMap<usize, Folder>,
    /// By device and number.
    files: BTreeMap<(u64, u64), (usize, Node)>,
    last: usize,
}

static WATCH: Mutex<Watch> =
    Mutex::new(Watch { folders: BTreeMap::new(), files: BTreeMap::new(), last: 0 });

/// A call on something in a watched folder, which nobody else calls on meanwhile.
pub(crate) struct Seen {
    watch: MutexGuard<'static, Watch>,
    /// The folder's number.
    id: usize,
    /// Of a file that is open.
    pub(crate) node: Node,
    pub(crate) len: u64,
    /// Path below the root, if the call has one.
    pub(crate) below: String,
}

impl Watched {
    /// Watches a folder that is there, and records what is changed from here on.
    pub(crate) fn record(path: &Path) -> Self {
        Self::begin(path, Some(Vec::new()))
    }

    /// Watches a folder that is there.
    pub(crate) fn new(path: &Path) -> Self {
        Self::begin(path, None)
    }

    fn begin(path: &Path, record: Option<Vec<Change>>) -> Self {
        let path = path.canonicalize().unwrap();
        let mut entries = vec![(String::new(), key(&path))];
        walk(&path, "", &mut entries);
        let mut watch = WATCH.lock();
        watch.last += 1;
        let id = watch.last;
        for (node, (_, key)) in entries.iter().enumerate() {
            watch.files.insert(*key, (id, node));
        }
        let record = record.map(|_| before(&path, &entries));
        let folder = Folder {
            root: path.as_os_str().as_bytes().to_vec(),
            nodes: entries.len(),
            names: entries.into_iter().enumerate().map(|(node, (name, _))| (name, node)).collect(),
            record,
            fault: None,
            calls: 0,
            hits: 0,
            room: None,
            odd: Vec::new(),
        };
        watch.folders.insert(id, folder);
        drop(watch);
        Self { id }
    }

    /// What was recorded so far.
    pub(crate) fn recorded(&self) -> Vec<Change> {
        self.with(|folder| folder.record.clone().unwrap_or_default())
    }

    /// Notes that a writer was told that so many of its steps are done.
    pub(crate) fn mark(&self, writer: usize, steps: usize) {
        self.with(|folder| {
            if let Some(record) = &mut folder.record {
                record.push(Change::Mark { writer, steps });
            }
        });
    }

    /// Refuses a call from here on, or none.
    pub(crate) fn refuse(&self, fault: Option<Fault>) {
        self.with(|folder| (folder.fault, folder.calls, folder.hits) = (fault, 0, 0));
    }

    /// How many calls were refused, since it was said what to refuse.
    pub(crate) fn refused(&self) -> usize {
        self.with(|folder| folder.hits)
    }

    /// How many such calls there were, since it was said what to refuse.
    pub(crate) fn calls(&self) -> usize {
        self.with(|folder| folder.calls)
    }

    /// Leaves files so much room to grow; none: any.
    pub(crate) fn leave_room(&self, bytes: Option<u64>) {
        self.with(|folder| folder.room = bytes);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Folder) -> T) -> T {
        let mut watch = WATCH.lock();
        let folder = watch.folders.get_mut(&self.id).unwrap();
        assert_eq!(folder.odd, Vec::<String>::new(), "calls that are not modeled");
        act(folder)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut watch = WATCH.lock();
        watch.folders.remove(&self.id);
        watch.files.retain(|_, (id, _)| *id != self.id);
    }
}

/// What is there already, as if it had been made and synced.
fn before(root: &Path, entries: &[(String, (u64, u64))]) -> Vec<Change> {
    let mut changes = Vec::new();
    let node_of = |below: &str| entries.iter().position(|(name, _)| name == below).unwrap();
    for (node, (below, _)) in entries.iter().enumerate().skip(1) {
        let (of, name) = below.rsplit_once('/').unwrap_or(("", below));
        let path = root.join(below);
        let (of, name, is_folder) = (node_of(of), name.to_owned(), path.is_dir());
        changes.push(Change::Make { of, name, node, is_folder });
        if !is_folder {
            changes.push(Change::Write { node, at: 0, bytes: fs::read(path).unwrap() });
        }
    }
    changes.extend((0..entries.len()).map(|node| Change::Sync { node, failed: false }));
    changes
}

fn key(path: &Path) -> (u64, u64) {
    let found = fs::symlink_metadata(path).unwrap();
    (found.dev(), found.ino())
}

fn walk(path: &Path, below: &str, entries: &mut Vec<(String, (u64, u64))>) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let below = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        entries.push((below.clone(), key(&path)));
        if path.is_dir() {
            walk(&path, &below, entries);
        }
    }
}

/// The call on an open file, if the file is in a watched folder.
pub(crate) fn file(fd: c_int) -> Option<Seen> {
    let watch = WATCH.lock();
    if watch.folders.is_empty() {
        return None;
    }
    let (key, len) = stat_of(fd)?;
    let &(id, node) = watch.files.get(&key)?;
    Some(Seen { watch, id, node, len, below: String::new() })
}

/// The call on a path, if it leads into a watched folder.
pub(crate) fn path(at: c_int, path: &CStr) -> Option<Seen> {
    let watch = WATCH.lock();
    if watch.folders.is_empty() {
        return None;
    }
    let path = absolute(at, path)?;
    let below = |folder: &Folder| {
        let rest = path.strip_prefix(&folder.root[..])?;
        let rest = if rest.is_empty() { rest } else { rest.strip_prefix(b"/")? };
        Some(String::from_utf8_lossy(rest).trim_end_matches('/').to_owned())
    };
    let (id, below) = watch.folders.iter().find_map(|(id, folder)| Some((*id, below(folder)?)))?;
    Some(Seen { watch, id, node: usize::MAX, len: 0, below })
}

fn absolute(at: c_int, path: &CStr) -> Option<Vec<u8>> {
    let path = path.to_bytes();
    if path.starts_with(b"/") {
        return Some(path.to_vec());
    }
    if at == libc::AT_FDCWD {
        return None;
    }
    let link = CString::new(format!("/proc/self/fd/{at}")).ok()?;
    let mut folder = vec![0_u8; 4096];
    // SAFETY: the buffer has the length that is told.
    let len = unsafe {
        libc::readlink(link.as_ptr(), folder.as_mut_ptr().cast::<c_char>(), folder.len())
    };
    folder.truncate(usize::try_from(len).ok()?);
    folder.push(b'/');
    folder.extend_from_slice(path);
    Some(folder)
}

fn stat_of(fd: c_int) -> Option<((u64, u64), u64)> {
    let mut found = std::mem::MaybeUninit::<libc::stat64>::uninit();
    // SAFETY: there is room for the answer.
    let told = unsafe { libc::fstat64(fd, found.as_mut_ptr()) };
    if told != 0 {
        return None;
    }
    // SAFETY: it was filled in.
    let found = unsafe { found.assume_init() };
    Some(((found.st_dev, found.st_ino), u64::try_from(found.st_size).ok()?))
}

impl Seen {
    fn folder(&mut self) -> &mut Folder {
        self.watch.folders.get_mut(&self.id).unwrap()
    }

    /// What becomes of this call.
    pub(crate) fn verdict(&mut self, call: Call) -> Verdict {
        let folder = self.folder();
        let Some(fault) = folder.fault else { return Verdict::Go };
        if fault.call.is_some_and(|wanted| wanted != call) {
            return Verdict::Go;
        }
        folder.calls += 1;
        if folder.calls == fault.nth || (fault.lasts && folder.calls > fault.nth) {
            folder.hits += 1;
            return match fault.how {
                How::Error(number) => Verdict::Error(number),
                How::Kill => Verdict::Kill,
            };
        }
        Verdict::Go
    }

    /// What becomes of a write, which may lack room.
    pub(crate) fn verdict_of_write(&mut self, end: u64, bytes: usize) -> Verdict {
        let verdict = self.verdict(Call::Write);
        let grows = end.saturating_sub(self.len);
        let folder = self.folder();
        let Some(room) = folder.room.filter(|&room| verdict == Verdict::Go && grows > room) else {
            return verdict;
        };
        folder.hits += 1;
        let missing = usize::try_from(grows - room).unwrap_or(usize::MAX);
        match bytes.checked_sub(missing) {
            Some(fits) if fits > 0 => Verdict::Short(fits),
            Some(_) | None => Verdict::Error(libc::ENOSPC),
        }
    }

    /// Whether there is no room for another name.
    pub(crate) fn is_full(&mut self) -> bool {
        let folder = self.folder();
        let is_full = folder.room == Some(0);
        folder.hits += usize::from(is_full);
        is_full
    }

    /// Whether there is something of this path.
    pub(crate) fn is_there(&mut self) -> bool {
        let below = self.below.clone();
        self.folder().names.contains_key(&below)
    }

    fn push(&mut self, change: Change) {
        if let Some(record) = &mut self.folder().record {
            record.push(change);
        }
    }

    /// The folder of a path, and the last name in it.
    fn parent(&mut self, below: &str) -> (Node, String) {
        let (folder, name) = below.rsplit_once('/').unwrap_or(("", below));
        (self.folder().names.get(folder).copied().unwrap_or(usize::MAX), name.to_owned())
    }

    /// A file or folder was made, which is open.
    pub(crate) fn made(&mut self, fd: c_int, is_folder: bool) {
        let Some((key, _)) = stat_of(fd) else { return };
        let below = self.below.clone();
        let (of, name) = self.parent(&below);
        let folder = self.folder();
        let node = folder.nodes;
        folder.nodes += 1;
        folder.names.insert(below, node);
        self.push(Change::Make { of, name, node, is_folder });
        let id = self.id;
        self.watch.files.insert(key, (id, node));
        self.node = node;
    }

    /// A file has this name as well.
    pub(crate) fn linked(&mut self) {
        let below = self.below.clone();
        let path = Path::new(OsStr::from_bytes(&self.folder().root)).join(&below);
        let Some(&(_, node)) = self.watch.files.get(&key(&path)) else {
            self.odd("a link to what is not watched");
            return;
        };
        let (of, name) = self.parent(&below);
        self.folder().names.insert(below, node);
        self.push(Change::Make { of, name, node, is_folder: false });
    }

    pub(crate) fn written(&mut self, at: u64, bytes: &[u8]) {
        let end = at + bytes.len() as u64;
        let grows = end.saturating_sub(self.len);
        let node = self.node;
        let folder = self.folder();
        if let Some(room) = &mut folder.room {
            *room = room.saturating_sub(grows);
        }
        if let Some(record) = &mut folder.record {
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            record.push(Change::Write { node, at, bytes: bytes.to_vec() });
        }
    }

    pub(crate) fn resized(&mut self, len: u64) {
        let (node, old) = (self.node, self.len);
        if let Some(room) = &mut self.folder().room {
            *room = (*room + old).saturating_sub(len);
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.push(Change::Resize { node, len });
    }

    pub(crate) fn synced(&mut self, failed: bool) {
        let node = self.node;
        self.push(Change::Sync { node, failed });
    }

    /// A file of this length, or a folder, is gone.
    pub(crate) fn removed(&mut self, len: u64) {
        let below = self.below.clone();
        let (of, name) = self.parent(&below);
        let Some(node) = self.forget(&below) else { return };
        self.push(Change::Remove { of, name, node });
        let has_name = self.has_name(node);
        if let Some(room) = self.folder().room.as_mut().filter(|_| !has_name) {
            *room += len;
        }
    }

    fn has_name(&mut self, node: Node) -> bool {
        self.folder().names.values().any(|named| *named == node)
    }

    /// What had a path has none any more.
    fn forget(&mut self, below: &str) -> Option<Node> {
        let node = self.folder().names.remove(below)?;
        if !self.has_name(node) {
            // The system gives its number to the next new file, anywhere.
            let gone = (self.id, node);
            self.watch.files.retain(|_, file| *file != gone);
        }
        Some(node)
    }

    /// It has now another absolute path.
    pub(crate) fn renamed(&mut self, to: &CStr) {
        let below = self.below.clone();
        let root = self.folder().root.clone();
        let inside = to.to_bytes().strip_prefix(&root[..]).and_then(|rest| rest.strip_prefix(b"/"));
        let Some(inside) = inside else {
            self.odd(&format!("a rename to {}", to.to_string_lossy()));
            return;
        };
        let inside = String::from_utf8_lossy(inside).into_owned();
        let (from, to) = (self.parent(&below), self.parent(&inside));
        self.forget(&inside);
        let names = &mut self.folder().names;
        let Some(node) = names.remove(&below) else { return };
        let under = format!("{below}/");
        let moved: Vec<_> = names
            .range(under.clone()..)
            .take_while(|(name, _)| name.starts_with(&under))
            .map(|(name, node)| (name.clone(), *node))
            .collect();
        for (name, node) in moved {
            names.remove(&name);
            names.insert(format!("{inside}/{}", &name[under.len()..]), node);
        }
        names.insert(inside, node);
        self.push(Change::Rename { from, to, node });
    }

    /// A call that the trials do not understand.
    pub(crate) fn odd(&mut self, what: &str) {
        let told = format!("{what} of {}", self.below);
        self.folder().odd.push(told);
    }
}
