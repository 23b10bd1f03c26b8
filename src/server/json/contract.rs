//! The contract's messages and methods, as reading and writing JSON needs them.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use crate::proto::DESCRIPTORS;

/// All of it.
pub(super) static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    // What cannot be read has no methods; a test holds that it can.
    Contract::of(&FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default())
});

/// Whether several messages may be answered at a path of gRPC.
pub(in crate::server) fn answers_stream(path: &str) -> bool {
    CONTRACT.method(path).is_some_and(|method| method.answers_stream)
}

#[derive(Debug, Default)]
pub(super) struct Contract {
    messages: Vec<Message>,
    enums: Vec<Names>,
    methods: Vec<Method>,
    by_path: HashMap<String, usize>,
    /// By what stands behind a table's name: `nearest`, `list-words`.
    of_tables: HashMap<String, usize>,
}

/// A method.
#[derive(Debug)]
pub(super) struct Method {
    /// `/wordspace.v1.SearchService/Nearest`.
    pub(super) path: String,
    /// `SearchService/Nearest`.
    pub(super) short: String,
    /// `nearest`; none if its request names no table.
    pub(super) of_table: Option<String>,
    /// Place of the message that it takes, and of the one that it answers.
    pub(super) input: usize,
    pub(super) output: usize,
    /// Whether several messages may come.
    pub(super) takes_stream: bool,
    /// Whether several messages may be answered.
    pub(super) answers_stream: bool,
}

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    /// `NearestRequest`.
    pub(super) name: String,
    pub(super) fields: Vec<Field>,
    /// By the name in the contract, and the one in camel case.
    by_name: HashMap<String, usize>,
    by_number: HashMap<u32, usize>,
    /// Whether it is a time, which JSON has as a text.
    pub(super) is_time: bool,
}

/// A field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) name: String,
    /// What stands before its value: its name in quotes, and a colon.
    pub(super) head: String,
    pub(super) kind: Kind,
    pub(super) is_list: bool,
    /// Whether its entries are keys with values.
    pub(super) is_map: bool,
    /// The group of fields of which one at most is there.
    pub(super) one_of: Option<i32>,
    /// Whether it tells apart what is not there from a default value.
    pub(super) has_presence: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int32,
    Uint32,
    Int64,
    Uint64,
    Fixed32,
    Float,
    Double,
    Text,
    Bytes,
    /// With its place.
    Enum(usize),
    /// Likewise.
    Message(usize),
}

impl Kind {
    /// The type on the wire: a number of any length, 8 bytes, bytes behind their length, 4 bytes.
    pub(super) fn wire_type(self) -> u8 {
        match self {
            Self::Bool
            | Self::Int32
            | Self::Uint32
            | Self::Int64
            | Self::Uint64
            | Self::Enum(_) => 0,
            Self::Double => 1,
            Self::Text | Self::Bytes | Self::Message(_) => 2,
            Self::Fixed32 | Self::Float => 5,
        }
    }
}

/// The values of an enum.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) all: Vec<(i32, String)>,
}

impl Names {
    pub(super) fn name(&self, number: i32) -> Option<&str> {
        self.all.iter().find(|(of, _)| *of == number).map(|(_, name)| name.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Option<i32> {
        self.all.iter().find(|(_, of)| of == name).map(|(number, _)| *number)
    }
}

impl Message {
    /// The place of a field.
    pub(super) fn field_named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Likewise.
    pub(super) fn field_numbered(&self, number: u32) -> Option<usize> {
        self.by_number.get(&number).copied()
    }
}

impl Contract {
    pub(super) fn message(&self, place: usize) -> &Message {
        &self.messages[place]
    }

    pub(super) fn names(&self, place: usize) -> &Names {
        &self.enums[place]
    }

    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    pub(super) fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// The method at a path of gRPC.
    pub(super) fn method(&self, path: &str) -> Option<&Method> {
        self.by_path.get(path).map(|&place| &self.methods[place])
    }

    /// The method that is meant behind the name of a table.
    pub(super) fn of_table(&self, name: &str) -> Option<&Method> {
        self.of_tables.get(name).map(|&place| &self.methods[place])
    }

    fn of(set: &FileDescriptorSet) -> Self {
        let (mut messages, mut enums) = (Vec::new(), Vec::new());
        for file in &set.file {
            let scope = format!(".{}", file.package());
            for message in &file.message_type {
                collect(&scope, message, &mut messages, &mut enums);
            }
            let own = file.enum_type.iter();
            enums.extend(own.map(|one| (format!("{scope}.{}", one.name()), one)));
        }
        let places = Places {
            messages: messages
                .iter()
                .enumerate()
                .map(|(place, (name, message))| (name.clone(), (place, *message)))
                .collect(),
            enums: enums
                .iter()
                .enumerate()
                .map(|(place, (name, _))| (name.clone(), place))
                .collect(),
        };
        let mut contract = Self {
            messages: messages.iter().map(|(name, one)| places.message(name, one)).collect(),
            enums: enums.iter().map(|(_, one)| names(one)).collect(),
            ..Self::default()
        };
        for file in &set.file {
            for service in &file.service {
                for method in &service.method {
                    let short = format!("{}/{}", service.name(), method.name());
                    let path = format!("/{}.{short}", file.package());
                    let place = |name| places.messages.get(name).map(|&(place, _)| place);
                    let (Some(input), Some(output)) =
                        (place(method.input_type()), place(method.output_type()))
                    else {
                        continue;
                    };
                    contract.add(Method {
                        path,
                        short,
                        of_table: contract.messages[input]
                            .field_named("table")
                            .map(|_| in_kebab_case(method.name())),
                        input,
                        output,
                        takes_stream: method.client_streaming(),
                        answers_stream: method.server_streaming(),
                    });
                }
            }
        }
        contract
    }

    fn add(&mut self, method: Method) {
        let place = self.methods.len();
        self.by_path.insert(method.path.clone(), place);
        if !method.takes_stream {
            self.of_tables.extend(method.of_table.clone().map(|name| (name, place)));
        }
        self.methods.push(method);
    }
}

/// `ListWords` as `list-words`.
fn in_kebab_case(name: &str) -> String {
    let mut kebab = String::new();
    for (place, c) in name.char_indices() {
        if c.is_ascii_uppercase() && place > 0 {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    kebab
}

fn names(of: &EnumDescriptorProto) -> Names {
    let all = of.value.iter().map(|value| (value.number(), value.name().to_owned()));
    Names { all: all.collect() }
}

/// Messages and enums, with those that are declared within messages, by their full names.
fn collect<'a>(
    scope: &str,
    message: &'a DescriptorProto,
    messages: &mut Vec<(String, &'a DescriptorProto)>,
    enums: &mut Vec<(String, &'a EnumDescriptorProto)>,
) {
    let name = format!("{scope}.{}", message.name());
    enums.extend(message.enum_type.iter().map(|one| (format!("{name}.{}", one.name()), one)));
    for nested in &message.nested_type {
        collect(&name, nested, messages, enums);
    }
    messages.push((name, message));
}

struct Places<'a> {
    messages: HashMap<String, (usize, &'a DescriptorProto)>,
    enums: HashMap<String, usize>,
}

impl Places<'_> {
    fn message(&self, name: &str, of: &DescriptorProto) -> Message {
        let fields: Vec<Field> = of.field.iter().filter_map(|field| self.field(field)).collect();
        let in_camel_case = of.field.iter().map(|field| (field.number(), field.json_name()));
        let in_camel_case: HashMap<_, _> = in_camel_case.collect();
        let mut by_name = HashMap::new();
        for (place, field) in fields.iter().enumerate() {
            let number = i32::try_from(field.number).unwrap_or_default();
            by_name.extend(in_camel_case.get(&number).map(|&name| (name.to_owned(), place)));
            by_name.insert(field.name.clone(), place);
        }
        Message {
            // Of one within another both.
            name: name.trim_start_matches(".wordspace.v1.").to_owned(),
            by_number: fields.iter().enumerate().map(|(place, one)| (one.number, place)).collect(),
            fields,
            by_name,
            is_time: name == ".google.protobuf.Timestamp",
        }
    }

    /// None of a kind that the contract has not; a test looks for them.
    fn field(&self, of: &FieldDescriptorProto) -> Option<Field> {
        let entry = self.messages.get(of.type_name());
        let is_map = entry.is_some_and(|(_, entry)| {
            entry.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
        });
        let kind = self.kind(of)?;
        let is_list = of.label() == Label::Repeated;
        // An optional number stands in a group of its own, which nobody wrote.
        let one_of = of.oneof_index.filter(|_| !of.proto3_optional());
        let is_message = matches!(kind, Kind::Message(_));
        Some(Field {
            number: u32::try_from(of.number()).ok()?,
            name: of.name().to_owned(),
            head: format!("\"{}\":", of.name()),
            kind,
            is_list,
            is_map,
            one_of,
            has_presence: !is_list && (is_message || of.oneof_index.is_some()),
        })
    }

    fn kind(&self, of: &FieldDescriptorProto) -> Option<Kind> {
        Some(match of.r#type() {
            Type::Bool => Kind::Bool,
            Type::Int32 => Kind::Int32,
            Type::Uint32 => Kind::Uint32,
            Type::Int64 => Kind::Int64,
            Type::Uint64 => Kind::Uint64,
            Type::Fixed32 => Kind::Fixed32,
            Type::Float => Kind::Float,
            Type::Double => Kind::Double,
            Type::String => Kind::Text,
            Type::Bytes => Kind::Bytes,
            Type::Enum => Kind::Enum(*self.enums.get(of.type_name())?),
            Type::Message => Kind::Message(self.messages.get(of.type_name())?.0),
            Type::Fixed64
            | Type::Group
            | Type::Sfixed32
            | Type::Sfixed64
            | Type::Sint32
            | Type::Sint64 => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_contract_is_known() {
        let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
        let mut all = Vec::new();
        for file in &set.file {
            for message in &file.message_type {
                collect(&format!(".{}", file.package()), message, &mut all, &mut Vec::new());
            }
        }
        assert_eq!(all.len(), CONTRACT.messages.len());
        for ((name, message), known) in all.iter().zip(&CONTRACT.messages) {
            if name == ".google.protobuf.Timestamp" {
                assert!(known.is_time);
                continue;
            }
            assert_eq!(message.field.len(), known.fields.len(), "{name}: a kind without a line");
            assert!(known.fields.len() <= 128, "{name}: a bit for each field in read.rs, print.rs");
        }
        let names: Vec<_> =
            CONTRACT.methods.iter().filter_map(|one| one.of_table.as_ref()).collect();
        let once: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(names.len(), once.len(), "two methods of tables have one name");
        assert!(CONTRACT.methods.len() > 90);
        let nearest = CONTRACT.of_table("nearest").unwrap();
        assert_eq!(nearest.path, "/wordspace.v1.SearchService/Nearest");
        assert!(CONTRACT.of_table("list-words").is_some());
    }

    #[test]
    fn no_request_asks_for_a_time() {
        fn has_time(place: usize, seen: &mut Vec<usize>) -> bool {
            if seen.contains(&place) {
                return false;
            }
            seen.push(place);
            let message = CONTRACT.message(place);
            message.is_time
                || message.fields.iter().any(
                    |field| matches!(field.kind, Kind::Message(nested) if has_time(nested, seen)),
                )
        }
        for method in &CONTRACT.methods {
            assert!(
                !has_time(method.input, &mut Vec::new()),
                "{}: read.rs reads none",
                method.path
            );
        }
    }
}
