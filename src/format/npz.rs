//! `NumPy` archives: a zip archive of arrays, one of them the matrix, and maybe one with the words.

use crate::error::{At, Error, Result};
use crate::format::entry::{Beside, Entry, Read, Told};
use crate::format::source::Bytes;
use crate::format::source::archive::Zip;
use crate::format::whole::{Parts, Whole};
use crate::format::words::Words;
use crate::format::{Note, malformed, npy, shown};

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

/// Names of the array of words, the surest first.
const WORDS: &[&str] = &[
    "words",
    "word",
    "vocab",
    "vocabulary",
    "tokens",
    "index2word",
    "index_to_key",
    "keys",
    "terms",
];

fn is_array(member: &str) -> bool {
    member.to_ascii_lowercase().ends_with(".npy")
}

#[expect(clippy::too_many_lines, reason = "one choice after the other, each with its note")]
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
    let (mut matrices, mut lists, mut objects) = (Vec::new(), Vec::new(), Vec::new());
    for (name, bytes) in &arrays {
        match npy::kind(bytes)? {
            npy::Kind::Matrix => matrices.push((name, bytes)),
            npy::Kind::Texts => lists.push((name, bytes)),
            npy::Kind::Objects => objects.push(name),
            npy::Kind::Other => {}
        }
    }
    let listed =
        |names: Vec<&String>| names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let known = WORDS
        .iter()
        .find_map(|known| lists.iter().find(|(name, _)| name.eq_ignore_ascii_case(known)));
    let list = match (known, lists.as_slice()) {
        (Some(list), _) | (None, [list]) => Some(list),
        (None, several) if several.len() > 1 && whole.choices.words.is_none() => {
            let names = listed(several.iter().map(|(name, _)| *name).collect());
            let problem = format!(
                "several arrays hold texts, {names}, and none is named words: name a file of the words \
                 with --words FILE"
            );
            return Err(malformed(NAME, At::Byte(0), problem));
        }
        (None, _) => None,
    };
    if list.is_none() && !objects.is_empty() && whole.words(0, false)?.is_none() {
        let names = listed(objects);
        let problem = format!(
            "the words may be in an array of objects, {names}, which is a Python pickle; save them as \
             texts: numpy.savez(out, words=numpy.array(words, dtype=str), vectors=vectors)"
        );
        return Err(malformed(NAME, At::Byte(0), problem));
    }
    let own = list.map(|(_, bytes)| {
        let mut words = Words::default();
        npy::texts(bytes)?.iter().for_each(|word| words.push(word));
        Ok::<_, Error>(words)
    });
    let own = own.transpose()?;
    match matrices.as_slice() {
        [(name, bytes)] => {
            let matrix = npy::open(bytes)?;
            let mut told = format!("vectors of \"{}\"", shown(name.as_bytes()));
            if let (Some((list, _)), Some(words)) = (list, &own) {
                if words.len() != matrix.rows {
                    let problem = format!(
                        "the array {list} has {} words, {name} has {} rows",
                        words.len(),
                        matrix.rows
                    );
                    return Err(malformed(NAME, At::Byte(0), problem));
                }
                told.extend([", words of \"", shown(list.as_bytes()).as_str(), "\""]);
            }
            let note = Note { reason: "arrays", done: "read", at: At::Row(0), detail: told };
            let (tokenizer, mut notes) = whole.tokenizer(own.is_some(), false)?;
            notes.push(note);
            let reader = whole.paired(own, Box::new(matrix), notes, false)?;
            Ok(Parts { tokenizer, ..Parts::rows(reader) })
        }
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
