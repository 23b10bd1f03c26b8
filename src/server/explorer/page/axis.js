// Words between two ends: their cosines with the difference of the ends, held against those of all words.

import { h, icon, s, fill } from './dom.js';
import { t } from './language.js';
import { count, fixed, made, note, sheet, signed, skeleton, trouble, word, wordField } from './parts.js';

const OCCUPATIONS =
  'nurse teacher secretary dancer actress singer librarian designer writer author lawyer doctor scientist engineer architect pilot soldier captain mechanic boss coach president manager professor chef artist journalist poet philosopher economist surgeon farmer athlete model'.split(
    ' ',
  );
const TRAITS =
  'beautiful strong gentle aggressive brilliant emotional rational lovely powerful loyal brave shy quiet ambitious famous wise honest elegant tough cruel'.split(
    ' ',
  );
// Rows that stand for all.
const DRAWN = 4000;
// Common words: these rows, but for the most common, which say little.
const COMMON = [100, 900];

export function axisView(main, { look, route, go, setQuery, signal }) {
  const ends = [route.args[0] || '', route.args[1] || ''];
  const set = route.query.get('set') || (route.query.get('words') ? 'own' : 'common');
  const own = route.query.get('words') || '';
  const stage = h('div', { class: 'axisbox' }, h('h1', { class: 'sr' }, t('Axis from {0} to {1}', ...ends)));
  main.append(stage);
  const sets = [
    ['common', t('Common words')],
    ['occupations', t('Occupations')],
    ['traits', t('Traits')],
    ['own', t('My words')],
  ];
  const change = value => {
    setQuery('set', value, true);
  };
  const mine = h('input', {
    class: 'in own',
    'aria-label': t('My words, with spaces between'),
    placeholder: t('My words, with spaces between'),
    value: own,
    dir: 'auto',
    on: {
      keydown(event) {
        if (event.key === 'Enter' && !event.isComposing) setQuery('words', event.target.value.trim(), true);
      },
    },
  });
  stage.append(
    h(
      'div',
      { class: 'axhead' },
      h('span', { class: 'mid' }, t('From')),
      h(
        'div',
        { class: 'end' },
        wordField(look, ends[0], t('Left end'), name => go('axis', name, ends[1])),
      ),
      h('span', { class: 'mid' }, t('to')),
      h(
        'div',
        { class: 'end' },
        wordField(look, ends[1], t('Right end'), name => go('axis', ends[0], name)),
      ),
      h(
        'button',
        {
          class: 'ib',
          'aria-label': t('Swap the ends'),
          title: t('Swap the ends'),
          on: { click: () => go('axis', ends[1], ends[0]) },
        },
        icon('swap', 16),
      ),
      h(
        'div',
        { class: 'seg', role: 'group', 'aria-label': t('Words') },
        sets.map(([value, name]) =>
          h('button', { 'aria-pressed': value === set, on: { click: () => change(value) } }, name),
        ),
      ),
      set === 'own' && mine,
    ),
  );
  const body = h('div', { class: 'stage' });
  stage.append(body);
  if (!ends[0] || !ends[1]) {
    body.replaceWith(
      h(
        'div',
        { class: 'wrap' },
        h('h2', { class: 'h3' }, t('An axis needs two ends.')),
        h(
          'p',
          { class: 'lead' },
          t('Name two words that differ in one trait. Each other word stands nearer to one end or the other.'),
        ),
        h(
          'div',
          { class: 'chips gap' },
          [
            ['she', 'he'],
            ['good', 'bad'],
            ['cheap', 'expensive'],
            ['old', 'new'],
          ].map(pair => h('button', { class: 'chip', on: { click: () => go('axis', ...pair) } }, pair.join(' – '))),
        ),
      ),
    );
    return null;
  }
  let observer = null;
  draw({ look, body, ends, set, own, go, signal }).then(made => (observer = made));
  return () => observer?.disconnect();
}

async function draw({ look, body, ends, set, own, go, signal }) {
  body.append(
    h('div', { class: 'cv' }, h('div', { class: 'wrap' }, skeleton('70%', '60%', '80%'))),
    h('aside', { class: 'panel' }, h('section', {}, skeleton('80%', '70%', '60%'))),
  );
  let placed;
  let all;
  let answer;
  try {
    const asked = await wordsOf(look, set, own, signal);
    const ask = queries =>
      look.ask(
        'project',
        { from: { words: [ends[0]] }, to: { words: [ends[1]] }, queries, words: { oov: 'OOV_POLICY_SKIP' } },
        signal,
      );
    // What the ends are is asked for without leaving out: an end that is not there is an error.
    const check = look.ask('lookup', { queries: ends.map(one => ({ word: one })), packed: true }, signal);
    const drawn = look.ask('sample-words', { count: Math.min(DRAWN, look.rowCount), seed: 3 }, signal);
    await check;
    const rows = ((await drawn).words || []).map(one => ({ row: one.row || 0 }));
    const [given, whole] = await Promise.all([
      asked.length ? ask(asked.map(one => ({ word: one }))) : { projections: [] },
      ask(rows),
    ]);
    answer = given.answer || whole.answer;
    placed = (given.projections || [])
      .map(one => ({ word: one.word || asked[one.index || 0], at: one.similarity || 0, order: one.index || 0 }))
      .filter(one => !ends.includes(one.word));
    all = (whole.projections || []).map(one => one.similarity || 0).sort((a, b) => a - b);
  } catch (error) {
    const shown = trouble(error, { look, pick: name => go('map', name), again: () => go('axis', ...ends) });
    if (shown && !signal.aborted) fill(body, h('div', { class: 'wrap' }, shown));
    return null;
  }
  if (signal.aborted) return null;
  const middle = all[all.length >> 1] || 0;
  const deviation = Math.sqrt(all.reduce((sum, x) => sum + (x - middle) ** 2, 0) / Math.max(1, all.length));
  const share = x => {
    let [low, high] = [0, all.length];
    while (low < high) {
      const mid = (low + high) >> 1;
      if (all[mid] < x) low = mid + 1;
      else high = mid;
    }
    return low / Math.max(1, all.length);
  };
  const box = h('div', { class: 'cv' });
  const picture = h('div', { class: 'fill' });
  const panel = h('aside', { class: 'panel peek', 'aria-label': t('Ends'), tabindex: '0' });
  box.append(picture);
  fill(body, box, panel);
  const known = { look, ends, placed, all, middle, deviation, share, go };
  const paint = () => plot(picture, known);
  const observer = new ResizeObserver(paint);
  observer.observe(box);
  fillPanel(panel, known, answer);
  return observer;
}

async function wordsOf(look, set, own, signal) {
  if (set === 'occupations') return OCCUPATIONS;
  if (set === 'traits') return TRAITS;
  if (set === 'own')
    return own
      .split(/[\s,]+/)
      .filter(Boolean)
      .slice(0, 1000);
  const [start, end] = look.rowCount > 2 * COMMON[1] ? COMMON : [0, Math.min(look.rowCount, COMMON[1])];
  if (end <= start) return [];
  const page = await look.ask('list-words', { page_size: end - start, offset: start }, signal);
  return (page.words || [])
    .map(one => one.word)
    .filter(one => look.rowCount < 2000 || /^\p{L}{4,}$|^(?=\p{L}+$)[^\x00-\x7f]+$/u.test(one));
}

function plot(box, { look, ends, placed, all, middle, deviation, share, go }) {
  const r = box.getBoundingClientRect();
  const [width, height] = [r.width, r.height];
  if (width < 10 || height < 10) return;
  const isMany = placed.length > 60;
  const most = Math.max(...placed.map(one => Math.abs(one.at)), 0.25) * 1.12;
  const X = x => width / 2 + (x / most) * (width / 2 - 56);
  const base = height - 96;
  const svg = s('svg', {
    width,
    height,
    role: 'img',
    'aria-label': t('{0} words between {1} and {2}', placed.length, ends[0], ends[1]),
  });
  const step = most > 0.6 || width < 500 ? 0.2 : 0.1;
  for (let i = -Math.floor(most / step); i * step <= most; i++) {
    const x = i * step;
    svg.append(
      s('line', { x1: X(x), x2: X(x), y1: 44, y2: base + 4, stroke: i ? 'var(--line)' : 'var(--line2)' }),
      s(
        'text',
        { x: X(x), y: base + 20, 'text-anchor': 'middle', 'font-size': 11, fill: 'var(--ink3)' },
        i ? signed(x, 1) : '0',
      ),
    );
  }
  const cut = (name, most) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);
  const longest = Math.max(6, Math.floor(width / 26));
  svg.append(
    s('text', { x: 20, y: 30, 'font-size': 18, 'font-weight': 650, fill: 'var(--neg)' }, `← ${cut(ends[0], longest)}`),
    s(
      'text',
      { x: width - 20, y: 30, 'text-anchor': 'end', 'font-size': 18, 'font-weight': 650, fill: 'var(--pos)' },
      `${cut(ends[1], longest)} →`,
    ),
    s('line', {
      x1: X(middle),
      x2: X(middle),
      y1: 44,
      y2: height - 12,
      stroke: 'var(--ink2)',
      'stroke-dasharray': '3 4',
    }),
    s('text', { x: X(middle) + 6, y: 52, 'font-size': 11, fill: 'var(--ink2)' }, t('middle of all words')),
  );
  // All words as a strip below: the scale on which a figure is large or small.
  const bins = new Array(90).fill(0);
  for (const x of all) {
    const bin = Math.floor(((x / most + 1) / 2) * bins.length);
    if (bin >= 0 && bin < bins.length) bins[bin]++;
  }
  const tallest = Math.max(...bins, 1);
  bins.forEach((n, i) => {
    const [x0, x1] = [X(((i / bins.length) * 2 - 1) * most), X((((i + 1) / bins.length) * 2 - 1) * most)];
    svg.append(
      s('rect', {
        x: x0 + 0.5,
        y: height - 14 - (n / tallest) * 36,
        width: Math.max(1, x1 - x0 - 1),
        height: (n / tallest) * 36,
        fill: 'var(--line2)',
        opacity: 0.55,
      }),
    );
  });
  const whole =
    all.length < look.rowCount ? t('{0} of all words', count(all.length)) : t('all {0} words', count(all.length));
  svg.append(
    s('text', { x: 20, y: height - 38, 'font-size': 11, fill: 'var(--ink3)' }, width > 600 ? whole : t('all words')),
  );
  // The furthest out have their names first; each as near to its height as there is room.
  const order = placed.slice().sort((a, b) => a.order - b.order);
  const place = new Map(order.map((one, i) => [one, i]));
  const [top, bottom] = [64, base - 18];
  const taken = [];
  const dots = [];
  const size = isMany ? 12 : 13.5;
  for (const one of placed.slice().sort((a, b) => Math.abs(b.at - middle) - Math.abs(a.at - middle))) {
    const x = X(one.at);
    const name = cut(one.word, 22);
    const wide = [...name].reduce((sum, c) => sum + (c > '\u2e80' ? size : size * 0.56), 14);
    const y = top + (place.get(one) / (order.length - 1 || 1)) * (bottom - top);
    const color =
      Math.abs(one.at - middle) < deviation * 0.5 ? 'var(--ink3)' : one.at < middle ? 'var(--neg)' : 'var(--pos)';
    let found = null;
    const isLeft = one.at < middle && x - wide > 10;
    const from = isLeft ? x - wide : x - 5;
    for (let i = 0; i < (isMany ? 16 : 300) && found == null; i++) {
      const at = y + (i % 2 ? -1 : 1) * Math.ceil(i / 2) * 5;
      const area = [from, at - 9, from + wide + 5, at + 9];
      if (at < top || at > bottom || area[0] < 8 || area[2] > width - 8) continue;
      if (taken.some(b => area[0] < b[2] && area[2] > b[0] && area[1] < b[3] && area[3] > b[1])) continue;
      taken.push(area);
      found = at;
    }
    const title = t(
      '{0} {1}: further towards {2} than {3} % of all words',
      one.word,
      signed(one.at),
      ends[1],
      Math.round(share(one.at) * 100),
    );
    if (found == null) {
      dots.push(s('circle', { cx: x, cy: y, r: 2, fill: color, opacity: 0.5 }, s('title', {}, title)));
      continue;
    }
    const text = s(
      'text',
      {
        x: isLeft ? x - 9 : x + 9,
        y: found + 4.5,
        'text-anchor': isLeft ? 'end' : 'start',
        'font-size': size,
        'font-weight': 500,
        fill: 'var(--ink)',
        class: 'pickable',
      },
      name,
      s('title', {}, title),
    );
    text.addEventListener('click', () => go('map', one.word));
    svg.append(s('circle', { cx: x, cy: found, r: 4, fill: color }), text);
  }
  dots.forEach(dot => svg.append(dot));
  fill(box, svg);
}

function fillPanel(panel, { ends, placed, all, middle, share, go }, answer) {
  const sorted = placed.slice().sort((a, b) => a.at - b.at);
  const row = one =>
    h(
      'li',
      {},
      h(
        'button',
        { class: 'row axisrow', on: { click: () => go('map', one.word) } },
        h('span', { class: 't', dir: 'auto' }, one.word),
        h(
          'span',
          { class: 'meter', 'aria-hidden': 'true' },
          h('b', {
            style: {
              left: one.at < 0 ? `${50 + one.at * 100}%` : '50%',
              width: `${Math.min(50, Math.abs(one.at) * 100)}%`,
              right: 'auto',
              background: one.at < 0 ? 'var(--neg)' : 'var(--pos)',
            },
          }),
          h('u', { style: { left: '50%' } }),
        ),
        h('span', { class: 'c num' }, signed(one.at)),
      ),
    );
  const least = sorted[0];
  fill(
    panel,
    sheet(panel),
    sorted.length > 0 && [
      h(
        'section',
        {},
        h(
          'div',
          { class: 'sechead' },
          h('h2', {}, t('Furthest towards {0}', word(ends[0]))),
          made(answer && { ...answer, answered_by: 'ANSWERED_BY_EXACT' }, null),
        ),
        h('ol', {}, sorted.slice(0, 6).map(row)),
      ),
      h(
        'section',
        {},
        h('h2', { class: 'under' }, t('Furthest towards {0}', word(ends[1]))),
        h('ol', {}, sorted.slice(-6).reverse().map(row)),
      ),
    ],
    h(
      'section',
      {},
      note(
        'plain',
        t(
          'Half of all words stand right of {0}: zero is not the middle of this table. Colors start there.',
          signed(middle),
        ),
        least && [
          ' ',
          h('b', { class: 'num' }, word(least.word), ` ${signed(least.at)}`),
          ' ',
          t('is further left than all but {0} % of words.', fixed(100 * share(least.at), 1)),
        ],
      ),
      note(
        '',
        h('b', {}, t('An axis of two words carries all that sets them apart,')),
        ' ',
        t('and that is more than one trait. Try other pairs for the same trait before you read a place as bias.'),
      ),
      all.length > 0 &&
        h('p', { class: 'foot' }, t('The middle is that of {0} words drawn at random.', count(all.length))),
    ),
  );
}
