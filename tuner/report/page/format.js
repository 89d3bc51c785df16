// Numbers, times and names as a person reads them.

const DASH = '–';
const TIMES = '×';
const PERCENT = '\u00a0%';  // never on a line of its own
const number = (digits) => new Intl.NumberFormat('en', { maximumSignificantDigits: digits });
const integers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

const whole = (n) => integers.format(n);
const plural = (n, one) => `${whole(n)} ${one}${n === 1 ? '' : 's'}`;
// Four digits, as many as a measurement is worth.
const digits4 = (n) => (Number.isFinite(n) ? number(4).format(n) : DASH);
const significant4 = new Intl.NumberFormat('en', { minimumSignificantDigits: 4, maximumSignificantDigits: 4 });
// The same with the zeros at its end, for columns and for what is compared.
const fixed4 = (n) => (Number.isFinite(n) ? significant4.format(n) : DASH);
const digits3 = (n) => (Number.isFinite(n) ? number(3).format(n) : DASH);
const percent = (share, digits = 1) => (Number.isFinite(share) && share !== null
  ? `${(100 * share).toFixed(digits)}${PERCENT}` : DASH);
const signedPercent = (share, digits = 1) => (Number.isFinite(share) && share !== null
  ? `${share > 0 ? '+' : share < 0 ? '−' : ''}${Math.abs(100 * share).toFixed(digits)}${PERCENT}` : DASH);
const factor = (n) => (Number.isFinite(n) && n !== null ? `${n.toFixed(2)}${TIMES}` : DASH);

const minutes = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit',
});
const seconds = new Intl.DateTimeFormat('en-GB', {
  month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit',
});
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const dateText = (ms) => minutes.format(ms);
const days = new Intl.DateTimeFormat('en-GB', { month: 'short', day: 'numeric' });
const secondText = (s) => seconds.format(1000 * s);
const rangeText = (from, to) => (new Date(from).toDateString() === new Date(to).toDateString()
  ? `${dateText(from)} to ${clock.format(to)}` : `${dateText(from)} to ${dateText(to)}`);

function durationText(ms) {
  const total = Math.round(ms / 60000);
  if (total < 1) return `${Math.max(1, Math.round(ms / 1000))} s`;
  return total < 60 ? `${total} min` : `${Math.floor(total / 60)} h ${total % 60} min`;
}

const outcomeName = (outcome) => report.outcomeNames[outcome];
const outcomeLabel = (outcome) => outcomeName(outcome).replaceAll('_', ' ');
// The custom property of style.css that holds its colour.
const outcomeColour = (outcome) => `--outcome-${outcomeName(outcome).replaceAll('_', '-')}`;

// The unit in which a task's times are easiest to read: { text, factor }.
function timeUnit(task) {
  if (!task.nsPerUnit) return { text: 'Mcycles', factor: 1e-6 };
  const ns = bestValue(task) * task.nsPerUnit;
  if (ns < 1e5) return { text: 'µs', factor: 1e-3 * task.nsPerUnit };
  if (ns >= 1e10) return { text: 's', factor: 1e-9 * task.nsPerUnit };
  return { text: 'ms', factor: 1e-6 * task.nsPerUnit };
}
const timeText = (task, value) => {
  const unit = timeUnit(task);
  return Number.isFinite(value) ? `${fixed4(value * unit.factor)} ${unit.text}` : DASH;
};
const milliseconds = (task, value) => (task.nsPerUnit ? value * task.nsPerUnit * 1e-6 : NaN);
