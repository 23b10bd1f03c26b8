// a is to b as c is to what? With the words of the question left out, and left in.

import { packed } from './api.js';
import { h, s, say, fill } from './dom.js';
import { t } from './language.js';
import { amongBar, made, neighborList, note, sheet, skeleton, trouble, word, wordField } from './parts.js';
import { Picture } from './picture.js';

const SHOWN = 7;

export function analogyView(main, { look, route, go, again, signal }) {
  const given = [0, 1, 2].map(place => route.args[place] || '');
  const box = h('div', { class: 'cv' });
  const panel = h('aside', { class: 'panel', 'aria-label': t('Analogy'), tabindex: '0' });
  main.append(h('div', { class: 'stage' }, box, panel));
  const put = (place, name) => {
    const next = given.slice();
    next[place] = name;
    go('analogy', ...next);
  };
  const picture = new Picture(box, look, {
    label: t('Map of {0}. Arrow keys pan, plus and minus zoom, 0 shows all. The search finds a word.', look.name),
    onPick: async row => {
      if (row < 0) return;
      await look.nameRows([row]);
      const free = given.indexOf('');
      const name = look.words[row];
      if (name === undefined) return;
      // A fourth word begins again.
      if (free < 0) go('analogy', name, '', '');
      else put(free, name);
    },
  });
  const fields = ['A', 'B', 'C'].map((letter, place) =>
    h(
      'div',
      { class: 'slot' },
      h('span', { class: 'l', 'aria-hidden': 'true' }, letter),
      wordField(look, given[place], t('Word {0}', letter), name => put(place, name)),
    ),
  );
  const mapping = look.map().then(
    map => {
      if (!signal.aborted) {
        picture.setMap(map);
        picture.isReady = true;
      }
      return map;
    },
    () => null,
  );
  const asked = h('div', { class: 'slots' }, fields);
  const hint = h('p', { class: 'foot' }, t('Or click three words on the map, in this order.'));
  if (given.includes('')) {
    panel.append(
      sheet(panel),
      h(
        'section',
        {},
        h('h1', {}, t('Analogy')),
        h('p', { class: 'mid lower' }, t('A is to B as C is to what?')),
        asked,
        hint,
      ),
      h(
        'section',
        {},
        h('h2', { class: 'under' }, t('Try')),
        h(
          'div',
          { class: 'chips' },
          TRIES.map(words =>
            h('button', { class: 'chip', on: { click: () => go('analogy', ...words) } }, words.join(' · ')),
          ),
        ),
      ),
    );
  } else {
    answer({ look, panel, picture, given, asked, hint, mapping, go, again, signal });
  }
  return () => picture.end();
}

const TRIES = [
  ['man', 'king', 'woman'],
  ['france', 'paris', 'italy'],
  ['good', 'better', 'bad'],
  ['walk', 'walked', 'play'],
];

async function answer({ look, panel, picture, given, asked, hint, mapping, go, again, signal }) {
  const title = h('p', { class: 'mid' }, t('{0} is to {1} as {2} is to', ...given.map(one => h('b', {}, word(one)))));
  fill(
    panel,
    sheet(panel),
    h('section', {}, title, skeleton('60%'), asked, hint),
    h('section', {}, skeleton('90%', '86%', '80%', '76%')),
  );
  let told;
  let vectors;
  try {
    const [a, b, c] = given.map(one => ({ word: one }));
    [told, vectors] = await Promise.all([
      look.ask('analogy', { a, b, c, k: SHOWN, with_inputs: true, ...look.among }, signal),
      look.ask('lookup', { queries: [a, b, c], unit: true, packed: true }, signal),
    ]);
  } catch (error) {
    const shown = trouble(error, { look, again: () => go('analogy', ...given) });
    if (shown && !signal.aborted)
      fill(panel, sheet(panel), h('section', {}, h('h1', {}, t('Analogy')), asked, h('div', { class: 'gap' }, shown)));
    return;
  }
  if (signal.aborted) return;
  const without = told.neighbors || [];
  const within = told.neighbors_with_inputs || [];
  const best = without[0];
  const rows = vectors.vectors.map(one => one.row || 0);
  look.learn([...vectors.vectors, ...without, ...within].map(one => ({ row: one.row || 0, word: one.word })));
  const pick = name => go('map', name);
  const first = within[0];
  const isOwn = first && rows.includes(first.row || 0);
  const warning = look.within
    ? amongBar(look, again)
    : isOwn
      ? note(
          '',
          h('b', {}, t('With your words left in, the answer is {0},', word(first.word))),
          ' ',
          t('one of the three you gave. Most published analogies leave the inputs out; both lists are here.'),
        )
      : note('plain', t('The answer is the same with your words left in.'));
  const figure = h('div', {});
  fill(
    panel,
    sheet(panel),
    h('section', {}, title, h('h1', { class: 'word', dir: 'auto' }, best ? best.word : '—'), asked, hint),
    h(
      'section',
      {},
      h('div', { class: 'sechead' }, h('h2', {}, t('Answers')), made(told.answer, look)),
      warning,
      h(
        'div',
        { class: 'cols' },
        h('div', {}, h('h2', { class: 'under' }, t('Inputs left out')), neighborList(without, { pick, bar: false })),
        h(
          'div',
          {},
          h('h2', { class: 'under' }, t('With the inputs')),
          neighborList(within, { pick, bar: false, kind: one => (rows.includes(one.row || 0) ? 'input' : '') }),
        ),
      ),
    ),
    h(
      'section',
      {},
      h('h2', {}, t('The plane of the three words')),
      figure,
      h(
        'p',
        { class: 'foot' },
        t(
          'Directions on the map say little, so here is the true plane through A, B and C. The cross is the point that the answer is nearest to.',
        ),
      ),
    ),
  );
  say(`${given.join(', ')}: ${best ? best.word : ''}`);
  if (best) {
    try {
      const own = await look.ask('lookup', { queries: [{ row: best.row || 0 }], unit: true, packed: true }, signal);
      const all = [...vectors.vectors, ...own.vectors].map(one => packed(one.vector.packed));
      fill(figure, plane(all, [...given, best.word]));
    } catch {
      figure.remove();
    }
  }
  const map = await mapping;
  if (!map || signal.aborted || !best) return;
  picture.arrows = [
    { from: rows[0], to: rows[1] },
    { from: rows[2], to: best.row || 0, dash: true },
  ];
  picture.frame([...rows, best.row || 0], picture.W < 500 ? 56 : 120);
  picture.draw();
}

// The plane through three vectors, with a fourth one and the point b - a + c in it.
function plane(vectors, names) {
  const [a, b, c] = vectors;
  const minus = (x, y) => x.map((value, i) => value - y[i]);
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  const unit = x => {
    const length = Math.sqrt(dot(x, x)) || 1;
    return x.map(value => value / length);
  };
  const across = unit(minus(b, a));
  const toC = minus(c, a);
  const along = dot(toC, across);
  const up = unit(toC.map((value, i) => value - along * across[i]));
  const flat = x => [dot(minus(x, a), across), dot(minus(x, a), up)];
  const places = vectors.map(flat);
  const goal = flat(b.map((value, i) => value - a[i] + c[i]));
  const all = [...places, goal];
  const [left, right] = [Math.min(...all.map(p => p[0])), Math.max(...all.map(p => p[0]))];
  const [low, high] = [Math.min(...all.map(p => p[1])), Math.max(...all.map(p => p[1]))];
  const scale = Math.min(190 / (right - left || 1), 92 / (high - low || 1));
  const X = p => 56 + (p[0] - left) * scale;
  const Y = p => 128 - (p[1] - low) * scale;
  const line = (from, to, dashed) =>
    s('line', {
      x1: X(from),
      y1: Y(from),
      x2: X(to),
      y2: Y(to),
      stroke: 'var(--accent)',
      'stroke-width': 1.8,
      'stroke-dasharray': dashed ? '5 4' : null,
    });
  const cut = name => (name.length > 16 ? `${name.slice(0, 15)}…` : name);
  return s(
    'svg',
    {
      viewBox: '0 0 310 156',
      width: '100%',
      role: 'img',
      'aria-label': t('Plane through {0}', names.slice(0, 3).join(', ')),
    },
    line(places[0], places[1]),
    line(places[2], goal, true),
    s('line', { x1: X(goal), y1: Y(goal), x2: X(places[3]), y2: Y(places[3]), stroke: 'var(--line2)' }),
    s('path', { d: `M${X(goal) - 5} ${Y(goal) - 5}l10 10m0-10l-10 10`, stroke: 'var(--accent)', 'stroke-width': 2 }),
    places.map((p, i) => {
      const isBelow = i < 2 || (i === 3 && p[1] < goal[1]);
      const anchor = X(p) < 70 ? 'start' : X(p) > 240 ? 'end' : 'middle';
      return s(
        'g',
        {},
        s('circle', { cx: X(p), cy: Y(p), r: 4.5, fill: i === 3 ? 'var(--accent)' : 'var(--ink2)' }),
        s(
          'text',
          {
            x: X(p),
            y: Y(p) + (isBelow ? 19 : -10),
            'text-anchor': anchor,
            'font-size': 12.5,
            'font-weight': 600,
            fill: 'var(--ink)',
          },
          cut(names[i]),
        ),
      );
    }),
  );
}
