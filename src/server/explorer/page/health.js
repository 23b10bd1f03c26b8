// What is odd about a table.

import { h, fill } from './dom.js';
import { t } from './language.js';
import { count, fact, fixed, skeleton, trouble } from './parts.js';

export function healthView(main, { look, go, signal }) {
  const page = h('div', { class: 'page', tabindex: '0' });
  const wrap = h('div', { class: 'wrap' });
  page.append(wrap);
  main.append(page);
  const head = h('h1', {}, t('Health of {0}', look.name));
  wrap.append(
    head,
    h('p', { class: 'lead' }, t('Every row is looked at; on a large table this takes seconds.')),
    h('div', { class: 'gap' }, skeleton('90%', '80%', '84%', '70%')),
  );
  look.ask('health', { seed: 1 }, signal).then(
    told => {
      if (!signal.aborted) show({ wrap, head, told, go });
    },
    error => {
      const shown = trouble(error, { look, again: () => go('health') });
      if (shown && !signal.aborted) fill(wrap, head, h('div', { class: 'gap' }, shown));
    },
  );
  return null;
}

function show({ wrap, head, told, go }) {
  const { isotropy = {}, hubs = {} } = told;
  const zeros = Number(told.zero_count || 0);
  const doubles = Number(told.duplicate_count || 0);
  const shares = isotropy.component_shares || [];
  const link = word => h('button', { class: 'link', dir: 'auto', on: { click: () => go('map', word) } }, word);
  const says = [];
  if (zeros) says.push(t('{0} rows are all zeros: they are near to nothing.', count(zeros)));
  if (doubles) says.push(t('{0} rows equal one before them.', count(doubles)));
  if ((isotropy.mean_similarity || 0) > 0.4)
    says.push(
      t('Random pairs are alike by {0}: most of a cosine is what all words share.', fixed(isotropy.mean_similarity, 2)),
    );
  if (!says.length) says.push(t('Nothing is broken.'));
  const table = (titles, rows) =>
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          titles.map((title, i) => h('th', { scope: 'col', class: i ? 'num' : '' }, title)),
        ),
      ),
      h('tbody', {}, rows),
    );
  fill(
    wrap,
    head,
    h('p', { class: 'lead' }, says.join(' ')),
    h(
      'div',
      { class: 'grid2 gap' },
      h(
        'div',
        { class: 'card' },
        h(
          'div',
          { class: 'sechead' },
          h('h2', {}, t('Rows')),
          h(
            'span',
            { class: `state ${zeros || doubles ? 'warn' : 'ok'}` },
            zeros || doubles ? t('look closer') : t('as expected'),
          ),
        ),
        h(
          'dl',
          { class: 'facts' },
          fact(t('Rows'), count(told.row_count || 0)),
          fact(t('Zeros'), count(zeros)),
          fact(
            t('Duplicates'),
            count(doubles),
            doubles ? t('in {0} groups', count(told.duplicate_group_count || 0)) : null,
          ),
        ),
        zeros > 0 &&
          h(
            'p',
            { class: 'foot' },
            t('Zeros:'),
            ' ',
            (told.zero_examples || []).slice(0, 8).map((one, i) => [i ? ', ' : '', link(one.word)]),
          ),
        (told.duplicates || []).slice(0, 3).map(group =>
          h(
            'p',
            { class: 'foot' },
            t('Equal:'),
            ' ',
            (group.examples || []).slice(0, 5).map((one, i) => [i ? ', ' : '', link(one.word)]),
          ),
        ),
      ),
      h(
        'div',
        { class: 'card' },
        h('div', { class: 'sechead' }, h('h2', {}, t('Directions'))),
        h(
          'dl',
          { class: 'facts' },
          fact(
            t('Random pair'),
            fixed(isotropy.mean_similarity, 3),
            t('± {0} cosine', fixed(isotropy.mean_similarity_error, 3)),
          ),
          fact(t('First direction'), `${fixed(100 * (shares[0] || 0), 1)} %`, t('of the spread')),
          fact(
            t('Nobody’s neighbor'),
            `${Math.round(100 * (hubs.never_share || 0))} %`,
            t('of words, k {0}', hubs.k || 10),
          ),
        ),
        h(
          'div',
          {
            class: 'shares',
            role: 'img',
            'aria-label': t(
              'Shares of the first directions: {0} %',
              shares.map(share => fixed(share * 100, 1)).join(', '),
            ),
          },
          shares.map(share =>
            h('span', {}, h('i', { style: { height: `${Math.max(2, (share / (shares[0] || 1)) * 40)}px` } })),
          ),
        ),
        h('p', { class: 'foot' }, t('The spread along the first {0} directions, the largest first.', shares.length)),
      ),
      h(
        'div',
        { class: 'card' },
        h('h2', { class: 'under' }, t('Length by frequency')),
        table(
          [t('Words'), t('Least'), t('Median'), t('Most')],
          (told.norms || []).map(band =>
            h(
              'tr',
              {},
              h('td', {}, t('{0} to {1}', count((band.start_row || 0) + 1), count(band.end_row || 0))),
              [band.min, band.median, band.max].map(value => h('td', { class: 'num' }, fixed(value, 2))),
            ),
          ),
        ),
      ),
      h(
        'div',
        { class: 'card' },
        h('h2', { class: 'under' }, t('Hubs: neighbors of many')),
        table(
          [t('Word'), t('Lists it is in, of {0}', count(hubs.query_count || 0))],
          (hubs.largest || [])
            .slice(0, 10)
            .map(one =>
              h('tr', {}, h('td', {}, link(one.word)), h('td', { class: 'num' }, count(one.occurrence_count || 0))),
            ),
        ),
      ),
    ),
  );
}
