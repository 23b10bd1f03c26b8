//! Records between delimiters, and their fields with and without quotes.

/// The fields of a record, without their quotes.
#[derive(Debug, Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
    /// Where each ends, and whether it began with a quote.
    ends: Vec<(usize, bool)>,
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field; nothing if the record is too short.
    pub(super) fn get(&self, field: usize) -> &[u8] {
        let Some(&(end, _)) = self.ends.get(field) else { return b"" };
        let start = if field == 0 { 0 } else { self.ends[field - 1].0 };
        &self.bytes[start..end]
    }

    /// Whether the field stands in quotes.
    pub(super) fn is_quoted(&self, field: usize) -> bool {
        self.ends.get(field).is_some_and(|&(_, quoted)| quoted)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|field| self.get(field))
    }

    /// Takes a record apart. Quotes within a field that does not begin with one are its own.
    pub(super) fn split(&mut self, record: &[u8], delimiter: u8) {
        self.bytes.clear();
        self.ends.clear();
        let mut rest = record;
        loop {
            let quoted = rest.strip_prefix(b"\"");
            if let Some(quoted) = quoted {
                let mut at = 0;
                while at < quoted.len() {
                    match quoted[at] {
                        b'"' if quoted.get(at + 1) == Some(&b'"') => {
                            self.bytes.push(b'"');
                            at += 2;
                        }
                        b'"' => break,
                        byte => {
                            self.bytes.push(byte);
                            at += 1;
                        }
                    }
                }
                rest = quoted.get(at + 1..).unwrap_or(b"");
            }
            let end = memchr::memchr(delimiter, rest);
            self.bytes.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            self.ends.push((self.bytes.len(), quoted.is_some()));
            match end {
                Some(end) => rest = &rest[end + 1..],
                None => return,
            }
        }
    }
}

/// The length of the record that bytes begin with, its line end included, and how many lines it
/// has; none if it does not end there.
pub(super) fn record(bytes: &[u8], delimiter: u8) -> Option<(usize, u64)> {
    let (mut quoted, mut begins, mut lines) = (false, true, 0);
    for (i, &byte) in bytes.iter().enumerate() {
        match byte {
            b'"' if quoted => quoted = false,
            // A quote right behind the end of a quoted part is one of its own.
            b'"' if begins || (i > 0 && bytes[i - 1] == b'"') => quoted = true,
            b'\n' => {
                lines += 1;
                if !quoted {
                    return Some((i + 1, lines));
                }
            }
            _ => {}
        }
        begins = byte == delimiter && !quoted;
    }
    None
}

/// A record without its line end.
pub(super) fn without_end(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

/// What stands in brackets between commas or spaces.
pub(super) fn list_items(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    let field = field.trim_ascii();
    let field = field.strip_prefix(b"[").unwrap_or(field);
    let field = field.strip_suffix(b"]").unwrap_or(field);
    field.split(|byte| b", \n\r\t".contains(byte)).filter(|item| !item.is_empty())
}
