// Health, drift and temperature of the boards.

let boardTable = null;

const healthRank = { bad: 0, watch: 1, good: 2, idle: 3 };
const healthWord = { bad: 'bad', watch: 'look', good: 'good', idle: 'idle' };

function makeBoardTable() {
  const degrees = (c) => (c === null ? DASH : `${c.toFixed(1)} °C`);
  return sortedTable([
    { label: 'Board', sort: (b) => b.name, cell: (b) => b.name },
    { label: 'Device', sort: (b) => b.device, cell: (b) => [b.device, ' ', kindBadge(b.kind)] },
    { label: 'Health', sort: (b) => healthRank[b.health], cell: (b) => [badge(healthWord[b.health], b.health), ' ', element('span', { class: 'quiet' }, b.healthText)] },
    { label: 'Trials', number: true, first: 'descending', sort: (b) => b.records, cell: (b) => whole(b.records) },
    { label: 'Lost', title: 'runs that board or infrastructure lost', number: true, first: 'descending', sort: (b) => b.lost / b.records, cell: (b) => (b.lost ? `${whole(b.lost)} (${percent(b.lost / b.records)})` : '0') },
    { label: 'Drift', title: 'reference kernel against the device’s ruler: + is slower', number: true, first: 'descending', sort: (b) => b.drift, cell: (b) => signedPercent(b.drift) },
    { label: 'Hottest', number: true, first: 'descending', sort: (b) => b.hottest, cell: (b) => degrees(b.hottest) },
    { label: 'Throttled', title: 'runs during which the board said it throttled', number: true, first: 'descending', sort: (b) => b.throttled, cell: (b) => whole(b.throttled) },
    { label: 'Clock', number: true, sort: (b) => b.mhz, cell: (b) => (b.mhz === null ? DASH : `${whole(b.mhz)} MHz`) },
    { label: 'Repeats within', title: 'median over configs measured more than once: slowest over fastest, less 1', number: true, first: 'descending', sort: (b) => b.repeatability, cell: (b) => percent(b.repeatability) },
  ], {
    caption: 'Boards of the log', sortBy: 2, empty: 'The log names no board.',
    onChoose: (board) => chosen.set('board', board), isChosen: (board) => board === chosen.board,
  });
}

// [begin, end) of the places between which no pause is longer than one that parts two sessions: over
// a pause there is nothing to draw.
function stretches(times) {
  const begins = times.map((_, i) => i).filter((i) => i === 0 || times[i] - times[i - 1] > 3600);
  return begins.map((begin, i) => [begin, begins[i + 1] ?? times.length]);
}

// One curve over time. `column` of the points; NaN where a point has none.
function curve(id, board, column, { label, axis, colour: property, range, text, empty }) {
  const { points } = board;
  const places = points.time.map((_, i) => i).filter((i) => points[column][i] !== null);
  if (places.length === 0) {
    mount(id, (host) => { host.append(nothing(empty)); return null; });
    return;
  }
  const x = places.map((i) => points.time[i]);
  const y = places.map((i) => axis.factor * points[column][i]);
  const [from, to] = extent([x]);
  mount(id, (host, width) => scatter(host, width, {
    label: `${label} of ${board.name}`, height: 240,
    x: { label: 'time', time: true, range: padded(from, to === from ? to + 60 : to, false, 0.02) },
    y: { label: axis.label, range: range(...extent([y])), format: axis.format },
    lines: stretches(x).map(([begin, end]) => ({ points: x.slice(begin, end).map((t, i) => [t, y[begin + i]]), colour: property, width: 1.5 })),
    layers: [{
      x, y, colour: property, size: 3,
      describe: (i) => ({ title: text(y[i]), lines: [['when', secondText(x[i])], ['trials', whole(points.records[places[i]])], ['lost', whole(points.lost[places[i]])]] }),
    }],
  }));
}

function drawBoard(board) {
  boardTable.mark();
  const told = [board.watts === null ? null : `${board.watts.toFixed(1)} W at last`, board.throttled ? `throttled in ${plural(board.throttled, 'run')}` : null].filter(Boolean);
  say('temperature-note', `${board.name}${board.hottest === null ? '' : `: ${board.coolest.toFixed(1)} to ${board.hottest.toFixed(1)} °C`}${told.length ? `, ${told.join(', ')}` : ''}`);
  curve('temperature', board, 'celsius', {
    label: 'Temperature', axis: { label: 'hottest zone, °C', factor: 1, format: digits3 }, colour: '--hot',
    range: (low, high) => padded(Math.min(low, 30), high, false, 0.08), text: (c) => `${c.toFixed(1)} °C`,
    empty: board.kind === 'virtual' ? 'A virtual board has no temperature.' : 'This board did not tell its temperature.',
  });
  say('drift-note', `${board.name}${board.drift === null ? '' : `: ${signedPercent(board.leastDrift)} to ${signedPercent(board.mostDrift)} against its device’s ruler`}`);
  curve('drift', board, 'drift', {
    label: 'Drift', axis: { label: 'slower than the ruler, %', factor: 100, format: digits3 }, colour: '--accent',
    range: (low, high) => padded(Math.min(low, -2), Math.max(high, 2), false, 0.08), text: (d) => signedPercent(d / 100, 2),
    empty: board.kind === 'virtual' ? 'The same config costs a virtual board the same cycles: there is no drift.'
      : 'No drift is known: a reference kernel runs on boards of a farm, and its ruler was not noted here.',
  });
}

function setUpBoards() {
  boardTable = makeBoardTable();
  show('board-table', boardTable);
  boardTable.update(report.boards);
  chosen.on('board', drawBoard);
  const looked = report.boards.filter((b) => b.health === 'bad' || b.health === 'watch').length;
  say('boards-note', `${plural(report.boards.length, 'board')}; ${looked ? `${looked} to look at` : 'none needs a look'}. A board that is chosen shows its curves.`);
  const best = [...report.boards].sort((a, b) => healthRank[a.health] - healthRank[b.health] || (b.hottest !== null) - (a.hottest !== null) || b.records - a.records);
  chosen.set('board', best[0]);
}
