// Draws the page. What a reader chooses is drawn by the sections themselves (`chosen` in dom.js).

function drawNotes() {
  show('gaps', report.gaps.length ? report.gaps.map((gap) => element('li', {}, `${gap}.`)) : element('li', {}, 'Nothing is missing from this log.'));
}

drawOrigin();
drawSummary();
setUpTasks();
// The task of which the session brought most is shown first.
const byGain = report.tasks.filter((t) => t.inSession && t.best !== null).sort((a, b) => (b.gain ?? 0) - (a.gain ?? 0) || b.inSession - a.inSession);
chosen.set('task', byGain[0] ?? report.tasks[0]);
drawTasks();
setUpBoards();
drawLibrary();
drawNotes();
document.documentElement.dataset.ready = 'true';
