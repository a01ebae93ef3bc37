// The player of skinned Gaussians: loads a file of humanav.export.write_skinned_splats, shows the person on a floor and
// plays the motions. No library; bundled with the controls (page.js) by scripts/build_viewer.sh.
import { buildPage } from "./page.js";
import { Orbit } from "./orbit.js";
import { addButtons } from "./splat_buttons.js";
import { compare } from "./splat_compare.js";
import { SplatDrawing } from "./splat_draw.js";
import { readSplats } from "./splat_file.js";
import { Floor } from "./splat_floor.js";
import { Cloud, Skeleton } from "./splat_pose.js";

const VIEWS = { front: 0, side: 90, back: 180 };
const STILL = "T-pose";

// Without a graphics chip the browser draws on the CPU: then every pixel is felt.
function drawsOnCpu(gl) {
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  return /swiftshader|llvmpipe|software|basic render/i.test(info ? String(gl.getParameter(info.UNMASKED_RENDERER_WEBGL)) : "");
}

export function mount(root, options = {}) {
  const page = buildPage(root, options), { canvas } = page;
  const state = { playing: false, speed: 1, clip: -1, time: 0, duration: 0, ready: false, error: "", fps: 0, count: 0 };
  root.dataset.state = "loading";
  const gl = canvas.getContext("webgl2", { alpha: true, antialias: false, depth: false, premultipliedAlpha: true, powerPreference: "high-performance" });
  if (!gl) {
    page.fail("This browser cannot draw in 3D (WebGL 2 is off). The video shows the same person.");
    root.dataset.state = "error";
    return null;
  }
  const cpu = drawsOnCpu(gl), best = Math.min(window.devicePixelRatio || 1, 2);
  const pace = { ratio: cpu ? Math.min(best, 1) : best, now: 0, slow: 0 };
  const orbit = new Orbit(page.stage, () => { page.pressView(""); framed = false; dirty = true; });
  const follow = [0, 0, 0];
  let drawing = null, floor = null, cloud = null, skeleton = null, clips = [], motion = null, pair = null;
  let reach = { top: 1.7, side: 0.6, floor: 0 };
  let framed = false; // whether the whole person is shown, until somebody takes the camera
  let dirty = true, posed = false, visible = true, still = 0, drawn = 0, aspect = 1, pending = null, last = performance.now();

  function theme() {
    root.dataset.theme = page.isDark() ? "dark" : "light";
    dirty = true;
  }

  function resize() {
    const width = Math.round(canvas.clientWidth * pace.now), height = Math.round(canvas.clientHeight * pace.now);
    if (!width || !height) return;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    dirty = true;
    const shape = canvas.clientWidth / canvas.clientHeight;
    if (framed && Math.abs(shape / aspect - 1) > 0.01) fit(orbit.goal.yaw, orbit.goal.pitch, true);
  }

  function sharpen(ratio) {
    if (pace.now === ratio) return;
    pace.now = ratio;
    resize();
  }

  const pelvis = () => [skeleton.at[0], skeleton.at[1], skeleton.at[2]];

  // Lowest and highest point and width over the motion, from some of the Gaussians at ten times.
  function measure() {
    const step = Math.max(1, Math.floor(cloud.count / 1500)), lows = [], axes = [0, 1, 2].map(() => new Float32Array(cloud.count));
    let top = -Infinity, side = 0.2;
    for (let k = 0; k < (motion ? 10 : 1); k++) {
      skeleton.pose(motion, (state.duration * k) / 10);
      const at = pelvis();
      axes.forEach((out, a) => cloud.along(skeleton.bones, [a === 0, a === 1, a === 2].map(Number), out, step));
      let low = Infinity;
      for (let i = 0; i < cloud.count; i += step) {
        low = Math.min(low, axes[1][i]);
        top = Math.max(top, axes[1][i]);
        side = Math.max(side, Math.hypot(axes[0][i] - at[0], axes[2][i] - at[2]));
      }
      lows.push(low);
    }
    lows.sort((a, b) => a - b);
    const level = lows[Math.floor(lows.length * 0.1)];
    reach = { floor: level, top: top - level, side };
  }

  function fit(yaw, pitch, at_once) {
    aspect = canvas.clientWidth / Math.max(canvas.clientHeight, 1);
    framed = dirty = true;
    orbit.frame({ at: pelvis(), ...reach }, aspect, yaw, pitch);
    if (at_once) orbit.settle();
  }

  function look(degrees, at_once = false) {
    fit(skeleton.heading() + (degrees * Math.PI) / 180, 0.122, at_once);
    page.pressView(Object.keys(VIEWS).find((name) => VIEWS[name] === degrees) || "");
    dirty = true;
  }

  function selectClip(which) {
    const index = typeof which === "string" ? clips.findIndex((clip) => clip && clip.name === which) : which;
    if (!(index >= 0 && index < clips.length)) return false;
    motion = clips[index].frames ? clips[index] : null;
    state.clip = index;
    state.duration = motion ? Math.max(motion.duration, 1e-3) : 1e-3;
    state.time = 0;
    measure();
    page.setClip(index, state.duration, !!motion && motion.duration > 0.05);
    seek(0);
    [follow[0], , follow[2]] = pelvis();
    look(options.yaw ?? 20, true);
    if (pair) pair.selectClip(clips[index].name);
    return true;
  }

  function seek(seconds) {
    if (!skeleton) return;
    state.time = ((seconds % state.duration) + state.duration) % state.duration;
    skeleton.pose(motion, state.time);
    cloud.deform(motion, state.time);
    posed = dirty = true;
  }

  function play(on = true) {
    state.playing = on && !!motion && motion.duration > 0.05;
    page.setPlaying(state.playing);
    last = performance.now();
    dirty = true;
  }

  // Slow for a while: fewer pixels, so that the motion stays smooth.
  function adapt(delta) {
    pace.slow = delta > 0.06 ? pace.slow + 1 : Math.max(0, pace.slow - 0.5);
    if (pace.slow < 12 || pace.ratio <= 0.5) return;
    pace.slow = 0;
    pace.ratio = Math.max(0.5, pace.ratio * 0.8);
  }

  function walkAlong(delta) {
    const at = pelvis(), easing = 1 - Math.exp(-delta * 6);
    for (const k of [0, 2]) {
      const away = at[k] - follow[k], step = Math.abs(away) > 1.2 ? away : away * easing; // far: the clip began again
      if (Math.abs(step) < 1e-5) continue;
      follow[k] += step;
      orbit.shift(k ? 0 : step, k ? step : 0);
      dirty = true;
    }
  }

  // The picture before this one is still being drawn: another would only wait in line, and the motion fall behind.
  function busy() {
    if (!pending || gl.getSyncParameter(pending, gl.SYNC_STATUS) !== gl.SIGNALED) return !!pending;
    gl.deleteSync(pending);
    pending = null;
    return false;
  }

  function frame() {
    requestAnimationFrame(frame);
    if (busy()) return;
    const delta = Math.min((performance.now() - last) / 1000, 0.4);
    last = performance.now();
    if (!visible || document.hidden || !state.ready) return;
    if (state.playing) {
      if (drawn > 3) adapt(delta);
      state.fps += (1 / Math.max(delta, 1e-3) - state.fps) * 0.1;
      seek(state.time + delta * state.speed);
    }
    walkAlong(delta);
    const turning = orbit.step(delta);
    if (turning) dirty = true;
    if (turning || state.playing) { sharpen(pace.ratio); still = 0; }
    else if (++still === 8) sharpen(Math.max(best, cpu ? 1.5 : 1)); // at rest there is time for a fine picture
    if (!pace.now) sharpen(pace.ratio);
    if (pair && pair.news()) dirty = true;
    if (dirty) paint();
  }

  function paint() {
    dirty = false;
    if (!canvas.width || !canvas.height) return;
    const camera = orbit.camera(canvas.width, canvas.height), ground = [follow[0], reach.floor, follow[2]];
    if (posed) {
      drawing.pose(skeleton.bones, cloud.amounts);
      if (options.floor !== false) floor.shade(drawing, [skeleton.at[0], reach.floor, skeleton.at[2]]);
      posed = false;
    }
    const order = cloud.sort(skeleton.bones, camera.forward);
    drawing.project(camera);
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    if (options.floor !== false) floor.draw(camera, ground, [skeleton.at[0], skeleton.at[2]], root.dataset.theme === "dark");
    drawing.draw(camera, order);
    pending = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    drawn++;
    page.setTime(state.time, state.duration);
    root.dataset.time = state.time.toFixed(3);
    if (pair) pair.show(camera, state);
  }

  function begin(buffer) {
    const file = readSplats(buffer);
    cloud = new Cloud(file);
    skeleton = new Skeleton(file);
    drawing = new SplatDrawing(gl, file);
    floor = floor || new Floor(gl);
    state.count = file.count;
    const still = { name: STILL, frames: 0 }; // the mesh beside it has none, unless neither moves
    clips = options.compare && file.motions.length ? file.motions : [...file.motions, still];
    page.setClips(clips.map(({ name }) => name));
    state.ready = true;
    selectClip(Math.max(clips.findIndex(({ name }) => name === options.motion), 0));
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    play(options.autoplay !== false && !calm);
    root.dataset.state = "ready";
    page.busy(false);
  }

  async function load(address) {
    root.dataset.state = "loading";
    page.busy(true);
    try {
      const answer = await fetch(address);
      if (!answer.ok) throw new Error(`${answer.status}`);
      begin(await answer.arrayBuffer());
    } catch (error) {
      state.error = String(error);
      state.ready = false;
      root.dataset.state = "error";
      page.fail("The 3D person could not be loaded. Reload the page, or use the downloads.");
    }
  }

  const api = {
    state, load, seek, play, pause: () => play(false), selectClip, orbit,
    view: (name) => name in VIEWS && look(VIEWS[name]),
    setSpeed: (value) => { state.speed = value; page.setSpeed(value); },
    clips: () => clips.map(({ name }) => name),
  };
  page.connect({
    toggle: () => play(!state.playing),
    scrub: (fraction) => { play(false); seek(Math.min(fraction, 0.9999) * state.duration); },
    step: (frames) => { play(false); seek(state.time + frames / 30); },
    speed: (value) => { state.speed = value; },
    clip: (index) => { const was = state.playing; selectClip(index); play(was || !!motion); },
    view: api.view,
    optional: () => {},
    theme,
  });
  addButtons(root, page, options, { theme, orbit, reset: () => look(options.yaw ?? 20) });
  if (options.compare) pair = compare(page, options.compare, { resize, theme: () => root.dataset.theme });
  window.addEventListener("message", ({ data }) => {
    if (!data || data.humanav !== "player") return;
    if ("clip" in data) { selectClip(data.clip); play(true); }
    if ("time" in data) seek(data.time);
    if ("play" in data) play(!!data.play);
    if ("view" in data) api.view(data.view);
  });
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    state.ready = false;
    page.fail("The graphics were reset. Reload the page to see the person again.");
  });
  new ResizeObserver(resize).observe(canvas);
  new IntersectionObserver(([entry]) => { visible = entry.isIntersecting; dirty = true; }).observe(page.stage);
  theme();
  frame();
  if (options.splats) load(options.splats);
  root.humanavPlayer = api;
  window.humanavPlayer = api;
  return api;
}
