// The tasks: a table that filters and sorts, and the choice of the one that the charts show.

let taskTable = null;

function filteredTasks() {
  const words = byId('find-task').value.toLowerCase().split(/\s+/).filter(Boolean);
  const device = byId('device').value;
  const onlySession = byId('only-session').checked;
  return report.tasks.filter((task) => {
    const text = `${task.label} ${task.workload} ${task.boardKind}`.toLowerCase();
    return words.every((word) => text.includes(word)) && (!device || deviceKey(task) === device)
      && (!onlySession || task.inSession > 0);
  });
}

function gainCell(task) {
  if (!task.inSession) return DASH;
  if (task.best === null) return DASH;
  if (task.bestBefore === null) return badge('new');
  if (task.gain === 0) return '0 %';
  return element('span', { class: task.gain > 0 ? 'good' : 'bad' }, signedPercent(-task.gain));
}

function roofCell(task) {
  const share = roofShare(task, bestValue(task));
  if (!Number.isFinite(share)) return DASH;
  const meter = element('span', { class: 'meter', 'aria-hidden': 'true' });
  meter.style.setProperty('--share', Math.min(1, share));
  return [meter, percent(share, 0)];
}

function makeTaskTable() {
  return sortedTable([
    { label: 'Task', sort: (t) => t.label, cell: (t) => t.label.replace(` on ${t.deviceText}`, '') },
    { label: 'Device', sort: deviceKey, cell: (t) => [t.deviceText, ' ', kindBadge(t.boardKind)] },
    { label: 'Best', title: 'time of the best schedule', number: true, sort: (t) => bestValue(t) * (t.nsPerUnit || 1), cell: (t) => timeText(t, bestValue(t)) },
    { label: 'GFLOP/s', number: true, first: 'descending', sort: (t) => gflops(t, bestValue(t)), cell: (t) => fixed4(gflops(t, bestValue(t))) },
    { label: '% of roof', title: 'the least time that peak and copy bandwidth allow, over the best', number: true, first: 'descending', sort: (t) => roofShare(t, bestValue(t)), cell: roofCell },
    { label: 'Over safe', title: 'time of the safe schedule over the best', number: true, first: 'descending', sort: (t) => t.speedUp, cell: (t) => factor(t.speedUp) },
    { label: 'Session', title: 'change of the best time in the last session', number: true, first: 'descending', sort: (t) => (t.inSession ? t.gain : null), cell: gainCell },
    { label: 'Trials', number: true, first: 'descending', sort: (t) => t.trials.id.length, cell: (t) => whole(t.trials.id.length) },
    { label: 'ok', title: 'share of trials that were right and timed', number: true, sort: (t) => okShare(t.outcomes), cell: (t) => percent(okShare(t.outcomes), 0) },
  ], {
    caption: 'Tasks of the log', sortBy: 6, descending: true, empty: 'No task fits the filter.',
    onChoose: (task) => { chosen.set('task', task); byId('task').scrollIntoView(); },
    isChosen: (task) => task === chosen.task,
  });
}

function drawTasks() {
  const tasks = filteredTasks();
  taskTable.update(tasks);
  say('task-count', tasks.length === report.tasks.length ? `all ${plural(tasks.length, 'task')}` : `${whole(tasks.length)} of ${plural(report.tasks.length, 'task')}`);
  const select = byId('task-select');
  select.replaceChildren();
  for (const device of new Set(tasks.map(deviceKey))) {
    select.append(element('optgroup', { label: device }, tasks.filter((t) => deviceKey(t) === device).map(
      (t) => element('option', { value: t.index }, t.label.replace(` on ${t.deviceText}`, '')))));
  }
  select.disabled = tasks.length === 0;
  // What is shown is one of what was asked for.
  if (tasks.length && !tasks.includes(chosen.task)) chosen.set('task', tasks[0]);
  if (chosen.task) select.value = chosen.task.index;
}

function bestConfig(task) {
  if (task.best === null) return null;
  const trials = trialsOf(task);
  const safe = task.safe === null ? new Map() : new Map(configOf(trials, task.safe));
  return element('div', { class: 'card config' },
    element('h3', {}, 'Best schedule'),
    element('p', { class: 'quiet' }, `Record ${trials.id[task.best]}, ${trials.mark[task.best] & FINAL ? 'measured again among the best' : 'screened only'}`
      + `${task.safe === null ? '.' : '; what differs from the safe schedule stands out.'}`),
    element('ul', { class: 'chips' }, configOf(trials, task.best).map(([knob, value]) => element(
      'li', { class: safe.size && safe.get(knob) !== value ? 'differs' : '', title: safe.size ? `safe: ${safe.get(knob) ?? 'not there'}` : null },
      element('span', {}, knob), element('b', {}, value)))));
}

function drawTaskFacts(task) {
  const best = bestValue(task);
  byId('task-select').value = task.index;
  taskTable.mark();
  const bound = intensity(task) * task.copyGbPerS < task.peakGflops ? 'memory' : 'compute';
  byId('task-lead').replaceChildren(task.label, ' ', kindBadge(task.boardKind) ?? '');
  show('task-facts',
    tile('Best', timeText(task, best), task.bestBefore === null || !task.inSession ? '' : `${timeText(task, task.bestBefore)} before the session`),
    tile('Rate', Number.isFinite(gflops(task, best)) ? `${fixed4(gflops(task, best))} GFLOP/s` : DASH, task.flops ? `${digits3(task.flops * 1e-6)} MFLOP a call` : 'FLOPs of this workload are not known'),
    tile('Of the roof', percent(roofShare(task, best), 0), task.peakGflops ? `bound by ${bound}` : 'the peak is not known'),
    tile('Over safe', factor(task.speedUp), task.safe === null ? 'the safe schedule was not timed' : `safe: ${timeText(task, safeValue(task))}`),
    tile('Trials', whole(task.trials.id.length), `${whole(task.inSession)} in the last session`));
  byId('best-config').replaceChildren(...[bestConfig(task)].filter(Boolean));
}

function setUpTasks() {
  taskTable = makeTaskTable();
  show('task-table', taskTable);
  const devices = [...new Set(report.tasks.map(deviceKey))].sort();
  show('device', element('option', { value: '' }, 'all'), devices.map((d) => element('option', { value: d }, d)));
  for (const id of ['find-task', 'device', 'only-session']) byId(id).addEventListener('input', drawTasks);
  document.querySelector('.filters').addEventListener('submit', (event) => event.preventDefault());
  byId('task-select').addEventListener('change', (event) => chosen.set('task', report.tasks[event.target.value]));
  chosen.on('task', drawTaskFacts);
}
