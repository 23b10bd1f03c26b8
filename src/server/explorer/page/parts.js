// What several views are put together of.

import { h, icon, say } from './dom.js';
import { language, t } from './language.js';
import { pictures } from './picture.js';
import { combo } from './search.js';

export const count = n => Number(n).toLocaleString(language() === 'zh' ? 'zh-CN' : 'en-US');
const minus = text => text.replace('-', '−');
export const fixed = (x, digits = 4) => minus(Number(x || 0).toFixed(digits));
export const signed = (x, digits = 3) => (x < 0 ? '' : '+') + fixed(x, digits);

export function bytesOf(n) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = Number(n || 0);
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit && size < 100 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

// p-values: small ones as powers of ten.
export function probability(p) {
  if (p >= 0.001 || p === 0) return p.toFixed(3);
  const [number, power] = p.toExponential(1).split('e-');
  return `${number}·10⁻${[...power].map(digit => '⁰¹²³⁴⁵⁶⁷⁸⁹'[digit]).join('')}`;
}

export const word = text => h('bdi', {}, text);

// How an answer was made; a click explains.
export function made(answer, look) {
  const by = (answer && answer.answered_by) || 'ANSWERED_BY_EXACT';
  const rows = count(look ? look.rowCount : 0);
  const [kind, name, about] = {
    ANSWERED_BY_LIST: [
      'list',
      t('Exact, stored list'),
      t('The 32 nearest of every row are kept with the index: equal to comparing every row.'),
    ],
    ANSWERED_BY_GRAPH: [
      'graph',
      t('By graph'),
      t('The graph looked at a part of the rows; a few of the true neighbors may be missing.'),
    ],
    ANSWERED_BY_PARTITION: [
      'graph',
      t('By partition'),
      t('Leaves of the partition were looked through; a few of the true neighbors may be missing.'),
    ],
  }[by] || ['exact', t('Exact'), t('Every row was compared: {0} of {0}.', rows)];
  const state = answer && answer.generation ? ` ${t('Generation {0}.', answer.generation)}` : '';
  const button = h(
    'button',
    {
      class: `prov ${kind}`,
      'aria-expanded': false,
      on: {
        click() {
          const isOpen = button.getAttribute('aria-expanded') === 'true';
          button.setAttribute('aria-expanded', String(!isOpen));
          if (isOpen) button.parentElement.nextSibling.remove();
          else button.parentElement.after(h('p', { class: 'foot explained' }, about + state));
        },
      },
    },
    h('i'),
    name,
  );
  return button;
}

export function meter(share, { tick = null } = {}) {
  const percent = x => `${Math.max(0, Math.min(1, x)) * 100}%`;
  return h(
    'span',
    { class: 'meter', 'aria-hidden': 'true' },
    h('b', { style: { width: percent(share) } }),
    tick != null && h('u', { style: { left: percent(tick) } }),
  );
}

// Lights a row up on every map.
export function light(row) {
  for (const picture of pictures) picture.setHover(row);
}

// Words with their similarities, to be walked through by arrows.
export function neighborList(neighbors, { pick, tick = null, bar = true, kind } = {}) {
  const walk = event => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...event.currentTarget.querySelectorAll('button')];
    const next = all.indexOf(document.activeElement) + step;
    all[(next + all.length) % all.length].focus();
  };
  const item = (neighbor, place) => {
    const row = neighbor.row || 0;
    const listeners = {
      click: () => pick(neighbor.word, row),
      pointerenter: () => light(row),
      pointerleave: () => light(-1),
      focus: () => light(row),
      blur: () => light(-1),
    };
    return h(
      'li',
      {},
      h(
        'button',
        { class: `row ${bar ? '' : 'plain'} ${kind ? kind(neighbor) || '' : ''}`, on: listeners, title: neighbor.word },
        h('span', { class: 'n num' }, place + 1),
        h('span', { class: 't', dir: 'auto' }, neighbor.word || t('(empty)')),
        bar && meter(neighbor.similarity || 0, { tick }),
        h('span', { class: 'c num' }, fixed(neighbor.similarity)),
      ),
    );
  };
  return h('ol', { class: 'list', on: { keydown: walk } }, neighbors.map(item));
}

// The handle by which a panel is made larger on a small screen.
export function sheet(panel) {
  const button = h('button', {
    class: 'grab',
    'aria-label': t('Larger or smaller panel'),
    'aria-expanded': false,
    on: {
      click() {
        const isFull = panel.classList.toggle('full');
        panel.classList.remove('peek');
        button.setAttribute('aria-expanded', String(isFull));
      },
    },
  });
  return button;
}

export const fact = (name, value, small) =>
  h('div', {}, h('dt', {}, name), h('dd', { class: 'num' }, value, small && h('small', {}, small)));

export const chip = (text, run, extra = {}) =>
  h('button', { class: 'chip', dir: 'auto', title: text, ...extra, on: { click: run } }, text);

// That answers come from some words only, and how to ask among all again.
export const amongBar = (look, again) =>
  look.within &&
  h(
    'div',
    { class: 'bar among' },
    h('span', { class: 'num' }, t('Answers come from {0} words of the map', count(look.within.words.length))),
    closeButton(t('Ask among all words'), () => {
      look.within = null;
      again();
    }),
  );

export const note = (kind, ...children) => h('div', { class: `note ${kind}` }, children);

export const skeleton = (...widths) =>
  h(
    'div',
    { class: 'wait', 'aria-busy': 'true' },
    widths.map(width => h('div', { class: 'sk', style: { width } })),
  );

// A field for a word, with completion.
export function wordField(look, value, label, pick) {
  const input = h('input', { value: value || '', 'aria-label': label, class: 'in', dir: 'auto' });
  const box = h('div', { class: 'field' }, input);
  combo(input, { look: () => look, pick, keep: true });
  return box;
}

// Words that are written like one that is not there: those an edit away.
export async function spelledAlike(look, text, signal) {
  const letters = [...text.toLowerCase()];
  if (letters.length < 2 || letters.length > 14) return [];
  const plain = list => list.join('').replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  const ways = new Set();
  for (let i = 0; i <= letters.length; i++) {
    const [before, after] = [plain(letters.slice(0, i)), plain(letters.slice(i))];
    ways.add(`${before}.${after}`);
    if (i < letters.length) ways.add(`${before}.?${plain(letters.slice(i + 1))}`);
    if (i + 1 < letters.length) ways.add(before + plain([letters[i + 1], letters[i]]) + plain(letters.slice(i + 2)));
  }
  const regex = `^(?i:${[...ways].join('|')})$`;
  if (regex.length > 1024) return [];
  try {
    const found = await look.ask('list-words', { page_size: 6, filter: { regex } }, signal);
    return (found.words || []).map(one => one.word).filter(one => one !== text);
  } catch {
    return [];
  }
}

// An error as a person reads it: what happened, and what to do.
export function trouble(error, { look, again, pick } = {}) {
  if (error.name === 'AbortError') return null;
  const retry =
    again && h('div', { class: 'acts' }, h('button', { class: 'btn', on: { click: again } }, t('Try again')));
  const unknown = error.unknown || [];
  if (unknown.length) {
    const alike = h('div', {});
    if (look && pick && unknown.length === 1) {
      spelledAlike(look, unknown[0]).then(words => {
        if (!words.length) return;
        alike.append(
          h('h2', { class: 'gap' }, t('Spelled much the same')),
          h(
            'div',
            { class: 'chips' },
            words.map(one => chip(one, () => pick(one))),
          ),
        );
      });
    }
    say(`${t('Not in {0}:', look ? look.name : '')} ${unknown.join(', ')}`);
    return h(
      'div',
      {},
      note(
        '',
        h('b', {}, t('Not in {0}:', look ? look.name : '')),
        ' ',
        unknown.map((one, i) => [i ? ', ' : '', word(one)]),
      ),
      alike,
    );
  }
  const [kind, head, text] = {
    UNREACHABLE: ['bad', t('The server does not answer.'), t('What you see is as it was.')],
    TABLE_NOT_FOUND: ['bad', t('There is no such table.'), t('It may have been renamed or deleted.')],
    FORBIDDEN: ['bad', t('Your key does not allow this.'), error.message],
    RATE_LIMITED: ['', t('Too many questions at once.'), t('Wait a moment, and try again.')],
    OVERLOADED: ['', t('The server has much to do.'), t('Wait a moment, and try again.')],
    UNSUITED_TABLE: ['', t('Not with this table.'), error.message],
  }[error.reason] || ['bad', t('That did not work.'), error.message];
  say(`${head} ${text}`);
  return h('div', {}, note(kind, h('b', {}, head), ' ', text), retry);
}

// Hands a text over as a file.
export function save(name, text, type = 'text/plain') {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = h('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Where pages may not write there: as a selection.
    const area = h('textarea', { class: 'sr' }, text);
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  say(t('Copied'));
}

export function copyButton(text, label) {
  const button = h(
    'button',
    {
      class: 'btn',
      on: {
        async click() {
          await copy(text());
          button.textContent = t('Copied');
          setTimeout(() => (button.textContent = label), 1400);
        },
      },
    },
    label,
  );
  return button;
}

export const closeButton = (label, run) =>
  h('button', { class: 'ib', 'aria-label': label, title: label, on: { click: run } }, icon('close', 16));
