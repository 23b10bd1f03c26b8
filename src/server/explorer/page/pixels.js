// Draws the points of a map where no graphics processor does: as pixels, on a layer larger than the picture. The layer
// is moved and stretched as the map is; it is drawn anew in small steps, so that no frame waits for all points.

// How far the layer reaches beyond the picture, in pixels of the style sheet, and how much of that is kept free.
const BEYOND = 192;
const SLACK = 96;
// Radii differ by this part of a pixel, and places within a pixel by one of so many parts of it.
const STEP = 0.25;
const PARTS = 4;
// Rows between two looks at the clock.
const ROWS = 4096;
// Milliseconds of a frame that drawing may take while the map moves, and while it rests; and when it rests.
const MOVING = 6;
const RESTING = 28;
const REST = 120;
// How soon the layer must be drawn anew.
const [NEVER, LATER, NOW] = [0, 1, 2];
// How far it may be stretched meanwhile.
const [SMALLEST, LARGEST] = [0.6, 1.8];

// The pixels that a disc covers, and how much of each, for each place of its middle within a pixel.
function discs(radius, stride) {
  const half = Math.ceil(radius + 0.5);
  const places = [];
  for (let part = 0; part < PARTS * PARTS; part++) {
    const mx = half + ((part % PARTS) + 0.5) / PARTS;
    const my = half + (Math.floor(part / PARTS) + 0.5) / PARTS;
    const offsets = [];
    const shares = [];
    for (let y = 0; y <= 2 * half + 1; y++) {
      for (let x = 0; x <= 2 * half + 1; x++) {
        const share = Math.round(256 * Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(x + 0.5 - mx, y + 0.5 - my))));
        if (share < 8) continue;
        offsets.push((y - half) * stride + x - half);
        shares.push(share);
      }
    }
    places.push({ offsets: Int32Array.from(offsets), shares: Int32Array.from(shares) });
  }
  return { half, places };
}

const parts = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
// A color as it lies in memory: red first.
const packed = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

export class Pixels {
  constructor(canvas) {
    this.canvas = canvas;
    this.c = canvas.getContext('2d', { alpha: false, willReadFrequently: true });
    this.positions = new Float32Array(0);
    // Black until something was drawn.
    canvas.style.visibility = 'hidden';
    // What the canvas shows, what is being drawn for it, and what is wanted.
    this.shown = null;
    this.job = null;
    this.view = null;
    this.paint = null;
    this.moved = 0;
    this.version = 0;
  }

  get count() {
    return this.positions.length / 2;
  }

  setPositions(positions) {
    this.positions = positions;
    this.version++;
  }

  setShades(shades) {
    this.shades = shades;
    this.version++;
  }

  // `view` and `paint` as for shaders. What cannot wait is drawn now, the rest in the frames that follow.
  draw(view, paint) {
    const { view: last } = this;
    if (last && (last.x !== view.x || last.y !== view.y || last.k !== view.k)) this.moved = performance.now();
    this.view = view;
    // Until there are points the ground is the page's.
    if (!this.count || !this.shades) return;
    this.paint = { ...paint, version: this.version };
    this.place();
    const isNew = !this.shown || this.shown.paint.ground !== paint.ground;
    if (isNew) {
      this.begin();
      this.work(Infinity);
    } else this.see();
  }

  // Begins what must be drawn.
  see() {
    const need = this.need();
    clearTimeout(this.waiting);
    if (need === LATER && !this.job) this.waiting = setTimeout(() => this.start(), REST);
    else if (need !== NEVER) this.start();
  }

  start() {
    if (!this.job || !this.isPainted(this.job)) this.begin();
    this.go();
  }

  // Whether this is drawn as is wanted now, wherever.
  isPainted({ paint }) {
    const wanted = this.paint;
    return (
      paint.version === wanted.version &&
      paint.ground === wanted.ground &&
      paint.palette.every((color, i) => color === wanted.palette[i]) &&
      paint.light.every((share, i) => share === wanted.light[i])
    );
  }

  need() {
    const { shown, view } = this;
    const was = shown.view;
    if (!this.isPainted(shown)) return NOW;
    if (was.width !== view.width || was.height !== view.height || was.density !== view.density) return NOW;
    const scale = view.k / was.k;
    const [left, top] = this.corner();
    const spare = -Math.max(
      left,
      top,
      view.width - left - scale * (view.width + 2 * BEYOND),
      view.height - top - scale * (view.height + 2 * BEYOND),
    );
    if (scale === 1) return spare < SLACK ? NOW : NEVER;
    return spare < 0 || scale < SMALLEST || scale > LARGEST ? NOW : LATER;
  }

  // Where the layer's corner is, and how large it is shown.
  corner() {
    const { view: was } = this.shown;
    const { view } = this;
    const scale = view.k / was.k;
    return [view.x - scale * (was.x + BEYOND), view.y - scale * (was.y + BEYOND), scale];
  }

  // Puts the layer where the map is.
  place() {
    if (!this.shown) return;
    let [x, y, scale] = this.corner();
    if (scale === 1) {
      // Between pixels it would be blurred.
      const { density } = this.view;
      x = Math.round(x * density) / density;
      y = Math.round(y * density) / density;
    }
    this.canvas.style.imageRendering = scale === 1 ? 'pixelated' : 'auto';
    this.canvas.style.transform = `translate(${x}px,${y}px) scale(${scale})`;
  }

  go() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const isMoving = performance.now() - this.moved < REST;
      this.work(isMoving ? MOVING : RESTING);
    });
  }

  begin() {
    const { view, paint } = this;
    const d = view.density;
    const width = Math.ceil((view.width + 2 * BEYOND) * d);
    const height = Math.ceil((view.height + 2 * BEYOND) * d);
    if (!this.image || this.image.width !== width || this.image.height !== height) {
      this.image = new ImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.discs = new Map();
    }
    this.pixels.fill(packed(parts(paint.ground)));
    // Radii get smaller from row to row: the first row of each, from the last to the first.
    const bands = [];
    const rows = Math.log(Math.max(this.count, 2));
    const size = paint.size * d;
    const step = row => Math.round(Math.max(0.7 * d, size * (1.7 - (0.95 * Math.log(row + 1)) / rows)) / STEP);
    for (let end = this.count; end > 0;) {
      const steps = step(end - 1);
      let first = 0;
      if (step(0) !== steps) {
        const inner = Math.exp((1.7 - ((steps + 0.5) * STEP) / size) * (rows / 0.95)) - 1;
        first = Math.max(0, Math.min(end - 1, Math.floor(inner)));
        while (first > 0 && step(first - 1) === steps) first--;
        while (first < end - 1 && step(first) !== steps) first++;
      }
      bands.push({ first, steps });
      end = first;
    }
    this.job = {
      view: { ...view },
      paint,
      bands,
      end: this.count,
      colors: Int32Array.from(paint.palette, color => packed(parts(color)) | 0),
      lights: Int32Array.from(paint.light, share => Math.round(256 * share)),
    };
  }

  // Goes on for so many milliseconds, and shows what is complete.
  work(most) {
    const start = performance.now();
    const { job } = this;
    if (!job) return;
    while (job.end > 0) {
      const band = job.bands[0];
      const from = Math.max(band.first, job.end - ROWS);
      this.stamp(from, job.end, band.steps);
      job.end = from;
      if (from === band.first) job.bands.shift();
      if (job.end && performance.now() - start > most) {
        this.go();
        return;
      }
    }
    this.show();
    this.see();
  }

  show() {
    const { canvas, image, job } = this;
    if (canvas.width !== image.width || canvas.height !== image.height) {
      canvas.width = image.width;
      canvas.height = image.height;
      Object.assign(canvas.style, {
        width: `${image.width / job.view.density}px`,
        height: `${image.height / job.view.density}px`,
      });
    }
    this.c.putImageData(image, 0, 0);
    canvas.style.visibility = '';
    this.shown = job;
    this.job = null;
    this.place();
    canvas.dataset.shown = String(Math.round(performance.now()));
  }

  // Draws rows of one radius, the last first: frequent words lie over rare ones.
  stamp(from, end, steps) {
    const { positions, shades, pixels } = this;
    const { view, colors, lights } = this.job;
    const { width, height } = this.image;
    if (!this.discs.has(steps)) this.discs.set(steps, discs(steps * STEP, width));
    const { half, places } = this.discs.get(steps);
    const d = view.density;
    const [ox, oy, k] = [(view.x + BEYOND) * d, (view.y + BEYOND) * d, view.k * d];
    const [right, low] = [width - half - 2, height - half - 2];
    for (let row = end - 1; row >= from; row--) {
      const x = ox + positions[2 * row] * k;
      const y = oy + positions[2 * row + 1] * k;
      // Also what is nowhere, which is not a number.
      if (!(x > half && y > half && x < right && y < low)) continue;
      const [column, line] = [x | 0, y | 0];
      const place = places[(((y - line) * PARTS) | 0) * PARTS + (((x - column) * PARTS) | 0)];
      const { offsets, shares } = place;
      const at = line * width + column;
      const color = colors[shades[row]];
      const light = lights[shades[row]];
      const redBlue = color & 0xff00ff;
      const green = color & 0xff00;
      for (let i = 0; i < offsets.length; i++) {
        const under = pixels[at + offsets[i]];
        const share = (shares[i] * light) >> 8;
        const [rb, g] = [under & 0xff00ff, under & 0xff00];
        pixels[at + offsets[i]] =
          0xff000000 |
          ((rb + (Math.imul(redBlue - rb, share) >> 8)) & 0xff00ff) |
          ((g + (Math.imul(green - g, share) >> 8)) & 0xff00);
      }
    }
  }

  end() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.waiting);
    this.frame = 1;
    this.job = null;
  }
}
