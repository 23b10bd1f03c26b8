//! Batches out of a file. The crates check what they read, and whatever they still stumble over ends
//! as an error.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::{ChunkReader, Length};

use crate::error::{At, Error, Result};
use crate::format::columns::ipc::{Failure, Ipc};
use crate::format::malformed;
use crate::format::source::Bytes;

/// Rows of a batch.
const BATCH_ROWS: usize = 1_024;
/// Batches that wait to be taken: they are decoded on a thread of their own.
const BATCHES_AHEAD: usize = 2;
/// Rows of vectors of the usual size in `FORGET_BYTES`.
const ROWS_PER_FORGET: usize = 16_384;

/// The formats of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Parquet,
    Arrow,
}

impl Kind {
    /// The format's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }
}

/// The batches of a file.
pub(super) struct Batches {
    schema: SchemaRef,
    from: From,
}

/// Where batches come from.
enum From {
    /// The file.
    File(Box<Decoder>),
    /// A thread that decodes ahead, and ends with the last batch or when nobody takes one.
    Thread(Receiver<Result<Option<RecordBatch>>>),
}

struct Decoder {
    /// The file.
    bytes: Bytes,
    kind: DecoderKind,
    /// Since memory was given back.
    rows: usize,
}

enum DecoderKind {
    Parquet(ParquetRecordBatchReader),
    Arrow(Ipc),
}

impl Batches {
    /// The batches, and how many rows the file claims.
    pub(super) fn open(bytes: &Bytes, format: Kind) -> Result<(Self, Option<u64>)> {
        let (kind, schema, claimed) = if format == Kind::Parquet {
            guarded("parquet", || {
                let builder = ParquetRecordBatchReaderBuilder::try_new(Chunks(bytes.clone()))?;
                let claimed = builder.metadata().file_metadata().num_rows();
                let schema = Arc::clone(builder.schema());
                let reader = builder.with_batch_size(BATCH_ROWS).build()?;
                Ok((DecoderKind::Parquet(reader), schema, u64::try_from(claimed).ok()))
            })?
        } else {
            let file = guarded("arrow", || Ipc::open(bytes))?;
            let schema = file.schema();
            (DecoderKind::Arrow(file), schema, None)
        };
        let decoder = Decoder { bytes: bytes.clone(), kind, rows: 0 };
        Ok((Self { schema, from: From::File(Box::new(decoder)) }, claimed))
    }

    /// The columns.
    pub(super) fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.schema)
    }

    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        match &mut self.from {
            From::File(decoder) => decoder.next(),
            // A thread that ended has told why before.
            From::Thread(batches) => batches.recv().unwrap_or(Ok(None)),
        }
    }

    /// Decodes the batches that are left on a thread of their own, a few ahead.
    pub(super) fn read_ahead(&mut self) -> Result<()> {
        let (sender, receiver) = sync_channel(BATCHES_AHEAD);
        let From::File(mut decoder) = std::mem::replace(&mut self.from, From::Thread(receiver))
        else {
            return Ok(());
        };
        let decode = move || {
            loop {
                let batch = decoder.next();
                let is_last = !matches!(batch, Ok(Some(_)));
                // Nobody reads on if this fails.
                if sender.send(batch).is_err() || is_last {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("column-decoder".to_owned()).spawn(decode);
        thread.map(|_| ()).map_err(Error::disk)
    }
}

impl Decoder {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        let batch = match &mut self.kind {
            DecoderKind::Parquet(reader) => guarded("parquet", || Ok(reader.next().transpose()?)),
            DecoderKind::Arrow(file) => guarded("arrow", || file.next()),
        }?;
        self.rows += batch.as_ref().map_or(0, RecordBatch::num_rows);
        if self.rows >= ROWS_PER_FORGET {
            self.rows = 0;
            self.bytes.forget();
        }
        Ok(batch)
    }
}

fn guarded<T>(format: &'static str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T> {
    let problem = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the file is damaged".to_owned(),
    };
    Err(malformed(format, At::Byte(0), problem))
}

/// Mapped bytes, as the parquet crate asks for them.
struct Chunks(Bytes);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

impl Chunks {
    fn part(&self, start: u64, length: Option<usize>) -> parquet::errors::Result<bytes::Bytes> {
        let start = usize::try_from(start).ok().filter(|&start| start <= self.0.len());
        let end = start.and_then(|start| match length {
            Some(length) => start.checked_add(length),
            None => Some(self.0.len()),
        });
        let part = start.zip(end).and_then(|(start, end)| self.0.slice(start..end));
        match part {
            Some(part) => Ok(bytes::Bytes::from_owner(part)),
            None => Err(parquet::errors::ParquetError::EOF("the file ends before".to_owned())),
        }
    }
}

impl ChunkReader for Chunks {
    type T = bytes::buf::Reader<bytes::Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(bytes::Buf::reader(self.part(start, None)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<bytes::Bytes> {
        self.part(start, Some(length))
    }
}
