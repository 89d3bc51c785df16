// Every trial of the task, one a row.

function trialTable(task) {
  const trials = trialsOf(task);
  const unit = timeUnit(task);
  const message = (row) => (trials.message[row] < 0 ? '' : trials.messages[trials.message[row]][2]);
  return sortedTable([
    { label: 'Trial', number: true, sort: (row) => trials.id[row], cell: (row) => `${trials.id[row]}` },
    { label: 'Outcome', sort: (row) => outcomeLabel(trials.outcome[row]), cell: (row) => outcomeLabel(trials.outcome[row]) + (trials.mark[row] & FINAL ? ', final' : '') },
    { label: `Time, ${unit.text}`, number: true, sort: (row) => trials.value[row] || NaN, cell: (row) => (trials.value[row] > 0 ? fixed4(trials.value[row] * unit.factor) : DASH) },
    { label: 'Over best', number: true, sort: (row) => trials.value[row] / bestValue(task) || NaN, cell: (row) => (trials.value[row] > 0 ? factor(trials.value[row] / bestValue(task)) : DASH) },
    { label: 'Predicted', title: 'score of the cost model, larger is better', number: true, first: 'descending', sort: (row) => trials.score?.[row], cell: (row) => digits3(trials.score?.[row] ?? NaN) },
    { label: 'Board', sort: (row) => report.boards[trials.board[row]].name, cell: (row) => report.boards[trials.board[row]].name },
    { label: 'When', sort: (row) => trials.time[row], cell: (row) => secondText(trials.time[row]) },
    { label: 'Config or message', class: 'message', sort: (row) => message(row), cell: (row) => (message(row) ? element('em', {}, message(row)) : configOf(trials, row).map(([k, v]) => `${k}=${v}`).join(' ')) },
  ], { caption: 'Trials of the task, fastest first', sortBy: 2, empty: 'No trial ended so.' });
}

function drawTrials(task) {
  const trials = trialsOf(task);
  const table = trialTable(task);
  const select = byId('trial-outcome');
  show('trial-outcome', element('option', { value: '' }, 'any'), task.outcomes.flatMap((n, outcome) => (
    n > 0 ? [element('option', { value: outcome }, `${outcomeLabel(outcome)} (${whole(n)})`)] : [])));
  const update = () => table.update(rowsWhere(trials, (row) => select.value === '' || trials.outcome[row] === Number(select.value)));
  select.onchange = update;
  update();
  show('trials', table);
}
chosen.on('task', drawTrials);
