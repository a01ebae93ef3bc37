// A soft shadow under whatever stands on the floor: heights seen from below, blurred. After three.js' contact-shadow example.
import {
  Group, Mesh, MeshDepthMaterial, OrthographicCamera, PlaneGeometry, ShaderMaterial, WebGLRenderTarget, Color,
} from "three";

const SIDE = 2.8, REACH = 1.1;

function blurMaterial(direction) {
  return new ShaderMaterial({
    depthTest: false, depthWrite: false,
    uniforms: { map: { value: null }, step: { value: 0 } },
    vertexShader: "varying vec2 at; void main() { at = uv; gl_Position = vec4(position.xy * 2.0, 0.0, 1.0); }",
    fragmentShader: `uniform sampler2D map; uniform float step; varying vec2 at; void main() {
      float sum = 0.0, total = 0.0;
      for (int k = -6; k <= 6; k++) { float w = exp(-float(k * k) / 14.0);
        sum += w * texture2D(map, at + float(k) * step * vec2(${direction})).r; total += w; }
      gl_FragColor = vec4(vec3(sum / total), 1.0); }`,
  });
}

export class ContactShadow {
  constructor(renderer, size) {
    this.renderer = renderer;
    this.group = new Group();
    this.targets = [new WebGLRenderTarget(size, size), new WebGLRenderTarget(size, size)];
    this.wide = new WebGLRenderTarget(size, size);
    this.camera = new OrthographicCamera(-SIDE / 2, SIDE / 2, SIDE / 2, -SIDE / 2, 0, REACH);
    this.camera.rotation.x = Math.PI / 2; // looks up from under the floor
    this.camera.position.y = -0.03;
    this.depth = new MeshDepthMaterial({ side: 2 });
    this.depth.onBeforeCompile = (shader) => {
      shader.fragmentShader = shader.fragmentShader.replace(
        /gl_FragColor = vec4\( vec3\( 1\.0 - fragCoordZ \), opacity \);/,
        "gl_FragColor = vec4( vec3( exp( -fragCoordZ * 4.0 ) ), 1.0 );");
    };
    this.blurs = [blurMaterial("1.0, 0.0"), blurMaterial("0.0, 1.0")];
    this.quad = new Mesh(new PlaneGeometry(1, 1), this.blurs[0]);
    this.quad.frustumCulled = false;
    this.material = new ShaderMaterial({
      transparent: true, depthWrite: false,
      uniforms: { near: { value: this.targets[0].texture }, far: { value: this.wide.texture }, strength: { value: 0.4 } },
      vertexShader: "varying vec2 at; void main() { at = uv; gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); }",
      fragmentShader: `uniform sampler2D near, far; uniform float strength; varying vec2 at; void main() {
        float fade = smoothstep(0.5, 0.3, length(at - 0.5));
        float dark = 1.0 - (1.0 - 0.75 * texture2D(near, at).r) * (1.0 - 0.6 * texture2D(far, at).r);
        gl_FragColor = vec4(0.0, 0.0, 0.0, strength * fade * dark); }`,
    });
    this.plane = new Mesh(new PlaneGeometry(SIDE, SIDE).rotateX(Math.PI / 2), this.material);
    this.plane.renderOrder = -1;
    this.material.side = 2;
    this.plane.position.y = 0.002;
    this.group.add(this.camera, this.plane);
  }

  place(height) { this.group.position.y = height; }

  setStrength(value) { this.material.uniforms.strength.value = value; }

  blur(from, scratch, to, step) {
    for (const [k, source, target] of [[0, from, scratch], [1, scratch, to]]) {
      this.quad.material = this.blurs[k];
      this.blurs[k].uniforms.map.value = source.texture;
      this.blurs[k].uniforms.step.value = step;
      this.renderer.setRenderTarget(target);
      this.renderer.render(this.quad, this.camera);
    }
  }

  follow(at) {
    this.group.position.x = at.x;
    this.group.position.z = at.z;
    this.group.updateMatrixWorld(true);
  }

  render(scene, hidden) {
    const { renderer } = this;
    for (const thing of [this.plane, ...hidden]) thing.visible = false;
    const color = renderer.getClearColor(new Color()), alpha = renderer.getClearAlpha();
    renderer.setClearColor(0x000000, 1);
    scene.overrideMaterial = this.depth;
    renderer.setRenderTarget(this.targets[0]);
    renderer.clear();
    renderer.render(scene, this.camera);
    scene.overrideMaterial = null;
    this.blur(this.targets[0], this.targets[1], this.wide, 0.0102);
    this.blur(this.wide, this.targets[1], this.wide, 0.0133);
    this.blur(this.targets[0], this.targets[1], this.targets[0], 0.0031);
    renderer.setRenderTarget(null);
    renderer.setClearColor(color, alpha);
    for (const thing of [this.plane, ...hidden]) thing.visible = true;
  }
}
