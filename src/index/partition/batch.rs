//! Many questions at once: leaf by leaf, so that a leaf is fetched once for all that look into it.
//!
//! The best leaves of every question come first. What they show tells which of its other leaves it wants,
//! as if it had looked through them one after the other; it may look into a few more than it would have
//! alone, or a few less.

use crate::index::batch::{self, Asked};
use crate::index::partition::Partition;
use crate::index::partition::leaves::Asking;
use crate::index::partition::search::{
    Listing, Prepared, Room, SAME_CODE, SLOPE, Sought, rank, sloped,
};
use crate::index::partition::steps::Level;
use crate::index::partition::train::grouped;
use crate::index::{Found, Index as _, IndexKind, Search};
use crate::vector::kernel;
use crate::vector::kernel::blocks::QUERIES;
use crate::vector::kernel::lanes::Scale;
use crate::vector::kernel::nibbles::{self, Run};
use crate::vector::top::Near;

/// Fewer questions than this, for each thousand leaves, do not share leaves often enough.
const TOGETHER_PER_MILLE: usize = 100;
/// Questions whose tables and hits lie together in the caches.
const AT_ONCE: usize = 512;
/// Leaves of each question that come first: they tell which of the others it wants.
const FIRST_LEAVES: usize = 16;
/// Fewer exact questions than this are not worth laying rows side by side.
const EXACT_MIN: usize = 8;

/// Answers each question.
pub(super) fn search(partition: &Partition, searches: &[Search<'_>]) -> Vec<Found> {
    let nothing = || Found { nears: Vec::new(), by: IndexKind::Exact };
    let mut found: Vec<Found> = Vec::with_capacity(searches.len());
    let (mut exact, mut exact_places) = (Vec::new(), Vec::new());
    let (mut shared, mut shared_places) = (Vec::new(), Vec::new());
    let (mut few, mut few_places) = (Vec::new(), Vec::new());
    let is_many = searches.len() > partition.leaves() * TOGETHER_PER_MILLE / 1_000;
    for (place, search) in searches.iter().enumerate() {
        let Search { query, params } = search;
        let is_exact = partition.is_exact(params);
        if params.k == 0 || is_exact && searches.len() < EXACT_MIN {
            found.push(partition.search(query, params));
            continue;
        }
        if is_exact {
            match partition.proven_or_floor(query, params) {
                Ok(nears) => found.push(Found { nears, by: IndexKind::List }),
                Err(floor) => {
                    exact_places.push(place);
                    exact.push(Asked { search: *search, floor });
                    found.push(nothing());
                }
            }
            continue;
        }
        let read = params.row.and_then(|row| partition.read(row, query, params));
        if let Some(nears) = read {
            found.push(Found { nears, by: IndexKind::List });
            continue;
        }
        let (some, places) = if is_many && is_shared(partition, search) {
            (&mut shared, &mut shared_places)
        } else {
            (&mut few, &mut few_places)
        };
        places.push(place);
        some.push(*search);
        found.push(nothing());
    }
    let answers = batch::search(&partition.table, &partition.codes, &exact);
    for (place, nears) in exact_places.into_iter().zip(answers) {
        found[place].nears = nears;
    }
    let mut answers = Vec::with_capacity(shared.len());
    let mut spare = Vec::new();
    for searches in shared.chunks(AT_ONCE) {
        answers.extend(Together::new(partition, searches, &mut spare).answers(&mut spare));
    }
    let (sixes, rest) = few.as_chunks::<QUERIES>();
    for six in sixes {
        let checked = |(found, search): (Found, &Search<'_>)| {
            partition.checked(found, search.query, &search.params)
        };
        answers.extend(partition.find_few(six).into_iter().zip(six).map(checked));
    }
    answers.extend(rest.iter().map(|search| partition.search(search.query, &search.params)));
    for (place, answer) in shared_places.into_iter().chain(few_places).zip(answers) {
        found[place] = answer;
    }
    found
}

/// Whether a question can share leaves: how near its answer ends must be known beforehand.
fn is_shared(partition: &Partition, search: &Search<'_>) -> bool {
    partition.floor(&search.params, &Prepared::default(), LEVEL).is_finite()
}

/// Any level.
const LEVEL: Level = Level { kappa: 0.0, delta: 0.0 };

/// What a question keeps, and leaves for one of the next ones.
#[derive(Default)]
struct Memory {
    sought: Sought,
    /// Scores and leaves that may be wanted, the best first.
    leaves: Vec<(f32, u32)>,
}

/// One of the questions.
struct Question<'a> {
    search: Search<'a>,
    memory: Memory,
    prepared: Prepared,
    level: Level,
    delta: i32,
    floor: i32,
    proven: Option<Vec<Near>>,
}

struct Together<'a> {
    partition: &'a Partition,
    questions: Vec<Question<'a>>,
    room: Room,
}

impl<'a> Together<'a> {
    /// Compares every question with the centers.
    fn new(partition: &'a Partition, searches: &[Search<'a>], spare: &mut Vec<Memory>) -> Self {
        let mut room = Room::default();
        let mut questions = Vec::with_capacity(searches.len());
        let mut scores: [Vec<f32>; QUERIES] = Default::default();
        let mut listing = Listing::default();
        for six in searches.chunks(QUERIES) {
            let mut coded: Vec<(Memory, Scale)> = Vec::with_capacity(QUERIES);
            for search in six {
                let mut memory = spare.pop().unwrap_or_default();
                let scale = partition.code(&mut memory.sought, &mut room, search.query);
                coded.push((memory, scale));
            }
            let asked: [(Asking<'_>, &mut Vec<f32>); QUERIES] = scores_of(&mut scores, |i| {
                // The last one again fills up.
                let sought = &coded[i.min(six.len() - 1)].0.sought;
                Asking::new(&sought.code, &sought.groups)
            });
            let best = partition.leaves.centers.compare(asked);
            let each = six.iter().zip(coded).zip(scores.iter().zip(best));
            for ((search, (mut memory, Scale { scale, least })), (scores, best)) in each {
                let prepared = Prepared { best, scale, least };
                let level = partition.level(&search.params);
                let floor = partition.floor(&search.params, &prepared, level);
                let limit = sloped(SLOPE, floor + level.delta) - level.kappa;
                listing.fill(scores, (limit.min(best), f32::INFINITY), best);
                memory.leaves.clone_from(&listing.order);
                memory.sought.begin(rank(&search.params));
                questions.push(Question {
                    search: *search,
                    memory,
                    prepared,
                    level,
                    delta: prepared.allowance(level),
                    floor: prepared.units(floor),
                    proven: None,
                });
            }
        }
        Self { partition, questions, room }
    }

    fn answers(mut self, spare: &mut Vec<Memory>) -> Vec<Found> {
        self.look_through(|_| (0, FIRST_LEAVES));
        for question in &mut self.questions {
            let Question { search, memory, prepared, .. } = question;
            let same = prepared.units(SAME_CODE);
            if self.partition.has_lists() && memory.sought.nearest.0 > same {
                let Search { query, params } = search;
                question.proven = self.partition.proven(&memory.sought, query, params);
            }
        }
        self.look_through(|question| match question.proven {
            Some(_) => (0, 0),
            None => (FIRST_LEAVES, usize::MAX),
        });
        let Self { partition, questions, mut room } = self;
        let answer = |question: Question<'_>| {
            let Question { search, memory, delta, proven, .. } = question;
            let Search { query, params } = search;
            let nears = match proven {
                Some(nears) => return Found { nears, by: IndexKind::List },
                None => partition.compare(&memory.sought, &mut room, (query, &params), delta),
            };
            spare.push(memory);
            let last = nears.last().filter(|_| nears.len() == params.k);
            if last.is_some_and(|last| last.similarity >= 0.0) {
                return Found { nears, by: IndexKind::Partition };
            }
            partition.search(query, &params)
        };
        questions.into_iter().map(answer).collect()
    }

    /// Lets questions look into some of their leaves: those from one place up to another.
    fn look_through(&mut self, which: impl Fn(&Question<'_>) -> (usize, usize)) {
        let Self { partition, questions, .. } = self;
        let leaves = &partition.leaves;
        let subspaces = partition.coder.subspaces();
        // Pairs of questions and leaves, leaf by leaf.
        let (mut labels, mut pairs) = (Vec::new(), Vec::new());
        for (number, question) in (0_u32..).zip(questions.iter()) {
            let (from, to) = which(question);
            let limit = question.limit();
            let some = question.memory.leaves.iter().take(to).skip(from);
            for &(score, leaf) in some.take_while(|&&(score, _)| score >= limit) {
                labels.push(leaf);
                pairs.push((number, score));
            }
        }
        let (starts, order) = grouped(&labels, leaves.leaves.len());
        let mut left = &order[..];
        for (number, &leaf) in leaves.leaves.iter().enumerate() {
            let count = (starts[number + 1] - starts[number]) as usize;
            let (members, rest) = left.split_at(count);
            left = rest;
            let next = rest.first().map(|&member| leaves.leaves[labels[member as usize] as usize]);
            let mut run = Run {
                form: leaves.form,
                blocks: leaves.codes(leaf, subspaces),
                count: leaf.rows as usize,
                first: leaf.first,
                next: next.map_or(&[], |next| leaves.codes(next, subspaces)),
            };
            for (i, &member) in members.iter().enumerate() {
                if let Some(&next) = members.get(i + 1).or(rest.first()) {
                    let (question, _) = pairs[next as usize];
                    kernel::prefetch(&questions[question as usize].memory.sought.tables);
                }
                let (question, score) = pairs[member as usize];
                let question = &mut questions[question as usize];
                if score >= question.limit() {
                    question.look(partition, run, score - leaves.centers.spreads[number]);
                    run.next = &[];
                }
            }
        }
    }
}

/// Each with room for its scores.
fn scores_of<'s, 'q>(
    scores: &'s mut [Vec<f32>; QUERIES],
    asking: impl Fn(usize) -> Asking<'q>,
) -> [(Asking<'q>, &'s mut Vec<f32>); QUERIES] {
    let mut number = 0..;
    scores.each_mut().map(|scores| (asking(number.next().unwrap_or(0)), scores))
}

impl Question<'_> {
    /// The score below which a leaf is of no use.
    fn limit(&self) -> f32 {
        let last = self.memory.sought.top.last();
        sloped(SLOPE, self.prepared.similarity(last)) - self.level.kappa
    }

    fn look(&mut self, partition: &Partition, run: Run<'_>, similarity: f32) {
        let Sought { tables, hits, top, .. } = &mut self.memory.sought;
        let threshold = top.last().saturating_sub(self.delta).max(self.floor);
        let from = hits.len();
        nibbles::look_up(run, tables, self.prepared.base(similarity), threshold, hits);
        partition.take(&mut self.memory.sought, from, &self.search.params);
    }
}
