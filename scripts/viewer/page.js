// The player's controls: plain elements, labelled, usable by keyboard and thumb, light and dark.
import { CHART_CSS } from "./chart.js";

const CSS = `
.hp { position: relative; display: flex; flex-direction: column; width: 100%; height: 100%; overflow: hidden;
  font: 15px/1.3 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #344054; border-radius: 12px;
  background: linear-gradient(#dfe3e8, #f3f4f6 62%, #eceef1); }
.hp[data-theme=dark] { color: #d0d5dd; background: linear-gradient(#15171c, #282b33 62%, #1f2229); }
.hp-stage { position: relative; flex: 1 1 auto; min-height: 0; }
.hp canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; outline-offset: -3px; cursor: grab; }
.hp canvas:active { cursor: grabbing; }
.hp-views { position: absolute; top: 10px; left: 10px; display: flex; gap: 6px; }
.hp-corner { position: absolute; top: 10px; right: 10px; display: flex; gap: 6px; }
.hp-note { position: absolute; right: 12px; bottom: 8px; font-size: 12px; opacity: .6; pointer-events: none; }
.hp-names { position: absolute; inset: 0; display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; pointer-events: none; }
.hp-names div { display: flex; align-items: flex-end; justify-content: center; padding: 10px 4px; }
.hp-names div + div { border-left: 1px solid rgba(16,24,40,.12); }
.hp[data-theme=dark] .hp-names div + div { border-left-color: rgba(255,255,255,.14); }
.hp-names span { display: inline-flex; align-items: center; gap: 6px; padding: 4px 11px; border-radius: 14px; font-size: 14px;
  font-weight: 600; background: rgba(255,255,255,.78); white-space: nowrap; }
.hp[data-theme=dark] .hp-names span { background: rgba(17,19,24,.72); }
.hp-message { position: absolute; inset: 0; display: flex; align-items: center; justify-content: center; padding: 24px;
  text-align: center; pointer-events: none; }
.hp-bar { display: flex; align-items: center; gap: 8px; padding: 8px 10px; flex-wrap: wrap;
  background: rgba(255,255,255,.72); border-top: 1px solid rgba(16,24,40,.08); }
.hp[data-theme=dark] .hp-bar { background: rgba(17,19,24,.72); border-top-color: rgba(255,255,255,.1); }
.hp button, .hp select { font: inherit; color: inherit; height: 36px; border-radius: 8px; padding: 0 12px;
  background: rgba(255,255,255,.8); border: 1px solid rgba(16,24,40,.14); cursor: pointer; }
.hp[data-theme=dark] button, .hp[data-theme=dark] select { background: rgba(40,44,53,.88); border-color: rgba(255,255,255,.16); }
.hp button:hover, .hp select:hover { border-color: rgba(16,24,40,.4); }
.hp[data-theme=dark] button:hover, .hp[data-theme=dark] select:hover { border-color: rgba(255,255,255,.45); }
.hp button[aria-pressed=true] { background: #1570cd; border-color: #1570cd; color: #fff; }
.hp .hp-play { width: 44px; padding: 0; display: grid; place-items: center; background: #1570cd; border-color: #1570cd; color: #fff; }
.hp[data-theme=dark] .hp-play { background: #2e90fa; border-color: #2e90fa; }
.hp :focus-visible { outline: 2px solid #2e90fa; outline-offset: 2px; }
.hp canvas:focus-visible { outline-offset: -3px; }
.hp-scrub { flex: 1 1 120px; min-width: 90px; accent-color: #1570cd; height: 36px; margin: 0; cursor: pointer; }
.hp-time { font-variant-numeric: tabular-nums; font-size: 13px; min-width: 82px; text-align: center; }
.hp select { max-width: 170px; padding: 0 8px; text-overflow: ellipsis; }
.hp [hidden] { display: none !important; }
@media (max-width: 520px) {
  .hp-names span { font-size: 12.5px; padding: 4px 9px; }
  .hp-bar { gap: 6px; padding: 8px; }
  .hp-scrub { order: -1; flex-basis: calc(100% - 150px); }
  .hp .hp-play { order: -2; }
  .hp-time { order: -1; }
  .hp select { flex: 1 1 90px; max-width: none; }
  .hp-single .hp-scrub { flex-basis: 50px; min-width: 50px; }
  .hp-single .hp-time { min-width: 76px; }
  .hp-single select { flex: 0 0 auto; }
}`;

const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM14 5h4v14h-4z",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
};

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function icon(name, stroked) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [k, v] of Object.entries({ viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true" })) svg.setAttribute(k, v);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill", stroked ? "none" : "currentColor");
  if (stroked) { path.setAttribute("stroke", "currentColor"); path.setAttribute("stroke-width", "2"); }
  svg.append(path);
  return svg;
}

function readable(name) {
  const words = name.replace(/[_-]+/g, " ").trim();
  return words ? words[0].toUpperCase() + words.slice(1) : "Animation";
}

function clockText(seconds) {
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}

export function buildPage(root, options) {
  root.classList.add("hp");
  const style = make("style");
  style.textContent = CSS + CHART_CSS;
  const canvas = make("canvas", { id: "humanav-canvas", tabindex: "0", role: "img",
    "aria-label": `${options.title || "3D person"}. Drag to turn, pinch or scroll to zoom. Space plays and pauses, arrow keys step, 1 2 3 show front, side and back.` });
  const views = make("div", { class: "hp-views", role: "group", "aria-label": "View" });
  const viewButtons = ["front", "side", "back"].map((name) =>
    make("button", { type: "button", "data-view": name, "aria-pressed": "false" }, readable(name)));
  const cameras = make("button", { type: "button", "data-view": "cameras", "aria-pressed": "false", hidden: "" }, "Cameras");
  viewButtons.push(cameras);
  views.append(...viewButtons);
  const full = make("button", { type: "button", "aria-label": "Full screen", title: "Full screen", style: "padding:0 8px" }, icon("full", true));
  const optional = make("button", { type: "button", "aria-pressed": "false", hidden: "" }, options.optional || "");
  const corner = make("div", { class: "hp-corner" }, optional, full);
  full.hidden = !document.fullscreenEnabled;
  const note = make("div", { class: "hp-note" }, "grid: 1 m");
  const message = make("div", { class: "hp-message", role: "status" }, "Loading the 3D model ...");
  const names = make("div", { class: "hp-names", hidden: "" });
  const stage = make("div", { class: "hp-stage" }, canvas, names, message, views, corner, note);
  const playButton = make("button", { type: "button", class: "hp-play", "aria-label": "Play" }, icon("play"));
  const scrub = make("input", { type: "range", class: "hp-scrub", min: "0", max: "1000", value: "0", "aria-label": "Position in the animation" });
  const time = make("span", { class: "hp-time" }, "0:00.0");
  const speed = make("select", { "aria-label": "Speed" });
  for (const value of [0.25, 0.5, 1, 1.5, 2]) speed.append(make("option", { value }, `${value}x`));
  speed.value = "1";
  const clip = make("select", { "aria-label": "Animation" });
  const bar = make("div", { class: "hp-bar" }, playButton, scrub, time, speed, clip);
  bar.hidden = true;
  root.replaceChildren(style, stage, bar);

  const parentBody = (() => { try { return window.parent.document.body; } catch { return null; } })();
  const media = window.matchMedia("(prefers-color-scheme: dark)");
  let shown = "";

  return {
    canvas, stage,
    isDark() {
      if (options.theme === "dark" || options.theme === "light") return options.theme === "dark";
      if (parentBody && parentBody !== document.body) return parentBody.classList.contains("dark");
      return document.body.classList.contains("dark") || media.matches;
    },
    busy(on) { message.hidden = !on; if (on) message.textContent = "Loading the 3D model ..."; },
    fail(text) { message.hidden = false; message.textContent = text; message.setAttribute("role", "alert"); },
    setPeople(list, someHidden) {
      const known = someHidden || list.includes(options.optional);
      optional.hidden = !known;
      optional.setAttribute("aria-pressed", String(known && !someHidden));
      names.hidden = list.length < 2;
      note.hidden = list.length > 1;
      names.replaceChildren(...list.map((name) => {
        const dot = make("i");
        dot.style.background = (options.colors || {})[name] || "currentColor";
        return make("div", {}, make("span", {}, dot, name));
      }));
    },
    setCameras(some) { cameras.hidden = !some; },
    setClips(titles) {
      clip.replaceChildren(...titles.map((name, k) => make("option", { value: k }, readable(name))));
      clip.hidden = titles.length < 2;
      bar.hidden = titles.length === 0;
      bar.classList.toggle("hp-single", clip.hidden);
    },
    setClip(index, duration, moves) {
      clip.value = String(index);
      for (const element of [playButton, scrub, time, speed]) element.hidden = !moves;
      bar.hidden = !moves && clip.hidden;
    },
    setPlaying(on) {
      playButton.setAttribute("aria-label", on ? "Pause" : "Play");
      playButton.replaceChildren(icon(on ? "pause" : "play"));
    },
    setSpeed(value) { speed.value = String(value); },
    setTime(seconds, duration) {
      const text = `${clockText(seconds)} / ${clockText(duration)}`;
      if (text === shown) return;
      shown = time.textContent = text;
      scrub.value = String(Math.round((1000 * seconds) / (duration || 1)));
      scrub.setAttribute("aria-valuetext", `${seconds.toFixed(1)} seconds`);
    },
    pressView(name) { for (const b of viewButtons) b.setAttribute("aria-pressed", String(b.dataset.view === name)); },
    connect(on) {
      playButton.addEventListener("click", on.toggle);
      scrub.addEventListener("input", () => on.scrub(scrub.value / 1000));
      speed.addEventListener("change", () => on.speed(Number(speed.value)));
      clip.addEventListener("change", () => on.clip(Number(clip.value)));
      for (const b of viewButtons) b.addEventListener("click", () => on.view(b.dataset.view));
      optional.addEventListener("click", on.optional);
      full.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()));
      root.addEventListener("keydown", (event) => {
        if (event.target.matches("select, input, button")) return;
        const act = { " ": on.toggle, ArrowLeft: () => on.step(-1), ArrowRight: () => on.step(1), 1: () => on.view("front"),
          2: () => on.view("side"), 3: () => on.view("back") }[event.key];
        if (act) { event.preventDefault(); act(); }
      });
      media.addEventListener("change", on.theme);
      if (parentBody) new MutationObserver(on.theme).observe(parentBody, { attributes: true, attributeFilter: ["class"] });
    },
  };
}
