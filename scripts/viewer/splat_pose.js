// The skeleton in a pose, where the Gaussians then are, and their order from back to front.
import { MOST, ROW } from "./splat_file.js";

export class Skeleton {
  constructor({ joints, parents }) {
    this.rest = joints;
    this.parents = parents;
    this.count = parents.length;
    this.turn = new Float64Array(4 * this.count); // of each joint in the world, x y z w
    this.at = new Float64Array(3 * this.count);
    this.bones = new Float32Array(12 * this.count); // rows of [rotation | offset], which take rest to posed
    this.stand();
  }

  stand() { this.pose(null, 0); }

  // The motion at a time in seconds, between its frames; null is the rest pose.
  pose(motion, time) {
    const { rest, parents, turn, at, bones } = this;
    const place = motion ? Math.min(Math.max(time * motion.fps, 0), motion.frames - 1) : 0;
    const first = Math.floor(place), next = motion ? Math.min(first + 1, motion.frames - 1) : 0, share = place - first;
    for (let j = 0; j < this.count; j++) {
      let x = 0, y = 0, z = 0, w = 1;
      if (motion) {
        const a = 4 * (first * this.count + j), b = 4 * (next * this.count + j), q = motion.turns;
        x = q[a] + (q[b] - q[a]) * share; y = q[a + 1] + (q[b + 1] - q[a + 1]) * share;
        z = q[a + 2] + (q[b + 2] - q[a + 2]) * share; w = q[a + 3] + (q[b + 3] - q[a + 3]) * share;
        const n = 1 / Math.hypot(x, y, z, w);
        x *= n; y *= n; z *= n; w *= n;
      }
      const p = parents[j], o = 4 * j, i = 3 * j;
      if (p < 0) {
        turn.set([x, y, z, w], o);
        for (let k = 0; k < 3; k++) {
          const move = motion ? motion.moves[3 * first + k] * (1 - share) + motion.moves[3 * next + k] * share : 0;
          at[i + k] = rest[i + k] + move;
        }
      } else {
        const [a, b, c, d] = turn.subarray(4 * p, 4 * p + 4);
        turn[o] = d * x + a * w + b * z - c * y; turn[o + 1] = d * y - a * z + b * w + c * x;
        turn[o + 2] = d * z + a * y - b * x + c * w; turn[o + 3] = d * w - a * x - b * y - c * z;
        const m = 12 * p;
        for (let k = 0; k < 3; k++) {
          at[i + k] = bones[m + 4 * k] * rest[i] + bones[m + 4 * k + 1] * rest[i + 1] + bones[m + 4 * k + 2] * rest[i + 2]
            + bones[m + 4 * k + 3];
        }
      }
      this.setBone(j);
    }
  }

  setBone(j) {
    const { turn, at, rest, bones } = this, [x, y, z, w] = turn.subarray(4 * j, 4 * j + 4), m = 12 * j;
    const r = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), 2 * (x * y + w * z), 1 - 2 * (x * x + z * z),
      2 * (y * z - w * x), 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)];
    for (let k = 0; k < 3; k++) {
      let offset = at[3 * j + k];
      for (let l = 0; l < 3; l++) { bones[m + 4 * k + l] = r[3 * k + l]; offset -= r[3 * k + l] * rest[3 * j + l]; }
      bones[m + 4 * k + 3] = offset;
    }
  }

  // Where the root's front points: radians round y, or 0 when the person lies.
  heading() {
    const x = this.bones[2], z = this.bones[10];
    return Math.hypot(x, z) > 0.2 ? Math.atan2(x, z) : 0;
  }
}

export class Cloud {
  constructor(file) {
    const { count, low, size } = file;
    Object.assign(this, { count, index: file.skin_index, terms: file.terms, basis: file.basis });
    this.amounts = new Float32Array(MOST);
    this.points = new Float32Array(3 * count);
    this.weight = new Float32Array(4 * count);
    for (let i = 0; i < 3 * count; i++) this.points[i] = low[i % 3] + (size[i % 3] * file.center[i]) / 65535;
    this.rest = file.terms ? this.points.slice() : this.points;
    for (let i = 0; i < 4 * count; i++) this.weight[i] = file.skin_weight[i] / 255;
    this.depth = new Float32Array(count);
    this.order = new Uint32Array(Math.ceil(count / ROW) * ROW); // whole rows of the texture it becomes
    this.bins = new Uint32Array(65537);
    this.lines = new Float32Array(4 * file.parents.length);
  }

  // What the pose does to the clothes, at a time of the motion: the rest positions move by a few shapes.
  deform(motion, time) {
    const { amounts, points, rest, basis, terms, count } = this;
    if (!terms) return;
    const place = motion ? Math.min(Math.max(time * motion.fps, 0), motion.frames - 1) : 0;
    const first = Math.floor(place), next = motion ? Math.min(first + 1, motion.frames - 1) : 0, share = place - first;
    for (let r = 0; r < terms; r++) {
      amounts[r] = motion ? motion.amounts[first * terms + r] * (1 - share) + motion.amounts[next * terms + r] * share : 0;
    }
    for (let i = 0, b = 0, o = 0; i < count; i++, o += 3) {
      let x = rest[o], y = rest[o + 1], z = rest[o + 2];
      for (let r = 0; r < terms; r++, b += 3) {
        const a = amounts[r];
        x += a * basis[b]; y += a * basis[b + 1]; z += a * basis[b + 2];
      }
      points[o] = x; points[o + 1] = y; points[o + 2] = z;
    }
  }

  // One coordinate of every posed Gaussian, along a direction: skinning is linear, so the direction is taken through the
  // bones first and four products per influence remain. Only every "step"th when that is enough.
  along(bones, direction, out, step = 1) {
    const { points, weight, index, lines, count } = this, [dx, dy, dz] = direction;
    for (let m = 0, o = 0; m < bones.length; m += 12, o += 4) {
      for (let k = 0; k < 4; k++) lines[o + k] = dx * bones[m + k] + dy * bones[m + 4 + k] + dz * bones[m + 8 + k];
    }
    for (let i = 0; i < count; i += step) {
      const x = points[3 * i], y = points[3 * i + 1], z = points[3 * i + 2];
      let sum = 0;
      for (let k = 4 * i; k < 4 * i + 4; k++) {
        const w = weight[k];
        if (w === 0) break; // the largest come first
        const o = 4 * index[k];
        sum += w * (lines[o] * x + lines[o + 1] * y + lines[o + 2] * z + lines[o + 3]);
      }
      out[i] = sum;
    }
    return out;
  }

  // Numbers of the Gaussians, the furthest along the direction first: a counting sort with 65,536 bins.
  sort(bones, direction) {
    const { depth, order, bins, count } = this;
    this.along(bones, direction, depth);
    let near = Infinity, far = -Infinity;
    for (let i = 0; i < count; i++) { if (depth[i] < near) near = depth[i]; if (depth[i] > far) far = depth[i]; }
    const scale = 65535 / Math.max(far - near, 1e-6);
    bins.fill(0);
    for (let i = 0; i < count; i++) bins[((far - depth[i]) * scale | 0) + 1]++;
    for (let b = 1; b < 65537; b++) bins[b] += bins[b - 1];
    for (let i = 0; i < count; i++) order[bins[(far - depth[i]) * scale | 0]++] = i;
    return order;
  }
}
