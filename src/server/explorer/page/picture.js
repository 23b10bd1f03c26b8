// The map: points below, and on a canvas over them lines, marks, labels; panned, zoomed, picked from, lassoed.
// Rows are ordered by frequency, as files of vectors are: what comes first is larger and named first.

import { css, h, still } from './dom.js';
import { pointsIn } from './points.js';

// What is drawn now.
export const pictures = new Set();
export let colors = {};

export function readColors() {
  const dark = document.documentElement.dataset.theme === 'dark';
  colors = {
    dark,
    ground: css('--bg'),
    ink: css('--ink'),
    ink2: css('--ink2'),
    ink3: css('--ink3'),
    line2: css('--line2'),
    accent: css('--accent'),
    accentInk: css('--accent-ink'),
    clusters: Array.from({ length: 8 }, (_, i) => css(`--c${i}`)),
    // One hue from little to much.
    sequence: dark
      ? ['#39404D', '#3E5478', '#456AA6', '#5683CF', '#7AA1EC', '#A8C4FA', '#E1ECFF']
      : ['#D3D5D8', '#B4C2DE', '#8EA8DA', '#658BCD', '#3F6DB9', '#214E98', '#0B2E6B'],
    // From one end over the middle to the other.
    axis: dark
      ? ['#F5A35C', '#C4814D', '#8F6A50', '#5A5D66', '#55708F', '#5F93CB', '#74B2FF']
      : ['#B4540A', '#CF8347', '#DDB592', '#C9CBCF', '#97B5D6', '#568DC9', '#1B62B5'],
    font: css('--f'),
  };
  for (const picture of pictures) picture.draw();
}

const LABEL_CHARS = 26;
// Labels whose widths are kept: several pictures full.
const WIDTHS_MAX = 2000;
// The picture has so many fields across and down, which share the names; and rows that may be named in all of it.
const SPREAD = 5;
const SPREAD_ROWS = 20000;
const shown = word => (word.length > LABEL_CHARS ? `${word.slice(0, LABEL_CHARS - 1)}…` : word);
// While the map is panned, what lies over the points is moved along, and drawn anew so often and when the map rests, in
// milliseconds; and no further than so many pixels, or names would be missing where the map comes in.
const GLIDE = 160;
const GLIDE_REST = 80;
const GLIDE_PIXELS = 120;
// What a label of no importance begins with.
const LETTERS = /^\p{L}{2}|^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

export class Picture {
  // `look` is the table's; `options` are label, onPick, onHover, onLasso, onView, cap, and isDim: a word is coming.
  constructor(box, look, options = {}) {
    this.box = box;
    this.look = look;
    this.o = options;
    this.points = pointsIn(box);
    this.canvas = h('canvas', {
      class: 'marks',
      tabindex: '0',
      role: 'application',
      'aria-label': options.label || '',
    });
    box.append(this.canvas);
    this.points.onRestored = () => this.draw();
    this.c = this.canvas.getContext('2d');
    this.selected = -1;
    this.links = [];
    this.arrows = [];
    this.hover = -1;
    this.lit = -1;
    this.shading = null;
    this.list = null;
    this.mask = null;
    this.named = new Set();
    this.before = new Set();
    this.widths = new Map();
    this.pos = new Float32Array(0);
    this.observer = new ResizeObserver(() => this.size());
    this.observer.observe(box);
    this.forgetWords = look.onWords(() => this.request());
    this.listen();
    pictures.add(this);
    this.size();
  }

  // As it was made, but for its place and its points.
  reset(options) {
    this.o = options;
    this.canvas.setAttribute('aria-label', options.label || '');
    this.selected = -1;
    this.links = [];
    this.arrows = [];
    this.list = null;
    this.lit = -1;
    this.hover = -1;
    this.isLassoing = false;
    this.covered = null;
    this.request();
  }

  setMap(map) {
    this.map = map;
    this.pos = map.positions;
    this.points.setPositions(map.positions);
    this.setShading(this.shading);
  }

  // Rows that stand out, however many; null: all do.
  setMask(rows) {
    if (!rows && !this.mask) return;
    this.mask = rows && new Set(rows);
    this.setShading(this.shading);
  }

  get count() {
    return this.pos.length / 2;
  }

  // None: clusters.
  setShading(shading) {
    this.shading = shading;
    if (this.map) {
      let shades = shading ? shading.shades : this.map.clusters;
      if (this.mask) {
        // Each color is there twice: for those that stand out, and for the others.
        const colors = this.palette.length;
        shades = Uint8Array.from(shades);
        for (const row of this.mask) if (row < shades.length) shades[row] += colors;
      }
      this.points.setShades(shades);
    }
    this.draw();
  }

  get palette() {
    return this.shading ? colors[this.shading.palette] : colors.clusters;
  }

  shade(row) {
    return this.shading ? this.shading.shades[row] : this.map.clusters[row];
  }

  end() {
    this.observer.disconnect();
    this.forgetWords();
    cancelAnimationFrame(this.flight);
    clearTimeout(this.naming);
    clearTimeout(this.gliding);
    this.points.end();
    pictures.delete(this);
  }

  size() {
    const r = this.box.getBoundingClientRect();
    if (r.width < 2 || r.height < 2) return;
    const was = this.W ? [this.W, this.H, Math.abs(this.k - this.k0) < 1e-6] : null;
    this.W = r.width;
    this.H = r.height;
    this.d = Math.min(devicePixelRatio || 1, 2);
    this.canvas.width = Math.round(r.width * this.d);
    this.canvas.height = Math.round(r.height * this.d);
    const above = r.height > 500 ? 104 : 24;
    this.k0 = Math.max(20, Math.min(r.width * 0.47, (r.height - above) * 0.5));
    if (this.k == null || (was && was[2])) this.fit();
    else if (was) {
      this.x += (this.W - was[0]) / 2;
      this.y += (this.H - was[1]) / 2;
    }
    this.covered = null;
    this.draw();
  }

  fit() {
    this.k = this.k0;
    this.x = this.W / 2;
    this.y = this.H / 2 - (this.H > 500 ? 4 : 0);
  }

  showAll() {
    this.fly(this.k0, this.W / 2, this.H / 2 - (this.H > 500 ? 4 : 0));
  }

  get z() {
    return this.k / this.k0;
  }

  sx(row) {
    return this.x + this.pos[2 * row] * this.k;
  }

  sy(row) {
    return this.y + this.pos[2 * row + 1] * this.k;
  }

  has(row) {
    return row >= 0 && row < this.count && !Number.isNaN(this.pos[2 * row]);
  }

  // Shows these rows, and not much more.
  frame(rows, pad = 90, animate = true) {
    let [a, b, c, d] = [1e9, -1e9, 1e9, -1e9];
    for (const row of rows) {
      if (!this.has(row)) continue;
      a = Math.min(a, this.pos[2 * row]);
      b = Math.max(b, this.pos[2 * row]);
      c = Math.min(c, this.pos[2 * row + 1]);
      d = Math.max(d, this.pos[2 * row + 1]);
    }
    if (a > b || !this.W) return;
    const inside = side => Math.max(60, side - 2 * pad);
    const k = Math.min(
      inside(this.W) / Math.max(b - a, 0.02),
      inside(this.H) / Math.max(d - c, 0.02),
      this.k0 * (this.o.cap || 6),
    );
    this.fly(k, this.W / 2 - ((a + b) / 2) * k, this.H / 2 - ((c + d) / 2) * k, animate);
  }

  fly(k, x, y, animate = true) {
    cancelAnimationFrame(this.flight);
    if (still || !animate || !this.isReady) {
      Object.assign(this, { k, x, y });
      this.draw();
      return;
    }
    const from = [this.k, this.x, this.y];
    const start = performance.now();
    const step = now => {
      const part = Math.min(1, (now - start) / 380);
      const eased = 1 - (1 - part) ** 3;
      this.k = Math.exp(Math.log(from[0]) + (Math.log(k) - Math.log(from[0])) * eased);
      const way = Math.abs(k - from[0]) < 1e-9 ? eased : (this.k - from[0]) / (k - from[0]);
      this.x = from[1] + (x - from[1]) * way;
      this.y = from[2] + (y - from[2]) * way;
      this.draw();
      if (part < 1) this.flight = requestAnimationFrame(step);
    };
    this.flight = requestAnimationFrame(step);
  }

  // Boxes of what stands over the map: no label goes there.
  overlays() {
    if (this.covered) return this.covered;
    const at = this.box.getBoundingClientRect();
    const boxes = [...this.box.querySelectorAll('.bar,.honest,.cap,.legend')]
      .map(element => element.getBoundingClientRect())
      .filter(r => r.width)
      .map(r => [r.left - at.left - 4, r.top - at.top - 4, r.width + 8, r.height + 8]);
    if (innerWidth < 721) boxes.push([0, at.height - 16, at.width, 16]);
    this.covered = boxes;
    return boxes;
  }

  pointSize() {
    const wide = this.W > 1800 ? 1.8 : 1;
    // Many points leave each less room.
    const crowd = Math.max(0.62, Math.min(1, 1.25 - 0.11 * Math.log10(Math.max(this.count, 10) / 1000) * 2));
    return Math.min(5.5, 1.22 * this.z ** 0.42 * wide * (this.W < 420 ? 0.8 : 1) * crowd);
  }

  radius(row) {
    return Math.max(0.7, this.pointSize() * (1.7 - (0.95 * Math.log(row + 1)) / Math.max(1, Math.log(this.count))));
  }

  request() {
    if (this.requested) return;
    this.requested = true;
    requestAnimationFrame(() => {
      this.requested = false;
      if (!pictures.has(this)) return;
      if (this.glides()) this.glide();
      else this.draw();
    });
  }

  // Whether it is enough to move what was drawn over the points: naming words takes longer than all else.
  glides() {
    const { over } = this;
    const isPanned = this.isPanned;
    this.isPanned = false;
    return (
      isPanned &&
      over &&
      over.k === this.k &&
      performance.now() - over.at < GLIDE &&
      Math.max(Math.abs(this.x - over.x), Math.abs(this.y - over.y)) < GLIDE_PIXELS
    );
  }

  glide() {
    this.drawPoints();
    const whole = way => Math.round(way * this.d) / this.d;
    this.canvas.style.transform = `translate(${whole(this.x - this.over.x)}px,${whole(this.y - this.over.y)}px)`;
    clearTimeout(this.gliding);
    this.gliding = setTimeout(() => this.request(), GLIDE_REST);
  }

  draw() {
    if (!this.W || !this.k) return;
    const isDim = this.drawPoints();
    this.drawOver(isDim);
    clearTimeout(this.gliding);
    this.canvas.style.transform = '';
    this.over = { x: this.x, y: this.y, k: this.k, at: performance.now() };
  }

  // Whether they are dim: something else is to be seen.
  drawPoints() {
    const isDim = Boolean(
      this.o.isDim ||
      (this.list && !this.mask) ||
      this.links.length ||
      this.lit >= 0 ||
      this.arrows.length ||
      this.selected >= 0,
    );
    const base = isDim ? (this.lit >= 0 ? 0.1 : colors.dark ? 0.3 : 0.26) : colors.dark ? 0.8 : 0.72;
    const crowd = this.count > 60000 && this.z < 4 ? 0.78 : 1;
    const palette = this.palette;
    const view = { width: this.W, height: this.H, density: this.d, x: this.x, y: this.y, k: this.k };
    const lights = palette.map((_, shade) => (this.lit === shade ? 0.95 : base * crowd));
    this.points.draw(view, {
      ground: colors.ground,
      palette: this.mask ? [...palette, ...palette] : palette,
      light: this.mask ? [...lights.map(light => Math.min(light, 0.1)), ...lights] : lights,
      size: this.pointSize(),
    });
    return isDim;
  }

  drawOver(isDim) {
    const { c } = this;
    c.setTransform(this.d, 0, 0, this.d, 0, 0);
    c.clearRect(0, 0, this.W, this.H);
    if (!this.map) return;
    const marked = new Set(this.links.map(link => link.row));
    for (const { from, to } of this.arrows) marked.add(from).add(to);
    if (this.selected >= 0) marked.add(this.selected);
    // Many are told apart by their light.
    if (!this.mask) for (const row of this.list || []) marked.add(row);
    this.grid = new Map();
    this.named = new Set();
    for (const box of this.overlays()) this.isFree(...box);
    this.drawLinks();
    for (const arrow of this.arrows) this.drawArrow(arrow);
    this.drawMarks(marked);
    // The most important first: what is selected, its neighbors, then words in order of frequency.
    if (this.selected >= 0) this.label(this.selected, 'pill');
    for (const { from, to, dash } of this.arrows) {
      this.label(from, 'strong', { place: dash ? 3 : 2 });
      this.label(to, 'strong', { place: dash ? 3 : 2 });
    }
    if (this.hover >= 0 && this.hover !== this.selected) this.label(this.hover, 'strong', { force: true });
    for (const link of this.links) this.label(link.row, 'strong');
    this.nameOutside();
    for (const row of (this.list || []).slice(0, 60)) this.label(row, 'strong', { lead: false });
    this.nameOthers(marked, isDim);
    this.drawLasso();
  }

  drawLinks() {
    const { c } = this;
    if (!this.has(this.selected)) return;
    const [x, y] = [this.sx(this.selected), this.sy(this.selected)];
    for (const { row } of this.links) {
      if (!this.has(row)) continue;
      const isHovered = row === this.hover;
      c.strokeStyle = colors.accent;
      c.globalAlpha = isHovered ? 0.9 : 0.28;
      c.lineWidth = isHovered ? 1.8 : 1.1;
      c.beginPath();
      c.moveTo(x, y);
      c.lineTo(this.sx(row), this.sy(row));
      c.stroke();
    }
    c.globalAlpha = 1;
  }

  drawMarks(marked) {
    const { c } = this;
    const small = marked.size > 400;
    for (const row of marked) {
      if (!this.has(row)) continue;
      const [x, y] = [this.sx(row), this.sy(row)];
      if (x < -20 || y < -20 || x > this.W + 20 || y > this.H + 20) continue;
      const isSelected = row === this.selected;
      const r = Math.max(small ? 2 : 3.4, this.radius(row)) + (isSelected ? 1.2 : 0);
      c.fillStyle = isSelected ? colors.accent : this.palette[this.shade(row)];
      c.beginPath();
      c.arc(x, y, r, 0, 7);
      c.fill();
      c.lineWidth = isSelected ? 2.5 : 1.4;
      c.strokeStyle = colors.ground;
      c.stroke();
      if (isSelected) {
        c.strokeStyle = colors.accent;
        c.lineWidth = 1.6;
        c.beginPath();
        c.arc(x, y, r + 4.5, 0, 7);
        c.stroke();
      }
    }
  }

  drawArrow({ from, to, dash }) {
    if (!this.has(from) || !this.has(to)) return;
    const { c } = this;
    const [x0, y0, x1, y1] = [this.sx(from), this.sy(from), this.sx(to), this.sy(to)];
    const length = Math.hypot(x1 - x0, y1 - y0) || 1;
    const bend = Math.min(60, length * 0.2) * (dash ? 1 : -1);
    const mx = (x0 + x1) / 2 - ((y1 - y0) / length) * bend;
    const my = (y0 + y1) / 2 + ((x1 - x0) / length) * bend;
    const end = Math.hypot(x1 - mx, y1 - my) || 1;
    const [ex, ey] = [(x1 - mx) / end, (y1 - my) / end];
    const [hx, hy] = [x1 - ex * 9, y1 - ey * 9];
    c.strokeStyle = colors.accent;
    c.lineWidth = 2;
    c.setLineDash(dash ? [6, 5] : []);
    c.beginPath();
    c.moveTo(x0, y0);
    c.quadraticCurveTo(mx, my, hx, hy);
    c.stroke();
    c.setLineDash([]);
    c.fillStyle = colors.accent;
    c.beginPath();
    c.moveTo(hx + ex * 3, hy + ey * 3);
    c.lineTo(hx - ex * 7 - ey * 5, hy - ey * 7 + ex * 5);
    c.lineTo(hx - ex * 7 + ey * 5, hy - ey * 7 - ex * 5);
    c.fill();
  }

  drawLasso() {
    if (!this.lasso || this.lasso.length < 2) return;
    const { c } = this;
    c.strokeStyle = colors.accent;
    c.lineWidth = 1.5;
    c.setLineDash([4, 4]);
    c.beginPath();
    this.lasso.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
    c.closePath();
    c.stroke();
    c.setLineDash([]);
    c.globalAlpha = 0.08;
    c.fillStyle = colors.accent;
    c.fill();
    c.globalAlpha = 1;
  }

  width(font, text) {
    const key = font + text;
    let width = this.widths.get(key);
    if (width === undefined) {
      this.c.font = font;
      width = this.c.measureText(text).width;
      if (this.widths.size >= WIDTHS_MAX) this.widths.clear();
      this.widths.set(key, width);
    }
    return width;
  }

  // Whether a box is free, in a grid of 32 by 16 pixels; then it is taken.
  isFree(x, y, width, height) {
    const [a, b, p, q] = [x >> 5, (x + width) >> 5, y >> 4, (y + height) >> 4];
    for (let i = a; i <= b; i++) {
      for (let j = p; j <= q; j++) {
        for (const box of this.grid.get(i * 4096 + j) || []) {
          if (x < box[2] && x + width > box[0] && y < box[3] && y + height > box[1]) return false;
        }
      }
    }
    const box = [x, y, x + width, y + height];
    for (let i = a; i <= b; i++) {
      for (let j = p; j <= q; j++) {
        const key = i * 4096 + j;
        const cell = this.grid.get(key);
        if (cell) cell.push(box);
        else this.grid.set(key, [box]);
      }
    }
    return true;
  }

  // Names a row where there is room: right, left, above, below, and then, for what must have a name, further off.
  label(row, kind, { force = false, place = null, lead: mayLead = true } = {}) {
    const word = this.look.words[row];
    if (word === undefined || !this.has(row) || this.named.has(row)) return false;
    const [x, y] = [this.sx(row), this.sy(row)];
    if (x < -20 || y < -10 || x > this.W + 20 || y > this.H + 10) return false;
    const isSoft = kind === 'word' || kind === 'back';
    const big = this.W > 1800 ? 1 : 0;
    const plain = kind === 'back' ? 11.5 : row < 900 ? 13 : row < 4000 ? 12 : 11.5;
    const size = (kind === 'pill' ? 14 : kind === 'strong' ? 13 : plain) + big;
    const weight = kind === 'pill' ? 650 : kind === 'strong' ? 600 : 400;
    const font = `${weight} ${size}px ${colors.font}`;
    const text = shown(word);
    const width = this.width(font, text);
    const r = Math.max(isSoft ? 0 : 4, this.radius(row));
    const height = size + 3;
    const pad = isSoft ? 5 : 1;
    const places =
      kind === 'pill'
        ? [
            [x + r + 10, y - height / 2],
            [x - r - 10 - width, y - height / 2],
          ]
        : [
            [x + r + 3, y - height / 2],
            [x - r - 3 - width, y - height / 2],
            [x - width / 2, y - r - height - 1],
            [x - width / 2, y + r + 1],
          ];
    if (place !== null) places.unshift(places[place]);
    if (kind === 'strong' && mayLead) {
      for (const far of [16, 30, 46, 64]) {
        for (const [a, b] of [
          [1, -1],
          [1, 1],
          [-1, -1],
          [-1, 1],
          [0, -1],
          [0, 1],
          [1, 0],
          [-1, 0],
        ]) {
          places.push([x + a * far - (a < 0 ? width : a ? 0 : width / 2), y + b * far * 0.8 - height / 2, true]);
        }
      }
    }
    for (const [px, py, leads] of places) {
      const isOut = px < 4 || px + width > this.W - 4 || py < 2 || py + height > this.H - 2;
      if (isOut && (leads || isSoft || (kind === 'strong' && !force) || kind === 'pill')) continue;
      const free = this.isFree(px - pad, py - pad / 2, width + 2 * pad, height + pad);
      if (!force && !free) continue;
      this.named.add(row);
      this.write(text, { x, y, px, py, width, height, font, kind, leads, isFrequent: row < 900 });
      return true;
    }
    // Whatever was chosen has its name, over others if need be.
    if (kind === 'pill') {
      const [right, py] = places[0];
      const px = Math.max(8, Math.min(right, this.W - width - 10));
      this.named.add(row);
      this.write(text, { x, y, px, py, width, height, font, kind });
      return true;
    }
    return false;
  }

  write(text, { x, y, px, py, width, height, font, kind, leads, isFrequent }) {
    const { c } = this;
    const isSoft = kind === 'word' || kind === 'back';
    c.font = font;
    c.textBaseline = 'middle';
    c.textAlign = 'left';
    c.direction = 'ltr';
    if (kind === 'pill') {
      c.fillStyle = colors.accent;
      c.beginPath();
      c.roundRect(px - 6, py - 2, width + 12, height + 4, 5);
      c.fill();
      c.fillStyle = colors.accentInk;
      c.fillText(text, px, py + height / 2 + 0.5);
      return;
    }
    if (leads) {
      const lx = px > x ? px - 1 : px + width < x ? px + width + 1 : x;
      const ly = px > x || px + width < x ? py + height / 2 : py > y ? py : py + height;
      c.strokeStyle = colors.line2;
      c.lineWidth = 1;
      c.beginPath();
      c.moveTo(x, y);
      c.lineTo(lx, ly);
      c.stroke();
    }
    c.lineJoin = 'round';
    c.lineWidth = 3.5;
    c.strokeStyle = colors.ground;
    c.globalAlpha = isSoft ? 0.82 : 1;
    c.strokeText(text, px, py + height / 2 + 0.5);
    c.globalAlpha = 1;
    const soft = kind === 'back' ? colors.ink3 : isFrequent && this.z > 1.6 ? colors.ink : colors.ink2;
    c.fillStyle = isSoft ? soft : colors.ink;
    c.fillText(text, px, py + height / 2 + 0.5);
  }

  // Neighbors that are not in the picture are named at its edge, on their line.
  nameOutside() {
    if (!this.has(this.selected)) return;
    const { c } = this;
    const [X, Y] = [this.sx(this.selected), this.sy(this.selected)];
    const m = 10;
    for (const { row } of this.links) {
      if (!this.has(row) || this.look.words[row] === undefined || this.named.has(row)) continue;
      const [x, y] = [this.sx(row), this.sy(row)];
      if (x > m && y > m && x < this.W - m && y < this.H - m) continue;
      const [dx, dy] = [x - X, y - Y];
      let way = 1;
      if (dx > 0) way = Math.min(way, (this.W - m - X) / dx);
      if (dx < 0) way = Math.min(way, (m - X) / dx);
      if (dy > 0) way = Math.min(way, (this.H - m - Y) / dy);
      if (dy < 0) way = Math.min(way, (m - Y) / dy);
      if (way < 0) continue;
      const [ex, ey] = [X + dx * way, Y + dy * way];
      const font = `600 12px ${colors.font}`;
      const text = shown(this.look.words[row]);
      const width = this.width(font, text);
      const px = Math.max(8, Math.min(this.W - width - 16, ex + (ex > this.W / 2 ? -width - 12 : 6)));
      let py = Math.max(10, Math.min(this.H - 12, ey + (ey < 20 ? 8 : ey > this.H - 20 ? -8 : 0)));
      const up = ey > this.H / 2 ? -1 : 1;
      let tries = 0;
      while (tries < 6 && !this.isFree(px - 2, py - 9, width + 10, 18)) {
        py += 17 * up;
        tries++;
      }
      if (tries === 6) continue;
      c.font = font;
      c.textAlign = 'left';
      c.textBaseline = 'middle';
      c.lineWidth = 4;
      c.strokeStyle = colors.ground;
      c.strokeText(text, px, py);
      c.fillStyle = colors.accent;
      c.fillText(text, px, py);
      c.beginPath();
      c.arc(ex, ey, 2.6, 0, 7);
      c.fill();
    }
  }

  nameOthers(marked, isDim) {
    const z = this.z;
    const room = isDim ? 30000 : z < 1.6 ? (this.W < 500 ? 15000 : 19000) : z < 3.5 ? 10500 : z < 8 ? 7000 : 5000;
    const budget = Math.round((this.W * this.H) / room);
    // Of large tables frequent words often stand together: rarer ones tell what is elsewhere.
    const first = this.count > 60000 ? SPREAD_ROWS : z < 1.6 ? 2600 : 6000;
    const limit = Math.min(this.count, this.mask || z >= 3 ? this.count : first);
    const most = z < 3 && this.count > 2000 ? Math.ceil((2 * budget) / (SPREAD * SPREAD)) : Infinity;
    const fields = new Map();
    const now = new Set();
    const nameless = [];
    const kind = isDim ? 'back' : 'word';
    const { words } = this.look;
    const attempt = row => {
      const x = this.sx(row);
      const y = this.sy(row);
      if (!(x > -8 && y > -8 && x < this.W + 8 && y < this.H + 8)) return;
      if (marked.has(row) || (this.mask && !this.mask.has(row))) return;
      const word = words[row];
      if (word === undefined) {
        if (nameless.length < 200) nameless.push(row);
        return;
      }
      // Words that stand in every text say little of where one is.
      if (this.count > 2000 && ((z < 2.2 && (row < 60 || word.length < 3)) || (z < 12 && !LETTERS.test(word)))) return;
      const field = Math.floor((x / this.W) * SPREAD) + SPREAD * Math.floor((y / this.H) * SPREAD);
      const within = fields.get(field) || 0;
      if (within >= most || !this.label(row, kind)) return;
      fields.set(field, within + 1);
      now.add(row);
    };
    // A word that had its name a frame ago comes first, so names do not flicker while the map is panned.
    for (const row of this.before) if (row < limit && now.size < budget) attempt(row);
    for (let row = 0; row < limit && now.size < budget; row++) if (!now.has(row)) attempt(row);
    this.before = now;
    this.labelCount = now.size;
    if (nameless.length && z > 3) {
      clearTimeout(this.naming);
      this.naming = setTimeout(() => this.look.nameRows(nameless), 160);
    }
  }

  // The nearest row within so many pixels; -1 if there is none.
  hit(mx, my, most = 14) {
    let best = -1;
    let least = most * most;
    for (let row = 0; row < this.count; row++) {
      const x = this.sx(row) - mx;
      const y = this.sy(row) - my;
      const square = x * x + y * y;
      if (square < least) {
        least = square;
        best = row;
      }
    }
    return best;
  }

  // How many of these rows are among as many points nearest to a row on the map.
  kept(row, neighbors) {
    if (!this.has(row)) return null;
    const wanted = neighbors.filter(neighbor => this.has(neighbor));
    if (!wanted.length) return null;
    const far = other =>
      (this.pos[2 * other] - this.pos[2 * row]) ** 2 + (this.pos[2 * other + 1] - this.pos[2 * row + 1]) ** 2;
    const nearest = [];
    for (let other = 0; other < this.count; other++) {
      if (other === row) continue;
      const square = far(other);
      if (nearest.length < wanted.length || square < nearest[nearest.length - 1][0]) {
        let at = nearest.length;
        while (at && nearest[at - 1][0] > square) at--;
        if (Number.isNaN(square)) continue;
        nearest.splice(at, 0, [square, other]);
        if (nearest.length > wanted.length) nearest.pop();
      }
    }
    const found = new Set(nearest.map(([, other]) => other));
    return wanted.filter(neighbor => found.has(neighbor)).length;
  }

  zoomAt(factor, x, y) {
    const k = Math.max(this.k0 * 0.7, Math.min(this.k0 * 400, this.k * factor));
    const f = k / this.k;
    this.x = x - (x - this.x) * f;
    this.y = y - (y - this.y) * f;
    this.k = k;
    this.request();
    this.o.onView?.(this);
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.isPanned = true;
    this.request();
    this.o.onView?.(this);
  }

  inside(path) {
    const rows = [];
    for (let row = 0; row < this.count; row++) {
      const [x, y] = [this.sx(row), this.sy(row)];
      let isIn = false;
      for (let a = 0, b = path.length - 1; a < path.length; b = a++) {
        const [[ax, ay], [bx, by]] = [path[a], path[b]];
        if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) isIn = !isIn;
      }
      if (isIn) rows.push(row);
    }
    return rows;
  }

  listen() {
    const e = this.canvas;
    const fingers = new Map();
    let moved = 0;
    const at = event => {
      // The canvas may be on its way.
      const r = this.box.getBoundingClientRect();
      return [event.clientX - r.left, event.clientY - r.top];
    };
    e.addEventListener('pointerdown', event => {
      e.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, at(event));
      moved = 0;
      cancelAnimationFrame(this.flight);
      if ((event.shiftKey || this.isLassoing) && this.o.onLasso) this.lasso = [at(event)];
      else this.box.classList.add('drag');
    });
    e.addEventListener('pointermove', event => {
      const p = at(event);
      if (!fingers.has(event.pointerId)) {
        const row = this.map ? this.hit(p[0], p[1]) : -1;
        this.box.classList.toggle('hit', row >= 0);
        this.setHover(row);
        return;
      }
      if (this.lasso) {
        this.lasso.push(p);
        this.request();
        return;
      }
      const o = fingers.get(event.pointerId);
      if (fingers.size === 2) {
        const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
        const before = Math.hypot(o[0] - other[0], o[1] - other[1]);
        const after = Math.hypot(p[0] - other[0], p[1] - other[1]);
        this.zoomAt(after / Math.max(before, 1), (p[0] + other[0]) / 2, (p[1] + other[1]) / 2);
      } else {
        this.pan(p[0] - o[0], p[1] - o[1]);
      }
      moved += Math.abs(p[0] - o[0]) + Math.abs(p[1] - o[1]);
      fingers.set(event.pointerId, p);
    });
    const up = event => {
      if (!fingers.has(event.pointerId)) return;
      const p = at(event);
      fingers.delete(event.pointerId);
      this.box.classList.remove('drag');
      if (this.lasso) {
        const path = this.lasso;
        this.lasso = null;
        const rows = path.length > 2 ? this.inside(path) : [];
        this.draw();
        if (rows.length) this.o.onLasso(rows);
        return;
      }
      if (event.type === 'pointerup' && moved < 5 && this.map) {
        this.o.onPick?.(this.hit(p[0], p[1], event.pointerType === 'touch' ? 24 : 14));
      }
    };
    e.addEventListener('pointerup', up);
    e.addEventListener('pointercancel', up);
    e.addEventListener('pointerleave', () => this.setHover(-1));
    const wheel = event => {
      event.preventDefault();
      const p = at(event);
      this.zoomAt(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0018)), p[0], p[1]);
    };
    e.addEventListener('wheel', wheel, { passive: false });
    e.addEventListener('keydown', event => {
      const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
      if (step) {
        this.pan(...step);
        event.preventDefault();
      } else if (event.key === '+' || event.key === '=') this.zoomAt(1.4, this.W / 2, this.H / 2);
      else if (event.key === '-') this.zoomAt(1 / 1.4, this.W / 2, this.H / 2);
      else if (event.key === '0') this.showAll();
    });
  }

  setHover(row) {
    if (row === this.hover) return;
    this.hover = row;
    if (row >= 0 && this.look.words[row] === undefined) this.look.nameRows([row]);
    this.request();
    this.o.onHover?.(row);
  }
}
