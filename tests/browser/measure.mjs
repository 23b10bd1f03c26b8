// How fast the explorer is: node measure.mjs BINARY BROWSER DATA TABLE [WHAT], where DATA is a data folder with the table.
// Prints JSON Lines: milliseconds until a map is drawn, frames while it is panned and zoomed, until a click is answered.
// WHAT is `soak`: what somebody does in half an hour, one thing every three seconds, without waiting between; what the
// page holds after each part of it. WHAT is `use`: the same, with the waiting, for half an hour by the clock, or as many
// minutes as follow.

import { Chrome } from './chrome.mjs';
import { Server } from './server.mjs';

const [binary, browser, data, table, what, minutes = 30] = process.argv.slice(2);
const server = await Server.start(binary, data);
const chrome = await Chrome.start(browser);
const tell = (name, figures) => console.log(JSON.stringify({ name, table, ...figures }));
const middle = list => list.slice().sort((a, b) => a - b)[list.length >> 1];

// The server makes its map for the first who asks, and keeps it.
const before = performance.now();
const told = await server.ask(`tables/${table}/map?without_places=true`);
tell('map made', { rows: told.row_count, milliseconds: Math.round(performance.now() - before) });

// Frames while something is done in each of them.
const frames = (page, setup, step, end) =>
  page.run(`new Promise(done => {
  const canvas = document.querySelector('canvas.marks');
  canvas.setPointerCapture = () => {};
  const box = canvas.getBoundingClientRect();
  const [mx, my] = [box.left + box.width / 2, box.top + box.height / 2];
  const pointer = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, { pointerId: 1, clientX: x, clientY: y, bubbles: true }));
  const wheel = deltaY => canvas.dispatchEvent(new WheelEvent('wheel', { deltaY, clientX: mx, clientY: my, bubbles: true, cancelable: true }));
  ${setup};
  const times = [];
  let last = performance.now();
  const next = now => {
    times.push(now - last);
    last = now;
    ${step};
    if (times.length < 250) requestAnimationFrame(next);
    else {
      ${end};
      done(times.slice(10));
    }
  };
  requestAnimationFrame(next);
})`);

function tellFrames(name, all) {
  const sorted = all.slice().sort((a, b) => a - b);
  tell(name, {
    'frames a second': Math.round(1000 / (all.reduce((a, b) => a + b) / all.length)),
    'milliseconds, median': Math.round(sorted[sorted.length >> 1] * 10) / 10,
    'milliseconds, 95th': Math.round(sorted[Math.floor(sorted.length * 0.95)] * 10) / 10,
    'milliseconds, most': Math.round(sorted[sorted.length - 1] * 10) / 10,
  });
}

async function speed() {
  const paints = [];
  let page;
  for (let i = 0; i < 5; i++) {
    await page?.end();
    page = await chrome.page();
    await page.go(`${server.url}/#/${table}/map`);
    await page.until('document.documentElement.dataset.painted', 60);
    // What was painted is on the screen a frame later.
    paints.push(
      await page.run(
        'new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(Math.round(Number(document.documentElement.dataset.painted))))))',
      ),
    );
  }
  tell('first paint', { milliseconds: middle(paints), all: paints });

  await page.until('document.querySelectorAll(".leg button").length');
  const drag = 'pointer("pointermove", mx + 260 * Math.sin(times.length / 29), my + 90 * Math.sin(times.length / 17))';
  const pan = () => frames(page, 'pointer("pointerdown", mx, my)', drag, 'pointer("pointerup", mx, my)');
  // What the browser takes for any change of the page, beside which the others are to be seen.
  const dot = `const dot = document.createElement('div');
  dot.style.cssText = 'position:fixed;left:0;top:300px;width:10px;height:10px;will-change:transform;background:red';
  document.body.append(dot)`;
  const still = await frames(page, dot, 'dot.style.transform = `translate(${times.length}px)`', 'dot.remove()');
  tellFrames('a dot is moved', still);
  tellFrames('pan', await pan());
  tellFrames('zoom', await frames(page, '', 'wheel(times.length < 130 ? -22 : 22)', ''));
  await page.run(
    `document.querySelector('canvas.marks').dispatchEvent(new WheelEvent('wheel', { deltaY: -900, clientX: 500, clientY: 400, cancelable: true }))`,
  );
  tellFrames('pan, zoomed in', await pan());

  const first = (await server.ask(`tables/${table}/list-words`, { page_size: 1, offset: 900 })).words[0].word;
  await page.go(`${server.url}/#/${table}/map/${encodeURIComponent(first)}`);
  await page.until('document.documentElement.dataset.drawn', 60);
  const answers = [];
  const draws = [];
  const shows = [];
  for (let i = 0; i < 9; i++) {
    const [answered, drawn, shown] = await page.run(`new Promise(async done => {
      const start = performance.now();
      document.querySelectorAll('.list button')[${i % 3}].click();
      const html = document.documentElement;
      const wait = async (name, of = html, from = start, most = 10000) => {
        const end = performance.now() + most;
        while (!(Number(of.dataset[name]) >= from) && performance.now() < end) await new Promise(go => setTimeout(go, 1));
        return Math.max(Number(of.dataset[name]) - start, 0);
      };
      const answered = await wait('answered');
      const drawn = await wait('drawn');
      // Points that stay as they were are not drawn again.
      const shown = await wait('shown', document.querySelector('canvas.points'), start, 1000);
      done([answered, drawn, Math.max(drawn, shown)]);
    })`);
    answers.push(Math.round(answered));
    draws.push(Math.round(drawn));
    shows.push(Math.round(shown));
  }
  tell('click to answer', { milliseconds: middle(answers), all: answers });
  tell('click to answer on the map', { milliseconds: middle(draws), all: draws });
  tell('click to all points drawn anew', { milliseconds: middle(shows), all: shows });
  return page;
}

// Every view, words by the dozen, and what a hand does to a map: all at once, or for some minutes by the clock.
async function soak(isPaced) {
  const SECONDS = 3;
  const STEPS = isPaced ? Math.round((minutes * 60) / SECONDS) : 600;
  const PART = isPaced ? Math.max(1, Math.round(STEPS / 6)) : 100;
  const page = await chrome.page();
  const listed = await server.ask(`tables/${table}/list-words`, { page_size: 40, offset: 900 });
  const words = listed.words
    .map(one => one.word)
    .filter(one => /^[a-z]{3,}$/.test(one))
    .slice(0, 12);
  await page.go(`${server.url}/#/${table}/map`);
  await page.until('document.documentElement.dataset.painted', 60);
  const rest = '!document.querySelector("#main .sk")';
  const name = i => encodeURIComponent(words[i % words.length]);
  const show = address => page.run(`location.hash = ${JSON.stringify(`#/${table}/${address}`)}`);
  const acts = [
    i => show(`map/${name(i)}`),
    () => page.run('document.querySelector(".list button")?.click()'),
    () =>
      page.drag([
        [500, 400],
        [560, 420],
        [640, 380],
        [520, 440],
      ]),
    () => page.send('Input.dispatchMouseEvent', { type: 'mouseWheel', x: 500, y: 400, deltaX: 0, deltaY: -240 }),
    () => page.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x: 450, y: 350 }),
    () => page.run('history.back()'),
    () => show('map'),
    () =>
      page.drag(
        [
          [480, 380],
          [560, 380],
          [560, 440],
          [480, 440],
          [480, 380],
        ],
        { shift: true },
      ),
    i => show(`map/${name(i + 3)}?color=near`),
    i => show(`analogy/${name(i)}/${name(i + 1)}/${name(i + 2)}`),
    i => show(`axis/${name(i)}/${name(i + 5)}`),
    i => show(`compare/${name(i)}`),
    () => show('bias/career-family'),
    () => show('tokens'),
    i => show(`texts?text=${name(i)}%20${name(i + 1)}`),
    () => show('tables'),
    () => show('jobs'),
    () => page.run('document.querySelector(".tools .ib:last-child").click()'),
    () => show('map'),
    () => page.click(520, 420),
  ];
  const all = [];
  const start = performance.now();
  for (let i = 0; i <= STEPS; i++) {
    if (i % PART === 0) {
      await show('map');
      await page.until(rest, 60);
      // Words that were told of are kept, of three tables at most.
      const known = await page.run(`(async () => {
        const { tables } = await (await fetch('v1/tables')).json();
        const { look } = await import('/explorer/state.js');
        return tables.slice(0, 3).reduce((sum, table) => sum + look(table).rows.size, 0);
      })()`);
      const clock = isPaced && { minutes: Math.round((performance.now() - start) / 6000) / 10 };
      all.push({ ...clock, interactions: i, words: known, ...(await page.held()) });
      tell('held', all[all.length - 1]);
    }
    await acts[i % acts.length](Math.floor(i / acts.length));
    await page.until(rest, 60);
    const due = start + (i + 1) * SECONDS * 1000 - performance.now();
    if (isPaced && due > 0) await new Promise(go => setTimeout(go, due));
  }
  // Every word has had its turn by then.
  const [first, last] = [all[all.length >> 1], all[all.length - 1]];
  tell(`growth from interaction ${first.interactions} to ${last.interactions}`, {
    'heap, %': Math.round((last.heap / first.heap - 1) * 1000) / 10,
    words: last.words - first.words,
    nodes: last.nodes - first.nodes,
    listeners: last.listeners - first.listeners,
  });
  return page;
}

const page = await (what === 'soak' || what === 'use' ? soak(what === 'use') : speed());
if (page.errors.length) tell('console', { errors: page.errors });
await chrome.end();
await server.stop();
