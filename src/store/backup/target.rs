//! Where backups and publications are kept: names with bytes behind them, in a folder or in a bucket.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::blob;
use crate::store::fault;
use crate::store::generation::{copy, stopped};

/// Bytes that what is swapped may have.
pub(super) const HELD_BYTES_MAX: u64 = 1 << 20;
/// How often a name that others swap meanwhile is read again.
const TRIES: usize = 10;
/// Digits of a version's number, so that names stand in order.
const VERSION_DIGITS: usize = 20;

/// Tells the temporary files of this process from those of others that write to the same folder.
static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));

/// Which of the values that a name had one is: no two of them have the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// What a bucket calls the value.
    pub tag: Option<String>,
    /// Its number, where values are counted.
    pub number: Option<String>,
}

/// What a name holds that is only ever swapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// All of it.
    pub bytes: Vec<u8>,
    /// What a swap names, to be refused if somebody was faster.
    pub version: Version,
}

/// Named bytes, each there whole or not at all.
pub trait Target: fmt::Debug + Send + Sync {
    /// Keeps all that a source gives, in place of what had the name. Once this returns it survives a
    /// power cut.
    ///
    /// # Errors
    ///
    /// If the source or the target fails: then nothing has changed.
    fn put(&self, name: &str, source: &mut dyn Read) -> Result<()>;

    /// What has this name; none if nothing has.
    ///
    /// # Errors
    ///
    /// If the target fails.
    fn get(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>>;

    /// Every name that begins so, with its bytes.
    ///
    /// # Errors
    ///
    /// If the target fails.
    fn list(&self, prefix: &str) -> Result<BTreeMap<String, u64>>;

    /// Removes a name; that it is not there is no error.
    ///
    /// # Errors
    ///
    /// If the target fails.
    fn remove(&self, name: &str) -> Result<()>;

    /// What a name holds that is only ever swapped, up to a mebibyte; none if it holds nothing.
    ///
    /// # Errors
    ///
    /// If the target fails, or if there is more.
    fn held(&self, name: &str) -> Result<Option<Held>>;

    /// Lets a name hold other bytes if it still holds those of this version, or nothing if there is none:
    /// of all who try that at once one succeeds. Their version; none if somebody was faster. Once this
    /// returns they survive a power cut.
    ///
    /// # Errors
    ///
    /// If the target fails: then the name may hold either.
    fn swap(&self, name: &str, before: Option<&Version>, bytes: &[u8]) -> Result<Option<Version>>;
}

/// The target of this location: a folder, which is made if it is missing, or with the feature `cloud`
/// a URL such as `s3://bucket/prefix`.
///
/// # Errors
///
/// If the location makes no sense, if this program was built without what it needs, or if the folder
/// cannot be made.
pub fn open(location: &str) -> Result<Box<dyn Target>> {
    if let Some((scheme, _)) = location.split_once("://")
        && scheme != "file"
    {
        #[cfg(feature = "cloud")]
        return super::cloud::open(location);
        #[cfg(not(feature = "cloud"))]
        {
            let what = format!("{scheme}:// by a program that was built without `cloud`");
            return Err(Error::new(ErrorKind::Unsupported { what }));
        }
    }
    let folder = Path::new(location.strip_prefix("file://").unwrap_or(location));
    if folder.as_os_str().is_empty() {
        return Err(Error::invalid("location", "a folder, or a URL, is needed"));
    }
    let making = || format!("making {}", folder.display());
    blob::make_folder(folder).map_err(Error::disk).context(making)?;
    Ok(Box::new(Folder(folder.to_path_buf())))
}

/// A folder of this machine.
#[derive(Debug)]
struct Folder(PathBuf);

impl Target for Folder {
    fn put(&self, name: &str, source: &mut dyn Read) -> Result<()> {
        let path = self.0.join(name);
        let (staged, ()) = blob::stage(&unique(&path), |mut out| {
            let copied = copy(source, &mut out, &|| Ok(()));
            copied.map_err(|error| stopped(error, || format!("keeping {name}")))?;
            Ok((out, ()))
        })?;
        staged.publish_as(&path)
    }

    fn get(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>> {
        Ok(blob::open(&self.0.join(name))?.map(|file| Box::new(file) as Box<dyn Read + Send>))
    }

    fn list(&self, prefix: &str) -> Result<BTreeMap<String, u64>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![(self.0.join(prefix), prefix.trim_end_matches('/').to_owned())];
        while let Some((folder, prefix)) = folders.pop() {
            for path in blob::list(&folder)? {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                // What was never completed, and what others hide there, is no part of a backup.
                if name.starts_with('.') {
                    continue;
                }
                let name = format!("{prefix}/{name}");
                let listing = || format!("listing {}", path.display());
                let metadata = fs::metadata(&path).map_err(Error::disk).context(listing)?;
                if metadata.is_dir() {
                    folders.push((path, name));
                } else {
                    found.insert(name, metadata.len());
                }
            }
        }
        Ok(found)
    }

    fn remove(&self, name: &str) -> Result<()> {
        blob::remove(&self.0.join(name))
    }

    fn held(&self, name: &str) -> Result<Option<Held>> {
        let folder = self.0.join(name);
        for _ in 0..TRIES {
            let Some(number) = last_version(&folder)? else { return Ok(None) };
            // Whoever swaps removes earlier versions.
            let Some(file) = blob::open(&version_path(&folder, number))? else { continue };
            let mut bytes = Vec::new();
            let read = file.take(HELD_BYTES_MAX + 1).read_to_end(&mut bytes);
            read.map_err(|error| stopped(error, || format!("reading {name}")))?;
            check_held(name, bytes.len() as u64)?;
            return Ok(Some(Held { bytes, version: numbered(number) }));
        }
        Err(Error::new(ErrorKind::Overloaded).context(format!("reading {name}")))
    }

    /// A version is a file of its number, and is made by a hard link, which fails if the number is taken.
    fn swap(&self, name: &str, before: Option<&Version>, bytes: &[u8]) -> Result<Option<Version>> {
        let folder = self.0.join(name);
        let number = match before {
            None => 1,
            Some(version) => {
                number_of(version).and_then(|number| number.checked_add(1)).ok_or_else(|| {
                    Error::new(ErrorKind::Internal).context("a version of another target")
                })?
            }
        };
        let path = version_path(&folder, number);
        let (staged, ()) = blob::stage(&unique(&path), |mut out| {
            out.write_all(bytes).map_err(Error::disk)?;
            Ok((out, ()))
        })?;
        // The number of an earlier version that was removed may be free: it holds nothing any more.
        if !staged.publish_new(&path)? {
            return Ok(None);
        }
        if last_version(&folder)? != Some(number) {
            return Ok(None);
        }
        for old in versions(&folder)?.into_iter().filter(|&old| old + 1 < number) {
            // Ignore: it takes little room, and the next swap tries again.
            let _ = blob::remove(&version_path(&folder, old));
        }
        Ok(Some(numbered(number)))
    }
}

/// A name beside this one that no other process takes.
fn unique(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.{:016x}", *PROCESS))
}

/// An error if what is swapped is too much.
pub(super) fn check_held(name: &str, bytes: u64) -> Result<()> {
    if bytes <= HELD_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(fault::damage(format!("{name}, which is far too long,"), fault::PUBLISH_AGAIN)))
}

fn numbered(number: u64) -> Version {
    Version { tag: None, number: Some(number.to_string()) }
}

fn number_of(version: &Version) -> Option<u64> {
    version.number.as_ref()?.parse().ok()
}

fn version_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:0VERSION_DIGITS$}"))
}

fn versions(folder: &Path) -> Result<Vec<u64>> {
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse().ok();
    Ok(blob::list(folder)?.iter().filter_map(number).collect())
}

fn last_version(folder: &Path) -> Result<Option<u64>> {
    Ok(versions(folder)?.into_iter().max())
}
