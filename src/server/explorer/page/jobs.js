// Long work: what waits, runs and has ended; with progress, the loss of a training, and a way to stop it.

import { service } from './api.js';
import { h, s, fill } from './dom.js';
import { t } from './language.js';
import { bytesOf, count, fixed, note, skeleton, trouble } from './parts.js';

const LOOK_SECONDS = 1;
// Points of a loss that are kept while the view is open.
const LOSSES_MAX = 600;

const kinds = () => ({
  IMPORT: t('Import'),
  EXPORT: t('Export'),
  IMPORT_TEXTS: t('Import of texts'),
  TRAIN_TOKENIZER: t('Training of a tokenizer'),
  DEBIAS: t('Debiasing'),
  SEED_TABLE: t('Seeding'),
  VERIFY: t('Verification'),
  BACKUP: t('Backup'),
  RESTORE: t('Restoring'),
  TRAIN_TABLE: t('Training'),
  TRAIN_MODEL: t('Training of a language model'),
  IMPORT_MODEL: t('Import of a language model'),
  COMPARE_SMOOTHINGS: t('Comparison of smoothings'),
  MERGE_TABLES: t('Merge'),
});
const states = () => ({
  WAITING: ['', t('waits')],
  RUNNING: ['run', t('running')],
  DONE: ['ok', t('done')],
  FAILED: ['bad', t('failed')],
  CANCELLED: ['', t('stopped')],
});

export function jobsView(main, { signal }) {
  const page = h('div', { class: 'page', tabindex: '0' });
  const wrap = h('div', { class: 'wrap' });
  const list = h('div', { class: 'jobs gap' }, skeleton('80%', '60%'));
  page.append(wrap);
  main.append(page);
  wrap.append(
    h('h1', {}, t('Jobs')),
    h('p', { class: 'lead' }, t('What the server is doing, and what it did in the last hour.')),
    list,
  );
  const losses = new Map();
  let timer = 0;
  const refresh = async () => {
    try {
      const told = await service('JobService/ListJobs', {}, signal);
      if (signal.aborted) return;
      const jobs = (told.jobs || []).slice().reverse();
      if (!jobs.length) {
        fill(
          list,
          h(
            'div',
            { class: 'card' },
            h('h2', { class: 'h3' }, t('No job runs, and none ended lately.')),
            h('p', { class: 'mid' }, t('Imports, trainings, exports and backups show here while they go on.')),
            h('p', { class: 'mono dim gap' }, 'wordspace import FILE --table en'),
            h('p', { class: 'mono dim' }, 'wordspace train corpus.txt --table mine'),
          ),
        );
      } else {
        for (const job of jobs) {
          const learning = job.progress?.learning;
          if (learning?.loss) {
            const all = losses.get(job.id) || [];
            const last = all[all.length - 1];
            if (!last || last[0] !== Number(learning.tokens || 0))
              all.push([Number(learning.tokens || 0), learning.loss]);
            if (all.length > LOSSES_MAX) all.splice(0, all.length, ...all.filter((_, i) => i % 2));
            losses.set(job.id, all);
          }
        }
        const fresh = jobs.map(job => card(job, losses.get(job.id), signal, refresh));
        // The keyboard stays where it was.
        const focused = document.activeElement?.dataset?.job;
        fill(list, ...fresh);
        if (focused) list.querySelector(`[data-job="${Number(focused)}"]`)?.focus();
      }
    } catch (error) {
      const shown = trouble(error, { again: refresh });
      if (shown && !signal.aborted) fill(list, shown);
    }
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(refresh, LOOK_SECONDS * 1000);
  };
  refresh();
  return () => clearTimeout(timer);
}

function card(job, losses, signal, refresh) {
  const kind = kinds()[(job.kind || '').replace('JOB_KIND_', '')] || t('Job');
  const [style, state] = states()[(job.state || '').replace('JOB_STATE_', '')] || ['', ''];
  const progress = job.progress || {};
  const isUnderWay = job.state === 'JOB_STATE_RUNNING' || job.state === 'JOB_STATE_WAITING';
  const done = Number(progress.done || 0);
  const total = Number(progress.total || 0);
  const number = progress.unit === 'JOB_UNIT_BYTES' ? bytesOf : count;
  const unit = { JOB_UNIT_ROWS: t('rows'), JOB_UNIT_TOKENS: t('tokens') }[progress.unit] || '';
  const told = [];
  if (progress.phase) told.push(progress.phase);
  if (done) told.push(`${total ? t('{0} of {1}', number(done), number(total)) : number(done)} ${unit}`.trim());
  if (progress.rate && isUnderWay) told.push(`${number(Math.round(progress.rate))} ${unit} / s`.replace('  ', ' '));
  if (progress.seconds_left != null && isUnderWay) told.push(t('about {0} s left', Math.ceil(progress.seconds_left)));
  if (!isUnderWay && progress.seconds) told.push(t('{0} s', fixed(progress.seconds, 1)));
  const learning = progress.learning;
  if (learning && isUnderWay) told.push(t('epoch {0} of {1}', learning.epoch, learning.epochs));
  const stop = h(
    'button',
    {
      class: 'btn',
      'data-job': job.id,
      on: {
        async click(event) {
          event.currentTarget.disabled = true;
          try {
            await service('JobService/CancelJob', { id: job.id }, signal);
          } catch (error) {
            const shown = trouble(error);
            if (shown && !signal.aborted) body.append(h('div', { class: 'whole' }, shown));
            return;
          }
          refresh();
        },
      },
    },
    t('Stop'),
  );
  const share = total ? Math.min(1, done / total) : null;
  const body = h(
    'div',
    { class: 'card job' },
    h(
      'div',
      {},
      h('h2', { class: 'h3' }, kind, job.table && [' · ', h('bdi', {}, job.table)]),
      h('p', { class: 'mid num' }, told.join(' · ') || t('no figures yet')),
      h('p', { class: 'dim small' }, t('job {0}', job.id), job.owner ? ` · ${job.owner}` : ''),
    ),
    h('div', { class: 'right' }, h('span', { class: `state ${style}` }, state), isUnderWay && stop),
    isUnderWay &&
      share != null &&
      h(
        'div',
        {
          class: 'pg',
          role: 'progressbar',
          'aria-label': kind,
          'aria-valuemin': '0',
          'aria-valuemax': '100',
          'aria-valuenow': String(Math.round(share * 100)),
        },
        h('b', { style: { width: `${share * 100}%` } }),
      ),
    job.error?.message &&
      h('div', { class: 'whole' }, note(job.state === 'JOB_STATE_FAILED' ? 'bad' : 'plain', job.error.message)),
    losses?.length > 1 && h('div', { class: 'whole' }, curve(losses)),
    (learning?.probes || [])
      .filter(one => one.known)
      .map(one =>
        h(
          'p',
          { class: 'whole mid' },
          h('b', { dir: 'auto' }, one.word),
          ': ',
          (one.neighbors || [])
            .slice(0, 5)
            .map(near => near.word)
            .join(', '),
        ),
      ),
  );
  return body;
}

function curve(losses) {
  const [width, height] = [900, 130];
  const most = Math.max(...losses.map(([, loss]) => loss)) * 1.1;
  const [first, last] = [losses[0][0], losses[losses.length - 1][0]];
  const X = tokens => 40 + ((tokens - first) / (last - first || 1)) * (width - 60);
  const Y = loss => height - 20 - (loss / most) * (height - 34);
  const path = losses
    .map(([tokens, loss], i) => `${i ? 'L' : 'M'}${X(tokens).toFixed(1)} ${Y(loss).toFixed(1)}`)
    .join('');
  const now = losses[losses.length - 1];
  return s(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      width: '100%',
      role: 'img',
      'aria-label': t('Loss, now {0}', fixed(now[1], 3)),
    },
    [0, most / 2, most / 1.1].map(level => [
      s('line', { x1: 40, x2: width - 12, y1: Y(level), y2: Y(level), stroke: 'var(--line)' }),
      s(
        'text',
        { x: 32, y: Y(level) + 4, 'text-anchor': 'end', 'font-size': 11, fill: 'var(--ink3)' },
        fixed(level, 1),
      ),
    ]),
    s('path', { d: path, fill: 'none', stroke: 'var(--accent)', 'stroke-width': 1.8, 'stroke-linejoin': 'round' }),
    s('circle', { cx: X(now[0]), cy: Y(now[1]), r: 4, fill: 'var(--accent)' }),
    s(
      'text',
      {
        x: Math.min(X(now[0]), width - 40),
        y: Y(now[1]) - 10,
        'text-anchor': 'middle',
        'font-size': 13,
        'font-weight': 600,
        fill: 'var(--ink)',
      },
      fixed(now[1], 3),
    ),
    s(
      'text',
      { x: 40, y: height - 3, 'font-size': 11, fill: 'var(--ink3)' },
      t('loss by tokens read, since this page was opened'),
    ),
  );
}
