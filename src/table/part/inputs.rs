//! Position and segment tables and the layer norm of a checkpoint.

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::container::{CHUNK_BYTES, Container, Section, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::table::input::{InputTables, LayerNorm};
use crate::table::part::push_floats;
use crate::vector::matrix::Matrix;

#[derive(Serialize, Deserialize)]
struct Head {
    dim: usize,
    /// The position of a text's first token.
    first_position: usize,
    /// The bits of what the layer norm adds to the variance, if there is one.
    eps_bits: Option<u64>,
}

/// Writes the tables, whose rows have `dim` components.
///
/// # Errors
///
/// If the output fails.
pub fn write<W: Write>(inputs: &InputTables, dim: usize, out: &mut Writer<W>) -> Result<()> {
    let eps_bits = inputs.norm.as_ref().map(|norm| norm.eps.to_bits());
    let head = Head { dim, first_position: inputs.first_position, eps_bits };
    let head =
        serde_json::to_vec(&head).map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    out.section("head", CHUNK_BYTES)?;
    out.write(&head)?;
    let tables = [("positions", &inputs.positions), ("segments", &inputs.segments)];
    for (name, table) in tables {
        if let Some(table) = table {
            write_rows(name, table.rows(), out)?;
        }
    }
    match &inputs.norm {
        Some(norm) => write_rows("norm", [&norm.weight[..], &norm.bias].into_iter(), out),
        None => Ok(()),
    }
}

fn write_rows<'r, W: Write>(
    name: &str,
    rows: impl Iterator<Item = &'r [f32]>,
    out: &mut Writer<W>,
) -> Result<()> {
    out.section(name, CHUNK_BYTES)?;
    let mut bytes = Vec::new();
    for row in rows {
        bytes.clear();
        push_floats(&mut bytes, row);
        out.write(&bytes)?;
    }
    Ok(())
}

/// Reads the tables of a checkpoint whose rows have `dim` components.
///
/// # Errors
///
/// `Corrupt` if the part is damaged; if the disk fails.
pub fn read(part: &Container, dim: usize) -> Result<InputTables> {
    let head: Option<Head> = serde_json::from_slice(&part.section("head")?.read()?).ok();
    let head = head.filter(|head| head.dim == dim && dim > 0).ok_or_else(|| part.senseless())?;
    let table = |name: &str| {
        part.has(name).then(|| part.section(name).and_then(|section| rows(&section, dim, part)))
    };
    let (positions, segments) = (table("positions").transpose()?, table("segments").transpose()?);
    let norm = table("norm").transpose()?.zip(head.eps_bits).map(|(norm, eps)| {
        let mut rows = norm.rows().map(<[f32]>::to_vec);
        let (weight, bias) = (rows.next().unwrap_or_default(), rows.next().unwrap_or_default());
        LayerNorm { weight, bias, eps: f64::from_bits(eps) }
    });
    let is_whole =
        norm.is_some() == head.eps_bits.is_some() && norm.iter().all(|norm| norm.bias.len() == dim);
    let inputs = InputTables { positions, first_position: head.first_position, segments, norm };
    if is_whole { Ok(inputs) } else { Err(part.senseless()) }
}

fn rows(section: &Section<'_>, dim: usize, part: &Container) -> Result<Matrix> {
    let values = section.numbers(f32::from_le_bytes)?;
    if values.is_empty() || !values.len().is_multiple_of(dim) {
        return Err(part.senseless());
    }
    let mut matrix = Matrix::new(dim);
    values.chunks_exact(dim).for_each(|row| matrix.push(row));
    Ok(matrix)
}
