// Outcomes by kind, and what failures said.

function drawOutcomes(task) {
  const trials = trialsOf(task);
  const failures = trials.messages.map(([outcome, n, text]) => ({ outcome, n, text }));
  say('outcomes-note', failures.length ? 'Failures that differ in their numbers only are counted as one; the first of them is shown.' : '');
  const table = sortedTable([
    { label: 'Kind', class: 'kind', sort: (f) => outcomeLabel(f.outcome), cell: (f) => {
      const swatch = element('span', { class: 'swatch square' });
      swatch.style.setProperty('--swatch', `var(${outcomeColour(f.outcome)})`);
      return [swatch, outcomeLabel(f.outcome)];
    } },
    { label: 'Trials', number: true, first: 'descending', sort: (f) => f.n, cell: (f) => whole(f.n) },
    { label: 'What it said', class: 'message', sort: (f) => f.text, cell: (f) => f.text || DASH },
  ], { caption: 'Failures of the task', sortBy: 1, descending: true, empty: 'Nothing failed.' });
  table.update(failures);
  show('outcomes', outcomeBar(task.outcomes, `Outcomes of ${task.label}`), failures.length ? table : nothing('Every trial was right and timed.'));
}
chosen.on('task', drawOutcomes);
