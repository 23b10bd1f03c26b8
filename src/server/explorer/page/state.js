// What is known of the table that is looked at: its map, the words of its most frequent rows, and small answers
// that views share. All of it goes when another table, or another state of this one, is looked at.

import { bytes, of } from './api.js';

// Words that are fetched beside the map, and those of a page.
const NAMED_ROWS = 20000;
const PAGE_ROWS = 10000;
const ROW_BYTES = 8;
const NOWHERE = 65535;

// Of one table in one state.
class Look {
  constructor(table) {
    this.name = table.name;
    this.table = table;
    this.words = [];
    this.rows = new Map();
    this.asked = new Set();
    this.maps = {};
    this.leaving = new AbortController();
    this.listeners = new Set();
    // Rows and words of the map that answers come from; none: all.
    this.within = null;
    // The job that arranges its words by their neighbors, if there is one.
    this.arranging = null;
  }

  // What a question says of that.
  get among() {
    return this.within ? { filter: { allow: this.within.words } } : {};
  }

  get signal() {
    return this.leaving.signal;
  }

  get rowCount() {
    return Number(this.table.row_count || 0);
  }

  ask(method, body, signal = this.signal) {
    return of(this.name, method, body, signal);
  }

  // Hears when more words are known.
  onWords(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  learn(found) {
    for (const { row, word } of found) {
      if (this.words[row] !== undefined) continue;
      this.words[row] = word;
      if (!this.rows.has(word)) this.rows.set(word, row);
    }
    for (const listener of this.listeners) listener();
  }

  // The map by components or by neighbors, once; one that could not be had is asked for again.
  map(layout = 'components') {
    if (!this.maps[layout]) {
      this.maps[layout] = this.fetchMap(layout);
      this.maps[layout].catch(() => delete this.maps[layout]);
    }
    return this.maps[layout];
  }

  async fetchMap(layout) {
    const path = `tables/${encodeURIComponent(this.name)}`;
    const query = `layout=MAP_LAYOUT_${layout.toUpperCase()}`;
    // One after the other: the first makes it.
    const told = await of(this.name, `map?${query}&without_places=true`, undefined, this.signal);
    const raw = await bytes(`${path}/map.bin?${query}`, this.signal);
    const view = new DataView(raw.buffer);
    const count = raw.buffer.byteLength / ROW_BYTES;
    const map = {
      layout,
      count,
      told,
      positions: new Float32Array(2 * count),
      clusters: new Uint8Array(count),
      typicality: new Uint8Array(count),
      lengths: new Uint16Array(count),
      clusterNames: (told.clusters || []).map(one => (one.words || []).map(word => word.word)),
    };
    for (let row = 0, at = 0; row < count; row++, at += ROW_BYTES) {
      const x = view.getUint16(at, true);
      const y = view.getUint16(at + 2, true);
      const isNowhere = x === NOWHERE && y === NOWHERE;
      map.positions[2 * row] = isNowhere ? NaN : x / 32767 - 1;
      map.positions[2 * row + 1] = isNowhere ? NaN : 1 - y / 32767;
      map.lengths[row] = view.getUint16(at + 4, true);
      map.clusters[row] = view.getUint8(at + 6);
      map.typicality[row] = view.getUint8(at + 7);
    }
    center(map.positions);
    for (const cluster of told.clusters || []) this.learn(cluster.words || []);
    if (!this.naming) this.naming = this.fetchWords();
    return map;
  }

  async fetchWords() {
    try {
      for (let offset = 0; offset < Math.min(NAMED_ROWS, this.rowCount); offset += PAGE_ROWS) {
        const page = await this.ask('list-words', { page_size: PAGE_ROWS, offset });
        this.learn((page.words || []).map(({ row, word }) => ({ row: row || 0, word })));
      }
    } catch (error) {
      if (error.name !== 'AbortError') this.wordsProblem = error;
    }
  }

  // Fetches the words of rows that are not known yet.
  async nameRows(rows) {
    const wanted = rows.filter(row => this.words[row] === undefined && !this.asked.has(row)).slice(0, 200);
    if (!wanted.length) return;
    for (const row of wanted) this.asked.add(row);
    try {
      const queries = wanted.map(row => ({ row }));
      const found = await this.ask('lookup', { queries, packed: true });
      this.learn((found.vectors || []).map(({ row, word }) => ({ row: row || 0, word })));
    } catch {
      for (const row of wanted) this.asked.delete(row);
    }
  }

  // The mean cosine of two different words drawn at random, and words that stand for all: what a figure is held against.
  yardstick() {
    if (!this.measuring) this.measuring = this.measure();
    return this.measuring;
  }

  async measure() {
    const drawn = await this.ask('sample-words', { count: 400, seed: 1, include: { norms: true } });
    const words = drawn.words || [];
    const rows = words.map(word => word.row || 0);
    const pairs = [];
    // Rows come in order; those of a pair are half of all apart.
    for (let i = 0; i < rows.length >> 1; i++) {
      pairs.push({ a: { row: rows[i] }, b: { row: rows[i + (rows.length >> 1)] } });
    }
    let mean = null;
    if (pairs.length) {
      const told = await this.ask('similarity', { pairs });
      const all = (told.similarities || []).map(one => one.similarity ?? 0);
      mean = all.reduce((a, b) => a + b, 0) / all.length;
    }
    const norms = words.map(word => word.norm ?? 0).sort((a, b) => a - b);
    return { mean, pairs: pairs.length, rows, norm: norms[norms.length >> 1] ?? null };
  }

  end() {
    this.leaving.abort();
    this.listeners.clear();
  }
}

// Moves what nearly all rows take up to the middle, and makes it as large as the picture.
function center(positions) {
  const count = positions.length / 2;
  const step = Math.max(1, Math.floor(count / 20000));
  const range = axis => {
    const all = [];
    for (let row = 0; row < count; row += step) {
      if (!Number.isNaN(positions[2 * row])) all.push(positions[2 * row + axis]);
    }
    all.sort((a, b) => a - b);
    const out = Math.floor(all.length * 0.001);
    return all.length ? [all[out], all[all.length - 1 - out]] : [0, 0];
  };
  const [x0, x1] = range(0);
  const [y0, y1] = range(1);
  const half = Math.max(x1 - x0, y1 - y0) / 2 || 1;
  for (let row = 0; row < count; row++) {
    positions[2 * row] = (positions[2 * row] - (x0 + x1) / 2) / half;
    positions[2 * row + 1] = (positions[2 * row + 1] - (y0 + y1) / 2) / half;
  }
}

let looks = new Map();

// What is known of a table; anew if it has another state than before.
export function look(table) {
  const known = looks.get(table.name);
  if (known && known.table.generation === table.generation) {
    known.table = table;
    return known;
  }
  known?.end();
  const fresh = new Look(table);
  looks.set(table.name, fresh);
  // Few are kept: each has a map and words.
  for (const name of looks.keys()) {
    if (looks.size <= 3) break;
    if (name === table.name) continue;
    looks.get(name).end();
    looks.delete(name);
  }
  return fresh;
}

export function forget() {
  for (const one of looks.values()) one.end();
  looks = new Map();
}

// Steps of a color scale.
export const SHADES = 7;
