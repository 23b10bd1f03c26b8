//! Many questions at once: leaf by leaf, so that a leaf is fetched once for all that look into it.
//!
//! The best leaves of every question come first. What they show tells which of its other leaves it wants,
//! as if it had looked through them one after the other; it may look into a few more than it would have
//! alone, or a few less.

use crate::index::batch::{self, Asked};
use crate::index::partition::Partition;
use crate::index::partition::leaves::{Asking, Compared};
use crate::index::partition::search::{Prepared, Room, SAME_CODE, SLOPE, Sought, rank, sloped};
use crate::index::partition::steps::Level;
use crate::index::partition::train::grouped;
use crate::index::{Found, Index as _, IndexKind, Search};
use crate::vector::kernel::blocks::QUERIES;
use crate::vector::kernel::lanes::{self, Scale};
use crate::vector::kernel::nibbles::{self, Run};
use crate::vector::top::Near;

/// Fewer questions than this, for each thousand leaves, do not share leaves often enough.
const TOGETHER_PER_MILLE: usize = 50;
/// Questions whose tables and hits lie together in the caches.
const AT_ONCE: usize = 384;
/// Leaves of each question that come first.
const FIRST_LEAVES: usize = 4;
/// Fewer exact questions than this are not worth laying rows side by side.
const EXACT_MIN: usize = 8;

/// Answers each question.
pub(super) fn search(partition: &Partition, searches: &[Search<'_>]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::with_capacity(searches.len());
    let (mut exact, mut exact_places) = (Vec::new(), Vec::new());
    let (mut shared, mut shared_places) = (Vec::new(), Vec::new());
    let few = partition.leaves() * TOGETHER_PER_MILLE / 1_000;
    for (place, search) in searches.iter().enumerate() {
        let Search { query, params } = search;
        let nothing = || Found { nears: Vec::new(), by: IndexKind::Exact };
        let is_exact = params.k > 0 && partition.is_exact(params);
        if is_exact && searches.len() >= EXACT_MIN {
            match partition.proven_or_floor(query, params) {
                Ok(nears) => found.push(Found { nears, by: IndexKind::List }),
                Err(floor) => {
                    exact_places.push(place);
                    exact.push(Asked { search: *search, floor });
                    found.push(nothing());
                }
            }
        } else if !is_exact && searches.len() > few && is_shared(partition, search) {
            shared_places.push(place);
            shared.push(*search);
            found.push(nothing());
        } else {
            found.push(partition.search(query, params));
        }
    }
    let answers = batch::search(&partition.table, &partition.codes, &exact);
    for (place, nears) in exact_places.into_iter().zip(answers) {
        found[place].nears = nears;
    }
    let mut answers = Vec::with_capacity(shared.len());
    for searches in shared.chunks(AT_ONCE) {
        answers.extend(Together::new(partition, searches).answers());
    }
    for (place, answer) in shared_places.into_iter().zip(answers) {
        found[place] = answer;
    }
    found
}

/// Whether a question can share leaves: how near its answer ends must be known beforehand.
fn is_shared(partition: &Partition, search: &Search<'_>) -> bool {
    let params = &search.params;
    let is_read =
        || params.row.is_some_and(|row| partition.read(row, search.query, params).is_some());
    params.k > 0 && partition.floor(params, &Prepared::default(), LEVEL).is_finite() && !is_read()
}

/// Any level.
const LEVEL: Level = Level { kappa: 0.0, delta: 0.0 };

/// One of the questions.
struct Question<'a> {
    search: Search<'a>,
    sought: Sought,
    prepared: Prepared,
    level: Level,
    delta: i32,
    floor: i32,
    /// Scores and leaves that may be wanted; the best first leaves stand first.
    leaves: Vec<(f32, u32)>,
    proven: Option<Vec<Near>>,
}

struct Together<'a> {
    partition: &'a Partition,
    questions: Vec<Question<'a>>,
    room: Room,
}

impl<'a> Together<'a> {
    /// Compares every question with the centers.
    fn new(partition: &'a Partition, searches: &[Search<'a>]) -> Self {
        let mut room = Room::default();
        let mut questions = Vec::with_capacity(searches.len());
        let mut works: [Compared; QUERIES] = Default::default();
        let mut places = Vec::new();
        for six in searches.chunks(QUERIES) {
            let mut coded: Vec<(Sought, Scale)> = Vec::with_capacity(QUERIES);
            for search in six {
                let mut sought = Sought::default();
                let scale = partition.code(&mut sought, &mut room, search.query);
                coded.push((sought, scale));
            }
            let asking: [Asking<'_>; QUERIES] = std::array::from_fn(|i| {
                // The last one again fills up.
                let sought = &coded[i.min(six.len() - 1)].0;
                Asking::new(&sought.code, &sought.groups)
            });
            let best = partition.leaves.centers.compare_many(&asking, &mut works);
            for (((search, (mut sought, scale)), work), best) in
                six.iter().zip(coded).zip(&works).zip(best)
            {
                let prepared = Prepared { best, scale: scale.scale, least: scale.least };
                let level = partition.level(&search.params);
                let floor = partition.floor(&search.params, &prepared, level);
                let limit = sloped(SLOPE, floor + level.delta) - level.kappa;
                lanes::places_from(&work.scores, limit.min(best), &mut places);
                let mut leaves: Vec<(f32, u32)> =
                    places.iter().map(|&place| (work.scores[place as usize], place)).collect();
                if leaves.len() > FIRST_LEAVES {
                    let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0);
                    leaves.select_nth_unstable_by(FIRST_LEAVES - 1, order);
                }
                sought.begin(rank(&search.params));
                questions.push(Question {
                    search: *search,
                    sought,
                    prepared,
                    level,
                    delta: prepared.allowance(level),
                    floor: prepared.units(floor),
                    leaves,
                    proven: None,
                });
            }
        }
        Self { partition, questions, room }
    }

    fn answers(mut self) -> Vec<Found> {
        self.look_through(|question| (0, question.leaves.len().min(FIRST_LEAVES)));
        for question in &mut self.questions {
            let Question { search, sought, prepared, .. } = question;
            let same = prepared.units(SAME_CODE);
            if self.partition.has_lists() && sought.nearest.0 > same {
                question.proven = self.partition.proven(sought, search.query, &search.params);
            }
        }
        self.look_through(|question| {
            let all = if question.proven.is_some() { 0 } else { question.leaves.len() };
            (all.min(FIRST_LEAVES), all)
        });
        let Self { partition, questions, mut room } = self;
        let answer = |question: Question<'_>| {
            let Question { search, sought, delta, proven, .. } = question;
            let Search { query, params } = search;
            if let Some(nears) = proven {
                return Found { nears, by: IndexKind::List };
            }
            let nears = partition.compare(&sought, &mut room, (query, &params), delta);
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
        let partition = self.partition;
        let (leaves, centers) = (&partition.leaves, &partition.leaves.centers);
        let subspaces = partition.coder.subspaces();
        // Pairs of questions and leaves, leaf by leaf.
        let (mut labels, mut pairs) = (Vec::new(), Vec::new());
        for (number, question) in (0_u32..).zip(&self.questions) {
            let (from, to) = which(question);
            let limit = question.limit();
            for &(score, leaf) in &question.leaves[from..to] {
                if score >= limit {
                    labels.push(leaf);
                    pairs.push((number, score));
                }
            }
        }
        let (starts, order) = grouped(&labels, leaves.leaves.len());
        for (number, &leaf) in leaves.leaves.iter().enumerate() {
            let members = &order[starts[number] as usize..starts[number + 1] as usize];
            if members.is_empty() {
                continue;
            }
            let run = Run {
                form: leaves.form,
                blocks: leaves.codes(leaf, subspaces),
                count: leaf.rows as usize,
                first: leaf.first,
                next: &[],
            };
            for &member in members {
                let (question, score) = pairs[member as usize];
                let question = &mut self.questions[question as usize];
                if score < question.limit() {
                    continue;
                }
                question.look(partition, run, score - centers.spreads[number]);
            }
        }
    }
}

impl Question<'_> {
    /// The score below which a leaf is of no use.
    fn limit(&self) -> f32 {
        sloped(SLOPE, self.prepared.similarity(self.sought.top.last())) - self.level.kappa
    }

    fn look(&mut self, partition: &Partition, run: Run<'_>, similarity: f32) {
        let Sought { tables, hits, top, .. } = &mut self.sought;
        let threshold = top.last().saturating_sub(self.delta).max(self.floor);
        let from = hits.len();
        nibbles::look_up(run, tables, self.prepared.base(similarity), threshold, hits);
        partition.take(&mut self.sought, from, &self.search.params);
    }
}
