// Best so far: every trial in the order it was made, and the line of the lowest time yet.

// What a tooltip says of a trial.
function describeTrial(task, row) {
  const trials = trialsOf(task);
  const value = trials.value[row];
  const lines = [['outcome', outcomeLabel(trials.outcome[row])]];
  if (value > 0) {
    lines.unshift(['time', timeText(task, value)]);
    if (trials.samples[row] > 1) lines.push(['samples', `${trials.samples[row]}, within ${digits3(trials.spread[row])} %`]);
    lines.push(['over best', factor(value / bestValue(task))]);
    if (Number.isFinite(gflops(task, value))) lines.push(['rate', `${digits4(gflops(task, value))} GFLOP/s`]);
    if (Number.isFinite(roofShare(task, value))) lines.push(['of the roof', percent(roofShare(task, value))]);
  }
  if (trials.score?.[row] != null) lines.push(['predicted', digits3(trials.score[row])]);
  if (trials.mark[row] & UNRANKED) lines.push(['not ranked', 'another timing protocol, or wrong another time']);
  lines.push(['board', report.boards[trials.board[row]].name], ['when', secondText(trials.time[row])],
    ['config', configOf(trials, row).map(([knob, v]) => `${knob}=${v}`).join(' ')]);
  return { title: `Trial ${trials.id[row]}${trials.mark[row] & FINAL ? ', final' : ''}`, lines };
}

// A layer of the trials in `rows`. x(row), y(row)
function trialLayer(task, rows, x, y, look) {
  return {
    ...look, x: Float64Array.from(rows, x), y: Float64Array.from(rows, y), describe: (i) => describeTrial(task, rows[i]),
  };
}

const rowsWhere = (trials, test) => Array.from({ length: trials.count }, (_, row) => row).filter(test);
const pointSize = (n) => (n < 500 ? 5 : 3.5);
// So many points that one hides the other are drawn thinner.
const crowdAlpha = (n) => Math.max(0.2, Math.min(0.75, 800 / n));

function drawProgress(task) {
  const trials = trialsOf(task);
  const unit = timeUnit(task);
  const timed = rowsWhere(trials, (row) => trials.value[row] > 0);
  if (timed.length === 0) {
    mount('progress', (host) => { host.append(nothing('No trial of this task was right and timed, so there is no curve: the outcomes below say why.')); return null; });
    say('progress-note', '');
    return;
  }
  const best = bestSoFar(trials);
  const steps = [];
  for (let row = 0; row < trials.count; ++row) {
    if (!Number.isNaN(best[row]) && best[row] !== best[row - 1]) steps.push([row + 1, best[row] * unit.factor]);
  }
  if (steps.length) steps.push([trials.count, steps.at(-1)[1]]);
  const x = (row) => row + 1;
  const y = (row) => trials.value[row] * unit.factor;
  const [lowest, highest] = extent([timed.map(y)]);
  const range = padded(lowest, highest, true, 0.08);
  const lines = [{ points: steps, colour: '--accent', width: 2, steps: true }];
  if (task.safe !== null) {
    const safe = safeValue(task) * unit.factor;
    lines.unshift({ points: [[0, safe], [trials.count + 1, safe]], colour: '--quiet', dash: [6, 4], width: 1, label: `safe schedule ${timeText(task, safeValue(task))}` });
  }
  const begin = trials.time.findIndex((t) => 1000 * t >= report.session.firstMs - 999);
  if (begin > 0) lines.unshift({ points: [[begin + 0.5, range[0]], [begin + 0.5, range[1] / (range[1] / range[0]) ** 0.06]], colour: '--quiet', dash: [2, 3], width: 1, label: 'last session', align: 'left' });
  const screened = timed.filter((row) => !(trials.mark[row] & FINAL));
  const finals = timed.filter((row) => trials.mark[row] & FINAL);
  const failed = rowsWhere(trials, (row) => !(trials.value[row] > 0));
  const layers = [
    trialLayer(task, screened, x, y, { colour: '--point', size: pointSize(screened.length), alpha: crowdAlpha(screened.length) }),
    trialLayer(task, failed, x, () => NaN, { colour: '--bad', shape: 'tick', size: 4, alpha: 0.7 }),
    trialLayer(task, finals, x, y, { colour: '--final', shape: 'circle', size: 4 }),
  ];
  if (task.best !== null) layers.push(trialLayer(task, [task.best], x, y, { colour: '--accent', shape: 'diamond', size: 7 }));
  say('progress-note', `${plural(trials.count, 'trial')} in the order they were made; ${steps.length ? `the line fell ${plural(Math.max(0, steps.length - 2), 'time')}` : ''}.`);
  mount('progress', (host, width) => {
    const chart = scatter(host, width, {
      label: `Times of the trials of ${task.label}, and the best so far`, height: 320, layers, lines,
      x: { label: 'trial', range: [0, trials.count + 1], format: whole },
      y: { label: `time of a call, ${unit.text}`, log: true, range },
    });
    legend(host, [['best so far', '--accent', 'line'], ['screened', '--point', 'square'], ['best', '--accent', 'diamond'],
      finals.length && ['measured again', '--final', 'circle'], failed.length && ['failed', '--bad', 'tick']]);
    return chart;
  });
}
chosen.on('task', drawProgress);
