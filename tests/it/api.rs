//! The wire's contract, written out: a change of it shows in review as a change of one text file.

use std::fmt::Write as _;
use std::fs;

use prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor};
use wordspace::proto::DESCRIPTORS;

use crate::support::root;

/// To accept a change: `WORDSPACE_ACCEPT=1 cargo test --test it api`.
#[test]
fn the_contract_is_the_one_on_file() {
    let file = root().join("tests/data/api/wordspace.v1.txt");
    let now = contract();
    if std::env::var_os("WORDSPACE_ACCEPT").is_some() {
        fs::File::create(&file).unwrap();
        let mut out = fs::OpenOptions::new().write(true).open(&file).unwrap();
        std::io::Write::write_all(&mut out, now.as_bytes()).unwrap();
    }
    let before = fs::read_to_string(&file).unwrap_or_default();
    for (line, (now, before)) in now.lines().zip(before.lines()).enumerate() {
        assert_eq!(now, before, "{}:{}", file.display(), line + 1);
    }
    assert_eq!(now.lines().count(), before.lines().count(), "{}", file.display());
}

fn contract() -> String {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let mut out = String::new();
    for service in pool.services() {
        for method in service.methods() {
            let stream = |is: bool| if is { "stream " } else { "" };
            let (input, output) = (method.input(), method.output());
            writeln!(
                out,
                "rpc {} ({}{}) returns ({}{})",
                method.full_name(),
                stream(method.is_client_streaming()),
                input.name(),
                stream(method.is_server_streaming()),
                output.name()
            )
            .unwrap();
        }
    }
    let ours = |package: &str| package == "wordspace.v1";
    for message in pool.all_messages().filter(|message| ours(message.package_name())) {
        describe(&message, &mut out);
    }
    for choice in pool.all_enums().filter(|choice| ours(choice.package_name())) {
        describe_enum(&choice, &mut out);
    }
    out
}

fn describe(message: &MessageDescriptor, out: &mut String) {
    for field in message.fields() {
        let label = match (field.is_list(), field.supports_presence()) {
            (true, _) => "repeated ",
            (false, true) => "optional ",
            (false, false) => "",
        };
        let name = message.full_name();
        writeln!(out, "{name}.{} = {} {label}{:?}", field.name(), field.number(), field.kind())
            .unwrap();
    }
}

fn describe_enum(choice: &EnumDescriptor, out: &mut String) {
    for value in choice.values() {
        writeln!(out, "{}.{} = {}", choice.full_name(), value.name(), value.number()).unwrap();
    }
}
