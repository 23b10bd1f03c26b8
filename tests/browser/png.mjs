// Pictures of the page as pixels: PNG as Chromium writes it, 8 bits a channel and not interlaced.

import { inflateSync } from 'node:zlib';

export function decode(png) {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const channels = { 2: 3, 6: 4 }[png[25]];
  if (png[24] !== 8 || !channels || png[28]) throw new Error('another kind of PNG');
  const parts = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const data = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const kind = raw[y * (stride + 1)];
    const line = y * stride;
    for (let i = 0; i < stride; i++) {
      const left = i < channels ? 0 : data[line + i - channels];
      const up = y ? data[line + i - stride] : 0;
      const corner = y && i >= channels ? data[line + i - stride - channels] : 0;
      const near = left + up - corner;
      const [a, b, c] = [Math.abs(near - left), Math.abs(near - up), Math.abs(near - corner)];
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
      const guess = [0, left, up, (left + up) >> 1, paeth][kind];
      data[line + i] = raw[y * (stride + 1) + 1 + i] + guess;
    }
  }
  return { width, height, at: (x, y) => data.subarray(y * stride + x * channels, y * stride + x * channels + 3) };
}

// Counts of pixels in a part of a picture that are not of the color that most are of, and of their colors.
export function unlikeGround(picture, [left, top, right, low]) {
  const colors = new Map();
  for (let y = top; y < low; y++) {
    for (let x = left; x < right; x++) {
      const [r, g, b] = picture.at(x, y);
      const color = (r << 16) | (g << 8) | b;
      colors.set(color, (colors.get(color) || 0) + 1);
    }
  }
  const ground = Math.max(...colors.values());
  return { pixels: (right - left) * (low - top) - ground, colors: colors.size };
}

// The mean difference of two pictures, a channel, of 255; as means of squares, in which single pixels are not told apart.
export function difference(one, other, [left, top, right, low], square = 8) {
  let sum = 0;
  let count = 0;
  for (let y = top; y + square <= low; y += square) {
    for (let x = left; x + square <= right; x += square) {
      const means = [one, other].map(picture => {
        const mean = [0, 0, 0];
        for (let j = 0; j < square; j++) {
          for (let i = 0; i < square; i++)
            picture.at(x + i, y + j).forEach((value, c) => (mean[c] += value / square ** 2));
        }
        return mean;
      });
      sum += means[0].reduce((all, value, c) => all + Math.abs(value - means[1][c]), 0) / 3;
      count++;
    }
  }
  return sum / count;
}
