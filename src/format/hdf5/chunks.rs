//! Arrays in chunks, each packed on its own.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use crate::error::{At, Error, ErrorKind, Result};
use crate::format::hdf5::NAME;
use crate::format::hdf5::object::{File, UNDEFINED, unread};
use crate::format::malformed;
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;
use crate::format::tensor::{Dtype, Endian, Matrix, Order, Tensor, check_dim};
use crate::limits;

const DEFLATE: u16 = 1;
const SHUFFLE: u16 = 2;
const FLETCHER: u16 = 3;

/// How chunks were changed before they were written.
pub(super) struct Filter {
    kind: u16,
    /// For [`SHUFFLE`]: bytes of a number.
    value: u32,
}

impl Filter {
    pub(super) fn list(body: &mut Cursor) -> Result<Vec<Self>> {
        let what = "the filters of an array";
        let version = body.u8(what)?;
        let count = body.u8(what)?;
        body.take(if version == 1 { 6 } else { 0 }, what)?;
        let mut filters = Vec::new();
        for _ in 0..count {
            let kind = body.u16(what)?;
            let named = version == 1 || kind >= 256;
            let name = if named { usize::from(body.u16(what)?) } else { 0 };
            body.take(2, what)?;
            let values = body.u16(what)?;
            body.take(if version == 1 { name.next_multiple_of(8) } else { name }, what)?;
            let mut value = 0;
            for i in 0..values {
                let next = body.u32(what)?;
                value = if i == 0 { next } else { value };
            }
            if version == 1 && values % 2 == 1 {
                body.take(4, what)?;
            }
            if ![DEFLATE, SHUFFLE, FLETCHER].contains(&kind) {
                return Err(unread(body, &format!("an array packed by the filter {kind}")));
            }
            filters.push(Self { kind, value });
        }
        Ok(filters)
    }

    /// As it was before.
    fn undo(&self, bytes: &[u8], chunk_bytes: usize) -> Result<Vec<u8>, &'static str> {
        match self.kind {
            DEFLATE => {
                // Memory grows with what comes out, up to what a chunk has, and a checksum.
                let most = chunk_bytes as u64 + 4;
                let mut out = Vec::new();
                let read = ZlibDecoder::new(bytes).take(most + 1).read_to_end(&mut out);
                match read {
                    Ok(length) if length as u64 <= most => Ok(out),
                    Ok(_) => Err("has more bytes than it should"),
                    Err(_) => Err("is damaged"),
                }
            }
            SHUFFLE => Ok(unshuffle(bytes, (self.value as usize).max(1))),
            _ => {
                let at = bytes.len().checked_sub(4).ok_or("is too short")?;
                let (data, sum) = bytes.split_at(at);
                if fletcher32(data).to_le_bytes() != *sum {
                    return Err("does not fit its checksum");
                }
                Ok(data.to_vec())
            }
        }
    }
}

/// The first bytes of all numbers stand first, then the second ones.
fn unshuffle(bytes: &[u8], size: usize) -> Vec<u8> {
    let count = bytes.len() / size;
    let mut out = bytes.to_vec();
    for i in 0..count {
        for byte in 0..size {
            out[i * size + byte] = bytes[byte * count + i];
        }
    }
    out
}

fn fletcher32(bytes: &[u8]) -> u32 {
    let fold = |sum: u32| (sum & 0xFFFF) + (sum >> 16);
    let (mut first, mut second) = (0_u32, 0_u32);
    for pair in bytes.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        first = fold(first + (u32::from(pair[0]) << 8 | u32::from(low)));
        second = fold(second + first);
    }
    fold(second) << 16 | fold(first)
}

/// How an array is cut up.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    rows: usize,
    dim: usize,
    chunk_rows: usize,
    chunk_dim: usize,
    chunk_bytes: usize,
}

impl Grid {
    /// `sizes` are those of a chunk, and the bytes of a number.
    pub(super) fn new((rows, dim): (usize, usize), sizes: &[u32], dtype: Dtype) -> Result<Self> {
        check_dim(dim, "the array")?;
        let size = |&size: &u32| Some(size as usize).filter(|&size| size > 0);
        let [chunk_rows, chunk_dim, number] = match sizes {
            [rows, dim, number] => [size(rows), size(dim), size(number)],
            _ => [None; 3],
        };
        let wrong = || malformed(NAME, At::Byte(0), "an array's chunks do not fit its shape");
        let (chunk_rows, chunk_dim) = chunk_rows.zip(chunk_dim).ok_or_else(wrong)?;
        if number != Some(dtype.bytes()) {
            return Err(wrong());
        }
        let product = chunk_rows.checked_mul(chunk_dim).and_then(|n| n.checked_mul(dtype.bytes()));
        let chunk_bytes = product.unwrap_or(usize::MAX);
        let grid = Self { rows, dim, chunk_rows, chunk_dim, chunk_bytes };
        // All that stand side by side are unpacked at once.
        let got = chunk_bytes.saturating_mul(grid.across());
        let max = limits::HDF5_CHUNKS_BYTES_MAX;
        if got > max {
            let (max, got) = (max as u64, got as u64);
            let kind = ErrorKind::TooLarge { limit: "HDF5_CHUNKS_BYTES_MAX", max, got };
            return Err(Error::new(kind).context("the chunks that stand side by side"));
        }
        Ok(grid)
    }

    /// Chunks side by side.
    fn across(&self) -> usize {
        self.dim.div_ceil(self.chunk_dim)
    }

    /// The number of the chunk that begins there.
    fn place(&self, row: u64, column: u64) -> Option<usize> {
        let (row, column) = (usize::try_from(row).ok()?, usize::try_from(column).ok()?);
        let begins = row.is_multiple_of(self.chunk_rows) && column.is_multiple_of(self.chunk_dim);
        if !begins || row >= self.rows || column >= self.dim {
            return None;
        }
        let above = (row / self.chunk_rows).checked_mul(self.across())?;
        above.checked_add(column / self.chunk_dim)
    }
}

/// Where a chunk is.
struct Chunk {
    address: u64,
    length: u32,
    /// Bits of the filters that were not used.
    unused: u32,
}

/// The rows of an array in chunks.
pub(super) struct Chunked {
    file: File,
    grid: Grid,
    dtype: Dtype,
    endian: Endian,
    filters: Vec<Filter>,
    chunks: Vec<Chunk>,
    /// Chunks of the same rows, and which.
    unpacked: Option<(usize, Vec<Tensor>)>,
}

impl Chunked {
    pub(super) fn open(
        file: &File,
        tree: u64,
        grid: Grid,
        (dtype, endian): (Dtype, Endian),
        filters: Vec<Filter>,
    ) -> Result<Self> {
        let mut found = if tree == UNDEFINED { Vec::new() } else { leaves(file, tree, &grid)? };
        found.sort_by_key(|&(place, _)| place);
        let expected = grid.rows.div_ceil(grid.chunk_rows).checked_mul(grid.across());
        let complete = expected == Some(found.len())
            && found.iter().enumerate().all(|(i, &(place, _))| i == place);
        if !complete {
            let problem = format!("{} chunks of the array are there, not all of them", found.len());
            return Err(malformed(NAME, At::Byte(0), problem));
        }
        let chunks = found.into_iter().map(|(_, chunk)| chunk).collect();
        let file = file.clone();
        Ok(Self { file, grid, dtype, endian, filters, chunks, unpacked: None })
    }

    fn unpack(&self, chunk: &Chunk) -> Result<Bytes> {
        let wrong = |problem: &str| {
            malformed(NAME, At::Byte(chunk.address), format!("a chunk of the array {problem}"))
        };
        let packed = self.file.part(chunk.address, chunk.length.into(), "a chunk of the array")?;
        let mut bytes = packed;
        for (i, filter) in self.filters.iter().enumerate().rev() {
            if i < 32 && chunk.unused >> i & 1 == 1 {
                continue;
            }
            bytes = Bytes::from(filter.undo(&bytes, self.grid.chunk_bytes).map_err(wrong)?);
        }
        if bytes.len() == self.grid.chunk_bytes {
            return Ok(bytes);
        }
        let problem = format!("has {} bytes, not {}", bytes.len(), self.grid.chunk_bytes);
        Err(wrong(&problem))
    }

    /// The chunks side by side that have a row.
    fn band(&mut self, band: usize) -> Result<&[Tensor]> {
        if self.unpacked.as_ref().is_none_or(|&(unpacked, _)| unpacked != band) {
            let across = self.grid.across();
            let chunks = self.chunks.iter().skip(band * across).take(across);
            let tensor = |chunk: &Chunk| {
                Ok(Tensor {
                    bytes: self.unpack(chunk)?,
                    dtype: self.dtype,
                    endian: self.endian,
                    order: Order::Rows,
                    rows: self.grid.chunk_rows,
                    dim: self.grid.chunk_dim,
                })
            };
            let tensors: Result<Vec<Tensor>> = chunks.map(tensor).collect();
            self.unpacked = Some((band, tensors?));
        }
        Ok(self.unpacked.as_ref().map_or(&[], |(_, tensors)| tensors.as_slice()))
    }
}

impl Matrix for Chunked {
    fn dim(&self) -> usize {
        self.grid.dim
    }

    fn rows(&self) -> usize {
        self.grid.rows
    }

    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()> {
        let Grid { dim, chunk_rows, .. } = self.grid;
        let mut part = Vec::new();
        vector.clear();
        for tensor in self.band(row / chunk_rows)? {
            tensor.copy(row % chunk_rows, &mut part);
            // The last chunk may reach beyond the array.
            let left = dim - vector.len();
            vector.extend_from_slice(&part[..part.len().min(left)]);
        }
        Ok(())
    }

    fn dtype(&self) -> &'static str {
        self.dtype.name()
    }
}

/// The chunks that a tree leads to, with their numbers.
fn leaves(file: &File, tree: u64, grid: &Grid) -> Result<Vec<(usize, Chunk)>> {
    let what = "the tree of an array's chunks";
    let (mut nodes, mut found, mut seen) = (vec![(tree, None)], Vec::new(), 0);
    while let Some((address, level)) = nodes.pop() {
        let mut cursor = file.at(address, what)?;
        // Each entry has at least this key of its own in a file without circles.
        let most = (cursor.offset() + cursor.left()) / 40;
        seen += 1;
        if seen + nodes.len() + found.len() > most {
            return Err(cursor.wrong("the tree of an array's chunks goes in circles"));
        }
        if cursor.take(4, what)? != b"TREE" || cursor.u8(what)? != 1 {
            return Err(cursor.wrong("an array has no tree of chunks"));
        }
        let own = cursor.u8(what)?;
        if level.is_some_and(|level: u8| own.checked_add(1) != Some(level)) {
            return Err(cursor.wrong("the tree of an array's chunks has a wrong level"));
        }
        let count = cursor.u16(what)?;
        cursor.take(2 * 8, what)?;
        for _ in 0..count {
            let (length, unused) = (cursor.u32(what)?, cursor.u32(what)?);
            let (row, column) = (cursor.u64(what)?, cursor.u64(what)?);
            cursor.take(8, what)?;
            let address = cursor.u64(what)?;
            if own > 0 {
                nodes.push((address, Some(own)));
                continue;
            }
            let place = grid.place(row, column);
            let place = place.ok_or_else(|| cursor.wrong("a chunk lies outside of its array"))?;
            found.push((place, Chunk { address, length, unused }));
        }
    }
    Ok(found)
}
