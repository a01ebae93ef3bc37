// A clip, the bodies drawn over it and the 3D player beside them, moved by one set of controls.
// OPTIONS: {fps, seconds: of the clip, start: seconds at which the 3D animation begins, aspect, autoplay}
const $ = (id) => document.getElementById(id);
const root = $("synced"), videos = [...document.querySelectorAll("video")], frame = $("world");
const lead = videos[videos.length - 1] || null; // the others follow it
const step = 1 / OPTIONS.fps;
const state = { ready: false, playing: false, time: 0, duration: OPTIONS.seconds, speed: 1, drift: 0 };
let held = true, last = performance.now(), smooth = last, shown = "";

function world() {
  try {
    const found = frame && frame.contentWindow.humanavPlayer;
    return found && found.state.ready ? found : null;
  } catch { return null; }
}
const busy = () => videos.some((video) => !video.error && (video.seeking || video.readyState < 3));
const PATIENCE = 400; // milliseconds for which a video may lack data before the others wait for it
const whole = (time) => (Math.floor(Math.min(Math.max(time, 0), state.duration - step / 2) * OPTIONS.fps + 1e-3) + 0.5) * step;

// Everything at rest until each video can go on; then all start together.
function hold() {
  held = true;
  for (const video of videos) video.pause();
}
function resume() {
  held = false;
  for (const video of videos) {
    video.playbackRate = state.speed;
    video.play().catch(() => { if (!video.error) pause(); });
  }
}
function play(on = true) {
  state.playing = on;
  if (on && state.time >= state.duration - 1.5 * step) seek(0);
  hold();
  last = performance.now();
  paint();
}
function pause() { play(false); }
function seek(time) {
  const place = whole(time);
  state.time = place - step / 2;
  for (const video of videos) if (Math.abs(video.currentTime - place) > step / 4) video.currentTime = place;
  if (state.playing) hold();
  follow();
  paint();
}
function setSpeed(speed) {
  state.speed = speed;
  for (const video of videos) video.playbackRate = speed;
  $("speed").value = String(speed);
}

// The 3D animation lies somewhere in the clip: before it and after it the body stands. It is set to the moment in every
// picture; it "plays" at no speed of its own, so that the player knows to save its strength.
function follow() {
  const found = world();
  if (!found) return;
  const end = found.state.duration, time = state.time - OPTIONS.start;
  const going = state.playing && !held && time >= 0 && time < end;
  if (found.state.speed !== 0) found.setSpeed(0);
  if (found.state.playing !== going) found.play(going);
  const place = Math.min(Math.max(time, 0), end - 1e-4);
  if (Math.abs(found.state.time - place) > 1e-3) found.seek(place);
}

// A follower that is a little ahead or behind goes slower or faster; one that is far off is put right.
function keepUp() {
  state.drift = 0;
  for (const video of videos) {
    if (video === lead || video.error || video.seeking) continue;
    const off = video.currentTime - lead.currentTime;
    state.drift = Math.max(state.drift, Math.abs(off));
    if (Math.abs(off) > Math.max(2 * step, 0.15)) video.currentTime = lead.currentTime + 0.02;
    else video.playbackRate = state.speed * (Math.abs(off) < step / 4 ? 1 : 1 - Math.min(Math.max(off * 4, -0.25), 0.25));
  }
}

function tick() {
  requestAnimationFrame(tick);
  const now = performance.now(), delta = Math.min((now - last) / 1000, 0.4);
  last = now;
  state.ready = videos.every((video) => video.error || video.readyState >= 2) && (!frame || !!world());
  if (state.playing) {
    if (!busy()) smooth = now;
    if (held && smooth === now) resume();
    else if (!held && now - smooth > PATIENCE) hold();
    if (!held) {
      state.time = lead && !lead.error ? lead.currentTime : state.time + delta * state.speed;
      if (lead) keepUp();
      if ((lead && lead.ended) || state.time >= state.duration - step / 2) seek(0); // from the start again
    }
  }
  follow();
  paint();
}

const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
function paint() {
  const text = `${clock(state.time)} / ${clock(state.duration)}`;
  root.dataset.state = state.ready ? "ready" : "loading";
  const label = state.playing ? "Pause" : "Play";
  if ($("play").getAttribute("aria-label") !== label) {
    $("play").setAttribute("aria-label", label);
    $("play").querySelector("path").setAttribute("d", state.playing ? "M7 5h4v14H7zM14 5h4v14h-4z" : "M8 5v14l11-7z");
  }
  if (text === shown) return;
  shown = $("time").textContent = text;
  if (document.activeElement !== $("scrub") || state.playing) $("scrub").value = String(Math.round(1000 * state.time / state.duration));
  $("scrub").setAttribute("aria-valuetext", `${state.time.toFixed(1)} seconds`);
}

function shape() {
  const aspect = lead && lead.videoWidth ? lead.videoWidth / lead.videoHeight : OPTIONS.aspect;
  root.dataset.shape = aspect < 0.8 ? "portrait" : aspect < 1.4 ? "square" : "landscape";
  root.style.setProperty("--aspect", aspect);
  root.dataset.width = root.clientWidth < 720 ? "narrow" : "wide";
  const outer = window.frameElement;
  if (outer && Math.abs(outer.clientHeight - root.offsetHeight) > 1) outer.style.height = `${root.offsetHeight}px`;
}
function theme() {
  let dark = matchMedia("(prefers-color-scheme: dark)").matches;
  try { if (window.parent !== window) dark = window.parent.document.body.classList.contains("dark"); } catch { /* another site's page */ }
  document.body.classList.toggle("dark", dark);
}

for (const video of videos) {
  video.addEventListener("loadedmetadata", shape);
  video.addEventListener("error", () => { video.parentElement.dataset.error = "This video cannot be played here."; });
}
$("play").addEventListener("click", () => play(!state.playing));
$("scrub").addEventListener("input", () => { if (state.playing) pause(); seek($("scrub").value / 1000 * state.duration); });
$("speed").addEventListener("change", () => setSpeed(Number($("speed").value)));
addEventListener("keydown", (event) => {
  if (event.target.matches("select, input, button") && event.key !== "Escape") return;
  const act = { " ": () => play(!state.playing), ArrowLeft: () => { pause(); seek(state.time - step); },
    ArrowRight: () => { pause(); seek(state.time + step); } }[event.key];
  if (act) { event.preventDefault(); act(); }
});
addEventListener("message", ({ data }) => {
  if (!data || data.humanav !== "player") return;
  const found = world();
  if ("clip" in data && found) found.selectClip(data.clip);
  if ("time" in data) seek(data.time);
  if ("play" in data) play(!!data.play);
  if ("view" in data && found) found.view(data.view);
});
new ResizeObserver(shape).observe(root);
try { new MutationObserver(theme).observe(window.parent.document.body, { attributes: true, attributeFilter: ["class"] }); } catch { /* as above */ }
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
theme();
shape();
window.humanavPlayer = { state, play, pause: () => play(false), seek, setSpeed, clips: () => [], view: (name) => { const found = world(); if (found) found.view(name); } };
if (OPTIONS.autoplay && !matchMedia("(prefers-reduced-motion: reduce)").matches) play();
tick();
