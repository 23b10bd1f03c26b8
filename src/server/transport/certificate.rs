//! What a certificate says: the names of its holder, and until when it is valid.
//!
//! rustls has proven a certificate before this reads it. It hands out no subject, which is where most authorities
//! write who a client is.

use sha2::{Digest, Sha256};

use crate::server::access::digits;

/// What a certificate says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Certificate {
    /// The common names of its subject, its names of DNS, URIs and addresses of mail, and the SHA-256 of all of it
    /// in hexadecimal digits.
    pub(super) names: Vec<String>,
    /// Seconds since 1970 until which it is valid; none if that cannot be read.
    pub(super) not_after: Option<u64>,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
/// Days from a first of March before all years to the first of January 1970.
const DAYS: u64 = 719_468;
const UTC_TIME: u8 = 0x17;
const TIME: u8 = 0x18;
/// Texts of UTF-8, of printable characters, and of ASCII.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];
/// `[0]` before the version, and `[3]` before the extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.17.
const OTHER_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
/// Of the other names those of mail, DNS, and URIs.
const NAMES: [u8; 3] = [0x81, 0x82, 0x86];

impl Certificate {
    /// Reads a certificate in DER. What it cannot read has no names but the hash.
    pub(super) fn read(der: &[u8]) -> Self {
        let mut read = Self::default();
        // What is left out where it ends too early was not understood, so it names nobody.
        let _ = read.read_fields(der);
        read.names.push(digits(&Sha256::digest(der)));
        read
    }

    fn read_fields(&mut self, der: &[u8]) -> Option<()> {
        let whole = Elements(der).content(SEQUENCE)?;
        let mut fields = Elements(Elements(whole).content(SEQUENCE)?);
        let (first, _) = fields.next()?;
        if first == VERSION {
            let _serial = fields.next()?;
        }
        let (_algorithm, _issuer) = (fields.next()?, fields.next()?);
        let validity = fields.content(SEQUENCE)?;
        self.not_after = Elements(validity).nth(1).and_then(|(tag, text)| seconds(tag, text));
        let subject = fields.content(SEQUENCE)?;
        for (_, set) in Elements(subject).filter(|&(tag, _)| tag == SET) {
            for (_, attribute) in Elements(set) {
                let mut attribute = Elements(attribute);
                if attribute.content(OBJECT) == Some(COMMON_NAME) {
                    let value = attribute.next().filter(|(tag, _)| TEXTS.contains(tag));
                    self.add(value.map(|(_, text)| text));
                }
            }
        }
        let (_, extensions) = fields.find(|&(tag, _)| tag == EXTENSIONS)?;
        for (_, extension) in Elements(Elements(extensions).content(SEQUENCE)?) {
            let mut parts = Elements(extension);
            if parts.content(OBJECT) == Some(OTHER_NAMES) {
                let (_, octets) = parts.find(|&(tag, _)| tag != BOOLEAN)?;
                let names = Elements(Elements(octets).content(SEQUENCE)?);
                for (_, name) in names.filter(|(tag, _)| NAMES.contains(tag)) {
                    self.add(Some(name));
                }
            }
        }
        Some(())
    }

    fn add(&mut self, name: Option<&[u8]>) {
        let name = name.and_then(|name| std::str::from_utf8(name).ok());
        // What looks like a hash would be taken for that of another's certificate.
        let name = name.filter(|name| !is_hash(name));
        if let Some(name) = name.filter(|name| !self.names.iter().any(|known| known == name)) {
            self.names.push(name.to_owned());
        }
    }
}

fn is_hash(name: &str) -> bool {
    name.len() == 2 * <Sha256 as Digest>::output_size()
        && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The elements of a piece of DER, each with its tag; ends where one cannot be read.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The content of the next one, if it has this tag.
    fn content(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|&(found, _)| found == tag).map(|(_, content)| content)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            // No certificate is so long that three bytes were too few.
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if digits.is_empty() || digits.len() > 3 {
                return None;
            }
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

/// Seconds since 1970 of `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn seconds(tag: u8, text: &[u8]) -> Option<u64> {
    let text = text.strip_suffix(b"Z")?;
    let (year, rest) = text.split_at_checked(match tag {
        UTC_TIME => 2,
        TIME => 4,
        _ => return None,
    })?;
    let number = |digits: &[u8]| -> Option<u64> {
        let text = std::str::from_utf8(digits).ok()?;
        text.bytes().all(|digit| digit.is_ascii_digit()).then_some(())?;
        text.parse().ok()
    };
    let year = match (tag, number(year)?) {
        (UTC_TIME, year @ 50..) => 1_900 + year,
        (UTC_TIME, year) => 2_000 + year,
        (_, year) => year,
    };
    let &[month, day, hour, minute, second] =
        rest.chunks(2).map(number).collect::<Option<Vec<_>>>()?.as_slice()
    else {
        return None;
    };
    if year < 1_970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the day that some lack is their last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    days.checked_sub(DAYS).map(|days| ((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;

    use super::*;

    fn der(pem: &[u8]) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem).unwrap()
    }

    #[test]
    fn a_certificate_tells_the_names_that_openssl_wrote() {
        let app = der(include_bytes!("../../../tests/data/tls/app.pem"));
        let read = Certificate::read(&app);
        let hash = digits(&Sha256::digest(&app));
        let names = ["app", "app.internal", "spiffe://wordspace/app", "app@example.org", &hash];
        assert_eq!(read.names, names);
        // 1 January 2120.
        assert_eq!(read.not_after, Some(4_733_510_400));
        let guest = Certificate::read(&der(include_bytes!("../../../tests/data/tls/guest.pem")));
        assert_eq!((guest.names.len(), guest.names[0].as_str()), (2, "guest"));
    }

    #[test]
    fn a_name_that_is_the_hash_of_another_certificate_is_none() {
        let other = digits(&Sha256::digest(b"the certificate of an administrator"));
        let mut read = Certificate::default();
        for name in ["app", other.as_str(), &other.to_uppercase(), &other[1..]] {
            read.add(Some(name.as_bytes()));
        }
        assert_eq!(read.names, ["app", &other[1..]]);
    }

    #[test]
    fn what_is_cut_or_changed_names_nobody_else() {
        let app = der(include_bytes!("../../../tests/data/tls/app.pem"));
        for length in 0..app.len() {
            let cut = Certificate::read(&app[..length]);
            assert_eq!(cut.names.len(), 1, "the hash alone: {length}");
        }
        for place in 0..app.len() {
            let mut changed = app.to_vec();
            changed[place] ^= 0xff;
            // Nothing is read beyond its end, and no length is believed.
            let read = Certificate::read(&changed);
            assert!(read.names.len() <= 6, "{place}: {read:?}");
        }
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        assert_eq!(seconds(UTC_TIME, b"700101000000Z"), Some(0));
        assert_eq!(seconds(UTC_TIME, b"240229235959Z"), Some(1_709_251_199));
        assert_eq!(seconds(UTC_TIME, b"491231235959Z"), Some(2_524_607_999));
        assert_eq!(seconds(TIME, b"20500101000000Z"), Some(2_524_608_000));
        for wrong in ["", "Z", "7001010000Z", "701301000000Z", "700001000000Z", "70010100+000Z"] {
            assert_eq!(seconds(UTC_TIME, wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(seconds(UTC_TIME, b"500101000000Z"), None, "before 1970");
    }
}
