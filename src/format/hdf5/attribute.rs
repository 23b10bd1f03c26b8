//! Texts that an object tells of itself.

use crate::error::Result;
use crate::format::hdf5::object::{File, Message};
use crate::format::source::bytes::Cursor;

const ATTRIBUTE: u16 = 0x0C;
/// Kinds of values: texts of fixed and of any length.
const FIXED: u8 = 3;
const ANY: u8 = 9;

/// The text of that name; none if there is none, or if it is no text.
pub(super) fn text(file: &File, object: u64, wanted: &[u8]) -> Result<Option<Vec<u8>>> {
    for message in file.messages(object)? {
        if message.kind == ATTRIBUTE
            && let Some(found) = value(file, &message, wanted)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn value(file: &File, message: &Message, wanted: &[u8]) -> Result<Option<Vec<u8>>> {
    let what = "an attribute";
    let mut body = file.body(message)?;
    let version = body.u8(what)?;
    body.take(1, what)?;
    let mut size = || body.u16(what).map(usize::from);
    let [name, kind, shape] = [size()?, size()?, size()?];
    if version == 3 {
        body.take(1, what)?;
    }
    // The first version has each at a multiple of eight bytes.
    let room = |size: usize| if version == 1 { size.next_multiple_of(8) } else { size };
    let found = body.take(room(name), what)?;
    if found.get(..name).map(|name| name.strip_suffix(b"\0").unwrap_or(name)) != Some(wanted) {
        return Ok(None);
    }
    let kind = body.take(room(kind), what)?.first().map_or(0, |byte| byte & 0x0F);
    body.take(room(shape), what)?;
    match kind {
        FIXED => {
            let length = body.left();
            let text = body.take(length, what)?;
            let end = memchr::memchr(0, text).unwrap_or(length);
            Ok(Some(text[..end].to_vec()))
        }
        ANY => {
            let length = body.u32(what)?;
            let (heap, index) = (body.u64(what)?, body.u32(what)?);
            heaped(&mut file.at(heap, what)?, index, length).map(Some)
        }
        _ => Ok(None),
    }
}

/// A text of any length, which stands in a heap.
fn heaped(heap: &mut Cursor, wanted: u32, length: u32) -> Result<Vec<u8>> {
    let what = "an attribute's text";
    if heap.take(4, what)? != b"GCOL" {
        return Err(heap.wrong("an attribute's text does not stand in a heap"));
    }
    heap.take(12, what)?;
    loop {
        let index = heap.u16(what)?;
        heap.take(6, what)?;
        let size = heap.u64(what)?;
        let size = heap.count(size.into(), 1, "bytes of a text")?;
        if u32::from(index) == wanted {
            let length = size.min(length as usize);
            return Ok(heap.take(length, what)?.to_vec());
        }
        if index == 0 {
            return Err(heap.wrong("an attribute's text is not in its heap"));
        }
        let room = size.checked_next_multiple_of(8).unwrap_or(size);
        heap.take(room, what)?;
    }
}
