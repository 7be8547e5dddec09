/** What is played is what came, sample by sample, and it is known what was. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Playout, Recording } from '../../../../antiphon/gateway/web/antiphon-worklet.js';

const RATE = 24000;

/** Samples that differ from each other. */
const ramp = (count, from = 1) => Int16Array.from({ length: count }, (_, i) => (from + i) % 30000);

class Loudspeaker {
  constructor(playout) {
    this.playout = playout;
    this.frame = 0;
    this.heard = [];
    this.notices = [];
  }

  push(part, samples) {
    this.playout.push(part, samples, this.frame);
  }

  play(frames, block = 128) {
    const before = this.heard.length;
    while (frames > 0) {
      const out = new Float32Array(Math.min(block, frames));
      this.playout.render(out, this.frame);
      this.heard.push(...out);
      this.frame += out.length;
      frames -= out.length;
      this.notices.push(...this.playout.notices.splice(0));
    }
    return this.heard.slice(before).map((x) => Math.round(x * 32768));
  }

  clear(latency = 0) {
    this.playout.clear(1, this.frame, latency);
    const notices = this.playout.notices.splice(0);
    return notices.find((one) => one.type === 'cleared').cuts;
  }

  types() {
    return this.notices
      .filter((one) => !['level', 'position'].includes(one.type))
      .map((one) => one.type);
  }
}

test('at equal rates every sample is played once, as it is, however it was cut', () => {
  const speaker = new Loudspeaker(new Playout(RATE, RATE));
  const all = ramp(20_000);
  for (let at = 0, size = 1; at < all.length; at += size, size = (size * 7) % 1999)
    speaker.push(1, all.slice(at, at + size));

  const heard = speaker.play(21_000, 101);

  assert.deepEqual(heard.slice(0, 20_000), [...all]);
  assert.ok(heard.slice(20_000).every((x) => x === 0));
});

test('speech starts once 60 ms of it wait, or have been waited for, or no more comes', () => {
  const enough = new Loudspeaker(new Playout(RATE, RATE));
  enough.push(1, ramp(1440));
  assert.equal(enough.play(1)[0], 1);

  const slow = new Loudspeaker(new Playout(RATE, RATE));
  slow.push(1, ramp(480));
  assert.ok(slow.play(1440).every((x) => x === 0));
  assert.equal(slow.play(1)[0], 1);

  const short = new Loudspeaker(new Playout(RATE, RATE));
  short.push(1, ramp(480));
  short.playout.end();
  assert.equal(short.play(1)[0], 1);
});

test('after running dry in mid-speech more is waited for, up to a bound', () => {
  const speaker = new Loudspeaker(new Playout(RATE, RATE));
  const waits = [];
  for (let i = 0; i < 5; i++) {
    speaker.push(1, ramp(480));
    const heard = speaker.play(9000);
    waits.push(heard.findIndex((x) => x !== 0));
  }

  assert.deepEqual(
    waits,
    [1440, 2880, 5760, 5760, 5760].map((wait) => Math.ceil(wait / 128) * 128),
  );
  assert.equal(speaker.types().filter((type) => type === 'underrun').length, 4);
});

test('the end of speech is not a network that is late', () => {
  const speaker = new Loudspeaker(new Playout(RATE, RATE));
  speaker.push(1, ramp(1440));
  speaker.playout.end();
  speaker.play(2000);
  speaker.push(1, ramp(1440));
  speaker.play(2000);

  assert.deepEqual(speaker.types(), ['started', 'dry', 'dry']);
});

test('what was played of each part is counted when it is cut off', () => {
  const speaker = new Loudspeaker(new Playout(RATE, RATE));
  speaker.push(1, ramp(2400));
  speaker.push(2, ramp(4800));
  speaker.push(3, ramp(100));
  speaker.play(3000);

  assert.deepEqual(speaker.clear(), [
    { part: 2, played: 600, heard: 600 },
    { part: 3, played: 0, heard: 0 },
  ]);
});

test('what has not yet left the loudspeaker was not heard', () => {
  const speaker = new Loudspeaker(new Playout(RATE, RATE));
  speaker.push(1, ramp(2400));
  speaker.push(2, ramp(24000));
  speaker.play(4800);

  assert.deepEqual(speaker.clear(1200), [{ part: 2, played: 2400, heard: 1200 }]);
});

test('an interrupted voice dies away within 5 ms and does not come back', () => {
  const speaker = new Loudspeaker(new Playout(RATE, RATE));
  speaker.push(1, new Int16Array(24000).fill(16384));
  speaker.play(3000);
  speaker.clear();

  const heard = speaker.play(2000);

  assert.ok(heard[0] < 16384 && heard[0] > 16000, 'without a step');
  assert.ok(heard.every((x, i) => i === 0 || x <= heard[i - 1]));
  assert.ok(heard.slice(120).every((x) => x === 0));
});

test('what comes after an interruption is played as it is', () => {
  const speaker = new Loudspeaker(new Playout(RATE, RATE));
  speaker.push(1, ramp(24000));
  speaker.play(3000);
  speaker.clear();
  speaker.play(200);
  speaker.push(2, ramp(2000, 77));

  assert.deepEqual(speaker.play(2000), [...ramp(2000, 77)]);
});

test('at another rate nothing of an interrupted voice is left in what comes next', () => {
  const speaker = new Loudspeaker(new Playout(RATE, 44100));
  speaker.push(1, new Int16Array(24000).fill(16384));
  speaker.play(5000);
  speaker.clear();
  const fading = speaker.play(256);
  speaker.push(2, new Int16Array(4800));
  const heard = speaker.play(8000);

  assert.ok(fading.every((x, i) => x <= Math.max(0, 16400 * (1 - i / 230))));
  assert.ok(heard.every((x) => x === 0));
});

test('more than the limit is dropped and said', () => {
  const speaker = new Loudspeaker(new Playout(RATE, RATE, 0.06, 1));
  for (let i = 0; i < 15; i++) speaker.push(1, ramp(2400));
  speaker.play(48000);

  assert.equal(speaker.heard.filter((x) => x !== 0).length, 24000);
  assert.equal(speaker.types().filter((type) => type === 'overflow').length, 5);
});

test('at another rate speech keeps its length, its sound and its count', () => {
  const speaker = new Loudspeaker(new Playout(RATE, 44100));
  const tone = Int16Array.from(
    { length: RATE },
    (_, n) => 10000 * Math.sin((2 * Math.PI * 440 * n) / RATE),
  );
  for (let at = 0; at < RATE; at += 480) speaker.push(1, tone.slice(at, at + 480));
  const heard = speaker.play(44100 + 2000);

  const last = heard.findLastIndex((x) => Math.abs(x) > 50);
  assert.ok(Math.abs(last - 44100) < 60, `${last}`);
  for (let n = 2000; n < 42000; n++)
    assert.ok(Math.abs(heard[n] - 10000 * Math.sin((2 * Math.PI * 440 * n) / 44100)) < 4, `${n}`);
  const { played } = speaker.notices.filter((one) => one.type === 'position').at(-1);
  assert.equal(played, RATE);

  speaker.push(2, tone);
  speaker.play(22050);
  const [cut] = speaker.clear();
  assert.ok(Math.abs(cut.played - 12000) <= 1, `${cut.played}`);
});

test('a microphone is heard in chunks of the size asked for, whatever its own', () => {
  const recording = new Recording(48000, 24000, 480);
  const tone = Float32Array.from(
    { length: 48000 },
    (_, n) => 0.5 * Math.sin((2 * Math.PI * 300 * n) / 48000),
  );
  for (let at = 0; at < tone.length; at += 128) recording.hear(tone.subarray(at, at + 128));

  assert.ok(recording.chunks.length >= 49);
  assert.ok(recording.chunks.every((chunk) => chunk.pcm.length === 480));
  const samples = recording.chunks.flatMap((chunk) => [...chunk.pcm]);
  for (let n = 500; n < samples.length; n++)
    assert.ok(Math.abs(samples[n] - 16384 * Math.sin((2 * Math.PI * 300 * n) / 24000)) < 2);
  assert.ok(Math.abs(recording.chunks[20].level - 0.5 / Math.SQRT2) < 0.01);
});

test('what is too loud is clipped and not turned over', () => {
  const recording = new Recording(24000, 24000, 4);
  recording.hear(Float32Array.from([2, -2, 1, -1]));

  assert.deepEqual([...recording.chunks[0].pcm], [32767, -32768, 32767, -32768]);
});

test('the rest of a chunk is given out when it is asked for', () => {
  const recording = new Recording(24000, 24000, 480);
  recording.hear(new Float32Array(100));
  recording.flush();
  recording.flush();

  assert.deepEqual(
    recording.chunks.map((chunk) => chunk.pcm.length),
    [100],
  );
});
