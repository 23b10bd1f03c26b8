//! The wire's contract, written out: a change of it shows in review as a change of one text file.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor};
use wordspace::proto::DESCRIPTORS;

use crate::support::is_on_file;

/// To accept a change: `WORDSPACE_ACCEPT=1 cargo test --test it api`.
#[test]
fn the_contract_is_the_one_on_file() {
    is_on_file("tests/data/api/wordspace.v1.txt", &contract());
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
