// The textured mesh (the .glb player of player.js) and the Gaussians in step: one camera, one moment, and a slider
// between them or the two beside each other.

const CSS = `
.hc-mesh { position: absolute; inset: 0; pointer-events: none; }
.hc-mesh .hp { background: none; border-radius: 0; }
.hc-mesh .hp-bar, .hc-mesh .hp-views, .hc-mesh .hp-corner, .hc-mesh .hp-note { display: none !important; }
.hc-line { position: absolute; top: 0; bottom: 0; width: 44px; margin-left: -22px; cursor: ew-resize; touch-action: none; }
.hc-line::before { content: ""; position: absolute; top: 0; bottom: 0; left: 21px; width: 2px; background: #fff; box-shadow: 0 0 3px rgba(0,0,0,.45); }
.hc-line::after { content: "\\2039\\2009\\203a"; position: absolute; left: 4px; top: 56%; width: 36px; height: 36px; border-radius: 50%;
  display: grid; place-items: center; font-size: 20px; line-height: 1; padding-bottom: 3px; box-sizing: border-box; background: #1570cd; color: #fff; box-shadow: 0 1px 4px rgba(0,0,0,.35); }
.hc-name { position: absolute; bottom: 10px; padding: 4px 11px; border-radius: 14px; font-size: 13.5px; font-weight: 600; pointer-events: none;
  background: rgba(255,255,255,.8); white-space: nowrap; }
.hp[data-theme=dark] .hc-name { background: rgba(17,19,24,.76); }
.hc-left { left: 10px; } .hc-right { right: 10px; }
.hp-stage[data-compare] .hp-note { display: none; }
.hp-stage[data-compare=beside] .hc-line { display: none; }
.hp-stage[data-compare=beside] > canvas { left: 50%; right: 0; width: 50%; }
.hp-stage[data-compare=beside] .hc-mesh { right: 50%; border-right: 1px solid rgba(128,128,128,.35); }`;

export function compare(page, { glb, labels, beside }, on) {
  const { stage, canvas } = page, style = document.createElement("style");
  style.textContent = CSS;
  const box = document.createElement("div"), line = document.createElement("div"), button = document.createElement("button");
  box.className = "hc-mesh";
  const holder = document.createElement("div");
  holder.style.height = "100%";
  box.append(holder);
  line.className = "hc-line";
  for (const [name, value] of Object.entries({ role: "slider", tabindex: "0", "aria-label": `${labels[0]} or ${labels[1]}`, "aria-valuemin": "0", "aria-valuemax": "100" })) {
    line.setAttribute(name, value);
  }
  const names = labels.map((words, k) => {
    const name = document.createElement("span");
    name.className = `hc-name ${k ? "hc-right" : "hc-left"}`;
    name.textContent = words;
    return name;
  });
  canvas.after(box, ...names, line);
  stage.prepend(style);
  button.type = "button";
  button.style.padding = "0 8px";
  button.title = "Side by side";
  button.setAttribute("aria-label", button.title);
  button.innerHTML = `<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M4 5h6v14H4zM14 5h6v14h-6z"
    fill="none" stroke="currentColor" stroke-width="2"/></svg>`;
  stage.querySelector(".hp-corner").prepend(button);

  const lead = window.humanavPlayer; // the mesh's mount takes the window's name for a moment
  const mesh = window.HumanavPlayer.mount(holder, { glb, autoplay: false, theme: on.theme() });
  window.humanavPlayer = lead;
  let share = 0.5, wanted = null, known = false;

  function split(value) {
    share = Math.min(Math.max(value, 0), 1);
    const whole = stage.dataset.compare === "beside";
    box.style.clipPath = whole ? "" : `inset(0 ${100 * (1 - share)}% 0 0)`;
    canvas.style.clipPath = whole ? "" : `inset(0 0 0 ${100 * share}%)`;
    line.style.left = `${100 * share}%`;
    line.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }

  function arrange(sideBySide) {
    stage.dataset.compare = sideBySide ? "beside" : "slider";
    button.setAttribute("aria-pressed", String(sideBySide));
    split(share);
    on.resize();
  }

  line.addEventListener("pointerdown", (event) => { line.setPointerCapture(event.pointerId); event.stopPropagation(); });
  line.addEventListener("pointermove", (event) => {
    if (!line.hasPointerCapture(event.pointerId)) return;
    const { left, width } = stage.getBoundingClientRect();
    split((event.clientX - left) / width);
  });
  line.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.05, ArrowRight: 0.05 }[event.key];
    if (step) { split(share + step); event.preventDefault(); event.stopPropagation(); }
  });
  button.addEventListener("click", () => arrange(stage.dataset.compare !== "beside"));
  arrange(!!beside);

  return {
    selectClip(name) { wanted = name; },
    news() { // the mesh has just been loaded
      const fresh = !known && !!mesh && mesh.state.ready;
      known = known || fresh;
      return fresh;
    },
    show(camera, state) {
      if (!mesh || !mesh.state.ready) return;
      if (wanted !== null) { mesh.selectClip(wanted); mesh.setSpeed(0); wanted = null; }
      if (mesh.state.playing !== state.playing) mesh.play(state.playing);
      mesh.setTheme(on.theme());
      mesh.seeFrom(camera.position, camera.target);
      if (Math.abs(mesh.state.time - state.time) > 1e-4) mesh.seek(state.time);
    },
  };
}
