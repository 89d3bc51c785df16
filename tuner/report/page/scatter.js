// Points and lines over a frame of axes, with a tooltip for the nearest point: by mouse, by touch,
// and by the arrow keys. Dragging zooms, a double click shows all again.

const CELL = 14;      // of the grid by which the nearest point is found, in px
const REACH = 18;     // how far from the pointer it may be

// options: {
//   label: of the chart, for screen readers;  height
//   x, y: { label, log, time, range: [min, max], format }
//   layers: [{ x, y: lists, colour: a custom property, size, shape, alpha, describe(i) }], drawn in
//     this order; points of a layer without `describe` are scenery; y NaN: at the bottom
//   lines: [{ points: [[x, y], ...], colour, width, dash, steps, label, labelAt: 0..1 }]
//   keyboard: the layer that arrow keys walk through
// }; describe gives { title, lines } as tooltip.show takes them.
function scatter(host, width, options) {
  const view = { x: options.x.range, y: options.y.range };
  const state = { grid: null, place: -1 };
  const scale = (axis) => ({
    time: axis.time === true, distr: axis.log ? 3 : 1, auto: false, range: () => view[axis === options.x ? 'x' : 'y'],
  });
  const chart = new uPlot({
    width, height: options.height ?? 300, legend: { show: false }, padding: [10, 12, 0, 0],
    cursor: { points: { show: false }, drag: { x: true, y: true, setScale: false }, bind: { dblclick: () => () => zoom(options.x.range, options.y.range) } },
    scales: { x: scale(options.x), y: scale(options.y) },
    axes: [axisOptions(options.x, true), axisOptions(options.y, false)],
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: { draw: [paint], setSelect: [zoomToSelection] },
  }, [options.x.range, options.y.range], host);
  const ring = element('div', { class: 'ring', hidden: true });
  chart.over.append(ring);
  zoom(options.x.range, options.y.range);
  host.tabIndex = 0;
  host.setAttribute('role', 'group');
  host.setAttribute('aria-label', `${options.label}. Arrow keys walk through the points.`);
  host.onkeydown = walk;
  host.onblur = leave;
  chart.over.addEventListener('pointermove', (event) => point(event));
  chart.over.addEventListener('pointerdown', (event) => { if (event.pointerType !== 'mouse') point(event); });
  chart.over.addEventListener('pointerleave', leave);
  return chart;

  function zoom(x, y) {
    view.x = x;
    view.y = y;
    chart.batch(() => {
      chart.setScale('x', { min: x[0], max: x[1] });
      chart.setScale('y', { min: y[0], max: y[1] });
    });
  }

  function zoomToSelection(u) {
    const { left, top, width: w, height: h } = u.select;
    if (w < 8 || h < 8) return;
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    zoom([u.posToVal(left, 'x'), u.posToVal(left + w, 'x')], [u.posToVal(top + h, 'y'), u.posToVal(top, 'y')]);
  }

  // Value -> canvas pixel, cheaper than asking uPlot 200,000 times.
  function projection(u) {
    const map = ({ log }, { min, max }, from, length) => {
      const f = log ? Math.log10 : (v) => v;
      const slope = length / (f(max) - f(min));
      return (v) => from + (f(v) - f(min)) * slope;
    };
    const { left, top, width: w, height: h } = u.bbox;
    const y = map(options.y, u.scales.y, top + h, -h);
    const bottom = top + h - 4 * devicePixelRatio;
    return { x: map(options.x, u.scales.x, left, w), y: (v) => (Number.isNaN(v) ? bottom : y(v)) };
  }

  function paint(u) {
    const { ctx, bbox } = u;
    state.grid = null;
    // uPlot remembers what it set, so it gets the context back as it was.
    ctx.save();
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    const to = projection(u);
    for (const layer of options.layers) paintLayer(ctx, layer, to);
    for (const line of options.lines ?? []) paintLine(ctx, line, to);
    ctx.restore();
    for (const line of options.lines ?? []) if (line.label) paintLabel(ctx, bbox, line, to);
    ctx.restore();
  }

  // Cells of the screen -> [layer, point] pairs.
  function gridOf(u) {
    const to = projection(u);
    const grid = new Map();
    options.layers.forEach((layer, place) => {
      if (!layer.describe) return;
      for (let i = 0; i < layer.x.length; ++i) {
        const x = (to.x(layer.x[i]) - u.bbox.left) / devicePixelRatio;
        const y = (to.y(layer.y[i]) - u.bbox.top) / devicePixelRatio;
        const key = Math.floor(x / CELL) * 4096 + Math.floor(y / CELL);
        if (!grid.has(key)) grid.set(key, []);
        grid.get(key).push([place, i, x, y]);
      }
    });
    return grid;
  }

  function nearest(px, py) {
    state.grid ??= gridOf(chart);
    let found = null;
    let least = REACH * REACH;
    const reach = Math.ceil(REACH / CELL);
    for (let cx = Math.floor(px / CELL) - reach; cx <= Math.floor(px / CELL) + reach; ++cx) {
      for (let cy = Math.floor(py / CELL) - reach; cy <= Math.floor(py / CELL) + reach; ++cy) {
        for (const candidate of state.grid.get(cx * 4096 + cy) ?? []) {
          const distance = (candidate[2] - px) ** 2 + (candidate[3] - py) ** 2;
          // Of two as near, the one drawn last, which is the one that is seen.
          if (distance <= least) { least = distance; found = candidate; }
        }
      }
    }
    return found;
  }

  function tell(found) {
    if (!found) { leave(); return; }
    const [place, i, x, y] = found;
    const { title, lines } = options.layers[place].describe(i);
    const box = chart.over.getBoundingClientRect();
    ring.hidden = false;
    ring.style.transform = `translate(${x}px, ${y}px)`;
    tooltip.show(box.left + x, box.top + y, title, lines);
  }

  function point(event) {
    const box = chart.over.getBoundingClientRect();
    tell(nearest(event.clientX - box.left, event.clientY - box.top));
  }

  function leave() {
    ring.hidden = true;
    tooltip.hide();
  }

  function walk(event) {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    const layer = options.layers[options.keyboard ?? 0];
    if (!step || !layer?.describe || layer.x.length === 0) return;
    event.preventDefault();
    state.place = (state.place + step + layer.x.length) % layer.x.length;
    const to = projection(chart);
    tell([options.keyboard ?? 0, state.place,
      (to.x(layer.x[state.place]) - chart.bbox.left) / devicePixelRatio,
      (to.y(layer.y[state.place]) - chart.bbox.top) / devicePixelRatio]);
  }
}

function paintLayer(ctx, layer, to) {
  const size = (layer.size ?? 3) * devicePixelRatio;
  ctx.fillStyle = ctx.strokeStyle = colour(layer.colour);
  ctx.globalAlpha = layer.alpha ?? 1;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (let i = 0; i < layer.x.length; ++i) {
    const x = to.x(layer.x[i]);
    const y = to.y(layer.y[i]);
    if (layer.shape === 'tick') {
      ctx.fillRect(x - 0.5 * devicePixelRatio, y - size, devicePixelRatio, 2 * size);
    } else if (layer.shape === 'diamond') {
      ctx.beginPath();
      ctx.moveTo(x, y - size); ctx.lineTo(x + size, y); ctx.lineTo(x, y + size); ctx.lineTo(x - size, y);
      ctx.closePath();
      ctx.fill();
    } else if (layer.shape === 'circle') {
      ctx.beginPath();
      ctx.arc(x, y, size, 0, 2 * Math.PI);
      ctx.stroke();
    } else {
      ctx.fillRect(x - size / 2, y - size / 2, size, size);
    }
  }
  ctx.globalAlpha = 1;
}

function paintLine(ctx, line, to) {
  ctx.strokeStyle = colour(line.colour);
  ctx.lineWidth = (line.width ?? 1.5) * devicePixelRatio;
  ctx.setLineDash((line.dash ?? []).map((d) => d * devicePixelRatio));
  ctx.lineJoin = 'round';
  ctx.beginPath();
  let last = null;
  for (const [vx, vy] of line.points) {
    const x = to.x(vx);
    const y = to.y(vy);
    if (last === null) ctx.moveTo(x, y);
    else if (line.steps) { ctx.lineTo(x, last); ctx.lineTo(x, y); } else ctx.lineTo(x, y);
    last = y;
  }
  ctx.stroke();
  ctx.setLineDash([]);
}

// Beside the line's end, inside the frame.
function paintLabel(ctx, bbox, line, to) {
  const [vx, vy] = line.points[line.points.length - 1];
  const pad = 6 * devicePixelRatio;
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textBaseline = 'bottom';
  ctx.textAlign = line.align ?? 'right';
  const room = ctx.measureText(line.label).width + pad;
  const at = Math.min(to.x(vx), bbox.left + bbox.width) + (line.align === 'left' ? pad : -pad);
  const x = Math.max(bbox.left + (line.align === 'left' ? 0 : room), Math.min(at, bbox.left + bbox.width - (line.align === 'left' ? room : 0)));
  const y = to.y(vy) - pad / 2;
  if (y < bbox.top + 12 * devicePixelRatio || y > bbox.top + bbox.height) return;
  ctx.lineWidth = 3 * devicePixelRatio;
  ctx.strokeStyle = colour('--card');
  ctx.strokeText(line.label, x, y);
  ctx.fillStyle = colour(line.colour);
  ctx.fillText(line.label, x, y);
}
