"use strict";
// Topics as points: discs that are blended into the pixels of a picture, one after another. 75,000 of them take some
// milliseconds, with or without a graphics card; the first use of WebGL alone takes 0.3 s where there is none (ADR 0034).

const BACKGROUND = [251, 251, 252]; // that of #map in page.css

class Picture {
  /** Of so many pixels; empty it before points are drawn. */
  constructor(width, height) {
    this.image = new ImageData(width, height);
  }

  empty() {
    const [red, green, blue] = BACKGROUND;
    new Uint32Array(this.image.data.buffer).fill(new Uint32Array(Uint8Array.of(red, green, blue, 255).buffer)[0]);
  }

  /** Where the pixels of a disc lie, counted in bytes from its middle. */
  disc(diameter) {
    const reach = Math.floor(diameter / 2);
    const offsets = [];
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) if (4 * (x * x + y * y) <= diameter * diameter) offsets.push(4 * (y * this.image.width + x));
    }
    return { reach, offsets: Int32Array.from(offsets) };
  }

  /**
   * Draw topics `first` to `end`, where a place x is `left + x * scale` pixels from the left and y `bottom - y * scale`
   * from the top. `paint` has red, green, blue and alpha of each topic. A disc that the edge would cut is left out: the
   * picture is larger than what is seen of it.
   */
  drawPoints(first, end, paint, { left, bottom, scale, diameter }) {
    const { data, width, height } = this.image;
    const { reach, offsets } = this.disc(diameter);
    for (let topic = first; topic < end; topic++) {
      const x = Math.floor(left + topics.x[topic] / 65535 * scale);
      const y = Math.floor(bottom - topics.y[topic] / 65535 * scale);
      if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
      const [red, green, blue, alpha] = [paint[4 * topic], paint[4 * topic + 1], paint[4 * topic + 2], paint[4 * topic + 3] / 255];
      const middle = 4 * (y * width + x);
      for (let i = 0; i < offsets.length; i++) {
        const pixel = middle + offsets[i];
        data[pixel] += alpha * (red - data[pixel]);
        data[pixel + 1] += alpha * (green - data[pixel + 1]);
        data[pixel + 2] += alpha * (blue - data[pixel + 2]);
      }
    }
  }
}
