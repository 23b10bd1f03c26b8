// One word in two tables: two maps with one selection, both lists of neighbors, and how much they share.

import { service } from './api.js';
import { h, fill } from './dom.js';
import { t } from './language.js';
import { chip, count, fixed, light, made, neighborList, skeleton, trouble } from './parts.js';
import { Picture } from './picture.js';

export function compareView(main, { look, tables, lookAt, route, go, setQuery, signal }) {
  const chosen = route.args[0] || '';
  const others = tables.filter(table => table.name !== look.name && !table.problem);
  if (!others.length) {
    main.append(
      h(
        'div',
        { class: 'page' },
        h(
          'div',
          { class: 'wrap' },
          h('h1', {}, t('Compare')),
          h(
            'p',
            { class: 'lead' },
            t('Two tables are compared, and there is one. Import another, or make a copy and change it.'),
          ),
          h('p', { class: 'mono dim gap' }, 'wordspace import FILE --table other'),
        ),
      ),
    );
    return null;
  }
  const wanted = route.query.get('with');
  // The largest, unless one is named.
  const largest = others.reduce((a, b) => (Number(b.row_count || 0) > Number(a.row_count || 0) ? b : a));
  const other = lookAt(others.find(table => table.name === wanted) || largest);
  const boxes = [look, other].map(() => h('div', { class: 'cv' }));
  const under = h('div', { class: 'under' });
  main.append(
    h('div', { class: 'cmp' }, h('h1', { class: 'sr' }, t('Compare')), h('div', { class: 'two' }, boxes), under),
  );
  const pictures = [look, other].map((of, place) => {
    const picture = new Picture(boxes[place], of, {
      label: t('Map of {0}. Arrow keys pan, plus and minus zoom, 0 shows all. The search finds a word.', of.name),
      onPick: async row => {
        if (row < 0) return;
        await of.nameRows([row]);
        if (of.words[row] !== undefined) go('compare', of.words[row]);
      },
      onHover: row => {
        // The same word on the other map.
        const there = pictures[1 - place];
        const found = row >= 0 ? there?.look.rows.get(of.words[row]) : undefined;
        if (there && there.hover !== (found ?? -1)) {
          there.hover = found ?? -1;
          there.request();
        }
      },
    });
    return picture;
  });
  const select = h(
    'select',
    { 'aria-label': t('Other table'), on: { change: event => setQuery('with', event.target.value, true) } },
    others.map(table => h('option', { value: table.name, selected: table.name === other.name }, table.name)),
  );
  boxes[0].append(
    h(
      'div',
      { class: 'cap bar' },
      h('b', { dir: 'auto' }, look.name),
      h('span', { class: 'dim num' }, `${count(look.rowCount)} × ${look.table.dim}`),
    ),
  );
  boxes[1].append(
    h(
      'div',
      { class: 'cap bar' },
      select,
      h('span', { class: 'dim num' }, `${count(other.rowCount)} × ${other.table.dim}`),
    ),
  );
  const mappings = [look, other].map((of, place) =>
    of.map().then(
      map => {
        if (signal.aborted) return null;
        pictures[place].setMap(map);
        pictures[place].isReady = true;
        return map;
      },
      () => null,
    ),
  );
  const tries = h(
    'div',
    { class: 'chips' },
    ['apple', 'bank', 'cell', 'java', 'mouse', 'china', 'turkey', 'plant']
      .filter(one => one !== chosen)
      .map(one => chip(one, () => go('compare', one))),
  );
  if (!chosen) {
    under.append(
      h('div', { class: 'wide' }, h('h2', { class: 'under1' }, t('Search for a word, or click one on a map.')), tries),
    );
  } else {
    answer({ look, other, under, pictures, mappings, chosen, tries, go, signal });
  }
  return () => pictures.forEach(picture => picture.end());
}

async function answer({ look, other, under, pictures, mappings, chosen, tries, go, signal }) {
  const head = h('h1', { class: 'word', dir: 'auto' }, chosen);
  fill(
    under,
    h('div', {}, head, skeleton('80%')),
    h('div', {}, skeleton('90%', '80%')),
    h('div', {}, skeleton('90%', '80%')),
    h('div', {}),
  );
  let told;
  try {
    told = await service('SearchService/Compare', { table: look.name, other: other.name, words: [chosen] }, signal);
  } catch (error) {
    const shown = trouble(error, { look, pick: name => go('compare', name), again: () => go('compare', chosen) });
    if (shown && !signal.aborted)
      fill(
        under,
        h('div', { class: 'wide' }, head, h('div', { class: 'gap' }, shown), h('div', { class: 'gap' }, tries)),
      );
    return;
  }
  if (signal.aborted) return;
  const one = told.words[0];
  const sides = [one.neighbors || [], one.other_neighbors || []];
  [look, other].forEach((of, place) => of.learn(sides[place].map(near => ({ row: near.row || 0, word: near.word }))));
  const shared = new Set(one.shared || []);
  const kind = near => (shared.has(near.word) ? 'same' : '');
  const pick = name => go('compare', name);
  const list = (place, info) => neighborList(sides[place], { bar: false, kind, pick, answer: info });
  fill(
    under,
    h(
      'div',
      {},
      head,
      h(
        'p',
        {},
        h('i', { class: 'green' }),
        h('b', { class: 'num' }, t('{0} of {1}', shared.size, sides[0].length)),
        ' ',
        t('neighbors are in both lists'),
      ),
      h(
        'p',
        { class: 'foot' },
        t('Overlap {0}.', fixed(one.overlap, 2)),
        ' ',
        one.aligned_similarity != null
          ? t(
              'Turned onto each other by {0} words, the two vectors have the cosine {1}.',
              count(told.anchor_count),
              fixed(one.aligned_similarity),
            )
          : told.not_aligned
            ? t('Not turned onto each other: {0}.', told.not_aligned)
            : '',
      ),
    ),
    h(
      'div',
      {},
      h('div', { class: 'sechead' }, h('h2', { dir: 'auto' }, t('in {0}', look.name)), made(told.answer, look)),
      list(0),
    ),
    h(
      'div',
      {},
      h('div', { class: 'sechead' }, h('h2', { dir: 'auto' }, t('in {0}', other.name)), made(told.other_answer, other)),
      list(1),
    ),
    h(
      'div',
      {},
      h('h2', { class: 'under1' }, t('Try')),
      tries,
      h(
        'p',
        { class: 'foot' },
        t('A green dot marks words that both lists have. Hover over a word: it lights up on both maps.'),
      ),
    ),
  );
  light(-1);
  await Promise.all(mappings);
  if (signal.aborted) return;
  const found = await Promise.all(
    [look, other].map(of => of.ask('lookup', { queries: [{ word: chosen }], packed: true }, signal).catch(() => null)),
  );
  pictures.forEach((picture, place) => {
    const row = found[place]?.vectors?.[0]?.row || 0;
    if (!found[place] || signal.aborted) return;
    picture.look.learn([{ row, word: chosen }]);
    picture.selected = row;
    picture.links = sides[place].map(near => ({ row: near.row || 0 }));
    picture.frame([row, ...picture.links.map(link => link.row)], 70);
    picture.draw();
  });
}
