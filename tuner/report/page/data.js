// The report's data. What C++ writes is described in tuner/report/columns.h; here its columns are
// unpacked, a task's when it is first shown: a log may have 100,000 trials, a reader looks at some.

const report = JSON.parse(document.getElementById('data').textContent);
report.tasks.forEach((task, index) => { task.index = index; });

const OK = report.outcomeNames.indexOf('ok');
const FINAL = 1;
const UNRANKED = 2;

function runningSum(differences) {
  const sums = new Float64Array(differences.length);
  let sum = 0;
  differences.forEach((difference, i) => { sums[i] = sum += difference; });
  return sums;
}

// A column that says nothing was left out.
const orZeros = (column, length) => column ?? new Uint8Array(length);

const unpacked = new Map();

// Columns of a task's trials, in the order in which they were made.
function trialsOf(task) {
  if (unpacked.has(task)) return unpacked.get(task);
  const packed = task.trials;
  const count = packed.id.length;
  const trials = {
    count,
    id: runningSum(packed.id),
    time: runningSum(packed.time),
    value: Float64Array.from(packed.value),
    outcome: Uint8Array.from(packed.outcome),
    mark: Uint8Array.from(orZeros(packed.mark, count)),
    board: packed.board,
    samples: packed.samples,
    spread: orZeros(packed.spread, count),
    score: packed.score,  // null, or a list with nulls
    message: packed.message,
    messages: packed.messages,
    knobNames: packed.knobNames,
    knobValues: packed.knobValues,
    knobs: packed.knobs,
  };
  unpacked.set(task, trials);
  return trials;
}

const isRanked = (trials, row) => trials.value[row] > 0 && !(trials.mark[row] & UNRANKED);

// The lowest ranked value up to each trial; NaN before the first.
function bestSoFar(trials) {
  const best = new Float64Array(trials.count);
  let lowest = NaN;
  for (let row = 0; row < trials.count; ++row) {
    if (isRanked(trials, row) && !(trials.value[row] >= lowest)) lowest = trials.value[row];
    best[row] = lowest;
  }
  return best;
}

// Of the packed column, so that a table of all tasks unpacks none.
const bestValue = (task) => (task.best === null ? NaN : task.trials.value[task.best]);
const safeValue = (task) => (task.safe === null ? NaN : task.trials.value[task.safe]);

// [knob, value] of a trial's config.
function configOf(trials, row) {
  const config = [];
  trials.knobs.forEach((column, knob) => {
    if (column[row] >= 0) config.push([trials.knobNames[knob], trials.knobValues[knob][column[row]]]);
  });
  return config;
}

const gflops = (task, value) => (task.flops && task.nsPerUnit ? task.flops / (value * task.nsPerUnit) : NaN);
const intensity = (task) => (task.bytes ? task.flops / task.bytes : NaN);

// The most that a roof allows at an intensity, in GFLOP/s.
const attainable = (task, flopPerByte) => (task.copyGbPerS > 0
  ? Math.min(task.peakGflops, flopPerByte * task.copyGbPerS) : task.peakGflops);

// Of the roof, 1 is all of it; NaN where there is none.
const roofShare = (task, value) => (task.peakGflops > 0
  ? gflops(task, value) / attainable(task, intensity(task)) : NaN);

const count = (outcomes) => outcomes.reduce((sum, n) => sum + n, 0);
const okShare = (outcomes) => outcomes[OK] / count(outcomes);
const deviceKey = (task) => `${task.deviceText}, ${task.boardKind}`;
