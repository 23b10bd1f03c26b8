//! tar archives with one file, which is read as its bytes come.
//!
//! A header of 512 bytes a member: its name (100 bytes), at byte 124 its size in octal digits, at byte 156
//! its kind; then its bytes, up to a multiple of 512.

use std::io::{self, Read};

use crate::error::{At, Error, Result};
use crate::format::source::input::Input;
use crate::format::{malformed, shown};

const NAME: &str = "tar";
const BLOCK: u64 = 512;

/// Whether a file begins like one.
pub(in crate::format) fn begins(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// The only file of an archive, with its name. That there is a second one is told where it begins.
pub(in crate::format) fn only(input: Input) -> Result<(String, Box<dyn Read + Send>)> {
    let mut tar = Tar { input, name: String::new(), left: 0, padding: 0 };
    match tar.next()? {
        Some(name) => {
            tar.name.clone_from(&name);
            Ok((name, Box::new(tar)))
        }
        None => Err(malformed(NAME, At::Byte(0), "the archive has no file")),
    }
}

struct Tar {
    input: Input,
    /// The file that is read.
    name: String,
    /// Bytes of it that are left, and those behind it.
    left: u64,
    padding: u64,
}

impl Tar {
    /// Goes to the next file; none at the end.
    fn next(&mut self) -> Result<Option<String>> {
        loop {
            self.skip(self.padding)?;
            let Some((name, size, kind)) = self.header()? else { return Ok(None) };
            let padding = size.next_multiple_of(BLOCK) - size;
            let file = name.rsplit('/').next().unwrap_or(&name);
            // Beside files there are folders, further names of files, and what macOS adds.
            if matches!(kind, 0 | b'0') && !file.starts_with("._") {
                (self.left, self.padding) = (size, padding);
                return Ok(Some(name));
            }
            self.padding = 0;
            self.skip(size + padding)?;
        }
    }

    fn header(&mut self) -> Result<Option<(String, u64, u8)>> {
        let at = At::Byte(self.input.offset());
        let wrong = |problem: &str| malformed(NAME, at, problem);
        if !self.input.fill_to(512)? {
            let is_end = self.input.window().is_empty();
            return if is_end { Ok(None) } else { Err(wrong("the archive is not complete")) };
        }
        let header = &self.input.window()[..512];
        if header.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        if !begins(header) {
            return Err(wrong("a file does not begin where the one before it ends"));
        }
        let name = header[..100].split(|&byte| byte == 0).next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        let digits = header[124..136].trim_ascii_start();
        let digits = digits.split(|byte| !byte.is_ascii_digit()).next().unwrap_or_default();
        let size = std::str::from_utf8(digits).ok();
        let size = size.and_then(|size| u64::from_str_radix(size, 8).ok());
        // More than any file has, and less than overflows.
        let size = size.filter(|&size| size < 1 << 60);
        let size = size.ok_or_else(|| wrong("the size of a file is no number"))?;
        let kind = header[156];
        self.input.consume(512);
        Ok(Some((name, size, kind)))
    }

    fn skip(&mut self, mut count: u64) -> Result<()> {
        while count > 0 {
            if self.input.window().is_empty() && !self.input.fill()? {
                let at = At::Byte(self.input.offset());
                return Err(malformed(NAME, at, "the archive is not complete"));
            }
            let window = self.input.window().len();
            let step = usize::try_from(count).map_or(window, |count| count.min(window));
            self.input.consume(step);
            count -= step as u64;
        }
        Ok(())
    }

    fn second(&self, name: &str) -> Error {
        let [first, second] = [&self.name, name].map(|name| shown(name.as_bytes()));
        let problem =
            format!("the archive has several files; unpack it and name one: {first}, {second}");
        malformed(NAME, At::Byte(self.input.offset()), problem)
    }
}

impl Read for Tar {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            return match self.next() {
                Ok(None) => Ok(0),
                Ok(Some(name)) => Err(io::Error::other(self.second(&name))),
                Err(error) => Err(io::Error::other(error)),
            };
        }
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = self.input.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}
