//! The names in a group, old style (a tree of symbols) and new style (a message each).

use crate::error::Result;
use crate::format::hdf5::MEMBERS_MAX;
use crate::format::hdf5::object::{File, UNDEFINED, number, unread};

const LINK_INFO: u16 = 0x02;
const LINK: u16 = 0x06;
const SYMBOLS: u16 = 0x11;
/// Nodes of a tree of names, which has few.
const NODES_MAX: usize = 65_536;

/// Names with the addresses of their objects.
pub(super) fn members(file: &File, address: u64) -> Result<Vec<(Vec<u8>, u64)>> {
    let mut members = Vec::new();
    for message in file.messages(address)? {
        match message.kind {
            SYMBOLS => {
                let mut body = file.body(&message)?;
                let (tree, heap) = (body.u64("a group")?, body.u64("a group")?);
                symbols(file, tree, heap, &mut members)?;
            }
            LINK => members.extend(link(file, &message)?),
            LINK_INFO => {
                let mut body = file.body(&message)?;
                body.take(1, "a group")?;
                let numbered = body.u8("a group")? & 1 != 0;
                body.take(if numbered { 8 } else { 0 }, "a group")?;
                if body.u64("a group")? != UNDEFINED {
                    return Err(unread(&body, "a group with many names in the new style"));
                }
            }
            _ => {}
        }
    }
    Ok(members)
}

/// A name and its object; none if it leads out of the file.
fn link(file: &File, message: &super::object::Message) -> Result<Option<(Vec<u8>, u64)>> {
    let what = "a name";
    let mut body = file.body(message)?;
    body.take(1, what)?;
    let flags = body.u8(what)?;
    let kind = if flags & 0x08 == 0 { 0 } else { body.u8(what)? };
    // The order of creation, and the character set.
    body.take(if flags & 0x04 == 0 { 0 } else { 8 }, what)?;
    body.take(usize::from(flags & 0x10 != 0), what)?;
    let length = number(&mut body, flags & 3, what)?;
    let length = body.count(length.into(), 1, "bytes of a name")?;
    let name = body.take(length, what)?.to_vec();
    if kind == 0 { Ok(Some((name, body.u64(what)?))) } else { Ok(None) }
}

fn symbols(file: &File, tree: u64, heap: u64, members: &mut Vec<(Vec<u8>, u64)>) -> Result<()> {
    let what = "a group's names";
    let mut cursor = file.at(heap, what)?;
    if cursor.take(4, what)? != b"HEAP" {
        return Err(cursor.wrong("a group's names do not begin with HEAP"));
    }
    cursor.take(4, what)?;
    let length = cursor.u64(what)?;
    cursor.take(8, what)?;
    let names = file.part(cursor.u64(what)?, length, what)?;
    let mut nodes = vec![(tree, None)];
    let mut next = 0;
    while let Some(&(address, level)) = nodes.get(next) {
        next += 1;
        let mut cursor = file.at(address, what)?;
        if nodes.len() > NODES_MAX || members.len() > MEMBERS_MAX {
            return Err(cursor.wrong("a group has too many names"));
        }
        if level == Some(0) {
            leaf(file, address, &names, members)?;
            continue;
        }
        if cursor.take(4, what)? != b"TREE" || cursor.u8(what)? != 0 {
            return Err(cursor.wrong("a group has no tree of names"));
        }
        let own = cursor.u8(what)?;
        if level.is_some_and(|level: u8| own.checked_add(1) != Some(level)) {
            return Err(cursor.wrong("a group's tree of names has a wrong level"));
        }
        let count = cursor.u16(what)?;
        cursor.take(2 * 8, what)?;
        for _ in 0..count {
            cursor.take(8, what)?;
            nodes.push((cursor.u64(what)?, Some(own)));
        }
    }
    Ok(())
}

fn leaf(file: &File, address: u64, names: &[u8], members: &mut Vec<(Vec<u8>, u64)>) -> Result<()> {
    let what = "a group's names";
    let mut cursor = file.at(address, what)?;
    if cursor.take(4, what)? != b"SNOD" {
        return Err(cursor.wrong("a leaf of a group does not begin with SNOD"));
    }
    cursor.take(2, what)?;
    for _ in 0..cursor.u16(what)? {
        let name = cursor.u64(what)?;
        let object = cursor.u64(what)?;
        cursor.take(24, what)?;
        let rest = usize::try_from(name).ok().and_then(|name| names.get(name..));
        let rest = rest.ok_or_else(|| cursor.wrong("a name stands behind the names"))?;
        let end = memchr::memchr(0, rest).unwrap_or(rest.len());
        members.push((rest[..end].to_vec(), object));
    }
    Ok(())
}
