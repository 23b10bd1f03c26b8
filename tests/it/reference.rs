//! The contract as a page to read: the comments of the proto files, by service and message.

use std::collections::HashMap;
use std::fmt::Write as _;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, ServiceDescriptorProto,
};
use wordspace::proto::DESCRIPTORS;

use crate::support::is_on_file;

/// The numbers of fields in descriptor.proto, of which the paths of comments are made.
mod at {
    pub(super) const FILE_MESSAGE: i32 = 4;
    pub(super) const FILE_ENUM: i32 = 5;
    pub(super) const FILE_SERVICE: i32 = 6;
    pub(super) const SERVICE_METHOD: i32 = 2;
    pub(super) const MESSAGE_FIELD: i32 = 2;
    pub(super) const MESSAGE_NESTED: i32 = 3;
    pub(super) const MESSAGE_ENUM: i32 = 4;
    pub(super) const ENUM_VALUE: i32 = 2;
}

/// To accept a change: `WORDSPACE_ACCEPT=1 cargo test --test it reference`.
#[test]
fn the_reference_is_what_the_contract_says() {
    is_on_file("proto/REFERENCE.md", &reference());
}

/// Every service, method, message, field and enum says what it is.
#[test]
fn everything_in_the_contract_has_a_comment() {
    let mut silent = Vec::new();
    for file in files() {
        let page = Page::of(&file);
        let mut ask = |name: String, path: &[i32]| {
            if page.comment(path).is_empty() {
                silent.push(name);
            }
        };
        for (service, path) in numbered(&file.service, &[at::FILE_SERVICE]) {
            ask(service.name().to_owned(), &path);
            for (method, path) in numbered(&service.method, &joined(&path, at::SERVICE_METHOD)) {
                ask(format!("{}.{}", service.name(), method.name()), &path);
            }
        }
        for (name, message, path) in page.messages() {
            ask(name.clone(), &path);
            for (field, path) in numbered(&message.field, &joined(&path, at::MESSAGE_FIELD)) {
                ask(format!("{name}.{}", field.name()), &path);
            }
        }
        for (name, choice, path) in page.enums() {
            ask(name.clone(), &path);
            for (value, path) in numbered(&choice.value, &joined(&path, at::ENUM_VALUE)) {
                ask(format!("{name}.{}", value.name()), &path);
            }
        }
    }
    assert!(silent.is_empty(), "without a comment: {}", silent.join(", "));
}

fn files() -> Vec<FileDescriptorProto> {
    let all = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let mut files: Vec<_> =
        all.file.into_iter().filter(|file| file.package() == "wordspace.v1").collect();
    files.sort_by(|a, b| a.name().cmp(b.name()));
    files
}

fn joined(path: &[i32], more: i32) -> Vec<i32> {
    [path, &[more]].concat()
}

/// The things of a list with their paths.
fn numbered<'a, T>(things: &'a [T], path: &[i32]) -> Vec<(&'a T, Vec<i32>)> {
    (0_i32..).zip(things).map(|(number, thing)| (thing, joined(path, number))).collect()
}

/// A proto file with its comments by path.
struct Page<'f> {
    file: &'f FileDescriptorProto,
    comments: HashMap<&'f [i32], &'f str>,
}

impl<'f> Page<'f> {
    fn of(file: &'f FileDescriptorProto) -> Self {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        let comments = locations
            .filter_map(|one| Some((one.path.as_slice(), one.leading_comments.as_deref()?)))
            .collect();
        Self { file, comments }
    }

    fn comment(&self, path: &[i32]) -> &'f str {
        self.comments.get(path).copied().unwrap_or_default()
    }

    /// With those in messages, behind these; none that stands for an entry of a map.
    fn messages(&self) -> Vec<(String, &'f DescriptorProto, Vec<i32>)> {
        fn within<'f>(
            (name, message, path): (String, &'f DescriptorProto, Vec<i32>),
            all: &mut Vec<(String, &'f DescriptorProto, Vec<i32>)>,
        ) {
            let nested = numbered(&message.nested_type, &joined(&path, at::MESSAGE_NESTED));
            all.push((name.clone(), message, path));
            for (inner, path) in nested {
                if !inner.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry) {
                    within((format!("{name}.{}", inner.name()), inner, path), all);
                }
            }
        }
        let mut all = Vec::new();
        for (message, path) in numbered(&self.file.message_type, &[at::FILE_MESSAGE]) {
            within((message.name().to_owned(), message, path), &mut all);
        }
        all
    }

    fn enums(&self) -> Vec<(String, &'f EnumDescriptorProto, Vec<i32>)> {
        let top = numbered(&self.file.enum_type, &[at::FILE_ENUM]);
        let top = top.into_iter().map(|(one, path)| (one.name().to_owned(), one, path));
        let nested = self.messages().into_iter().flat_map(|(name, message, path)| {
            let inner = numbered(&message.enum_type, &joined(&path, at::MESSAGE_ENUM));
            inner.into_iter().map(move |(one, path)| (format!("{name}.{}", one.name()), one, path))
        });
        top.chain(nested).collect()
    }

    fn service(&self, service: &ServiceDescriptorProto, path: &[i32], out: &mut String) {
        writeln!(out, "\n## {}\n\n{}", service.name(), text(self.comment(path), "")).unwrap();
        for (method, path) in numbered(&service.method, &joined(path, at::SERVICE_METHOD)) {
            let message = |name: &str, is_stream: bool| {
                format!("{}{}", if is_stream { "stream of " } else { "" }, linked(name))
            };
            writeln!(
                out,
                "- **{}** ({}) answers {}. {}",
                method.name(),
                message(method.input_type(), method.client_streaming()),
                message(method.output_type(), method.server_streaming()),
                text(self.comment(&path), "  ")
            )
            .unwrap();
        }
    }

    fn message(&self, name: &str, message: &DescriptorProto, path: &[i32], out: &mut String) {
        writeln!(out, "\n### {name}\n\n{}\n", text(self.comment(path), "")).unwrap();
        for (field, path) in numbered(&message.field, &joined(path, at::MESSAGE_FIELD)) {
            let choice = field.oneof_index.filter(|_| !field.proto3_optional());
            let place = choice.and_then(|index| usize::try_from(index).ok());
            let choice = place.map_or_else(String::new, |place| {
                format!(", one of `{}`", message.oneof_decl[place].name())
            });
            writeln!(
                out,
                "- **{}** {}{choice}: {}",
                field.name(),
                kind(field, message),
                text(self.comment(&path), "  ")
            )
            .unwrap();
        }
    }

    fn choice(&self, name: &str, choice: &EnumDescriptorProto, path: &[i32], out: &mut String) {
        writeln!(out, "\n### {name}\n\n{}\n", text(self.comment(path), "")).unwrap();
        for (value, path) in numbered(&choice.value, &joined(path, at::ENUM_VALUE)) {
            let comment = text(self.comment(&path), "  ");
            writeln!(out, "- **{}** = {}: {comment}", value.name(), value.number()).unwrap();
        }
    }
}

fn reference() -> String {
    let files = files();
    let mut out = "# The contract\n\n\
                   What `wordspace.v1` says, made of the comments in [wordspace/v1](wordspace/v1) by the test `reference`. \
                   A server tells the same to whoever asks by reflection. Fields marked optional tell whether they were set; of the \
                   others 0, false and nothing mean not set.\n"
        .to_owned();
    let common = files.iter().find(|file| file.name().ends_with("common.proto")).unwrap();
    writeln!(out, "\n## Errors and what a call wants to see\n\n{}", preface(common)).unwrap();
    for file in &files {
        let page = Page::of(file);
        for (service, path) in numbered(&file.service, &[at::FILE_SERVICE]) {
            page.service(service, &path, &mut out);
        }
        if file.service.is_empty() {
            let title = file.name().trim_start_matches("wordspace/v1/");
            writeln!(out, "\n## {title}").unwrap();
        }
        for (name, message, path) in page.messages() {
            page.message(&name, message, &path, &mut out);
        }
        for (name, choice, path) in page.enums() {
            page.choice(&name, choice, &path, &mut out);
        }
    }
    out
}

/// What stands behind the package's name, before anything that it could belong to.
fn preface(file: &FileDescriptorProto) -> String {
    const PACKAGE: &[i32] = &[2];
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    let comments = locations.flat_map(|one| {
        let behind = one.trailing_comments.iter().filter(|_| one.path == PACKAGE);
        one.leading_detached_comments.iter().chain(behind)
    });
    comments.map(|comment| text(comment, "")).collect::<Vec<_>>().join("\n\n")
}

/// A comment as Markdown: lines that are indented stay as they stand, others flow.
fn text(comment: &str, indent: &str) -> String {
    let mut blocks: Vec<(bool, Vec<&str>)> = Vec::new();
    let mut is_new = true;
    for line in comment.lines() {
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        let stays = line.starts_with("  ");
        match blocks.last_mut() {
            _ if line.is_empty() => {}
            Some((same, lines)) if *same == stays && !is_new => lines.push(line),
            _ => blocks.push((stays, vec![line])),
        }
        is_new = line.is_empty();
    }
    let told = blocks.iter().map(|(stays, lines)| {
        if *stays {
            let lines = lines.iter().map(|line| format!("{indent}{line}\n"));
            format!("```text\n{}{indent}```", lines.collect::<String>())
        } else {
            escaped(&lines.join(" "))
        }
    });
    told.collect::<Vec<_>>().join(&format!("\n\n{indent}"))
}

/// What Markdown would take for its own, outside of backticks.
fn escaped(line: &str) -> String {
    let mut is_code = false;
    let mut out = String::new();
    for c in line.chars() {
        is_code ^= c == '`';
        if !is_code && matches!(c, '<' | '*' | '|') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn linked(full_name: &str) -> String {
    let name = full_name.trim_start_matches(".wordspace.v1.");
    if name.starts_with('.') {
        return name.trim_start_matches('.').to_owned();
    }
    format!("[{name}](#{})", name.to_lowercase().replace('.', ""))
}

fn kind(field: &FieldDescriptorProto, within: &DescriptorProto) -> String {
    let bare = |field: &FieldDescriptorProto| {
        let kind = field.r#type();
        if matches!(kind, Type::Message | Type::Enum) {
            linked(field.type_name())
        } else {
            kind.as_str_name().trim_start_matches("TYPE_").to_lowercase()
        }
    };
    let entry = within.nested_type.iter().find(|nested| {
        let is_entry = nested.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry);
        is_entry && field.type_name().ends_with(&format!(".{}", nested.name()))
    });
    if let Some(entry) = entry {
        return format!("map of {} to {}", bare(&entry.field[0]), bare(&entry.field[1]));
    }
    let label = match field.label() {
        Label::Repeated => "list of ",
        Label::Optional | Label::Required if field.proto3_optional() => "optional ",
        Label::Optional | Label::Required => "",
    };
    format!("{label}{}", bare(field))
}
