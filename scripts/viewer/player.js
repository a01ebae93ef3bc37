// The animation player: loads a .glb, shows it on a floor, plays its clips. Bundled by scripts/build_viewer.sh.
import {
  AnimationMixer, Color, DirectionalLight, DoubleSide, HemisphereLight, MathUtils, Mesh, PerspectiveCamera,
  PlaneGeometry, Quaternion, Scene, ShaderMaterial, Vector3, WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { addChart } from "./chart.js";
import { ContactShadow } from "./shadow.js";
import { buildPage } from "./page.js";

const FOV = 24;
const VIEWS = { front: 0, side: 90, back: 180 };

function gridMaterial() {
  return new ShaderMaterial({
    transparent: true, depthWrite: false, side: DoubleSide,
    uniforms: { center: { value: new Vector3() }, ink: { value: new Color() } },
    vertexShader: `varying vec3 at; void main() { vec4 w = modelMatrix * vec4(position, 1.0); at = w.xyz;
      gl_Position = projectionMatrix * viewMatrix * w; }`,
    fragmentShader: `uniform vec3 center; uniform vec3 ink; varying vec3 at;
      float lines(float spacing, float wide) {
        vec2 p = at.xz / spacing; vec2 soft = fwidth(p) * 1.2; vec2 w = vec2(wide / spacing);
        vec2 away = abs(fract(p - 0.5) - 0.5);
        vec2 line = (1.0 - smoothstep(w, w + soft, away)) * min(vec2(1.0), (w * 2.0 + 0.3 * soft) / soft);
        return max(line.x, line.y); }
      void main() {
        float fade = exp(-pow(length(at.xz - center.xz) / 2.8, 2.0));
        gl_FragColor = vec4(ink, fade * max(0.22 * lines(0.5, 0.002), 0.5 * lines(1.0, 0.004))); }`,
  });
}

// Without a graphics chip the browser draws on the CPU: then every sample and every extra pass is felt.
function drawsOnCpu() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return false;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = info ? String(gl.getParameter(info.UNMASKED_RENDERER_WEBGL)) : "";
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

export function mount(root, options = {}) {
  const page = buildPage(root, options);
  const state = { playing: false, speed: 1, clip: -1, time: 0, duration: 0, ready: false, error: "" };
  root.dataset.state = "loading";

  const cpu = drawsOnCpu();
  let renderer;
  try {
    renderer = new WebGLRenderer({ canvas: page.canvas, antialias: !cpu, alpha: true, powerPreference: "low-power" });
  } catch {
    page.fail("This browser cannot draw in 3D (WebGL is off). The video shows the same animation.");
    root.dataset.state = "error";
    return null;
  }
  const best = Math.min(window.devicePixelRatio || 1, 2);
  const pace = { ratio: cpu ? Math.min(best, 1) : best, slow: 0 };
  renderer.setPixelRatio(pace.ratio);
  const scene = new Scene();
  const camera = new PerspectiveCamera(FOV, 1, 0.05, 100);
  const controls = new OrbitControls(camera, page.canvas);
  Object.assign(controls, { enableDamping: true, dampingFactor: 0.12, minDistance: 0.5, maxDistance: 14,
    maxPolarAngle: Math.PI * 0.56, zoomSpeed: 0.8 });
  const hemisphere = new HemisphereLight(0xf2f5ff, 0x8c8278, 1.6);
  const key = new DirectionalLight(0xfff3e4, 2.2);
  key.position.set(-1.6, 2.2, 2.4);
  camera.add(key);
  scene.add(hemisphere, camera);
  const grid = new Mesh(new PlaneGeometry(24, 24).rotateX(-Math.PI / 2), gridMaterial());
  grid.renderOrder = -2;
  scene.add(grid);
  const shadow = new ContactShadow(renderer, cpu ? 112 : 256);
  scene.add(shadow.group);

  let model = null, mixer = null, action = null, clips = [];
  let everyone = []; // {name, group, pelvis, pelvises, meshes}; a group of several people has several pelvises
  let rig = []; // {at, node} of the cameras that saw the people
  let people = []; // those who are shown, each in a column of its own, all from the same camera
  let lead = null; // the one whom the camera follows: the result where there is a before and an after
  let chart = null;
  let reach = { top: 1.7, side: 0.6, floor: 0 };
  const follow = new Vector3(), now = new Vector3(), one = new Vector3(), turn = new Quaternion();
  let dirty = true, visible = true, drawn = 0, still = 0, last = performance.now();
  let posedAt = -Infinity, whenDrawn = null, led = false;

  function theme() {
    const dark = page.isDark();
    root.dataset.theme = dark ? "dark" : "light";
    grid.material.uniforms.ink.value.set(dark ? 0x98a2b3 : 0x667085);
    shadow.setStrength(dark ? 0.85 : 0.6);
    dirty = true;
  }

  function resize() {
    const { clientWidth: w, clientHeight: h } = page.stage;
    if (!w || !h) return;
    renderer.setSize(w, h, false);
    camera.aspect = w / Math.max(people.length, 1) / h;
    camera.updateProjectionMatrix();
    dirty = true;
  }

  function pelvisAt(out, person = lead) {
    if (person && person.pelvis) {
      model.updateMatrixWorld(true);
      const there = person.pelvises.filter(({ scale }) => scale.x > 0.5), all = there.length ? there : [person.pelvis];
      out.set(0, 0, 0);
      for (const pelvis of all) out.add(pelvis.getWorldPosition(one));
      return out.divideScalar(all.length);
    }
    return out.set(0, reach.top / 2, 0);
  }

  function findPeople() {
    const groups = [];
    model.traverse((node) => { if (node.userData.person) groups.push(node); });
    everyone = (groups.length ? groups : [model]).map((group) => ({ name: group.userData.person || "", group, pelvis: null, pelvises: [], meshes: [] }));
    for (const person of everyone) {
      if (person.name) person.group.position.set(0, 0, 0);
      person.group.traverse((node) => { if (node.isBone && !(node.parent && node.parent.isBone)) person.pelvises.push(node); });
      person.pelvis = person.pelvises[0] || null;
    }
    rig = [];
    model.traverse((node) => { if (node.userData.camera) rig.push({ node, at: new Vector3().fromArray(node.userData.center) }); });
    page.setCameras(rig.length > 0);
    model.traverse((node) => {
      if (!node.isMesh) return;
      node.frustumCulled = false;
      if (node.material.map) node.material.map.anisotropy = renderer.capabilities.getMaxAnisotropy();
      const owner = everyone.find(({ pelvis }) => pelvis && node.skeleton && node.skeleton.bones.includes(pelvis));
      (owner || everyone[0]).meshes.push(node);
    });
    lead = everyone[Math.min(1, everyone.length - 1)];
    showPeople(false);
  }

  // Everyone, or all but the optional one.
  function showPeople(all) {
    people = everyone.filter(({ name }) => all || !name || name !== options.optional);
    page.setPeople(people.map(({ name }) => name).filter(Boolean), people.length < everyone.length);
    resize();
  }

  // Lowest and highest point and width of the people over the clip, from every 19th vertex at ten times. A limb thrown
  // far out by bad data does not make the picture small: the others count for a quarter more than the lead at most.
  function measure() {
    const count = action ? 10 : 1, lows = [], point = new Vector3(), at = new Vector3();
    const extent = new Map(people.map((person) => [person, { top: -Infinity, side: 0.2 }]));
    for (let k = 0; k < count; k++) {
      if (action) { action.time = (state.duration * k) / count; mixer.update(0); }
      model.updateMatrixWorld(true);
      for (const person of people) {
        const found = extent.get(person);
        let low = Infinity;
        pelvisAt(at, person);
        for (const mesh of person.meshes) {
          const total = mesh.geometry.attributes.position.count;
          for (let i = 0; i < total; i += 19) {
            mesh.getVertexPosition(i, point).applyMatrix4(mesh.matrixWorld);
            low = Math.min(low, point.y);
            found.top = Math.max(found.top, point.y);
            found.side = Math.max(found.side, Math.hypot(point.x - at.x, point.z - at.z));
          }
        }
        if (person === lead) lows.push(low);
      }
    }
    lows.sort((a, b) => a - b);
    const floor = lows[Math.floor(lows.length * 0.1)], all = [...extent.values()], own = extent.get(lead);
    reach = { floor, top: Math.min(Math.max(...all.map(({ top }) => top)) - floor, (own.top - floor) * 1.25),
      side: Math.min(Math.max(...all.map(({ side }) => side)), own.side * 1.25) };
    if (action) { action.time = 0; mixer.update(0); }
  }

  // A pose from outside: unit quaternions [x, y, z, w] of the first joints in the skeleton's order. The lowest point of
  // the body comes onto the floor; "then" is called once the picture of it is drawn.
  function pose(quaternions, then) {
    if (!state.ready || !lead.pelvis) return false;
    const { bones } = lead.meshes[0].skeleton, mesh = lead.meshes[0], point = new Vector3();
    quaternions.forEach((quaternion, k) => bones[k].quaternion.fromArray(quaternion));
    model.updateMatrixWorld(true);
    let low = Infinity;
    for (let i = 0; i < mesh.geometry.attributes.position.count; i += 19) {
      low = Math.min(low, mesh.getVertexPosition(i, point).applyMatrix4(mesh.matrixWorld).y);
    }
    lead.pelvis.position.y += reach.floor - low;
    posedAt = performance.now();
    whenDrawn = then || null;
    dirty = true;
    return true;
  }

  function heading() {
    if (!lead.pelvis) return 0;
    const front = new Vector3(0, 0, 1).applyQuaternion(lead.pelvis.getWorldQuaternion(turn));
    return Math.hypot(front.x, front.z) > 0.2 ? Math.atan2(front.x, front.z) : 0;
  }

  function look(degrees, pitch = 7) {
    pelvisAt(now);
    follow.copy(now);
    const half = Math.tan(MathUtils.degToRad(FOV / 2));
    const narrow = camera.aspect < 1; // then the buttons lie over the head: leave them room
    const distance = Math.max((reach.top * (narrow ? 1.22 : 1.16)) / 2 / half,
      (reach.side * 1.04) / (half * camera.aspect)) + reach.side * 0.3;
    const yaw = heading() + MathUtils.degToRad(degrees), p = MathUtils.degToRad(pitch);
    controls.target.set(now.x, reach.floor + reach.top * (narrow ? 0.535 : 0.49), now.z);
    camera.position.set(Math.sin(yaw) * Math.cos(p), Math.sin(p), Math.cos(yaw) * Math.cos(p))
      .multiplyScalar(distance).add(controls.target);
    controls.update();
    page.pressView(Object.keys(VIEWS).find((name) => VIEWS[name] === degrees) || "");
    dirty = true;
  }

  // From so far that all the cameras are in the picture.
  function lookAtRig() {
    pelvisAt(now);
    follow.copy(now);
    const wide = Math.max(reach.side, ...rig.map(({ at }) => Math.hypot(at.x - now.x, at.z - now.z))) + 0.4;
    const distance = wide / Math.tan(MathUtils.degToRad(FOV / 2)) / Math.min(camera.aspect, 1) * 0.92;
    controls.maxDistance = Math.max(14, distance * 1.3);
    const yaw = heading() + MathUtils.degToRad(options.yaw ?? 20), p = MathUtils.degToRad(32);
    controls.target.set(now.x, reach.floor + reach.top * 0.45, now.z);
    camera.position.set(Math.sin(yaw) * Math.cos(p), Math.sin(p), Math.cos(yaw) * Math.cos(p))
      .multiplyScalar(distance).add(controls.target);
    controls.update();
    page.pressView("cameras");
    dirty = true;
  }

  // Another player leads: its camera is this one's from now on.
  function seeFrom(position, target) {
    led = dirty = true;
    camera.position.fromArray(position);
    camera.lookAt(...target);
    follow.fromArray(target);
  }

  function selectClip(which) {
    const index = typeof which === "string" ? clips.findIndex((c) => c.name === which) : which;
    if (!(index >= 0 && index < clips.length)) return false;
    mixer.stopAllAction();
    action = mixer.clipAction(clips[index]);
    action.reset().play();
    state.clip = index;
    state.duration = Math.max(clips[index].duration, 1e-3);
    state.time = 0;
    measure();
    grid.position.y = reach.floor;
    shadow.place(reach.floor);
    page.setClip(index, state.duration, clips[index].duration > 0.05);
    look(VIEWS.front + (options.yaw ?? 20));
    return true;
  }

  function seek(seconds) {
    if (!action) return;
    state.time = MathUtils.euclideanModulo(seconds, state.duration);
    action.time = state.time;
    mixer.update(0);
    dirty = true;
  }

  function play(on = true) {
    state.playing = on && !!action && clips[state.clip].duration > 0.05;
    page.setPlaying(state.playing);
    last = performance.now();
    dirty = true;
  }

  // Slow for a while: fewer pixels, so that the motion stays smooth.
  function adapt(delta) {
    pace.slow = delta > 0.06 ? pace.slow + 1 : Math.max(0, pace.slow - 0.5);
    if (pace.slow < 15 || pace.ratio <= 0.5) return;
    pace.slow = 0;
    pace.ratio = Math.max(0.5, pace.ratio * 0.75);
    sharpen(pace.ratio);
  }

  function sharpen(ratio) {
    if (renderer.getPixelRatio() === ratio) return;
    renderer.setPixelRatio(ratio);
    resize();
  }

  function draw() {
    requestAnimationFrame(draw);
    const delta = Math.min((performance.now() - last) / 1000, 0.4);
    last = performance.now();
    if (!visible || document.hidden) return;
    const posing = last - posedAt < 400;
    if ((state.playing || posing) && state.ready && drawn > 3) adapt(delta);
    if (state.playing && state.ready) seek(state.time + delta * state.speed);
    if (state.ready && !led) {
      pelvisAt(now);
      const easing = 1 - Math.exp(-delta * 6);
      for (const axis of ["x", "z"]) {
        let step = (now[axis] - follow[axis]) * easing;
        if (Math.abs(now[axis] - follow[axis]) > 1.2) step = now[axis] - follow[axis]; // the clip began again
        if (Math.abs(step) < 1e-5) continue;
        follow[axis] += step; controls.target[axis] += step; camera.position[axis] += step; dirty = true;
      }
    }
    const turning = !led && controls.update();
    if (turning) dirty = true;
    const moving = turning || state.playing || posing;
    if (moving) { sharpen(posing && cpu ? Math.min(pace.ratio, 0.5) : pace.ratio); still = 0; }
    else if (++still === 12) sharpen(Math.max(best, cpu ? 2 : 1)); // at rest there is time for a fine picture
    if (!dirty) return;
    dirty = false;
    grid.position.x = Math.round(follow.x); grid.position.z = Math.round(follow.z);
    grid.material.uniforms.center.value.copy(follow);
    for (const { at, node } of rig) node.visible = camera.position.distanceTo(at) > 1.5; // not in the way of the view
    drawn++;
    paint();
    page.setTime(state.time, state.duration);
    if (chart) chart.setTime(state.time);
    root.dataset.time = state.time.toFixed(3);
    if (whenDrawn) { whenDrawn(); whenDrawn = null; }
  }

  function paint() {
    if (!people.length) { renderer.render(scene, camera); return; }
    const { clientWidth: w, clientHeight: h } = page.stage;
    renderer.setScissorTest(people.length > 1);
    people.forEach((person, k) => {
      for (const other of everyone) for (const mesh of other.meshes) mesh.visible = other === person;
      shadow.follow(pelvisAt(now, person));
      if (!cpu || last - posedAt >= 400) shadow.render(scene, [grid]);
      const left = Math.round((w * k) / people.length), right = Math.round((w * (k + 1)) / people.length);
      renderer.setViewport(left, 0, right - left, h);
      renderer.setScissor(left, 0, right - left, h);
      renderer.render(scene, camera);
    });
  }

  async function load(url) {
    root.dataset.state = "loading";
    page.busy(true);
    try {
      const gltf = await new GLTFLoader().loadAsync(url);
      if (model) scene.remove(model);
      model = gltf.scene;
      scene.add(model);
      findPeople();
      clips = gltf.animations;
      mixer = new AnimationMixer(model);
      action = null;
      page.setClips(clips.map((clip) => clip.name || "animation"));
      state.ready = true;
      if (clips.length) {
        const wanted = clips.findIndex((clip) => clip.name === options.clip);
        selectClip(Math.max(wanted, 0));
      } else {
        measure();
        reach.top = Math.max(reach.top, options.room || 0);
        grid.position.y = reach.floor;
        shadow.place(reach.floor);
        look(VIEWS.front + (options.yaw ?? 20));
      }
      const calm = window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      play(options.autoplay !== false && !calm);
      root.dataset.state = "ready";
      page.busy(false);
    } catch (error) {
      state.error = String(error);
      root.dataset.state = "error";
      page.fail("The 3D model could not be loaded. Reload the page, or use the downloads.");
    }
  }

  const api = {
    state, load, seek, play, pause: () => play(false), selectClip, pose, seeFrom,
    setTheme: (name) => { if (options.theme !== name) { options.theme = name; theme(); } },
    view: (name) => (name === "cameras" && rig.length ? lookAtRig() : name in VIEWS && look(VIEWS[name])),
    setSpeed: (value) => { state.speed = value; page.setSpeed(value); },
    clips: () => clips.map((clip) => clip.name),
  };
  page.connect({
    toggle: () => play(!state.playing),
    scrub: (fraction) => { play(false); seek(Math.min(fraction, 0.9999) * state.duration); },
    step: (frames) => { play(false); seek(state.time + frames / 30); },
    speed: (value) => { state.speed = value; },
    clip: (index) => { const was = state.playing; selectClip(index); play(was); },
    view: api.view,
    optional: () => { showPeople(people.length < everyone.length); look(VIEWS.front + (options.yaw ?? 20)); },
    theme,
  });
  controls.addEventListener("start", () => page.pressView(""));
  window.addEventListener("message", ({ data }) => {
    if (!data || data.humanav !== "player") return;
    if ("clip" in data) { selectClip(data.clip); play(true); }
    if ("time" in data) seek(data.time);
    if ("play" in data) play(!!data.play);
    if ("view" in data) api.view(data.view);
  });
  if (options.curve) chart = addChart(root, options.curve, (time) => { play(false); seek(Math.min(time, state.duration - 1e-4)); });
  new ResizeObserver(resize).observe(page.stage);
  if ("IntersectionObserver" in window) {
    new IntersectionObserver(([entry]) => { visible = entry.isIntersecting; dirty = true; }).observe(page.stage);
  }
  theme();
  resize();
  draw();
  if (options.glb) load(options.glb);
  root.humanavPlayer = api;
  window.humanavPlayer = api;
  return api;
}
