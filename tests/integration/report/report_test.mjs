// The report as a reader has it: the real program makes it of real and of large logs, a real browser
// opens it from the disk without a network, and what is asserted is what is seen, hovered, clicked.
//
//   HALYARD_TUNE_PROGRAM, HALYARD_WRITE_REPORT_LOG: the programs; HALYARD_REPORT_FOLDER: where logs,
//   reports and screenshots go. Exit code 77 where there is no browser.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';

const { HALYARD_TUNE_PROGRAM: tune, HALYARD_WRITE_REPORT_LOG: writeLog, HALYARD_REPORT_FOLDER: folder } = process.env;
const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync(name, ['--version']).status === 0);
if (!chromium) {
  console.log('skipped: there is no Chromium; apt-get install chromium');
  process.exit(77);
}

const DESKTOP = [1440, 900];
const PHONE = [390, 844];
const MANY = 100_000;
const path = (name) => join(folder, name);
const run = (program, ...args) => execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

let browser;
let records;  // of the real log, as tune log export gives them

before(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // Two searches on a virtual board, and the library after each.
  const search = (op, shape, trials) => run(tune, '--op', op, '--shape', shape, '--device', 'rpi4', '--trials', trials, '--log', 'real.db', '--out', 'out');
  search('softmax', '64x300', '16');
  cpSync(path('out/rpi4'), path('before'), { recursive: true });
  search('softmax', '64x300', '48');
  search('gemm', '48x40x32', '16');
  run(tune, 'report', 'real.db', '-o', 'real.html', '--library', 'out/rpi4', '--against', 'before');
  records = run(tune, 'log', 'export', '--log', 'real.db').trim().split('\n').map((line) => JSON.parse(line));
  run(writeLog, `${MANY}`, 'many.db');
  run(tune, 'report', 'many.db', '-o', 'many.html');
  browser = new Browser(chromium);
});

after(() => browser?.close());

async function withPage(name, [width, height], options, body) {
  const page = await browser.open(path(name), width, height, options);
  try {
    await body(page);
    assert.deepEqual(page.complaints, [], 'the console is silent');
    assert.deepEqual(page.requests, [], 'nothing is fetched');
  } finally {
    await page.close();
  }
}

const chosenTask = (page) => page.run(() => document.querySelector('#task-select').selectedOptions[0].textContent);
const column = (page, table, place) => page.texts(`${table} tbody tr > :nth-child(${place})`);
const numberOf = (text) => (/[\d.]/.test(text) ? Number.parseFloat(text.replace(/,/g, '').replace('−', '-')) : NaN);

test('the summary says what the session brought', () => withPage('real.html', DESKTOP, {}, async (page) => {
  const tiles = await page.text('#tiles');
  const ok = records.filter((r) => r.outcome === 'ok').length;
  assert.match(tiles, new RegExp(`Trials ${records.length} `));
  assert.match(tiles, new RegExp(`Right and timed ${(100 * ok / records.length).toFixed(1)} %`));
  assert.match(await page.text('#session'), /2 tasks are new/);
  assert.match(await page.text('#board-kinds'), /All tasks were counted on virtual boards/);
  assert.match(await page.text('#origin'), new RegExp(`^real.db: ${records.length} trials of 2 tasks on 1 board`));
}));

test('a task that is chosen changes charts and tables', () => withPage('real.html', DESKTOP, {}, async (page) => {
  const seen = async () => [await chosenTask(page), ...await Promise.all(['#task-facts', '#progress-note', '#knobs', '#outcomes', '#trials'].map((s) => page.text(s)))];
  const first = await seen();
  await page.run(() => document.querySelector('#task-select').focus());
  await page.press('ArrowDown');
  let second = await seen();
  if (second[0] === first[0]) { await page.press('ArrowUp'); second = await seen(); }
  first.forEach((text, i) => assert.notEqual(second[i], text));
  const table = await page.text('#task-table tr.chosen');
  assert.ok(table.startsWith(second[0]), `${table} is marked`);
  await page.click('#task-table tbody button', first[0]);
  assert.deepEqual(await seen(), first);
}));

test('the filter leaves the tasks that fit', () => withPage('many.html', DESKTOP, {}, async (page) => {
  assert.equal((await column(page, '#task-table', 1)).length, 20);
  await page.type('#find-task', 'conv2d 28x28');
  assert.deepEqual(new Set(await column(page, '#task-table', 1)), new Set(['conv2d 1x28x28x128x128x3x3,pad=1']));
  assert.equal(await page.text('#task-count'), '2 of 20 tasks');
  assert.match(await chosenTask(page), /^conv2d 1x28x28/);
  assert.match(await page.text('#task-lead'), /^conv2d 1x28x28/);
  await page.type('#find-task', 'no such task');
  assert.match(await page.text('#task-table'), /No task fits the filter/);
}));

test('a click on a heading sorts, a second one the other way', () => withPage('many.html', DESKTOP, {}, async (page) => {
  const sorted = async (table, heading, place, sign) => {
    await page.click(`${table} thead button`, heading);
    const numbers = (await column(page, table, place)).map(numberOf);
    assert.ok(numbers.length > 3);
    // What is not known comes last, whichever way.
    const known = numbers.filter((n) => !Number.isNaN(n));
    assert.ok(numbers.slice(known.length).every(Number.isNaN));
    for (let i = 1; i < known.length; ++i) assert.ok(sign * (known[i] - known[i - 1]) >= 0, `${heading}: ${known}`);
    return page.run((t, h) => [...document.querySelectorAll(`${t} th`)].find((e) => e.innerText.trim() === h).getAttribute('aria-sort'), table, heading);
  };
  assert.equal(await sorted('#task-table', 'GFLOP/s', 4, -1), 'descending');
  assert.equal(await sorted('#task-table', 'GFLOP/s', 4, 1), 'ascending');
  assert.equal(await sorted('#trials', 'Trial', 1, 1), 'ascending');
  assert.equal(await sorted('#board-table', 'Lost', 5, -1), 'descending');
}));

// Moves the mouse over a chart's places, [x, y] shares of its frame, until a tooltip has `text`.
async function hoverUntil(page, chart, places, text) {
  const frame = await page.run((s) => {
    document.querySelector(s).scrollIntoView({ block: 'center' });
    return document.querySelector(s).getBoundingClientRect().toJSON();
  }, `#${chart} .u-over`);
  for (const [x, y] of places) {
    await page.moveTo(frame.left + x * frame.width, frame.top + y * frame.height);
    const tip = await page.run(() => (document.querySelector('#tooltip').hidden ? '' : document.querySelector('#tooltip').innerText));
    if (tip.includes(text)) return tip;
  }
  return assert.fail(`${chart}: nowhere does a tooltip say ${text}`);
}

const shares = (n) => Array.from({ length: n }, (_, i) => (i + 0.5) / n);

test('hovering over the best trial tells its figures', () => withPage('real.html', DESKTOP, {}, async (page) => {
  const best = await page.text('#task-facts .tile-value');
  // The finer along x, the lower part first: there the best are.
  const anywhere = shares(14).reverse().flatMap((y) => shares(48).map((x) => [x, y]));
  for (const chart of ['progress', 'roofline']) {
    const tip = await hoverUntil(page, chart, anywhere, `time\n${best}`);
    const record = records.find((r) => r.id === Number(/[Tt]rial\s+(\d+)/.exec(tip)[1]));
    assert.ok(record.workload.includes((await chosenTask(page)).split(' ')[1]));
    for (const part of record.config.split(' ')) assert.ok(tip.includes(part), `${tip} has ${part}`);
    assert.ok(tip.includes(record.board));
    await page.moveTo(2, 2);
    assert.equal(await page.run(() => document.querySelector('#tooltip').hidden), true);
  }
}));

test('charts can be read and zoomed without a mouse wheel or a mouse', () => withPage('real.html', DESKTOP, {}, async (page) => {
  await page.run(() => document.querySelector('#progress').focus());
  await page.press('ArrowRight');
  const first = await page.text('#tooltip');
  await page.press('ArrowRight');
  assert.match(first, /^Trial \d+/);
  assert.notEqual(await page.text('#tooltip'), first);
  const picture = () => page.run(() => document.querySelector('#progress canvas').toDataURL());
  const before = await picture();
  await page.drag('#progress .u-over', [0.1, 0.1], [0.5, 0.9]);
  assert.notEqual(await picture(), before);
}));

test('trials can be listed by how they ended', () => withPage('many.html', DESKTOP, {}, async (page) => {
  const label = await page.run(() => {
    const select = document.querySelector('#trial-outcome');
    const option = [...select.options].find((o) => o.textContent.startsWith('crash'));
    select.value = option.value;
    select.dispatchEvent(new Event('change'));
    return option.textContent;
  });
  const outcomes = await column(page, '#trials', 2);
  assert.ok(outcomes.length > 0 && outcomes.length <= Number(/\d+/.exec(label)[0]));
  assert.deepEqual(new Set(outcomes), new Set(['crash']));
}));

test('a board that is chosen shows its temperature and drift', () => withPage('many.html', DESKTOP, {}, async (page) => {
  await page.click('#board-table tbody button', 'shelf-2');
  assert.match(await page.text('#temperature-note'), /^shelf-2: \d+\.\d to \d+\.\d °C/);
  assert.match(await page.text('#drift-note'), /^shelf-2: \+\d/);
  assert.equal(await page.run(() => document.querySelectorAll('#temperature canvas, #drift canvas').length), 2);
}));

test('empty places say why', () => withPage('real.html', DESKTOP, {}, async (page) => {
  assert.match(await page.text('#temperature'), /A virtual board has no temperature/);
  assert.match(await page.text('#drift'), /there is no drift/);
}));

test('a library is set beside the one before it', () => withPage('real.html', DESKTOP, {}, async (page) => {
  const rows = await page.texts('#library-table tbody tr');
  assert.equal(rows.length, 2);
  assert.ok(rows.some((row) => row.startsWith('gemm:48x40x32:f32') && row.includes('new')));
  assert.ok(rows.some((row) => row.startsWith('softmax:64x300:f32') && / %/.test(row)), rows.join('\n'));
  assert.match(await page.text('#library-note'), /^out\/rpi4 against before: \d faster, 0 slower, \d the same, 1 new, 0 gone/);
}));

test('without a library there is no such section', () => withPage('many.html', DESKTOP, {}, async (page) => {
  assert.equal(await page.run(() => document.querySelector('#library').offsetHeight), 0);
  assert.doesNotMatch(await page.text('nav'), /Library/);
}));

test('text of the log is text', () => withPage('many.html', DESKTOP, {}, async (page) => {
  assert.equal(await page.run(() => document.querySelectorAll('img').length), 0);
  assert.ok((await column(page, '#board-table', 1)).includes('<img src=x onerror=alert(1)>'));
  assert.match(await page.text('#outcomes'), /<\/script><script>alert\(1\)/);
}));

test('100,000 records are under 20 MB and open in under 3 s', () => withPage('many.html', DESKTOP, {}, async (page) => {
  const bytes = statSync(path('many.html')).size;
  console.log(`${MANY} records: ${(bytes / 1e6).toFixed(1)} MB, drawn after ${Math.round(page.openedInMs)} ms`);
  assert.match(await page.text('#origin'), /100,000 trials/);
  assert.ok(bytes < 20e6, `${bytes} bytes`);
  assert.ok(page.openedInMs < 3000, `${page.openedInMs} ms`);
}));

for (const [name, size, options] of [['desktop', DESKTOP, {}], ['phone', PHONE, { phone: true }], ['dark', DESKTOP, { dark: true }]]) {
  for (const log of ['real', 'many']) {
    test(`${log} fits a ${name}`, () => withPage(`${log}.html`, size, options, async (page) => {
      const [page_px, screen_px] = await page.run(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(page_px <= screen_px, `${page_px} px wide on ${screen_px}`);
      await page.screenshot(path(`${log}_${name}.png`));
      const dark = await page.run(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).every((c) => Number(c) < 64));
      assert.equal(dark, options.dark === true);
    }));
  }
}
