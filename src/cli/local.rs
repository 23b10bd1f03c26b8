//! Embedding files on this machine: a file with what stands beside it, and what to do with odd rows.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::failure::{Failure, Result};
use crate::cli::options::DtypeArg;
use crate::client;
use crate::format::source::{Body, Bytes, Named};
use crate::format::{self, intake};
use crate::vector::Dtype;

/// Where in a model the table and its words are.
#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    /// The file of the words, if the vectors' file has none and no file beside it is known to
    #[arg(long, value_name = "FILE")]
    pub(super) words: Option<PathBuf>,
    /// The tensor, or the array of an archive, that is the table
    #[arg(long, value_name = "NAME")]
    pub(super) tensor: Option<String>,
    /// What stands between fields of CSV, such as ";" [default: told by looking]
    #[arg(long, value_name = "CHARACTER", value_parser = character)]
    pub(super) delimiter: Option<char>,
    /// What stands before the decimals of numbers in CSV [default: told by looking]
    #[arg(long, value_name = "CHARACTER", value_parser = ["." , ","])]
    pub(super) decimal: Option<String>,
    /// Whether the first line of CSV names the columns [default: told by looking]
    #[arg(long, value_name = "YES_OR_NO", value_parser = yes_or_no)]
    pub(super) header: Option<bool>,
}

fn character(text: &str) -> Result<char, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() => Ok(char::from(*byte)),
        b"\\t" => Ok('\t'),
        _ => Err("one character of ASCII, or \\t for a tab".to_owned()),
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err("yes or no".to_owned()),
    }
}

impl PlaceArgs {
    /// The same for the wire.
    pub(super) fn fields(&self) -> client::FieldLayout {
        client::FieldLayout {
            delimiter: self.delimiter.map(String::from).unwrap_or_default(),
            decimal: self.decimal.clone().unwrap_or_default(),
            header: self.header,
        }
    }
}

/// What to do with odd rows.
#[derive(Debug, Args)]
pub(super) struct PolicyArgs {
    /// What to do with a word that stands there twice
    #[arg(long, value_enum, default_value_t = OnDuplicate::First)]
    pub(super) on_duplicate: OnDuplicate,
    /// What to do with rows that have NaN, infinity, another dimension, or cannot be read
    #[arg(long, value_enum, default_value_t = OnInvalid::Error)]
    pub(super) on_invalid: OnInvalid,
    /// What to do with words whose bytes are not valid UTF-8
    #[arg(long, value_enum, default_value_t = OnInvalidUtf8::KeepBytes)]
    pub(super) on_invalid_utf8: OnInvalidUtf8,
    /// Fold words to lower case; those that become the same are duplicates
    #[arg(long)]
    pub(super) lowercase: bool,
    /// Take this from the beginning of words, such as "/c/en/"
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(super) strip_prefix: String,
    /// Put this before every word
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(super) add_prefix: String,
    /// Give a word another name; may be given again
    #[arg(long, value_name = "OLD=NEW", value_parser = rename)]
    pub(super) rename: Vec<(String, String)>,
    /// Keep vectors at length 1
    #[arg(long)]
    pub(super) normalize: bool,
    /// How vectors are kept [default: as the file has them if f16 or bf16, unless --normalize changes them; else
    /// f32]
    #[arg(long, value_name = "DTYPE", value_enum)]
    pub(super) dtype: Option<DtypeArg>,
    /// Give every word its rank as an attribute: 1 for the first row
    #[arg(long)]
    pub(super) rank: bool,
}

fn rename(argument: &str) -> Result<(String, String), String> {
    match argument.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.into(), new.into())),
        Some(_) | None => Err("a renaming is written OLD=NEW".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OnDuplicate {
    /// Refuse the import
    Error,
    /// Keep the first row
    First,
    /// Keep the last row's vector
    Last,
    /// Keep the mean of the vectors
    Mean,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OnInvalid {
    /// Refuse the import, naming the place
    Error,
    /// Leave the row out and count it
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OnInvalidUtf8 {
    /// Keep the bytes
    KeepBytes,
    /// Store U+FFFD in place of what cannot be read
    Replace,
    /// Leave the row out and count it
    Skip,
    /// Refuse the import
    Error,
}

impl From<OnDuplicate> for client::OnDuplicate {
    fn from(policy: OnDuplicate) -> Self {
        match policy {
            OnDuplicate::Error => Self::Error,
            OnDuplicate::First => Self::First,
            OnDuplicate::Last => Self::Last,
            OnDuplicate::Mean => Self::Mean,
        }
    }
}

impl From<OnDuplicate> for intake::OnDuplicate {
    fn from(policy: OnDuplicate) -> Self {
        match policy {
            OnDuplicate::Error => Self::Error,
            OnDuplicate::First => Self::First,
            OnDuplicate::Last => Self::Last,
            OnDuplicate::Mean => Self::Mean,
        }
    }
}

impl From<OnInvalid> for client::OnInvalid {
    fn from(policy: OnInvalid) -> Self {
        match policy {
            OnInvalid::Error => Self::Error,
            OnInvalid::Skip => Self::Skip,
        }
    }
}

impl From<OnInvalid> for intake::OnInvalid {
    fn from(policy: OnInvalid) -> Self {
        match policy {
            OnInvalid::Error => Self::Error,
            OnInvalid::Skip => Self::Skip,
        }
    }
}

impl From<OnInvalidUtf8> for client::OnInvalidUtf8 {
    fn from(policy: OnInvalidUtf8) -> Self {
        match policy {
            OnInvalidUtf8::KeepBytes => Self::KeepBytes,
            OnInvalidUtf8::Replace => Self::Replace,
            OnInvalidUtf8::Skip => Self::Skip,
            OnInvalidUtf8::Error => Self::Error,
        }
    }
}

impl From<OnInvalidUtf8> for intake::OnInvalidUtf8 {
    fn from(policy: OnInvalidUtf8) -> Self {
        match policy {
            OnInvalidUtf8::KeepBytes => Self::KeepBytes,
            OnInvalidUtf8::Replace => Self::Replace,
            OnInvalidUtf8::Skip => Self::Skip,
            OnInvalidUtf8::Error => Self::Error,
        }
    }
}

impl PolicyArgs {
    /// The same for rows that are taken here.
    pub(super) fn policies(&self) -> intake::Policies {
        intake::Policies {
            on_duplicate: self.on_duplicate.into(),
            on_invalid: self.on_invalid.into(),
            on_invalid_utf8: self.on_invalid_utf8.into(),
            words: intake::WordChanges {
                rename: self.rename.iter().cloned().collect(),
                strip_prefix: self.strip_prefix.clone(),
                lowercase: self.lowercase,
                add_prefix: self.add_prefix.clone(),
            },
            normalize: self.normalize,
            rank: self.rank,
        }
    }

    /// How vectors are kept that are taken here.
    pub(super) fn dtype_of(&self, reader: &dyn format::RowReader) -> Dtype {
        let suited = || if self.normalize { Dtype::F32 } else { reader.suits() };
        self.dtype.map_or_else(suited, Dtype::from)
    }

    /// The same for the wire, but for the header's own fields.
    pub(super) fn word_changes(&self) -> client::WordChanges {
        client::WordChanges {
            rename: self.rename.iter().cloned().collect(),
            strip_prefix: self.strip_prefix.clone(),
            lowercase: self.lowercase,
            add_prefix: self.add_prefix.clone(),
        }
    }
}

/// A file with those beside it.
#[derive(Debug)]
pub(super) struct Found {
    /// The main file.
    pub(super) main: PathBuf,
    /// The others, by the names that a source has for them.
    pub(super) companions: Vec<(String, PathBuf)>,
    /// Which of them has the words, if the user says.
    pub(super) words: Option<String>,
}

/// Looks at a file, or into a folder.
pub(super) fn find(
    path: &Path,
    places: &PlaceArgs,
    wanted: Option<format::Format>,
) -> Result<Found> {
    let unreadable = |problem: &dyn std::fmt::Display| {
        Failure::Local(format!("{} cannot be read: {problem}", path.display()))
    };
    let main = if path.is_dir() {
        format::folder(path).map_err(|error| unreadable(&error))?
    } else {
        if let Some(("http" | "https" | "ftp" | "s3" | "gs" | "hf", rest)) =
            path.to_string_lossy().split_once("://")
        {
            let problem = format!(
                "it is the address of {}, and this command reads files: download it first",
                rest.rsplit('/').next().unwrap_or(rest)
            );
            return Err(unreadable(&problem));
        }
        File::open(path).map_err(|error| unreadable(&error))?;
        path.to_owned()
    };
    let main = format::shard(main, places.tensor.as_deref())?;
    let mut companions = format::companions(&main, wanted, places.tensor.as_deref())?;
    let mut words = None;
    if let Some(file) = &places.words {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Others of that name would be found before it.
        companions.retain(|(other, _)| *other != name);
        companions.push((name.clone(), file.clone()));
        words = Some(name);
    }
    Ok(Found { main, companions, words })
}

impl Found {
    /// Opens all of it.
    pub(super) fn open(
        &self,
        places: &PlaceArgs,
        wanted: Option<format::Format>,
    ) -> Result<format::Opened> {
        let named = |name: String, path: &Path| {
            let mapped = File::open(path).and_then(|file| {
                // Pipes have no length and cannot be mapped.
                let is_file = file.metadata()?.is_file();
                let stream = |file| Body::Stream(Box::new(file));
                if is_file { Bytes::map(&file).map(Body::Whole) } else { Ok(stream(file)) }
            });
            let body = mapped.map_err(|error| {
                Failure::Local(format!("{} cannot be read: {error}", path.display()))
            })?;
            Ok::<_, Failure>(Named { name, body })
        };
        let name = self.main.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut files = vec![named(name, &self.main)?];
        for (name, path) in &self.companions {
            files.push(named(name.clone(), path)?);
        }
        let choices = format::Choices {
            tensor: places.tensor.clone(),
            words: self.words.clone(),
            delimiter: places.delimiter.and_then(|c| u8::try_from(c).ok()),
            decimal: places.decimal.as_ref().and_then(|text| text.bytes().next()),
            header: places.header,
            ..format::Choices::default()
        };
        let options = format::Options { wanted, choices };
        Ok(format::open_files(&mut files.into_iter(), &options)?)
    }
}
