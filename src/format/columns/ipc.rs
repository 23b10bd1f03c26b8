//! Arrow IPC: a file, whose footer says where its batches are, or a stream of them.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, Message, MessageHeader, root_as_footer, root_as_message};
use arrow_schema::SchemaRef;

use crate::format::source::Bytes;
use crate::limits;

/// What the crates, and checks before them, find wrong.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

const MAGIC: &[u8] = b"ARROW1";
/// Before the length of a message, since 2019.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// The batches of a file or a stream.
pub(super) struct Ipc {
    decoder: FileDecoder,
    schema: SchemaRef,
    all: Buffer,
    next: Next,
}

/// Where the next batch is.
enum Next {
    /// As the footer lists them.
    Listed(std::vec::IntoIter<Block>),
    /// In the messages from this byte on.
    Message(usize),
}

impl Ipc {
    pub(super) fn open(bytes: &Bytes) -> Result<Self, Failure> {
        let all = Buffer::from(bytes::Bytes::from_owner(bytes.clone()));
        if bytes.starts_with(MAGIC) { Self::file(all) } else { Self::stream(all) }
    }

    fn file(all: Buffer) -> Result<Self, Failure> {
        let incomplete = "the file has no footer; it is not complete";
        let (rest, end) = all.split_last_chunk::<10>().ok_or(incomplete)?;
        let length = read_footer_length(*end).map_err(|_| incomplete)?;
        let begin = rest.len().checked_sub(length).ok_or(incomplete)?;
        let footer = root_as_footer(&rest[begin..])
            .map_err(|error| format!("its header is damaged: {error:?}"))?;
        let schema =
            Arc::new(try_fb_to_schema(footer.schema().ok_or("the footer has no columns")?)?);
        let mut decoder = FileDecoder::new(Arc::clone(&schema), footer.version());
        for block in footer.dictionaries().iter().flatten() {
            let part = part(&all, block)?;
            decoder.read_dictionary(block, &part)?;
        }
        let blocks = footer.recordBatches();
        let blocks: Vec<Block> = blocks.iter().flatten().copied().collect();
        Ok(Self { decoder, schema, next: Next::Listed(blocks.into_iter()), all })
    }

    fn stream(all: Buffer) -> Result<Self, Failure> {
        let (message, block) = message(&all, 0)?.ok_or("the stream is empty")?;
        let columns = message.header_as_schema().ok_or("the stream does not begin with columns")?;
        let schema = Arc::new(try_fb_to_schema(columns)?);
        let decoder = FileDecoder::new(Arc::clone(&schema), message.version());
        let next = Next::Message(end(&block)?);
        Ok(Self { decoder, schema, all, next })
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>, Failure> {
        loop {
            let block = match &mut self.next {
                Next::Listed(blocks) => match blocks.next() {
                    Some(block) => block,
                    None => return Ok(None),
                },
                Next::Message(at) => {
                    let Some((message, block)) = message(&self.all, *at)? else { return Ok(None) };
                    *at = end(&block)?;
                    if message.header_type() == MessageHeader::DictionaryBatch {
                        let part = part(&self.all, &block)?;
                        self.decoder.read_dictionary(&block, &part)?;
                        continue;
                    }
                    block
                }
            };
            let part = part(&self.all, &block)?;
            return Ok(self.decoder.read_record_batch(&block, &part)?);
        }
    }
}

fn end(block: &Block) -> Result<usize, Failure> {
    let sizes = i64::from(block.metaDataLength()).checked_add(block.bodyLength());
    let end = sizes.and_then(|sizes| sizes.checked_add(block.offset()));
    Ok(usize::try_from(end.ok_or("a message is too long")?)?)
}

/// The message that begins there, and where it stands; none at the end.
fn message(all: &Buffer, at: usize) -> Result<Option<(Message<'_>, Block)>, Failure> {
    let incomplete = "the stream ends within a message; it is not complete";
    let mut rest = all.get(at..).ok_or(incomplete)?;
    if rest.is_empty() {
        return Ok(None);
    }
    let mut prefix = 4;
    if let Some(behind) = rest.strip_prefix(&CONTINUATION) {
        (rest, prefix) = (behind, 8);
    }
    let (length, rest) = rest.split_first_chunk().ok_or(incomplete)?;
    let length = i32::from_le_bytes(*length);
    if length == 0 {
        return Ok(None);
    }
    let meta = rest.get(..usize::try_from(length)?).ok_or(incomplete)?;
    let message =
        root_as_message(meta).map_err(|error| format!("its header is damaged: {error:?}"))?;
    let length = length.checked_add(prefix).ok_or(incomplete)?;
    let block = Block::new(i64::try_from(at)?, length, message.bodyLength());
    Ok(Some((message, block)))
}

/// A message with its body, whose packed buffers do not claim more than they may take.
fn part(all: &Buffer, block: &Block) -> Result<Buffer, Failure> {
    let incomplete = "a batch ends behind the file's end; it is not complete";
    let (begin, end) = (usize::try_from(block.offset())?, end(block)?);
    if begin > end || end > all.len() {
        return Err(incomplete.into());
    }
    let part = all.slice_with_length(begin, end - begin);
    let prefix = if part.starts_with(&CONTINUATION) { 8 } else { 4 };
    let body_at = usize::try_from(block.metaDataLength())?;
    let meta = part.get(prefix..body_at).ok_or(incomplete)?;
    let message =
        root_as_message(meta).map_err(|error| format!("its header is damaged: {error:?}"))?;
    let dictionary = message.header_as_dictionary_batch().and_then(|batch| batch.data());
    let batch = message.header_as_record_batch().or(dictionary);
    let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else { return Ok(part) };
    let body = part.get(body_at..).ok_or(incomplete)?;
    for buffer in batch.buffers().iter().flatten() {
        let begin = usize::try_from(buffer.offset())?;
        let Some(claimed) = body.get(begin..).and_then(|bytes| bytes.first_chunk()) else {
            continue;
        };
        let claimed = i64::from_le_bytes(*claimed);
        let packed = buffer.length();
        let max = limits::ARROW_BUFFER_BYTES_MAX
            .min(packed.saturating_mul(limits::ARROW_BUFFER_RATIO_MAX))
            .max(limits::ARROW_BUFFER_BYTES_MIN);
        if packed >= 8 && claimed > max {
            let problem = format!(
                "a buffer of {packed} bytes claims {claimed} bytes when unpacked; at most {max} allowed"
            );
            return Err(problem.into());
        }
    }
    Ok(part)
}
