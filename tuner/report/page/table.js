// Tables that a click on a heading sorts.

const ROWS_AT_FIRST = 25;
const ROWS_MORE = 200;

// columns: [{ label, title, sort(row) -> number or text, cell(row) -> text or node, number, first }]
//   sort: what rows are ordered by; NaN, null and '' go last, whichever way
//   first: 'descending' where the first click is to show the largest
// options: { caption, sortBy: index, descending, onChoose(row), isChosen(row), empty: reason }
// Returns the table's element with update(rows) and mark() on it.
function sortedTable(columns, options) {
  let rows = [];
  let sortBy = options.sortBy ?? 0;
  let descending = options.descending ?? false;
  let most = ROWS_AT_FIRST;

  const heads = columns.map((column, index) => element('th', { scope: 'col', class: column.number ? 'number' : '' },
    element('button', { type: 'button', title: column.title, click: () => sort(index) }, column.label)));
  const body = element('tbody');
  const more = element('button', { type: 'button', class: 'more', click: () => { most += ROWS_MORE; draw(); } });
  const table = element('table', {},
    element('caption', {}, options.caption), element('thead', {}, element('tr', {}, heads)), body);
  const host = element('div', { class: 'table' }, element('div', { class: 'scroll' }, table), more);

  function sort(index) {
    descending = sortBy === index ? !descending : columns[index].first === 'descending';
    sortBy = index;
    most = ROWS_AT_FIRST;
    draw();
  }

  function inOrder() {
    const { sort: key } = columns[sortBy];
    const isMissing = (k) => k === null || k === undefined || k === '' || Number.isNaN(k);
    const keyed = rows.map((row) => [key(row), row]);
    const sign = descending ? -1 : 1;
    keyed.sort(([a], [b]) => {
      if (isMissing(a) || isMissing(b)) return isMissing(a) - isMissing(b);
      return sign * (typeof a === 'string' ? a.localeCompare(b, 'en', { numeric: true }) : a - b);
    });
    return keyed.map(([, row]) => row);
  }

  function rowElement(row) {
    const cells = columns.map((column, index) => {
      const content = [column.cell(row)].flat();
      const attributes = { class: column.number ? 'number' : column.class };
      return index === 0 && options.onChoose
        ? element('th', { scope: 'row' }, element('button', { type: 'button', class: 'choose' }, content))
        : element('td', attributes, content);
    });
    const made = element('tr', options.onChoose ? { class: 'choosable', click: () => options.onChoose(row) } : {}, cells);
    made.row = row;
    return made;
  }

  function draw() {
    heads.forEach((head, index) => {
      if (index === sortBy) head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    if (rows.length === 0) {
      body.replaceChildren(element('tr', {}, element('td', { colspan: columns.length }, nothing(options.empty))));
    } else {
      body.replaceChildren(...inOrder().slice(0, most).map(rowElement));
    }
    const left = rows.length - most;
    more.hidden = left <= 0;
    more.textContent = `Show ${whole(Math.min(left, ROWS_MORE))} more of ${whole(left)}`;
    mark();
  }

  function mark() {
    if (!options.isChosen) return;
    for (const row of body.children) {
      const isChosen = row.row !== undefined && options.isChosen(row.row);
      row.classList.toggle('chosen', isChosen);
      if (isChosen) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
    }
  }

  host.update = (newRows) => { rows = newRows; most = ROWS_AT_FIRST; draw(); };
  host.mark = mark;
  return host;
}
