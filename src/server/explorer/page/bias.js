// Word embedding association tests: the published ones, and sets of one's own.

import { service } from './api.js';
import { h, s, fill } from './dom.js';
import { t } from './language.js';
import { copyButton, count, fixed, made, note, probability, signed, skeleton, trouble } from './parts.js';

const OPTIONS = { oov: 'OOV_POLICY_SKIP', preprocessors: [{}, { lowercase: true }] };
// Splits that are gone through one by one here; of more so many are drawn.
const SPLITS_MAX = 200000;
const SPLITS_DRAWN = 20000;
const BINS = 48;
const LETTERS = ['X', 'Y', 'A', 'B'];

export function biasView(main, { look, route, go, setQuery, signal }) {
  const chosen = route.args[0] || '';
  const tongue = route.query.get('lang') || 'en';
  const side = h('nav', { class: 'side', 'aria-label': t('Tests'), tabindex: '0' }, skeleton('80%', '70%', '76%'));
  const page = h('div', { class: 'page', tabindex: '0' });
  const wrap = h('div', { class: 'wrap' });
  page.append(wrap);
  main.append(h('div', { class: 'split' }, side, page));
  begin({ look, side, wrap, chosen, tongue, route, go, setQuery, signal }).catch(error => {
    const shown = trouble(error, { look, again: () => go('bias', ...route.args) });
    if (shown && !signal.aborted) fill(wrap, h('h1', {}, t('Bias')), h('div', { class: 'gap' }, shown));
  });
  return null;
}

async function begin({ look, side, wrap, chosen, tongue, route, go, setQuery, signal }) {
  wrap.append(skeleton('40%', '70%', '60%'));
  const suites = ((await service('BiasService/ListSuites', {}, signal)).suites || []).filter(
    one => (one.language || 'en') === tongue,
  );
  const name = chosen || suites[0]?.name || 'own';
  const items = new Map();
  const item = (of, title, about) => {
    const line = h('span', { class: 'num' }, about);
    const button = h(
      'button',
      { class: 'it', 'aria-current': of === name ? 'true' : null, on: { click: () => go('bias', of) } },
      h('b', {}, title),
      line,
    );
    items.set(of, { button, line });
    return button;
  };
  const answered = h('div', {});
  const refused = h('div', {});
  for (const one of suites) answered.append(item(one.name, one.name, '…'));
  fill(
    side,
    h(
      'div',
      { class: 'seg', role: 'group', 'aria-label': t('Language of the tests') },
      [
        ['en', 'English'],
        ['zh', '中文'],
      ].map(([value, title]) =>
        h(
          'button',
          {
            'aria-pressed': value === tongue,
            lang: value,
            on: { click: () => go('bias', '', value === 'en' ? null : { lang: value }) },
          },
          title,
        ),
      ),
    ),
    h('h2', {}, t('Published tests')),
    answered,
    refused,
    h('h2', {}, t('Your own')),
    item('own', t('Your own words'), t('four sets')),
  );
  const showChosen = () =>
    side.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  showChosen();
  // Refused ones go to the end of the list.
  summary({ look, tongue, suites, items, refused, signal }).then(showChosen);
  if (name === 'own') {
    ownTest({ look, wrap, route, setQuery, go, signal });
    return;
  }
  const suite = suites.find(one => one.name === name);
  if (!suite) {
    fill(
      wrap,
      h('h1', { dir: 'auto' }, name),
      h('div', { class: 'gap' }, note('', t('There is no test of that name.'))),
    );
    return;
  }
  const loss = Number(route.query.get('loss') || 0.2);
  await run({ look, wrap, suite, request: { suite: name }, loss, setQuery, go, signal });
}

// One line for each test.
async function summary({ look, tongue, suites, items, refused, signal }) {
  try {
    const told = await look.ask('weat-suite', { language: tongue }, signal);
    const missing = [];
    for (const test of told.tests || []) {
      const known = items.get(test.name);
      if (!known) continue;
      if (test.weat)
        known.line.textContent = `d ${fixed(test.weat.effect_size, 2)} · p ${probability(test.weat.p_value || 0)}`;
      else {
        known.line.textContent = t('words missing');
        missing.push(known.button);
      }
    }
    if (missing.length && missing.length < suites.length) refused.append(h('h2', {}, t('Refused: words missing')));
    refused.append(...missing);
  } catch (error) {
    if (error.name !== 'AbortError')
      for (const { line } of items.values()) line.textContent = line.textContent === '…' ? '' : line.textContent;
  }
}

async function run({ look, wrap, suite, request, loss, setQuery, go, signal }) {
  const sets = suite.sets;
  const title = [
    h('h1', { dir: 'auto' }, suite.name),
    h(
      'p',
      { class: 'lead', dir: 'auto' },
      t('Are {0} nearer to {2}, and {1} nearer to {3}?', ...sets.map(set => h('b', {}, set.name || '?'))),
      suite.source ? ` ${suite.source}.` : '',
    ),
  ];
  fill(wrap, ...title, h('div', { class: 'gap' }, skeleton('30%', '90%', '86%', '80%')));
  let told;
  try {
    told = await look.ask('weat', { ...request, words: OPTIONS, lost_threshold: loss }, signal);
  } catch (error) {
    if (signal.aborted) return;
    if (error.reason !== 'UNSUITED_TABLE') {
      const shown = trouble(error, { look });
      if (shown) fill(wrap, ...title, h('div', { class: 'gap' }, shown));
      return;
    }
    await refusal({ look, wrap, title, sets, error, setQuery, signal });
    return;
  }
  if (signal.aborted) return;
  show({ look, wrap, title, suite, told, go });
}

// A test that lost too many of its words: which, and the way on. No figure is shown.
async function refusal({ look, wrap, title, sets, error, setQuery, signal }) {
  const cards = h('div', { class: 'cards' }, skeleton('60%'));
  fill(
    wrap,
    ...title,
    h(
      'div',
      { class: 'gap' },
      note(
        '',
        h('b', {}, t('This test was not run.')),
        ' ',
        t(
          'Too many of its words are not in {0}, and a figure from the rest would pass for the published one.',
          look.name,
        ),
      ),
    ),
    cards,
    h(
      'div',
      { class: 'acts' },
      h('button', { class: 'btn pri', on: { click: () => setQuery('loss', '1', true) } }, t('Run it without them')),
    ),
    h('p', { class: 'foot' }, t('Allowed by default: 20 % of a set. A larger table has more of these words.')),
  );
  try {
    const found = await Promise.all(
      sets.map(set =>
        look.ask('lookup', { queries: set.words.map(word => ({ word })), words: OPTIONS, packed: true }, signal),
      ),
    );
    fill(
      cards,
      ...sets.map((set, place) => {
        const lost = found[place].answer?.unknown_words || [];
        if (!lost.length) return '';
        return h(
          'div',
          { class: 'card' },
          h(
            'div',
            { class: 'sechead' },
            h('h2', { class: 'h3', dir: 'auto' }, set.name || LETTERS[place]),
            h('span', { class: 'state bad num' }, t('{0} of {1} missing', lost.length, set.words.length)),
          ),
          h(
            'div',
            { class: 'chips' },
            lost.map(word => h('span', { class: 'chip lost', dir: 'auto' }, word)),
          ),
        );
      }),
    );
  } catch {
    fill(cards, h('p', { class: 'mid' }, error.message));
  }
}

function show({ look, wrap, title, suite, told, go }) {
  const [x, y, a, b] = told.sets;
  const names = [x, y, a, b].map((set, place) => set.name || suite.sets?.[place]?.name || LETTERS[place]);
  const association = word => word.association || 0;
  const all = [...(x.words || []), ...(y.words || [])].map(association);
  const lost = told.sets.flatMap(set => set.lost || []);
  const d = told.effect_size || 0;
  const p = told.p_value || 0;
  const most = Math.max(...all.map(Math.abs), 1e-9) * 1.08;
  const size = Math.abs(d) >= 0.8 ? t('large') : Math.abs(d) >= 0.5 ? t('medium') : t('small');
  const range = told.effect_size_interval
    ? `. ${t('95 % of resampled words: {0} to {1}', fixed(told.effect_size_interval.low, 2), fixed(told.effect_size_interval.high, 2))}`
    : '';
  const partitions = Number(told.partition_count || 0);
  const isCounted = partitions && partitions < 2 ** 53;
  const farther = isCounted
    ? t('{0} of {1} splits are as far apart.', count(Math.round(p * partitions)), count(partitions))
    : t('of more splits than can be told');
  const how =
    {
      P_VALUE_METHOD_DRAWN: t('Drawn, error {0}.', fixed(told.p_value_standard_error, 4)),
      P_VALUE_METHOD_BOUNDED: t('Counted, off by {0} at most.', fixed(told.p_value_error, 4)),
    }[told.p_value_method] || '';
  const splits = splitsOf(all, (x.words || []).length);
  const mean = set =>
    (set.words || []).reduce((sum, word) => sum + association(word), 0) / Math.max(1, (set.words || []).length);
  const bars = (set, place) =>
    h(
      'div',
      { class: place ? 'gap' : '' },
      h(
        'div',
        { class: 'wbhead' },
        h('b', { dir: 'auto' }, names[place]),
        h('span', { class: 'mid num small' }, t('mean {0}', signed(mean(set)))),
      ),
      (set.words || [])
        .slice()
        .sort((p1, p2) => association(p2) - association(p1))
        .map(word =>
          h(
            'div',
            { class: 'wb' },
            h(
              'button',
              { class: 'link t', dir: 'auto', title: word.word, on: { click: () => go('map', word.word) } },
              word.word,
            ),
            h(
              'span',
              { class: 'ax', 'aria-hidden': 'true' },
              h('b', {
                style: {
                  [association(word) < 0 ? 'right' : 'left']: '50%',
                  width: `${(Math.abs(association(word)) / most) * 50}%`,
                  background: association(word) < 0 ? 'var(--neg)' : 'var(--pos)',
                },
              }),
            ),
            h('span', { class: 'c num' }, signed(association(word))),
          ),
        ),
    );
  const asText = () =>
    [
      `${suite.name} · ${look.name} · ${t('Generation {0}.', told.answer?.generation || '')}`,
      `d ${fixed(d, 3)}${range}`,
      `p ${probability(p)} (${t('one-sided')}) · ${farther} ${how}`,
      ...(told.warnings || []),
      ...told.sets.map(
        (set, place) =>
          `${names[place]}: ${(set.words || []).map(word => (word.association == null ? word.word : `${word.word} ${signed(word.association)}`)).join(', ')}`,
      ),
    ].join('\n');
  fill(
    wrap,
    ...title,
    h(
      'div',
      { class: 'gap' },
      lost.length > 0 &&
        note(
          '',
          h('b', {}, t('{0} words were left out:', lost.length)),
          ' ',
          lost.join(', '),
          '. ',
          t('This is no longer the published test.'),
        ),
      (told.warnings || [])
        .filter(text => !/ lost /.test(text))
        .map(text => note('', `${text[0].toUpperCase()}${text.slice(1)}.`)),
      p >= 0.05 &&
        note(
          '',
          h('b', {}, t('Not told apart from chance.')),
          ' ',
          t('About {0} in 100 splits of the same words are as far apart. Do not report d alone.', Math.round(p * 100)),
        ),
    ),
    h(
      'div',
      { class: 'figs' },
      h(
        'div',
        { class: 'fig' },
        h('p', { class: 'k' }, t('Effect size d')),
        h('p', { class: 'v num' }, fixed(d, 2)),
        h('p', { class: 's num' }, size + range),
      ),
      h(
        'div',
        { class: 'fig' },
        h('p', { class: 'k' }, t('p, one-sided')),
        h('p', { class: 'v num' }, probability(p)),
        h(
          'p',
          { class: 's num' },
          farther,
          ' ',
          t('Two-sided {0}.', probability(told.p_value_two_sided || 0)),
          how && ` ${how}`,
        ),
      ),
      h(
        'div',
        { class: 'fig' },
        h(
          'p',
          { class: 'k' },
          splits.drawn
            ? t('{0} ways to split these {1} words in two, drawn', count(splits.drawn), all.length)
            : t('Every way to split these {0} words in two', all.length),
        ),
        histogram(splits.bins, d, told.effect_size_interval),
      ),
    ),
    h(
      'div',
      { class: 'card' },
      h(
        'div',
        { class: 'sechead' },
        h('h2', {}, t('Association of each word')),
        made({ ...told.answer, answered_by: 'ANSWERED_BY_EXACT' }, null),
      ),
      h(
        'div',
        { class: 'wb ends' },
        h('span', {}),
        h(
          'div',
          { class: 'poles' },
          h('span', { class: 'neg', dir: 'auto' }, `← ${names[3]}`),
          h('span', { class: 'pos', dir: 'auto' }, `${names[2]} →`),
        ),
        h('span', {}),
      ),
      bars(x, 0),
      bars(y, 1),
    ),
    h(
      'div',
      { class: 'gap' },
      note(
        'plain',
        h('b', {}, t('What this says, and what not.')),
        ' ',
        t(
          'It says how these {0} words stand to {1} others in {2}. It measures texts that the vectors came from, not people. Other words for the same idea can give another d: run at least two tests before you conclude, and name the words with the figure.',
          all.length,
          (a.words || []).length + (b.words || []).length,
          look.name,
        ),
      ),
    ),
    h('div', { class: 'acts' }, copyButton(asText, t('Copy as text'))),
  );
}

// Effect sizes of the splits of these associations into one part of `size` and another one.
function splitsOf(all, size) {
  const bins = new Array(BINS).fill(0);
  const total = all.reduce((a, b) => a + b, 0);
  const mean = total / all.length;
  const deviation = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length) || 1;
  const put = sum => {
    const d = (sum / size - (total - sum) / (all.length - size)) / deviation;
    bins[Math.max(0, Math.min(BINS - 1, Math.floor(((d + 2) / 4) * BINS)))]++;
  };
  let ways = 1;
  for (let i = 0; i < size; i++) ways = (ways * (all.length - i)) / (i + 1);
  if (!size || size >= all.length) return { bins, drawn: 0 };
  if (ways <= SPLITS_MAX) {
    const walk = (place, left, sum) => {
      if (!left) {
        put(sum);
        return;
      }
      if (all.length - place < left) return;
      walk(place + 1, left - 1, sum + all[place]);
      walk(place + 1, left, sum);
    };
    walk(0, size, 0);
    return { bins, drawn: 0 };
  }
  let seed = 7;
  const below = end => {
    seed = (seed * 16807) % 2147483647;
    return seed % end;
  };
  const shuffled = all.slice();
  for (let n = 0; n < SPLITS_DRAWN; n++) {
    let sum = 0;
    for (let i = 0; i < size; i++) {
      const j = i + below(shuffled.length - i);
      [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
      sum += shuffled[i];
    }
    put(sum);
  }
  return { bins, drawn: SPLITS_DRAWN };
}

function histogram(bins, d, interval) {
  const [width, height] = [340, 64];
  const most = Math.max(...bins, 1);
  const X = value => Math.max(0, Math.min(width, ((value + 2) / 4) * width));
  return s(
    'svg',
    {
      viewBox: `0 0 ${width} ${height + 18}`,
      width: '100%',
      class: 'histogram',
      role: 'img',
      'aria-label': t('Effect sizes of the splits, with the observed one marked'),
    },
    bins.map((n, i) =>
      s('rect', {
        x: (i * width) / BINS + 0.5,
        y: height - (n / most) * (height - 8),
        width: width / BINS - 1,
        height: (n / most) * (height - 8),
        fill: 'var(--line2)',
        opacity: 0.6,
      }),
    ),
    s('line', { x1: 0, x2: width, y1: height, y2: height, stroke: 'var(--line2)' }),
    s('line', { x1: X(d), x2: X(d), y1: 6, y2: height, stroke: 'var(--accent)', 'stroke-width': 2 }),
    interval &&
      s('line', {
        x1: X(interval.low),
        x2: X(interval.high),
        y1: 6,
        y2: 6,
        stroke: 'var(--accent)',
        'stroke-width': 3,
        opacity: 0.4,
      }),
    s('circle', { cx: X(d), cy: 6, r: 4, fill: 'var(--accent)' }),
    [-2, -1, 0, 1, 2].map(x =>
      s(
        'text',
        {
          x: Math.max(6, Math.min(width - 6, X(x))),
          y: height + 14,
          'text-anchor': 'middle',
          'font-size': 11,
          fill: 'var(--ink3)',
        },
        fixed(x, 0),
      ),
    ),
  );
}

const SAMPLE = {
  x: 'france italy spain germany japan',
  y: 'paris rome madrid berlin tokyo',
  a: 'love peace wonderful pleasure friend',
  b: 'war hatred terrible agony enemy',
};

function ownTest({ look, wrap, route, setQuery, go, signal }) {
  const keys = ['x', 'y', 'a', 'b'];
  const titles = [t('Targets X'), t('Targets Y'), t('Attributes A'), t('Attributes B')];
  const given = keys.map(key => route.query.get(key) || '');
  const areas = keys.map((key, place) =>
    h(
      'textarea',
      { class: 'in set', rows: 3, dir: 'auto', 'aria-label': titles[place], placeholder: SAMPLE[key] },
      given[place],
    ),
  );
  const out = h('div', {});
  const words = place => areas[place].value.split(/[\s,]+/).filter(Boolean);
  const runOwn = () => {
    const empty = keys.findIndex((_, place) => !words(place).length);
    if (empty >= 0) {
      areas[empty].focus();
      return;
    }
    setQuery(Object.fromEntries(keys.map((key, place) => [key, words(place).join(' ')])), null, true);
  };
  const form = h(
    'div',
    { class: 'grid2 gap' },
    areas.map((area, place) => h('label', { class: 'set' }, h('span', { class: 'h3' }, titles[place]), area)),
  );
  fill(
    wrap,
    h('h1', {}, t('Your own words')),
    h(
      'p',
      { class: 'lead' },
      t(
        'Are the words of X nearer to A, and those of Y nearer to B? Words with spaces between; X and Y of one size say most.',
      ),
    ),
    form,
    h(
      'div',
      { class: 'acts' },
      h('button', { class: 'btn pri', on: { click: runOwn } }, t('Run the test')),
      h(
        'button',
        { class: 'btn', on: { click: () => keys.forEach((key, place) => (areas[place].value = SAMPLE[key])) } },
        t('Fill in an example'),
      ),
    ),
    out,
  );
  if (given.some(text => !text)) return;
  const sets = keys.map((key, place) => ({ name: ['X', 'Y', 'A', 'B'][place], words: given[place].split(' ') }));
  const request = Object.fromEntries(keys.map((key, place) => [key, sets[place]]));
  run({
    look,
    wrap: out,
    suite: { name: t('Result'), sets },
    request,
    loss: Number(route.query.get('loss') || 0.2),
    setQuery,
    go,
    signal,
  });
}
