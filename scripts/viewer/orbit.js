// A camera that circles a point: drag to turn, two fingers or the right button to move, wheel or pinch to zoom.
const FOV = (24 * Math.PI) / 180, NEAR = 0.05, FAR = 100;
const LOWEST = -0.17, HIGHEST = 1.5, CLOSEST = 0.4, FURTHEST = 14;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export class Orbit {
  constructor(surface, touched) {
    this.surface = surface;
    this.touched = touched; // called when a person takes the camera
    this.goal = { yaw: 0, pitch: 0.12, distance: 4, target: [0, 0.85, 0] };
    this.now = structuredClone(this.goal);
    this.fingers = new Map();
    this.listen();
  }

  listen() {
    const { surface, fingers } = this;
    surface.style.touchAction = "none";
    surface.addEventListener("contextmenu", (event) => event.preventDefault());
    surface.addEventListener("pointerdown", (event) => {
      if (event.target.closest("button, select, input, [role=slider]")) return;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY, pan: event.button > 0 || event.shiftKey || event.ctrlKey });
      surface.setPointerCapture(event.pointerId);
    });
    surface.addEventListener("pointermove", (event) => {
      const was = fingers.get(event.pointerId);
      if (!was) return;
      const dx = event.clientX - was.x, dy = event.clientY - was.y;
      if (fingers.size === 2) {
        const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, finger]) => finger);
        const before = Math.hypot(was.x - other.x, was.y - other.y), after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
        if (before > 0 && after > 0) this.zoom(before / after);
        this.pan(dx / 2, dy / 2);
      } else if (was.pan) this.pan(dx, dy);
      else this.turn(dx, dy);
      was.x = event.clientX;
      was.y = event.clientY;
      this.touched();
    });
    for (const name of ["pointerup", "pointercancel"]) surface.addEventListener(name, (event) => fingers.delete(event.pointerId));
    surface.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(clamp(event.deltaY * (event.deltaMode ? 30 : 1), -120, 120) * 0.0013));
      this.touched();
    }, { passive: false });
  }

  turn(dx, dy) {
    this.goal.yaw -= (dx / this.surface.clientHeight) * 2 * Math.PI;
    this.goal.pitch = clamp(this.goal.pitch + (dy / this.surface.clientHeight) * Math.PI, LOWEST, HIGHEST);
  }

  zoom(factor) { this.goal.distance = clamp(this.goal.distance * factor, CLOSEST, FURTHEST); }

  pan(dx, dy) {
    const { goal } = this, metres = (2 * Math.tan(FOV / 2) * goal.distance) / this.surface.clientHeight;
    const [right, up] = this.axes(goal);
    for (let k = 0; k < 3; k++) goal.target[k] += metres * (up[k] * dy - right[k] * dx);
  }

  shift(x, z) { // with the person, so that nothing seems to move
    for (const place of [this.goal, this.now]) { place.target[0] += x; place.target[2] += z; }
  }

  settle() { this.now = structuredClone(this.goal); }

  // Towards the goal; whether there is still a way to go.
  step(seconds) {
    const { goal, now } = this, share = 1 - Math.exp(-seconds * 16), far = (2 * Math.tan(FOV / 2) * now.distance);
    const away = Math.max(Math.abs(goal.yaw - now.yaw), Math.abs(goal.pitch - now.pitch), Math.abs(Math.log(goal.distance / now.distance)),
      ...goal.target.map((t, k) => Math.abs(t - now.target[k]) / far));
    if (away === 0) return false;
    if (away < 4e-4) { this.settle(); return true; }
    for (const name of ["yaw", "pitch", "distance"]) now[name] += (goal[name] - now[name]) * share;
    goal.target.forEach((t, k) => { now.target[k] += (t - now.target[k]) * share; });
    return true;
  }

  axes({ yaw, pitch }) { // right, up, and from the target to the camera
    const [sy, cy, sp, cp] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
    return [[cy, 0, -sy], [-sy * sp, cp, -cy * sp], [sy * cp, sp, cy * cp]];
  }

  // Matrices by columns, as WebGL takes them; "screen" in pixels.
  camera(width, height) {
    const { now } = this, axes = this.axes(now), [right, up, back] = axes;
    const position = now.target.map((t, k) => t + back[k] * now.distance);
    const shift = axes.map((axis) => -axis.reduce((sum, a, k) => sum + a * position[k], 0));
    const f = 1 / Math.tan(FOV / 2), range = NEAR - FAR;
    return {
      position, target: now.target, forward: back.map((b) => -b), screen: [width, height], focal: [(f * height) / 2, (f * height) / 2],
      view: [right[0], up[0], back[0], 0, right[1], up[1], back[1], 0, right[2], up[2], back[2], 0, ...shift, 1],
      projection: [(f * height) / width, 0, 0, 0, 0, f, 0, 0, 0, 0, (FAR + NEAR) / range, -1, 0, 0, (2 * FAR * NEAR) / range, 0],
    };
  }

  // Sees a person of this height and half width standing on the floor at a place, from a direction.
  frame({ at, floor, top, side }, aspect, yaw, pitch) {
    const half = Math.tan(FOV / 2), narrow = aspect < 1; // then the buttons lie over the head: leave them room
    const distance = Math.max((top * (narrow ? 1.22 : 1.16)) / 2 / half, (side * 1.04) / (half * aspect)) + side * 0.3;
    const turns = Math.round((this.now.yaw - yaw) / (2 * Math.PI)); // the short way round
    this.goal = { yaw: yaw + turns * 2 * Math.PI, pitch, distance: Math.min(distance, FURTHEST),
      target: [at[0], floor + top * (narrow ? 0.535 : 0.49), at[2]] };
  }
}
