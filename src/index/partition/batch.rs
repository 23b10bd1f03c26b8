//! Many questions at once: centers are read once for six of them, which wait for memory while the others are at
//! work; rows are read once for many that compare every row.
//!
//! To look through the leaves question by question was measured to be no slower than leaf by leaf.

use crate::index::batch;
use crate::index::partition::sought::Asked;
use crate::index::partition::{EF_FLOOR, Partition};
use crate::index::{Found, Index as _, IndexKind, Search};
use crate::vector::kernel::blocks::QUERIES;
use crate::vector::kernel::tile::Precision;

/// Fewer exact questions than this are not worth laying rows side by side, where that takes a few instructions;
/// and where it does not. Measured on `GloVe` 6B 100d.
const EXACT_MIN: usize = 3;
const EXACT_MIN_ELSEWHERE: usize = 12;

/// Answers each question.
pub(super) fn search(partition: &Partition, searches: &[Search<'_>]) -> Vec<Found> {
    let is_whole = Precision::here() == Precision::WHOLE;
    let exact_min = if is_whole { EXACT_MIN } else { EXACT_MIN_ELSEWHERE };
    let (mut asked, mut exact) = (Vec::new(), Vec::new());
    let mut found: Vec<Found> = Vec::with_capacity(searches.len());
    for (place, search) in searches.iter().enumerate() {
        let Search { query, params } = search;
        let is_exact = partition.is_exact(params);
        let is_alone = searches.len() < exact_min || partition.allows_few(params);
        let read = params.row.filter(|_| params.k > 0);
        let read = read.and_then(|row| partition.read(row, query, params));
        found.push(Found { nears: Vec::new(), by: IndexKind::Exact });
        if let Some(nears) = read {
            found[place] = Found { nears, by: IndexKind::List };
        } else if params.k == 0 || is_exact && is_alone {
            found[place] = partition.search(query, params);
        } else if !is_exact {
            asked.push((place, Asked::new(*search)));
        } else if partition.tells_floor(params) {
            asked.push((place, Asked { search: *search, ef: EF_FLOOR }));
        } else {
            exact.push((place, batch::Asked { search: *search, floor: f32::NEG_INFINITY }));
        }
    }
    let (places, asked): (Vec<usize>, Vec<Asked<'_>>) = asked.into_iter().unzip();
    for ((place, asked), answer) in places.into_iter().zip(&asked).zip(find(partition, &asked)) {
        let Search { query, params } = &asked.search;
        if !partition.is_exact(params) {
            found[place] = partition.checked(answer, query, params);
        } else if answer.by == IndexKind::List && answer.nears.len() == params.k {
            found[place] = answer;
        } else {
            let search = asked.search;
            exact.push((place, batch::Asked { search, floor: answer.floor(params.k) }));
        }
    }
    let (places, exact): (Vec<usize>, Vec<batch::Asked<'_>>) = exact.into_iter().unzip();
    let answers = batch::search(&partition.table, &partition.codes, &exact);
    for (place, nears) in places.into_iter().zip(answers) {
        found[place].nears = nears;
    }
    found
}

/// Looks through leaves, six questions at a time.
fn find(partition: &Partition, asked: &[Asked<'_>]) -> Vec<Found> {
    let (sixes, rest) = asked.as_chunks::<QUERIES>();
    let sixes = sixes.iter().flat_map(|six| partition.find(six));
    sixes.chain(rest.iter().flat_map(|one| partition.find(&[*one]))).collect()
}
