/** Rates are changed without loss in the band, without aliases beyond it, and without drift. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Resampler } from '../../../../antiphon/gateway/web/antiphon-worklet.js';

const RATIOS = [
  [48000, 24000],
  [48000, 16000],
  [44100, 24000],
  [44100, 16000],
  [24000, 48000],
  [24000, 44100],
  [16000, 48000],
  [96000, 24000],
];

/** A tone of *hz*, resampled; without the beginning, where the filter fills. */
function resampled(from, to, hz, seconds = 1) {
  const resampler = new Resampler(from, to);
  const out = [];
  for (let n = 0; n < from * seconds; n++) {
    resampler.push(0.5 * Math.sin((2 * Math.PI * hz * n) / from));
    while (resampler.ready) out.push(resampler.next());
  }
  return out.slice(Math.round(to / 10));
}

/** Power of the tone and of all that is not it, by a least-squares fit of a sine and a cosine. */
function fitted(samples, rate, hz) {
  const basis = samples
    .map((_, n) => (2 * Math.PI * hz * n) / rate)
    .map((x) => [Math.sin(x), Math.cos(x)]);
  let [ss, sc, cc, sx, cx] = [0, 0, 0, 0, 0];
  basis.forEach(([s, c], n) => {
    ss += s * s;
    sc += s * c;
    cc += c * c;
    sx += s * samples[n];
    cx += c * samples[n];
  });
  const sin = (sx * cc - cx * sc) / (ss * cc - sc * sc);
  const cos = (cx * ss - sx * sc) / (ss * cc - sc * sc);
  const noise = basis.reduce((sum, [s, c], n) => sum + (samples[n] - sin * s - cos * c) ** 2, 0);
  const tone = (sin * sin + cos * cos) / 2;
  return { tone, noise: noise / samples.length, phase: Math.atan2(cos, sin) };
}

const dB = (ratio) => 10 * Math.log10(ratio);

for (const [from, to] of RATIOS) {
  const band = Math.min(from, to) / 2;

  test(`${from} to ${to}: tones of the band come through as they are`, () => {
    for (const hz of [100, 1000, 0.5 * band, 0.85 * band]) {
      const rounded = Math.round(hz / 100) * 100;
      const { tone, noise } = fitted(resampled(from, to, rounded), to, rounded);
      assert.ok(Math.abs(dB(tone / 0.125)) < 0.02, `${rounded} Hz: ${dB(tone / 0.125)} dB`);
      assert.ok(dB(tone / noise) > 90, `${rounded} Hz: ${dB(tone / noise)} dB`);
    }
  });

  if (from > to)
    test(`${from} to ${to}: what the new rate cannot carry is gone`, () => {
      for (const hz of [1.01 * band, 1.2 * band, 1.5 * band, 0.49 * from]) {
        const out = resampled(from, to, hz);
        const power = out.reduce((sum, x) => sum + x * x, 0) / out.length;
        assert.ok(dB(0.125 / power) > 90, `${hz} Hz: ${dB(0.125 / power)} dB`);
      }
    });
}

test('at equal rates nothing is changed and nothing waits', () => {
  const resampler = new Resampler(24000, 24000);
  for (const sample of [0.1, -1, 0.30000001192092896]) {
    resampler.push(sample);
    assert.equal(resampler.ready, true);
    assert.equal(resampler.next(), sample);
    assert.equal(resampler.ready, false);
  }
});

test('after an hour each sample still comes from where it should', () => {
  const resampler = new Resampler(44100, 24000);
  const hour = 44100 * 3600;
  // Only the counting is of interest: an hour of it takes a moment without the arithmetic.
  resampler.phases = resampler.phases.map(() => new Float32Array(0));
  let made = 0;
  for (resampler.fed = resampler.half + 1; resampler.fed <= hour;)
    if (resampler.ready) {
      resampler.next();
      made += 1;
    } else resampler.fed += 1;

  assert.equal(resampler.center, Math.floor((made * 44100) / 24000));
  assert.ok(Math.abs(made - 24000 * 3600) <= resampler.half);
});

test('the delay of the filter is accounted for: a tone keeps its phase', () => {
  for (const [from, to] of RATIOS) {
    const resampler = new Resampler(from, to);
    const out = [];
    for (let n = 0; n < from; n++) {
      resampler.push(Math.sin((2 * Math.PI * 400 * n) / from));
      while (resampler.ready) out.push(resampler.next());
    }
    const start = to / 10;
    const { phase } = fitted(out.slice(start), to, 400);
    assert.ok(Math.abs(phase) < 1e-3, `${from} to ${to}: ${phase}`);
  }
});
