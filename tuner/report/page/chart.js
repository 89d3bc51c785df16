// Charts' frame: where they stand, their colours, their axes. uPlot draws axes and grid, and keeps
// scales; the points are ours (scatter.js).

const colour = (property) => getComputedStyle(document.documentElement).getPropertyValue(property).trim();

// id -> { make, chart, width }
const mounted = new Map();

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const frame = mounted.get(target.id);
    // Only a width that changed: the chart itself sets the height.
    if (!frame?.chart || target.clientWidth === frame.width || target.clientWidth === 0) continue;
    frame.width = target.clientWidth;
    frame.chart.setSize({ width: frame.width, height: frame.chart.height });
  }
});

// Puts what `make(host, width)` returns, a uPlot, or null where it put something else there, in the
// place of what was there before.
function mount(id, make) {
  const host = byId(id);
  mounted.get(id)?.chart?.destroy();
  host.replaceChildren();
  const width = Math.max(240, host.clientWidth);
  mounted.set(id, { make, chart: make(host, width), width });
  resized.observe(host);
}

// Canvases do not follow style sheets by themselves.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const [id, { make }] of mounted) mount(id, make);
});

function niceStep(span, steps) {
  const rough = span / steps;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  return magnitude * [1, 2, 5, 10].find((m) => m * magnitude >= rough * 0.999);
}

function linearSplits(min, max, steps) {
  const step = niceStep(max - min, steps);
  const splits = [];
  for (let k = Math.ceil(min / step - 1e-9); k * step <= max * (1 + 1e-9); ++k) splits.push(k * step + 0);  // + 0: never "-0"
  return splits;
}

// Powers of ten, between them 2 and 5 where there is room, and even steps where less than a decade is
// shown: there a logarithmic scale is nearly even itself.
function logSplits(min, max, steps) {
  if (max / min < 7) return linearSplits(min, max, steps).filter((v) => v > 0);
  const decades = Math.log10(max / min);
  const between = decades < steps / 2.5 ? [1, 2, 5] : [1];
  const every = between.length > 1 ? 1 : Math.max(1, Math.ceil(decades / steps));
  const splits = [];
  for (let e = Math.floor(Math.log10(min)); e <= Math.log10(max); e += every) {
    for (const m of between) if (m * 10 ** e >= min && m * 10 ** e <= max) splits.push(m * 10 ** e);
  }
  return splits;
}

// axis: { label, log, time, format(value) }
function axisOptions(axis, isX) {
  const font = '12px system-ui, sans-serif';
  const options = {
    label: axis.label, labelFont: font, font, labelSize: 20, labelGap: 0,
    stroke: colour('--quiet'),
    grid: { stroke: colour('--grid'), width: 1 },
    ticks: { stroke: colour('--grid'), width: 1, size: 4 },
    size: isX ? 34 : 56,
  };
  if (axis.time) {
    // The hour, and below it the day where it begins or the axis does.
    options.values = (u, splits, _, __, step) => splits.map((t, i) => {
      const day = days.format(1000 * t);
      if (step >= 86400) return day;
      return clock.format(1000 * t) + (i === 0 || days.format(1000 * splits[i - 1]) !== day ? `\n${day}` : '');
    });
    return { ...options, size: 46, space: 64 };
  }
  options.splits = (u, _, min, max) => {
    const pixels = (isX ? u.bbox.width : u.bbox.height) / devicePixelRatio;
    return (axis.log ? logSplits : linearSplits)(min, max, Math.max(2, Math.floor(pixels / (isX ? 58 : 36))));
  };
  // uPlot would leave out labels of a logarithmic axis as it thinks fit.
  options.filter = (u, splits) => splits;
  options.values = (u, splits) => splits.map(axis.format ?? digits3);
  return options;
}

// Room around what is drawn: the same share of the axis on both sides.
function padded(min, max, log, share = 0.05) {
  if (!Number.isFinite(min) || !Number.isFinite(max)) return log ? [1, 10] : [0, 1];
  if (log) {
    const room = Math.max((max / min) ** share, 1.02);
    return [min / room, max * room];
  }
  const room = Math.max((max - min) * share, max === min ? Math.abs(max) * 0.01 : 0, 1e-9);
  return [min - room, max + room];
}

function extent(lists) {
  let min = Infinity;
  let max = -Infinity;
  for (const list of lists) {
    for (const v of list) {
      if (v < min) min = v;
      if (v > max) max = v;
    }
  }
  return [min, max];
}

// entries: [text, custom property of the colour, shape]; what is not there is left out.
function legend(host, entries) {
  host.append(element('ul', { class: 'legend' }, entries.filter(Boolean).map(([text, property, shape]) => {
    const swatch = element('span', { class: `swatch ${shape}` });
    swatch.style.setProperty('--swatch', `var(${property})`);
    return element('li', {}, swatch, text);
  })));
}
