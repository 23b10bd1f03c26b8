// How fast the explorer is: node measure.mjs BINARY BROWSER DATA TABLE, where DATA is a data folder with the table.
// Prints JSON Lines: milliseconds until a map is drawn, frames while it is panned, until a click is answered.

import { Chrome } from './chrome.mjs';
import { Server } from './server.mjs';

const [binary, browser, data, table] = process.argv.slice(2);
const server = await Server.start(binary, data);
const chrome = await Chrome.start(browser);
const tell = (name, figures) => console.log(JSON.stringify({ name, table, ...figures }));
const middle = list => list.slice().sort((a, b) => a - b)[list.length >> 1];

// The server makes its map for the first who asks, and keeps it.
const before = performance.now();
const told = await server.ask(`tables/${table}/map?without_places=true`);
tell('map made', { rows: told.row_count, milliseconds: Math.round(performance.now() - before) });

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
const frames = await page.run(`new Promise(done => {
  const canvas = document.querySelector('canvas.marks');
  const event = (type, x) => canvas.dispatchEvent(new PointerEvent(type, { pointerId: 1, clientX: x, clientY: 400, bubbles: true }));
  canvas.setPointerCapture = () => {};
  event('pointerdown', 500);
  const times = [];
  let last = performance.now();
  const step = now => {
    times.push(now - last);
    last = now;
    event('pointermove', 500 + 60 * Math.sin(times.length / 9));
    if (times.length < 150) requestAnimationFrame(step);
    else {
      event('pointerup', 500);
      done(times.slice(10));
    }
  };
  requestAnimationFrame(step);
})`);
frames.sort((a, b) => a - b);
const mean = frames.reduce((a, b) => a + b) / frames.length;
tell('pan', {
  'frames a second': Math.round(1000 / mean),
  'milliseconds, median': Math.round(frames[frames.length >> 1] * 10) / 10,
  'milliseconds, 95th': Math.round(frames[Math.floor(frames.length * 0.95)] * 10) / 10,
});

const first = (await server.ask(`tables/${table}/list-words`, { page_size: 1, offset: 900 })).words[0].word;
await page.go(`${server.url}/#/${table}/map/${encodeURIComponent(first)}`);
await page.until('document.documentElement.dataset.drawn', 60);
const answers = [];
const draws = [];
for (let i = 0; i < 9; i++) {
  const [answered, drawn] = await page.run(`new Promise(async done => {
    const start = performance.now();
    document.querySelectorAll('.list button')[${i % 3}].click();
    const html = document.documentElement;
    const wait = async name => { while (!(Number(html.dataset[name]) >= start)) await new Promise(go => setTimeout(go, 1)); return Number(html.dataset[name]) - start; };
    done([await wait('answered'), await wait('drawn')]);
  })`);
  answers.push(Math.round(answered));
  draws.push(Math.round(drawn));
}
tell('click to answer', { milliseconds: middle(answers), all: answers });
tell('click to answer on the map', { milliseconds: middle(draws), all: draws });
if (page.errors.length) tell('console', { errors: page.errors });
await chrome.end();
await server.stop();
