// A curve over the time of the animation: click or drag to go there; the moments worth a look are buttons below it.
const SVG = "http://www.w3.org/2000/svg", LEFT = 34, TOP = 8, BOTTOM = 18;

export const CHART_CSS = `
.hp-chart { flex: 0 0 auto; padding: 8px 12px 10px; background: rgba(255,255,255,.72); border-top: 1px solid rgba(16,24,40,.08); }
.hp[data-theme=dark] .hp-chart { background: rgba(17,19,24,.72); border-top-color: rgba(255,255,255,.1); }
.hp-chart h4 { margin: 0 0 2px; font-size: 13.5px; font-weight: 600; display: flex; flex-wrap: wrap; gap: 2px 14px; }
.hp-chart h4 span { font-weight: 400; display: inline-flex; align-items: center; gap: 5px; }
.hp-chart i, .hp-names i { width: 10px; height: 10px; border-radius: 50%; display: inline-block; flex: none; }
.hp-chart svg { display: block; width: 100%; height: 112px; cursor: pointer; touch-action: pan-y; overflow: visible; }
.hp-chart text { font-size: 11.5px; fill: currentColor; opacity: .7; }
.hp-marks { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 6px; align-items: center; font-size: 13.5px; }
.hp .hp-marks button { height: auto; min-height: 32px; padding: 3px 10px; font-size: 13.5px; text-align: left; }
.hp-marks b { font-variant-numeric: tabular-nums; margin-right: 5px; }
@media (max-width: 520px) { .hp-marks { flex-wrap: nowrap; overflow-x: auto; padding-bottom: 3px; }
  .hp .hp-marks button { flex: none; } .hp-marks > span { flex: none; } }`;

function draw(name, attributes, parent, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function element(tag, parent, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function step(most, count) {
  const rough = most / count, power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((k) => k * power).find((value) => value >= rough) || power;
}

// A line with gaps where a value is null, thinned to the highest value of each pixel so that no peak is lost.
function path(values, x, y, pixels) {
  const stride = Math.max(1, Math.floor(values.length / (2 * pixels)));
  let line = "", pen = false;
  for (let k = 0; k < values.length; k += stride) {
    let best = null, at = k;
    for (let j = k; j < Math.min(k + stride, values.length); j++) {
      if (values[j] !== null && (best === null || values[j] > best)) { best = values[j]; at = j; }
    }
    if (best === null) { pen = false; continue; }
    line += `${pen ? "L" : "M"}${x(at).toFixed(1)} ${y(best).toFixed(1)}`;
    pen = true;
  }
  return line;
}

// curve: {title, unit, lines: [{name, color, values}], marks: [{time, label}], spans: [[from, to]], spanLabel, seconds, axis}
export function addChart(root, curve, go) {
  const holder = element("div", root);
  holder.className = "hp-chart";
  const title = element("h4", holder, curve.title);
  for (const { name, color } of curve.lines) {
    const key = element("span", title);
    element("i", key).style.background = color;
    key.append(name);
  }
  if ((curve.spans || []).length && curve.spanLabel) {
    const key = element("span", title);
    const patch = element("i", key);
    patch.style.cssText = "background: currentColor; opacity: .22; border-radius: 2px";
    key.append(curve.spanLabel);
  }
  const svg = draw("svg", { role: "img", "aria-label": `${curve.title}: a curve over the time of the animation` }, holder);
  const most = Math.max(1e-3, ...curve.lines.flatMap((line) => line.values.filter((v) => v !== null))) * 1.06;
  let head = null, place = () => 0, width = 0, now = 0;

  function paint() {
    width = svg.clientWidth;
    if (!width) return;
    const height = svg.clientHeight, wide = width - LEFT - 6, tall = height - TOP - BOTTOM;
    const y = (value) => TOP + tall * (1 - value / most);
    place = (seconds) => LEFT + (wide * seconds) / curve.seconds;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren();
    for (const [from, to] of curve.spans || []) {
      draw("rect", { x: place(from), y: TOP, width: Math.max(place(to) - place(from), 1.5), height: tall,
        fill: "currentColor", opacity: 0.1 }, svg);
    }
    const rise = step(most, 3);
    for (let value = 0; value <= most; value += rise) {
      draw("line", { x1: LEFT, x2: width - 6, y1: y(value), y2: y(value), stroke: "currentColor", opacity: value ? 0.12 : 0.35 }, svg);
      draw("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, svg, `${Number(value.toFixed(3))}${curve.unit || ""}`);
    }
    if (curve.axis === undefined) {
      const pace = step(curve.seconds, Math.max(2, Math.floor(wide / 90)));
      for (let t = 0; t <= curve.seconds + 1e-6; t += pace) {
        draw("text", { x: place(t), y: height - 4, "text-anchor": t ? "middle" : "start" }, svg, `${Number(t.toFixed(2))} s`);
      }
    } else {
      draw("text", { x: LEFT, y: height - 4 }, svg, curve.axis[0]);
      draw("text", { x: width - 6, y: height - 4, "text-anchor": "end" }, svg, curve.axis[1]);
    }
    for (const { values, color } of curve.lines) {
      const x = (k) => place((curve.seconds * k) / Math.max(values.length - 1, 1));
      draw("path", { d: path(values, x, y, wide), fill: "none", stroke: color, "stroke-width": 2, "stroke-linejoin": "round" }, svg);
    }
    for (const { time } of curve.marks || []) {
      const { values, color } = curve.lines[0];
      const value = values[Math.round((time / curve.seconds) * (values.length - 1))];
      if (value !== null) draw("circle", { cx: place(time), cy: y(value), r: 4.5, fill: color, stroke: "white", "stroke-width": 1.5 }, svg);
    }
    head = draw("line", { y1: TOP - 4, y2: TOP + tall + 3, stroke: "currentColor", "stroke-width": 1.5, opacity: 0.75 }, svg);
    setTime(now);
  }

  function setTime(seconds) {
    now = seconds;
    if (!head) return;
    head.setAttribute("x1", place(seconds));
    head.setAttribute("x2", place(seconds));
  }

  function point(event) {
    const box = svg.getBoundingClientRect();
    const part = (event.clientX - box.left - LEFT) / (width - LEFT - 6);
    go(Math.min(Math.max(part, 0), 1) * curve.seconds);
  }
  svg.addEventListener("pointerdown", (event) => { svg.setPointerCapture(event.pointerId); point(event); });
  svg.addEventListener("pointermove", (event) => { if (event.buttons) point(event); });
  if ((curve.marks || []).length) {
    const marks = element("div", holder);
    marks.className = "hp-marks";
    element("span", marks, curve.marksTitle || "Worst moments");
    for (const { time, label } of curve.marks) {
      const button = element("button", marks);
      button.type = "button";
      element("b", button, `${time.toFixed(1)} s`);
      button.append(label);
      button.addEventListener("click", () => go(time));
    }
  }
  new ResizeObserver(paint).observe(svg);
  paint();
  return { setTime };
}
