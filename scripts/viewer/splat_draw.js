// Draws skinned Gaussians with WebGL 2: each is posed and projected in the vertex shader (EWA splatting, Zwicker et al.
// 2001, as used by 3DGS) and blended from back to front.
import { MOST, packBasis, packTexels, ROW } from "./splat_file.js";

const UNPACK = `
precision highp float; precision highp int; precision highp usampler2D; precision highp sampler2D;
uniform usampler2D gaussians, basis; uniform sampler2D bones; uniform vec3 low, size;
uniform float amounts[${MOST}]; uniform int terms;
struct Gaussian { vec3 center; mat3 axes; vec4 color; };
vec4 bytes(uint v) { return vec4(uvec4(v, v >> 8, v >> 16, v >> 24) & 255u); }
Gaussian posed(uint which) {
  ivec2 at = ivec2(int(which % ${ROW}u) * 2, int(which / ${ROW}u));
  uvec4 a = texelFetch(gaussians, at, 0), b = texelFetch(gaussians, at + ivec2(1, 0), 0);
  vec3 rest = low + size * vec3(unpackUnorm2x16(a.x), unpackUnorm2x16(a.y).x);
  if (terms > 0) {
    uvec4 shapes[2] = uvec4[2](texelFetch(basis, at, 0), texelFetch(basis, at + ivec2(1, 0), 0));
    for (int r = 0; r < terms; r++) {
      uint v = shapes[r >> 2][r & 3];
      rest += amounts[r] * vec3(ivec3(v << 24, v << 16, v << 8) >> 24);
    }
  }
  vec3 scale = vec3(unpackHalf2x16(b.x), unpackHalf2x16(a.y).y);
  vec4 q = normalize(vec4(ivec4(a.w << 24, a.w << 16, a.w << 8, a.w) >> 24));
  float w = q.x, x = q.y, y = q.z, z = q.w;
  mat3 turn = mat3(1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z), 2.0 * (x * z - w * y),
    2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + w * x),
    2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y));
  vec4 joints = bytes(b.y), weights = bytes(b.z) / 255.0, r0 = vec4(0.0), r1 = vec4(0.0), r2 = vec4(0.0);
  for (int k = 0; k < 4; k++) {
    if (weights[k] == 0.0) break;
    int j = int(joints[k]);
    r0 += weights[k] * texelFetch(bones, ivec2(0, j), 0);
    r1 += weights[k] * texelFetch(bones, ivec2(1, j), 0);
    r2 += weights[k] * texelFetch(bones, ivec2(2, j), 0);
  }
  mat3 blend = transpose(mat3(r0.xyz, r1.xyz, r2.xyz));
  return Gaussian(blend * rest + vec3(r0.w, r1.w, r2.w),
    blend * turn * mat3(scale.x, 0, 0, 0, scale.y, 0, 0, 0, scale.z), bytes(a.z) / 255.0);
}`;

const SCREEN = `#version 300 es
void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }`;

// One pixel of the target per Gaussian: its centre on the screen, and the two half axes of its ellipse in pixels.
const PROJECT = `#version 300 es
${UNPACK}
uniform mat4 view, projection; uniform vec2 focal, screen; // pixels
out uvec4 ellipse;
void main() {
  uint which = uint(gl_FragCoord.y) * ${ROW}u + uint(gl_FragCoord.x);
  ellipse = uvec4(0u); // out of sight
  Gaussian g = posed(which);
  vec4 eye = view * vec4(g.center, 1.0);
  if (eye.z > -0.05 || g.color.a < 1.0 / 255.0) return;
  mat3 axes = mat3(view) * g.axes;
  vec2 limit = 0.65 * screen / focal, slope = clamp(eye.xy / -eye.z, -limit, limit);
  vec3 jx = vec3(focal.x, 0.0, focal.x * slope.x) / -eye.z, jy = vec3(0.0, focal.y, focal.y * slope.y) / -eye.z;
  vec3 u = jx * axes, v = jy * axes; // the axes' shadows on the screen: rows of J A
  float a = dot(u, u) + 0.1, b = dot(u, v), c = dot(v, v) + 0.1; // what a pixel itself spreads: value.EPS2D
  float mid = 0.5 * (a + c), off = length(vec2(0.5 * (a - c), b));
  float big = mid + off, small = max(mid - off, 0.05);
  vec2 along = off < 1e-6 ? vec2(1.0, 0.0) : normalize(a > c ? vec2(big - c, b) : vec2(b, big - a));
  vec2 lengths = min(sqrt(vec2(big, small)), vec2(512.0));
  vec4 clip = projection * eye;
  if (any(greaterThan(abs(clip.xy), vec2(clip.w) + 7.0 * lengths.x / screen * clip.w))) return;
  ellipse = uvec4(floatBitsToUint(clip.xy / clip.w), packHalf2x16(lengths.x * along),
    packHalf2x16(lengths.y * vec2(-along.y, along.x)));
}`;

const VERTEX = `#version 300 es
precision highp float; precision highp int; precision highp usampler2D;
uniform usampler2D gaussians, ellipses, order; uniform vec2 screen;
out vec2 at; out vec4 tint;
void main() {
  int place = gl_VertexID >> 2;
  uint which = texelFetch(order, ivec2(place % ${ROW}, place / ${ROW}), 0).x;
  ivec2 cell = ivec2(int(which % ${ROW}u), int(which / ${ROW}u));
  uvec4 ellipse = texelFetch(ellipses, cell, 0);
  uint color = texelFetch(gaussians, ivec2(cell.x * 2, cell.y), 0).z;
  tint = vec4(uvec4(color, color >> 8, color >> 16, color >> 24) & 255u) / 255.0;
  float reach = sqrt(2.0 * log(max(255.0 * tint.a, 1.0))); // where it fades below 1/255
  at = vec2(float(gl_VertexID & 1), float((gl_VertexID >> 1) & 1)) * 2.0 * reach - reach;
  vec2 pixels = at.x * unpackHalf2x16(ellipse.z) + at.y * unpackHalf2x16(ellipse.w);
  gl_Position = vec4(uintBitsToFloat(ellipse.xy) + 2.0 * pixels / screen, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec2 at; in vec4 tint; out vec4 color;
void main() {
  float alpha = min(0.99, tint.a * exp(-0.5 * dot(at, at)));
  if (alpha < 1.0 / 255.0) discard;
  color = vec4(tint.rgb * alpha, alpha);
}`;

// The same Gaussians as dots seen from straight above, the brighter the nearer to the floor: the shadow's raw material.
const DOTS = `#version 300 es
${UNPACK}
uniform vec3 center; uniform float side, texels; uniform uint stride;
out float dark;
void main() {
  Gaussian g = posed(uint(gl_VertexID) * stride);
  float height = max(g.center.y - center.y, 0.0);
  dark = g.color.a * exp(-3.6 * height);
  gl_PointSize = clamp(4.0 * length(g.axes[0]) / side * texels, 2.0, 8.0);
  gl_Position = vec4((g.center.xz - center.xz) * 2.0 / side, 0.0, 1.0);
}`;

const DOT = `#version 300 es
precision mediump float;
in float dark; out vec4 color;
void main() { color = vec4(dark); }`;

export function program(gl, vertex, fragment) {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) {
    throw new Error(gl.getAttachedShaders(made).map((s) => gl.getShaderInfoLog(s)).join("") || gl.getProgramInfoLog(made));
  }
  const found = {};
  return { made, use() { gl.useProgram(made); return this; },
    at(name) { return name in found ? found[name] : (found[name] = gl.getUniformLocation(made, name)); } };
}

function texture(gl, internal, width, height, format, type, data) {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
  gl.texImage2D(gl.TEXTURE_2D, 0, internal, width, height, 0, format, type, data);
  return made;
}

export class SplatDrawing {
  constructor(gl, file) {
    const { words, height } = packTexels(file), { count } = file;
    Object.assign(this, { gl, file, height, joints: file.parents.length });
    this.projecting = program(gl, SCREEN, PROJECT);
    this.splats = program(gl, VERTEX, FRAGMENT);
    this.dots = program(gl, DOTS, DOT);
    this.data = texture(gl, gl.RGBA32UI, 2 * ROW, height, gl.RGBA_INTEGER, gl.UNSIGNED_INT, words);
    this.basis = file.terms ? texture(gl, gl.RGBA32UI, 2 * ROW, height, gl.RGBA_INTEGER, gl.UNSIGNED_INT, packBasis(file, height)) : this.data;
    this.bones = texture(gl, gl.RGBA32F, 3, this.joints, gl.RGBA, gl.FLOAT, null);
    this.order = texture(gl, gl.R32UI, ROW, height, gl.RED_INTEGER, gl.UNSIGNED_INT, null);
    this.ellipses = texture(gl, gl.RGBA32UI, ROW, height, gl.RGBA_INTEGER, gl.UNSIGNED_INT, null);
    this.target = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.ellipses, 0);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    // Two triangles for each place in the order: one plain draw is faster than as many instances.
    const corners = new Uint32Array(6 * count);
    for (let i = 0, o = 0; i < count; i++) for (const k of [0, 1, 2, 2, 1, 3]) corners[o++] = 4 * i + k;
    this.none = gl.createVertexArray();
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, corners, gl.STATIC_DRAW);
    gl.bindVertexArray(null);
  }

  pose(bones, amounts) {
    const { gl } = this;
    this.amounts = amounts;
    gl.bindTexture(gl.TEXTURE_2D, this.bones);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 3, this.joints, gl.RGBA, gl.FLOAT, bones);
  }

  bind(used, textures) {
    const { gl, file } = this;
    used.use();
    Object.entries(textures).forEach(([name, bound], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, bound);
      gl.uniform1i(used.at(name), unit);
    });
    gl.activeTexture(gl.TEXTURE0);
    gl.uniform3fv(used.at("low"), file.low);
    gl.uniform3fv(used.at("size"), file.size);
    if (!textures.bones) return;
    gl.uniform1i(used.at("terms"), file.terms);
    gl.uniform1fv(used.at("amounts"), this.amounts);
  }

  // Where the posed Gaussians are on the screen; draw() follows.
  project(camera) {
    const { gl, projecting } = this;
    this.bind(projecting, { gaussians: this.data, basis: this.basis, bones: this.bones });
    gl.uniformMatrix4fv(projecting.at("view"), false, camera.view);
    gl.uniformMatrix4fv(projecting.at("projection"), false, camera.projection);
    gl.uniform2fv(projecting.at("focal"), camera.focal);
    gl.uniform2fv(projecting.at("screen"), camera.screen);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.target);
    gl.viewport(0, 0, ROW, this.height);
    gl.disable(gl.BLEND);
    gl.bindVertexArray(this.none);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  draw(camera, order) {
    const { gl, splats } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.order);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, ROW, this.height, gl.RED_INTEGER, gl.UNSIGNED_INT, order);
    this.bind(splats, { gaussians: this.data, ellipses: this.ellipses, order: this.order });
    gl.uniform2fv(splats.at("screen"), camera.screen);
    gl.bindVertexArray(this.array);
    gl.drawElements(gl.TRIANGLES, 6 * this.file.count, gl.UNSIGNED_INT, 0);
    gl.bindVertexArray(null);
  }

  // Into the bound target, "texels" wide, of the square of "side" metres round a point on the floor.
  drawDots(center, side, texels) {
    const { gl, dots, file } = this, stride = Math.max(1, Math.round(file.count / 6000));
    this.bind(dots, { gaussians: this.data, basis: this.basis, bones: this.bones });
    gl.uniform3fv(dots.at("center"), center);
    gl.uniform1f(dots.at("side"), side);
    gl.uniform1f(dots.at("texels"), texels);
    gl.uniform1ui(dots.at("stride"), stride);
    gl.bindVertexArray(this.none);
    gl.drawArrays(gl.POINTS, 0, Math.floor(file.count / stride));
    gl.bindVertexArray(null);
  }
}
