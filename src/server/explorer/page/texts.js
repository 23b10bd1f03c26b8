// Rows nearest to a text: sentences of a table of texts, or words.

import { h, fill } from './dom.js';
import { t } from './language.js';
import { count, fixed, made, meter, note, skeleton, trouble } from './parts.js';

const SHOWN = 20;

export function textsView(main, { look, tables, route, go, setQuery, signal }) {
  const text = route.query.get('text') || '';
  const inTable = route.query.get('in') || look.name;
  const pooling = route.query.get('weigh') || 'mean';
  const page = h('div', { class: 'page', tabindex: '0' });
  const wrap = h('div', { class: 'wrap' });
  page.append(wrap);
  main.append(page);
  const area = h(
    'textarea',
    {
      class: 'in text',
      rows: 2,
      dir: 'auto',
      'aria-label': t('Text to search for'),
      placeholder: t('Write a sentence; its words make one vector'),
    },
    text,
  );
  const run = () => setQuery('text', area.value.trim(), true);
  area.addEventListener('keydown', event => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      run();
    }
  });
  const fitting = tables.filter(table => table.dim === look.table.dim && !table.problem);
  const body = h('div', { class: 'gap' });
  wrap.append(
    h('h1', {}, t('Search by text')),
    h(
      'p',
      { class: 'lead' },
      t('The mean of a text’s words, and the rows that are nearest to it: the texts of a table of texts, or words.'),
    ),
    area,
    h(
      'div',
      { class: 'tools2' },
      h(
        'label',
        { class: 'mid' },
        t('Answers from'),
        ' ',
        h(
          'select',
          {
            class: 'in auto',
            on: { change: event => setQuery('in', event.target.value === look.name ? null : event.target.value, true) },
          },
          fitting.map(table => h('option', { value: table.name, selected: table.name === inTable }, table.name)),
        ),
      ),
      h(
        'label',
        { class: 'mid' },
        t('Words weigh'),
        ' ',
        h(
          'select',
          {
            class: 'in auto',
            on: { change: event => setQuery('weigh', event.target.value === 'mean' ? null : event.target.value, true) },
          },
          [
            ['mean', t('all the same')],
            ['sif', t('more if they are rare (SIF)')],
            ['tfidf', t('more if they are rare (TF-IDF)')],
          ].map(([value, name]) => h('option', { value, selected: value === pooling }, name)),
        ),
      ),
      h('button', { class: 'btn pri', on: { click: run } }, t('Search')),
    ),
    body,
  );
  if (!text) {
    area.focus({ preventScroll: true });
    return null;
  }
  answer({ look, inTable, pooling, text, body, go, signal });
  return null;
}

async function answer({ look, inTable, pooling, text, body, go, signal }) {
  body.append(skeleton('90%', '86%', '80%', '76%', '70%'));
  let told;
  try {
    const asked = { text, nearest: { k: SHOWN }, options: { pooling: `POOLING_${pooling.toUpperCase()}` } };
    if (inTable !== look.name) asked.in_table = inTable;
    told = await look.ask('nearest-to-text', asked, signal);
  } catch (error) {
    const shown = trouble(error, { look });
    if (shown && !signal.aborted) fill(body, shown);
    return;
  }
  if (signal.aborted) return;
  const made_of = told.text || {};
  const unknown = made_of.unknown_words || [];
  const neighbors = told.neighbors || [];
  fill(
    body,
    unknown.length > 0
      ? note('', h('b', {}, t('Left out, not in {0}:', look.name)), ' ', unknown.slice(0, 30).join(', '))
      : '',
    h('div', { class: 'sechead gap' }, h('h2', {}, t('Nearest to the text')), made(told.answer, look)),
    neighbors.length
      ? h(
          'ol',
          { class: 'found' },
          neighbors.map((one, place) =>
            h(
              'li',
              {},
              h('span', { class: 'n num' }, place + 1),
              inTable === look.name
                ? h('button', { class: 'link t', dir: 'auto', on: { click: () => go('map', one.word) } }, one.word)
                : h('span', { class: 't', dir: 'auto' }, one.word),
              meter(one.similarity || 0),
              h('span', { class: 'c num' }, fixed(one.similarity)),
            ),
          ),
        )
      : h('p', { class: 'mid' }, t('Nothing is near to it.')),
    told.tokenizer
      ? h(
          'p',
          { class: 'foot' },
          t('Cut by {0}.', told.tokenizer),
          made_of.token_count ? ` ${t('{0} tokens.', count(made_of.token_count))}` : '',
        )
      : '',
  );
}
