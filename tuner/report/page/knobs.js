// Knob effects: how fast the trials with each value of a knob were.

const KNOBS_AT_FIRST = 6;
// A value that fewer trials had has no quartiles worth a bar.
const FEWEST_FOR_QUARTILES = 4;

function quantile(sorted, q) {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

// { name, explains, values: [{ text, speeds: sorted shares of the best, isBest }] }: explains is the
// share of the variance of log(time) that lies between the values (eta squared); a search does not
// try values evenly, so it is a hint and no experiment.
function knobEffect(task, trials, rows, lowest, knob) {
  const groups = new Map();
  const logs = rows.map((row) => Math.log(trials.value[row]));
  const mean = logs.reduce((sum, v) => sum + v, 0) / logs.length;
  const total = logs.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  rows.forEach((row, i) => {
    const value = trials.knobs[knob][row];
    if (!groups.has(value)) groups.set(value, { sum: 0, speeds: [] });
    groups.get(value).sum += logs[i];
    groups.get(value).speeds.push(lowest / trials.value[row]);
  });
  let between = 0;
  for (const { sum, speeds } of groups.values()) between += speeds.length * (sum / speeds.length - mean) ** 2;
  const best = task.best === null ? undefined : trials.knobs[knob][task.best];
  const values = [...groups].map(([value, { speeds }]) => ({
    text: value < 0 ? 'not there' : trials.knobValues[knob][value], isBest: value === best, speeds: Float64Array.from(speeds).sort(),
  }));
  values.sort((a, b) => a.text.localeCompare(b.text, 'en', { numeric: true }));
  return { name: trials.knobNames[knob], explains: total > 0 ? between / total : 0, values };
}

// Where the tracks begin: a round share below all that is drawn, so that differences can be seen.
function leastDrawn(effects) {
  const lows = effects.flatMap((e) => e.values.map(({ speeds }) => (speeds.length < FEWEST_FOR_QUARTILES ? speeds[0] : quantile(speeds, 0.25))));
  return Math.floor(10 * Math.min(...lows)) / 10;
}

function valueRow({ text, speeds, isBest }, from) {
  const median = quantile(speeds, 0.5);
  const most = speeds.at(-1);
  const few = speeds.length < FEWEST_FOR_QUARTILES;
  const [low, high] = few ? [speeds[0], most] : [quantile(speeds, 0.25), quantile(speeds, 0.75)];
  const says = `${text}: ${plural(speeds.length, 'trial')}, median ${percent(median, 0)} of the best's speed, `
    + `${few ? 'all' : 'middle half'} ${percent(low, 0)} to ${percent(high, 0)}, fastest ${percent(most, 0)}`;
  const track = element('span', { class: 'track', role: 'img', 'aria-label': says, title: says },
    element('i', { class: `box ${few ? 'few' : ''}` }), element('i', { class: 'median' }), element('i', { class: 'most' }));
  for (const [property, share] of Object.entries({ low, high, median, most })) track.style.setProperty(`--${property}`, (share - from) / (1 - from));
  return element('tr', { class: isBest ? 'is-best' : '' },
    element('th', { scope: 'row' }, text), element('td', {}, track),
    element('td', { class: 'number' }, percent(median, 0)), element('td', { class: 'number quiet' }, whole(speeds.length)));
}

function knobTable({ name, explains, values }, from) {
  return element('table', { class: 'knob' },
    element('caption', {}, element('b', {}, name), ` tells ${percent(explains, 0)} of the differences`),
    element('colgroup', {}, ['name', 'speeds', 'middle', 'number'].map((part) => element('col', { class: part }))),
    element('thead', { class: 'visually-hidden' }, element('tr', {}, ['value', 'speed', 'median', 'trials'].map((h) => element('th', { scope: 'col' }, h)))),
    element('tbody', {}, values.map((value) => valueRow(value, from))));
}

function drawKnobs(task) {
  const trials = trialsOf(task);
  const rows = rowsWhere(trials, (row) => isRanked(trials, row));
  const lowest = rows.reduce((least, row) => Math.min(least, trials.value[row]), Infinity);
  const effects = trials.knobs.map((_, knob) => knobEffect(task, trials, rows, lowest, knob)).filter((e) => e.values.length > 1);
  effects.sort((a, b) => b.explains - a.explains);
  if (rows.length < 2 || effects.length === 0) {
    say('knobs-note', '');
    show('knobs', nothing(rows.length < 2 ? 'Fewer than two trials were right and timed: there is nothing to compare.' : 'All trials had the same value of every knob.'));
    return;
  }
  const from = leastDrawn(effects);
  const table = (effect) => knobTable(effect, from);
  say('knobs-note', `Speed of the trials with each value, from ${percent(from, 0)} of the fastest’s at the left to all of it. Bar: the middle half; stroke and figure: the median; dot: the fastest; bold: the best schedule’s value. `
    + 'A search tries promising values more often, so this is a hint: tune explain changes one knob alone.');
  const rest = element('div', { class: 'knob-grid', hidden: true }, effects.slice(KNOBS_AT_FIRST).map(table));
  const more = element('button', { type: 'button', class: 'more', click: () => { rest.hidden = false; more.hidden = true; } }, `Show ${plural(effects.length - KNOBS_AT_FIRST, 'more knob')}`);
  more.hidden = effects.length <= KNOBS_AT_FIRST;
  show('knobs', element('div', { class: 'knob-grid' }, effects.slice(0, KNOBS_AT_FIRST).map(table)), rest, more);
}
chosen.on('task', drawKnobs);
