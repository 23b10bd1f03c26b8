//! Product quantization: rows as codes of centroids, in fastText's and in finalfusion's layout.

use crate::error::Result;
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;
use crate::format::tensor::check_dim;

/// Centroids of each part of a vector; a code is a byte.
const CENTROIDS: usize = 256;

/// Rows as codes.
pub(super) struct Codes {
    dim: usize,
    rows: usize,
    /// A code for each part of a row, row by row.
    by_row: Bytes,
    parts: Vec<Part>,
    norms: Norms,
}

/// Some components of all rows, side by side.
struct Part {
    /// The first component.
    from: usize,
    width: usize,
    /// The components of each centroid.
    centroids: Vec<f32>,
}

/// The length of each row.
enum Norms {
    /// It is in the centroids.
    None,
    /// A code of a number.
    Codes { codes: Bytes, centroids: Vec<f32> },
    /// The number itself.
    Numbers(Vec<f32>),
}

impl Codes {
    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn bytes(&self) -> usize {
        let centroids: usize = self.parts.iter().map(|part| part.centroids.len()).sum();
        self.by_row.len() + centroids * size_of::<f32>()
    }

    /// Adds a row that there is.
    pub(super) fn add(&self, row: usize, sum: &mut [f32]) {
        let norm = match &self.norms {
            Norms::None => 1.0,
            Norms::Codes { codes, centroids } => centroids[usize::from(codes[row])],
            Norms::Numbers(norms) => norms[row],
        };
        let codes = &self.by_row[row * self.parts.len()..(row + 1) * self.parts.len()];
        for (part, &code) in self.parts.iter().zip(codes) {
            let from = usize::from(code) * part.width;
            let centroid = &part.centroids[from..from + part.width];
            for (value, component) in sum[part.from..].iter_mut().zip(centroid) {
                *value += norm * component;
            }
        }
    }
}

fn floats(cursor: &mut Cursor, count: usize, what: &str) -> Result<Vec<f32>> {
    let count = cursor.count(count as i128, 4, what)?;
    let (numbers, _) = cursor.take(4 * count, what)?.as_chunks();
    Ok(numbers.iter().map(|&number| f32::from_le_bytes(number)).collect())
}

/// fastText: u8 whether norms are apart, i64 rows and columns, i32 bytes of codes, the codes, the
/// quantizer (i32 columns, parts, columns of a part, of the last one; centroids part by part); then
/// the codes of the norms, and their quantizer.
pub(super) fn fasttext(cursor: &mut Cursor) -> Result<Codes> {
    let has_norms = cursor.u8("the quantized matrix")? != 0;
    let rows = cursor.i64("the quantized matrix")?;
    let dim = cursor.i64("the quantized matrix")?;
    let length = cursor.i32("the quantized matrix")?;
    let length = cursor.count(length.into(), 1, "bytes of codes")?;
    let codes = cursor.part(length, "the codes")?;
    let parts = quantizer(cursor)?;
    let (rows, dim) = (usize::try_from(rows).unwrap_or(0), usize::try_from(dim).unwrap_or(0));
    check_dim(dim, "the quantized matrix")?;
    let width: usize = parts.iter().map(|part| part.width).sum();
    if width != dim || rows.checked_mul(parts.len()) != Some(codes.len()) {
        let problem = format!(
            "{rows} rows of {dim} components do not fit {} codes of {} parts",
            codes.len(),
            parts.len()
        );
        return Err(cursor.wrong(problem));
    }
    let norms = if has_norms {
        let codes = cursor.part(rows, "the norms")?;
        let quantizer = quantizer(cursor)?;
        match quantizer.into_iter().next() {
            Some(Part { width: 1, centroids, .. }) => Norms::Codes { codes, centroids },
            Some(_) | None => return Err(cursor.wrong("the norms are no single numbers")),
        }
    } else {
        Norms::None
    };
    Ok(Codes { dim, rows, by_row: codes, parts, norms })
}

fn quantizer(cursor: &mut Cursor) -> Result<Vec<Part>> {
    let mut ints = [0; 4];
    for int in &mut ints {
        let value = cursor.i32("the quantizer")?;
        *int = usize::try_from(value)
            .map_err(|_| cursor.wrong("a number of the quantizer is below 0"))?;
    }
    let [dim, count, width, last] = ints;
    check_dim(dim, "the quantizer")?;
    let fits = count > 0
        && last > 0
        && last <= width.max(last)
        && (count - 1).checked_mul(width).and_then(|most| most.checked_add(last)) == Some(dim);
    if !fits || (count > 1 && width == 0) {
        let problem = format!("{count} parts of {width} and {last} components do not make {dim}");
        return Err(cursor.wrong(problem));
    }
    let mut parts = Vec::new();
    for i in 0..count {
        let from = i * width;
        let width = if i + 1 == count { last } else { width };
        let centroids = floats(cursor, CENTROIDS * width, "centroids")?;
        parts.push(Part { from, width, centroids });
    }
    Ok(parts)
}

/// finalfusion: whether there is a projection, whether norms are apart, parts, columns, centroids,
/// rows, the types of codes and numbers; then, padded as in finalfusion.rs: projection,
/// centroids, norms, codes.
pub(super) fn finalfusion(cursor: &mut Cursor) -> Result<Codes> {
    let what = "the quantized matrix";
    let projected = cursor.u32(what)? != 0;
    let has_norms = cursor.u32(what)? != 0;
    let count = cursor.u32(what)? as usize;
    let dim = cursor.u32(what)? as usize;
    let centroids = cursor.u32(what)? as usize;
    let rows = usize::try_from(cursor.u64(what)?).unwrap_or(usize::MAX);
    let (code, number) = (cursor.u32(what)?, cursor.u32(what)?);
    check_dim(dim, what)?;
    if (code, number) != (1, 10) {
        return Err(cursor.wrong("codes are not bytes, or numbers not of single precision"));
    }
    if projected {
        return Err(cursor.wrong(
            "the vectors are turned by a projection (OPQ), which is not read; write the file \
             again without it",
        ));
    }
    if count == 0 || !dim.is_multiple_of(count) || centroids == 0 || centroids > CENTROIDS {
        let problem = format!("{count} parts with {centroids} centroids do not make {dim}");
        return Err(cursor.wrong(problem));
    }
    let padding = 4 - cursor.offset() % 4;
    cursor.take(padding, what)?;
    let width = dim / count;
    let mut parts = Vec::new();
    for i in 0..count {
        let mut part = floats(cursor, centroids * width, "centroids")?;
        // A code beyond them is a fault of the file, seen as zeros.
        part.resize(CENTROIDS * width, 0.0);
        parts.push(Part { from: i * width, width, centroids: part });
    }
    let rows = cursor.count(rows as i128, count, "rows")?;
    let norms =
        if has_norms { Norms::Numbers(floats(cursor, rows, "norms")?) } else { Norms::None };
    let codes = cursor.part(rows * count, "the codes")?;
    if centroids < CENTROIDS
        && let Some(code) = codes.iter().find(|&&code| usize::from(code) >= centroids)
    {
        return Err(cursor.wrong(format!("the code {code} names none of {centroids} centroids")));
    }
    Ok(Codes { dim, rows, by_row: codes, parts, norms })
}
