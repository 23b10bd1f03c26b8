//! `KeyFile`: who may call and what each may do. Keys themselves are in no file: only their hashes are.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::server::access::pattern::Pattern;
use crate::server::access::rules::Role;

/// The version of the file's format.
const FORMAT: u32 = 1;
/// What every key begins with, so that one which lies around is known for what it is.
const PREFIX: &str = "ws_";
/// Random bytes of a key. Nobody guesses so many, so a plain hash hides them.
const SECRET_BYTES: usize = 32;
/// Random bytes of a key's public name.
const ID_BYTES: usize = 4;

/// The file that says who may call.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

/// What is known of a key: all but the key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// Tells it from others; part of the key.
    pub id: String,
    /// What people call it; one that is in force has its name alone.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Patterns of the tables that it may name; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
    /// SHA-256 of the key, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// In place of a key: the name in a client's certificate, or the SHA-256 of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Seconds since 1970.
    pub made_at: u64,
    /// Likewise; none if it never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// Likewise; none while it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<u64>,
    /// Calls, and messages of a stream of questions, a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<u32>,
    /// Jobs at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<u32>,
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Patterns of the tables that it may name; empty for all.
    pub tables: Vec<String>,
    /// How long it is in force; none for ever.
    pub lifetime: Option<Duration>,
    /// Calls, and messages of a stream of questions, a second.
    pub calls_per_second: Option<u32>,
    /// Jobs at once.
    pub jobs: Option<u32>,
    /// In place of a key: a name in the client's certificate.
    pub certificate: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: u32,
    keys: Vec<KeyEntry>,
}

impl KeyEntry {
    /// Whether calls may bring it at this time.
    pub fn is_in_force(&self, now: u64) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// The hash of the key; none if a certificate stands for it.
    pub(super) fn hash(&self) -> Option<[u8; 32]> {
        let digits = self.sha256.as_deref()?;
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() || !digits.is_ascii() {
            return None;
        }
        for (byte, place) in hash.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&digits[place..place + 2], 16).ok()?;
        }
        Some(hash)
    }

    fn check(&self) -> Result<()> {
        check_name("name", &self.name)?;
        for pattern in &self.tables {
            Pattern::read(pattern)?;
        }
        if self.tables.len() > limits::KEY_TABLES_MAX {
            let (max, got) = (limits::KEY_TABLES_MAX as u64, self.tables.len() as u64);
            return Err(Error::new(ErrorKind::TooLarge { limit: "KEY_TABLES_MAX", max, got }));
        }
        let zero = "at least 1; leave it out for no limit";
        if self.calls_per_second == Some(0) {
            return Err(Error::invalid("calls_per_second", zero));
        }
        if self.jobs == Some(0) {
            return Err(Error::invalid("jobs", zero));
        }
        match (&self.certificate, self.hash()) {
            (Some(name), None) if self.sha256.is_none() => check_name("certificate", name),
            (None, Some(_)) => Ok(()),
            _ => {
                let problem = "64 hexadecimal digits, or else `certificate`";
                Err(Error::invalid("sha256", problem).context(format!("the key {}", self.name)))
            }
        }
    }
}

fn check_name(field: &str, name: &str) -> Result<()> {
    let is_plain = name.chars().all(|c| !c.is_control()) && name.trim() == name;
    if (1..=limits::KEY_NAME_BYTES_MAX).contains(&name.len()) && is_plain {
        return Ok(());
    }
    let max = limits::KEY_NAME_BYTES_MAX;
    Err(Error::invalid(field, format!("1 to {max} bytes, on one line, no space around them")))
}

/// The id that a key tells; none if it is no key.
pub(super) fn id_of(key: &str) -> Option<&str> {
    let (id, secret) = key.strip_prefix(PREFIX)?.split_once('_')?;
    let fits = id.len() == 2 * ID_BYTES && secret.len() == 2 * SECRET_BYTES;
    fits.then_some(id)
}

/// The hash by which a key is known.
pub(super) fn hash_of(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Hexadecimal digits of bytes.
pub(in crate::server) fn digits(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::caused(ErrorKind::Internal, error.to_string()))
        .context(|| "asking the system for random numbers")?;
    Ok(bytes)
}

impl KeyFile {
    /// The file at this path, which need not be there.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file of a data folder.
    pub fn of_folder(data: &Path) -> Self {
        Self::at(data.join("keys.json"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All keys, in the order in which they were made; none if there is no file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is no file of keys.
    pub fn read(&self) -> Result<Option<Vec<KeyEntry>>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let max = limits::KEY_FILE_BYTES_MAX;
        let mut text = String::new();
        file.take(max + 1).read_to_string(&mut text).map_err(|error| self.failed(error))?;
        if text.len() as u64 > max {
            return Err(self.damaged(&format!("it has more than {max} bytes")));
        }
        let contents: Contents =
            serde_json::from_str(&text).map_err(|error| self.damaged(&error.to_string()))?;
        if contents.format != FORMAT {
            return Err(self.damaged(&format!("its format is {}, not {FORMAT}", contents.format)));
        }
        let mut seen = std::collections::HashSet::new();
        for entry in &contents.keys {
            entry.check().map_err(|error| self.damaged(&error.to_string()))?;
            if !seen.insert(entry.id.as_str()) {
                return Err(self.damaged(&format!("two keys have the id {}", entry.id)));
            }
        }
        Ok(Some(contents.keys))
    }

    fn damaged(&self, problem: &str) -> Error {
        let advice = "correct it, or put an earlier copy in its place";
        let what = format!("the file of keys {} ({problem})", self.path.display());
        Error::new(ErrorKind::Corrupt { what, advice })
    }

    fn failed(&self, error: io::Error) -> Error {
        let problem = error.to_string();
        Error::disk(error).context(format!("{}: {problem}", self.path.display()))
    }

    /// Makes a key, and tells it: it cannot be told again. None if a certificate stands for it.
    ///
    /// # Errors
    ///
    /// If another key in force has the name, or the file cannot be written.
    pub fn make(&self, new: NewKey) -> Result<(Option<String>, KeyEntry)> {
        let _lock = self.lock()?;
        let mut keys = self.read()?.unwrap_or_default();
        let now = now();
        if keys.iter().any(|key| key.name == new.name && key.is_in_force(now)) {
            let problem = format!("a key \"{}\" is in force; revoke it, or take another", new.name);
            return Err(Error::invalid("name", problem));
        }
        let taken = |certificate: &String| {
            keys.iter()
                .any(|key| key.certificate.as_ref() == Some(certificate) && key.is_in_force(now))
        };
        if new.certificate.as_ref().is_some_and(taken) {
            return Err(Error::invalid("certificate", "another entry in force has this name"));
        }
        let id = digits(&random::<ID_BYTES>()?);
        let key = match new.certificate {
            Some(_) => None,
            None => Some(format!("{PREFIX}{id}_{}", digits(&random::<SECRET_BYTES>()?))),
        };
        let lifetime = new.lifetime.map(|lifetime| now.saturating_add(lifetime.as_secs()));
        let entry = KeyEntry {
            id,
            name: new.name,
            role: new.role,
            tables: new.tables,
            sha256: key.as_deref().map(|key| digits(&hash_of(key))),
            certificate: new.certificate,
            made_at: now,
            expires_at: lifetime,
            revoked_at: None,
            calls_per_second: new.calls_per_second,
            jobs: new.jobs,
        };
        entry.check()?;
        // Those that are no longer in force make room, the earliest first.
        while keys.len() >= limits::KEYS_MAX {
            let Some(old) = keys.iter().position(|key| !key.is_in_force(now)) else {
                let (max, got) = (limits::KEYS_MAX as u64, keys.len() as u64 + 1);
                return Err(Error::new(ErrorKind::TooLarge { limit: "KEYS_MAX", max, got }));
            };
            keys.remove(old);
        }
        keys.push(entry.clone());
        self.write(&keys)?;
        Ok((key, entry))
    }

    /// Takes a key out of force, by its name or its id.
    ///
    /// # Errors
    ///
    /// If no key in force has that name or id, or the file cannot be written.
    pub fn revoke(&self, named: &str) -> Result<KeyEntry> {
        let _lock = self.lock()?;
        let mut keys = self.read()?.unwrap_or_default();
        let is_meant = |key: &&mut KeyEntry| key.id == named || key.name == named;
        let Some(key) = keys.iter_mut().filter(|key| key.revoked_at.is_none()).rfind(is_meant)
        else {
            let known = if keys.iter().any(|key| key.id == named || key.name == named) {
                "is revoked already"
            } else {
                "is not known; `wordspace key list` lists the keys"
            };
            return Err(Error::invalid("key", format!("\"{named}\" {known}")));
        };
        key.revoked_at = Some(now());
        let entry = key.clone();
        self.write(&keys)?;
        Ok(entry)
    }

    /// Held while the file is changed, so that no change is lost to another.
    fn lock(&self) -> Result<File> {
        let path = self.path.with_extension("lock");
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(|error| self.failed(error))?;
        }
        let locked = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(&path)
            .and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| self.failed(error))
    }

    /// Writes the file, there whole or as it was.
    fn write(&self, keys: &[KeyEntry]) -> Result<()> {
        let contents = Contents { format: FORMAT, keys: keys.to_vec() };
        let mut text = serde_json::to_string_pretty(&contents)
            .map_err(|error| Error::caused(ErrorKind::Internal, error))?;
        text.push('\n');
        let new = self.path.with_extension("new");
        let written = || {
            let mut file =
                private(OpenOptions::new().create(true).truncate(true).write(true)).open(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &self.path)?;
            match self.path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => sync_folder(folder),
                _ => sync_folder(Path::new(".")),
            }
        };
        written().map_err(|error| self.failed(error))
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// For the owner's eyes only.
#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str) -> NewKey {
        NewKey {
            name: name.to_owned(),
            role: Role::Read,
            tables: vec!["en-*".to_owned()],
            lifetime: None,
            calls_per_second: Some(5),
            jobs: None,
            certificate: None,
        }
    }

    #[test]
    fn a_key_is_told_once_and_only_its_hash_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::of_folder(&folder.path().join("new"));
        assert!(file.read().unwrap().is_none());
        let (key, entry) = file.make(new("app")).unwrap();
        let key = key.unwrap();
        assert_eq!(id_of(&key), Some(entry.id.as_str()));
        assert_eq!(entry.hash(), Some(hash_of(&key)));
        let (other, _) = file.make(new("other")).unwrap();
        assert_ne!(other.as_deref(), Some(key.as_str()));
        let secret = key.rsplit('_').next().unwrap();
        for stored in fs::read_dir(folder.path().join("new")).unwrap() {
            let text = fs::read_to_string(stored.unwrap().path()).unwrap();
            assert!(!text.contains(secret), "{text}");
        }
        let keys = file.read().unwrap().unwrap();
        assert_eq!(keys[0], entry);
        let taken = file.make(new("app")).unwrap_err();
        assert!(taken.to_string().contains("revoke it"), "{taken}");
        let revoked = file.revoke("app").unwrap();
        assert!(!revoked.is_in_force(now()));
        assert!(file.revoke("app").unwrap_err().to_string().contains("revoked already"));
        assert!(file.revoke("nobody").unwrap_err().to_string().contains("not known"));
        let (again, entry) = file.make(new("app")).unwrap();
        assert_ne!(again.unwrap(), key, "the name may be had again, the key not");
        assert_eq!(file.revoke(&entry.id).unwrap().id, entry.id);
    }

    #[test]
    fn what_is_wrong_with_a_file_of_keys_is_told_and_nothing_is_guessed() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::of_folder(folder.path());
        file.make(new("app")).unwrap();
        let good = fs::read_to_string(file.path()).unwrap();
        let with = |text: &str| {
            let mut written = File::create(file.path()).unwrap();
            written.write_all(text.as_bytes()).unwrap();
            file.read()
        };
        for (from, to) in [
            ("\"read\"", "\"reader\""),
            ("\"format\": 1", "\"format\": 2"),
            ("\"role\"", "\"rol\""),
            ("en-*", "en-[a]"),
            ("\"sha256\": \"", "\"sha256\": \"0"),
            ("\"name\": \"app\"", "\"name\": \"\""),
            ("\"calls_per_second\": 5", "\"calls_per_second\": 0"),
            ("\"made_at\"", "\"admin\": true, \"made_at\""),
            ("}\n", "\n"),
        ] {
            let changed = good.replacen(from, to, 1);
            assert_ne!(changed, good, "{from}");
            let error = with(&changed).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{to}: {error}");
        }
        assert!(with("").is_err() && with(&"x".repeat(5 << 20)).is_err());
        assert_eq!(with(&good).unwrap().unwrap().len(), 1);
        let bad = |change: fn(&mut NewKey)| {
            let mut key = new("other");
            change(&mut key);
            file.make(key).unwrap_err();
            assert_eq!(file.read().unwrap().unwrap().len(), 1);
        };
        bad(|key| key.name = " padded".to_owned());
        bad(|key| key.name = "two\nlines".to_owned());
        bad(|key| key.tables = vec!["a/b".to_owned()]);
        bad(|key| key.jobs = Some(0));
    }
}
