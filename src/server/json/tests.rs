//! JSON of every message of the contract, compared with what prost-reflect reads and writes.

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    SerializeOptions, Value,
};
use tonic::codegen::Bytes;

use crate::proto::DESCRIPTORS;
use crate::server::json::contract::CONTRACT;
use crate::server::json::print::Printer;
use crate::server::json::read::read;
use crate::server::json::route::{Form, route};

/// Numbers that are the same at each run (Marsaglia's xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn text(&mut self) -> String {
        const TEXTS: [&str; 7] = [
            "",
            "king",
            "a \"b\" \\ c",
            "\u{1}\n\r\t\u{1f}",
            "k\u{f6}nig",
            "\u{738b}",
            "\u{1f600}",
        ];
        match self.next(40) {
            // Longer than is printed at once, with characters that are cut.
            0 => "\u{738b}a\"".repeat(20_000),
            n => TEXTS[usize::try_from(n % 7).unwrap()].to_owned(),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
    fn value(&mut self, kind: &Kind, depth: usize) -> Value {
        let bits = self.next(u64::MAX);
        match kind {
            Kind::Bool => Value::Bool(bits & 1 == 1),
            Kind::Int32 => Value::I32(bits as i32),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(bits as u32),
            Kind::Int64 => Value::I64(bits.cast_signed()),
            Kind::Uint64 => Value::U64(bits),
            Kind::Float => Value::F32(match bits % 8 {
                0 => f32::INFINITY,
                1 => f32::NEG_INFINITY,
                2 => 0.0,
                _ => f32::from_bits((bits as u32) & 0x7f7f_ffff),
            }),
            Kind::Double => Value::F64(match bits % 8 {
                0 => f64::INFINITY,
                1 => -0.5,
                _ => (bits as f64) / 1e9,
            }),
            Kind::String => Value::String(self.text()),
            Kind::Bytes => {
                let length = [0, 1, 2, 3, 100, 60_000][usize::try_from(bits % 6).unwrap()];
                let bytes = (0..=u8::MAX).cycle().take(length).collect::<Vec<_>>();
                Value::Bytes(bytes.into())
            }
            Kind::Enum(of) => {
                let all: Vec<_> = of.values().collect();
                Value::EnumNumber(all[usize::try_from(bits).unwrap() % all.len()].number())
            }
            Kind::Message(of) => Value::Message(self.message(of, depth + 1)),
            Kind::Sint32 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed32 | Kind::Sfixed64 => {
                panic!("{kind:?} is not in the contract")
            }
        }
    }

    fn field(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        let count = self.next(4);
        if field.is_map() {
            let entry = field.kind();
            let value = entry.as_message().unwrap().map_entry_value_field();
            let pairs = (0..count).map(|i| {
                (MapKey::String(format!("{}{i}", self.text())), self.value(&value.kind(), depth))
            });
            return Value::Map(pairs.collect());
        }
        if field.is_list() {
            return Value::List((0..count).map(|_| self.value(&field.kind(), depth)).collect());
        }
        self.value(&field.kind(), depth)
    }

    fn message(&mut self, of: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut made = DynamicMessage::new(of.clone());
        if of.full_name() == "google.protobuf.Timestamp" {
            made.set_field_by_name("seconds", Value::I64(self.next(4_000_000_000).cast_signed()));
            let nanos = i32::try_from(self.next(2) * 123_456_789).unwrap();
            made.set_field_by_name("nanos", Value::I32(nanos));
            return made;
        }
        for field in of.fields() {
            if depth < 4 && self.next(3) > 0 {
                let value = self.field(&field, depth);
                made.set_field(&field, value);
            }
        }
        made
    }
}

fn has_time(of: &MessageDescriptor, seen: &mut Vec<String>) -> bool {
    if seen.iter().any(|name| name == of.full_name()) {
        return false;
    }
    seen.push(of.full_name().to_owned());
    of.full_name() == "google.protobuf.Timestamp"
        || of
            .fields()
            .any(|field| field.kind().as_message().is_some_and(|nested| has_time(nested, seen)))
}

/// The place of a message in our tables.
fn place(of: &MessageDescriptor) -> usize {
    let name = of.full_name().trim_start_matches("wordspace.v1.");
    CONTRACT.messages().iter().position(|message| message.name == name).unwrap()
}

/// As a whole, whatever the pieces are.
fn printed(place: usize, wire: &[u8], piece: usize) -> String {
    let mut printer = Printer::new(place, Bytes::copy_from_slice(wire));
    let mut all = Vec::new();
    loop {
        let mut text = Vec::new();
        // The first piece begins the object.
        let is_whole = printer.print(piece, &mut text).unwrap();
        all.extend(text);
        if is_whole {
            return String::from_utf8(all).unwrap();
        }
    }
}

#[test]
fn every_message_is_printed_and_read_as_prost_reflect_does() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let mut chance = Chance(20_261_130);
    let mut compared = 0;
    for of in pool.all_messages() {
        if of.is_map_entry() || of.package_name() != "wordspace.v1" {
            continue;
        }
        let place = place(&of);
        for turn in 0..8 {
            let message = chance.message(&of, if turn == 0 { 4 } else { 0 });
            let wire = message.encode_to_vec();
            let text = printed(place, &wire, 1 << 30);
            for piece in [2, 1_000, 64 << 10] {
                if wire.len() < 10_000 || piece > 2 {
                    assert_eq!(printed(place, &wire, piece), text);
                }
            }
            let mut deserializer = serde_json::Deserializer::from_str(&text);
            let read_back = DynamicMessage::deserialize(of.clone(), &mut deserializer)
                .unwrap_or_else(|error| panic!("{}: {error} in {text}", of.full_name()));
            // Numbers that are 0 are as good as not there, and what is encoded again has none.
            let plain = |wire: &[u8]| {
                let once = DynamicMessage::decode(of.clone(), wire).unwrap().encode_to_vec();
                DynamicMessage::decode(of.clone(), once.as_slice()).unwrap()
            };
            let again = plain(&wire);
            assert!(plain(&read_back.encode_to_vec()) == again, "{text}");
            if has_time(&of, &mut Vec::new()) {
                continue;
            }
            for (names, numbers) in [(true, true), (false, false)] {
                let options = SerializeOptions::new()
                    .use_proto_field_name(names)
                    .stringify_64_bit_integers(numbers)
                    .use_enum_numbers(!names)
                    .skip_default_fields(names);
                let mut theirs = serde_json::Serializer::new(Vec::new());
                message.serialize_with_options(&mut theirs, &options).unwrap();
                let theirs = theirs.into_inner();
                let mut out = Vec::new();
                let told = read(place, &[], &theirs, &mut out);
                let shown = String::from_utf8_lossy(&theirs);
                assert_eq!(told, Ok(()), "{}: {shown}", of.full_name());
                assert!(plain(&out) == again, "{shown}");
                compared += 1;
            }
        }
    }
    assert!(compared > 2_000, "{compared}");
}

#[test]
fn what_is_no_message_is_refused_where_it_is_wrong() {
    let method = |path: &str| CONTRACT.method(&format!("/wordspace.v1.{path}")).unwrap().input;
    let nearest = method("SearchService/Nearest");
    let table = CONTRACT.message(nearest).field_named("table").unwrap();
    for (json, told) in [
        ("[", "line 1"),
        ("[]", "fields of NearestRequest"),
        ("nonsense", "line 1"),
        ("{} {}", "trailing"),
        ("{\"tabel\":\"en\"}", "has no field `tabel`; it has table, positive"),
        ("{\"table\":7}", "`table` is 7; expected a text"),
        ("{\"k\":-1}", "`k` is -1"),
        ("{\"k\":1.5}", "`k` is 1.5"),
        ("{\"k\":4294967296}", "`k` is 4294967296"),
        ("{\"k\":\"x\"}", "`k` is \"x\""),
        ("{\"k\":1,\"k\":2}", "`k` is given twice"),
        ("{\"min_similarity\":1e300}", "`min_similarity`"),
        ("{\"positive\":{\"word\":\"a\"}}", "a list"),
        ("{\"positive\":[null]}", "null"),
        ("{\"positive\":[{\"word\":\"a\",\"row\":1}]}", "`word` and `row` cannot both be given"),
        ("{\"positive\":[{\"vector\":{\"packed\":\"a*\"}}]}", "base64"),
        ("{\"words\":{\"oov\":\"MAYBE\"}}", "one of OOV_POLICY_UNSPECIFIED"),
        ("{\"exact\":\"true\"}", "true or false"),
        ("{\"table\":\"\u{0}\"}", "control character"),
    ] {
        let error = read(nearest, &[], json.as_bytes(), &mut Vec::new()).unwrap_err();
        assert!(error.contains(told), "{json}: {error}");
    }
    let given = [(table, "en".to_owned())];
    let twice = read(nearest, &given, b"{\"table\":\"en\"}", &mut Vec::new());
    assert!(twice.unwrap_err().contains("`table` is given twice"));
    let deep = format!("{{\"not\":{}", "{\"not\":".repeat(100));
    let filter = format!("{{\"filter\":{{\"condition\":{deep}");
    let error = read(nearest, &given, filter.as_bytes(), &mut Vec::new()).unwrap_err();
    assert!(error.contains("nested too deep"), "{error}");
    for empty in ["", " ", "{}", "{\"table\":null}", "{\"positive\":[]}", "{\"positive\":null}"] {
        let mut out = Vec::new();
        read(nearest, &[], empty.as_bytes(), &mut out).unwrap();
        assert!(out.is_empty(), "{empty}");
    }
    let mut out = Vec::new();
    read(nearest, &given, b"{\"k\":5e0,\"ef_search\":\"64\"}", &mut out).unwrap();
    let read = crate::proto::NearestRequest::decode(out.as_slice()).unwrap();
    assert_eq!((read.table.as_str(), read.k, read.ef_search), ("en", Some(5), Some(64)));
}

#[test]
fn an_answer_that_is_none_is_not_told() {
    let place = CONTRACT.method("/wordspace.v1.SearchService/Nearest").unwrap().output;
    let broken: [&[u8]; 6] = [
        &[0x0a],
        &[0x0a, 5, 1],
        &[0x0b],
        &[0xff; 12],
        &[0x0a, 3, 0x0a, 9, b'x'],
        &[0x0a, 3, 0x0a, 1, 0xff],
    ];
    for wire in broken {
        let mut printer = Printer::new(place, Bytes::copy_from_slice(wire));
        assert!(printer.print(1_000, &mut Vec::new()).is_err(), "{wire:?}");
    }
}

/// A condition has a condition within, and so on: whoever names them in one parameter must not fill a stack, which ends
/// the process, without any key.
#[test]
fn a_parameter_is_not_nested_without_an_end() {
    let form = |depth: usize| {
        let nots = ".not".repeat(depth);
        let uri =
            format!("/v1/tables/en/nearest?word=king&filter.condition{nots}.attribute.name=x");
        route(&tonic::codegen::http::Request::get(uri).body(()).unwrap().into_parts().0).form
    };
    assert!(matches!(form(3), Form::Json(_)), "{:?}", form(3));
    for depth in [90, 4_000, 10_000] {
        let Form::Wrong(wrong) = form(depth) else { panic!("{depth}") };
        assert!(wrong.problem.contains("nested"), "{wrong:?}");
    }
}
