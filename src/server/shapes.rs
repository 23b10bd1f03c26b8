//! Which fields of a request are messages themselves, by the contract's descriptors: what a message takes in
//! memory is counted before it is taken apart, and on the wire a message looks like a text.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use prost::Message as _;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

use crate::proto::DESCRIPTORS;

/// A message: its place among all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape(usize);

/// Fields of requests that name tables, whatever message they are in.
const TABLES: [&str; 10] = [
    "alias",
    "from_table",
    "in_table",
    "new_name",
    "original",
    "other",
    "outputs_table",
    "table",
    "tables",
    "target",
];

/// All messages of the contract.
#[derive(Debug, Default)]
struct Shapes {
    /// Of each message its fields that are messages. The first one has none: it stands for what is unknown.
    fields: Vec<HashMap<u64, Shape>>,
    /// Of each message its fields that name tables.
    tables: Vec<HashSet<u64>>,
    /// What each method takes, by its path.
    requests: HashMap<String, Shape>,
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    // What cannot be read has no messages within; a test holds that it can.
    Shapes::of(&FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default())
});

impl Shape {
    /// Of what the method at this path takes.
    pub(super) fn of_request(path: &str) -> Self {
        SHAPES.requests.get(path).copied().unwrap_or_default()
    }

    /// The message in the field with this number; none if that is a text or a number, or unknown.
    pub(super) fn field(self, number: u64) -> Option<Self> {
        SHAPES.fields.get(self.0)?.get(&number).copied()
    }

    /// Whether the field with this number names a table.
    pub(super) fn names_table(self, number: u64) -> bool {
        SHAPES.tables.get(self.0).is_some_and(|tables| tables.contains(&number))
    }
}

impl Shapes {
    fn of(set: &FileDescriptorSet) -> Self {
        let mut messages = Vec::new();
        for file in &set.file {
            for message in &file.message_type {
                collect(&format!(".{}", file.package()), message, &mut messages);
            }
        }
        let places: HashMap<&str, Shape> =
            (1..).zip(&messages).map(|(place, (name, _))| (name.as_str(), Shape(place))).collect();
        let fields = messages.iter().map(|(_, message)| {
            let fields = message.field.iter().filter_map(|field| {
                let number = u64::try_from(field.number()).ok()?;
                Some((number, *places.get(field.type_name())?))
            });
            fields.collect()
        });
        let tables = messages.iter().map(|(_, message)| {
            let named = message
                .field
                .iter()
                .filter(|field| field.r#type() == Type::String && TABLES.contains(&field.name()));
            named.filter_map(|field| u64::try_from(field.number()).ok()).collect()
        });
        let tables = [HashSet::new()].into_iter().chain(tables).collect();
        let mut requests = HashMap::new();
        for file in &set.file {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    requests.extend(places.get(method.input_type()).map(|&shape| (path, shape)));
                }
            }
        }
        Self { fields: [HashMap::new()].into_iter().chain(fields).collect(), tables, requests }
    }
}

/// A message and those that are declared within it, by their full names.
fn collect<'a>(
    scope: &str,
    message: &'a DescriptorProto,
    all: &mut Vec<(String, &'a DescriptorProto)>,
) {
    let name = format!("{scope}.{}", message.name());
    for nested in &message.nested_type {
        collect(&name, nested, all);
    }
    all.push((name, message));
}
