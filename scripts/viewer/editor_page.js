// The editor's plain elements: buttons, status line, the two panes; usable by keyboard and thumb, light and dark.
const CSS = `
.se { display: flex; flex-direction: column; height: 100%; box-sizing: border-box; overflow: hidden; border-radius: 14px; color: #413f3b;
  font: 15px/1.35 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; background: #fff; border: 1px solid #e6e4df; }
.se[data-theme=dark] { color: #d2cfc8; background: #1c1b1a; border-color: #292826; }
.se-bar { display: flex; flex-wrap: wrap; gap: 8px; padding: 10px 12px; align-items: center; }
.se-bar + .se-bar { padding-top: 0; }
.se-bar > span { font-size: 14px; opacity: .75; margin-right: -2px; white-space: nowrap; }
.se-bar .se-gap { flex: 1 1 0; margin: 0; }
.se button { font: inherit; color: inherit; min-height: 38px; padding: 5px 14px; border-radius: 10px; cursor: pointer; background: #fff;
  border: 1px solid #d2cfc8; }
.se[data-theme=dark] button { background: #292826; border-color: #413f3b; }
.se button:hover:not(:disabled) { border-color: #1d9479; }
.se button:disabled { opacity: .4; cursor: default; }
.se button[aria-pressed=true] { background: #e2f3ed; border-color: #0f7661; color: #0c5f4f; font-weight: 600; }
.se[data-theme=dark] button[aria-pressed=true] { background: #0b3e36; border-color: #1d9479; color: #a8e4d1; }
.se :focus-visible { outline: 2px solid #1d9479; outline-offset: 2px; }
.se-panes { flex: 1 1 auto; min-height: 0; display: grid; grid-template-columns: 1fr 1fr; gap: 1px; background: #e6e4df; border: solid #e6e4df; border-width: 1px 0; }
.se[data-theme=dark] .se-panes { background: #292826; border-color: #292826; }
.se-left { position: relative; min-height: 0; min-width: 0; background: #faf9f7; }
.se[data-theme=dark] .se-left { background: #191817; }
.se-right { position: relative; min-height: 0; min-width: 0; }
.se-right > div { position: absolute; inset: 0; border-radius: 0 !important; }
.se-canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; user-select: none; -webkit-user-select: none; }
.se-canvas [hidden] { display: none; }
.se-veil { fill: #fff; opacity: .35; }
.se[data-theme=dark] .se-veil { fill: #000; }
.se-bones line { stroke-width: 6; vector-effect: non-scaling-stroke; stroke-linecap: round; opacity: .75; }
.se-bones line.se-off { stroke-dasharray: 2 9; stroke-width: 3; opacity: .6; }
.se-ghost line { stroke: #1d9479; stroke-width: 2.5; vector-effect: non-scaling-stroke; stroke-linecap: round; opacity: .9; }
.se .se-joint, .se .se-joint:focus-visible { outline: none; }
.se-joint circle { stroke: #fff; stroke-width: 2.5; vector-effect: non-scaling-stroke; }
.se[data-theme=dark] .se-joint circle { stroke: #191817; }
.se-joint.se-hover circle, .se-joint.se-chosen circle { stroke: #1c1b1a; }
.se[data-theme=dark] .se-joint.se-hover circle, .se[data-theme=dark] .se-joint.se-chosen circle { stroke: #faf9f7; }
.se-joint.se-off circle { fill-opacity: .12; stroke: #76726b; stroke-dasharray: 3 3; }
.se-label { font-weight: 600; fill: #292826; stroke: #faf9f7; paint-order: stroke; pointer-events: none; }
.se[data-theme=dark] .se-label { fill: #f3f2ef; stroke: #191817; }
.se-status { padding: 10px 14px; min-height: 21px; font-size: 14.5px; display: flex; flex-wrap: wrap; gap: 2px 18px; align-items: center; }
.se-status i { width: 14px; height: 3px; border-radius: 2px; background: #1d9479; display: inline-block; margin-right: 6px; vertical-align: middle; }
.se-status .se-said { font-variant-numeric: tabular-nums; }
.se-status .se-help { opacity: .72; }
.se-status .se-wrong { color: #a8480a; }
.se[data-theme=dark] .se-status .se-wrong { color: #f0a060; }
@media (max-width: 700px) {
  .se-panes { grid-template-columns: 1fr; grid-template-rows: 1.15fr 1fr; }
  .se-bar { gap: 6px; padding: 8px 9px; }
  .se-bar { flex-wrap: nowrap; overflow-x: auto; scrollbar-width: none; }
  .se button { padding: 5px 11px; font-size: 14.5px; flex: none; }
  .se-bar .se-gap, .se-bar > span:first-child { display: none; }
  .se-help { display: none; }
}`;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function button(text, title) { return make("button", { type: "button", title }, text); }

export function buildPage(root, presets) {
  root.classList.add("se");
  const style = make("style");
  style.textContent = CSS;
  const named = presets.map((name) => { const b = button(name, `Begin with: ${name.toLowerCase()}`); b.dataset.preset = name; return b; });
  const buttons = {
    undo: button("Undo", "Take the last change back (Ctrl+Z)"), reset: button("Reset", "Back to where this pose began"),
    mirror: button("Mirror", "Swap left and right"), hide: button("Hide joint", "Let the chosen joint be unseen, or seen again (H, right click or long press)"),
    limb: button("Limb follows", "Moving a joint also moves what hangs on it"), fine: button("All points", "Show face, hands and heels too"),
  };
  buttons.limb.setAttribute("aria-pressed", "true");
  buttons.fine.setAttribute("aria-pressed", "false");
  buttons.hide.disabled = buttons.undo.disabled = true;
  const exports = ["npz", "BVH", "GLB"].map((kind) => { const b = button(kind, `Download the 3D pose as ${kind}`); b.dataset.kind = kind.toLowerCase(); return b; });
  const top = make("div", { class: "se-bar", role: "group", "aria-label": "Poses to begin with" }, make("span", {}, "Begin with"), ...named,
    make("span", { class: "se-gap" }), make("span", {}, "Download"), ...exports);
  const tools = make("div", { class: "se-bar", role: "group", "aria-label": "Tools" }, buttons.undo, buttons.reset, buttons.mirror, buttons.hide,
    make("span", { class: "se-gap" }), buttons.limb, buttons.fine);
  const left = make("div", { class: "se-left" }), viewer = make("div", { id: "player" });
  const said = make("span", { class: "se-said", role: "status" }, "Drag a joint: the body follows.");
  const key = make("span", { class: "se-key", hidden: "" }, make("i"), "the 3D body, drawn back");
  const help = make("span", { class: "se-help" }, "Tab and arrow keys work too; H hides a joint.");
  root.replaceChildren(style, top, tools, make("div", { class: "se-panes" }, left, make("div", { class: "se-right" }, viewer)),
    make("div", { class: "se-status" }, said, key, help));
  return { left, viewer, buttons, presets: named, exports, key,
    say(text, wrong) { said.textContent = text; said.classList.toggle("se-wrong", !!wrong); } };
}
