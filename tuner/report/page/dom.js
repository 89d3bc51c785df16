// Elements, and what the sections tell each other. Text from the log only ever becomes the text of
// an element, so that nothing in it is taken for markup.

const byId = (id) => document.getElementById(id);

// element('td', { class: 'number', title: '...' }, 'text', child, ...); functions are listeners.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const show = (id, ...children) => byId(id).replaceChildren(...children.flat());
const say = (id, text) => { byId(id).textContent = text; };

// What stands where a chart or table would, and why.
const nothing = (reason) => element('p', { class: 'nothing' }, reason);

function tile(label, value, note = '', tone = '') {
  return element('div', { class: `tile ${tone}` },
    element('span', { class: 'tile-label' }, label),
    element('span', { class: 'tile-value' }, value),
    element('span', { class: 'tile-note' }, note));
}

const badge = (text, tone = '') => element('span', { class: `badge ${tone}` }, text);
const kindBadge = (kind) => (kind === 'physical' ? null : badge(kind, 'warn'));

// The task and board that are shown. Sections subscribe; choosing one draws them anew.
const chosen = {
  task: null,
  board: null,
  listeners: { task: [], board: [] },
  on(what, listener) { this.listeners[what].push(listener); },
  set(what, value) {
    if (this[what] === value) return;
    this[what] = value;
    for (const listener of this.listeners[what]) listener(value);
  },
};

// The one tooltip. `lines`: [label, text] pairs, or a text alone.
const tooltip = {
  show(x, y, title, lines) {
    const tip = byId('tooltip');
    tip.replaceChildren(element('strong', {}, title), element('dl', {}, lines.flatMap(
      ([label, text]) => [element('dt', {}, label), element('dd', {}, text)])));
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const room = document.documentElement;
    const left = x + 14 + width > room.clientWidth ? x - 14 - width : x + 14;
    tip.style.left = `${Math.max(4, Math.min(left, room.clientWidth - width - 4))}px`;
    tip.style.top = `${Math.max(4, Math.min(y + 14, room.clientHeight - height - 4))}px`;
  },
  hide() { byId('tooltip').hidden = true; },
};
document.addEventListener('scroll', () => tooltip.hide(), { passive: true, capture: true });
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') tooltip.hide(); });
