// What the cost model said of a config before it was measured, against what it then was.

// Ranks from 0; equal ones share their mean.
function ranksOf(values) {
  const order = values.map((v, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to < order.length && values[order[to]] === values[order[from]]) ++to;
    for (let i = from; i < to; ++i) ranks[order[i]] = (from + to - 1) / 2;
    from = to;
  }
  return ranks;
}

// Spearman's rank correlation.
function correlation(a, b) {
  const [x, y] = [ranksOf(a), ranksOf(b)];
  const mean = (a.length - 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) ** 2;
    yy += (y[i] - mean) ** 2;
  }
  return xx && yy ? xy / Math.sqrt(xx * yy) : NaN;
}

// Of the tenth that was predicted best, how many are of the tenth that was best.
function foundInTop(predicted, measured) {
  const most = Math.max(1, Math.round(predicted.length / 10));
  const top = (values) => new Set(values.map((v, i) => i).sort((a, b) => values[b] - values[a]).slice(0, most));
  const best = top(measured);
  return [...top(predicted)].filter((i) => best.has(i)).length / most;
}

function whyNoPrediction(trials) {
  return trials.score === null
    ? 'No trial of this task has a prediction: its search asked no model (another strategy, or one that ranked no better than chance), or an older Halyard, which did not log it, made the records.'
    : 'Too few trials of this task have a prediction to draw.';
}

function drawPrediction(task) {
  const trials = trialsOf(task);
  const rows = trials.score === null ? [] : rowsWhere(trials, (row) => trials.score[row] !== null && !(trials.mark[row] & FINAL));
  if (rows.length < 3) {
    mount('prediction', (host) => { host.append(nothing(whyNoPrediction(trials))); return null; });
    say('prediction-note', '');
    return;
  }
  const lowest = extent([rows.filter((row) => isRanked(trials, row)).map((row) => trials.value[row])])[0];
  const x = (row) => trials.score[row];
  const y = (row) => (trials.value[row] > 0 ? 100 * lowest / trials.value[row] : 0);
  const predicted = rows.map(x);
  const measured = rows.map(y);
  const rank = correlation(predicted, measured);
  say('prediction-note', `Rank correlation ${Number.isFinite(rank) ? rank.toFixed(2) : DASH} over ${plural(rows.length, 'trial')}; of the tenth predicted best, `
    + `${percent(foundInTop(predicted, measured), 0)} are of the tenth that was. Each was predicted by the model as it was then.`);
  const timed = rows.filter((row) => trials.value[row] > 0);
  const failed = rows.filter((row) => !(trials.value[row] > 0));
  mount('prediction', (host, width) => {
    const chart = scatter(host, width, {
      label: `Predicted score against measured speed of the trials of ${task.label}`,
      layers: [
        trialLayer(task, timed, x, y, { colour: '--point', size: pointSize(timed.length), alpha: Math.max(0.3, crowdAlpha(timed.length)) }),
        trialLayer(task, failed, x, () => NaN, { colour: '--bad', shape: 'tick', size: 4, alpha: 0.7 }),
      ],
      x: { label: 'predicted score, larger is better', range: padded(...extent([predicted]), false, 0.06) },
      y: { label: 'speed, % of the best', range: [0, 105], format: (v) => `${v}` },
    });
    legend(host, [['measured', '--point', 'square'], failed.length && ['failed', '--bad', 'tick']]);
    return chart;
  });
}
chosen.on('task', drawPrediction);
