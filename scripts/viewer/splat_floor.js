// The floor under the Gaussians: a grid in metres and a soft contact shadow (what is near the floor, blurred twice).
import { program } from "./splat_draw.js";

const SIDE = 2.8, TEXELS = 128;

const SCREEN = `#version 300 es
out vec2 at;
void main() { at = vec2(gl_VertexID & 1, gl_VertexID >> 1); gl_Position = vec4(at * 2.0 - 1.0, 0.0, 1.0); }`;

const BLUR = `#version 300 es
precision mediump float;
uniform sampler2D map; uniform vec2 jump; in vec2 at; out vec4 color;
void main() {
  float sum = 0.0, total = 0.0;
  for (int k = -6; k <= 6; k++) {
    float w = exp(-float(k * k) / 14.0);
    sum += w * texture(map, at + float(k) * jump).r; total += w; }
  color = vec4(sum / total);
}`;

const FLOOR_VERTEX = `#version 300 es
precision highp float;
uniform mat4 view, projection; uniform vec3 center; out vec2 at;
void main() {
  at = center.xz + (vec2(gl_VertexID & 1, gl_VertexID >> 1) - 0.5) * 14.0;
  gl_Position = projection * view * vec4(at.x, center.y, at.y, 1.0);
}`;

const FLOOR_FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D near, far; uniform vec3 center, ink; uniform vec2 person; uniform float strength; in vec2 at; out vec4 color;
float lines(float spacing, float wide) {
  vec2 p = at / spacing, soft = fwidth(p) * 1.2, w = vec2(wide / spacing), away = abs(fract(p - 0.5) - 0.5);
  vec2 line = (1.0 - smoothstep(w, w + soft, away)) * min(vec2(1.0), (w * 2.0 + 0.3 * soft) / soft);
  return max(line.x, line.y); }
void main() {
  vec2 from = at - center.xz, map = (at - person) / ${SIDE.toFixed(1)} + 0.5;
  float fade = exp(-dot(from, from) / 7.8);
  float grid = fade * max(0.22 * lines(0.5, 0.002), 0.5 * lines(1.0, 0.004));
  float dark = 1.0 - (1.0 - 0.8 * texture(near, map).r) * (1.0 - 0.6 * texture(far, map).r);
  dark *= strength * smoothstep(0.5, 0.3, length(map - 0.5));
  color = vec4(ink * grid * (1.0 - dark), grid + dark - grid * dark);
}`;

export class Floor {
  constructor(gl) {
    Object.assign(this, { gl, blurring: program(gl, SCREEN, BLUR), plane: program(gl, FLOOR_VERTEX, FLOOR_FRAGMENT),
      array: gl.createVertexArray(), targets: [0, 1, 2].map(() => this.target(gl)) });
  }

  target(gl) {
    const map = gl.createTexture(), frame = gl.createFramebuffer();
    gl.bindTexture(gl.TEXTURE_2D, map);
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.LINEAR);
    for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, TEXELS, TEXELS, 0, gl.RED, gl.UNSIGNED_BYTE, null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, map, 0);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    return { map, frame };
  }

  blur(from, to, jump) {
    const { gl, blurring } = this, scratch = this.targets[1];
    for (const [source, sink, along] of [[from, scratch, [jump, 0]], [scratch, to, [0, jump]]]) {
      gl.bindFramebuffer(gl.FRAMEBUFFER, sink.frame);
      gl.bindTexture(gl.TEXTURE_2D, source.map);
      gl.uniform2fv(blurring.at("jump"), along);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
  }

  // The shadow of the posed Gaussians round a point on the floor.
  shade(drawing, center) {
    const { gl, targets: [near, , far] } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, near.frame);
    gl.viewport(0, 0, TEXELS, TEXELS);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.BLEND);
    gl.blendEquation(gl.MAX);
    drawing.drawDots(center, SIDE, TEXELS);
    gl.blendEquation(gl.FUNC_ADD);
    gl.disable(gl.BLEND);
    this.blurring.use();
    gl.bindVertexArray(this.array);
    gl.uniform1i(this.blurring.at("map"), 0);
    this.blur(near, far, 0.0102);
    this.blur(far, far, 0.0133);
    this.blur(near, near, 0.0031);
    gl.bindVertexArray(null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  draw(camera, center, person, dark) {
    const { gl, plane, targets: [near, , far] } = this;
    plane.use();
    gl.uniformMatrix4fv(plane.at("view"), false, camera.view);
    gl.uniformMatrix4fv(plane.at("projection"), false, camera.projection);
    gl.uniform3fv(plane.at("center"), center);
    gl.uniform2fv(plane.at("person"), person);
    gl.uniform3fv(plane.at("ink"), dark ? [0.6, 0.64, 0.7] : [0.4, 0.44, 0.52]);
    gl.uniform1f(plane.at("strength"), dark ? 0.85 : 0.6);
    for (const [unit, name, { map }] of [[0, "near", near], [1, "far", far]]) {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, map);
      gl.uniform1i(plane.at(name), unit);
    }
    gl.activeTexture(gl.TEXTURE0);
    gl.bindVertexArray(this.array);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.bindVertexArray(null);
  }
}
