//! A model becomes an ARPA file.

use std::io::Write;

use crate::error::{Error, ErrorKind, Result};
use crate::lm::arpa::NEVER;
use crate::lm::ngram::NgramModel;
use crate::lm::words::BEGIN;
use crate::steps::GoOn;

/// How a file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArpaForm {
    /// Whether `<s>`, which is never predicted, has -99 in place of 0, as SRILM writes it.
    pub begins_never: bool,
}

/// Writes a model; how many n-grams there were. Each number is the shortest that is read back the same.
///
/// # Errors
///
/// If the model is of a smoothing that has no back-offs, if its file is damaged, if the output fails, or if `go_on`
/// says so.
pub fn write(
    model: &NgramModel,
    form: ArpaForm,
    out: &mut dyn Write,
    go_on: GoOn<'_>,
) -> Result<u64> {
    if model.is_direct() {
        return Err(Error::new(ErrorKind::Unsuited {
            operation: "writing ARPA",
            because:
                "the model's smoothing gives every unseen word a probability of its own in each \
                      context, and ARPA has only back-offs; train it with another smoothing"
                    .to_owned(),
        }));
    }
    let failed = |error: std::io::Error| error.downcast().unwrap_or_else(Error::disk);
    let sizes = model.sizes().to_vec();
    out.write_all(b"\\data\\\n").map_err(failed)?;
    for (order, size) in (1..).zip(&sizes) {
        writeln!(out, "ngram {order}={size}").map_err(failed)?;
    }
    let mut line = Vec::new();
    for order in 1..=sizes.len() {
        out.write_all(format!("\n\\{order}-grams:\n").as_bytes()).map_err(failed)?;
        let is_top = order == sizes.len();
        model.each(order, go_on, &mut |words, p, back_off| {
            line.clear();
            let p = match words {
                [BEGIN] if form.begins_never => NEVER,
                [BEGIN] => 0.0,
                _ => p,
            };
            number(&mut line, p).map_err(failed)?;
            for (at, &word) in words.iter().enumerate() {
                if order == 1 {
                    check(model.word(word))?;
                }
                line.push(if at == 0 { b'\t' } else { b' ' });
                line.extend_from_slice(model.word(word));
            }
            if !is_top {
                line.push(b'\t');
                number(&mut line, back_off).map_err(failed)?;
            }
            line.push(b'\n');
            out.write_all(&line).map_err(failed)
        })?;
    }
    out.write_all(b"\n\\end\\\n").map_err(failed)?;
    Ok(sizes.iter().sum())
}

/// Words stand between white space there.
fn check(word: &[u8]) -> Result<()> {
    if !word.is_empty() && !word.iter().any(|byte| b" \t\r\n\0".contains(byte)) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsuited {
        operation: "writing ARPA",
        because: format!("the word \"{}\" has white space in it", String::from_utf8_lossy(word)),
    }))
}

fn number(line: &mut Vec<u8>, value: f32) -> std::io::Result<()> {
    if value == 0.0 {
        line.push(b'0');
        return Ok(());
    }
    let value = if value.is_finite() { value } else { NEVER };
    write!(line, "{value}")
}
