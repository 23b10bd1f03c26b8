// What a user does with the explorer, in a browser. Ends with a line that says how many stories passed.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chrome } from './chrome.mjs';
import { decode, difference, unlikeGround } from './png.mjs';
import { Server } from './server.mjs';

const [binary, browser, pictures] = process.argv.slice(2);
const vectors = new URL('../../examples/data/glove.6B.50d.20k.txt.gz', import.meta.url).pathname;

// Words that are hard to show: markup, long ones, from right to left, CJK, marks, bytes without a letter.
const ODD = [
  '<img/src=x/onerror=alert(1)>',
  'Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen',
  '南京市长江大桥',
  'مرحبا',
  'שלום',
  'a\u0301b\u0301',
  '👩‍🚀',
  'New_York_City',
  '&amp;',
  "'quoted'",
  '#/x/map',
  '100%',
  'ordinary',
];

const files = mkdtempSync(join(tmpdir(), 'wordspace-files-'));
const server = await Server.start(binary);
const chrome = await Chrome.start(browser);
if (pictures) mkdirSync(pictures, { recursive: true });

function file(name, text) {
  const path = join(files, name);
  writeFileSync(path, text);
  return path;
}

server.run(['import', vectors, '--table', 'glove']);
server.run([
  'import',
  file('odd.txt', ODD.map((word, i) => `${word} ${Math.cos(i)} ${Math.sin(i)} 0.5 ${i / 9}\n`).join('')),
  '--table',
  'odd',
]);
server.run(['import', file('one.txt', 'alone 1 2 3\n'), '--table', 'one']);
server.run(['create', 'empty', '--dim', '3']);
server.run(['import', vectors, '--table', 'half', '--limit', '9000']);
server.run(['import', vectors, '--table', 'few', '--limit', '1500']);
// Maps are made once, and not waited for in each story.
for (const table of ['glove', 'half', 'odd']) await server.ask(`tables/${table}/map?without_places=true`);

let passed = 0;
let failed = 0;
const began = performance.now();

// A story on a page of its own, which must end without a word in the console or a request to elsewhere.
async function story(name, options, tell) {
  if (!name.includes(process.env.STORY || '')) return;
  const page = await chrome.page(options);
  const start = performance.now();
  const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  try {
    page.open = (address, query = '') => page.go(`${server.url}/${query}#/${address}`);
    page.hash = () => page.run('decodeURIComponent(location.hash)');
    await tell(page);
    const foreign = page.requests.filter(url => !url.startsWith(`${server.url}/`) && !/^(data|blob|about):/.test(url));
    if (foreign.length) throw new Error(`asked elsewhere: ${foreign}`);
    const errors = page.errors.filter(text => !(page.expected || []).some(known => text.includes(known)));
    if (errors.length) throw new Error(`in the console: ${errors.join('\n')}`);
    passed++;
    console.log(`ok    ${name} (${seconds()})`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name} (${seconds()})\n${error.stack}`);
  }
  if (pictures) await page.picture(join(pictures, `${name.replace(/[^a-z0-9]+/gi, '-')}.png`)).catch(() => {});
  await page.end();
}

const same = (got, wanted) => {
  if (JSON.stringify(got) !== JSON.stringify(wanted))
    throw new Error(`got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);
};
const truth = (is, what) => {
  if (!is) throw new Error(what);
};
const painted = 'document.documentElement.dataset.painted';
const drawn = 'document.documentElement.dataset.drawn';
// The map without what stands over it, at 1280 by 800.
const MAP = [190, 110, 910, 690];
const pixelsOf = async page => decode(await page.shot());

await story('the map comes up with points, words and clusters', {}, async page => {
  await page.open('');
  await page.until(painted);
  await page.until('document.querySelectorAll(".leg button").length === 8');
  await page.shows('are near on the map, on average');
  same(await page.run('document.title'), 'Map · glove · wordspace');
  // 20,000 points cover much of it, in eight colors and what is between them; labels alone are a twentieth of that.
  const { pixels, colors } = unlikeGround(await pixelsOf(page), MAP);
  truth(pixels > 100_000 && colors > 1000, `no points: ${pixels} pixels, ${colors} colors`);
});

await story(
  'points are the same by shaders and as pixels, and stay in place while the map is moved',
  {},
  async page => {
    const pictures = {};
    for (const way of ['pixels', 'shaders']) {
      await page.open('glove/map', `?points=${way}`);
      await page.until(painted);
      await page.shows('are near on the map, on average');
      pictures[way] = await pixelsOf(page);
    }
    const apart = difference(pictures.pixels, pictures.shaders, MAP);
    truth(apart < 24, `shaders draw another picture than pixels: ${apart} of 255`);
    await page.open('glove/map', '?points=pixels');
    await page.until(painted);
    await page.shows('are near on the map, on average');
    // Labels may go elsewhere; points may not, while the layer is moved and when it is drawn anew.
    const bare = () => page.run('document.querySelector("canvas.marks").style.opacity = "0"');
    await bare();
    const before = await pixelsOf(page);
    const [left, top, right, low] = MAP;
    for (const way of [40, 120]) {
      await page.drag([
        [500, 400],
        [500 + way / 2, 400],
        [500 + way, 400],
      ]);
      await new Promise(go => setTimeout(go, 300));
      const after = await pixelsOf(page);
      const moved = { at: (x, y) => before.at(x - way, y) };
      const wrong = difference(moved, after, [left + way, top, right, low]);
      truth(wrong < 1.5, `points moved otherwise than the map by ${wrong} after ${way} pixels`);
      const unmoved = difference(before, after, [left + way, top, right, low]);
      truth(unmoved > 4 * wrong + 2, `the map was not moved: ${unmoved}`);
      await page.drag([
        [500 + way, 400],
        [500, 400],
      ]);
    }
  },
);

await story('a word is found by its beginning, and the back button goes back', {}, async page => {
  await page.open('glove/map');
  await page.until(painted);
  await page.press('/', { text: '/' });
  await page.type('quee');
  await page.until('document.querySelector("[role=option]")?.innerText.startsWith("queen")');
  await page.press('Enter');
  await page.until(drawn);
  same(await page.hash(), '#/glove/map/queen');
  const told = await server.ask('tables/glove/nearest', { positive: [{ word: 'queen' }] });
  same(
    await page.run('[...document.querySelectorAll(".list .t")].map(e => e.textContent)'),
    told.neighbors.map(one => one.word),
  );
  same(await page.run('document.querySelector(".list .c").textContent'), told.neighbors[0].similarity.toFixed(4));
  await page.run('document.querySelector(".list button").click()');
  await page.until('document.querySelector("h1.word")?.textContent === "princess"');
  await page.run('history.back()');
  await page.until('document.querySelector("h1.word")?.textContent === "queen"');
  // Out of the search box, and then to the map.
  await page.press('Escape');
  await page.press('Escape');
  await page.until('location.hash === "#/glove/map"');
});

await story('a click on a point asks for its word', {}, async page => {
  await page.open('glove/map');
  await page.until(painted);
  await page.until('document.querySelectorAll(".leg button").length === 8');
  await page.click(560, 430);
  await page.until(drawn);
  truth(/^#\/glove\/map\/./.test(await page.hash()), await page.hash());
});

await story('three words are an analogy', {}, async page => {
  await page.open('glove/map');
  await page.until(painted);
  await page.run('document.querySelector("#find-input").focus()');
  await page.type('man king woman');
  await page.until('document.querySelector("[role=option]")?.innerText.includes("man is to king as woman")');
  await page.press('Enter');
  await page.until('document.querySelector("h1.word")?.textContent === "queen"');
  await page.shows('With your words left in, the answer is king,');
  await page.until('document.querySelectorAll(".panel svg circle").length === 4');
});

await story('two words are the ends of an axis', {}, async page => {
  await page.open('glove/map');
  await page.until(painted);
  await page.run('document.querySelector("#find-input").focus()');
  await page.type('she he');
  await page.until('document.querySelector("[role=option]")?.innerText.includes("From she to he")');
  await page.press('Enter');
  await page.shows('middle of all words');
  await page.run('[...document.querySelectorAll(".seg button")].find(e => e.textContent === "Occupations").click()');
  await page.until(
    'document.querySelectorAll(".axisrow").length === 12 && document.querySelector(".axisrow .t").textContent === "actress"',
  );
});

await story('a published test tells d and p, and one that lost its words tells no figure', {}, async page => {
  await page.open('glove/bias/career-family');
  await page.until('document.querySelector(".fig .v")?.textContent === "1.76"');
  await page.shows('1 of 12,870 splits are as far apart.');
  await page.open('glove/bias/flowers-insects');
  await page.shows('This test was not run.');
  truth(!(await page.run('document.querySelector(".fig")')), 'a figure of a refused test');
  await page.shows('18 of 25 missing');
  page.expected = ['400', '412', '422', 'Failed to load resource'];
});

await story('sets of own words are tested', {}, async page => {
  await page.open('glove/bias/own');
  await page.until('document.querySelectorAll("textarea.set").length === 4');
  await page.run('[...document.querySelectorAll(".btn")].find(e => e.textContent === "Fill in an example").click()');
  await page.run('document.querySelector(".btn.pri").click()');
  await page.until('document.querySelectorAll(".wb .c").length >= 10');
  truth((await page.hash()).includes('x=france'), await page.hash());
});

await story('a line around words makes a list with the odd one out', {}, async page => {
  await page.open('glove/map');
  await page.until(painted);
  await page.drag(
    [
      [500, 380],
      [620, 380],
      [620, 470],
      [500, 470],
      [500, 380],
    ],
    { shift: true },
  );
  await page.shows('fits least');
  truth(await page.until('document.querySelectorAll(".panel .chip").length > 5'), 'no words');
  await page.shows('Copy the words');
});

await story('answers come from the words that a line encloses, until they are let go', {}, async page => {
  await page.open('glove/map');
  await page.until(painted);
  await page.drag(
    [
      [480, 340],
      [660, 340],
      [660, 500],
      [480, 500],
      [480, 340],
    ],
    { shift: true },
  );
  const button = '[...document.querySelectorAll(".panel .btn")].find(e => e.textContent === "Ask only among these")';
  await page.until(`${button} && !${button}.disabled`);
  const many = Number((await page.run('document.querySelector(".panel h1").textContent')).replace(/\D/g, ''));
  await page.run(`${button}.click()`);
  await page.shows(`Answers come from ${many.toLocaleString('en-US')} words of the map`);
  await page.run('location.hash = "#/glove/map/queen"');
  await page.until(drawn);
  const allowed = await server.ask('tables/glove/nearest', { positive: [{ word: 'queen' }], k: 200 });
  const listed = await page.run('[...document.querySelectorAll(".list .t")].map(e => e.textContent)');
  const nearest = allowed.neighbors.map(one => one.word);
  truth(listed.length === 10 && JSON.stringify(listed) !== JSON.stringify(nearest.slice(0, 10)), 'all words answer');
  const places = listed.map(one => nearest.indexOf(one)).filter(place => place >= 0);
  same(
    places,
    places.slice().sort((a, b) => a - b),
  );
  await page.run('document.querySelector(".among button").click()');
  await page.until('!document.querySelector(".among") && document.querySelectorAll(".list .t").length === 10');
  same(await page.run('[...document.querySelectorAll(".list .t")].map(e => e.textContent)'), nearest.slice(0, 10));
});

await story('words take the color of their nearness, and of an axis', {}, async page => {
  await page.open('glove/map/music?color=near');
  await page.until(drawn);
  await page.until('document.querySelector(".legend")?.innerText.includes("far from music")');
  await page.open('glove/map?color=axis:she|he');
  await page.until('document.querySelector(".legend")?.innerText.includes("she")');
});

await story('two tables are compared', {}, async page => {
  await page.open('glove/compare/apple?with=half');
  await page.shows('neighbors are in both lists');
  await page.until('document.querySelectorAll(".two canvas.points").length === 2');
});

await story('one text is cut by several tokenizers', {}, async page => {
  await page.open('glove/tokens');
  await page.until('document.querySelectorAll(".tok .pc").length > 10');
  await page.run(
    '(() => { const a = document.querySelector("textarea"); a.value = "two words"; a.dispatchEvent(new Event("input")); })()',
  );
  await page.until('[...document.querySelectorAll(".tok b")].some(e => e.textContent === "2")');
});

await story('rows near to a text are found', {}, async page => {
  await page.open('glove/texts?text=the queen opened parliament');
  await page.until('document.querySelectorAll(".found li").length === 20');
});

await story('tables, jobs and health are told', {}, async page => {
  await page.open('glove/tables');
  await page.until('document.querySelectorAll("tbody tr").length === 6');
  await page.shows('Temporary files');
  await page.open('glove/jobs');
  await page.until('document.querySelectorAll(".job").length >= 4');
  await page.open('glove/health');
  await page.until('document.querySelectorAll("table").length === 2', 60);
  await page.shows('Hubs: neighbors of many');
});

await story(
  'a file that is dropped becomes a table, a wrong one says where, and one may be stopped',
  {},
  async page => {
    const rows = Array.from({ length: 300 }, (_, i) => `word${i} ${Math.cos(i)} ${Math.sin(i)} ${i / 300}`);
    await page.open('glove/map/queen');
    await page.until(drawn);
    await page.drop(600, 400, [file('dropped.50d.txt', `${rows.join('\n')}\n`)]);
    await page.until('document.querySelector("#intake-name")?.value === "dropped.50d"');
    const start = '[...document.querySelectorAll(".intake .btn")].find(e => e.textContent === "Import").click()';
    await page.run(start);
    await page.shows('dropped.50d has 300 rows of 3 components.');
    await page.until('[...document.querySelectorAll("tbody a")].some(e => e.textContent === "dropped.50d")');
    const told = await server.ask('tables/dropped.50d/nearest', { positive: [{ word: 'word7' }], k: 1 });
    truth(told.neighbors.length === 1, 'the table does not answer');
    // The name is taken now, and the new file has a line that is none.
    const again = '[...document.querySelectorAll(".intake .btn")].find(e => e.textContent === "Another file").click()';
    await page.run(again);
    await page.drop(600, 400, [file('dropped.50d.txt', `${rows.slice(0, 20).join('\n')}\nodd 1 x 3\n`)]);
    await page.shows('A table of this name is there:');
    truth(await page.run('document.querySelector(".intake .btn.pri").disabled'), 'a table is replaced unasked');
    const choose = (id, value) =>
      page.run(
        `(() => { const e = document.querySelector('#${id}'); e.value = '${value}'; e.dispatchEvent(new Event('change')); })()`,
      );
    await choose('intake-what', 'replace');
    await page.run(start);
    await page.shows('was not imported.');
    await page.shows('21');
    await page.run('[...document.querySelectorAll(".intake .btn")].find(e => e.textContent === "Try again").click()');
    await page.until('document.querySelector("#intake-what")');
    await choose('intake-what', 'replace');
    await choose('intake-rows', 'skip');
    await page.run(start);
    await page.shows('dropped.50d has 20 rows of 3 components.');
    await page.shows('unreadable number');
    // Two files, one of which has the words.
    await page.run(again);
    const numbers = Float32Array.from({ length: 12 }, (_, i) => i + 1);
    const head = `{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3), }`.padEnd(117) + '\n';
    const npy = Buffer.concat([
      Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'),
      Buffer.from(head),
      Buffer.from(numbers.buffer),
    ]);
    await page.drop(600, 400, [file('vocab.txt', 'a\nb\nc\nd\n'), file('pair.npy', npy)]);
    await page.until('document.querySelector("#intake-name")?.value === "pair"');
    await page.run(start);
    await page.shows('pair has 4 rows of 3 components.');
    // A large one, stopped on its way: nothing is left of it.
    await page.run(again);
    await page.drop(600, 400, [file('large.txt', Buffer.alloc(120 << 20, rows.join('\n') + '\n'))]);
    await page.until('document.querySelector("#intake-name")?.value === "large"');
    await page.run(start);
    await page.until('/^[0-9.]+ MB of/.test(document.querySelector(".intake .told")?.textContent)');
    await page.run('[...document.querySelectorAll(".intake .btn")].find(e => e.textContent === "Stop").click()');
    await page.shows('The import was stopped.');
    truth((await server.ask('tables/large')).status === 404, 'half a table');
    for (const name of ['dropped.50d', 'pair']) await server.ask('TableService/DeleteTable', { table: name });
  },
);

await story('a training draws its loss while it learns, and may be stopped', {}, async page => {
  // Two themes, so that there is something to learn.
  const themes = ['king queen prince throne crown', 'bread butter flour oven salt'].map(words => words.split(' '));
  const text = Array.from({ length: 24000 }, (_, i) => themes[(i >> 3) % 2][(i * 7 + (i >> 4)) % 5]).join(' ');
  const corpus = file('corpus.txt', `${text.replace(/((?:\S+ ){8})/g, '$1\n')}\n`);
  await page.open('glove/jobs');
  await page.until('document.querySelectorAll(".job").length >= 4');
  server.run(['train', corpus, '--table', 'learned', '--epochs', '4000', '--min-count', '1', '--dim', '20', '--detach']);
  const card = `[...document.querySelectorAll('.job')].find(e => e.innerText.includes('learned'))`;
  const points = `${card}.querySelector('figure path').getAttribute('d').split('L').length`;
  await page.until(`${points} >= 3`);
  const loss = `${card}.querySelector('figure svg').getAttribute('aria-label')`;
  const [before, many] = [await page.run(loss), await page.run(points)];
  truth(/^Loss, now \d\.\d{3}$/.test(before), before);
  await page.until(`${loss} !== ${JSON.stringify(before)} && ${points} > ${many}`);
  truth(/^Tokens a second, now [\d,]+$/.test(await page.run(`${card}.querySelectorAll('figure svg')[1].getAttribute('aria-label')`)), 'no pace');
  const told = (await server.ask('JobService/ListJobs', {})).jobs.find(job => job.table === 'learned');
  const now = Number((await page.run(loss)).match(/[\d.]+$/)[0]);
  truth(Math.abs(now - told.progress.learning.loss) < 0.3, `${now} drawn, ${told.progress.learning.loss} told`);
  // In another view meanwhile, the line is not forgotten.
  const kept = await page.run(points);
  await page.run('location.hash = "#/glove/tables"');
  await page.until('document.querySelector("tbody")');
  await page.run('history.back()');
  await page.until(`${points} >= ${kept}`);
  if (pictures) await page.picture(join(pictures, 'a-training.png'));
  await page.run(`[...${card}.querySelectorAll('.btn')].find(e => e.textContent === 'Stop').click()`);
  await page.until(`${card}.querySelector('.state').textContent === 'stopped'`);
  truth((await server.ask('tables/learned')).status === 404, 'a table of a training that was stopped');
});

await story('words are arranged by their neighbors: a job with progress, which may be stopped', {}, async page => {
  page.expected = ['400', '412', 'Failed to load resource'];
  const layout = to =>
    page.run(
      `(() => { const e = document.querySelector('select[aria-label="Layout"]'); e.value = '${to}'; e.dispatchEvent(new Event('change')); })()`,
    );
  const button = text => `[...document.querySelectorAll('.honest .btn')].find(e => e.textContent === '${text}')`;
  const jobs = async () =>
    (await server.ask('JobService/ListJobs', {})).jobs.filter(job => job.kind === 'JOB_KIND_ARRANGE_MAP');
  // An address starts nothing; the map by components is there meanwhile.
  await page.open('glove/map?layout=neighbors');
  await page.shows('Nobody has arranged the words of this table');
  truth(await page.run(painted), 'no map');
  same((await jobs()).length, 0);
  await page.run(`${button('Arrange them')}.click()`);
  const percent = 'Number(document.querySelector(".arranging .pg")?.getAttribute("aria-valuenow"))';
  await page.until(`${percent} > 0`);
  if (pictures) await page.picture(join(pictures, 'arranging.png'));
  // Who goes to a word and back finds it under way.
  await page.run('location.hash = "#/glove/map/queen?layout=neighbors"');
  await page.until(`${drawn} && ${percent} > 0`);
  await page.run(`${button('Stop')}.click()`);
  await page.shows('The arranging was stopped.');
  same((await jobs()).map(job => job.state), ['JOB_STATE_CANCELLED']);
  // A smaller table, to its end: its words go elsewhere.
  await page.open('few/map');
  await page.until(painted);
  await page.shows('are near on the map, on average');
  const near = async () => Number((await page.run('document.querySelector(".honest").innerText')).match(/([\d.]+) of the 10/)[1]);
  const before = await near();
  await layout('neighbors');
  await page.shows('come together here');
  await page.shows('are near on the map, on average');
  const after = await near();
  truth(after > 2 * before, `${after} neighbors are near, ${before} were by components`);
  truth((await page.hash()).includes('layout=neighbors'), await page.hash());
  // It is kept: another page has it at once.
  const many = (await jobs()).length;
  await page.go('about:blank');
  await page.open('few/map?layout=neighbors');
  await page.shows('come together here');
  same((await jobs()).length, many);
});

await story('words are text, whatever they are', {}, async page => {
  await page.open('odd/map/ordinary');
  await page.until(drawn);
  await page.until(`document.querySelectorAll(".list li").length === 10`);
  for (const word of ODD.slice(0, 5)) {
    await page.open(`odd/map/${encodeURIComponent(word)}`);
    await page.until(`document.querySelector("h1.word")?.textContent === ${JSON.stringify(word)} && ${drawn}`);
    truth(!(await page.run('document.querySelector("img")')), 'markup became an element');
  }
  await page.open(`odd/map/${encodeURIComponent('#/x/map')}`);
  await page.until(
    `document.querySelector("h1.word")?.textContent === "#/x/map" && document.querySelectorAll(".list li").length === 10`,
  );
});

await story('a table of one row, and one of none', {}, async page => {
  await page.open('one/map/alone');
  await page.shows('The only word of this table');
  await page.shows('A map needs three words.');
  await page.open('empty/map');
  await page.shows('This table is empty');
});

await story('a word that is not there is answered with those written like it', {}, async page => {
  page.expected = ['404', 'Failed to load resource'];
  await page.open('glove/map/quene');
  await page.shows('Not in glove:');
  await page.until('[...document.querySelectorAll(".panel .chip")].some(e => e.textContent === "queen")');
  await page.open('none/map');
  await page.shows('There is no table none.');
});

await story('in Chinese, and dark', { dark: true }, async page => {
  await page.open('glove/map/queen', '?lang=zh');
  await page.until(drawn);
  await page.shows('最近的词');
  same(await page.run('document.documentElement.lang'), 'zh-CN');
  same(await page.run('document.documentElement.dataset.theme'), 'dark');
  const english = (await page.run('document.querySelector("#main").innerText')).match(
    /\b(the|words|of all|nearest|with your)\b/i,
  );
  truth(!english, `English beside Chinese: ${english}`);
});

const VIEWS = [
  'map',
  'map/queen',
  'analogy/man/king/woman',
  'axis/she/he',
  'bias/career-family',
  'bias/flowers-insects',
  'compare/apple',
  'texts?text=queen',
  'tokens',
  'tables',
  'jobs',
  'health',
];
const axe = new URL('node_modules/axe-core/axe.min.js', import.meta.url).pathname;
const source = existsSync(axe) ? readFileSync(axe, 'utf8') : null;
if (!source) console.log('left out: axe (npm ci in tests/browser brings it)');
// What axe looks at but colors is the same in every look: elements, names, order. On a wall colors are, too.
const ALL = { resultTypes: ['violations'] };
const COLORS = { ...ALL, runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } };
for (const [look, options, query, rules] of [
  ['light', {}, '?lang=en', ALL],
  ['dark and Chinese', { dark: true }, '?lang=zh', COLORS],
  ['on a telephone, dark', { width: 375, height: 760, touch: true, dark: true }, '?lang=en', COLORS],
  ['on a wall', { width: 3840, height: 2160 }, '?lang=en', null],
]) {
  await story(`every view fits, and axe finds nothing, ${look}`, options, async page => {
    page.expected = ['SearchService/Compare', '400', '404', '412', '422'];
    const found = [];
    const isLooked = source && rules;
    const others = isLooked ? ['one/map/alone', 'empty/map', 'none/map'] : [];
    for (const view of [...VIEWS.map(view => `glove/${view}`), ...others]) {
      // From view to view within the page, as users go; that each can be opened by itself the other stories show.
      await page.run('for (const one of document.querySelector("#main")?.children || []) one.dataset.before = "1"');
      await page.open(view, query);
      await page.until(
        'document.querySelector("#main").children.length && !document.querySelector("#main .sk, #main > [data-before]")',
      );
      const wide = await page.run('document.documentElement.scrollWidth');
      if (wide > (options.width || 1280)) found.push(`${view} is ${wide} wide`);
      if (!isLooked) continue;
      if (!(await page.run('"axe" in window'))) await page.run(`${source};0`);
      const told = await page.run(
        `axe.run(document, ${JSON.stringify(rules)}).then(told => [told.passes.length, told.violations.map(one => \`\${one.id}: \${one.nodes.map(node => node.html.slice(0, 120)).join(", ")}\`)])`,
      );
      truth(told[0] > (rules === ALL ? 15 : 0), `axe looked at nothing: ${told[0]}`);
      found.push(...told[1].map(one => `${view}: ${one}`));
    }
    truth(!found.length, found.join('\n'));
  });
}

await story('the page says that its server is gone, and goes on when it is back', {}, async page => {
  page.expected = ['ERR_CONNECTION_REFUSED', 'Failed to load resource', 'ERR_'];
  await page.open('glove/map/queen');
  await page.until(drawn);
  const address = new URL(server.url).host;
  await server.stop();
  await page.run('document.querySelector(".list button").click()');
  await page.shows('The server does not answer.');
  const again = await Server.start(binary, server.folder, address);
  Object.assign(server, again);
  await page.run('[...document.querySelectorAll(".btn")].find(e => e.textContent === "Try again").click()');
  await page.until(
    'document.querySelector("h1.word")?.textContent === "princess" && document.querySelectorAll(".list li").length === 10',
  );
});

await story('a server with keys asks for one', {}, async page => {
  page.expected = ['401', 'Failed to load resource'];
  const address = new URL(server.url).host;
  await server.stop();
  const made = execFileSync(binary, ['key', 'make', 'page', '--role', 'read', '--data', server.folder]).toString();
  const key = made.match(/\S{30,}/)[0];
  Object.assign(server, await Server.start(binary, server.folder, address));
  await page.open('glove/map/queen');
  await page.shows('This server asks for a key');
  await page.type('wrong');
  await page.press('Enter');
  await page.shows('That key is not right.');
  await page.type(key);
  await page.press('Enter');
  await page.until(`document.querySelectorAll(".list li").length === 10 && ${drawn}`);
});

await chrome.end();
await server.remove();
rmSync(files, { recursive: true, force: true });
const seconds = Math.round((performance.now() - began) / 1000);
console.log(`\n${passed} passed, ${failed} failed, in ${seconds} s`);
process.exit(failed ? 1 : 0);
