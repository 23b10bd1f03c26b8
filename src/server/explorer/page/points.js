// Draws the points of a map: by WebGL, or where there is none by writing pixels.

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

// What is drawn: `positions` are two numbers a row, NaN where it has no place; `shades` a color's number each.
export class Points {
  constructor(canvas) {
    this.canvas = canvas;
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
    const options = {
      alpha: false,
      antialias: false,
      depth: false,
      stencil: false,
      powerPreference: 'high-performance',
    };
    const gl = this.canvas.getContext('webgl2', options);
    this.gl = gl;
    if (!gl) {
      this.flat = this.canvas.getContext('2d', { alpha: false });
      return;
    }
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
    const gl = this.gl;
    if (!gl) return;
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
    const gl = this.gl;
    if (!gl) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.shade);
    gl.bufferData(gl.ARRAY_BUFFER, Uint8Array.from(shades).reverse(), gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(this.attribute.shade);
    gl.vertexAttribPointer(this.attribute.shade, 1, gl.UNSIGNED_BYTE, false, 0, 0);
  }

  // `view` has width and height in pixels of the style sheet, density, x, y and k, as the map has them; `paint`
  // the ground, a palette with the share of light of each color, and the size of a point.
  draw(view, paint) {
    if (!this.count || !this.shades) {
      this.clear(paint.ground);
      return;
    }
    if (this.gl) this.drawByShaders(view, paint);
    else this.drawByPixels(view, paint);
  }

  clear(ground) {
    const gl = this.gl;
    if (gl) {
      gl.clearColor(...rgb(ground), 1);
      gl.clear(gl.COLOR_BUFFER_BIT);
    } else {
      this.flat.fillStyle = ground;
      this.flat.fillRect(0, 0, this.canvas.width, this.canvas.height);
    }
  }

  drawByShaders(view, paint) {
    const { gl, at } = this;
    const d = view.density;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    this.clear(paint.ground);
    gl.uniform2f(at.origin, view.x * d, view.y * d);
    gl.uniform2f(at.scale, view.k * d, view.k * d);
    gl.uniform2f(at.span, this.canvas.width, this.canvas.height);
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

  // Two by two pixels a point: a few milliseconds for hundreds of thousands, where paths would take half a second.
  drawByPixels(view, paint) {
    const { width, height } = this.canvas;
    if (!this.image || this.image.width !== width || this.image.height !== height) {
      this.image = this.flat.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const ground = rgb(paint.ground);
    const word = (hex, light) => {
      const [r, g, b] = rgb(hex).map((part, i) => Math.round(255 * (part * light + ground[i] * (1 - light))));
      return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    };
    const words = paint.palette.map((hex, i) => word(hex, paint.light[i]));
    this.pixels.fill(word(paint.ground, 1));
    const d = view.density;
    for (let row = this.count - 1; row >= 0; row--) {
      const x = Math.round((view.x + this.positions[2 * row] * view.k) * d);
      const y = Math.round((view.y + this.positions[2 * row + 1] * view.k) * d);
      if (!(x >= 0 && y >= 0 && x < width - 1 && y < height - 1)) continue;
      const at = y * width + x;
      const color = words[this.shades[row]];
      this.pixels[at] = this.pixels[at + 1] = this.pixels[at + width] = this.pixels[at + width + 1] = color;
    }
    this.flat.putImageData(this.image, 0, 0);
  }

  end() {
    this.gl?.getExtension('WEBGL_lose_context')?.loseContext();
  }
}
