//! The main file of an import that may go on after its stream broke: it is written to the data
//! folder as it arrives, and read when it is complete.

use std::io::Read as _;

use crate::error::{At, Error, ErrorKind, Result};
use crate::format::source::{Body, Bytes, Files, Named};
use crate::store::upload::{Upload, UploadWriter};

/// Bytes of one write.
const BLOCK: usize = 256 << 10;

/// Files of which the main one is kept before it is read.
pub(super) struct KeptFiles {
    files: Box<dyn Files>,
    /// Where, from which byte on, and how many it will have; none when it is complete.
    begin: Option<(Upload, u64, Option<u64>)>,
    /// Told how many bytes are there.
    on_bytes: Box<dyn FnMut(u64) + Send>,
}

impl KeptFiles {
    pub(super) fn new(
        files: Box<dyn Files>,
        begin: (Upload, u64, Option<u64>),
        on_bytes: Box<dyn FnMut(u64) + Send>,
    ) -> Self {
        Self { files, begin: Some(begin), on_bytes }
    }

    fn keep(&mut self, body: Body, file: &mut UploadWriter, from: u64) -> Result<u64> {
        let Body::Stream(mut source) = body else { return Ok(from) };
        let (mut block, mut bytes) = (vec![0; BLOCK], from);
        loop {
            let count = source
                .read(&mut block)
                .map_err(|error| error.downcast::<Error>().unwrap_or_else(Error::disk))?;
            if count == 0 {
                return Ok(bytes);
            }
            file.push(&block[..count])?;
            bytes += count as u64;
            (self.on_bytes)(bytes);
        }
    }
}

impl Files for KeptFiles {
    fn next(&mut self) -> Result<Option<Named>> {
        let Some((upload, from, total)) = self.begin.take() else { return self.files.next() };
        let Some(Named { name, body }) = self.files.next()? else { return Ok(None) };
        let mut file = upload.write_from(from)?;
        let got = self.keep(body, &mut file, from)?;
        if let Some(expected) = total.filter(|&expected| expected != got) {
            let problem = format!("the source has {got} bytes, {expected} were announced");
            let at = At::Byte(got);
            return Err(Error::new(ErrorKind::Malformed { format: "source", at, problem }));
        }
        let bytes = Bytes::map(file.file()).map_err(Error::disk)?;
        Ok(Some(Named { name, body: Body::Whole(bytes) }))
    }
}
