// A library, beside the one before it.

function libraryNote({ now, before, rows, notCompared }) {
  if (!before) return `${now.folder}: ${plural(now.variants, 'tuned variant')} for ${now.device}. With --against DIR it is compared with the library before it.`;
  const beside = `${now.folder} against ${before.folder}: `;
  if (notCompared) return `${beside}times are not compared, because ${notCompared}.`;
  const changed = rows.filter((r) => r.change !== null);
  const faster = changed.filter((r) => r.change < 0).length;
  const slower = changed.filter((r) => r.change > 0).length;
  const added = rows.filter((r) => !r.before).length;
  const gone = rows.filter((r) => !r.now).length;
  const mean = changed.length ? ` All in all the time is ${signedPercent(geometricMean(changed.map((r) => 1 + r.change)) - 1)} (geometric mean).` : '';
  return `${beside}${faster} faster, ${slower} slower, ${changed.length - faster - slower} the same, ${added} new, ${gone} gone.${mean}`;
}

function drawLibrary() {
  const { library } = report;
  byId('library').hidden = byId('library-link').hidden = !library;
  if (!library) return;
  say('library-note', libraryNote(library));
  const unit = library.now.unit === 'ns' ? { text: 'ms', factor: 1e-6 } : { text: 'cycles', factor: 1 };
  const time = (variant) => (variant ? fixed4(variant.value * unit.factor) : DASH);
  const columns = [
    { label: 'Workload', sort: (r) => r.workload, cell: (r) => r.workload },
    { label: `Time, ${unit.text}`, number: true, sort: (r) => r.now?.value, cell: (r) => time(r.now) },
    { label: 'Record', number: true, sort: (r) => r.now?.record, cell: (r) => (r.now ? `${r.now.record}` : DASH) },
    { label: 'Board', sort: (r) => r.now?.board, cell: (r) => r.now?.board ?? DASH },
  ];
  if (library.before) {
    columns.splice(2, 0,
      { label: 'Before', number: true, sort: (r) => r.before?.value, cell: (r) => time(r.before) },
      { label: 'Change', title: 'of the time: less is faster', number: true, sort: (r) => r.change, cell: (r) => {
        if (!r.now) return badge('gone', 'bad');
        if (!r.before) return badge('new');
        return r.change === null ? DASH : element('span', { class: r.change < 0 ? 'good' : r.change > 0 ? 'bad' : '' }, signedPercent(r.change));
      } },
      { label: 'Schedule', sort: (r) => r.now?.config === r.before?.config, cell: (r) => (!r.now || !r.before ? DASH : r.now.config === r.before.config ? 'the same' : 'another') });
  }
  const table = sortedTable(columns, { caption: `Variants of ${library.now.name}`, sortBy: library.before ? 3 : 0, descending: Boolean(library.before), empty: 'The library has no tuned variant.' });
  table.update(library.rows);
  show('library-table', table);
}
