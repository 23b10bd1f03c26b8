//! `NumPy` archives: a zip archive of arrays, one of them the matrix, and maybe one with the words.

use crate::error::{At, Result};
use crate::format::entry::{Beside, Entry, Read, Told};
use crate::format::source::Bytes;
use crate::format::source::archive::Zip;
use crate::format::whole::{Parts, Whole};
use crate::format::words::Words;
use crate::format::{malformed, npy};

pub(super) const ENTRY: Entry = Entry {
    name: "npz",
    title: "NumPy archive",
    about: "A NumPy archive, with words in a file or inside",
    suffixes: &["npz"],
    begins: |head| {
        let all = head.members.iter().all(|member| is_array(member));
        Told::surely(all && !head.members.is_empty())
    },
    read: Read::Whole(open),
    beside: Beside { words: true, ..Entry::DEFAULT.beside },
    ..Entry::DEFAULT
};

const NAME: &str = ENTRY.name;

fn is_array(member: &str) -> bool {
    member.to_ascii_lowercase().ends_with(".npy")
}

fn open(whole: &Whole<'_>) -> Result<Parts> {
    let Ok(zip) = Zip::open(whole.bytes) else {
        let problem = "an .npz file is a zip archive of arrays; this one is not";
        return Err(malformed(NAME, At::Byte(0), problem));
    };
    let mut arrays: Vec<(String, Bytes)> = Vec::new();
    for name in zip.names().into_iter().filter(|name| is_array(name)) {
        let short = name.trim_end_matches(".npy");
        if whole.tensor().is_none_or(|wanted| wanted == name || wanted == short) {
            arrays.push((short.to_owned(), zip.keep(name, &whole.choices.spool)?));
        }
    }
    let mut matrices = Vec::new();
    let mut words = None;
    for (name, bytes) in &arrays {
        match npy::kind(bytes)? {
            npy::Kind::Matrix => matrices.push((name, bytes)),
            npy::Kind::Texts => {
                let mut list = Words::default();
                npy::texts(bytes)?.iter().for_each(|word| list.push(word));
                words = Some(list);
            }
            npy::Kind::Other => {}
        }
    }
    let listed =
        |names: Vec<&String>| names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    match matrices.as_slice() {
        [(_, bytes)] => whole.plain(words, Box::new(npy::open(bytes)?)),
        [] => {
            let names = listed(arrays.iter().map(|(name, _)| name).collect());
            let problem = format!("no array has two dimensions; it holds {names}");
            Err(malformed(NAME, At::Byte(0), problem))
        }
        more => {
            let names = listed(more.iter().map(|(name, _)| *name).collect());
            let problem = format!("choose one of the arrays {names} with --tensor NAME");
            Err(malformed(NAME, At::Byte(0), problem))
        }
    }
}
