// Long work: what waits, runs and has ended; with progress, the loss of a training, and a way to stop it.

import { service } from './api.js';
import { h, s, fill } from './dom.js';
import { t } from './language.js';
import { bytesOf, count, fixed, note, skeleton, trouble } from './parts.js';

const LOOK_SECONDS = 1;
// Points of a loss that are kept, and trainings of which they are.
const LOSSES_MAX = 600;
const TRAININGS_MAX = 16;

// For each training what it said on its way: tokens, loss, and tokens a second. Kept while the page is open, so whoever
// looks at another view meanwhile finds the line whole.
const heard = new Map();

function hear(job) {
  const learning = job.progress?.learning;
  if (!learning?.loss) return;
  const key = `${job.id} ${job.created_at}`;
  const all = heard.get(key) || [];
  const tokens = Number(learning.tokens || 0);
  if (!all.length || all[all.length - 1][0] !== tokens)
    all.push([tokens, learning.loss, learning.tokens_per_second || 0]);
  // Every second one says as much, but for the last.
  if (all.length > LOSSES_MAX) all.splice(0, all.length, ...all.filter((_, i) => i % 2 || i === all.length - 1));
  heard.delete(key);
  heard.set(key, all);
  for (const oldest of heard.keys()) {
    if (heard.size <= TRAININGS_MAX) break;
    heard.delete(oldest);
  }
}

const heardOf = job => heard.get(`${job.id} ${job.created_at}`);

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
  ARRANGE_MAP: t('Arranging of words'),
});
const states = () => ({
  WAITING: ['', t('waits')],
  RUNNING: ['run', t('running')],
  DONE: ['ok', t('done')],
  FAILED: ['bad', t('failed')],
  CANCELLED: ['', t('stopped')],
});

const phases = () => ({
  arranging: t('arranging'),
  counting: t('counting'),
  learning: t('learning'),
  reading: t('reading'),
  writing: t('writing'),
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
        jobs.forEach(hear);
        // Within the borders of a card.
        const across = Math.max(NARROW, Math.min(WIDE, list.clientWidth - 44));
        const fresh = jobs.map(job => card(job, { losses: heardOf(job), across }, signal, refresh));
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

function card(job, { losses, across }, signal, refresh) {
  const kind = kinds()[(job.kind || '').replace('JOB_KIND_', '')] || t('Job');
  const [style, state] = states()[(job.state || '').replace('JOB_STATE_', '')] || ['', ''];
  const progress = job.progress || {};
  const isUnderWay = job.state === 'JOB_STATE_RUNNING' || job.state === 'JOB_STATE_WAITING';
  const done = Number(progress.done || 0);
  const total = Number(progress.total || 0);
  const number = progress.unit === 'JOB_UNIT_BYTES' ? bytesOf : count;
  const unit = { JOB_UNIT_ROWS: t('rows'), JOB_UNIT_TOKENS: t('tokens') }[progress.unit] || '';
  const told = [];
  if (progress.phase) told.push(phases()[progress.phase] || progress.phase);
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
    losses?.length > 1 && h('div', { class: 'whole curves' }, curve(losses, across), pace(losses, across)),
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

const [LEFT, RIGHT] = [44, 54];
const [NARROW, WIDE] = [240, 1600];

// Between what the scale of these values goes: from 0 up, or around a line that changes little.
function span(values, isFromZero) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (isFromZero) return [0, most * 1.1 || 1];
  const range = Math.max(most - least, most / 20, 1e-6);
  return [Math.max(0, least - range * 0.25), most + range * 0.25];
}

// A line over tokens, with the last value beside its end.
function line(points, [across, height], { color, width, isFromZero, levels, digits, text, label }) {
  const [low, high] = span(
    points.map(([, value]) => value),
    isFromZero,
  );
  const [first, last] = [points[0][0], points[points.length - 1][0]];
  const X = tokens => LEFT + ((tokens - first) / (last - first || 1)) * (across - LEFT - RIGHT);
  const Y = value => height - 8 - ((value - low) / (high - low)) * (height - 16);
  const path = points
    .map(([tokens, value], i) => `${i ? 'L' : 'M'}${X(tokens).toFixed(1)} ${Y(value).toFixed(1)}`)
    .join('');
  const now = points[points.length - 1];
  return s(
    'svg',
    { viewBox: `0 0 ${across} ${height}`, width: across, height, role: 'img', 'aria-label': label },
    levels.map(share => {
      const level = low + share * (high - low);
      const y = Y(level);
      return [
        s('line', { x1: LEFT, x2: across - RIGHT, y1: y, y2: y, stroke: 'var(--line)' }),
        s(
          'text',
          { x: LEFT - 8, y: y + 4, 'text-anchor': 'end', 'font-size': 11, fill: 'var(--ink3)' },
          digits(level, high - low),
        ),
      ];
    }),
    s('path', { d: path, fill: 'none', stroke: color, 'stroke-width': width, 'stroke-linejoin': 'round' }),
    s('circle', { cx: X(now[0]), cy: Y(now[1]), r: 3.5, fill: color }),
    s(
      'text',
      { x: X(now[0]) + 8, y: Y(now[1]) + 4, 'font-size': 12, 'font-weight': 600, fill: 'var(--ink)' },
      text(now[1]),
    ),
  );
}

const short = number =>
  number >= 1e6 ? `${(number / 1e6).toFixed(1)}M` : number >= 1e3 ? `${Math.round(number / 1e3)}k` : `${Math.round(number)}`;

function curve(losses, across) {
  const [, now] = losses[losses.length - 1];
  return h(
    'figure',
    {},
    h('figcaption', { class: 'dim small' }, t('Loss by tokens read, since this page was opened')),
    line(losses, [across, 130], {
      color: 'var(--accent)',
      width: 1.8,
      isFromZero: false,
      levels: [0, 0.5, 1],
      digits: (level, range) => fixed(level, range < 0.2 ? 3 : range < 2 ? 2 : 1),
      text: loss => fixed(loss, 3),
      label: t('Loss, now {0}', fixed(now, 3)),
    }),
  );
}

function pace(losses, across) {
  const rates = losses.map(([tokens, , rate]) => [tokens, rate]);
  const [, now] = rates[rates.length - 1];
  if (!(now > 0)) return null;
  return h(
    'figure',
    {},
    h('figcaption', { class: 'dim small' }, t('Tokens a second')),
    line(rates, [across, 64], {
      color: 'var(--ink3)',
      width: 1.4,
      isFromZero: true,
      levels: [0, 1],
      digits: short,
      text: short,
      label: t('Tokens a second, now {0}', count(Math.round(now))),
    }),
  );
}
