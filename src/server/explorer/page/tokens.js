// One text, cut by several tokenizers.

import { service } from './api.js';
import { h, fill } from './dom.js';
import { t } from './language.js';
import { count, fixed, note, skeleton, trouble } from './parts.js';

const SAMPLES = [
  ['Long word', 'Tokenizers disagree about antidisestablishmentarianism.'],
  ['Spaces', 'two  spaces,\ta tab and   three'],
  ['Code', 'for (let i = 0; i < n; i++) { sum += x[i]; }'],
  ['中文', '南京市长江大桥欢迎您。'],
  ['عربي', 'مرحبا بالعالم، كيف حالك؟'],
  ['Emoji', 'A family 👩‍👩‍👧 and a flag 🇳🇱 🙂'],
  ['Numbers', '3.14159, 1,000,000 and 2024-01-31'],
];
const SHOWN = 8;
// Those that are always there.
const BUILT_IN = ['whitespace', 'rules', 'unicode-words', 'characters', 'bytes', 'jieba'];
const FIRST = ['unicode-words', 'rules', 'jieba'];
const TOKENS_SHOWN = 2000;

export function tokensView(main, { look, route, setQuery, signal }) {
  const text = route.query.get('text') ?? SAMPLES[0][1];
  const withNumbers = route.query.get('ids') === '1';
  const page = h('div', { class: 'page', tabindex: '0' });
  const wrap = h('div', { class: 'wrap' });
  page.append(wrap);
  main.append(page);
  const area = h('textarea', { class: 'in text', rows: 2, dir: 'auto', 'aria-label': t('Text to cut') }, text);
  const cuts = h('div', { class: 'gap' }, skeleton('60%', '80%', '70%'));
  const names = h('div', { class: 'chips lower' });
  const state = { chosen: (route.query.get('by') || '').split(',').filter(Boolean), all: [] };
  let turn = 0;
  const cut = async () => {
    const mine = ++turn;
    try {
      const asked = { texts: [area.value], tokenizers: state.chosen };
      if (look) asked.table = look.name;
      const told = await service('TextService/CompareTokenizers', asked, signal);
      if (mine !== turn || signal.aborted) return;
      const least = Math.min(...(told.cuts || []).filter(one => !one.problem).map(one => real(one).length));
      fill(
        cuts,
        ...(told.cuts || []).map(one =>
          row(one, { text: area.value, withNumbers, state, least, hasTable: Boolean(look) }),
        ),
      );
    } catch (error) {
      const shown = trouble(error, { look });
      if (shown && mine === turn && !signal.aborted) fill(cuts, shown);
    }
  };
  let waiting = 0;
  area.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      setQuery('text', area.value);
      cut();
    }, 120);
  });
  const choose = name => {
    const at = state.chosen.indexOf(name);
    if (at >= 0) state.chosen.splice(at, 1);
    else state.chosen.push(name);
    setQuery('by', state.chosen.join(','));
    paintNames();
    if (state.chosen.length) cut();
    else fill(cuts, note('plain', t('Choose a tokenizer.')));
  };
  const paintNames = () =>
    fill(
      names,
      ...state.all.map(one =>
        h(
          'button',
          {
            class: 'chip',
            'aria-pressed': state.chosen.includes(one.name),
            disabled: Boolean(one.problem),
            title: one.problem || null,
            on: { click: () => choose(one.name) },
          },
          one.name,
        ),
      ),
    );
  const sample = ([name, sampled]) =>
    h(
      'button',
      { class: 'chip', 'aria-pressed': sampled === text, on: { click: () => setQuery('text', sampled, true) } },
      /^[A-Z]/.test(name) ? t(name) : name,
    );
  wrap.append(
    h('h1', {}, t('Tokenizers')),
    h('p', { class: 'lead' }, t('One text, cut by several. Colors only part one token from the next.')),
    area,
    h(
      'div',
      { class: 'tools2' },
      h('div', { class: 'chips' }, SAMPLES.map(sample)),
      h(
        'div',
        { class: 'seg', role: 'group', 'aria-label': t('Show') },
        [
          [null, t('Pieces')],
          ['1', t('With numbers')],
        ].map(([value, name]) =>
          h(
            'button',
            { 'aria-pressed': (value === '1') === withNumbers, on: { click: () => setQuery('ids', value, true) } },
            name,
          ),
        ),
      ),
    ),
    h('h2', { class: 'gap under1' }, t('Cut by')),
    names,
    cuts,
    h(
      'p',
      { class: 'foot' },
      t('A dot is a space that belongs to the token. A piece that is only a part of a character shows its bytes.'),
    ),
  );
  service('TextService/ListTokenizers', {}, signal).then(
    told => {
      const stored = told.tokenizers || [];
      const known = new Set(stored.map(one => one.name));
      state.all = [...stored, ...BUILT_IN.filter(name => !known.has(name)).map(name => ({ name }))];
      if (!state.chosen.length) {
        const usable = state.all.filter(one => one.stored && !one.problem).map(one => one.name);
        state.chosen = [...usable, ...FIRST.filter(name => state.all.some(one => one.name === name))].slice(0, SHOWN);
      }
      paintNames();
      cut();
    },
    error => {
      const shown = trouble(error, { look });
      if (shown && !signal.aborted) fill(cuts, shown);
    },
  );
  return () => clearTimeout(waiting);
}

const real = one => (one.text?.tokens || []).filter(token => !token.special);

function row(one, { text, withNumbers, state, least, hasTable }) {
  const info = state.all.find(known => known.name === one.tokenizer) || {};
  const about = info.vocab_size ? t('{0} tokens', count(info.vocab_size)) : t('no vocabulary');
  const name = h(
    'div',
    {},
    h('h2', { class: 'h3', dir: 'auto' }, one.tokenizer),
    h('p', { class: 'dim small' }, info.model ? `${info.model}, ${about}` : about),
  );
  if (one.problem) return h('div', { class: 'tok' }, name, h('div', { class: 'whole' }, note('', one.problem)));
  const bytes = new TextEncoder().encode(text);
  const tokens = one.text?.tokens || [];
  const only = real(one);
  const isRtl = /^[^A-Za-z\u4e00-\u9fff]*[\u0590-\u08ff]/.test(text);
  const piece = token => {
    let raw = token.special ? token.token || token.piece || '' : token.piece || token.token || '';
    const isPart = raw.includes('\uFFFD');
    if (isPart) {
      const part = bytes.slice(token.byte_start || 0, token.byte_end || 0);
      raw = Array.from(part, byte => byte.toString(16).toUpperCase().padStart(2, '0')).join('\u202F');
    }
    const isUnknown = token.known === false || /^(\[UNK\]|<unk>)$/.test(token.token || '');
    const body = h('span', { dir: isPart ? 'ltr' : null });
    for (const part of (raw || '·').split(/( )/)) {
      if (part === ' ') body.append(h('span', { class: 'ws', 'aria-hidden': 'true' }, '·'));
      else if (part) body.append(document.createTextNode(part.replace(/\n/g, '↵').replace(/\t/g, '⇥')));
    }
    const told = [
      token.id != null ? t('number {0}', token.id) : t('no number'),
      token.token || null,
      isUnknown ? t('not known') : null,
    ];
    return h(
      'span',
      { class: `pc${token.special ? ' sp' : ''}${isUnknown ? ' unk' : ''}`, title: told.filter(Boolean).join(' · ') },
      body,
      withNumbers && token.id != null && h('small', {}, token.id),
    );
  };
  const special = tokens.length - only.length;
  const unknown = one.text?.unknown_count || 0;
  return h(
    'div',
    { class: 'tok' },
    name,
    h(
      'div',
      { class: 'pcs', dir: isRtl ? 'rtl' : 'ltr' },
      tokens.slice(0, TOKENS_SHOWN).map(piece),
      tokens.length > TOKENS_SHOWN &&
        h('span', { class: 'dim' }, t('and {0} more', count(tokens.length - TOKENS_SHOWN))),
    ),
    h(
      'div',
      { class: 'st num' },
      h('b', { class: only.length === least ? 'least' : '' }, count(only.length)),
      h('span', { class: 'dim small' }, special ? t('tokens + {0} special', special) : t('tokens')),
      h('br'),
      h(
        'span',
        { class: 'dim small' },
        one.chars_per_token ? t('{0} characters each', fixed(one.chars_per_token, 1)) : '',
      ),
      hasTable && unknown > 0 && h('div', { class: 'state warn' }, t('{0} not in the table', unknown)),
    ),
  );
}
