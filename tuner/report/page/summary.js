// What the newest session brought.

function drawOrigin() {
  document.title = `Tuning report: ${report.log}`;
  say('origin', `${report.log}: ${plural(report.records, 'trial')} of ${plural(report.tasks.length, 'task')} on `
    + `${plural(report.boards.length, 'board')}. Made ${dateText(report.madeMs)}.`);
}

function geometricMean(factors) {
  return factors.length ? Math.exp(factors.reduce((sum, f) => sum + Math.log(f), 0) / factors.length) : NaN;
}

function sessionSentence(session, better) {
  const rest = session.tasks - session.betterTasks - session.newTasks;
  const parts = [];
  if (session.betterTasks) parts.push(`${plural(session.betterTasks, 'task')} got faster, by ${percent(1 - geometricMean(better.map((t) => 1 - t.gain)))} in the mean`);
  if (session.newTasks) parts.push(`${plural(session.newTasks, 'task')} ${session.newTasks === 1 ? 'is' : 'are'} new`);
  if (rest) parts.push(`${plural(rest, 'task')} stayed as ${rest === 1 ? 'it was' : 'they were'}`);
  return `${rangeText(session.firstMs, session.lastMs)}: ${parts.join(', ')}.`;
}

function drawSummary() {
  const { session } = report;
  const took = session.lastMs - session.firstMs;
  const better = report.tasks.filter((t) => t.inSession && t.gain > 0);
  const compared = report.tasks.filter((t) => t.speedUp !== null);
  const failed = session.records - session.outcomes[OK];
  const used = report.boards.filter((b) => b.inSession);
  const trouble = used.filter((b) => b.health !== 'good');
  say('session', sessionSentence(session, better));
  show('tiles',
    tile('Trials', whole(session.records), took > 60000 ? `${whole(session.records / (took / 3.6e6))} an hour` : durationText(took)),
    tile('Time', durationText(took), `of ${plural(session.tasks, 'task')}`),
    tile('Right and timed', percent(session.outcomes[OK] / session.records), failed ? `${plural(failed, 'trial')} failed` : 'none failed'),
    tile('Tasks faster', whole(session.betterTasks), session.newTasks ? `${session.newTasks} more are new` : `of ${session.tasks}`, session.betterTasks ? 'good' : ''),
    tile('Over safe', factor(geometricMean(compared.map((t) => t.speedUp))),
      compared.length ? `geometric mean of ${plural(compared.length, 'task')}` : 'no safe schedule was timed'),
    tile('Boards', whole(used.length), trouble.length ? `${trouble.length} to look at` : 'nothing to report', trouble.length ? 'warn' : ''));
  drawKinds();
  byId('session-outcomes').replaceChildren(outcomeBar(session.outcomes, 'Outcomes of the session'));
}

// A number of a board that is none must never pass for one that is.
function drawKinds() {
  const text = {
    virtual: 'were counted on virtual boards: cycles of a model under emulation, shown at the device’s clock. No board ran them.',
    simulated: 'are of simulated boards: times made by a farm’s script. No board ran them.',
  };
  const lines = Object.entries(text).flatMap(([kind, what]) => {
    const tasks = report.tasks.filter((t) => t.boardKind === kind).length;
    return tasks ? [`${tasks === report.tasks.length ? 'All tasks' : plural(tasks, 'task')} ${what}`] : [];
  });
  byId('board-kinds').hidden = lines.length === 0;
  say('board-kinds', lines.join(' '));
}

// Shares of a whole, each with its count in words below.
function outcomeBar(outcomes, label) {
  const all = count(outcomes);
  const kinds = outcomes.map((n, outcome) => ({ n, outcome })).filter(({ n }) => n > 0);
  const bar = element('div', { class: 'bar', role: 'img', 'aria-label': `${label}: ${kinds.map(({ n, outcome }) => `${outcomeLabel(outcome)} ${n}`).join(', ')}` },
    kinds.map(({ n, outcome }) => {
      const part = element('span', { title: `${outcomeLabel(outcome)}: ${whole(n)}, ${percent(n / all)}` });
      part.style.flexGrow = n;
      part.style.background = `var(${outcomeColour(outcome)})`;
      return part;
    }));
  const host = element('div', {}, bar);
  legend(host, kinds.map(({ n, outcome }) => [`${outcomeLabel(outcome)} ${whole(n)}`, outcomeColour(outcome), 'square']));
  return host;
}
