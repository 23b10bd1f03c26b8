// Draws the points of a map: by a graphics processor, or where there is none as pixels.

import { h } from './dom.js';
import { Pixels } from './pixels.js';

const VERTEX = `#version 300 es
in vec2 place;
in float shade;
uniform vec2 origin, scale, span;
uniform float size, least, rows, edge;
uniform vec3 palette[16];
uniform float light[16];
out vec4 color;
out float radius;
void main() {
  // Rare words are drawn first, frequent ones over them and larger.
  float row = rows - 1.0 - float(gl_VertexID);
  radius = max(least, size * (1.7 - 0.95 * log(row + 1.0) / max(log(rows), 1.0)));
  vec2 at = origin + place * scale;
  gl_Position = place.x > 4.0 ? vec4(9.0, 9.0, 0.0, 1.0)
    : vec4(at / span * vec2(2.0, -2.0) + vec2(-1.0, 1.0), 0.0, 1.0);
  gl_PointSize = 2.0 * radius + edge;
  int kind = int(shade);
  color = vec4(palette[kind] * light[kind], light[kind]);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec4 color;
in float radius;
uniform float edge;
out vec4 drawn;
void main() {
  if (radius < 0.9) {
    drawn = color;
  } else {
    float off = length(gl_PointCoord - 0.5) * (2.0 * radius + edge);
    drawn = color * clamp(radius + 0.5 - off, 0.0, 1.0);
  }
}`;

const rgb = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16) / 255);

// Graphics processors that are none: a shader that the processor runs takes a second for what pixels take in a
// twentieth of it.
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

// Looked at once, on a canvas that is dropped: one keeps the kind that it had first.
let known = null;
function isSoftware() {
  if (known === null) {
    const gl = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true });
    const told = gl?.getExtension('WEBGL_debug_renderer_info');
    known = !gl || SOFTWARE.test(gl.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  }
  return known;
}

// What draws points in a box. `?points=pixels` and `?points=shaders` choose.
export function pointsIn(box) {
  const wanted = new URLSearchParams(location.search).get('points');
  const canvas = h('canvas', { 'aria-hidden': 'true', class: 'points' });
  box.append(canvas);
  const gl =
    wanted !== 'pixels' &&
    (wanted === 'shaders' || !isSoftware()) &&
    canvas.getContext('webgl2', {
      alpha: false,
      antialias: false,
      depth: false,
      stencil: false,
      powerPreference: 'high-performance',
    });
  return gl ? new Shaders(canvas, gl) : new Pixels(canvas);
}

// `positions` are two numbers a row, NaN where it has no place; `shades` a color's number each.
class Shaders {
  constructor(canvas, gl) {
    this.canvas = canvas;
    this.gl = gl;
    this.count = 0;
    this.open();
    canvas.addEventListener('webglcontextlost', event => event.preventDefault());
    canvas.addEventListener('webglcontextrestored', () => {
      this.open();
      if (this.positions) this.setPositions(this.positions);
      if (this.shades) this.setShades(this.shades);
      this.onRestored?.();
    });
  }

  open() {
    const { gl } = this;
    this.drawn = null;
    const program = gl.createProgram();
    for (const [kind, text] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.at = Object.fromEntries(
      ['origin', 'scale', 'span', 'size', 'least', 'rows', 'edge', 'palette', 'light'].map(name => [
        name,
        gl.getUniformLocation(program, name),
      ]),
    );
    this.attribute = { place: gl.getAttribLocation(program, 'place'), shade: gl.getAttribLocation(program, 'shade') };
    this.buffers = { place: gl.createBuffer(), shade: gl.createBuffer() };
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  setPositions(positions) {
    this.positions = positions;
    this.count = positions.length / 2;
    const { gl } = this;
    this.drawn = null;
    const backward = new Float32Array(positions.length);
    for (let row = 0, at = positions.length - 2; row < this.count; row++, at -= 2) {
      const x = positions[2 * row];
      backward[at] = Number.isNaN(x) ? 9 : x;
      backward[at + 1] = positions[2 * row + 1];
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.place);
    gl.bufferData(gl.ARRAY_BUFFER, backward, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(this.attribute.place);
    gl.vertexAttribPointer(this.attribute.place, 2, gl.FLOAT, false, 0, 0);
  }

  setShades(shades) {
    this.shades = shades;
    const { gl } = this;
    this.drawn = null;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.shade);
    gl.bufferData(gl.ARRAY_BUFFER, Uint8Array.from(shades).reverse(), gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(this.attribute.shade);
    gl.vertexAttribPointer(this.attribute.shade, 1, gl.UNSIGNED_BYTE, false, 0, 0);
  }

  // `view` has width and height in pixels of the style sheet, density, x, y and k, as the map has them; `paint`
  // the ground, a palette with the share of light of each color, and the size of a point.
  draw(view, paint) {
    // Most often only what lies over the points is another.
    const wanted = JSON.stringify([view, paint]);
    if (wanted === this.drawn) return;
    this.drawn = wanted;
    const { canvas, gl, at } = this;
    const d = view.density;
    const [width, height] = [Math.round(view.width * d), Math.round(view.height * d)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.viewport(0, 0, width, height);
    gl.clearColor(...rgb(paint.ground), 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!this.count || !this.shades) return;
    gl.uniform2f(at.origin, view.x * d, view.y * d);
    gl.uniform2f(at.scale, view.k * d, view.k * d);
    gl.uniform2f(at.span, width, height);
    gl.uniform1f(at.size, paint.size * d);
    gl.uniform1f(at.least, 0.7 * d);
    gl.uniform1f(at.edge, 1);
    gl.uniform1f(at.rows, this.count);
    const palette = new Float32Array(48);
    const light = new Float32Array(16);
    paint.palette.forEach((hex, i) => {
      palette.set(rgb(hex), 3 * i);
      light[i] = paint.light[i];
    });
    gl.uniform3fv(at.palette, palette);
    gl.uniform1fv(at.light, light);
    gl.drawArrays(gl.POINTS, 0, this.count);
  }

  end() {
    this.gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
}
