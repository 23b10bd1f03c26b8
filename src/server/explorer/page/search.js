// Completion: words of the table that begin like what is typed, the frequent first; three words are an analogy, two an axis.

import { h, icon, fill } from './dom.js';
import { t } from './language.js';
import { count, fixed, spelledAlike } from './parts.js';

const SHOWN = 8;
let uid = 0;

// Words that begin so: as they are, else in lower case, else with a capital.
async function completions(look, text, signal) {
  const forms = [...new Set([text, text.toLowerCase(), text[0].toUpperCase() + text.slice(1)])];
  const found = new Map();
  for (const prefix of forms) {
    const page = await look.ask('list-words', { prefix, page_size: SHOWN }, signal);
    for (const one of page.words || []) found.set(one.row || 0, one.word);
    if (found.size >= SHOWN) break;
  }
  const all = [...found].map(([row, word]) => ({ row, word }));
  const isWhole = one => Number(one.word === text) * 2 + Number(one.word.toLowerCase() === text.toLowerCase());
  return all.sort((a, b) => isWhole(b) - isWhole(a) || a.row - b.row).slice(0, SHOWN);
}

// Makes a field one with completion. `look` gives the table, `pick` takes the word; `phrases` has analogy and axis.
export function combo(input, { look, pick, phrases = null, keep = false }) {
  const id = `suggestions-${++uid}`;
  const box = h('div', { class: 'pop', id, role: 'listbox', 'aria-label': t('Suggestions'), hidden: true });
  for (const [name, value] of Object.entries({
    role: 'combobox',
    'aria-expanded': 'false',
    'aria-controls': id,
    'aria-autocomplete': 'list',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
  })) {
    input.setAttribute(name, value);
  }
  input.after(box);
  let runs = [];
  let current = 0;
  let leaving = null;
  let isDirty = false;

  const options = () => [...box.querySelectorAll('[role=option]')];
  const paint = () => {
    options().forEach((option, i) => option.setAttribute('aria-selected', String(i === current)));
    const option = options()[current];
    if (option) {
      input.setAttribute('aria-activedescendant', option.id);
      option.scrollIntoView({ block: 'nearest' });
    }
  };
  const hide = () => {
    leaving?.abort();
    box.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  };
  const take = word => {
    isDirty = false;
    input.value = keep ? word : '';
    hide();
    pick(word);
  };
  const option = (children, run) => {
    const n = runs.push(run) - 1;
    const listeners = {
      pointerdown(event) {
        event.preventDefault();
        hide();
        run();
      },
      pointermove() {
        if (current === n) return;
        current = n;
        paint();
      },
    };
    box.append(
      h('div', { class: 'opt', role: 'option', id: `${id}-${n}`, 'aria-selected': n === 0, on: listeners }, children),
    );
  };
  const wordOption = (one, typed) => {
    const at = one.word.toLowerCase().indexOf(typed.toLowerCase());
    const end = at + typed.length;
    const name =
      at < 0 ? [one.word] : [one.word.slice(0, at), h('b', {}, one.word.slice(at, end)), one.word.slice(end)];
    option(
      [
        h('span', { class: 'w', dir: 'auto' }, name),
        one.row != null && h('span', { class: 'k num' }, `#${count(one.row + 1)}`),
      ],
      () => take(one.word),
    );
  };

  async function show() {
    const text = input.value.trim();
    leaving?.abort();
    if (!text || !look()) {
      hide();
      return;
    }
    const mine = (leaving = new AbortController());
    const parts = text.split(/[\s,]+/).filter(Boolean);
    let words = [];
    let axis = null;
    let isKnown = false;
    try {
      if (phrases && (parts.length === 2 || parts.length === 3)) {
        const asked = { queries: parts.map(word => ({ word })), packed: true, words: { oov: 'OOV_POLICY_SKIP' } };
        const found = await look().ask('lookup', asked, mine.signal);
        isKnown = (found.vectors || []).filter(one => one.found).length === parts.length;
        if (isKnown && parts.length === 2) {
          const pairs = [{ a: { word: parts[0] }, b: { word: parts[1] } }];
          const told = await look().ask('similarity', { pairs }, mine.signal);
          axis = told.similarities[0].similarity ?? 0;
        }
      }
      words = await completions(look(), text, mine.signal);
      if (!words.length && !isKnown) {
        const alike = await spelledAlike(look(), text, mine.signal);
        words = alike.map(word => ({ word }));
        words.isAlike = true;
      }
    } catch (error) {
      if (error.name === 'AbortError') return;
      words = [];
    }
    if (mine.signal.aborted || document.activeElement !== input) return;
    fill(box);
    runs = [];
    current = 0;
    if (isKnown && parts.length === 3) {
      const [a, b, c] = parts.map(part => h('b', { dir: 'auto' }, part));
      option(
        [
          icon('analogy'),
          h('span', { class: 'w' }, t('{0} is to {1} as {2} is to …', a, b, c)),
          h('span', { class: 'k' }, t('Analogy')),
        ],
        () => {
          input.value = '';
          phrases('analogy', parts);
        },
      );
    }
    if (isKnown && parts.length === 2) {
      const [a, b] = parts.map(part => h('b', { dir: 'auto' }, part));
      option(
        [
          icon('axis'),
          h('span', { class: 'w' }, t('From {0} to {1}', a, b)),
          h('span', { class: 'k num' }, t('cosine {0}', fixed(axis))),
        ],
        () => {
          input.value = '';
          phrases('axis', parts);
        },
      );
    }
    if (words.isAlike || !(words.length || isKnown)) {
      const told = h(
        'div',
        { class: 'none' },
        t('No word of {0} begins with {1}.', look().name, h('b', { dir: 'auto' }, text)),
      );
      if (words.length) told.append(` ${t('Spelled much the same:')}`);
      box.append(told);
    }
    for (const one of words) wordOption(one, text);
    box.hidden = false;
    input.setAttribute('aria-expanded', 'true');
    paint();
  }

  input.addEventListener('input', () => {
    isDirty = true;
    show();
  });
  input.addEventListener('focus', () => {
    if (input.value && !keep) show();
    if (keep) input.select();
  });
  input.addEventListener('blur', () => setTimeout(hide, 120));
  input.addEventListener('keydown', event => {
    if (event.isComposing) return;
    const all = options();
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (box.hidden) {
        show();
      } else if (all.length) {
        current = (current + (event.key === 'ArrowDown' ? 1 : all.length - 1)) % all.length;
        paint();
      }
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const typed = input.value.trim();
      // Faster than the answer: what is typed is what is meant.
      const isFresh = !box.hidden && runs.length && all[current];
      if (isFresh) {
        const run = runs[current];
        hide();
        run();
      } else if (typed && (isDirty || !keep)) take(typed);
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      if (!box.hidden) hide();
      else {
        if (!keep) input.value = '';
        input.blur();
      }
    }
  });
  return { show, hide };
}
