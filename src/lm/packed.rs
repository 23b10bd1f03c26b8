//! The compact form of an order's n-grams: a trie in bits, about half as large as lines of 64 bytes.
//!
//! N-grams stand by their context and then by their last word, each in as many bits as it takes: the word, its
//! probability in steps, the code of its back-off, and whether it is a context. Where those behind a context
//! begin is told by a row of bits: for each context a one, then a zero for each of its n-grams.
//!
//! | section | what it holds |
//! | --- | --- |
//! | `entries.N` | the n-grams, and 16 bytes behind them |
//! | `bits.N` | the row of bits |
//! | `ranks.N` | for each 512 of these how many ones stand before |
//! | `samples.N` | for each 64 ones in which 512 bits the first stands |
//! | `codes.N` | the back-offs |

use std::io::Write;
use std::ops::Range;

use crate::container::{CHUNK_BYTES, Container, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::lm::grams::{Gram, Grams};
use crate::lm::layout::{KIND, Packing, Params, section};
use crate::lm::lexicon;
use crate::lm::numbers::{Numbers, Room, single, small};
use crate::lm::part::{CHUNK, Mapped, Part, prefetch};
use crate::lm::write::{Bits, contexts_of, le32, unigrams, zero};
use crate::steps::{GoOn, watched};

/// Bits that have one rank.
const BLOCK: usize = 512;
/// Words of 64 bits of a block.
const BLOCK_WORDS: usize = BLOCK / 64;
/// Ones that have one sample.
const SAMPLE: usize = 64;
/// Bytes behind the last entry, so that each can be read as a whole number.
const BEHIND: usize = 16;
/// The most between two probabilities: each errs by half of it.
const STEP: f64 = 1.9e-4;
/// The same where back-offs err, too, each by half of the other: together never by more than 1e-4.
const STEP_BESIDE: f64 = 1.2e-4;
const BACK_OFF_STEP: f64 = 1.2e-5;
/// Different back-offs that are kept as they are.
const LIST_MAX: usize = 1 << 15;
/// The most bits of an entry, so that it and its place within a byte fit 128.
const ENTRY_BITS_MAX: u32 = 120;

impl Packing {
    fn entry_bits(&self) -> u32 {
        self.word_bits + self.p_bits + self.code_bits + u32::from(self.has_contexts)
    }

    /// The step that stands for never.
    fn never(&self) -> u64 {
        (1 << self.p_bits) - 1
    }

    /// Whether numbers are within the bounds of what they are for.
    fn is_sound(&self) -> bool {
        let in_bounds = |bits: u32| bits <= 32;
        in_bounds(self.word_bits)
            && in_bounds(self.p_bits)
            && self.p_bits > 0
            && self.code_bits <= 26
            && self.entry_bits() <= ENTRY_BITS_MAX
            && self.step.is_finite()
            && self.count < u64::from(u32::MAX)
    }
}

/// An order's n-grams in a mapped file.
pub(super) struct Packed {
    packing: Packing,
    entries: Part,
    bits: Part,
    ranks: Part,
    samples: Part,
    codes: Vec<f32>,
    contexts: usize,
}

/// An n-gram.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Its last word.
    pub(super) word: u32,
    pub(super) p: f32,
    pub(super) back_off: f32,
    pub(super) is_context: bool,
}

impl Packed {
    /// Opens the n-grams of an order behind so many contexts.
    pub(super) fn open(
        map: &Mapped,
        of: &Container,
        order: usize,
        (packing, contexts): (Packing, u64),
    ) -> Result<Self> {
        let whole = |name: &str| Part::verified(map, of, &section(name, order), KIND);
        if !packing.is_sound() {
            return Err(of.senseless());
        }
        let codes = if packing.code_bits > 0 {
            of.section(&section("codes", order))?.numbers(f32::from_le_bytes)?
        } else {
            vec![0.0]
        };
        let packed = Self {
            entries: Part::new(map, of, &section("entries", order), KIND)?,
            bits: whole("bits")?,
            ranks: whole("ranks")?,
            samples: whole("samples")?,
            codes,
            contexts: usize::try_from(contexts).map_err(|_| of.senseless())?,
            packing,
        };
        let bits = contexts + packing.count + 1;
        let entry_bytes = (packing.count * u64::from(packing.entry_bits())).div_ceil(8);
        let is_sound = packed.entries.bytes().len() as u64 == entry_bytes + BEHIND as u64
            && packed.entries.chunk_bytes() == CHUNK as usize
            && packed.bits.longs().len() as u64 == bits.div_ceil(64)
            && packed.ranks.numbers().len() as u64 == bits.div_ceil(BLOCK as u64)
            && packed.samples.numbers().len() as u64 == contexts / SAMPLE as u64 + 1;
        if is_sound { Ok(packed) } else { Err(of.senseless()) }
    }

    /// How many n-grams there are.
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.packing.count).unwrap_or(usize::MAX)
    }

    /// Asks for what tells where a context's n-grams stand.
    #[inline]
    pub(super) fn prepare(&self, context: u32) {
        prefetch(self.samples.numbers(), context as usize / SAMPLE);
    }

    /// Where the one of this number stands; none if there is none.
    #[inline]
    fn one(&self, number: usize) -> Option<usize> {
        let (ranks, samples) = (self.ranks.numbers(), self.samples.numbers());
        let first = *samples.get(number / SAMPLE)? as usize;
        let last = samples.get(number / SAMPLE + 1).map_or(ranks.len(), |&next| next as usize + 1);
        let within = ranks.get(first..last.min(ranks.len()))?;
        let block =
            first + within.partition_point(|&rank| rank as usize <= number).checked_sub(1)?;
        let mut left = number.checked_sub(*ranks.get(block)? as usize)?;
        let words = self.bits.longs().get(block * BLOCK_WORDS..)?;
        for (at, &word) in words.iter().take(BLOCK_WORDS).enumerate() {
            let ones = word.count_ones() as usize;
            if left < ones {
                let mut word = word;
                for _ in 0..left {
                    word &= word - 1;
                }
                return Some((block * BLOCK_WORDS + at) * 64 + word.trailing_zeros() as usize);
            }
            left -= ones;
        }
        None
    }

    /// The n-grams behind a context.
    #[inline]
    fn behind(&self, context: u32) -> Option<Range<usize>> {
        let context = context as usize;
        if context >= self.contexts {
            return None;
        }
        let from = self.one(context)?;
        // Mostly the next one stands near.
        let (at, bit) = ((from + 1) / 64, (from + 1) % 64);
        let word = self.bits.longs().get(at)? >> bit;
        let to = if word == 0 {
            self.one(context + 1)?
        } else {
            from + 1 + word.trailing_zeros() as usize
        };
        let end = to.checked_sub(context + 1)?;
        let start = from.checked_sub(context)?;
        (end <= self.len()).then_some(start..end)
    }

    /// The bits of an entry, the lowest first.
    #[inline]
    fn raw(&self, number: usize) -> Result<u128> {
        let at = number * self.packing.entry_bits() as usize;
        let (byte, bit) = (at / 8, at % 8);
        self.entries.see(byte / 64)?;
        self.entries.see((byte + BEHIND - 1) / 64)?;
        let bytes =
            self.entries.bytes().get(byte..).and_then(|bytes| bytes.first_chunk::<BEHIND>());
        Ok(bytes.map_or(0, |bytes| u128::from_le_bytes(*bytes) >> bit))
    }

    #[expect(clippy::cast_possible_truncation, reason = "as few bits as a word has")]
    fn word_of(&self, raw: u128) -> u32 {
        (raw & ((1 << self.packing.word_bits) - 1)) as u32
    }

    /// An n-gram by its number.
    pub(super) fn entry(&self, number: usize) -> Result<Entry> {
        let raw = self.raw(number)?;
        let Packing { word_bits, p_bits, code_bits, step, has_contexts, .. } = self.packing;
        #[expect(clippy::cast_possible_truncation, reason = "as few bits as are asked for")]
        let field = |from: u32, bits: u32| (raw >> from & ((1 << bits) - 1)) as u64;
        let steps = field(word_bits, p_bits);
        let p = if steps == self.packing.never() {
            f32::NEG_INFINITY
        } else {
            single(-(steps as f64 * f64::from(step)))
        };
        let code = usize::try_from(field(word_bits + p_bits, code_bits)).unwrap_or(usize::MAX);
        let back_off = self.codes.get(code).copied().unwrap_or(0.0);
        let is_context = has_contexts && field(word_bits + p_bits + code_bits, 1) == 1;
        Ok(Entry { word: self.word_of(raw), p, back_off, is_context })
    }

    /// Looks for the n-gram of a word behind a context: its number, and what it says.
    #[inline]
    pub(super) fn find(&self, context: u32, word: u32) -> Result<Option<(u32, Entry)>> {
        let Some(Range { start: mut from, end: mut to }) = self.behind(context) else {
            return Ok(None);
        };
        while from < to {
            let middle = from.midpoint(to);
            let found = self.word_of(self.raw(middle)?);
            match found.cmp(&word) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => return Ok(Some((small(middle), self.entry(middle)?))),
            }
        }
        Ok(None)
    }

    /// The context of an n-gram.
    pub(super) fn context_of(&self, number: usize) -> u32 {
        let ranks = self.ranks.numbers();
        let zeros = |block: usize| {
            let ones = ranks.get(block).map_or(0, |&rank| rank as usize);
            (block * BLOCK).saturating_sub(ones)
        };
        let (mut from, mut to) = (0, ranks.len());
        while from < to {
            let middle = from.midpoint(to);
            if zeros(middle) <= number { from = middle + 1 } else { to = middle }
        }
        let block = from.saturating_sub(1);
        let mut left = number.saturating_sub(zeros(block));
        let words = self.bits.longs().iter().skip(block * BLOCK_WORDS).take(BLOCK_WORDS);
        for (at, &word) in words.enumerate() {
            let count = word.count_zeros() as usize;
            if left < count {
                let mut free = !word;
                for _ in 0..left {
                    free &= free - 1;
                }
                let place = (block * BLOCK_WORDS + at) * 64 + free.trailing_zeros() as usize;
                // Of the ones before it, the last is its context's.
                return small(place.saturating_sub(number + 1));
            }
            left -= count;
        }
        0
    }
}

impl Grams {
    /// Writes the file in the compact form. `room` is where lists stand meanwhile.
    ///
    /// # Errors
    ///
    /// If the output fails, if there is no room, or if `go_on` says so.
    pub fn write_packed<W: Write>(
        self,
        out: &mut Writer<W>,
        room: &Room,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        let Self { words, levels, is_direct } = self;
        let word_count = words.len() as u64;
        let seed = lexicon::write(words, out)?;
        let sizes = levels.iter().map(|level| level.len() as u64).collect();
        let middle = levels.len().saturating_sub(1);
        let lists = levels.iter().take(middle).skip(1).map(|level| BackOffs::new(level, go_on));
        let lists = lists.collect::<Result<Vec<_>>>()?;
        let step = if lists.iter().all(|list| list.is_exact) { STEP } else { STEP_BESIDE };
        let mut lists = lists.into_iter();
        let mut packings = Vec::new();
        // Where each n-gram of the order below stands.
        let mut below: Option<Numbers> = None;
        let mut contexts = levels.first().map_or(0, Gram::len);
        let mut levels = levels.into_iter().peekable();
        let mut order = 1;
        while let Some(level) = levels.next() {
            let is_context = contexts_of(&level, levels.peek(), go_on)?;
            if order == 1 {
                out.section("unigrams", CHUNK_BYTES)?;
                out.write(&le32(&unigrams(&level, &is_context)))?;
            } else {
                let list = levels.peek().and_then(|_| lists.next());
                let sorted = Sorted::new(&level, (below.as_ref(), contexts), room, go_on)?;
                let packing = packing(&level, list.as_ref(), (word_count, step), go_on)?;
                let words = level.words.listed(room)?;
                let of = (&level, &words, &is_context, list.as_ref());
                write_entries(out, order, (packing, of), &sorted.order, go_on)?;
                write_bits(out, order, &sorted.starts, go_on)?;
                if let Some(list) = &list {
                    out.section(&section("codes", order), CHUNK_BYTES)?;
                    out.write(&le32(&list.values))?;
                }
                packings.push(packing);
                contexts = level.len();
                below = Some(sorted.places(room, go_on)?);
            }
            order += 1;
        }
        let params = Params {
            is_direct,
            words: word_count,
            seed,
            sizes,
            tables: Vec::new(),
            packed: Some(packings),
        };
        let params = serde_json::to_vec(&params);
        let params = params.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        out.section("params", CHUNK_BYTES)?;
        out.write(&params)
    }
}

/// The back-offs of an order, as codes: each as it is if there are few, else in steps.
struct BackOffs {
    /// By code, as the bits of floats.
    values: Vec<u32>,
    is_exact: bool,
    /// Of steps.
    least: f64,
}

impl BackOffs {
    fn new(level: &Gram, go_on: GoOn<'_>) -> Result<Self> {
        let mut values = std::collections::BTreeSet::new();
        let (mut least, mut most, mut has_never) = (f64::INFINITY, f64::NEG_INFINITY, false);
        for bits in watched(level.back_off.iter(), go_on) {
            let bits = zero(*bits?);
            if values.len() <= LIST_MAX {
                values.insert(bits);
            }
            let value = f64::from(f32::from_bits(bits));
            if value.is_finite() {
                (least, most) = (least.min(value), most.max(value));
            } else {
                has_never = true;
            }
        }
        if values.len() <= LIST_MAX {
            let values = values.into_iter().collect();
            return Ok(Self { values, is_exact: true, least });
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        let steps = ((most - least) / BACK_OFF_STEP).ceil() as usize;
        let mut values: Vec<u32> =
            (0..=steps).map(|step| single(least + step as f64 * BACK_OFF_STEP).to_bits()).collect();
        if has_never {
            values.push(f32::NEG_INFINITY.to_bits());
        }
        if values.len() > 1 << 26 {
            let what = "back-offs that are too far from each other for the compact form".to_owned();
            return Err(Error::new(ErrorKind::Unsupported { what }));
        }
        Ok(Self { values, is_exact: false, least })
    }

    fn code(&self, bits: u32) -> u64 {
        let bits = zero(bits);
        if self.is_exact {
            return self.values.binary_search(&bits).unwrap_or(0) as u64;
        }
        let value = f64::from(f32::from_bits(bits));
        if !value.is_finite() {
            return self.values.len() as u64 - 1;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        let step = ((value - self.least) / BACK_OFF_STEP).round() as u64;
        step
    }
}

/// The bits that numbers below `end` take.
fn bits_below(end: u64) -> u32 {
    u64::BITS - end.saturating_sub(1).leading_zeros()
}

fn packing(
    level: &Gram,
    list: Option<&BackOffs>,
    (words, step): (u64, f64),
    go_on: GoOn<'_>,
) -> Result<Packing> {
    let mut most = 0.0_f64;
    for bits in watched(level.p.iter(), go_on) {
        let p = -f64::from(f32::from_bits(*bits?));
        if p.is_finite() {
            most = most.max(p);
        }
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let steps = (most / step).ceil() as u64;
    // One more stands for never, and all the bits there are make steps smaller.
    let p_bits = bits_below(steps + 2).max(1);
    let step = single(most / ((1_u64 << p_bits) - 2).max(1) as f64).max(f32::MIN_POSITIVE);
    Ok(Packing {
        count: level.len() as u64,
        word_bits: bits_below(words),
        p_bits,
        code_bits: list.map_or(0, |list| bits_below(list.values.len() as u64)),
        step,
        has_contexts: list.is_some(),
    })
}

/// The n-grams of an order by their context and their word.
struct Sorted {
    order: Numbers,
    /// Where those behind each context begin, and the last ones end.
    starts: Numbers,
}

impl Sorted {
    fn new(
        level: &Gram,
        (below, contexts): (Option<&Numbers>, usize),
        room: &Room,
        go_on: GoOn<'_>,
    ) -> Result<Self> {
        let context = |number: usize| {
            let own = level.context[number] as usize;
            below.map_or(own, |below| below[own] as usize)
        };
        let mut starts = Numbers::zeros(room, contexts + 1)?;
        for number in watched(0..level.len(), go_on) {
            starts[context(number?)] += 1;
        }
        let mut sum = 0;
        for start in watched(starts.iter_mut(), go_on) {
            let start = start?;
            (*start, sum) = (sum, sum + *start);
        }
        let mut order = Numbers::zeros(room, level.len())?;
        for number in watched(0..level.len(), go_on) {
            let number = number?;
            let next = &mut starts[context(number)];
            order[*next as usize] = small(number);
            *next += 1;
        }
        // Each is where the next one begins. N-grams of one context stand by their words: they did before.
        let mut from = 0;
        for start in watched(starts[..contexts].iter_mut(), go_on) {
            std::mem::swap(start?, &mut from);
        }
        Ok(Self { order, starts })
    }

    /// Where each n-gram stands.
    fn places(&self, room: &Room, go_on: GoOn<'_>) -> Result<Numbers> {
        let mut places = Numbers::zeros(room, self.order.len())?;
        for step in watched(self.order.iter().enumerate(), go_on) {
            let (at, &number) = step?;
            places[number as usize] = small(at);
        }
        Ok(places)
    }
}

/// Bytes that are gathered before they are written.
const WRITTEN: usize = 1 << 16;

fn write_entries<W: Write>(
    out: &mut Writer<W>,
    order: usize,
    (packing, (level, words, is_context, list)): (
        Packing,
        (&Gram, &Numbers, &Bits, Option<&BackOffs>),
    ),
    sorted: &Numbers,
    go_on: GoOn<'_>,
) -> Result<()> {
    out.section(&section("entries", order), CHUNK)?;
    let (mut pending, mut bits, mut bytes) = (0_u128, 0, Vec::with_capacity(WRITTEN + BEHIND));
    for number in watched(sorted.iter(), go_on) {
        let number = *number? as usize;
        let p = -f64::from(f32::from_bits(level.p[number]));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        let steps = if p.is_finite() {
            ((p.max(0.0) / f64::from(packing.step)).round() as u64).min(packing.never() - 1)
        } else {
            packing.never()
        };
        let mut entry = u128::from(words[number]) | u128::from(steps) << packing.word_bits;
        if let Some(list) = list {
            let at = packing.word_bits + packing.p_bits;
            entry |= u128::from(list.code(level.back_off[number])) << at;
            entry |= u128::from(is_context.get(number)) << (at + packing.code_bits);
        }
        pending |= entry << bits;
        bits += packing.entry_bits();
        while bits >= 8 {
            bytes.push((pending & 0xff) as u8);
            pending >>= 8;
            bits -= 8;
        }
        if bytes.len() >= WRITTEN {
            out.write(&bytes)?;
            bytes.clear();
        }
    }
    if bits > 0 {
        bytes.push((pending & 0xff) as u8);
    }
    bytes.extend([0; BEHIND]);
    out.write(&bytes)
}

fn write_bits<W: Write>(
    out: &mut Writer<W>,
    order: usize,
    starts: &Numbers,
    go_on: GoOn<'_>,
) -> Result<()> {
    // The last start has a one behind it, too: it is where the last n-grams end.
    let count = starts.len() + starts.last().map_or(0, |&end| end as usize);
    let mut bits = vec![0_u64; count.div_ceil(64)];
    let (mut ranks, mut samples) = (Vec::new(), Vec::new());
    for step in watched(starts.iter().enumerate(), go_on) {
        let (context, &start) = step?;
        let at = context + start as usize;
        bits[at / 64] |= 1 << (at % 64);
        if context.is_multiple_of(SAMPLE) {
            samples.push(small(at / BLOCK));
        }
    }
    let mut ones = 0;
    for words in watched(bits.chunks(BLOCK_WORDS), go_on) {
        ranks.push(ones);
        ones += words?.iter().map(|word| word.count_ones()).sum::<u32>();
    }
    out.section(&section("bits", order), CHUNK_BYTES)?;
    for words in bits.chunks(1 << 12) {
        out.write(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>())?;
    }
    for (name, numbers) in [("ranks", ranks), ("samples", samples)] {
        out.section(&section(name, order), CHUNK_BYTES)?;
        out.write(&le32(&numbers))?;
    }
    Ok(())
}
