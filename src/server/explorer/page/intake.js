// Where files are dropped that become tables: what is to be sent, how far it is, and what came of it.

import { h, icon, say, fill } from './dom.js';
import { t } from './language.js';
import { bytesOf, count, note } from './parts.js';
import { forgetTransfer, inOrder, isUnderWay, nameOf, onTransfer, send, transfer } from './upload.js';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const REASONS_SHOWN = 6;

// Files that were dropped while another view was shown.
let dropped = null;

// Takes files that are dropped anywhere on the page.
export function takeDrops(open) {
  let depth = 0;
  const over = h('div', { class: 'dropping', hidden: true });
  document.body.append(over);
  const hasFiles = event => [...(event.dataTransfer?.types || [])].includes('Files');
  const show = is => {
    depth = is ? depth : 0;
    if (is && over.hidden) fill(over, h('p', {}, icon('drop', 28), t('Let go to import')));
    over.hidden = !is;
  };
  addEventListener('dragenter', event => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth++;
    show(true);
  });
  addEventListener('dragleave', event => {
    if (hasFiles(event) && --depth <= 0) show(false);
  });
  addEventListener('dragover', event => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener('drop', event => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(false);
    dropped = [...event.dataTransfer.files];
    if (dropped.length) open();
  });
}

export function intake({ tables, goTo, again, signal }) {
  const box = h('section', { class: 'card gap intake', 'aria-labelledby': 'intake-title' });
  let files = null;
  if (dropped && !isUnderWay()) {
    forgetTransfer();
    files = inOrder(dropped);
  }
  dropped = null;
  const off = onTransfer(() => draw());
  signal.addEventListener('abort', off);
  const title = text => h('h2', { class: 'h3', id: 'intake-title' }, text);

  function choose() {
    const input = h('input', {
      type: 'file',
      multiple: true,
      class: 'sr',
      id: 'intake-files',
      on: {
        change() {
          if (!input.files.length) return;
          files = inOrder(input.files);
          draw();
          box.querySelector('.in')?.focus();
        },
      },
    });
    fill(
      box,
      title(t('Import a file of vectors')),
      h(
        'p',
        { class: 'mid' },
        t(
          'Drop it anywhere on this page: GloVe, word2vec, fastText, safetensors, GGUF, Parquet, NumPy and more, compressed or not. A vocabulary or a tokenizer may come with it.',
        ),
      ),
      h('div', { class: 'acts' }, input, h('label', { class: 'btn', for: 'intake-files' }, t('Choose files'))),
    );
  }

  function ask() {
    const name = h('input', {
      class: 'in',
      value: nameOf(files[0].name),
      spellcheck: 'false',
      autocomplete: 'off',
      'aria-describedby': 'intake-told',
      id: 'intake-name',
    });
    const known = () => tables.find(one => one.name === name.value.trim() || one.aliases?.includes(name.value.trim()));
    const what = h(
      'select',
      { class: 'in auto', id: 'intake-what' },
      [
        ['', t('leave it as it is')],
        ['replace', t('replace it')],
        ['append', t('add the rows to it')],
      ].map(([value, text]) => h('option', { value }, text)),
    );
    const rows = h(
      'select',
      { class: 'in auto', id: 'intake-rows' },
      h('option', { value: '' }, t('refuse the file')),
      h('option', { value: 'skip' }, t('leave them out and count them')),
    );
    const told = h('p', { class: 'foot', id: 'intake-told', role: 'status' });
    const exists = h(
      'p',
      { class: 'ask' },
      h('label', { for: 'intake-what' }, t('A table of this name is there:')),
      what,
    );
    const start = h('button', { class: 'btn pri' }, t('Import'));
    const look = () => {
      const is = known();
      const isLegal = NAME.test(name.value.trim());
      exists.hidden = !is;
      start.disabled = !isLegal || Boolean(is && !what.value);
      told.textContent = isLegal ? '' : t('A name has letters, digits, dots, dashes and underscores.');
    };
    name.addEventListener('input', look);
    what.addEventListener('change', look);
    const form = h(
      'form',
      {
        class: 'gap',
        on: {
          submit(event) {
            event.preventDefault();
            send(files, {
              table: name.value.trim(),
              exists: what.value === 'replace',
              append: what.value === 'append' && Boolean(known()),
              skip: rows.value === 'skip',
            });
            files = null;
          },
        },
      },
      h('p', { class: 'ask' }, h('label', { for: 'intake-name' }, t('Name of the table')), name),
      told,
      exists,
      h('p', { class: 'ask' }, h('label', { for: 'intake-rows' }, t('Rows that cannot be read')), rows),
      h(
        'div',
        { class: 'acts' },
        start,
        h(
          'button',
          {
            class: 'btn',
            type: 'button',
            on: {
              click() {
                files = null;
                draw();
              },
            },
          },
          t('Let go'),
        ),
      ),
    );
    fill(
      box,
      title(t('Import a file of vectors')),
      h(
        'ul',
        { class: 'files' },
        files.map((file, place) =>
          h(
            'li',
            {},
            h('bdi', { class: 'strong' }, file.name),
            h('span', { class: 'dim num' }, ` ${bytesOf(file.size)}`),
            files.length > 1 && h('span', { class: 'dim' }, ` · ${place ? t('beside it') : t('the vectors')}`),
          ),
        ),
      ),
      form,
    );
    look();
  }

  function progress(of) {
    const share = of.total ? Math.min(1, of.sent / of.total) : 0;
    const done = Number(of.job?.progress?.done || 0);
    const isRows = of.job?.progress?.unit === 'JOB_UNIT_ROWS';
    const isSending = of.state === 'sending';
    const text = isSending
      ? t('{0} of {1} sent', bytesOf(of.sent), bytesOf(of.total))
      : t('All is sent. The server is making the table.');
    if (box.dataset.state !== 'under way') {
      box.dataset.state = 'under way';
      fill(
        box,
        title([t('Import'), ' · ', h('bdi', {}, of.table)]),
        h('p', { class: 'mid num told' }),
        h(
          'div',
          { class: 'pg', role: 'progressbar', 'aria-label': t('Import'), 'aria-valuemin': '0', 'aria-valuemax': '100' },
          h('b'),
        ),
        h('div', { class: 'acts' }, h('button', { class: 'btn', on: { click: () => of.stop() } }, t('Stop'))),
      );
      say(text);
    }
    box.querySelector('.told').textContent = text + (isRows && done ? ` · ${t('{0} rows read', count(done))}` : '');
    const bar = box.querySelector('.pg');
    bar.setAttribute('aria-valuenow', String(Math.round(share * 100)));
    bar.firstChild.style.width = `${share * 100}%`;
  }

  function ended(of) {
    const acts = [];
    if (of.state === 'done') {
      const left = (of.report?.reasons || []).slice(0, REASONS_SHOWN);
      fill(
        box,
        title(t('Import')),
        note(
          'good',
          of.report
            ? t(
                '{0} has {1} rows of {2} components.',
                h('bdi', {}, of.report.table),
                count(of.report.kept),
                of.report.dim,
              )
            : t('It is there.'),
        ),
        left.length > 0 &&
          h(
            'ul',
            { class: 'files' },
            left.map(one =>
              h(
                'li',
                {},
                h('b', { class: 'num' }, count(one.count)),
                ` ${one.reason.replaceAll('_', ' ')}`,
                one.done && `: ${one.done}`,
                one.at && h('span', { class: 'dim' }, ` (${one.at}`, one.word && [' ', h('bdi', {}, one.word)], ')'),
              ),
            ),
          ),
      );
      acts.push(h('a', { class: 'btn pri', href: goTo(of.report?.table || of.table) }, t('Look at it')));
      say(t('It is there.'));
    } else if (of.state === 'stopped') {
      fill(box, title(t('Import')), note('plain', t('The import was stopped. Nothing changed.')));
    } else {
      const text = of.problem.replace(`importing ${of.files[0].name}: `, '') || t('The connection broke.');
      fill(
        box,
        title(t('Import')),
        note(
          'bad',
          h(
            'p',
            {},
            h('b', {}, t('{0} was not imported.', h('bdi', {}, of.files[0].name))),
            ' ',
            t('Nothing changed.'),
          ),
          h('p', {}, text),
        ),
      );
      acts.push(
        h(
          'button',
          {
            class: 'btn pri',
            on: {
              click() {
                files = of.files;
                forgetTransfer();
              },
            },
          },
          t('Try again'),
        ),
      );
      say(text);
    }
    acts.push(h('button', { class: 'btn', on: { click: () => forgetTransfer() } }, t('Another file')));
    box.append(h('div', { class: 'acts' }, acts));
    if (of.state === 'done' && !of.isTold) {
      of.isTold = true;
      again();
    }
  }

  function draw() {
    if (signal.aborted) return;
    const of = transfer();
    if (isUnderWay()) {
      progress(of);
      return;
    }
    delete box.dataset.state;
    if (of && !files) ended(of);
    else if (files) ask();
    else choose();
  }
  draw();
  return box;
}
