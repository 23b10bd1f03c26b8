//! A bucket of S3, Google Cloud Storage or Azure, by a URL. Credentials and endpoints are taken from the
//! environment, under the names that the vendors' own tools use, such as `AWS_ACCESS_KEY_ID`,
//! `AWS_ENDPOINT_URL` and `AWS_REGION`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, UpdateVersion, WriteMultipart,
};
use tokio::runtime::Runtime;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::backup::target::{Held, Target, Version, check_held};
use crate::store::generation::stopped;

/// Bytes of a piece of an upload; S3 takes 10,000 pieces of a file.
const PIECE_BYTES: usize = 16 << 20;
/// Pieces that are on their way at once.
const PIECES_AT_ONCE: usize = 4;

struct Bucket {
    runtime: Arc<Threads>,
    store: Box<dyn ObjectStore>,
    prefix: Path,
    /// As it was given.
    location: String,
}

/// The bucket at this URL.
pub(super) fn open(location: &str) -> Result<Box<dyn Target>> {
    let url = url::Url::parse(location)
        .map_err(|error| Error::invalid("backups", format!("{location}: {error}")))?;
    let of_vendor = |(name, _): &(String, String)| {
        ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|vendor| name.starts_with(vendor))
    };
    let (store, prefix) = object_store::parse_url_opts(&url, std::env::vars().filter(of_vendor))
        .map_err(|error| Error::invalid("backups", format!("{location}: {error}")))?;
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("cloud")
        .enable_all()
        .build()
        .map_err(Error::disk)?;
    let runtime = Arc::new(Threads(Some(threads)));
    Ok(Box::new(Bucket { runtime, store, prefix, location: location.to_owned() }))
}

/// The threads that talk to the network. Whoever drops them last may be a task, which must not wait.
struct Threads(Option<Runtime>);

impl Threads {
    fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.0.as_ref().expect("they end when this is dropped").block_on(work)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}

fn failed(error: object_store::Error) -> Error {
    Error::caused(ErrorKind::Storage, error)
}

impl Bucket {
    fn path(&self, name: &str) -> Path {
        name.split('/').filter(|part| !part.is_empty()).fold(self.prefix.clone(), Path::join)
    }
}

impl Target for Bucket {
    fn put(&self, name: &str, source: &mut dyn Read) -> Result<()> {
        let putting = || format!("keeping {name} in {}", self.location);
        let (path, mut piece) = (self.path(name), Vec::new());
        let mut next = |piece: &mut Vec<u8>| {
            piece.clear();
            source.take(PIECE_BYTES as u64).read_to_end(piece)
        };
        let first = next(&mut piece).map_err(|error| stopped(error, putting))?;
        if first < PIECE_BYTES {
            let put = self.store.put(&path, piece.into());
            return self.runtime.block_on(put).map(drop).map_err(failed).context(putting);
        }
        self.runtime.block_on(async {
            let upload = self.store.put_multipart(&path).await.map_err(failed).context(putting)?;
            let mut upload = WriteMultipart::new_with_chunk_size(upload, PIECE_BYTES);
            loop {
                upload.write(&piece);
                let sent = upload.wait_for_capacity(PIECES_AT_ONCE).await.map_err(failed);
                let read = tokio::task::block_in_place(|| next(&mut piece));
                let read = read.map_err(|error| stopped(error, putting));
                match sent.and(read) {
                    Ok(0) => return upload.finish().await.map(drop).map_err(failed),
                    Ok(_) => {}
                    Err(error) => {
                        // Ignore: what stays of it the bucket's own rules remove.
                        let _ = upload.abort().await;
                        return Err(error);
                    }
                }
            }
        })
    }

    fn get(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>> {
        match self.runtime.block_on(self.store.get(&self.path(name))) {
            Ok(found) => {
                let (runtime, stream) = (Arc::clone(&self.runtime), found.into_stream());
                Ok(Some(Box::new(Body { runtime, stream, piece: bytes::Bytes::new() })))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => {
                Err(failed(error)).context(|| format!("reading {name} of {}", self.location))
            }
        }
    }

    fn list(&self, prefix: &str) -> Result<BTreeMap<String, u64>> {
        let root = self.path("");
        let listed = self.store.list(Some(&self.path(prefix))).try_collect::<Vec<_>>();
        let listed = self.runtime.block_on(listed).map_err(failed);
        let listed = listed.context(|| format!("listing {}", self.location))?;
        let named = |object: object_store::ObjectMeta| {
            let parts: Vec<_> = object.location.prefix_match(&root)?.collect();
            let names: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
            Some((names.join("/"), object.size))
        };
        Ok(listed.into_iter().filter_map(named).collect())
    }

    fn remove(&self, name: &str) -> Result<()> {
        match self.runtime.block_on(self.store.delete(&self.path(name))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => {
                Err(failed(error)).context(|| format!("removing {name} of {}", self.location))
            }
        }
    }

    fn held(&self, name: &str) -> Result<Option<Held>> {
        let reading = || format!("reading {name} of {}", self.location);
        let found = match self.runtime.block_on(self.store.get(&self.path(name))) {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)).context(reading),
        };
        check_held(name, found.meta.size)?;
        let version = Version { tag: found.meta.e_tag.clone(), number: found.meta.version.clone() };
        let bytes = self.runtime.block_on(found.bytes()).map_err(failed).context(reading)?;
        Ok(Some(Held { bytes: bytes.to_vec(), version }))
    }

    fn swap(&self, name: &str, before: Option<&Version>, bytes: &[u8]) -> Result<Option<Version>> {
        let mode = match before.cloned() {
            None => PutMode::Create,
            Some(Version { tag, number }) => {
                PutMode::Update(UpdateVersion { e_tag: tag, version: number })
            }
        };
        let (path, options) = (self.path(name), PutOptions::from(mode));
        let put = self.store.put_opts(&path, bytes.to_vec().into(), options);
        match self.runtime.block_on(put) {
            Ok(put) => Ok(Some(Version { tag: put.e_tag, number: put.version })),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. }
                | object_store::Error::NotFound { .. },
            ) => Ok(None),
            Err(error) => {
                Err(failed(error)).context(|| format!("swapping {name} of {}", self.location))
            }
        }
    }
}

/// A file of a bucket, as it arrives.
struct Body {
    runtime: Arc<Threads>,
    stream: BoxStream<'static, object_store::Result<bytes::Bytes>>,
    piece: bytes::Bytes,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.stream.try_next()).map_err(io::Error::other)? {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("location", &self.location).finish_non_exhaustive()
    }
}
