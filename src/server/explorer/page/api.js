// Questions to the server that sent the page, as JSON. A key stays in this tab.

const KEY = 'wordspace-key';
let key = sessionStorage.getItem(KEY) || '';
// Asks the user for a key; set by the shell.
let askForKey = null;
let asking = null;

export const authorization = () => (key ? { authorization: `Bearer ${key}` } : {});

export function whenKeyIsNeeded(ask) {
  askForKey = ask;
}

export function setKey(value) {
  key = value;
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
}

// Why there is no answer. `status` is 0 where the server was not reached.
export class Problem extends Error {
  constructor(status, told) {
    super(told.detail || told.title || `HTTP ${status}`);
    this.status = status;
    this.reason = told.reason || '';
    this.metadata = told.metadata || {};
    this.violations = told.violations || [];
  }

  // The words of a question that the table does not have.
  get unknown() {
    if (this.reason !== 'UNKNOWN_WORDS') return [];
    try {
      return JSON.parse(this.metadata.words || '[]');
    } catch {
      return [];
    }
  }
}

async function send(path, body, signal) {
  for (;;) {
    const headers = authorization();
    if (body !== undefined) headers['content-type'] = 'application/json';
    const method = body === undefined ? 'GET' : 'POST';
    let answer;
    try {
      const text = body === undefined ? undefined : JSON.stringify(body);
      answer = await fetch(`v1/${path}`, { method, headers, body: text, signal });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new Problem(0, { reason: 'UNREACHABLE', detail: String(error.message) });
    }
    if (answer.ok) return answer;
    const told = await answer.json().catch(() => ({}));
    if (answer.status !== 401 || !askForKey) throw new Problem(answer.status, told);
    // All questions wait for one key; it replaces one that was not right.
    if (!asking) asking = askForKey(key !== '', told.detail || '').finally(() => (asking = null));
    await asking;
    if (signal && signal.aborted) throw new DOMException('left', 'AbortError');
  }
}

// One question and its answer.
export async function ask(path, body, signal) {
  return (await send(path, body, signal)).json();
}

// Of an answer of many lines the first thing that is found in one of them. What follows is read and dropped: a server
// may take it that who stops to read is gone.
export async function first(path, body, find) {
  const answer = await send(path, body);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let [text, got] = ['', undefined];
  const rest = async () => {
    while (!(await reader.read()).done);
  };
  while (got === undefined) {
    const { value, done } = await reader.read();
    text += value || '';
    const lines = text.split('\n');
    text = lines.pop();
    for (const line of lines.filter(Boolean)) {
      const told = JSON.parse(line);
      if (told.problem) throw new Problem(told.problem.status || 500, told.problem);
      got ??= find(told);
    }
    if (done) break;
  }
  if (got === undefined) throw new Problem(500, { detail: 'the answer ended early' });
  rest().catch(() => {});
  return got;
}

// An answer of bytes alone.
export async function bytes(path, signal) {
  const answer = await send(path, undefined, signal);
  return { buffer: await answer.arrayBuffer(), tag: answer.headers.get('etag') };
}

// A question about a table.
export const of = (table, method, body, signal) => ask(`tables/${encodeURIComponent(table)}/${method}`, body, signal);

export const service = (name, body, signal) => ask(name, body || {}, signal);

// Numbers of a vector that came as bytes.
export function packed(text) {
  const raw = atob(text || '');
  const view = new DataView(new ArrayBuffer(raw.length));
  for (let i = 0; i < raw.length; i++) view.setUint8(i, raw.charCodeAt(i));
  const numbers = new Float32Array(raw.length >> 2);
  for (let i = 0; i < numbers.length; i++) numbers[i] = view.getFloat32(4 * i, true);
  return numbers;
}
