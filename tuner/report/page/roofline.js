// The roofline (Williams, Waterman and Patterson, "Roofline: an insightful visual performance model",
// CACM 52(4), 2009): what peak and memory allow at each arithmetic intensity, and every trial below.

// All trials of a task have its intensity; a few percent of spread, the same in each drawing, tell
// them apart.
const JITTER = 0.05;
const jitter = (row) => (1 + JITTER) ** ((row * 0.618034 % 1) * 2 - 1);

function roofLines(task, [low, high], peakLabel) {
  const balance = task.copyGbPerS > 0 ? task.peakGflops / task.copyGbPerS : low;
  const corner = Math.max(low, Math.min(high, balance));
  const lines = [{
    points: [[corner, task.peakGflops], [high, task.peakGflops]], colour: '--roof', width: 2, label: peakLabel,
  }];
  if (task.copyGbPerS > 0 && balance > low) {
    lines.push({ points: [[low, low * task.copyGbPerS], [corner, corner * task.copyGbPerS]], colour: '--roof', width: 2 });
    // Its label stands on the slope's upper part, above which no trial is but one that stays in cache.
    const middle = (low * corner * corner) ** (1 / 3);
    lines.push({ points: [[middle, middle * task.copyGbPerS]], colour: '--roof', label: `${digits3(task.copyGbPerS)} GB/s` });
  }
  return lines;
}

function drawRoofline(task) {
  const same = report.tasks.filter((t) => deviceKey(t) === deviceKey(task) && t.flops && t.nsPerUnit && t.bytes);
  if (!task.flops || !task.nsPerUnit || !task.peakGflops) {
    const why = task.flops ? 'the log does not tell the peak of this device, and its file states none: trials made from now on will.'
      : 'this program does not know the workload, so neither its FLOPs nor its bytes.';
    mount('roofline', (host) => { host.append(nothing(`No roofline: ${why}`)); return null; });
    say('roofline-note', '');
    return;
  }
  const layers = [];
  const others = { x: [], y: [] };
  for (const other of same) {
    if (other === task) continue;
    const trials = trialsOf(other);
    for (let row = 0; row < trials.count; ++row) {
      if (!(trials.value[row] > 0)) continue;
      others.x.push(intensity(other) * jitter(row));
      others.y.push(gflops(other, trials.value[row]));
    }
  }
  layers.push({ ...others, colour: '--faint', size: 2.5, alpha: crowdAlpha(others.x.length) });
  const beyond = roofShare(task, bestValue(task)) > 1 ? ' Beyond the slope the data stays in cache between runs.' : '';
  const trials = trialsOf(task);
  const timed = rowsWhere(trials, (row) => trials.value[row] > 0);
  const x = (row) => intensity(task) * jitter(row);
  const y = (row) => gflops(task, trials.value[row]);
  layers.push(trialLayer(task, timed, x, y, { colour: '--point', size: pointSize(timed.length), alpha: Math.max(0.25, crowdAlpha(timed.length)) }));
  const bests = same.filter((t) => t.best !== null);
  layers.push({
    x: bests.map((t) => intensity(t)), y: bests.map((t) => gflops(t, bestValue(t))), colour: '--final', shape: 'circle', size: 4,
    describe: (i) => {
      const { title, lines } = describeTrial(bests[i], bests[i].best);
      return { title: `Best of ${bests[i].label}`, lines: [['trial', title.replace('Trial ', '')], ...lines] };
    },
  });
  if (task.best !== null) layers.push(trialLayer(task, [task.best], () => intensity(task), y, { colour: '--accent', shape: 'diamond', size: 7 }));
  const balance = task.copyGbPerS > 0 ? task.peakGflops / task.copyGbPerS : intensity(task);
  const xRange = padded(...extent([layers.flatMap((l) => [...extent([l.x])]), [balance / 4, balance * 4]]), true, 0.06);
  const yRange = padded(...extent([...layers.map((l) => l.y), [task.peakGflops]]), true, 0.08);
  say('roofline-note', `${digits4(task.peakGflops)} GFLOP/s peak${task.copyGbPerS ? `, ${digits3(task.copyGbPerS)} GB/s copied: balance ${digits3(balance)} FLOP a byte` : ''}. `
    + `This task’s trials stand out; ${same.length > 1 ? `grey: the ${same.length > 2 ? plural(same.length - 1, 'other task') : 'other task'} of the device` : 'it is the only task of the device'}.${beyond}`);
  mount('roofline', (host, width) => {
    const chart = scatter(host, width, {
      label: `Roofline of ${task.deviceText} with every trial`, layers, keyboard: 1,
      lines: roofLines(task, xRange, `${digits4(task.peakGflops)} GFLOP/s`),
      x: { label: 'FLOP a byte (spread a little)', log: true, range: xRange },
      y: { label: 'GFLOP/s', log: true, range: yRange },
    });
    legend(host, [['roof', '--roof', 'line'], ['this task', '--point', 'square'], ['its best', '--accent', 'diamond'], ['best of a task', '--final', 'circle']]);
    return chart;
  });
}
chosen.on('task', drawRoofline);
