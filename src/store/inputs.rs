//! Position and segment tables and the layer norm of a checkpoint, in a file beside sled; drawn in the
//! doc of the folder.

use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::store::{blob, fault, record};
use crate::table::input::{InputTables, LayerNorm};
use crate::table::meta::InputsMeta;
use crate::vector::matrix::Matrix;

const MAGIC: &[u8; 8] = b"WSINPT01";
const CRC_BYTES: usize = 4;

/// The first record of a file.
#[derive(Serialize, Deserialize)]
struct Head {
    /// The generation that was imported.
    lineage: u64,
    dim: u64,
    /// Rows of each table; 0 if there is none.
    positions: u64,
    first_position: u64,
    segments: u64,
    /// The bits of what the layer norm adds to the variance, if there is one.
    eps_bits: Option<u64>,
}

/// Writes the tables of an import; once this returns they survive a power cut.
pub(super) fn write(
    path: &Path,
    lineage: u64,
    dim: usize,
    inputs: &InputTables,
) -> Result<InputsMeta> {
    let rows = |matrix: &Option<Matrix>| matrix.as_ref().map_or(0, |matrix| matrix.len() as u64);
    let head = Head {
        lineage,
        dim: dim as u64,
        positions: rows(&inputs.positions),
        first_position: inputs.first_position as u64,
        segments: rows(&inputs.segments),
        eps_bits: inputs.norm.as_ref().map(|norm| norm.eps.to_bits()),
    };
    let head =
        serde_json::to_vec(&head).map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    let mut bytes = 0;
    blob::publish(path, |out| {
        let mut put = |part: &[u8]| {
            bytes += part.len() as u64;
            out.write_all(part).map_err(Error::disk)
        };
        put(MAGIC)?;
        put(&(head.len() as u64).to_le_bytes())?;
        put(&record::sealed(b"head", head))?;
        let tables = [("positions", &inputs.positions), ("segments", &inputs.segments)];
        for (key, table) in tables {
            if let Some(table) = table {
                put(&record::sealed(key.as_bytes(), floats(table.rows().flatten())))?;
            }
        }
        if let Some(norm) = &inputs.norm {
            put(&record::sealed(b"norm", floats(norm.weight.iter().chain(&norm.bias))))?;
        }
        Ok(())
    })?;
    Ok(InputsMeta { bytes })
}

fn floats<'v>(values: impl Iterator<Item = &'v f32>) -> Vec<u8> {
    values.flat_map(|value| value.to_le_bytes()).collect()
}

/// The tables that an import left; every checksum is verified.
pub(super) fn read(path: &Path, lineage: u64) -> Result<InputTables> {
    let damaged = || {
        let what = format!("the file of position and segment tables of generation {lineage}");
        Error::new(fault::damage(what, fault::IMPORT_AGAIN))
    };
    let mut file = blob::open(path)?.ok_or_else(damaged)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(Error::disk)?;
    parse(&bytes, lineage).ok_or_else(damaged)
}

fn parse(bytes: &[u8], lineage: u64) -> Option<InputTables> {
    let (length, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (head, mut rest) = rest.split_at_checked(length.checked_add(CRC_BYTES)?)?;
    let head: Head = serde_json::from_slice(record::unseal(b"head", head)?).ok()?;
    let dim = usize::try_from(head.dim).ok().filter(|&dim| dim > 0)?;
    let mut part = |key: &str, rows: u64| -> Option<Option<Matrix>> {
        if rows == 0 {
            return Some(None);
        }
        let numbers = usize::try_from(rows).ok()?.checked_mul(dim)?;
        let length = numbers.checked_mul(size_of::<f32>())?.checked_add(CRC_BYTES)?;
        let (part, after) = rest.split_at_checked(length)?;
        rest = after;
        let (values, _) = record::unseal(key.as_bytes(), part)?.as_chunks();
        let values: Vec<f32> = values.iter().map(|&value| f32::from_le_bytes(value)).collect();
        let mut matrix = Matrix::new(dim);
        values.chunks_exact(dim).for_each(|row| matrix.push(row));
        Some(Some(matrix))
    };
    let positions = part("positions", head.positions)?;
    let segments = part("segments", head.segments)?;
    let norm = part("norm", if head.eps_bits.is_some() { 2 } else { 0 })?;
    let norm = norm.zip(head.eps_bits).map(|(norm, eps)| {
        let mut rows = norm.rows().map(<[f32]>::to_vec);
        let (weight, bias) = (rows.next().unwrap_or_default(), rows.next().unwrap_or_default());
        LayerNorm { weight, bias, eps: f64::from_bits(eps) }
    });
    let first_position = usize::try_from(head.first_position).ok()?;
    let is_whole = rest.is_empty() && head.lineage == lineage;
    is_whole.then_some(InputTables { positions, first_position, segments, norm })
}
