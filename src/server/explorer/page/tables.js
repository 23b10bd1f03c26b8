// All tables, and how the server is.

import { service } from './api.js';
import { h, fill } from './dom.js';
import { t } from './language.js';
import { intake } from './intake.js';
import { bytesOf, count, fact, fixed, note, skeleton, trouble } from './parts.js';

export const indexState = table =>
  ({
    INDEX_STATE_READY: ['ok', t('ready')],
    INDEX_STATE_BUILDING: ['run', t('being built')],
    INDEX_STATE_QUEUED: ['run', t('waits')],
    INDEX_STATE_FAILED: ['bad', t('failed')],
    INDEX_STATE_STOPPED: ['', t('stopped')],
  })[table.index?.state] || ['', t('exact')];

export function tablesView(main, { tables, look, goTo, again, signal }) {
  const page = h('div', { class: 'page', tabindex: '0' });
  const wrap = h('div', { class: 'wrap' });
  page.append(wrap);
  main.append(page);
  const status = h('div', { class: 'card gap' }, skeleton('70%', '50%'));
  const row = table => {
    const [kind, state] = indexState(table);
    return h(
      'tr',
      { class: look && table.name === look.name ? 'on' : '' },
      h(
        'td',
        { class: 'grow' },
        h('a', { href: goTo(table.name), dir: 'auto', class: 'strong' }, table.name),
        table.aliases?.length > 0 && h('span', { class: 'dim' }, ` ${table.aliases.join(', ')}`),
        table.problem && note('bad', table.problem),
      ),
      h('td', { class: 'num' }, count(table.row_count || 0)),
      h('td', { class: 'num wide' }, table.dim || ''),
      h('td', { class: 'wide' }, (table.dtype || '').replace('DTYPE_', '').toLowerCase()),
      h('td', { class: 'num wide' }, bytesOf(table.memory_bytes)),
      h(
        'td',
        {},
        h('span', { class: `state ${table.problem ? 'bad' : kind}` }, table.problem ? t('cannot answer') : state),
      ),
      h('td', { class: 'wide dim', dir: 'auto' }, table.provenance?.source || ''),
    );
  };
  wrap.append(
    h('h1', {}, t('Tables')),
    h(
      'p',
      { class: 'lead' },
      tables.length ? t('Choose the table that all views look at.') : t('Nothing is here yet.'),
    ),
    tables.length
      ? h(
          'div',
          { class: 'card scroll gap' },
          h(
            'table',
            {},
            h(
              'thead',
              {},
              h(
                'tr',
                {},
                [
                  [t('Name'), 'grow'],
                  [t('Words'), 'num'],
                  [t('Components'), 'num wide'],
                  [t('Kept as'), 'wide'],
                  [t('Memory'), 'num wide'],
                  [t('Index'), ''],
                  [t('Source'), 'wide'],
                ].map(([name, kind]) => h('th', { scope: 'col', class: kind }, name)),
              ),
            ),
            h('tbody', {}, tables.map(row)),
          ),
        )
      : h(
          'p',
          { class: 'mid gap' },
          t('Or from a shell:'),
          ' ',
          h('code', {}, 'wordspace import FILE --table en'),
          ' ',
          t('or, with 20,000 words of GloVe to try,'),
          ' ',
          h('code', {}, 'wordspace demo'),
        ),
    intake({ tables, goTo, again, signal }),
    h('h2', { class: 'h3 gap' }, t('Server')),
    status,
  );
  service('AdminService/GetStatus', {}, signal).then(
    told => {
      const hours = (told.uptime_seconds || 0) / 3600;
      fill(
        status,
        (told.problems || []).map(text => note('bad', text)),
        h(
          'dl',
          { class: 'facts four' },
          fact(t('Version'), told.version, told.kernel),
          fact(t('Up for'), hours >= 1 ? t('{0} h', fixed(hours, 1)) : t('{0} min', fixed(hours * 60, 0))),
          fact(t('Memory'), bytesOf(told.resident_bytes), t('at most {0}', bytesOf(told.resident_bytes_max))),
          fact(
            t('On disk'),
            bytesOf(Number(told.store_bytes || 0) + Number(told.index_bytes || 0)),
            t('vectors and index'),
          ),
          fact(t('Memory of jobs'), bytesOf(told.job_memory_bytes), t('of {0}', bytesOf(told.job_memory_bytes_max))),
          fact(t('Temporary files'), bytesOf(told.spool_bytes), t('of {0}', bytesOf(told.spool_bytes_max))),
          fact(t('Imports'), count(told.import_count || 0), t('under way')),
          fact(t('Builds'), count(told.build_count || 0), t('under way')),
        ),
        h(
          'p',
          { class: 'foot' },
          t('All that this page asks can be asked by programs:'),
          ' ',
          h('a', { href: 'v1/openapi.json' }, 'openapi.json'),
        ),
      );
    },
    error => {
      const shown = trouble(error);
      if (shown && !signal.aborted) fill(status, shown);
    },
  );
  return null;
}
