//! Values of a pickle, by number: they may hold each other in circles.

use std::borrow::Cow;
use std::ops::Range;

use crate::format::source::Bytes;

/// The number of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(pub(super) u32);

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// UTF-8, unless it was written by Python 2.
    Text(Text),
    Bytes(Text),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// The name of a class or function, after that of its module and a point.
    Global(String),
    /// What a call gives, or a class makes.
    Made(Box<Made>),
    /// What stands outside of the pickle.
    Outside(Id),
}

/// Bytes of a text: a part of the file, or made from what stands there.
#[derive(Clone, Debug)]
pub(super) enum Text {
    At(Range<usize>),
    Own(Vec<u8>),
}

/// A class or function with what it was called with, and what was put into the result.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) of: Id,
    pub(super) arguments: Option<Id>,
    pub(super) state: Option<Id>,
    pub(super) items: Vec<(Id, Id)>,
    pub(super) list: Vec<Id>,
}

/// All values of a pickle.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) bytes: Bytes,
    pub(super) all: Vec<Value>,
    /// The value that the pickle is.
    pub(super) root: Id,
    /// Where the pickle ends in its bytes.
    pub(super) end: usize,
}

impl Values {
    pub(super) fn get(&self, id: Id) -> &Value {
        self.all.get(id.0 as usize).unwrap_or(&Value::None)
    }

    fn text_bytes<'v>(&'v self, text: &'v Text) -> &'v [u8] {
        match text {
            Text::At(range) => self.bytes.get(range.clone()).unwrap_or_default(),
            Text::Own(bytes) => bytes,
        }
    }

    /// The bytes of a text, or of bytes.
    pub(super) fn bytes(&self, id: Id) -> Option<&[u8]> {
        match self.get(id) {
            Value::Text(text) | Value::Bytes(text) => Some(self.text_bytes(text)),
            _ => None,
        }
    }

    pub(super) fn text(&self, id: Id) -> Option<Cow<'_, str>> {
        self.bytes(id).map(String::from_utf8_lossy)
    }

    pub(super) fn int(&self, id: Id) -> Option<i64> {
        match *self.get(id) {
            Value::Int(number) => Some(number),
            Value::Bool(flag) => Some(i64::from(flag)),
            _ => None,
        }
    }

    pub(super) fn size(&self, id: Id) -> Option<usize> {
        usize::try_from(self.int(id)?).ok()
    }

    /// The items of a list or a tuple.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::List(items) | Value::Tuple(items) => Some(items),
            Value::Made(made) if !made.list.is_empty() => Some(&made.list),
            _ => None,
        }
    }

    /// The entries of a dictionary, or of what is made like one.
    pub(super) fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.get(id) {
            Value::Dict(entries) => Some(entries),
            Value::Made(made) => Some(&made.items),
            _ => None,
        }
    }

    /// The name of the class or function that a value was made by.
    pub(super) fn class(&self, id: Id) -> Option<&str> {
        let Value::Made(made) = self.get(id) else { return None };
        match self.get(made.of) {
            Value::Global(name)
                if matches!(
                    name.as_str(),
                    "copy_reg._reconstructor" | "copyreg._reconstructor"
                ) =>
            {
                match self.get(*self.items(made.arguments?)?.first()?) {
                    Value::Global(name) => Some(name),
                    _ => None,
                }
            }
            Value::Global(name) => Some(name),
            _ => None,
        }
    }

    /// An attribute of an object.
    pub(super) fn attribute(&self, id: Id, name: &str) -> Option<Id> {
        let Value::Made(made) = self.get(id) else { return self.entry(id, name) };
        let state = made.state?;
        self.entry(state, name).or_else(|| {
            // The dictionary, and slots behind it.
            let parts = self.items(state)?;
            parts.iter().find_map(|&part| self.entry(part, name))
        })
    }

    /// The value of a name in a dictionary.
    pub(super) fn entry(&self, id: Id, name: &str) -> Option<Id> {
        let Value::Dict(entries) = self.get(id) else { return None };
        let found = entries.iter().find(|(key, _)| self.bytes(*key) == Some(name.as_bytes()));
        found.map(|&(_, value)| value)
    }

    pub(super) fn is_none(&self, id: Id) -> bool {
        matches!(self.get(id), Value::None)
    }
}
