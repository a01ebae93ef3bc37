// The page to send: puts one view at a time into the stage, from the files that the page carries, and keeps curves,
// poses and the theme in step with it. No network: every file is in the page, a view's page names it "humanav-part:KEY".
(() => {
  const $ = (id) => document.getElementById(id), all = (rule) => [...document.querySelectorAll(rule)];
  const views = JSON.parse($("views").textContent), stage = $("stage"), tabs = all("#tabs [role=tab]");
  const urls = new Map();
  let shown = -1, frame = null, plain = false;

  // ---- the files of the page ----
  function address(key) {
    if (urls.has(key)) return urls.get(key);
    const holder = document.querySelector(`script[data-part="${CSS.escape(key)}"]`);
    if (!holder) return "";
    const { mime, text } = holder.dataset, raw = holder.textContent;
    let url;
    if (plain) url = text ? `data:${mime};charset=utf-8,${encodeURIComponent(raw)}` : `data:${mime};base64,${raw}`;
    else url = URL.createObjectURL(new Blob([text ? raw : Uint8Array.from(atob(raw), (c) => c.charCodeAt(0))], { type: mime }));
    urls.set(key, url);
    return url;
  }

  // Some browsers do not read such addresses in a file that was opened from a disk: then data addresses do.
  async function choose() {
    try {
      const url = URL.createObjectURL(new Blob(["ok"]));
      plain = (await (await fetch(url)).text()) !== "ok";
      URL.revokeObjectURL(url);
    } catch { plain = true; }
  }

  // ---- the views ----
  function player() {
    try { return (frame && frame.contentWindow.humanavPlayer) || null; } catch { return null; }
  }

  function show(k) {
    if (k === shown || !views[k]) return;
    shown = k;
    const view = views[k];
    if (frame) frame.remove();
    frame = document.createElement("iframe");
    frame.title = view.name;
    frame.allow = "fullscreen; autoplay";
    frame.addEventListener("load", () => { frame.dataset.shown = "true"; }, { once: true });
    frame.srcdoc = view.page.replace(/humanav-part:([A-Za-z0-9._-]+)/g, (whole, key) => address(key) || whole);
    stage.classList.toggle("tall", view.tall);
    stage.append(frame);
    if (tabs.length) stage.setAttribute("aria-labelledby", tabs[k].id);
    tabs.forEach((tab, n) => { tab.setAttribute("aria-selected", String(n === k)); tab.tabIndex = n === k ? 0 : -1; });
    if (tabs[k]) tabs[k].scrollIntoView({ block: "nearest", inline: "center" });
    all("[data-of]").forEach((element) => { element.hidden = Number(element.dataset.of) !== k; });
    document.body.dataset.view = String(k);
  }
  tabs.forEach((tab, k) => tab.addEventListener("click", () => show(k)));
  if ($("tabs")) $("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (shown + step + views.length) % views.length;
    show(next);
    tabs[next].focus();
  });

  // ---- curves: the head follows the player, a touch moves the player ----
  const plots = all(".plot");
  function go(plot, seconds) {
    const found = player(), time = Math.min(Math.max(seconds, 0), Number(plot.dataset.seconds));
    if (!found || !found.state.ready) return;
    found.pause();
    found.seek(Math.min(time, Math.max(found.state.duration - 1e-3, 0)));
  }
  for (const plot of plots) {
    const field = plot.querySelector(".field"), whole = Number(plot.dataset.seconds);
    const point = ({ clientX }) => {
      const { left, width } = field.getBoundingClientRect();
      go(plot, whole * (clientX - left) / width);
    };
    plot.addEventListener("pointerdown", (event) => { plot.setPointerCapture(event.pointerId); point(event); });
    plot.addEventListener("pointermove", (event) => { if (event.buttons) point(event); });
    plot.addEventListener("keydown", (event) => {
      const now = Number(plot.getAttribute("aria-valuenow"));
      const to = { ArrowLeft: now - whole / 50, ArrowRight: now + whole / 50, Home: 0, End: whole }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      go(plot, to);
    });
  }
  let last = -1;
  function follow() {
    requestAnimationFrame(follow);
    const found = player();
    if (!found || !found.state.ready) return;
    document.body.dataset.time = found.state.time.toFixed(3);
    document.body.dataset.ready = String(shown);
    if (found.state.time === last) return;
    last = found.state.time;
    for (const plot of plots) {
      if (!plot.offsetParent) continue;
      const whole = Number(plot.dataset.seconds), part = Math.min(last / whole, 1);
      plot.querySelector(".head").style.left = `${100 * part}%`;
      plot.setAttribute("aria-valuenow", (part * whole).toFixed(2));
      plot.setAttribute("aria-valuetext", `${(part * whole).toFixed(1)} seconds`);
    }
  }

  // ---- poses, pictures, theme ----
  const cards = all("[data-clip]");
  for (const card of cards) card.addEventListener("click", () => {
    const found = player();
    if (!found || !found.state.ready) return;
    found.selectClip(card.dataset.clip);
    for (const other of cards) other.setAttribute("aria-pressed", String(other === card));
    const { top, bottom } = stage.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight + 200) stage.scrollIntoView({ behavior: "smooth", block: "start" });
  });
  for (const range of all(".wipe input")) range.addEventListener("input", () => range.parentElement.style.setProperty("--at", `${range.value}%`));
  const media = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  function theme() {
    const dark = chosen === null ? media.matches : chosen;
    document.body.classList.toggle("dark", dark);
    $("theme").setAttribute("aria-pressed", String(dark));
  }
  $("theme").addEventListener("click", () => { chosen = !document.body.classList.contains("dark"); theme(); });
  media.addEventListener("change", theme);
  theme();
  $("theme").hidden = false;
  all(".waiting").forEach((element) => { element.hidden = false; });
  if (views.length) choose().then(() => { show(0); follow(); });
})();
