// The frame of the page: addresses, search, the list of views, theme and language.
//
// #/TABLE/VIEW/WORD...?option=value is what is shown; everything can be linked to, and the back button goes back.

import { service, setKey, whenKeyIsNeeded } from './api.js';
import { analogyView } from './analogy.js';
import { axisView } from './axis.js';
import { biasView } from './bias.js';
import { compareView } from './compare.js';
import { $, h, icon, s, say, fill } from './dom.js';
import { healthView } from './health.js';
import { takeDrops } from './intake.js';
import { jobsView } from './jobs.js';
import { language, setLanguage, t } from './language.js';
import { mapView } from './map.js';
import { count, trouble } from './parts.js';
import { readColors } from './picture.js';
import { combo } from './search.js';
import { forget, look as lookAt } from './state.js';
import { tablesView } from './tables.js';
import { textsView } from './texts.js';
import { tokensView } from './tokens.js';

// Each view, and whether it looks at a table.
const VIEWS = [
  { name: 'map', title: () => t('Map'), show: mapView, ofTable: true },
  { name: 'analogy', title: () => t('Analogy'), show: analogyView, ofTable: true },
  { name: 'axis', title: () => t('Axis'), show: axisView, ofTable: true },
  { name: 'bias', title: () => t('Bias'), show: biasView, ofTable: true },
  { name: 'compare', title: () => t('Compare'), show: compareView, ofTable: true },
  { name: 'texts', title: () => t('Text search'), show: textsView, ofTable: true },
  { name: 'tokens', title: () => t('Tokenizers'), show: tokensView },
  { name: 'tables', title: () => t('Tables'), show: tablesView },
  { name: 'jobs', title: () => t('Jobs'), show: jobsView },
  { name: 'health', title: () => t('Health'), show: healthView, ofTable: true },
];
const ASK = 7;
// Those that a small screen has at hand; the others are behind "More".
const AT_HAND = ['map', 'analogy', 'bias', 'tokens'];
// What stands for a table where there is none.
const NONE = '-';

let tables = [];
let table = null;
let leave = null;
let leaving = new AbortController();

/* ---------- addresses ---------- */

function parse() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const parts = path.split('/').map(part => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  const view = VIEWS.find(one => one.name === parts[1]) || VIEWS[0];
  return { table: parts[0] || '', view, args: parts.slice(2), query: new URLSearchParams(query || '') };
}

function address(of, view, args = [], query = null) {
  const kept = args.slice();
  while (kept.length && !kept[kept.length - 1]) kept.pop();
  const path = [of || NONE, view, ...kept].map(encodeURIComponent).join('/');
  const told = query ? new URLSearchParams(Object.entries(query).filter(([, value]) => value != null)).toString() : '';
  return `#/${path}${told ? `?${told}` : ''}`;
}

// Goes to a view of the table; words may be followed by options.
function go(view, ...args) {
  const last = args[args.length - 1];
  const query = last && typeof last === 'object' ? args.pop() : null;
  const now = parse();
  // The color of the map stays, and the other table of a comparison.
  const kept = {};
  if (view === now.view.name && view === 'map' && now.query.get('color')) kept.color = now.query.get('color');
  if (view === now.view.name && view === 'map' && now.query.get('layout')) kept.layout = now.query.get('layout');
  if (view === now.view.name && view === 'compare' && now.query.get('with')) kept.with = now.query.get('with');
  if (view === now.view.name && view === 'bias' && now.query.get('lang')) kept.lang = now.query.get('lang');
  location.hash = address(
    table?.name,
    view,
    args.filter(one => one != null),
    { ...kept, ...query },
  );
}

// Sets an option, or several. `isStep`: the back button undoes it, and the view is shown anew.
function setQuery(name, value, isStep = false) {
  const now = parse();
  const changes = typeof name === 'object' ? name : { [name]: value };
  for (const [key, set] of Object.entries(changes)) {
    if (set == null || set === '') now.query.delete(key);
    else now.query.set(key, set);
  }
  const next = address(table?.name, now.view.name, now.args, Object.fromEntries(now.query));
  if (isStep) {
    if (location.hash === next) render();
    else location.hash = next;
  } else {
    history.replaceState(null, '', next);
  }
}

/* ---------- frame ---------- */

function frame() {
  document.documentElement.lang = language() === 'zh' ? 'zh-CN' : 'en';
  $('#skip').textContent = t('Skip to search');
  const name = t('Find a word, or type three for an analogy');
  const find = h('input', {
    id: 'find-input',
    'aria-label': name,
    placeholder: innerWidth < 720 ? t('Find a word') : name,
    enterkeyhint: 'search',
  });
  const other = language() === 'en' ? 'zh' : 'en';
  fill(
    $('#top'),
    h(
      'a',
      { class: 'brand', href: address(table?.name, 'map'), 'aria-label': 'wordspace' },
      s(
        'svg',
        { width: 20, height: 20, viewBox: '0 0 20 20', 'aria-hidden': 'true' },
        [
          [4, 13, 2.6],
          [10, 5, 2.6],
          [16, 12, 2.6],
          [10, 16, 1.7],
          [4.5, 5.5, 1.7],
        ].map(([cx, cy, r]) => s('circle', { cx, cy, r, fill: 'currentColor' })),
      ),
      h('span', {}, 'wordspace'),
    ),
    h('a', { class: 'tbl', id: 'table', href: address(table?.name, 'tables'), title: t('Choose a table') }),
    h('div', { class: 'find' }, icon('search', 16), find, h('kbd', { 'aria-hidden': 'true' }, '/')),
    h(
      'div',
      { class: 'tools' },
      h(
        'button',
        { class: 'ib opt2', 'aria-label': t('Keys'), title: `${t('Keys')} (?)`, on: { click: keys } },
        icon('help'),
      ),
      h(
        'button',
        { class: 'ib opt2', lang: other, on: { click: () => switchLanguage(other) } },
        other === 'zh' ? '中文' : 'English',
      ),
      h(
        'button',
        { class: 'ib', 'aria-label': t('Dark or light'), title: t('Dark or light'), on: { click: switchTheme } },
        icon('sun'),
      ),
    ),
  );
  combo(find, {
    look: () => (table && !table.problem ? lookAt(table) : null),
    phrases: (view, words) => go(view, ...words),
    pick: word => go(parse().view.name === 'compare' ? 'compare' : 'map', word),
  });
}

function switchLanguage(to) {
  setLanguage(to);
  frame();
  render();
}

function theme(to) {
  document.documentElement.dataset.theme = to;
  readColors();
}

function switchTheme() {
  const to = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  localStorage.setItem('wordspace-theme', to);
  theme(to);
}

function views() {
  const now = parse().view.name;
  const link = (view, size) =>
    h(
      'a',
      { href: address(table?.name, view.name), title: view.title(), 'aria-current': view.name === now ? 'page' : null },
      icon(view.name, size),
      h('span', {}, view.title()),
    );
  $('#rail').setAttribute('aria-label', t('Views'));
  fill(
    $('#rail'),
    h('div', { class: 'sec' }, t('Ask')),
    ...VIEWS.slice(0, ASK).map(view => link(view, 18)),
    h('div', { class: 'sec' }, t('Look after')),
    ...VIEWS.slice(ASK).map(view => link(view, 18)),
  );
  const rest = VIEWS.filter(view => !AT_HAND.includes(view.name));
  const more = () => {
    const dialog = h(
      'dialog',
      { class: 'sheet', 'aria-label': t('More') },
      h(
        'nav',
        { class: 'morelist', 'aria-label': t('More') },
        rest.map(view => link(view, 20)),
        h(
          'button',
          { on: { click: () => switchLanguage(language() === 'en' ? 'zh' : 'en') } },
          language() === 'en' ? '中文' : 'English',
        ),
      ),
    );
    dialog.addEventListener('click', () => dialog.close());
    dialog.addEventListener('close', () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
  $('#tabbar').setAttribute('aria-label', t('Views'));
  fill(
    $('#tabbar'),
    ...AT_HAND.map(name =>
      link(
        VIEWS.find(view => view.name === name),
        20,
      ),
    ),
    h(
      'button',
      {
        'aria-haspopup': 'dialog',
        'aria-current': rest.some(view => view.name === now) ? 'page' : null,
        on: { click: more },
      },
      icon('more', 20),
      h('span', {}, t('More')),
    ),
  );
}

function keys() {
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'keys-title' },
    h('h1', { id: 'keys-title' }, t('Keys')),
    h(
      'div',
      { class: 'keys' },
      [
        ['/', t('find a word')],
        ['Esc', t('close, or let go of the word')],
        ['← → ↑ ↓', t('pan the map, or walk down a list')],
        ['+  −  0', t('zoom in, out, show all')],
        ['Shift', t('with a drag: choose words by a line around them')],
        ['Enter', t('go to the word in the list')],
        ['Alt + ←', t('back: every view is an address')],
        ['?', t('these keys')],
      ].flatMap(([key, what]) => [h('span', {}, h('kbd', {}, key)), h('span', { class: 'mid' }, what)]),
    ),
    h('button', { class: 'btn', autofocus: true, on: { click: () => dialog.close() } }, t('Close')),
  );
  document.body.append(dialog);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.showModal();
}

/* ---------- keys of the server ---------- */

whenKeyIsNeeded(
  (isWrong, detail) =>
    new Promise(resolve => {
      const input = h('input', {
        class: 'in',
        type: 'password',
        'aria-label': t('Key'),
        placeholder: t('Key'),
        autocomplete: 'off',
      });
      const form = h(
        'form',
        { method: 'dialog' },
        h('h1', {}, t('This server asks for a key')),
        h('p', { class: 'mid gap1' }, t('It is sent to this server only, and kept until you close the tab.')),
        isWrong && h('div', { class: 'note bad' }, t('That key is not right.'), detail && ` (${detail})`),
        input,
        h('button', { class: 'btn pri' }, t('Go on')),
      );
      const dialog = h('dialog', { class: 'key', 'aria-label': t('This server asks for a key') }, form);
      form.addEventListener('submit', () => {
        setKey(input.value.trim());
        forget();
      });
      dialog.addEventListener('cancel', event => event.preventDefault());
      dialog.addEventListener('close', () => {
        dialog.remove();
        resolve();
      });
      document.body.append(dialog);
      dialog.showModal();
    }),
);

/* ---------- what is shown ---------- */

async function readTables(signal) {
  const told = await service('TableService/ListTables', {}, signal);
  tables = told.tables || [];
}

function tell() {
  const bar = $('#table');
  if (!bar) return;
  bar.href = address(table?.name, 'tables');
  $('.brand').href = address(table?.name, 'map');
  if (table)
    fill(
      bar,
      h('b', { dir: 'auto' }, table.name),
      h(
        'span',
        { class: 'num' },
        `${count(table.row_count || 0)} × ${table.dim} · ${t('generation {0}', table.generation)}`,
      ),
    );
  else fill(bar, h('b', {}, t('no table')));
}

async function render() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  leave?.();
  leave = null;
  const main = $('#main');
  const route = parse();
  try {
    // The list is short; what it says of generations is what answers.
    await readTables(signal);
  } catch (error) {
    if (signal.aborted) return;
    const shown = trouble(error, { again: render });
    if (shown) fill(main, h('div', { class: 'page' }, h('div', { class: 'wrap' }, shown)));
    tell();
    views();
    return;
  }
  if (signal.aborted) return;
  const named = tables.find(one => one.name === route.table || one.aliases?.includes(route.table));
  const isWrong = route.table && route.table !== NONE && !named;
  table = named || (isWrong ? null : largest());
  tell();
  views();
  const view = route.view.ofTable && !table && !isWrong ? VIEWS.find(one => one.name === 'tables') : route.view;
  document.title = [route.args.filter(Boolean).slice(0, 3).join(' '), view.title(), table?.name, 'wordspace']
    .filter(Boolean)
    .join(' · ');
  fill(main);
  delete document.documentElement.dataset.answered;
  delete document.documentElement.dataset.drawn;
  if (view.ofTable && (isWrong || table?.problem)) {
    const text = isWrong
      ? t('There is no table {0}.', h('b', { dir: 'auto' }, route.table))
      : [h('b', { dir: 'auto' }, table.name), ': ', table.problem];
    main.append(
      h(
        'div',
        { class: 'page' },
        h(
          'div',
          { class: 'wrap' },
          h('h1', {}, view.title()),
          h('div', { class: 'note bad gap' }, text),
          h('div', { class: 'acts' }, h('a', { class: 'btn', href: address(null, 'tables') }, t('Choose a table'))),
        ),
      ),
    );
    return;
  }
  const of = table && !table.problem ? lookAt(table) : null;
  const goTo = name => address(name, 'map');
  leave = view.show(main, { look: of, tables, lookAt, route, go, goTo, setQuery, again: render, signal });
}

// The table with most rows: what somebody who names none most likely means.
function largest() {
  const usable = tables.filter(one => !one.problem);
  return usable.sort((a, b) => Number(b.row_count || 0) - Number(a.row_count || 0))[0] || tables[0] || null;
}

addEventListener('hashchange', render);
takeDrops(() => {
  if (parse().view.name === 'tables') render();
  else go('tables');
});
addEventListener('keydown', event => {
  const tag = document.activeElement?.tagName;
  const isTyping = tag === 'INPUT' || tag === 'TEXTAREA' || tag === 'SELECT';
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (event.key === '/' && !isTyping && isPlain) {
    event.preventDefault();
    $('#find-input').focus();
  } else if (event.key === '?' && !isTyping && isPlain) {
    keys();
  } else if (event.key === 'Escape' && !document.querySelector('dialog[open]')) {
    const now = parse();
    if (now.view.name === 'map' && now.args.length) go('map');
  }
});
$('#skip').addEventListener('click', event => {
  event.preventDefault();
  $('#find-input').focus();
});

const wanted = new URLSearchParams(location.search);
setLanguage(wanted.get('lang') || language());
theme(
  wanted.get('theme') ||
    localStorage.getItem('wordspace-theme') ||
    (matchMedia('(prefers-color-scheme:dark)').matches ? 'dark' : 'light'),
);
frame();
views();
say('');
render();
