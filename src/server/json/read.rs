//! A message from JSON, written as it is read: no tree of values stands between.
//!
//! It is the JSON of proto3: fields by their names in the contract or in camel case, numbers of 64 bits as texts or
//! numbers, bytes in base64, enums by name or number, null for what is not there.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::server::json::contract::{CONTRACT, Field, Kind, Message};

/// Messages within messages; prost takes no more apart.
const DEPTH_MAX: usize = 90;

const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING);

/// Appends the message at this place of the contract, from JSON, with some of its texts given already. Nothing is
/// as good as an empty object.
///
/// # Errors
///
/// What is wrong, and where.
pub(in crate::server) fn read(
    place: usize,
    given: &[(usize, String)],
    json: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let message = CONTRACT.message(place);
    let mut seen = Seen::default();
    for (field, text) in given {
        let known = &message.fields[*field];
        seen.add(message, *field)?;
        put_bytes(known.number, text.as_bytes(), out);
    }
    let json = if json.trim_ascii().is_empty() { b"{}" } else { json };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let seed = Fields { message, seen, depth: 0, out };
    let read = seed.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    read.map_err(|error| error.to_string())
}

/// Fields that were read, by a bit each.
#[derive(Clone, Copy, Default)]
struct Seen(u128);

impl Seen {
    fn add(&mut self, message: &Message, field: usize) -> Result<(), String> {
        let known = &message.fields[field];
        let bit = 1_u128 << field;
        if self.0 & bit != 0 {
            return Err(format!("`{}` is given twice", known.name));
        }
        let shares = |other: &Field| known.one_of.is_some() && other.one_of == known.one_of;
        let others = message.fields.iter().enumerate();
        let mut others = others.filter(|(place, other)| self.0 >> place & 1 == 1 && shares(other));
        if let Some((_, other)) = others.next() {
            return Err(format!("`{}` and `{}` cannot both be given", other.name, known.name));
        }
        self.0 |= bit;
        Ok(())
    }
}

fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn put_tag(number: u32, wire_type: u8, out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | u64::from(wire_type), out);
}

fn put_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    put_tag(number, 2, out);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Writes what has a length before it.
fn put_nested<E>(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let begin = out.len();
    write(out)?;
    let mut length = Vec::with_capacity(5);
    put_varint((out.len() - begin) as u64, &mut length);
    out.splice(begin..begin, length);
    Ok(())
}

/// Reads the fields of a message.
struct Fields<'a> {
    message: &'static Message,
    seen: Seen,
    depth: usize,
    out: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the fields of {}", self.message.name)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        if self.depth > DEPTH_MAX {
            return Err(A::Error::custom("objects are nested too deep"));
        }
        while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            let Some(place) = self.message.field_named(&name) else {
                return Err(A::Error::custom(unknown(self.message, &name)));
            };
            self.seen.add(self.message, place).map_err(A::Error::custom)?;
            let field = &self.message.fields[place];
            map.next_value_seed(Value { field, depth: self.depth, out: self.out })?;
        }
        Ok(())
    }
}

fn unknown(message: &Message, name: &str) -> String {
    let known: Vec<_> = message.fields.iter().map(|field| field.name.as_str()).collect();
    match known.as_slice() {
        [] => format!("{} has no fields, and none `{name}`", message.name),
        known => format!("{} has no field `{name}`; it has {}", message.name, known.join(", ")),
    }
}

/// Reads the value of a field, which may be a list, a map or null.
struct Value<'a> {
    field: &'static Field,
    depth: usize,
    out: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.field.is_map, self.field.is_list) {
            (true, _) => f.write_str("an object"),
            (_, true) => write!(f, "a list, each {}", expected(self.field)),
            (false, false) => f.write_str(&expected(self.field)),
        }
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.field.is_map {
            deserializer.deserialize_map(self)
        } else if self.field.is_list {
            deserializer.deserialize_seq(self)
        } else {
            let Self { field, depth, out } = self;
            put_tag(field.number, field.kind.wire_type(), out);
            Element { field, depth, out }.deserialize(deserializer)
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { field, depth, out } = self;
        if field.kind.wire_type() == 2 {
            // The tag is written for each, and taken back behind the last.
            loop {
                let before = out.len();
                put_tag(field.number, 2, out);
                if list.next_element_seed(Element { field, depth, out })?.is_none() {
                    out.truncate(before);
                    return Ok(());
                }
            }
        }
        let before = out.len();
        put_tag(field.number, 2, out);
        let begin = out.len();
        put_nested(out, |out| {
            while list.next_element_seed(Element { field, depth, out })?.is_some() {}
            Ok(())
        })?;
        if out.len() == begin + 1 {
            out.truncate(before);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { field, depth, out } = self;
        let Kind::Message(place) = field.kind else {
            return Err(A::Error::custom("not an object"));
        };
        // An entry is a message with a key and a value.
        let [key, value] = CONTRACT.message(place).fields.as_slice() else {
            return Err(A::Error::custom("not an object"));
        };
        while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            put_tag(field.number, 2, out);
            put_nested(out, |out| {
                put_bytes(key.number, name.as_bytes(), out);
                put_tag(value.number, value.kind.wire_type(), out);
                map.next_value_seed(Element { field: value, depth, out })
            })?;
        }
        Ok(())
    }
}

fn expected(field: &Field) -> String {
    match field.kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::Int32 => "a whole number of 32 bits".to_owned(),
        Kind::Uint32 | Kind::Fixed32 => "a whole number from 0 to 4294967295".to_owned(),
        Kind::Int64 => "a whole number of 64 bits".to_owned(),
        Kind::Uint64 => "a whole number from 0 to 18446744073709551615".to_owned(),
        Kind::Float | Kind::Double => "a number".to_owned(),
        Kind::Text => "a text".to_owned(),
        Kind::Bytes => "a text in base64".to_owned(),
        Kind::Enum(place) => {
            let names = CONTRACT.names(place).all.iter().map(|(_, name)| name.as_str());
            format!("one of {}", names.collect::<Vec<_>>().join(", "))
        }
        Kind::Message(place) => {
            format!("an object with the fields of {}", CONTRACT.message(place).name)
        }
    }
}

/// Reads one value, whose tag is written.
struct Element<'a> {
    field: &'static Field,
    depth: usize,
    out: &'a mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Element<'_> {
    fn wrong<E: Error>(&self, found: impl fmt::Display) -> E {
        E::custom(format!("`{}` is {found}; expected {}", self.field.name, expected(self.field)))
    }

    fn whole<E: Error>(self, number: i128) -> Result<(), E> {
        let fits = match self.field.kind {
            Kind::Int32 | Kind::Enum(_) => i32::try_from(number).is_ok(),
            Kind::Uint32 | Kind::Fixed32 => u32::try_from(number).is_ok(),
            Kind::Int64 => i64::try_from(number).is_ok(),
            Kind::Uint64 => u64::try_from(number).is_ok(),
            Kind::Float | Kind::Double => return self.number(number as f64),
            Kind::Bool | Kind::Text | Kind::Bytes | Kind::Message(_) => false,
        };
        if !fits {
            return Err(self.wrong(number));
        }
        // A negative number has the bits of one of 64.
        let [low, _] = halves(number);
        if self.field.kind == Kind::Fixed32 {
            self.out.extend_from_slice(&low.to_le_bytes()[..4]);
        } else {
            put_varint(low, self.out);
        }
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "what is too large is refused before")]
    fn number<E: Error>(self, number: f64) -> Result<(), E> {
        match self.field.kind {
            Kind::Double => self.out.extend_from_slice(&number.to_le_bytes()),
            Kind::Float => {
                let single = number as f32;
                if single.is_infinite() && number.is_finite() {
                    return Err(self.wrong(number));
                }
                self.out.extend_from_slice(&single.to_le_bytes());
            }
            Kind::Int32
            | Kind::Uint32
            | Kind::Int64
            | Kind::Uint64
            | Kind::Fixed32
            | Kind::Enum(_)
                if number.fract() == 0.0 && number.abs() < 2_f64.powi(64) =>
            {
                return self.whole(number as i128);
            }
            Kind::Bool
            | Kind::Int32
            | Kind::Uint32
            | Kind::Int64
            | Kind::Uint64
            | Kind::Fixed32
            | Kind::Text
            | Kind::Bytes
            | Kind::Enum(_)
            | Kind::Message(_) => return Err(self.wrong(number)),
        }
        Ok(())
    }
}

/// The lower and the upper 64 bits.
fn halves(number: i128) -> [u64; 2] {
    let bytes = number.to_le_bytes();
    let half = |from: usize| {
        let mut half = [0; 8];
        half.copy_from_slice(&bytes[from..from + 8]);
        u64::from_le_bytes(half)
    };
    [half(0), half(8)]
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&expected(self.field))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        if self.field.kind != Kind::Bool {
            return Err(self.wrong(value));
        }
        self.out.push(u8::from(value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.whole(number.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.whole(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.number(number)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Err(self.wrong("null"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let quoted = || format!("\"{text}\"");
        match self.field.kind {
            Kind::Text => {
                put_varint(text.len() as u64, self.out);
                self.out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Kind::Bytes => {
                let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
                let Ok(bytes) = decoded else { return Err(self.wrong("no base64")) };
                put_varint(bytes.len() as u64, self.out);
                self.out.extend_from_slice(&bytes);
                Ok(())
            }
            Kind::Enum(place) => match CONTRACT.names(place).number(text) {
                Some(number) => self.whole(number.into()),
                None => Err(self.wrong(quoted())),
            },
            Kind::Float | Kind::Double => {
                let special = match text {
                    "NaN" => Some(f64::NAN),
                    "Infinity" => Some(f64::INFINITY),
                    "-Infinity" => Some(f64::NEG_INFINITY),
                    number if number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                        number.parse().ok()
                    }
                    _ => None,
                };
                match special {
                    Some(number) => self.number(number),
                    None => Err(self.wrong(quoted())),
                }
            }
            Kind::Int32 | Kind::Uint32 | Kind::Int64 | Kind::Uint64 | Kind::Fixed32 => {
                match text.parse::<i128>() {
                    Ok(number) if !text.starts_with('+') => self.whole(number),
                    _ => Err(self.wrong(quoted())),
                }
            }
            Kind::Bool | Kind::Message(_) => Err(self.wrong(quoted())),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Kind::Message(place) = self.field.kind else {
            return Err(self.wrong("an object"));
        };
        let Self { depth, out, .. } = self;
        put_nested(out, |out| {
            let message = CONTRACT.message(place);
            Fields { message, seen: Seen::default(), depth: depth + 1, out }.visit_map(map)
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.wrong("a list"))
    }
}
