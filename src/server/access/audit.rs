//! The account of writes and refusals: who did what, when, and what came of it.

use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use crate::error::{Error, Result};
use crate::limits;
use crate::server::access::caller::{Address, Called};
use crate::server::access::keys::now;
use crate::server::access::throttle::Throttle;

/// Entries that wait to be written.
const WAITING: usize = 4_096;
/// Refusals that are told in a second; of the others only their number is.
const REFUSALS_PER_SECOND: u64 = 100;

/// Where the account goes.
#[derive(Debug)]
pub(super) struct Audit {
    file: Option<SyncSender<String>>,
    /// Entries that found no room, and refusals beyond those that are told.
    left_out: AtomicU64,
    refusals: Throttle,
}

/// One call.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    /// Seconds since 1970.
    pub(super) at: u64,
    /// `write` or `refusal`.
    pub(super) what: &'static str,
    /// The key's name; none if it has none, or no key is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<&'a str>,
    /// The key's id, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) address: Address,
    pub(super) method: &'a str,
    /// The call, as the log and its errors name it.
    pub(super) request: &'a str,
    /// The first tables that it named.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(super) tables: &'a [String],
    /// gRPC's name of the code that it was answered with, or `LEFT` if its caller left before.
    pub(super) code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) because: Option<&'a str>,
    pub(super) milliseconds: u64,
    /// Earlier entries that are in no account: there were too many at once.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl<'a> Entry<'a> {
    pub(super) fn new(what: &'static str, called: &Called<'a>, request: &'a str) -> Self {
        let Called { path: method, address, .. } = *called;
        Self {
            at: now(),
            what,
            key: None,
            id: None,
            address,
            method,
            request,
            tables: &[],
            code: "",
            because: None,
            milliseconds: 0,
            left_out: 0,
        }
    }
}

impl Audit {
    /// Into the file, or else into the log.
    pub(super) fn open(path: Option<PathBuf>) -> Result<Self> {
        let file = path.map(|path| {
            let file = append(&path).map_err(|error| {
                let problem = error.to_string();
                Error::disk(error).context(format!("the audit log {}: {problem}", path.display()))
            })?;
            let (lines, written) = sync_channel(WAITING);
            let named = std::thread::Builder::new().name("audit".to_owned());
            named.spawn(move || write(&path, file, &written)).map_err(Error::disk)?;
            Ok::<_, Error>(lines)
        });
        let refusals = Throttle::new(REFUSALS_PER_SECOND);
        Ok(Self { file: file.transpose()?, left_out: AtomicU64::new(0), refusals })
    }

    /// Whether writes are told where no key is needed.
    pub(super) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    pub(super) fn tell(&self, mut entry: Entry<'_>) {
        // Whoever calls without a key may not fill the disk.
        if entry.what == "refusal" && !self.refusals.admits() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        entry.left_out = self.left_out.swap(0, Ordering::Relaxed);
        let Some(file) = &self.file else {
            let Entry { what, key, id, address, method, request, tables, code, because, .. } =
                entry;
            let (key, id) = (key.unwrap_or(""), id.unwrap_or(""));
            let (because, left_out) = (because.unwrap_or(""), entry.left_out);
            let tables = tables.join(",");
            tracing::info!(
                target: "wordspace::audit", what, key, id, %address, method, request, tables, code,
                because,
                milliseconds = entry.milliseconds, left_out, "a call for the account"
            );
            return;
        };
        let Ok(line) = serde_json::to_string(&entry) else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = file.try_send(line) {
            // This one, and those that it would have told of.
            self.left_out.fetch_add(1 + entry.left_out, Ordering::Relaxed);
        }
    }
}

fn append(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Writes lines until the server has ended. A file that is full goes aside, and replaces the one before.
fn write(path: &Path, mut file: File, lines: &Receiver<String>) {
    let mut bytes = file.metadata().map_or(0, |file| file.len());
    let mut failed = false;
    for mut line in lines {
        line.push('\n');
        let written = (|| {
            if bytes > limits::AUDIT_FILE_BYTES_MAX {
                let mut aside = path.as_os_str().to_owned();
                aside.push(".1");
                fs::rename(path, aside)?;
                file = append(path)?;
                bytes = 0;
            }
            bytes += line.len() as u64;
            file.write_all(line.as_bytes())
        })();
        match written {
            Ok(()) => failed = false,
            // Once, and not for every line: it is the line that would be lost silently.
            Err(error) if !failed => {
                tracing::error!(%error, line, "the audit log cannot be written");
                failed = true;
            }
            Err(_) => tracing::error!(line, "the audit log cannot be written"),
        }
    }
}
