//! The contract as an `OpenAPI` document, made of its descriptors with their comments.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message as _;
use prost_types::FileDescriptorSet;
use serde_json::{Map, Value, json};
use tonic::codegen::Bytes;

use crate::proto::DESCRIPTORS;
use crate::server::access::is_read;
use crate::server::json::contract::{CONTRACT, Field, Kind, Message, Method};

/// The document.
pub(in crate::server) fn document() -> Bytes {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| make().to_string().into());
    DOCUMENT.clone()
}

fn make() -> Value {
    let comments = Comments::read();
    let mut paths = Map::new();
    for method in CONTRACT.methods().iter().filter(|method| !method.takes_stream) {
        let about = comments.of(method.path.trim_start_matches("/wordspace.v1."));
        paths.insert(format!("/v1/{}", method.short), json!({ "post": posted(method, about) }));
        if let Some(name) = &method.of_table {
            let mut verbs = Map::new();
            verbs.insert("post".to_owned(), posted(method, about));
            if is_read(&method.path) && !method.answers_stream {
                verbs.insert("get".to_owned(), got(method, about));
            }
            verbs.insert("parameters".to_owned(), json!([table()]));
            paths.insert(format!("/v1/tables/{{table}}/{name}"), verbs.into());
        }
    }
    let short = [("/v1/tables", "ListTables"), ("/v1/tables/{table}", "GetTable")];
    for (path, name) in short {
        let Some(method) = CONTRACT.method(&format!("/wordspace.v1.TableService/{name}")) else {
            continue;
        };
        let mut verbs = Map::new();
        verbs.insert("get".to_owned(), got(method, comments.of(&method.short)));
        if path.ends_with('}') {
            verbs.insert("parameters".to_owned(), json!([table()]));
        }
        paths.insert(path.to_owned(), verbs.into());
    }
    let mut schemas = Map::new();
    for message in CONTRACT.messages() {
        schemas.insert(message.name.clone(), schema(message, &comments));
    }
    schemas.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "wordspace",
            "version": env!("CARGO_PKG_VERSION"),
            "description": env!("CARGO_PKG_DESCRIPTION"),
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
        // Where there are no keys none is needed.
        "security": [{ "key": [] }, {}],
        "paths": paths,
    })
}

fn table() -> Value {
    json!({ "name": "table", "in": "path", "required": true, "schema": { "type": "string" } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn answers(method: &Method) -> Value {
    let name = &CONTRACT.message(method.output).name;
    let (kind, about) = if method.answers_stream {
        ("application/x-ndjson", "One message a line; the last one may be {\"problem\": ...}")
    } else {
        ("application/json", "The answer")
    };
    let content = |kind: &str, schema: Value| json!({ kind: { "schema": schema } });
    json!({
        "200": { "description": about, "content": content(kind, reference(name)) },
        "default": {
            "description": "An error",
            "content": content("application/problem+json", reference("Problem")),
        },
    })
}

fn operation(method: &Method, about: &str) -> Map<String, Value> {
    let service = method.short.split('/').next().unwrap_or_default();
    let mut operation = Map::new();
    operation.insert("tags".to_owned(), json!([service]));
    operation.insert("summary".to_owned(), about.into());
    operation.insert("responses".to_owned(), answers(method));
    operation
}

fn posted(method: &Method, about: &str) -> Value {
    let name = &CONTRACT.message(method.input).name;
    let mut operation = operation(method, about);
    let content = json!({ "application/json": { "schema": reference(name) } });
    operation.insert("requestBody".to_owned(), json!({ "content": content }));
    operation.into()
}

fn got(method: &Method, about: &str) -> Value {
    let mut operation = operation(method, about);
    let fields = CONTRACT.message(method.input).fields.iter();
    // What is a message itself is asked by POST, and the table stands in the path.
    let plain =
        fields.filter(|field| !matches!(field.kind, Kind::Message(_)) && field.name != "table");
    let parameter =
        |field: &Field| json!({ "name": field.name, "in": "query", "schema": value(field) });
    operation.insert("parameters".to_owned(), plain.map(parameter).collect());
    operation.into()
}

fn schema(message: &Message, comments: &Comments) -> Value {
    if message.is_time {
        return json!({ "type": "string", "format": "date-time" });
    }
    let field = |field: &Field| {
        let mut schema = value(field);
        let about = comments.of(&format!("{}.{}", message.name, field.name));
        if let Some(schema) = schema.as_object_mut().filter(|_| !about.is_empty()) {
            schema.insert("description".to_owned(), about.into());
        }
        (field.name.clone(), schema)
    };
    let properties: Map<String, Value> = message.fields.iter().map(field).collect();
    json!({
        "type": "object",
        "description": comments.of(&message.name),
        "properties": properties,
        "additionalProperties": false,
    })
}

fn value(field: &Field) -> Value {
    if let (true, Kind::Message(place)) = (field.is_map, field.kind) {
        let entry = &CONTRACT.message(place).fields;
        let values = entry.get(1).map_or(Value::Null, |field| single(field.kind));
        return json!({ "type": "object", "additionalProperties": values });
    }
    let single = single(field.kind);
    if field.is_list { json!({ "type": "array", "items": single }) } else { single }
}

fn single(kind: Kind) -> Value {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int32 => json!({ "type": "integer", "format": "int32" }),
        Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "minimum": 0 }),
        Kind::Int64 => json!({ "type": ["string", "integer"], "format": "int64" }),
        Kind::Uint64 => json!({ "type": ["string", "integer"], "format": "uint64" }),
        Kind::Float => json!({ "type": ["number", "string"], "format": "float" }),
        Kind::Double => json!({ "type": ["number", "string"], "format": "double" }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::Enum(place) => {
            let names = CONTRACT.names(place).all.iter().map(|(_, name)| name.as_str());
            json!({ "type": "string", "enum": names.collect::<Vec<_>>() })
        }
        Kind::Message(place) => reference(&CONTRACT.message(place).name),
    }
}

fn problem() -> Value {
    let text = || json!({ "type": "string" });
    let violation = json!({
        "type": "object", "properties": { "field": text(), "problem": text() },
    });
    json!({
        "type": "object",
        "description": "An error (RFC 9457), with the reason that gRPC tells",
        "properties": {
            "title": text(),
            "status": { "type": "integer" },
            "detail": text(),
            "code": text(),
            "reason": text(),
            "metadata": { "type": "object", "additionalProperties": text() },
            "violations": { "type": "array", "items": violation },
        },
    })
}

/// What the contract says of methods, messages and fields.
struct Comments(HashMap<String, String>);

impl Comments {
    fn of(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn read() -> Self {
        let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default();
        let mut all = HashMap::new();
        for file in &set.file {
            let source = file.source_code_info.iter();
            for location in source.flat_map(|info| &info.location) {
                let comment = location.leading_comments().trim();
                let place = |number: i32| usize::try_from(number).unwrap_or(usize::MAX);
                // The numbers of fields of descriptors: messages, their messages and fields; services, methods.
                let name = match *location.path.as_slice() {
                    [4, one] => file.message_type.get(place(one)).map(|it| it.name().to_owned()),
                    [4, one, 2, field] => file.message_type.get(place(one)).and_then(|it| {
                        let field = it.field.get(place(field))?;
                        Some(format!("{}.{}", it.name(), field.name()))
                    }),
                    [4, one, 3, nested, 2, field] => {
                        file.message_type.get(place(one)).and_then(|it| {
                            let nested = it.nested_type.get(place(nested))?;
                            let field = nested.field.get(place(field))?;
                            Some(format!("{}.{}.{}", it.name(), nested.name(), field.name()))
                        })
                    }
                    [6, one, 2, method] => file.service.get(place(one)).and_then(|it| {
                        let method = it.method.get(place(method))?;
                        Some(format!("{}/{}", it.name(), method.name()))
                    }),
                    _ => None,
                };
                if let Some(name) = name.filter(|_| !comment.is_empty()) {
                    all.insert(name, joined(comment));
                }
            }
        }
        Self(all)
    }
}

/// Lines as one.
fn joined(comment: &str) -> String {
    comment.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
