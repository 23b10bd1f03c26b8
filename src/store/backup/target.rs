//! Where backups are kept: names with bytes behind them, in a folder or in a bucket.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Error, Result};
use crate::store::blob;
use crate::store::generation::{copy, stopped};

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
            let what =
                format!("a backup to {scheme}:// by a program that was built without `cloud`");
            return Err(Error::new(crate::error::ErrorKind::Unsupported { what }));
        }
    }
    let folder = Path::new(location.strip_prefix("file://").unwrap_or(location));
    if folder.as_os_str().is_empty() {
        return Err(Error::invalid("backups", "a folder, or a URL, is needed"));
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
        blob::replace(&self.0.join(name), |mut out| {
            let copied = copy(source, &mut out, &|| Ok(()));
            copied.map_err(|error| stopped(error, || format!("keeping {name}")))?;
            Ok((out, ()))
        })
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
}
