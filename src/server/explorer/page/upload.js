// Files that go to the server as a table: dropped or chosen, sent as they are, read there. The browser hands them over
// piece by piece, so a file may be larger than the memory. One goes at a time, and goes on in whatever view.

import { authorization, service } from './api.js';
import { answerOf, bytesField, fields, framed, headOfField, numberField, textField, textOf } from './wire.js';

const CHUNK_BYTES = 1 << 20;
const LOOK_MILLISECONDS = 700;

// What ends names of files that a table's name need not have.
const ENDS =
  /\.(gz|bz2|zst|xz|zip|txt|vec|bin|ftz|w2v|glove|fifu|npy|npz|safetensors|gguf|jsonl|json|csv|tsv|parquet|arrow|feather|magnitude|fbin|h5|hdf5|model|kv|pt|pth|wordspace)$/i;

// The name of a table made of a file's.
export function nameOf(file) {
  let name = file;
  while (ENDS.test(name)) name = name.replace(ENDS, '');
  name = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[-.]+$/g, '');
  return name.slice(0, 64) || 'table';
}

// The largest file is the table; vocabularies, tokenizers and the like lie beside it.
export const inOrder = files => [...files].sort((a, b) => b.size - a.size);

// What is sent now, or was last: state is sending, reading, done, failed or stopped.
let current = null;
const listeners = new Set();
const tell = () => {
  for (const listener of listeners) listener();
};

export const transfer = () => current;
export const isUnderWay = () => current?.state === 'sending' || current?.state === 'reading';

export function onTransfer(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function forgetTransfer() {
  if (isUnderWay()) return;
  current = null;
  tell();
}

addEventListener('beforeunload', event => {
  if (current?.state === 'sending') event.preventDefault();
});

// The stream of TransferService.Import: pieces of files stand in it, and are read when they are sent.
function stream(files, { table, exists, append, skip }) {
  const [first, ...beside] = files;
  const header = [
    ...textField(1, table),
    ...textField(3, first.name.slice(0, 200)),
    ...numberField(4, first.size),
    // IF_EXISTS_REPLACE and ON_INVALID_SKIP are 2 both, ERROR is 1.
    ...numberField(6, skip ? 2 : 1),
    ...numberField(8, exists ? 2 : 1),
    ...(append ? numberField(25, 1) : []),
  ];
  const parts = [framed(bytesField(1, header))];
  for (const file of [first, ...beside]) {
    if (file !== first) {
      parts.push(framed(bytesField(4, [...textField(1, file.name), ...numberField(2, file.size)])));
    }
    for (let at = 0; at < file.size; at += CHUNK_BYTES) {
      const piece = file.slice(at, at + CHUNK_BYTES);
      parts.push(headOfField(2, piece.size), piece);
    }
  }
  return new Blob(parts);
}

// What became of the rows.
function report(messages) {
  for (const message of messages.reverse()) {
    const [bytes] = fields(message).get(2) || [];
    if (!bytes) continue;
    const told = fields(bytes);
    const number = field => told.get(field)?.[0] || 0;
    const reasons = (told.get(9) || []).map(one => {
      const reason = fields(one);
      const [example] = reason.get(5) || [];
      const at = example && fields(example);
      return {
        reason: textOf(reason.get(1)?.[0]),
        count: reason.get(2)?.[0] || 0,
        isLeftOut: Boolean(reason.get(3)?.[0]),
        done: textOf(reason.get(4)?.[0]),
        at: at ? textOf(at.get(1)?.[0]) : '',
        word: at ? textOf(at.get(2)?.[0]) : '',
      };
    });
    return { table: textOf(told.get(1)?.[0]), dim: number(5), read: number(6), kept: number(7), reasons };
  }
  return null;
}

// Sends files; their state is told to whoever listens.
export function send(files, options) {
  const body = stream(files, options);
  const request = new XMLHttpRequest();
  const mine = { ...options, files, state: 'sending', sent: 0, total: body.size, job: null, report: null, problem: '' };
  current = mine;
  const looking = setInterval(look, LOOK_MILLISECONDS);
  const end = (state, more) => {
    clearInterval(looking);
    if (!isUnderWay()) return;
    Object.assign(mine, { state }, more);
    tell();
  };
  async function jobs() {
    const told = await service('JobService/ListJobs', {}).catch(() => ({}));
    const imports = (told.jobs || []).filter(one => one.kind === 'JOB_KIND_IMPORT' && one.table === options.table);
    return imports.sort((a, b) => Number(b.id) - Number(a.id))[0] || null;
  }
  // What the server says of the job while it is not answered.
  async function look() {
    const job = await jobs();
    if (!isUnderWay() || current !== mine) return;
    mine.job = job;
    tell();
  }
  request.open('POST', 'wordspace.v1.TransferService/Import');
  request.responseType = 'arraybuffer';
  for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
  request.setRequestHeader('content-type', 'application/grpc-web+proto');
  request.setRequestHeader('x-grpc-web', '1');
  request.upload.addEventListener('progress', event => {
    mine.sent = event.loaded;
    if (event.loaded >= mine.total) mine.state = 'reading';
    tell();
  });
  request.addEventListener('load', () => {
    const { messages, end: last } = answerOf(request.response || new ArrayBuffer(0));
    if (last.code === 0) end('done', { report: report(messages) });
    else end('failed', { problem: last.told || `HTTP ${request.status}` });
  });
  // A stream that the server ends before all was sent may end without its answer; the job has it.
  request.addEventListener('error', async () => {
    const job = await jobs();
    end('failed', { problem: job?.state === 'JOB_STATE_FAILED' ? job.error?.message || '' : '' });
  });
  request.addEventListener('abort', () => end('stopped'));
  mine.stop = () => request.abort();
  request.send(body);
  tell();
}
