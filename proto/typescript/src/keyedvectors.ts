// A table of a server, asked as gensim's KeyedVectors are.
import { Code } from "@connectrpc/connect";
import type { Client } from "./client.js";
import { UnknownWords, WordspaceError, unknown } from "./errors.js";
import {
  AnalogyMethod,
  type AnswerInfo,
  AnsweredBy,
  type EmbedOptionsSchema,
  type FilterSchema,
  type LookupResponse,
  type Neighbor,
  type NearestRequestSchema,
  OovPolicy,
  Pooling,
  PutMode,
  type Table,
  type TableAnalogies,
  type TableWordPairs,
  type VectorMatrix,
  type WordVector,
} from "./gen/index.js";
import {
  type Attribute,
  type Fields,
  type Input,
  type Key,
  type One,
  type VectorLike,
  type Weighted,
  attribute,
  attributeValue,
  cosine,
  dot,
  inputs,
  isKey,
  isWeighted,
  packed,
  query,
  unit,
  unpacked,
} from "./keys.js";

export type { Attribute, Fields, Input, Key, One, VectorLike, Weighted } from "./keys.js";

/** The server's limits of these names (src/limits.rs), which never shrink. */
const NEIGHBORS_MAX = 10_000;
const BATCH_MAX = 10_000;
const QUERY_WORDS_MAX = 1_024;
/** Neighbors up to which a stored list may answer. */
const LIST = 32;
/** Vectors of one message, and the bytes of a message of them. */
const LOOKUP_WORDS = 2_500;
const VECTOR_BYTES = 8 << 20;
const QUESTION_BYTES = 1 << 20;
/** More rows than any table has. */
const ROWS_MAX = 0xffff_ffff;
/** Calls under way at once, where many are needed for one question. */
const AT_ONCE = 4;

/** Words and their similarities, the nearest first. */
export type Neighbors = [word: string, similarity: number][];

/** What becomes of words that the table does not have: see OovPolicy. */
export type Oov = "error" | "zero" | "unk" | "subword" | "random" | "tokenize";
const OOV: Record<Oov, OovPolicy> = {
  error: OovPolicy.ERROR,
  zero: OovPolicy.ZERO,
  unk: OovPolicy.UNK,
  subword: OovPolicy.SUBWORD,
  random: OovPolicy.RANDOM,
  tokenize: OovPolicy.TOKENIZE,
};

export interface LoadOptions {
  /** False: questions for neighbors may be answered from the index, which may miss one. Default true. */
  exact?: boolean;
  /** Default "error". */
  oov?: Oov;
}

export interface MostSimilarOptions {
  negative?: One | readonly Input[];
  /** Default 10; at most 10,000. */
  topn?: number;
  /** Only the first rows, which are the most frequent words in every well-known file. */
  restrictVocab?: number;
  /** Only rows from this one, and to before that one. */
  clipStart?: number;
  clipEnd?: number;
}

type FilterFields = Fields<typeof FilterSchema>;

export interface NearestOptions
  extends Omit<Fields<typeof NearestRequestSchema>, "table" | "positive" | "k" | "filter"> {
  /** Conditions on attributes, such as "freq > 5 and lang in (fr, en)". */
  where?: string | string[];
  prefix?: string;
  regex?: string;
}

/**
 * The words and vectors of a table, with the names of gensim's KeyedVectors in camel case. A number is
 * a row's. Every method asks the server, and sees every write that was acknowledged before.
 */
export class RemoteKeyedVectors {
  readonly client: Client;
  readonly table: string;
  /** Components of each vector. */
  readonly vectorSize: number;
  readonly #exact: boolean;
  readonly #oov: Oov;

  private constructor(client: Client, table: Table, options: LoadOptions) {
    this.client = client;
    this.table = table.name;
    this.vectorSize = table.dim;
    this.#exact = options.exact ?? true;
    this.#oov = options.oov ?? "error";
  }

  /** See `Client.load`. */
  static async of(client: Client, name: string, options: LoadOptions): Promise<RemoteKeyedVectors> {
    const table = await client.table(name);
    if (table.problem) {
      throw new WordspaceError(`${table.name} cannot answer: ${table.problem}`, Code.FailedPrecondition);
    }
    // An alias stays one: it may stand for another table later.
    return new RemoteKeyedVectors(client, { ...table, name }, options);
  }

  get #words(): { oov: OovPolicy } | undefined {
    return this.#oov === "error" ? undefined : { oov: OOV[this.#oov] };
  }

  get #skipping(): { oov: OovPolicy } {
    return this.#words ?? { oov: OovPolicy.SKIP };
  }

  /** How many words there are. */
  async size(): Promise<number> {
    return Number((await this.client.table(this.table)).rowCount);
  }

  // Words.

  /** The row of a word. */
  async getIndex(key: Key): Promise<number> {
    const [found] = await this.#lookup([key], { oov: OovPolicy.SKIP });
    if (!found?.found) throw unknown(key);
    return found.row;
  }

  async hasIndexFor(key: Key): Promise<boolean> {
    try {
      await this.getIndex(key);
      return true;
    } catch (error) {
      if (error instanceof UnknownWords) return false;
      throw error;
    }
  }

  /** Whether the table has a word. */
  has(key: Key): Promise<boolean> {
    return this.hasIndexFor(key);
  }

  /** All words in row order, page by page. */
  async *words(filter?: FilterFields): AsyncGenerator<{ word: string; row: number }> {
    const request = { table: this.table, pageSize: 10_000, filter, pageToken: "" };
    do {
      const page = await this.client.services.tables.listWords(request);
      yield* page.words;
      request.pageToken = page.nextPageToken;
    } while (request.pageToken !== "");
  }

  /** All words in row order. */
  async indexToKey(): Promise<string[]> {
    const keys = [];
    for await (const { word } of this.words()) keys.push(word);
    return keys;
  }

  /** The row of every word. */
  async keyToIndex(): Promise<Map<string, number>> {
    const rows = new Map<string, number>();
    for await (const { word, row } of this.words()) rows.set(word, row);
    return rows;
  }

  // Vectors.

  /** The vector of a word; with `norm` at length 1. */
  async getVector(key: Key, options: { norm?: boolean } = {}): Promise<Float32Array> {
    const [vector] = await this.getVectors([key], options);
    return vector as Float32Array;
  }

  /** The vectors of many words, in few calls. */
  async getVectors(keys: readonly Key[], options: { norm?: boolean } = {}): Promise<Float32Array[]> {
    const answers = await this.#lookUp(keys, this.#words, { unit: options.norm, matrix: true });
    return answers.flatMap(({ chunk, answer }) => {
      const { packed, dim, missing } = answer.matrix as VectorMatrix;
      if (missing.length > 0) throw unknown(chunk[missing[0] as number] as Key);
      const all = unpacked(packed);
      return chunk.map((_, i) => all.subarray(dim * i, dim * (i + 1)));
    });
  }

  /** The weighted mean of the vectors of words, and of vectors, which are taken as they are. */
  async getMeanVector(
    keys: readonly Input[],
    options: { preNormalize?: boolean; postNormalize?: boolean; ignoreMissing?: boolean } = {},
  ): Promise<Float32Array> {
    const { preNormalize = true, postNormalize = false, ignoreMissing = true } = options;
    if (keys.length === 0) throw new RangeError("cannot compute mean with no input");
    const parts = keys.map((key) => (isWeighted(key) ? key : { of: key, weight: 1 }));
    const named = parts.map(({ of }) => of).filter(isKey);
    const found = (await this.#lookup(named, this.#skipping, preNormalize)).values();
    const mean = new Float32Array(this.vectorSize);
    let total = 0;
    for (const { of, weight } of parts) {
      const vector = isKey(of) ? found.next().value?.vector?.packed : packed(of);
      if (vector === undefined) {
        if (!ignoreMissing) throw unknown(of as Key);
        continue;
      }
      const values = unpacked(vector);
      if (values.length !== mean.length) {
        throw new RangeError(`vectors of ${mean.length} and ${values.length} numbers`);
      }
      for (let i = 0; i < mean.length; i += 1) mean[i]! += weight * values[i]!;
      total += Math.abs(weight);
    }
    const scaled = total > 0 ? mean.map((value) => value / total) : mean;
    return postNormalize ? unit(scaled) : scaled;
  }

  async #lookup(
    keys: readonly Key[],
    words: { oov: OovPolicy } | undefined,
    isUnit = false,
  ): Promise<WordVector[]> {
    const answers = await this.#lookUp(keys, words, { unit: isUnit, packed: true });
    return answers.flatMap(({ answer }) => answer.vectors);
  }

  /** The keys in pieces, each with its answer. */
  async #lookUp(
    keys: readonly Key[],
    words: { oov: OovPolicy } | undefined,
    options: { unit?: boolean | undefined; packed?: boolean; matrix?: boolean },
  ): Promise<{ chunk: Key[]; answer: LookupResponse }[]> {
    const chunks = lookupChunks(keys, this.vectorSize);
    const answers: { chunk: Key[]; answer: LookupResponse }[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < chunks.length) {
        const i = next;
        next += 1;
        const chunk = chunks[i] as Key[];
        const queries = chunk.map((key) => query(key));
        const request = { ...options, table: this.table, queries, words };
        answers[i] = { chunk, answer: await known(this.client.services.tables.lookup(request), chunk) };
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, chunks.length) }, worker));
    return answers;
  }

  // Neighbors.

  /** The words nearest to the mean of words and vectors, the nearest first. */
  async mostSimilar(
    positive: One | readonly Input[],
    options: MostSimilarOptions = {},
  ): Promise<Neighbors> {
    const { topn = 10 } = options;
    const filter = clipped(options);
    const all = [
      ...inputs(positive).map((one) => weighted(one, 1)),
      ...inputs(options.negative).map((one) => weighted(one, -1)),
    ];
    if (all.length === 0) throw new RangeError("cannot compute mean with no input");
    if (topn < 1) return [];
    const fields = { table: this.table, k: topn, filter };
    const isPlain =
      all.length <= QUERY_WORDS_MAX &&
      all.every(({ weight }) => weight !== 0 && Number.isFinite(weight)) &&
      // The server brings each input to length 1, and gensim only words.
      (all.length === 1 || all.every(({ of }) => isKey(of)));
    if (!isPlain) return this.#nearestToMean(all, fields);
    const request = { ...fields, positive: all.map((one) => query(one)), words: this.#words };
    // A stored list has a word's neighbors exactly; what else the index knows it may not know all.
    const mayBeListed = all.length === 1 && topn <= LIST && filter === undefined;
    const exact = this.#exact && !mayBeListed;
    const answer = await this.client.services.search.nearest({ ...request, exact });
    const isExact =
      answer.answer?.answeredBy === AnsweredBy.EXACT || answer.answer?.answeredBy === AnsweredBy.LIST;
    if (!this.#exact || isExact) return pairs(answer.neighbors);
    return pairs((await this.client.services.search.nearest({ ...request, exact: true })).neighbors);
  }

  /** Neighbors of a mean that is computed here, by the server. */
  async #nearestToMean(
    all: readonly Weighted[],
    fields: { table: string; k: number; filter: FilterFields | undefined },
  ): Promise<Neighbors> {
    const named = all.map(({ of }) => of).filter(isKey);
    const mean = await this.getMeanVector(all, { postNormalize: true, ignoreMissing: false });
    const own = new Set((await this.#lookup(named, { oov: OovPolicy.SKIP })).map(({ row }) => row));
    const { neighbors } = await this.client.services.search.nearest({
      ...fields,
      k: Math.min(fields.k + named.length, NEIGHBORS_MAX),
      positive: [query(mean)],
      exact: this.#exact,
    });
    return pairs(neighbors.filter(({ row }) => !own.has(row))).slice(0, fields.k);
  }

  similarByWord(word: Key, options: Omit<MostSimilarOptions, "negative"> = {}): Promise<Neighbors> {
    return this.mostSimilar(word, options);
  }

  similarByKey(key: Key, options: Omit<MostSimilarOptions, "negative"> = {}): Promise<Neighbors> {
    return this.mostSimilar(key, options);
  }

  similarByVector(
    vector: VectorLike,
    options: Omit<MostSimilarOptions, "negative"> = {},
  ): Promise<Neighbors> {
    return this.mostSimilar([vector], options);
  }

  /** The neighbors of many words or vectors, in few calls. */
  async mostSimilarBatch(
    keys: readonly (Key | VectorLike)[],
    options: { topn?: number } = {},
  ): Promise<Neighbors[]> {
    const { topn = 10 } = options;
    const size = Math.max(1, Math.min(500, Math.floor(1_000_000 / Math.max(topn, 1))));
    const found: Neighbors[] = [];
    for (let start = 0; start < keys.length; start += size) {
      const queries = keys.slice(start, start + size).map((key) => ({
        positive: [query(key)],
        k: topn,
        exact: this.#exact,
        words: this.#words,
      }));
      const request = { table: this.table, queries };
      const { answers } = await this.client.services.search.nearestBatch(request);
      found.push(...answers.map(({ neighbors }) => pairs(neighbors)));
    }
    return found;
  }

  /**
   * Neighbors as the server's own question for them gives them, beyond what gensim asks: filters that
   * work during the search, texts as "text:the bank cut rates", and every other field of
   * NearestRequest, such as `diversity`.
   */
  async nearest(
    asked: One | readonly Input[],
    k = 10,
    options: NearestOptions = {},
  ): Promise<Neighbor[]> {
    const { where = [], prefix = "", regex = "", ...fields } = options;
    const matching = typeof where === "string" ? [where] : where;
    const filter = { matching, prefix, regex };
    const isFiltered = matching.length > 0 || prefix !== "" || regex !== "";
    const positive = inputs(asked).map((one) =>
      typeof one === "string" && one.startsWith("text:")
        ? { query: { case: "text" as const, value: one.slice("text:".length) } }
        : query(one),
    );
    const request = {
      words: this.#words,
      exact: this.#exact,
      ...fields,
      table: this.table,
      positive,
      k,
      filter: isFiltered ? filter : undefined,
    };
    return (await this.client.services.search.nearest(request)).neighbors;
  }

  /** The answer of an analogy by the product of similarities: two positive words and a negative one. */
  async mostSimilarCosmul(
    positive: readonly [Key, Key],
    options: { negative: Key | readonly [Key]; topn?: number; restrictVocab?: number },
  ): Promise<Neighbors> {
    const [a] = [options.negative].flat() as Key[];
    const { topn = 10, restrictVocab: top } = options;
    if (positive.length !== 2 || a === undefined || [options.negative].flat().length !== 1) {
      throw new RangeError("the product is of two positive words and a negative one");
    }
    const { neighbors } = await this.client.services.search.analogy({
      table: this.table,
      a: query(a),
      b: query(positive[0]),
      c: query(positive[1]),
      method: AnalogyMethod.COS_MUL,
      k: topn,
      words: this.#words,
      filter: top ? { top } : undefined,
    });
    return pairs(neighbors);
  }

  // Similarities.

  /** The cosine of two words. */
  async similarity(w1: Key, w2: Key): Promise<number> {
    const [found] = await this.similarities([[w1, w2]]);
    return found as number;
  }

  /** The cosines of many pairs, in few calls. */
  async similarities(pairs: readonly (readonly [Key, Key])[]): Promise<number[]> {
    const found: number[] = [];
    for (let start = 0; start < pairs.length; start += BATCH_MAX / 2) {
      const piece = pairs.slice(start, start + BATCH_MAX / 2);
      const { similarities } = await this.client.services.search.similarity({
        table: this.table,
        pairs: piece.map(([a, b]) => ({ a: query(a), b: query(b) })),
        words: this.#words,
      });
      found.push(...similarities.map(({ similarity }) => similarity as number));
    }
    return found;
  }

  /** 1 less the similarity. */
  async distance(w1: Key, w2: Key): Promise<number> {
    return 1 - (await this.similarity(w1, w2));
  }

  /** The distances of a word or vector from some words. */
  async distances(from: Key | VectorLike, others: readonly Key[]): Promise<number[]> {
    const vectors = await this.getVectors(isKey(from) ? [from, ...others] : others);
    const own = isKey(from) ? (vectors.shift() as Float32Array) : Float32Array.from(from);
    return vectors.map((vector) => 1 - cosine(own, vector));
  }

  /** The cosine of the means of two lists of words; unknown ones are left out. */
  async nSimilarity(ws1: readonly Key[], ws2: readonly Key[]): Promise<number> {
    if (ws1.length === 0 || ws2.length === 0) throw new RangeError("one of the lists is empty");
    const means = await Promise.all(
      [ws1, ws2].map((words) => this.getMeanVector(words, { preNormalize: false, postNormalize: true })),
    );
    return dot(means[0] as Float32Array, means[1] as Float32Array);
  }

  /** The word of a list that is nearest to another. */
  async mostSimilarToGiven(key: Key, keys: readonly Key[]): Promise<Key> {
    const { ranked } = await this.client.services.search.mostSimilarToGiven({
      table: this.table,
      query: query(key),
      candidates: keys.map((one) => query(one)),
      words: this.#words,
    });
    return keys[ranked[0]?.index ?? 0] as Key;
  }

  /** The words that are nearer to the first than the second is, in row order; at most 10,000. */
  async closerThan(key1: Key, key2: Key): Promise<string[]> {
    const { neighbors, count } = await this.client.services.search.closerThan({
      table: this.table,
      a: query(key1),
      b: query(key2),
      k: NEIGHBORS_MAX,
      words: this.#words,
    });
    if (count > neighbors.length) {
      throw new RangeError(`${count} words are closer, of which an answer has ${neighbors.length}`);
    }
    return [...neighbors].sort((a, b) => a.row - b.row).map(({ word }) => word);
  }

  /** The place of a word among those near to another, from 1. */
  async rank(key1: Key, key2: Key): Promise<number> {
    const request = { table: this.table, a: query(key1), b: query(key2), words: this.#words };
    return (await this.client.services.search.rank(request)).rank;
  }

  /** Words by their similarity to the mean of all, the nearest first; unknown ones are left out. */
  async rankByCentrality(words: readonly Key[]): Promise<[similarity: number, key: Key][]> {
    const { ranked } = await this.client.services.search.rankByCentrality({
      table: this.table,
      queries: words.map((word) => query(word)),
      words: this.#skipping,
    });
    const all = ranked.map(({ similarity, index }) => [similarity, words[index] as Key] as [number, Key]);
    // Of equal ones the later in the alphabet, as gensim's.
    return all.sort(([a, one], [b, other]) => b - a || (String(one) < String(other) ? 1 : -1));
  }

  /** The word that is least like the others; unknown ones are left out. */
  async doesntMatch(words: readonly Key[]): Promise<Key> {
    const last = (await this.rankByCentrality(words)).at(-1);
    if (last === undefined) throw new RangeError("cannot select a word from an empty list");
    return last[1];
  }

  /** The similarity of two words over the sum of those of the nearest (Leeuwenberg et al. 2016). */
  async relativeCosineSimilarity(wa: Key, wb: Key, topn = 10): Promise<number> {
    const request = { table: this.table, a: query(wa), b: query(wb), k: topn, words: this.#words };
    return (await this.client.services.search.relativeCosine(request)).relativeCosine;
  }

  /** Word Mover's Distance of two lists of words, solved exactly; unknown ones are left out. */
  async wmdistance(
    document1: readonly string[],
    document2: readonly string[],
    options: { norm?: boolean } = {},
  ): Promise<number> {
    const { distance } = await this.client.services.search.wordMovers({
      table: this.table,
      a: [...document1],
      b: [...document2],
      raw: options.norm === false,
      words: this.#skipping,
    });
    return distance as number;
  }

  // Evaluation, by the server.

  /** How many questions of a file such as Google's questions-words.txt are answered right. */
  async evaluateWordAnalogies(
    file: string | Uint8Array,
    options: EvaluationOptions = {},
  ): Promise<TableAnalogies> {
    const request = { tables: [this.table], file: bytes(file), lookup: options };
    const { tables } = await this.client.services.evaluation.analogies(request);
    return tables[0] as TableAnalogies;
  }

  /** Correlations with the similarities that people gave to pairs, of a file such as WordSim-353's. */
  async evaluateWordPairs(
    file: string | Uint8Array,
    options: EvaluationOptions = {},
  ): Promise<TableWordPairs> {
    const request = { tables: [this.table], file: bytes(file), lookup: options };
    const { tables } = await this.client.services.evaluation.wordPairs(request);
    return tables[0] as TableWordPairs;
  }

  // Writes. Each is durable when it resolves, and seen by every question that begins then.

  /** Adds words with their vectors; one that is there keeps its vector unless `replace`. */
  async addVectors(
    keys: readonly string[],
    weights: readonly VectorLike[],
    options: { extras?: Record<string, readonly Attribute[]>; replace?: boolean } = {},
  ): Promise<void> {
    const extras = Object.entries(options.extras ?? {});
    for (const [name, values] of [["vectors", weights] as const, ...extras]) {
      if (values.length !== keys.length) {
        throw new RangeError(`${keys.length} keys need as many ${name}, got ${values.length}`);
      }
    }
    // The first of a word that comes twice; of `replace` the last.
    const places = new Map<string, number>();
    keys.forEach((key, place) => {
      if (options.replace || !places.has(key)) places.set(key, place);
    });
    if (!options.replace) {
      const asked = [...places.keys()];
      const found = await this.#lookup(asked, { oov: OovPolicy.SKIP });
      asked.filter((_, i) => found[i]?.found).forEach((key) => places.delete(key));
    }
    const most = Math.max(1, Math.min(BATCH_MAX / 2, Math.floor(VECTOR_BYTES / (4 * this.vectorSize))));
    const all = [...places];
    for (let start = 0; start < all.length; start += most) {
      const words = all.slice(start, start + most).map(([word, place]) => ({
        word,
        vector: { packed: packed(weights[place] as VectorLike) },
        attributes: Object.fromEntries(
          extras.map(([name, values]) => [name, attribute(values[place] as Attribute)]),
        ),
      }));
      await this.client.services.tables.putVectors({ table: this.table, words, mode: PutMode.UPSERT });
    }
  }

  /** Adds a word and resolves to its row; a word that is there keeps its vector. */
  async addVector(key: string, vector: VectorLike): Promise<number> {
    await this.addVectors([key], [vector]);
    return this.getIndex(key);
  }

  /** Sets an attribute of a word. */
  async setVecattr(key: Key, name: string, value: Attribute): Promise<void> {
    const changes = [{ query: query(key), set: { [name]: attribute(value) } }];
    await this.client.services.tables.setAttributes({ table: this.table, changes });
  }

  /** An attribute of a word; undefined if it has none of that name. */
  async getVecattr(key: Key, name: string): Promise<Attribute | undefined> {
    const [found] = await this.#lookup([key], { oov: OovPolicy.SKIP });
    if (!found?.found) throw unknown(key);
    const value = found.attributes[name];
    return value === undefined ? undefined : attributeValue(value);
  }

  /** Deletes words with their vectors and attributes; resolves to how many there were. */
  async deleteWords(keys: readonly Key[]): Promise<number> {
    const queries = keys.map((key) => query(key));
    const answer = await this.client.services.tables.deleteWords({ table: this.table, queries });
    return answer.deletedCount;
  }

  // Texts.

  /** A vector for each text; zeros for one of which no word is known. */
  async embed(
    texts: readonly string[],
    options: Fields<typeof EmbedOptionsSchema> = {},
  ): Promise<Float32Array[]> {
    const made: Float32Array[] = [];
    for (let start = 0; start < texts.length; start += 500) {
      const { vectors } = await this.client.services.texts.embed({
        table: this.table,
        texts: texts.slice(start, start + 500),
        words: this.#skipping,
        options: { pooling: Pooling.MEAN, ...options },
      });
      for (const { values } of vectors) {
        made.push(values.length > 0 ? Float32Array.from(values) : new Float32Array(this.vectorSize));
      }
    }
    return made;
  }
}

export interface EvaluationOptions {
  /** Only so many of the first rows are known and may answer. Default 300,000; 0 for all. */
  restrictVocab?: number;
  /** Upper and lower case are one. Default true. */
  caseInsensitive?: boolean;
}

/** How an answer was made, as the contract tells it. */
export type { AnswerInfo };

function pairs(neighbors: readonly Neighbor[]): Neighbors {
  return neighbors.map(({ word, similarity }) => [word, similarity]);
}

function clipped({ restrictVocab, clipStart, clipEnd }: MostSimilarOptions): FilterFields | undefined {
  if (restrictVocab) return { top: restrictVocab };
  if (!clipStart && !clipEnd) return undefined;
  return { rows: { start: clipStart ?? 0, end: clipEnd || ROWS_MAX } };
}

/** An input with its weight: its own, as gensim takes it on either side, or that of its side. */
function weighted(input: Input, weight: number): Weighted {
  return isWeighted(input) ? input : { of: input, weight };
}

/** A row that the table does not have, or a word that none can have, is an unknown key. */
async function known<T>(answer: Promise<T>, keys: readonly Key[] = []): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const isField = error instanceof WordspaceError && error.reason === "INVALID_FIELD";
    const place = isField && /^queries\[(\d+)\]\.(?:row|word)$/.exec(error.violations[0]?.field ?? "");
    if (place) throw unknown(keys[Number(place[1])] as Key);
    throw error;
  }
}

function bytes(file: string | Uint8Array): Uint8Array {
  return typeof file === "string" ? new TextEncoder().encode(file) : file;
}

/** Keys in pieces whose questions and answers are small enough. */
function lookupChunks(keys: readonly Key[], dim: number): Key[][] {
  const most = Math.max(1, Math.min(LOOKUP_WORDS, Math.floor(VECTOR_BYTES / (4 * Math.max(dim, 1)))));
  const chunks: Key[][] = [];
  let chunk: Key[] = [];
  let size = 0;
  for (const key of keys) {
    // A character of UTF-16 takes three bytes of UTF-8 at most.
    const length = typeof key === "string" ? 3 * key.length : 4;
    if (chunk.length >= most || (chunk.length > 0 && size + length > QUESTION_BYTES)) {
      chunks.push(chunk);
      chunk = [];
      size = 0;
    }
    chunk.push(key);
    size += length;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}
