//! Many questions at once. Each looks through the leaves that it would look through alone, but the centers
//! are read once for six of them, and rows once for many that compare every row.
//!
//! To look through the leaves question by question was measured to be no slower than leaf by leaf.

use crate::index::batch::{self, Asked};
use crate::index::partition::Partition;
use crate::index::{Found, Index as _, IndexKind, Search};
use crate::vector::kernel::blocks::QUERIES;
use crate::vector::kernel::tile::Precision;

/// Fewer exact questions than this are not worth laying rows side by side, where that takes a few instructions;
/// and where it does not. Measured on `GloVe` 6B 100d.
const EXACT_MIN: usize = 3;
const EXACT_MIN_ELSEWHERE: usize = 12;

/// Answers each question.
pub(super) fn search(partition: &Partition, searches: &[Search<'_>]) -> Vec<Found> {
    let nothing = || Found { nears: Vec::new(), by: IndexKind::Exact };
    let mut found: Vec<Found> = Vec::with_capacity(searches.len());
    let is_whole = Precision::here() == Precision::WHOLE;
    let exact_min = if is_whole { EXACT_MIN } else { EXACT_MIN_ELSEWHERE };
    let (mut exact, mut exact_places) = (Vec::new(), Vec::new());
    let (mut others, mut other_places) = (Vec::new(), Vec::new());
    for (place, search) in searches.iter().enumerate() {
        let Search { query, params } = search;
        let is_exact = partition.is_exact(params);
        let read = params.row.filter(|_| params.k > 0 && !is_exact);
        let is_alone = searches.len() < exact_min || partition.allows_few(params);
        found.push(if params.k == 0 || is_exact && is_alone {
            partition.search(query, params)
        } else if is_exact {
            match partition.proven_or_floor(query, params) {
                Ok(nears) => Found { nears, by: IndexKind::List },
                Err(floor) => {
                    exact_places.push(place);
                    exact.push(Asked { search: *search, floor });
                    nothing()
                }
            }
        } else if let Some(nears) = read.and_then(|row| partition.read(row, query, params)) {
            Found { nears, by: IndexKind::List }
        } else {
            other_places.push(place);
            others.push(*search);
            nothing()
        });
    }
    let answers = batch::search(&partition.table, &partition.codes, &exact);
    for (place, nears) in exact_places.into_iter().zip(answers) {
        found[place].nears = nears;
    }
    let mut answers = Vec::with_capacity(others.len());
    let (sixes, rest) = others.as_chunks::<QUERIES>();
    for six in sixes {
        let checked = |(found, search): (Found, &Search<'_>)| {
            partition.checked(found, search.query, &search.params)
        };
        answers.extend(partition.find_few(six).into_iter().zip(six).map(checked));
    }
    answers.extend(rest.iter().map(|search| partition.search(search.query, &search.params)));
    for (place, answer) in other_places.into_iter().zip(answers) {
        found[place] = answer;
    }
    found
}
