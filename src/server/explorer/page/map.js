// The map of a table, and beside it a word, a list of words, or the table.

import { found, start } from './arranging.js';
import { h, icon, say, fill } from './dom.js';
import { t } from './language.js';
import {
  amongBar,
  chip,
  closeButton,
  copyButton,
  count,
  fact,
  fixed,
  made,
  neighborList,
  save,
  sheet,
  skeleton,
  trouble,
} from './parts.js';
import { Picture, colors } from './picture.js';
import { SHADES } from './state.js';

const NEIGHBORS = 10;
const HALF = (SHADES - 1) / 2;
// Words whose place on an axis colors them, and neighbors whose nearness does.
const COLORED = 10000;
// Words of a filter, and chosen ones that are drawn each by itself.
const AMONG_MAX = 10000;
const MARKED_MAX = 400;
// A word beyond is written smaller.
const LONG_CHARS = 18;

// Colors of words: a palette, a number for each row, and what its ends mean.
async function shading(look, map, mode, chosen, signal) {
  const shades = new Uint8Array(map.count);
  const level = share => Math.max(0, Math.min(SHADES - 1, Math.floor(share * SHADES)));
  if (mode === 'frequency') {
    for (let row = 0; row < map.count; row++) shades[row] = level(0.999 - Math.log(row + 1) / Math.log(map.count + 1));
    return { palette: 'sequence', shades, low: t('rare'), high: t('frequent') };
  }
  if (mode === 'length') {
    const sorted = Uint16Array.from(map.lengths.filter((_, row) => !Number.isNaN(map.positions[2 * row]))).sort();
    const ends = Array.from(
      { length: SHADES - 1 },
      (_, i) => sorted[Math.floor(((i + 1) / SHADES) * (sorted.length - 1))],
    );
    for (let row = 0; row < map.count; row++) {
      let shade = 0;
      while (shade < ends.length && map.lengths[row] > ends[shade]) shade++;
      shades[row] = shade;
    }
    return { palette: 'sequence', shades, low: t('short'), high: t('long') };
  }
  if (mode === 'typical') {
    for (let row = 0; row < map.count; row++) shades[row] = level((map.typicality[row] - 127) / 128 / 0.8);
    return { palette: 'sequence', shades, low: t('far from its cluster'), high: t('central') };
  }
  if (mode === 'near') {
    const near = await look.ask(
      'nearest',
      { positive: [{ word: chosen }], k: Math.min(COLORED, look.rowCount) },
      signal,
    );
    for (const { row = 0, similarity = 0 } of near.neighbors || []) {
      if (row < map.count) shades[row] = Math.max(1, level(similarity * 1.2));
    }
    const own = look.rows.get(chosen);
    if (own !== undefined && own < map.count) shades[own] = SHADES - 1;
    return { palette: 'sequence', shades, low: t('far from {0}', chosen), high: t('near') };
  }
  if (mode.startsWith('axis:')) {
    const [from, to] = mode.slice(5).split('|');
    const queries = Array.from({ length: Math.min(COLORED, map.count) }, (_, row) => ({ row }));
    const told = await look.ask('project', { from: { words: [from] }, to: { words: [to] }, queries }, signal);
    const placed = (told.projections || []).map(one => [queries[one.index || 0].row, one.similarity || 0]);
    const sorted = placed.map(([, similarity]) => similarity).sort((a, b) => a - b);
    const middle = sorted[sorted.length >> 1] || 0;
    const spread = Math.max(0.02, (sorted[Math.floor(sorted.length * 0.98)] || 0) - middle);
    shades.fill(HALF);
    for (const [row, similarity] of placed) {
      shades[row] = Math.max(0, Math.min(SHADES - 1, Math.round(HALF + ((similarity - middle) / spread) * HALF)));
    }
    return { palette: 'axis', shades, low: from, high: to };
  }
  return null;
}

function modes(chosen, mode) {
  const all = [
    ['cluster', t('Cluster')],
    ['frequency', t('Frequency')],
    ['length', t('Length')],
    ['typical', t('Typical of its cluster')],
  ];
  if (chosen) all.push(['near', t('Nearness to {0}', chosen)]);
  if (mode.startsWith('axis:')) all.push([mode, mode.slice(5).split('|').join(' – ')]);
  else all.push(['axis:she|he', 'she – he']);
  return all;
}

// The map that was shown last: who goes from word to word keeps it, with its place and its points.
let kept = null;

function pictureOf(look, options) {
  if (kept && kept.look !== look) {
    kept.picture.end();
    kept = null;
  }
  if (kept) {
    for (const over of kept.box.querySelectorAll('.float, .honest')) over.remove();
    kept.picture.reset(options);
  } else {
    const box = h('div', { class: 'cv' });
    kept = { look, box, picture: new Picture(box, look, options) };
  }
  return kept;
}

export function mapView(main, { look, route, go, setQuery, again, signal }) {
  const chosen = route.args[0];
  let mode = route.query.get('color') || 'cluster';
  let layout = route.query.get('layout') === 'neighbors' ? 'neighbors' : 'components';
  if (mode === 'near' && !chosen) mode = 'cluster';
  const panel = h('aside', { class: 'panel', 'aria-label': chosen ? t('Word') : t('Table'), tabindex: '0' });
  const pick = name => go('map', name);
  const { box, picture } = pictureOf(look, {
    label: t('Map of {0}. Arrow keys pan, plus and minus zoom, 0 shows all. The search finds a word.', look.name),
    onPick: row => {
      if (row < 0) {
        if (chosen) go('map');
        else if (picture.list) again();
        return;
      }
      if (look.words[row] !== undefined) pick(look.words[row]);
      else look.nameRows([row]).then(() => look.words[row] !== undefined && pick(look.words[row]));
    },
    onLasso: rows => lassoed(rows),
    onView: () => keepView(picture, setQuery, chosen),
    isDim: Boolean(chosen),
  });
  main.append(h('div', { class: 'stage' }, box, panel));

  const legend = h('div', { class: 'legend bar', hidden: true });
  const honest = h('div', { class: 'honest' }, t('The map is being made.'));
  const lasso = h(
    'button',
    {
      class: 'ib',
      'aria-label': t('Choose words by a line around them'),
      title: t('Choose words by a line around them'),
      'aria-pressed': false,
      on: {
        click() {
          picture.isLassoing = !picture.isLassoing;
          lasso.setAttribute('aria-pressed', String(picture.isLassoing));
        },
      },
    },
    icon('lasso', 16),
  );
  const select = h(
    'select',
    {
      'aria-label': t('Color'),
      on: {
        change(event) {
          mode = event.target.value;
          setQuery('color', mode === 'cluster' ? null : mode);
          paint();
        },
      },
    },
    modes(chosen, mode).map(([value, name]) => h('option', { value, selected: value === mode }, name)),
  );
  const layouts = h(
    'select',
    {
      'aria-label': t('Layout'),
      on: {
        change(event) {
          layout = event.target.value;
          setQuery('layout', layout === 'components' ? null : layout);
          arrange({ isAsked: true });
        },
      },
    },
    [
      ['components', t('Principal components')],
      ['neighbors', t('Neighbors')],
    ].map(([value, name]) => h('option', { value, selected: value === layout }, name)),
  );
  box.append(
    h(
      'div',
      { class: 'float tl' },
      h('div', { class: 'bar' }, h('label', {}, h('span', {}, t('Color')), select)),
      h('div', { class: 'bar' }, h('label', {}, h('span', {}, t('Layout')), layouts)),
      legend,
      amongBar(look, again),
    ),
    honest,
    h(
      'div',
      { class: 'float zoom' },
      h(
        'div',
        { class: 'bar' },
        lasso,
        h(
          'button',
          {
            class: 'ib',
            'aria-label': t('Zoom out'),
            on: { click: () => picture.zoomAt(1 / 1.6, picture.W / 2, picture.H / 2) },
          },
          '−',
        ),
        h(
          'button',
          { class: 'ib', 'aria-label': t('Show all'), title: t('Show all'), on: { click: () => picture.showAll() } },
          icon('fit', 16),
        ),
        h(
          'button',
          {
            class: 'ib',
            'aria-label': t('Zoom in'),
            on: { click: () => picture.zoomAt(1.6, picture.W / 2, picture.H / 2) },
          },
          '+',
        ),
      ),
    ),
  );
  picture.covered = null;
  picture.setMask(look.within && look.within.rows);

  async function paint() {
    if (!picture.map) return;
    try {
      const found = await shading(look, picture.map, mode, chosen, signal);
      if (signal.aborted) return;
      picture.setShading(found);
      legend.hidden = !found;
      if (found) {
        fill(
          legend,
          h('span', { dir: 'auto' }, found.low),
          h(
            'span',
            { class: 'scale', 'aria-hidden': 'true' },
            colors[found.palette].map(color => h('i', { style: { background: color } })),
          ),
          h('span', { dir: 'auto' }, found.high),
        );
      }
      picture.covered = null;
      picture.request();
    } catch (error) {
      const shown = trouble(error, { look, pick });
      if (!shown || signal.aborted) return;
      legend.hidden = false;
      fill(
        legend,
        h(
          'span',
          {},
          error.unknown?.length ? t('Not in {0}:', look.name) : t('That did not work.'),
          ' ',
          (error.unknown || []).join(', '),
        ),
      );
    }
  }

  function lassoed(rows) {
    picture.isLassoing = false;
    lasso.setAttribute('aria-pressed', 'false');
    picture.selected = -1;
    picture.links = [];
    picture.list = rows;
    picture.setMask(rows.length > MARKED_MAX ? rows : null);
    picture.draw();
    lassoPanel({ look, panel, picture, rows, pick, signal, again, letGo: () => (chosen ? go('map') : again()) });
  }

  const tell = map => {
    honest.classList.remove('busy');
    const shares = map.told.component_shares || [];
    const share = Math.round(100 * ((shares[0] || 0) + (shares[1] || 0)));
    fill(
      honest,
      h('b', {}, map.layout === 'neighbors' ? t('Neighbors') : t('Principal components')),
      ' ',
      map.layout === 'neighbors'
        ? t('come together here, others part. Near on the map is a hint, and far says little; the list is the answer.')
        : t('show {0} % of the spread. Near on the map is a hint; the list is the answer.', share),
      map.count < look.rowCount
        ? ` ${t('The map has the first {0} of {1} rows; search and lists use all.', count(map.count), count(look.rowCount))}`
        : '',
    );
    picture.covered = null;
    picture.request();
  };

  // Shows a map as soon as it is there. Until words are arranged by their neighbors, and if nobody does that, the map
  // is by components. An address alone starts no work on the server: the user does.
  let turn = 0;
  async function arrange({ isAsked = false } = {}) {
    const mine = ++turn;
    const isStale = () => signal.aborted || mine !== turn;
    let map = null;
    try {
      if (layout === 'neighbors') {
        map = await look.map('neighbors').catch(error => {
          if (error.reason === 'UNSUITED_TABLE') return null;
          throw error;
        });
      }
      const isThere = map || layout === 'components';
      if (!map) map = await look.map();
      if (isStale()) return map;
      put(map);
      if (isThere) {
        if (!chosen) measureKept({ look, map, picture, honest, signal });
        else select8(map);
        return map;
      }
      if (chosen) select8(map);
      const job = isAsked ? await start(look) : await found(look);
      if (isStale()) return map;
      if (job) follow(job, isStale);
      else offer(t('Nobody has arranged the words of this table by their neighbors yet.'));
    } catch (error) {
      const shown = trouble(error, { look, again: () => arrange({ isAsked }) });
      if (shown && !isStale()) tellThat(shown);
    }
    return map;
  }

  // What is said of the map is about work; small screens show it, too.
  function tellThat(...what) {
    honest.classList.add('busy');
    fill(honest, ...what);
    picture.covered = null;
    picture.request();
  }

  function offer(text) {
    const begin = h('button', { class: 'btn', on: { click: () => arrange({ isAsked: true }) } }, t('Arrange them'));
    tellThat(h('p', {}, text, ' ', t('It takes seconds, and on large tables minutes; once.')), h('p', { class: 'acts' }, begin));
  }

  // Shows how far a job is, and its map when it is there.
  function follow(job, isStale) {
    const bar = h('b', {});
    const track = h(
      'div',
      { class: 'pg', role: 'progressbar', 'aria-label': t('Arranging'), 'aria-valuemin': '0', 'aria-valuemax': '100' },
      bar,
    );
    const told = h('span', { class: 'num' });
    const stop = h(
      'button',
      {
        class: 'btn small',
        on: {
          click() {
            stop.disabled = true;
            job.stop().catch(error => {
              const shown = trouble(error);
              if (shown && !isStale()) tellThat(shown);
            });
          },
        },
      },
      t('Stop'),
    );
    const show = () => {
      if (isStale()) {
        job.listeners.delete(show);
        return;
      }
      const percent = Math.floor(100 * (job.share ?? 0));
      fill(told, job.share == null ? t('waits') : `${percent} %`);
      bar.style.width = `${percent}%`;
      track.setAttribute('aria-valuenow', String(percent));
    };
    job.listeners.add(show);
    show();
    tellThat(
      h(
        'div',
        { class: 'arranging' },
        h('p', {}, h('b', {}, t('Words are being arranged by their neighbors.')), ' ', t('You can go on meanwhile.')),
        h('div', { class: 'row' }, track, told, stop),
      ),
    );
    job.ended.then(state => {
      job.listeners.delete(show);
      if (isStale()) return;
      if (state === 'DONE') arrange();
      else if (state === 'CANCELLED') offer(t('The arranging was stopped.'));
      else {
        const error = job.problem || new Error(job.job?.error?.message || '');
        const shown = trouble(error, { look, again: () => arrange({ isAsked: true }) });
        if (shown) tellThat(shown);
      }
    });
  }

  function put(map) {
    if (Number(map.told.placed_count || 0) < 3) fill(honest, t('A map needs three words.'));
    else tell(map);
    if (picture.map !== map) picture.setMap(map);
    if (mode !== 'cluster') paint();
    else if (picture.shading) picture.setShading(null);
    restoreView(picture, route, chosen);
    picture.isReady = true;
    document.documentElement.dataset.painted = String(Math.round(performance.now()));
  }

  // Frames the word that is chosen and its neighbors, where these are known.
  let select8 = () => {};
  const mapping = arrange();
  if (chosen)
    wordPanel({ look, panel, picture, chosen, mapping, pick, go, signal, whenArranged: select => (select8 = select) });
  else tablePanel({ look, panel, picture, mapping, pick, go, signal });
  return () => clearTimeout(keeping);
}

// The part of the map that is shown is in the address.
let keeping = 0;
function keepView(picture, setQuery, chosen) {
  if (chosen) return;
  clearTimeout(keeping);
  keeping = setTimeout(() => {
    const x = (picture.W / 2 - picture.x) / picture.k;
    const y = (picture.H / 2 - picture.y) / picture.k;
    setQuery('at', picture.z < 1.02 ? null : [x.toFixed(4), y.toFixed(4), picture.z.toFixed(2)].join(','));
  }, 300);
}

function restoreView(picture, route, chosen) {
  const at = (route.query.get('at') || '').split(',').map(Number);
  if (chosen || at.length !== 3 || at.some(Number.isNaN)) return;
  picture.k = picture.k0 * at[2];
  picture.x = picture.W / 2 - at[0] * picture.k;
  picture.y = picture.H / 2 - at[1] * picture.k;
  picture.draw();
}

// How many of their nearest words the map shows near to words, of some drawn at random.
async function measureKept({ look, map, picture, honest, signal }) {
  if (map.keptOf10 === undefined) {
    if (map.count < 50) return;
    try {
      const drawn = await look.ask('sample-words', { count: 40, seed: 2 }, signal);
      const rows = (drawn.words || []).map(one => one.row || 0).filter(row => row < map.count);
      const queries = rows.map(row => ({ positive: [{ row }], k: NEIGHBORS }));
      const told = await look.ask('nearest-batch', { queries }, signal);
      const near = (told.answers || []).map(
        (one, i) =>
          picture.kept(
            rows[i],
            (one.neighbors || []).map(near => near.row || 0),
          ) || 0,
      );
      map.keptOf10 = near.length ? near.reduce((a, b) => a + b, 0) / near.length : 0;
      map.keptWords = near.length;
    } catch {
      return;
    }
  }
  if (signal.aborted) return;
  honest.append(
    ' ',
    t('Of {0} words, {1} of the 10 nearest are near on the map, on average.', map.keptWords, fixed(map.keptOf10, 1)),
  );
  picture.covered = null;
  picture.request();
}

function tablePanel({ look, panel, picture, mapping, pick, go, signal }) {
  panel.classList.add('peek');
  const { table } = look;
  const index =
    {
      INDEX_STATE_READY: t('ready'),
      INDEX_STATE_BUILDING: t('being built'),
      INDEX_STATE_QUEUED: t('waits'),
      INDEX_STATE_FAILED: t('failed'),
      INDEX_STATE_STOPPED: t('stopped'),
    }[table.index?.state] || t('not needed');
  const tries = h('div', { class: 'chips gap' });
  const clusters = h(
    'section',
    {},
    h('h2', {}, t('Clusters, named by their most central words')),
    skeleton('70%', '62%', '55%'),
  );
  fill(
    panel,
    sheet(panel),
    h(
      'section',
      {},
      h('h1', { class: 'name' }, look.name),
      table.provenance?.source && h('p', { class: 'mid', dir: 'auto' }, table.provenance.source),
      h(
        'dl',
        { class: 'facts' },
        fact(t('Words'), count(look.rowCount), t('{0} components', table.dim)),
        fact(t('Generation'), table.generation, t('newest')),
        fact(
          t('Index'),
          index,
          table.index?.state === 'INDEX_STATE_READY' && table.index.build_seconds
            ? t('built in {0} s', fixed(table.index.build_seconds, 2))
            : table.index?.state === 'INDEX_STATE_READY'
              ? ''
              : t('every answer is exact'),
        ),
      ),
      tries,
    ),
    clusters,
    h(
      'section',
      {},
      h('h2', {}, t('Ask more')),
      h(
        'p',
        { class: 'foot' },
        t(
          'Click a word. Hold {0} and drag for a list of words. Type three words for an analogy, two for an axis.',
          h('kbd', {}, 'Shift'),
        ),
      ),
    ),
  );
  if (!look.rowCount) {
    fill(clusters, h('p', { class: 'mid' }, t('This table is empty: no word was put into it yet.')));
    return;
  }
  mapping.then(async map => {
    if (!map || signal.aborted) return;
    const rows = (map.told.clusters || []).map((cluster, place) => {
      const button = h(
        'button',
        {
          'aria-pressed': false,
          on: {
            click() {
              const isOn = picture.lit !== place;
              picture.lit = isOn ? place : -1;
              for (const other of button.parentElement.children)
                other.setAttribute('aria-pressed', String(isOn && other === button));
              picture.draw();
            },
          },
        },
        h('span', { class: 'dot', style: { background: `var(--c${place})` } }),
        h('span', { class: 't', dir: 'auto' }, map.clusterNames[place].join(', ') || t('cluster {0}', place + 1)),
        h('span', { class: 'num' }, count(cluster.row_count || 0)),
      );
      return button;
    });
    fill(
      clusters,
      h('h2', { class: 'under' }, t('Clusters, named by their most central words')),
      h('div', { class: 'leg' }, rows),
      h(
        'p',
        { class: 'foot' },
        t(
          'k-means of the directions, from {0} rows. Parts are a way to color, not a finding.',
          count(Math.min(4096, map.told.component_row_count || 0)),
        ),
      ),
    );
    fill(
      tries,
      ...map.clusterNames
        .flatMap(names => names.slice(0, 1))
        .slice(0, 5)
        .map(name => chip(name, () => pick(name))),
    );
  });
}

async function wordPanel({ look, panel, picture, chosen, mapping, pick, go, signal, whenArranged }) {
  const close = closeButton(t('Let go of the word'), () => go('map'));
  const head = h(
    'div',
    { class: 'wordhead' },
    h('h1', { class: chosen.length > LONG_CHARS ? 'word long' : 'word', dir: 'auto' }, chosen),
    close,
  );
  fill(
    panel,
    sheet(panel),
    h('section', {}, head, skeleton('80%', '64%')),
    h('section', {}, skeleton('95%', '90%', '84%', '80%', '76%', '70%')),
  );
  let found;
  let near;
  try {
    [found, near] = await Promise.all([
      look.ask('lookup', { queries: [{ word: chosen }], packed: true }, signal),
      look.ask('nearest', { positive: [{ word: chosen }], k: NEIGHBORS, ...look.among }, signal),
    ]);
  } catch (error) {
    const shown = trouble(error, { look, pick, again: () => go('map', chosen) });
    if (signal.aborted) return;
    picture.o.isDim = false;
    picture.request();
    if (shown && !signal.aborted) fill(panel, sheet(panel), h('section', {}, head, h('div', { class: 'gap' }, shown)));
    return;
  }
  if (signal.aborted) return;
  const own = found.vectors[0];
  const row = own.row || 0;
  const neighbors = near.neighbors || [];
  look.learn([{ row, word: own.word }, ...neighbors.map(one => ({ row: one.row || 0, word: one.word }))]);
  document.documentElement.dataset.answered = String(Math.round(performance.now()));
  say(
    `${chosen}. ${t('Nearest:')} ${neighbors
      .slice(0, 3)
      .map(one => one.word)
      .join(', ')}`,
  );
  const kept = h('p', { class: 'foot' });
  const usual = h('small', {});
  const cluster = h('dd', { class: 'cluster' }, '…');
  const senses = h('div', {});
  const attributes = Object.entries(own.attributes || {});
  const list = neighborList(neighbors, { pick });
  fill(
    panel,
    sheet(panel),
    h(
      'section',
      {},
      head,
      h(
        'dl',
        { class: 'facts' },
        fact(t('Frequency'), `#${count(row + 1)}`, t('of {0}', count(look.rowCount))),
        h('div', {}, h('dt', {}, t('Length')), h('dd', { class: 'num' }, fixed(own.norm, 2), usual)),
        h('div', {}, h('dt', {}, t('Cluster')), cluster),
      ),
      attributes.length > 0 &&
        h(
          'dl',
          { class: 'attributes' },
          attributes.map(([name, value]) =>
            h('div', {}, h('dt', { dir: 'auto' }, name), h('dd', { dir: 'auto' }, shown(value))),
          ),
        ),
      h(
        'div',
        { class: 'acts' },
        h(
          'button',
          {
            class: 'btn',
            on: { click: () => go('analogy', chosen, neighbors[0]?.word || '', neighbors[1]?.word || '') },
          },
          t('Analogy'),
        ),
        h('button', { class: 'btn', on: { click: () => go('axis', chosen, neighbors[0]?.word || '') } }, t('Axis')),
        h('button', { class: 'btn', on: { click: () => go('compare', chosen) } }, t('Compare')),
      ),
    ),
    h(
      'section',
      {},
      h('div', { class: 'sechead' }, h('h2', {}, t('Nearest words')), made(near.answer, look)),
      neighbors.length ? list : h('p', { class: 'mid' }, t('The only word of this table: it has no neighbors.')),
      kept,
    ),
    h(
      'section',
      {},
      h(
        'div',
        { class: 'sechead' },
        h('h2', {}, t('Senses')),
        h(
          'button',
          {
            class: 'btn small',
            on: { click: event => partSenses(look, chosen, senses, event.currentTarget, pick, signal) },
          },
          t('Part the neighbors'),
        ),
      ),
      senses,
    ),
  );
  look.yardstick().then(
    ({ mean, norm }) => {
      if (signal.aborted) return;
      if (norm) usual.append(t('usual here {0}', fixed(norm, 2)));
      if (mean == null) return;
      for (const meter of list.querySelectorAll('.meter'))
        meter.append(h('u', { style: { left: `${Math.max(0, mean) * 100}%` } }));
      kept.prepend(
        t('Bars are cosines from 0 to 1. The tick is a random pair of this table: {0}.', fixed(mean, 2)),
        ' ',
      );
    },
    () => {},
  );
  const fidelity = h('span', {});
  kept.append(fidelity);
  const select = map => {
    picture.selected = row;
    picture.links = neighbors.map(one => ({ row: one.row || 0 }));
    const rows = [row, ...picture.links.map(link => link.row)];
    const gap = other =>
      (map.positions[2 * other] - map.positions[2 * row]) ** 2 +
      (map.positions[2 * other + 1] - map.positions[2 * row + 1]) ** 2;
    const near8 = rows
      .filter(one => one < map.count)
      .sort((a, b) => gap(a) - gap(b))
      .slice(0, 8);
    picture.frame(near8, picture.W < 500 ? 60 : 150);
    picture.draw();
    if (row < map.count) {
      const number = map.clusters[row];
      fill(
        cluster,
        h('span', { class: 'dot', style: { background: `var(--c${number})` } }),
        h('span', { dir: 'auto' }, map.clusterNames[number]?.slice(0, 2).join(', ') || String(number + 1)),
      );
      const known = picture.kept(
        row,
        picture.links.map(link => link.row),
      );
      if (known !== null)
        fill(fidelity, t('The map shows {0} of these {1} among the {1} closest points.', known, neighbors.length));
    } else {
      fill(cluster, t('not on the map'));
    }
    document.documentElement.dataset.drawn = String(Math.round(performance.now()));
  };
  whenArranged(select);
  const map = picture.map || (await mapping);
  if (map && !signal.aborted) select(map);
}

// An attribute's value as text.
export function shown(value) {
  if (value.list) return (value.list.values || []).map(shown).join(', ');
  const [only] = Object.values(value);
  return String(only ?? '');
}

async function partSenses(look, chosen, box, button, pick, signal) {
  button.disabled = true;
  fill(box, skeleton('80%', '70%'));
  try {
    const told = await look.ask('induce-senses', { word: { word: chosen }, seed: 1 }, signal);
    if (signal.aborted) return;
    const senses = told.senses || [];
    const k = senses.length;
    const stability = (told.stabilities || []).find(one => one.k === k)?.stability;
    fill(
      box,
      ...senses.map((sense, place) =>
        h(
          'div',
          { class: 'sense' },
          h('b', { class: 'num' }, `${place + 1} `),
          (sense.members || [])
            .slice(0, 5)
            .map((one, i) => [
              i ? ', ' : '',
              h('button', { class: 'link', dir: 'auto', on: { click: () => pick(one.word) } }, one.word),
            ]),
          h('span', { class: 'dim num' }, ` · ${t('{0} words', count((sense.members || []).length))}`),
        ),
      ),
      h(
        'p',
        { class: 'foot' },
        t('What the 200 nearest words part into. A vector for each word mixes its senses; the parts are a hint.'),
        stability != null &&
          ` ${stability < 0.5 ? t('These parts are made up: another sample parts otherwise ({0}).', fixed(stability, 2)) : t('Found again in samples: {0} of 1.', fixed(stability, 2))}`,
      ),
    );
    button.remove();
  } catch (error) {
    const told = trouble(error, { look });
    if (told && !signal.aborted) fill(box, told);
    button.disabled = false;
  }
}

async function lassoPanel({ look, panel, picture, rows, pick, signal, again, letGo }) {
  panel.classList.remove('peek');
  say(t('{0} words selected', count(rows.length)));
  const named = rows.slice(0, 1000);
  const odd = h('div', {}, skeleton('70%'));
  const list = h('div', { class: 'chips' });
  const all = () => rows.map(row => look.words[row]).filter(one => one !== undefined);
  const among = h(
    'button',
    {
      class: 'btn pri',
      disabled: true,
      on: {
        click() {
          look.within = { rows, words: all() };
          again();
        },
      },
    },
    t('Ask only among these'),
  );
  fill(
    panel,
    sheet(panel),
    h(
      'section',
      {},
      h('div', { class: 'wordhead' }, h('h1', {}, t('{0} words', count(rows.length))), closeButton(t('Let go'), letGo)),
      h(
        'div',
        { class: 'acts' },
        copyButton(() => all().join('\n'), t('Copy the words')),
        h(
          'button',
          { class: 'btn', on: { click: () => save(`${look.name}-words.txt`, `${all().join('\n')}\n`) } },
          t('Save the words'),
        ),
        h('button', { class: 'btn', on: { click: () => saveVectors(look, rows, signal) } }, t('Save vectors')),
        among,
      ),
      rows.length > AMONG_MAX &&
        h('p', { class: 'foot' }, t('At most {0} words can be asked among.', count(AMONG_MAX))),
    ),
    h('section', {}, h('h2', { class: 'under' }, t('Odd one out')), odd),
    h('section', {}, h('h2', { class: 'under' }, t('In order of frequency')), list),
  );
  for (let at = 0; at < Math.min(rows.length, 10000); at += 200) await look.nameRows(rows.slice(at, at + 200));
  if (signal.aborted) return;
  among.disabled = rows.length > AMONG_MAX;
  fill(
    list,
    ...named
      .slice(0, 80)
      .map(row => look.words[row] !== undefined && chip(look.words[row], () => pick(look.words[row])))
      .filter(Boolean),
  );
  if (rows.length > 80)
    list.after(h('p', { class: 'foot' }, t('and {0} more in what is copied or saved', count(rows.length - 80))));
  if (rows.length < 3) {
    fill(odd, h('p', { class: 'mid' }, t('Choose three words at least.')));
    return;
  }
  try {
    const told = await look.ask('odd-one-out', { queries: named.map(row => ({ row })) }, signal);
    const ranked = told.ranked || [];
    const first = ranked[0];
    const name = look.words[named[first.index || 0]] || first.word;
    fill(
      odd,
      h(
        'p',
        {},
        h('button', { class: 'link strong', dir: 'auto', on: { click: () => pick(name) } }, name),
        ' ',
        h('span', { class: 'mid num' }, t('fits least: {0} to the mean of all', fixed(first.similarity))),
      ),
      rows.length > 1000 && h('p', { class: 'foot' }, t('Of the first {0}.', count(1000))),
    );
  } catch (error) {
    const told = trouble(error, { look });
    if (told && !signal.aborted) fill(odd, told);
  }
  picture.request();
}

// Words with their vectors, as word2vec and GloVe write them.
async function saveVectors(look, rows, signal) {
  const lines = [];
  for (let at = 0; at < rows.length; at += 500) {
    const queries = rows.slice(at, at + 500).map(row => ({ row }));
    const told = await look.ask('lookup', { queries }, signal);
    for (const one of told.vectors || []) lines.push(`${one.word} ${one.vector.values.join(' ')}`);
  }
  save(`${look.name}-vectors.txt`, `${lines.length} ${look.table.dim}\n${lines.join('\n')}\n`);
}
