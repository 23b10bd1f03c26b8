//! `wordspace chunk`: long texts in windows.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::output::{Align, Grid, Output, count, shown};
use crate::cli::texts::{CuttingArgs, TextArgs};
use crate::client::{ChunkRequest, ChunkResponse, Client};

/// Cut long texts into chunks of at most so many tokens; the chunks join back to the text
#[derive(Debug, Args)]
pub(super) struct Chunk {
    #[command(flatten)]
    texts: TextArgs,
    #[command(flatten)]
    cutting: CuttingArgs,
    /// Table whose tokenizer is meant if none is named
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Tokens of a chunk, at most
    #[arg(long, value_name = "COUNT", default_value_t = 512)]
    max_tokens: u32,
    /// Tokens that the next chunk begins with, at most half of a chunk's
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    overlap: u32,
    /// End chunks at the ends of sentences
    #[arg(long)]
    sentences: bool,
}

impl Chunk {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let (mut chunks, mut tokenizer) = (0, String::new());
        for texts in self.texts.read().await? {
            let request = ChunkRequest {
                texts,
                cutting: Some(self.cutting.cutting()),
                table: self.table.clone().unwrap_or_default(),
                max_tokens: self.max_tokens,
                overlap: self.overlap,
                at_sentences: self.sentences,
            };
            let answer = client.chunk(request).await?;
            output.answer(&answer, grid)?;
            chunks += answer.chunks.len() as u64;
            tokenizer = answer.tokenizer;
        }
        output.footer(&format!("  ({} chunks; tokenizer {})", count(chunks), shown(&tokenizer)));
        Ok(())
    }
}

fn grid(answer: &ChunkResponse) -> String {
    let mut grid = Grid::titled(&[
        ("text", Align::Right),
        ("bytes", Align::Left),
        ("tokens", Align::Right),
        ("overlap", Align::Right),
        ("chunk", Align::Left),
    ]);
    for chunk in &answer.chunks {
        grid.row([
            (chunk.text_index + 1).to_string(),
            format!("{}..{}", chunk.byte_start, chunk.byte_end),
            chunk.token_count.to_string(),
            chunk.overlap_bytes.to_string(),
            chunk.text.clone(),
        ]);
    }
    grid.to_string()
}
