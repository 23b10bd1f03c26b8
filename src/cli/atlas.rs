//! `wordspace map`: where the words of a table stand on a map, the same that its page for browsers shows.

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::cli::failure::{Failure, Result};
use crate::cli::import::style;
use crate::cli::options::TableArg;
use crate::cli::output::{Align, Grid, Output, answered, count, quoted};
use crate::cli::plot::{self, DrawArgs, Spot};
use crate::cli::verify::show;
use crate::client::{
    ArrangeMapRequest, CallError, Client, ListWordsRequest, MapLayout, MapRequest, MapResponse,
};

/// A map of a table's words, and the groups that they part into
///
/// --svg and --png draw it: a point for each word, the frequent ones over the rare ones and larger, in the
/// color of its group, and names where there is room. The page at the server's address shows the same map, with more
/// names as you come nearer.
///
/// --layout neighbors arranges the table first if nobody has: a job on the server, which keeps the places until the
/// table gets other rows.
#[derive(Debug, Args)]
pub(super) struct Map {
    #[command(flatten)]
    table: TableArg,
    /// How words get their places
    #[arg(long, value_enum, default_value_t = Layout::Components)]
    layout: Layout,
    /// Arrange by neighbors with this seed: another one gives another map that is as good
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Arrange by neighbors again: words may have been written since
    #[arg(long)]
    again: bool,
    /// Draw the first so many words of the table
    #[arg(long, value_name = "COUNT", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    points: u32,
    /// Name words of the first so many, where there is room
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    names: u32,
    #[command(flatten)]
    drawn: DrawArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Layout {
    /// The first two principal components: at once, for any table
    Components,
    /// From there, moved so that the nearest words of each come together; takes seconds to minutes, once
    Neighbors,
}

/// Bytes of a row's place.
const ROW_BYTES: usize = 8;
/// A row without a place.
const NOWHERE: u16 = u16::MAX;
const MIDDLE: f64 = 32_767.0;
/// Words that stand in every text, which say little of where one is.
const USUAL_ROWS: usize = 60;
const SHORT_CHARS: usize = 3;
/// Below so many rows every word is named.
const FEW_ROWS: usize = 2_000;

impl Map {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let layout = match self.layout {
            Layout::Components => MapLayout::Components,
            Layout::Neighbors => MapLayout::Neighbors,
        };
        let request = MapRequest {
            table: self.table.name.clone(),
            without_places: !self.drawn.is_asked(),
            layout: layout.into(),
        };
        let mut map = self.map(client, request, output).await?;
        if self.drawn.is_asked() {
            self.draw(&map, client, output).await?;
            // Answers are to be read.
            map.places.clear();
        }
        output.answer(&map, text)?;
        output.footer(&answered(map.answer.as_ref()));
        Ok(())
    }

    /// The map, arranged first if that is asked for, or was never done.
    async fn map(
        &self,
        client: &Client,
        request: MapRequest,
        output: &Output,
    ) -> Result<MapResponse> {
        if self.layout == Layout::Components {
            if self.seed.is_some() || self.again {
                let problem = "--seed and --again are about --layout neighbors";
                return Err(Failure::Usage(problem.to_owned()));
            }
            return Ok(client.map(request).await?);
        }
        if self.seed.is_none() && !self.again {
            match client.map(request.clone()).await {
                Err(CallError::Refused(refusal)) if refusal.reason == "UNSUITED_TABLE" => {}
                answer => return Ok(answer?),
            }
        }
        let asked = ArrangeMapRequest {
            table: self.table.name.clone(),
            seed: self.seed.unwrap_or_default(),
            again: self.again,
            ..ArrangeMapRequest::default()
        };
        let bar = ProgressBar::no_length().with_style(style("{percent} %  [{bar:30}]  {elapsed}"));
        if output.is_json() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let arranged = client.arrange_map(asked, |now| show(&bar, now)).await;
        bar.finish_and_clear();
        arranged?;
        Ok(client.map(request).await?)
    }

    async fn draw(&self, map: &MapResponse, client: &Client, output: &mut Output) -> Result<()> {
        let request = ListWordsRequest {
            table: self.table.name.clone(),
            page_size: Some(self.names.max(1)),
            ..ListWordsRequest::default()
        };
        let listed = client.list_words(request).await?.words;
        let few = usize::try_from(map.row_count).is_ok_and(|rows| rows <= FEW_ROWS);
        let mut names: Vec<Option<&str>> = Vec::new();
        let wanted = usize::try_from(self.names).unwrap_or(usize::MAX);
        for word in listed.iter().take(wanted) {
            let row = usize::try_from(word.row).unwrap_or(usize::MAX);
            if row < wanted && (few || is_telling(row, &word.word)) {
                names.resize(names.len().max(row + 1), None);
                names[row] = Some(&word.word);
            }
        }
        let most = usize::try_from(self.points).unwrap_or(usize::MAX);
        let spots = spots(map, most, &names);
        let how = match self.layout {
            Layout::Components => {
                let shares = map.component_shares.iter().sum::<f64>() * 100.0;
                format!("two components, {shares:.0} % of the spread")
            }
            Layout::Neighbors => "neighbors together".to_owned(),
        };
        let drawn = count(u64::try_from(spots.len()).unwrap_or(u64::MAX));
        let title = format!("{}: {drawn} words, {how}", self.table.name);
        let groups: Vec<String> = map.clusters.iter().map(|group| named(group, ", ")).collect();
        self.drawn.write(&plot::map(&title, &spots, &groups), output)
    }
}

/// Whether a word says where on the map one is.
fn is_telling(row: usize, word: &str) -> bool {
    let is_long = word.chars().count() >= SHORT_CHARS || !word.is_ascii();
    row >= USUAL_ROWS && is_long && word.chars().all(char::is_alphabetic)
}

/// The rows that have a place, the first `most` of them.
fn spots<'n>(map: &MapResponse, most: usize, names: &[Option<&'n str>]) -> Vec<Spot<'n>> {
    let rows = map.places.chunks_exact(ROW_BYTES).take(most).enumerate();
    let placed = rows.filter_map(|(row, place)| {
        let &[x0, x1, y0, y1, _, _, group, _] = place else { return None };
        let (x, y) = (u16::from_le_bytes([x0, x1]), u16::from_le_bytes([y0, y1]));
        if x == NOWHERE && y == NOWHERE {
            return None;
        }
        let [x, y] = [x, y].map(|at| (f64::from(at) - MIDDLE) / MIDDLE);
        let name = names.get(row).copied().flatten();
        Some(Spot { x, y, group: usize::from(group), name })
    });
    placed.collect()
}

fn named(group: &crate::client::map_response::MapCluster, between: &str) -> String {
    let words: Vec<&str> = group.words.iter().map(|word| word.word.as_str()).collect();
    words.join(between)
}

fn text(map: &MapResponse) -> String {
    let mut groups = Grid::plain(&[Align::Right, Align::Left]);
    for group in &map.clusters {
        let words = group.words.iter().map(|word| quoted(&word.word)).collect::<Vec<_>>();
        groups.row([count(group.row_count.into()), words.join(" ")]);
    }
    let shares = map.component_shares.iter().map(|share| format!("{:.1} %", share * 100.0));
    let shares = shares.collect::<Vec<_>>().join(" and ");
    let spread = if shares.is_empty() {
        String::new()
    } else {
        format!("; two components have {shares} of the spread")
    };
    format!(
        "{} of {} rows have a place{spread}\n{groups}",
        count(map.placed_count.into()),
        count(map.row_count.into())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_rows_without_one_left_out() {
        let row = |x: u16, y: u16, group: u8| {
            let [[x0, x1], [y0, y1]] = [x, y].map(u16::to_le_bytes);
            [x0, x1, y0, y1, 0, 0, group, 0]
        };
        let rows = [row(32_767, 0, 3), row(NOWHERE, NOWHERE, 0), row(65_534, 65_534, 7)];
        let map = MapResponse { places: rows.concat(), ..MapResponse::default() };
        let names = [Some("one"), Some("none"), Some("two")];
        let all = spots(&map, 3, &names);
        let told: Vec<_> = all.iter().map(|spot| (spot.x, spot.y, spot.group, spot.name)).collect();
        assert_eq!(told, [(0.0, -1.0, 3, Some("one")), (1.0, 1.0, 7, Some("two"))]);
        assert_eq!(spots(&map, 2, &names[..1]).len(), 1);
        let drawn = plot::map("a & b", &all, &["g<h".to_owned()]);
        for part in ["a &amp; b", ">one</text>", ">two</text>", "g&lt;h", "</svg>\n"] {
            assert!(drawn.contains(part), "{part}: {drawn}");
        }
        assert_eq!(drawn.matches("h0").count(), 2, "a mark for each word");
        assert!(!plot::map("none", &[], &[]).contains("NaN"));
        assert!(is_telling(60, "queen") && is_telling(60, "\u{4e2d}"));
        assert!(!is_telling(59, "queen") && !is_telling(60, "of") && !is_telling(60, "12th"));
    }
}
