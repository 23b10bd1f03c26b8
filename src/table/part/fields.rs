//! Fields of records, both ways: numbers, and texts behind their length.

/// Takes a record apart from its beginning, and believes no length that it cannot see.
#[derive(Debug)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The fields of a record.
    pub fn new(record: &'a [u8]) -> Self {
        Self(record)
    }

    /// The next so many bytes; none if there are fewer.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    /// The next four bytes as a number.
    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.take(4)?.first_chunk()?))
    }

    /// The next eight bytes as a number.
    pub fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.take(8)?.first_chunk()?))
    }

    /// A length, then so many bytes.
    pub fn text(&mut self) -> Option<&'a [u8]> {
        let count = usize::try_from(self.u32()?).ok()?;
        self.take(count)
    }

    /// A length, then so many bytes of UTF-8.
    pub fn utf8(&mut self) -> Option<String> {
        String::from_utf8(self.text()?.to_vec()).ok()
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }
}

/// Appends a count.
///
/// # Panics
///
/// If it is 2^32 or more: rows, components and bytes of a word have limits below.
pub fn push_u32(bytes: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).expect("what is counted here has limits below 2^32");
    bytes.extend_from_slice(&count.to_le_bytes());
}

/// Appends a length, then the bytes.
///
/// # Panics
///
/// If there are 2^32 bytes or more.
pub fn push_text(bytes: &mut Vec<u8>, text: &[u8]) {
    push_u32(bytes, text.len());
    bytes.extend_from_slice(text);
}
