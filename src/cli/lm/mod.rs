//! `wordspace lm`: language models beside the tables.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `make.rs` | `train`, `import`, `export`, `compare` |
//! | `ask.rs` | `score`, `perplexity`, `next`, `generate`, `mix` |
//! | `choose.rs` | `rank`, `odd` |

mod ask;
mod choose;
mod make;

use clap::{Args, Subcommand};

pub(super) use make::{compared, imported, trained};

use crate::cli::failure::Result;
use crate::cli::output::{Align, Grid, Output, bytes, count, shown};
use crate::client::{
    Client, DeleteModelRequest, GetModelRequest, LanguageModel, ListModelsRequest, NeuralModel,
    PerplexityResponse, Smoothing,
};

/// Language models, of n-grams or neural: train, import, export, list, show, remove, score, perplexity, next, generate,
/// compare, mix, rank, odd
#[derive(Debug, Args)]
pub(super) struct Lm {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Train(make::Train),
    Import(make::Import),
    Export(make::Export),
    /// All models
    List,
    Show(Show),
    Remove(Remove),
    Score(ask::Score),
    Perplexity(ask::Perplexity),
    Next(ask::Next),
    Generate(ask::Generate),
    Compare(make::Compare),
    Mix(ask::Mix),
    Rank(choose::Rank),
    Odd(choose::Odd),
}

impl Lm {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        match &self.action {
            Action::Train(train) => train.ask(client, output).await,
            Action::Import(import) => import.ask(client, output).await,
            Action::Export(export) => export.ask(client, output).await,
            Action::List => {
                let answer = client.list_models(ListModelsRequest {}).await?;
                output.answer(&answer, |answer| listed(&answer.models))
            }
            Action::Show(show) => show.ask(client, output).await,
            Action::Remove(remove) => remove.ask(client, output).await,
            Action::Score(score) => score.ask(client, output).await,
            Action::Perplexity(perplexity) => perplexity.ask(client, output).await,
            Action::Next(next) => next.ask(client, output).await,
            Action::Generate(generate) => generate.ask(client, output).await,
            Action::Compare(compare) => compare.ask(client, output).await,
            Action::Mix(mix) => mix.ask(client, output).await,
            Action::Rank(rank) => rank.ask(client, output).await,
            Action::Odd(odd) => odd.ask(client, output).await,
        }
    }
}

/// What is known of a model
#[derive(Debug, Args)]
struct Show {
    /// Its name
    model: String,
}

impl Show {
    async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let answer = client.get_model(GetModelRequest { model: self.model.clone() }).await?;
        output.answer(&answer, |answer| answer.model.as_ref().map(told).unwrap_or_default())
    }
}

/// Delete a model
#[derive(Debug, Args)]
struct Remove {
    /// Its name
    model: String,
}

impl Remove {
    async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let answer = client.delete_model(DeleteModelRequest { model: self.model.clone() }).await?;
        output.answer(&answer, |_| format!("  deleted {}\n", shown(&self.model)))
    }
}

fn listed(models: &[LanguageModel]) -> String {
    let mut grid = Grid::titled(&[
        ("name", Align::Left),
        ("order", Align::Right),
        ("smoothing", Align::Left),
        ("words", Align::Right),
        ("n-grams", Align::Right),
        ("stored", Align::Right),
        ("tokenizer", Align::Left),
        ("source", Align::Left),
    ]);
    for model in models {
        let is_well = model.problem.is_empty();
        grid.row([
            model.name.clone(),
            model.order.to_string(),
            if is_well { made(model) } else { shown(&model.problem) },
            count(model.word_count),
            count(model.ngram_counts.iter().sum()),
            bytes(model.bytes),
            model.tokenizer.clone(),
            shown(&model.source),
        ]);
    }
    grid.to_string()
}

/// What a model was made by.
fn made(model: &LanguageModel) -> String {
    match &model.neural {
        None => smoothing(model.smoothing(), model.k),
        Some(_) => "neural".to_owned(),
    }
}

fn layers(model: &LanguageModel, network: &NeuralModel) -> String {
    let direct = if network.direct { ", direct connections" } else { "" };
    format!(
        "{} vectors of {}, {} hidden units{direct}; {} weights",
        model.order.saturating_sub(1),
        network.dim,
        count(network.hidden.into()),
        count(network.weight_count)
    )
}

/// The name of a smoothing, as `--smoothing` takes it.
fn smoothing(smoothing: Smoothing, k: Option<f64>) -> String {
    match (smoothing, k) {
        (Smoothing::Unspecified, _) => "imported".to_owned(),
        (Smoothing::AddK, Some(k)) => format!("add-k {k}"),
        (smoothing, _) => {
            let name = smoothing.as_str_name().trim_start_matches("SMOOTHING_");
            name.to_lowercase().replace('_', "-")
        }
    }
}

fn told(model: &LanguageModel) -> String {
    let mut grid = Grid::plain(&[Align::Left, Align::Left]);
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            grid.row([name.to_owned(), value]);
        }
    };
    add("name", model.name.clone());
    match &model.neural {
        None => add("smoothing", smoothing(model.smoothing(), model.k)),
        Some(network) => {
            add("network", layers(model, network));
            let learned = network.samples.map_or_else(
                || "against all words".to_owned(),
                |noise| format!("against {} words of noise", count(noise.into())),
            );
            add("learned", format!("{} epochs {learned}", network.epochs));
            add("began with", shown(&network.from_table));
            add("words", count(model.word_count));
        }
    }
    for (order, &ngrams) in (1..).zip(&model.ngram_counts) {
        add(&format!("{order}-grams"), count(ngrams));
    }
    let compact = if model.compact { ", compact" } else { "" };
    add("stored", bytes(model.bytes) + compact);
    add("tokenizer", model.tokenizer.clone());
    if model.token_count > 0 {
        let (tokens, sentences) = (count(model.token_count), count(model.sentence_count));
        add("text", format!("{tokens} words in {sentences} sentences"));
    }
    add("source", shown(&model.source));
    add("sha256", model.sha256.clone());
    for note in &model.notes {
        add("note", shown(note));
    }
    add("problem", shown(&model.problem));
    grid.to_string()
}

/// A perplexity in a line.
fn known(told: &PerplexityResponse) -> String {
    format!(
        "perplexity {:.3}, without unknown words {:.3}; {} of {} words unknown, {} sentences",
        told.perplexity,
        told.perplexity_without_unknown,
        count(told.unknown_count),
        count(told.token_count),
        count(told.sentence_count)
    )
}
