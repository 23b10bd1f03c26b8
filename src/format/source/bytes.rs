//! A cursor over bytes that are all there: little-endian numbers, lengths checked before they are
//! believed, errors with their offset.

use std::ops::Range;

use crate::error::{At, Error, Result};
use crate::format::malformed;
use crate::format::source::Bytes;

/// Reads a file from its beginning.
#[derive(Clone, Debug)]
pub(in crate::format) struct Cursor {
    bytes: Bytes,
    at: usize,
    /// For error messages.
    format: &'static str,
}

impl Cursor {
    pub(in crate::format) fn new(bytes: &Bytes, format: &'static str) -> Self {
        Self { bytes: bytes.clone(), at: 0, format }
    }

    pub(in crate::format) fn offset(&self) -> usize {
        self.at
    }

    /// Bytes that were passed.
    pub(in crate::format) fn slice(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Bytes that are left.
    pub(in crate::format) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(in crate::format) fn seek(&mut self, at: usize, what: &str) -> Result<()> {
        if at > self.bytes.len() {
            return Err(self.cut_off(what));
        }
        self.at = at;
        Ok(())
    }

    fn step(&mut self, count: usize, what: &str) -> Result<Range<usize>> {
        if count > self.left() {
            return Err(self.cut_off(what));
        }
        let range = self.at..self.at + count;
        self.at = range.end;
        Ok(range)
    }

    pub(in crate::format) fn take(&mut self, count: usize, what: &str) -> Result<&[u8]> {
        let range = self.step(count, what)?;
        Ok(&self.bytes[range])
    }

    /// The next bytes, to keep.
    pub(in crate::format) fn part(&mut self, count: usize, what: &str) -> Result<Bytes> {
        let range = self.step(count, what)?;
        self.bytes.slice(range).ok_or_else(|| self.cut_off(what))
    }

    /// Bytes up to a zero, which is stepped over.
    pub(in crate::format) fn until_zero(&mut self, what: &str) -> Result<&[u8]> {
        let Some(length) = memchr::memchr(0, &self.bytes[self.at..]) else {
            return Err(self.cut_off(what));
        };
        let range = self.step(length + 1, what)?;
        Ok(&self.bytes[range.start..range.end - 1])
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let range = self.step(N, what)?;
        let mut array = [0; N];
        array.copy_from_slice(&self.bytes[range]);
        Ok(array)
    }

    pub(in crate::format) fn u8(&mut self, what: &str) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array(what)?))
    }

    pub(in crate::format) fn u16(&mut self, what: &str) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    pub(in crate::format) fn u32(&mut self, what: &str) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(in crate::format) fn i32(&mut self, what: &str) -> Result<i32> {
        Ok(i32::from_le_bytes(self.array(what)?))
    }

    pub(in crate::format) fn u64(&mut self, what: &str) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    pub(in crate::format) fn i64(&mut self, what: &str) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array(what)?))
    }

    pub(in crate::format) fn f64(&mut self, what: &str) -> Result<f64> {
        Ok(f64::from_le_bytes(self.array(what)?))
    }

    /// A count of things of at least `least` bytes each, which must fit what is left.
    pub(in crate::format) fn count(
        &self,
        claimed: i128,
        least: usize,
        what: &str,
    ) -> Result<usize> {
        let fits = |&count: &usize| count.checked_mul(least).is_some_and(|all| all <= self.left());
        let count = usize::try_from(claimed).ok().filter(fits);
        count.ok_or_else(|| {
            let left = self.left();
            self.wrong(format!("{claimed} {what} do not fit the {left} bytes that follow"))
        })
    }

    pub(in crate::format) fn wrong(&self, problem: impl Into<String>) -> Error {
        malformed(self.format, At::Byte(self.at as u64), problem)
    }

    fn cut_off(&self, what: &str) -> Error {
        self.wrong(format!("the file ends within {what}; it is not complete"))
    }
}
