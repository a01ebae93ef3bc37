// The drawn skeleton: joints to drag with mouse, finger or arrow keys, over an optional photo.
const SVG = "http://www.w3.org/2000/svg";
const GRAB = 30, GRAB_TOUCH = 44; // screen pixels from which a joint can be taken

function draw(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

export function readable(name) {
  const words = name.replace(/_/g, " ").replace("foot index", "toes");
  return words[0].toUpperCase() + words.slice(1);
}

// model: {points: [{x, y, on}], names, bones: [[a, b, side]], main: Set of indices, width, height, photo}
// on: {begin(), drag(index or -1 for the whole person, dx, dy, time), end(), select(index), hide(index), key(event, index)}
export function makeCanvas(holder, model, colors, on) {
  const svg = draw("svg", { class: "se-canvas", role: "group", "aria-label": "Drawn skeleton: drag a joint, or select one and use the arrow keys" }, holder);
  const photo = draw("image", { preserveAspectRatio: "none", hidden: "" }, svg);
  const veil = draw("rect", { x: 0, y: 0, class: "se-veil" }, svg);
  const ghost = draw("g", { class: "se-ghost" }, svg);
  const lines = draw("g", { class: "se-bones" }, svg);
  const joints = draw("g", {}, svg);
  const label = draw("text", { class: "se-label" }, svg);
  let unit = 1, fine = false, chosen = -1, hover = -1, ghostPoints = null;
  const parts = model.names.map((name, k) => {
    const group = draw("g", { class: "se-joint", tabindex: "0", role: "button" }, joints);
    const dot = draw("circle", { fill: colors[side(name)] }, group);
    group.addEventListener("focus", () => { if (chosen !== k) on.select(k); });
    group.addEventListener("keydown", (event) => on.key(event, k));
    return { group, dot };
  });
  const bones = model.bones.map(([, , s]) => draw("line", { stroke: colors[s] }, lines));
  const shadows = model.bones.map(() => draw("line", {}, ghost));

  function side(name) { return name.startsWith("left") ? "left" : name.startsWith("right") ? "right" : "centre"; }
  function shown(k) { return fine || model.main.has(k); }

  // A bone ends at a point or between two.
  function end(which, points) {
    if (!Array.isArray(which)) return points[which];
    const [a, b] = which.map((k) => points[k]);
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, on: a.on && b.on };
  }

  function paint() {
    const box = svg.getBoundingClientRect();
    if (!box.width || !box.height) return;
    unit = Math.max(model.width / box.width, model.height / box.height);
    svg.setAttribute("viewBox", `0 0 ${model.width} ${model.height}`);
    photo.toggleAttribute("hidden", !model.photo);
    if (model.photo && photo.getAttribute("href") !== model.photo) photo.setAttribute("href", model.photo);
    for (const part of [photo, veil]) { part.setAttribute("width", model.width); part.setAttribute("height", model.height); }
    veil.toggleAttribute("hidden", !model.photo);
    model.points.forEach((point, k) => {
      const { group, dot } = parts[k], main = model.main.has(k);
      group.style.display = shown(k) ? "" : "none";
      group.classList.toggle("se-off", !point.on);
      group.classList.toggle("se-chosen", k === chosen);
      group.classList.toggle("se-hover", k === hover);
      group.setAttribute("aria-label", `${readable(model.names[k])}, ${Math.round(point.x)} right, ${Math.round(point.y)} down${point.on ? "" : ", hidden"}`);
      dot.setAttribute("cx", point.x);
      dot.setAttribute("cy", point.y);
      dot.setAttribute("r", unit * (main ? (k === chosen ? 11 : 9) : 5));
    });
    model.bones.forEach(([a, b], k) => {
      const from = end(a, model.points), to = end(b, model.points);
      for (const [name, value] of [["x1", from.x], ["y1", from.y], ["x2", to.x], ["y2", to.y]]) bones[k].setAttribute(name, value);
      bones[k].classList.toggle("se-off", !(from.on && to.on));
      bones[k].style.display = fine || [a, b].flat().every((j) => model.main.has(j)) ? "" : "none";
      shadows[k].style.display = ghostPoints ? bones[k].style.display : "none";
      if (!ghostPoints) return;
      const p = end(a, ghostPoints), q = end(b, ghostPoints);
      for (const [name, value] of [["x1", p.x], ["y1", p.y], ["x2", q.x], ["y2", q.y]]) shadows[k].setAttribute(name, value);
    });
    const named = hover >= 0 ? hover : chosen;
    label.style.display = named >= 0 && shown(named) ? "" : "none";
    if (named >= 0) {
      const point = model.points[named], right = point.x > model.width * 0.7;
      label.textContent = readable(model.names[named]) + (point.on ? "" : " (hidden)");
      label.setAttribute("x", point.x + (right ? -16 : 16) * unit);
      label.setAttribute("y", point.y - 12 * unit);
      label.setAttribute("text-anchor", right ? "end" : "start");
      label.setAttribute("font-size", 14.5 * unit);
      label.setAttribute("stroke-width", 4 * unit);
    }
  }

  function at(event) {
    const matrix = svg.getScreenCTM();
    return matrix ? new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse()) : new DOMPoint(0, 0);
  }

  function nearest(event) {
    const place = at(event), reach = unit * (event.pointerType === "touch" ? GRAB_TOUCH : GRAB);
    let best = -1, least = reach;
    model.points.forEach((point, k) => {
      const away = Math.hypot(point.x - place.x, point.y - place.y) * (model.main.has(k) && !fine ? 1 : 1.15);
      if (shown(k) && away < least) { least = away; best = k; }
    });
    return best;
  }

  function inTorso(event) {
    const place = at(event), corners = model.torso.map((k) => model.points[k]);
    let inside = false;
    for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
      const a = corners[i], b = corners[j];
      if ((a.y > place.y) !== (b.y > place.y) && place.x < ((b.x - a.x) * (place.y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
    }
    return inside;
  }

  // A finger on a joint drags it; anywhere else it scrolls the page.
  svg.addEventListener("touchstart", (event) => {
    const touch = event.touches[0], finger = { clientX: touch.clientX, clientY: touch.clientY, pointerType: "touch" };
    if (event.touches.length === 1 && (nearest(finger) >= 0 || inTorso(finger))) event.preventDefault();
  }, { passive: false });
  let held = null; // {index, last, pointer, timer, moved}
  svg.addEventListener("pointerdown", (event) => {
    if (held || event.button > 0) return;
    const index = nearest(event);
    if (index < 0 && !inTorso(event)) { on.select(-1); return; }
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    held = { index, last: at(event), pointer: event.pointerId, moved: false, x: event.clientX, y: event.clientY };
    if (index >= 0) {
      parts[index].group.focus({ preventScroll: true });
      held.timer = setTimeout(() => { if (held && !held.moved) { on.hide(index); held = null; } }, 650); // a long press hides
    }
    on.select(index);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!held) {
      const found = event.pointerType === "mouse" ? nearest(event) : -1;
      svg.style.cursor = found >= 0 ? "grab" : inTorso(event) ? "move" : "default";
      if (found !== hover) { hover = found; paint(); }
      return;
    }
    if (event.pointerId !== held.pointer) return;
    if (!held.moved && Math.hypot(event.clientX - held.x, event.clientY - held.y) < 3) return;
    if (!held.moved) { held.moved = true; clearTimeout(held.timer); on.begin(); }
    const place = at(event);
    on.drag(held.index, place.x - held.last.x, place.y - held.last.y, event.timeStamp);
    held.last = place;
  });
  for (const name of ["pointerup", "pointercancel"]) {
    svg.addEventListener(name, (event) => {
      if (!held || event.pointerId !== held.pointer) return;
      clearTimeout(held.timer);
      if (held.moved) on.end();
      held = null;
    });
  }
  svg.addEventListener("pointerleave", () => { if (hover >= 0 && !held) { hover = -1; paint(); } });
  svg.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    const index = nearest(event);
    if (index >= 0) on.hide(index);
  });
  new ResizeObserver(paint).observe(svg);

  return {
    paint,
    choose(index) { chosen = index; paint(); },
    setFine(value) { fine = value; paint(); },
    setGhost(points) { ghostPoints = points && points.map(([x, y]) => ({ x, y })); paint(); },
    focus(index) { parts[index].group.focus({ preventScroll: true }); },
  };
}
