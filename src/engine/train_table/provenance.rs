//! How vectors came about, as it is kept with their table.

use std::fmt::Write as _;

use crate::engine::train_table::asked::{Continue, Method, PhrasePasses, TrainTableJob};
use crate::limits;
use crate::training::Kind;
use crate::training::glove::GloveSettings;
use crate::training::phrases::PhraseScore;
use crate::training::settings::{Loss, Model, Ngrams, Settings};

/// How the vectors came about, kept as provenance.
pub(super) fn told(job: &TrainTableJob, tokenizer: Option<&str>) -> String {
    let mut told = match &job.method {
        Method::Words(settings) => told_of_words(settings),
        Method::Glove(settings) => {
            let GloveSettings { dim, window, x_max, power, epochs, lr, seed, .. } = settings;
            format!(
                "glove dim={dim} window={window} x_max={x_max} power={power} epochs={epochs} lr={lr} \
                 seed={seed}"
            )
        }
    };
    // Writing to a string does not fail; likewise below.
    let _ = write!(told, " min_count={}", job.keep.min_count);
    if job.keep.words_max < limits::ROWS_MAX {
        let _ = write!(told, " vocab_max={}", job.keep.words_max);
    }
    if let Some(PhrasePasses { passes, phrases }) = &job.phrases {
        let score = match phrases.score {
            PhraseScore::Default => "default",
            PhraseScore::Npmi => "npmi",
        };
        let threshold = phrases.threshold;
        let _ = write!(told, " phrases={passes} threshold={threshold} score={score}");
    }
    if let Some(tokenizer) = tokenizer {
        let _ = write!(told, " tokenizer={tokenizer}");
    }
    if let Some(Continue { table, is_frozen }) = &job.from {
        let _ = write!(told, " from={table} freeze={is_frozen}");
    }
    let kernel = Kind::all().into_iter().next().unwrap_or(Kind::Plain);
    let _ = write!(told, " kernel={kernel:?} version={}", env!("CARGO_PKG_VERSION"));
    told
}

fn told_of_words(settings: &Settings) -> String {
    let model = match settings.model {
        Model::SkipGram => "skip-gram",
        Model::Cbow => "cbow",
    };
    let loss = match settings.loss {
        Loss::Negative { count, exponent } => {
            format!("negative negative={count} ns_exponent={exponent}")
        }
        Loss::Hierarchical => "hierarchical".to_owned(),
        Loss::Softmax => "softmax".to_owned(),
    };
    let Settings { dim, window, sample, epochs, lr, seed, threads, .. } = settings;
    let mut told = format!(
        "{model} loss={loss} dim={dim} window={window} sample={sample} epochs={epochs} lr={lr} \
         seed={seed} threads={threads}"
    );
    if settings.position_weights {
        told += " position_weights=true";
    }
    if let Some(Ngrams { min_n, max_n, buckets }) = settings.ngrams {
        // Writing to a string does not fail.
        let _ = write!(told, " subwords={min_n}-{max_n} buckets={buckets}");
    }
    told
}
