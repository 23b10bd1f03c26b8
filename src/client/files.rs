//! Files that become tables, and tables that become files.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use crate::checksum::checksum;
use crate::client::Client;
use crate::client::answers::Export;
use crate::client::error::{CallError, Result};
use crate::client::upload::{Abandoned, PARTS_WAITING, begin, chunks, feed};
use crate::proto::{
    ExportRequest, GetUploadRequest, ImportFile, ImportHeader, ImportProgress, ImportReport,
    ImportRequest, import_request,
};

impl Client {
    /// Sends the file at `path`; the header's `source` and `total_bytes` are filled in where they
    /// are empty.
    ///
    /// # Errors
    ///
    /// See [`Client::import`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use std::path::Path;
    /// use wordspace::client::ImportHeader;
    ///
    /// let header = ImportHeader { table: "en".to_owned(), ..ImportHeader::default() };
    /// let path = Path::new("glove.6B.100d.txt");
    /// let report = client.import_file(header, path, |now| println!("{} rows", now.rows_read)).await?;
    /// println!("{} rows kept", report.rows_kept);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn import_file(
        &self,
        mut header: ImportHeader,
        path: &Path,
        on_progress: impl FnMut(&ImportProgress) + Send,
    ) -> Result<ImportReport> {
        let file = begin(&mut header, path).map_err(CallError::Source)?;
        self.import(header, chunks(file), on_progress).await
    }

    /// Where an import into a table, or its training, goes on that broke off before: how many bytes of its
    /// source the server kept, if the source begins with them; else 0.
    ///
    /// # Errors
    ///
    /// As every call; `Source` if the source cannot be read.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use std::fs::File;
    /// use std::path::Path;
    /// use wordspace::client::{CallError, ImportHeader};
    ///
    /// let path = Path::new("glove.6B.100d.txt");
    /// let file = File::open(path).map_err(CallError::Source)?;
    /// let from = client.resume_offset("en", file).await?;
    /// let header = ImportHeader {
    ///     table: "en".to_owned(),
    ///     resume_offset: (from > 0).then_some(from),
    ///     ..ImportHeader::default()
    /// };
    /// client.import_files(header, path, Vec::new(), |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn resume_offset(
        &self,
        table: &str,
        source: impl Read + Send + 'static,
    ) -> Result<u64> {
        let kept = self.get_upload(GetUploadRequest { table: table.to_owned() }).await?;
        let checked = tokio::task::spawn_blocking(move || checksum(source.take(kept.bytes)));
        let checked = checked.await.map_err(io::Error::other).and_then(|checked| checked);
        let same = checked.map_err(CallError::Source)? == (kept.bytes, kept.crc32);
        Ok(if same { kept.bytes } else { 0 })
    }

    /// Sends the file at `path`, from its `resume_offset` on, and then its companions, by their names.
    ///
    /// # Errors
    ///
    /// See [`Client::import`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use std::path::{Path, PathBuf};
    /// use wordspace::client::ImportHeader;
    ///
    /// let header = ImportHeader { table: "en".to_owned(), ..ImportHeader::default() };
    /// let words = ("vocab.txt".to_owned(), PathBuf::from("data/vocab.txt"));
    /// client.import_files(header, Path::new("data/vectors.npy"), vec![words], |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn import_files(
        &self,
        mut header: ImportHeader,
        path: &Path,
        companions: Vec<(String, PathBuf)>,
        on_progress: impl FnMut(&ImportProgress) + Send,
    ) -> Result<ImportReport> {
        let mut main = begin(&mut header, path).map_err(CallError::Source)?;
        if let Some(from) = header.resume_offset {
            main.seek(SeekFrom::Start(from)).map_err(CallError::Source)?;
        }
        let parts = companions.into_iter().flat_map(|(name, path)| {
            let opened = File::open(&path).and_then(|file| {
                let size_bytes = file.metadata()?.len();
                Ok((
                    file,
                    import_request::Part::File(ImportFile { name, size_bytes: Some(size_bytes) }),
                ))
            });
            let (first, rest) = match opened {
                Ok((file, part)) => (Ok(part), Some(chunks(file))),
                Err(error) => (Err(error), None),
            };
            std::iter::once(first).chain(rest.into_iter().flatten())
        });
        self.import(header, chunks(main).chain(parts), on_progress).await
    }

    /// Sends the header, then `parts`: [`chunks`] of a file, or rows. The parts are read on a
    /// thread of their own, at most a few ahead of the network. Returns when the table is on disk.
    ///
    /// If the call fails, if a part cannot be read, or if the returned future is dropped before
    /// the last part was sent, the server's tables stay as they were.
    ///
    /// # Errors
    ///
    /// [`CallError::Source`] if a part cannot be read; else as every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::{ImportHeader, chunks};
    ///
    /// let header = ImportHeader { table: "en".to_owned(), ..ImportHeader::default() };
    /// let text = std::io::Cursor::new("king 0.1 0.2\nqueen 0.2 0.1\n");
    /// client.import(header, chunks(text), |_| {}).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn import(
        &self,
        header: ImportHeader,
        parts: impl Iterator<Item = io::Result<import_request::Part>> + Send + 'static,
        on_progress: impl FnMut(&ImportProgress) + Send,
    ) -> Result<ImportReport> {
        let (sender, receiver) = mpsc::channel(PARTS_WAITING);
        let (failed, mut failure) = oneshot::channel();
        let abandoned = Abandoned(Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&abandoned.0);
        let parts = std::iter::once(Ok(import_request::Part::Header(header))).chain(parts);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = feed(&sender, parts, &flag) {
                // Nobody waits for it if the call has ended meanwhile.
                let _ = failed.send(error);
                // Without this the end of the stream would look like the end of the file: a
                // message with no part is refused, and the import with it.
                let _ = sender.blocking_send(ImportRequest { part: None });
            }
        });
        let requests = ReceiverStream::new(receiver);
        let answered = async {
            let answers = self.answer(self.transfer.clone().import(requests).await)?;
            self.follow(answers, on_progress).await
        };
        let answer = answered.await;
        match failure.try_recv() {
            Ok(error) => Err(CallError::Source(error)),
            Err(_) => answer,
        }
    }

    /// Asks for a table as a file.
    ///
    /// # Errors
    ///
    /// As every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use std::io::Write as _;
    /// use wordspace::client::{CallError, ExportRequest, Format};
    ///
    /// let format = Format::Word2vecBinary.into();
    /// let request = ExportRequest { table: "en".to_owned(), format, ..ExportRequest::default() };
    /// let mut export = client.export(request).await?;
    /// let mut file = std::fs::File::create("en.bin").map_err(CallError::Source)?;
    /// while let Some(part) = export.next().await? {
    ///     file.write_all(&part.chunk).map_err(CallError::Source)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn export(&self, request: ExportRequest) -> Result<Export> {
        let stream = self.answer(self.transfer.clone().export(request).await)?;
        Ok(Export { client: self.clone(), stream })
    }
}
