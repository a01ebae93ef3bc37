// A drawn skeleton beside a 3D body that follows it. Every change goes to the server, one question at a time, the latest
// always last; the answer turns the bones of a body that is already there. Bundled by scripts/build_viewer.sh.
import { makeCanvas, readable } from "./editor_canvas.js";
import { buildPage } from "./editor_page.js";

const PACE = 80; // milliseconds between questions
const KEEP = 100; // steps that can be undone

// options: {names, bones: [[a, b, side]], main: [names], torso: [names], follow: {name: [names]}, attached: {name: [names]},
//   presets: {name: [[x, y]]}, width, height, colors, glb, betas, api, lift, export, player}
export function mount(root, options) {
  const index = Object.fromEntries(options.names.map((name, k) => [name, k]));
  const place = (name) => (Array.isArray(name) ? name.map(place) : index[name]);
  const indices = (table) => Object.fromEntries(Object.entries(table).map(([name, list]) => [index[name], list.map((n) => index[n])]));
  const follow = indices(options.follow), attached = indices(options.attached);
  const page = buildPage(root, Object.keys(options.presets));
  const model = {
    names: options.names, bones: options.bones.map(([a, b, side]) => [place(a), place(b), side]), points: [], photo: null,
    main: new Set(options.main.map((name) => index[name])), torso: options.torso.map((name) => index[name]),
    width: options.width, height: options.height,
  };
  const player = window.HumanavPlayer ? window.HumanavPlayer.mount(page.viewer, {
    glb: options.glb, title: "The lifted body", autoplay: false, yaw: 0, room: 1.95, ...options.player }) : null;
  let begin = null, betas = options.betas || null, focal = options.focal || null;
  let chosen = -1, limb = true, fine = false, history = [];
  let asked = false, busy = false, sentAt = -Infinity, changedAt = 0, answer = null;
  const latencies = [];
  const session = `editor${Math.random().toString(36).slice(2)}`; // without one, the server sets a new one up for each question
  root.dataset.state = "loading";

  const canvas = makeCanvas(page.left, model, options.colors, {
    begin: () => remember(),
    drag(k, dx, dy, time) { move(k, dx, dy); changed(time); },
    end: () => changed(performance.now()),
    select, hide, key,
  });

  function copy() { return model.points.map((point) => ({ ...point })); }

  function remember() {
    history.push(copy());
    if (history.length > KEEP) history.shift();
    page.buttons.undo.disabled = false;
  }

  function select(k) {
    chosen = k;
    page.buttons.hide.disabled = k < 0;
    page.buttons.hide.textContent = k >= 0 && !model.points[k].on ? "Show joint" : "Hide joint";
    canvas.choose(k);
  }

  function hangs(k) { // what moves with a joint: its limb, or only the points that belong to it
    const found = new Set([k]);
    for (const j of found) for (const next of [...(limb ? follow[j] || [] : []), ...(attached[j] || [])]) found.add(next);
    return found;
  }

  function move(k, dx, dy) {
    const parent = k < 0 ? undefined : Object.keys(follow).find((j) => follow[j].includes(k));
    const anchor = parent === undefined ? null : model.points[parent], point = model.points[k];
    if (point) point.trust = 1; // somebody has looked at it
    const before = anchor && Math.atan2(point.y - anchor.y, point.x - anchor.x);
    for (const j of k < 0 ? model.points.keys() : hangs(k)) { model.points[j].x += dx; model.points[j].y += dy; }
    // A hand turns with its forearm.
    if (anchor && attached[k] && options.names[k].endsWith("wrist")) {
      const turn = Math.atan2(point.y - anchor.y, point.x - anchor.x) - before, c = Math.cos(turn), s = Math.sin(turn);
      for (const j of attached[k]) {
        const x = model.points[j].x - point.x, y = model.points[j].y - point.y;
        Object.assign(model.points[j], { x: point.x + c * x - s * y, y: point.y + s * x + c * y });
      }
    }
    // A joint stays where it can be taken again.
    const lost = { x: 0, y: 0 };
    for (const axis of ["x", "y"]) {
      const most = axis === "x" ? model.width : model.height, value = k < 0 ? most / 2 : model.points[k][axis];
      lost[axis] = Math.min(Math.max(value, 0), most) - value;
    }
    if (lost.x || lost.y) for (const j of hangs(k)) { model.points[j].x += lost.x; model.points[j].y += lost.y; }
  }

  function hide(k) {
    remember();
    const on = !model.points[k].on;
    for (const j of [k, ...(attached[k] || [])]) model.points[j].on = on;
    select(k);
    changed(performance.now());
    page.say(`${readable(options.names[k])} is ${on ? "seen" : "hidden: the rest decides where it is"}.`);
  }

  function key(event, k) {
    const step = (event.shiftKey ? 0.02 : 0.005) * model.height;
    const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (way) { if (!event.repeat) remember(); move(k, ...way); changed(event.timeStamp); }
    else if (event.key === "h" || event.key === "H") hide(k);
    else return;
    event.preventDefault();
  }

  function setPoints(points) {
    model.points = points.map(([x, y, trust = 1]) => ({ x, y, trust: trust || 1, on: trust > 0 }));
    begin = copy();
  }

  function act(change) { remember(); change(); select(chosen); changed(performance.now()); }

  function mirror() {
    const middle = model.points.reduce((sum, { x }) => sum + x, 0) / model.points.length, was = copy();
    model.points = options.names.map((name) => {
      const other = name.startsWith("left_") ? name.replace("left_", "right_") : name.replace("right_", "left_");
      const from = was[index[other] ?? index[name]];
      return { ...from, x: 2 * middle - from.x };
    });
  }

  // ---- the server ----
  function request() {
    return { width: model.width, height: model.height, betas, focal,
      points: model.points.map(({ x, y, on, trust }) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10, on ? Math.round(trust * 1000) / 1000 : 0]) };
  }

  async function post(name, data) {
    const response = await fetch(options.api + name, { method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ data: [data], session_hash: session }) });
    if (!response.ok) throw new Error("The server did not answer: try again.");
    const [found] = (await response.json()).data;
    if (found.error) throw new Error(found.error);
    return found;
  }

  function changed(time) {
    canvas.paint();
    if (!asked) changedAt = time; // the oldest move that has not been sent
    asked = true;
    lift();
  }

  async function lift() {
    if (busy || !asked) return;
    const wait = sentAt + PACE - performance.now();
    if (wait > 4) { busy = true; setTimeout(() => { busy = false; lift(); }, wait); return; }
    busy = true;
    asked = false;
    sentAt = performance.now();
    const since = changedAt;
    try {
      answer = await post(options.lift, request());
      canvas.setGhost(answer.points);
      page.key.hidden = false;
      const said = () => {
        latencies.push(performance.now() - since);
        if (latencies.length > 300) latencies.shift();
        root.dataset.latency = latencies[latencies.length - 1].toFixed(1);
        root.dataset.lifted = String(Number(root.dataset.lifted || 0) + 1);
        root.dataset.state = "ready";
        page.say(answer.said);
      };
      if (!player || !player.pose(answer.quaternions, said)) said();
    } catch (error) {
      page.say(error.message || "The server did not answer: try again.", true);
    } finally {
      busy = false;
      if (asked) lift();
    }
  }

  async function take(kind) {
    page.say(`Writing the ${kind} ...`);
    try {
      const file = await post(options.export, { ...request(), kind });
      const link = document.createElement("a");
      Object.assign(link, { href: file.url, download: file.name });
      document.body.append(link);
      link.click();
      link.remove();
      page.say(`${file.name}, ${file.size}`);
    } catch (error) { page.say(error.message, true); }
  }

  // ---- buttons and messages ----
  for (const b of page.presets) b.addEventListener("click", () => act(() => { clearPhoto(); setPoints(options.presets[b.dataset.preset]); }));
  for (const b of page.exports) b.addEventListener("click", () => take(b.dataset.kind));
  function back() {
    if (!history.length) return;
    model.points = history.pop();
    page.buttons.undo.disabled = !history.length;
    select(chosen);
    changed(performance.now());
  }
  page.buttons.undo.addEventListener("click", back);
  page.buttons.reset.addEventListener("click", () => act(() => { model.points = begin.map((point) => ({ ...point })); }));
  page.buttons.mirror.addEventListener("click", () => act(mirror));
  page.buttons.hide.addEventListener("click", () => { if (chosen >= 0) hide(chosen); });
  page.buttons.limb.addEventListener("click", () => { limb = !limb; page.buttons.limb.setAttribute("aria-pressed", String(limb)); });
  page.buttons.fine.addEventListener("click", () => { fine = !fine; page.buttons.fine.setAttribute("aria-pressed", String(fine)); canvas.setFine(fine); });
  root.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); back(); }
  });

  function clearPhoto() {
    if (model.photo) { history = []; page.buttons.undo.disabled = true; } // those were points of another picture
    Object.assign(model, { photo: null, width: options.width, height: options.height });
    focal = options.focal || null;
    canvas.setGhost(null);
  }

  // {humanav: "editor", photo: {url, width, height, points: [[x, y, confidence]]}} and {humanav: "editor", body: {glb, betas}}
  window.addEventListener("message", ({ data }) => {
    if (!data || data.humanav !== "editor") return;
    if (data.photo) {
      model.photo = data.photo.url;
      clearPhoto();
      Object.assign(model, { photo: data.photo.url, width: data.photo.width, height: data.photo.height });
      setPoints(data.photo.points);
      select(-1);
      changed(performance.now());
    }
    if (data.body && player) {
      betas = data.body.betas;
      player.load(data.body.glb).then(() => changed(performance.now()));
    }
  });

  function theme() {
    let dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
    try { dark = window.parent.document.body.classList.contains("dark"); } catch { /* another site's page is round this one */ }
    root.dataset.theme = dark ? "dark" : "light";
  }
  theme();
  try { new MutationObserver(theme).observe(window.parent.document.body, { attributes: true, attributeFilter: ["class"] }); } catch { /* as above */ }

  setPoints(Object.values(options.presets)[0]);
  canvas.paint();
  (async () => { // the first pose, as soon as there is a body to show it on
    while (player && !player.state.ready && !player.state.error) await new Promise((go) => setTimeout(go, 60));
    changed(performance.now());
  })();
  const api = { state: model, latencies, player, request, lift: () => changed(performance.now()), answer: () => answer };
  root.humanavEditor = api;
  window.humanavEditor = api;
  return api;
}
