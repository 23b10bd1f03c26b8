//! Files and texts as the messages of a stream, in bounded memory.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use crate::proto::{ImportHeader, ImportRequest, import_request};

/// Bytes of a file in one message of an import.
pub(super) const CHUNK_BYTES: usize = 512 << 10;
/// Messages of an import that wait to be sent: what bounds the client's memory.
pub(super) const PARTS_WAITING: usize = 4;

/// The messages that bring texts.
pub(super) struct Messages<M, T> {
    pub(super) first: M,
    /// The message of some bytes of text.
    pub(super) text: T,
    /// What is sent when a text could not be read: no server takes it.
    pub(super) broken: M,
}

/// Sends a first message and then those of a text, which is read on a thread of its own. What could
/// not be read is told, behind a `broken` message: half a text would look like a whole one without it.
pub(super) fn send_text<M: Send + 'static>(
    messages: Messages<M, impl Fn(Vec<u8>) -> M + Send + 'static>,
    mut text: impl Read + Send + 'static,
) -> (ReceiverStream<M>, oneshot::Receiver<io::Error>) {
    let Messages { first, text: message, broken } = messages;
    let (sender, receiver) = mpsc::channel(PARTS_WAITING);
    let (failed, failure) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let send = || -> io::Result<()> {
            if sender.blocking_send(first).is_err() {
                return Ok(());
            }
            loop {
                let mut chunk = Vec::new();
                text.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
                if chunk.is_empty() || sender.blocking_send(message(chunk)).is_err() {
                    return Ok(());
                }
            }
        };
        if let Err(error) = send() {
            // Nobody waits for it if the call has ended meanwhile.
            let _ = failed.send(error);
            let _ = sender.blocking_send(broken);
        }
    });
    (ReceiverStream::new(receiver), failure)
}

/// Texts one after the other, read as one.
///
/// # Examples
///
/// ```
/// use std::io::{Cursor, Read};
/// use wordspace::client::Joined;
///
/// let texts = ["cats ", "sleep"].map(|text| Ok(Box::new(Cursor::new(text)) as Box<dyn Read + Send>));
/// let mut all = String::new();
/// Joined::new(texts.into_iter()).read_to_string(&mut all)?;
/// assert_eq!(all, "cats sleep");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Joined<I> {
    texts: I,
    text: Option<Box<dyn Read + Send>>,
    /// Bytes that are passed over first.
    skip: u64,
}

impl<I> fmt::Debug for Joined<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joined").field("skip", &self.skip).finish_non_exhaustive()
    }
}

impl<I: Iterator<Item = io::Result<Box<dyn Read + Send>>>> Joined<I> {
    /// All of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{Read, empty};
    /// use wordspace::client::Joined;
    ///
    /// let nothing = std::iter::once(Ok(Box::new(empty()) as Box<dyn Read + Send>));
    /// assert_eq!(std::io::copy(&mut Joined::new(nothing), &mut std::io::sink())?, 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(texts: I) -> Self {
        Self::behind(0, texts)
    }

    /// What follows their first bytes.
    pub(super) fn behind(skip: u64, texts: I) -> Self {
        Self { texts, text: None, skip }
    }

    fn read_next(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(text) = &mut self.text {
                match text.read(buffer)? {
                    0 if !buffer.is_empty() => self.text = None,
                    count => return Ok(count),
                }
            }
            match self.texts.next() {
                Some(text) => self.text = Some(text?),
                None => return Ok(0),
            }
        }
    }
}

impl<I: Iterator<Item = io::Result<Box<dyn Read + Send>>>> Read for Joined<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.skip > 0 {
            let mut block = [0; 16 << 10];
            let most = block.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
            match self.read_next(&mut block[..most])? {
                0 => return Err(io::Error::other("the text is shorter than what was kept of it")),
                count => self.skip -= count as u64,
            }
        }
        self.read_next(buffer)
    }
}

/// Opens the main file of an import and fills in what its header lacks.
pub(super) fn begin(header: &mut ImportHeader, path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if header.total_bytes.is_none() && metadata.is_file() {
        header.total_bytes = Some(metadata.len());
    }
    if header.source.is_empty() {
        let name = path.file_name().unwrap_or(path.as_os_str());
        header.source = name.to_string_lossy().into_owned();
    }
    Ok(file)
}

/// A file's bytes as parts of an import.
///
/// # Examples
///
/// ```
/// use wordspace::client::{chunks, import_request::Part};
///
/// let mut parts = chunks("king 0.1 0.2\nqueen 0.2 0.1\n".as_bytes());
/// assert!(matches!(parts.next(), Some(Ok(Part::Chunk(bytes))) if bytes.len() == 27));
/// assert!(parts.next().is_none());
/// ```
pub fn chunks(mut file: impl Read) -> impl Iterator<Item = io::Result<import_request::Part>> {
    std::iter::from_fn(move || {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        match file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk) {
            Ok(0) => None,
            Ok(_) => Some(Ok(import_request::Part::Chunk(chunk))),
            Err(error) => Some(Err(error)),
        }
    })
}

/// Raised when the future of an import is dropped, so that its thread stops.
pub(super) struct Abandoned(pub(super) Arc<AtomicBool>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) fn feed(
    sender: &mpsc::Sender<ImportRequest>,
    mut parts: impl Iterator<Item = io::Result<import_request::Part>>,
    abandoned: &AtomicBool,
) -> io::Result<()> {
    loop {
        let part = parts.next().transpose()?;
        // Asked after each part, the last too: reading one may have taken long.
        if abandoned.load(Ordering::Relaxed) {
            return Err(io::Error::other("the import was abandoned"));
        }
        let Some(part) = part else { return Ok(()) };
        if sender.blocking_send(ImportRequest { part: Some(part) }).is_err() {
            return Ok(());
        }
    }
}
