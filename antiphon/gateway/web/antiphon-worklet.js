/**
 * The part of the client that runs in the audio thread: it plays, records, and keeps count.
 *
 * `Playout` and `Recording` are plain objects without a clock: samples are the only measure of
 * time, so that they run under Node as they do in a browser. What waits in them is bounded by
 * whoever fills them.
 */

const FADE = 0.005; // seconds in which an interrupted voice dies away: no click, and no word more
const ATTENUATION = 96; // dB of what a resampler must not let through
const PASSED = 0.87; // share of the narrower band that a resampler leaves as it is

/**
 * Changes the rate of a stream: a polyphase filter (a sinc under a Kaiser window), a sample at a
 * time. Positions are whole numbers, so that it is as exact after an hour as at the start. At equal
 * rates it changes nothing and waits for nothing.
 */
export class Resampler {
  /**
   * @param {number} from Hz
   * @param {number} to Hz
   */
  constructor(from, to) {
    const common = gcd(from, to);
    this.up = to / common;
    this.down = from / common;
    /** Input samples behind an output sample that it depends on. */
    this.half = 0;
    /** @type {Float32Array[]} */
    this.phases = [];
    if (from !== to) {
      this.half = halfLength(from, to);
      this.phases = filters(from, to, this.up, this.half);
    }
    /** The latest samples, twice over, and the last of them. */
    this.window = new Float32Array(4 * this.half);
    this.write = 0;
    this.last = 0;
    /** Input samples so far. */
    this.fed = 0;
    /** Where in the input the next output sample lies: `center` and `phase`/`up` samples. */
    this.center = 0;
    this.phase = 0;
  }

  /** Begin a new stream. */
  reset() {
    this.window.fill(0);
    this.last = this.write = this.fed = this.center = this.phase = 0;
  }

  /** Whether `next` knows enough. */
  get ready() {
    return this.fed > this.center + this.half;
  }

  /** @param {number} sample */
  push(sample) {
    this.fed += 1;
    this.last = sample;
    if (this.half) {
      // Written twice, so that the latest are always in one piece.
      const size = 2 * this.half;
      this.window[this.write] = this.window[this.write + size] = sample;
      this.write = (this.write + 1) % size;
    }
  }

  /** The next output sample; to be asked for as soon as it is `ready`. */
  next() {
    let sum = this.last;
    if (this.half) {
      const taps = this.phases[this.phase];
      const { window, write } = this;
      sum = 0;
      for (let i = 0; i < taps.length; i++) sum += taps[i] * window[write + i];
    }
    this.phase += this.down;
    const whole = Math.floor(this.phase / this.up);
    this.center += whole;
    this.phase -= whole * this.up;
    return sum;
  }
}

/** @param {number} a @param {number} b @returns {number} */
function gcd(a, b) {
  return b ? gcd(b, a % b) : a;
}

/** Taps on either side, for a transition band that ends where aliases begin.
 * @param {number} from @param {number} to */
function halfLength(from, to) {
  const narrow = Math.min(from, to) / 2;
  const transition = (2 * Math.PI * (1 - PASSED) * narrow) / from;
  return Math.ceil((ATTENUATION - 8) / (2.285 * transition) / 2);
}

/** A filter for each place that an output sample can have between two input samples.
 * @param {number} from @param {number} to @param {number} up @param {number} half */
function filters(from, to, up, half) {
  const beta = 0.1102 * (ATTENUATION - 8.7);
  const cutoff = ((1 + PASSED) / 2) * Math.min(1, to / from);
  const norm = bessel(beta);
  return Array.from({ length: up }, (_, phase) => {
    const taps = new Float64Array(2 * half);
    let sum = 0;
    for (let i = 0; i < taps.length; i++) {
      // The window holds the samples center-half+1 ... center+half.
      const x = i - half + 1 - phase / up;
      const edge = 1 - (x / half) ** 2;
      if (edge > 0) taps[i] = sinc(cutoff * x) * (bessel(beta * Math.sqrt(edge)) / norm);
      sum += taps[i];
    }
    return Float32Array.from(taps, (tap) => tap / sum);
  });
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The modified Bessel function of the first kind, order 0. @param {number} x */
function bessel(x) {
  let sum = 1;
  for (let term = 1, n = 1; term > 1e-12 * sum; n++) sum += term *= (x / (2 * n)) ** 2;
  return sum;
}

/**
 * @typedef {{part: number, played: number, heard: number}} Cut
 * What was played of a part, in its own samples, and what of that had left the loudspeaker.
 *
 * @typedef {{type: 'started' | 'position', part: number, played: number, frame: number}
 *   | {type: 'dry', pushed: number}
 *   | {type: 'level', level: number}
 *   | {type: 'underrun', count: number}
 *   | {type: 'overflow', samples: number}
 *   | {type: 'cleared', id: number, cuts: Cut[]}} Notice
 */

/**
 * What waits to be played, and a ledger of what was.
 *
 * Audio comes in pieces of parts (the speech of one item of the model); a part is a number. It is
 * played in the order in which it came, from the moment when *jitter* seconds of it wait, or it has
 * waited for that long, or no more will come. When it has run dry in mid-speech, it waits for longer
 * the next time.
 */
export class Playout {
  /**
   * @param {number} rate Hz of the audio
   * @param {number} out Hz at which it is taken
   * @param {number} [jitter] seconds
   * @param {number} [limit] seconds that may wait; what comes beyond is dropped
   */
  constructor(rate, out, jitter = 0.06, limit = 300) {
    this.limit = limit * rate;
    this.pushed = 0; // pieces
    this.resampler = new Resampler(rate, out);
    this.rate = rate;
    this.out = out;
    this.least = jitter;
    this.jitter = jitter;
    /** @type {{part: number, samples: Int16Array}[]} */
    this.pieces = [];
    this.first = 0; // of the pieces
    this.offset = 0; // in the first of them
    this.waiting = 0; // samples
    /** @type {'idle' | 'filling' | 'running'} */
    this.state = 'idle';
    this.ended = true;
    this.since = 0;
    this.real = 0; // samples fed to the resampler that are not silence
    this.credited = 0; // of those, the ones that were played
    /** @type {{part: number, left: number}[]} In the resampler. */
    this.flying = [];
    /** @type {Map<number, number>} Samples that were played of parts that still go on. */
    this.played = new Map();
    /** @type {{part: number, frame: number, count: number}[]} Played in the last second. */
    this.recent = [];
    this.fade = new Float32Array(0);
    this.faded = 0;
    this.dryPart = -1;
    this.underruns = 0;
    this.steadySince = 0;
    /** @type {Notice[]} For the main thread. */
    this.notices = [];
    this.energy = 0;
    this.measured = 0;
  }

  /** @param {number} part @param {Int16Array} samples @param {number} frame the present one */
  push(part, samples, frame) {
    this.pushed += 1;
    if (this.waiting + samples.length > this.limit) {
      this.notices.push({ type: 'overflow', samples: samples.length });
      return;
    }
    this.pieces.push({ part, samples });
    this.waiting += samples.length;
    if (this.state === 'idle') {
      if (part === this.dryPart && !this.ended) {
        this.jitter = Math.min(2 * this.jitter, 4 * this.least);
        this.steadySince = frame;
        this.notices.push({ type: 'underrun', count: ++this.underruns });
      } else if (this.jitter > this.least && frame - this.steadySince > 20 * this.out) {
        this.jitter = this.least;
      }
      this.state = 'filling';
      this.since = frame;
    }
    this.ended = false;
  }

  /** For now there is no more to come. */
  end() {
    this.ended = true;
  }

  /**
   * Drop what waits; what sounds dies away. *latency* is in frames.
   * @param {number} id @param {number} frame @param {number} latency
   */
  clear(id, frame, latency) {
    const parts = new Set(this.flying.filter((run) => run.left > 0).map((run) => run.part));
    for (let i = this.first; i < this.pieces.length; i++) {
      const { part, samples } = this.pieces[i];
      // A piece that was played is no longer here, and an empty one was not played yet.
      if (i > this.first || this.offset < samples.length || !samples.length) parts.add(part);
    }
    const cuts = [...parts].map((part) => {
      const played = this.played.get(part) ?? 0;
      return { part, played, heard: Math.max(0, played - this.unheard(part, frame - latency)) };
    });
    this.notices.push({ type: 'cleared', id, cuts });
    if (this.state === 'running') {
      const fade = new Float32Array(Math.round(FADE * this.out));
      const count = this.fill(fade);
      this.fade = fade.subarray(0, count).map((x, i) => x * (1 - (i + 1) / (count + 1)));
      this.faded = 0;
    }
    this.pieces = [];
    this.waiting = this.first = this.offset = 0;
    this.rest();
    this.played.clear();
    this.recent = [];
    this.dryPart = -1;
    this.ended = true;
  }

  /** Samples of *part* that were taken, but after *frame*. @param {number} part @param {number} frame */
  unheard(part, frame) {
    let count = 0;
    for (const one of this.recent) {
      if (one.part !== part || one.frame <= frame) continue;
      const frames = (one.count * this.out) / this.rate;
      count += one.count * Math.min(1, (one.frame - frame) / frames);
    }
    return Math.round(count);
  }

  /**
   * Fill *out* with what is to be heard from *frame* on.
   * @param {Float32Array} out @param {number} frame
   */
  render(out, frame) {
    out.fill(0);
    if (this.state === 'filling' && this.may(frame)) this.state = 'running';
    const end = frame + out.length;
    if (this.state === 'running') this.run(out, frame, end);
    for (let i = 0; i < out.length && this.faded < this.fade.length; i++)
      out[i] += this.fade[this.faded++];
    this.measure(out, end);
  }

  /** @param {Float32Array} out @param {number} frame @param {number} end */
  run(out, frame, end) {
    const before = new Map(this.played);
    const dry = this.fill(out) < out.length;
    for (const [part, played] of this.played) {
      const count = played - (before.get(part) ?? 0);
      if (!count && before.has(part)) continue;
      if (!before.has(part)) this.notices.push({ type: 'started', part, played, frame });
      this.recent.push({ part, frame: end, count });
    }
    while (this.recent.length && this.recent[0].frame < end - this.out) this.recent.shift();
    if (dry) this.runDry(end);
  }

  /** @param {number} frame */
  may(frame) {
    return (
      this.ended ||
      this.waiting >= this.jitter * this.rate ||
      frame - this.since >= this.jitter * this.out
    );
  }

  /** How many samples of *out* could be filled. @param {Float32Array} out */
  fill(out) {
    for (let i = 0; i < out.length; i++) {
      while (!this.resampler.ready) {
        const sample = this.take();
        if (sample === null && this.resampler.center >= this.real) return i;
        this.resampler.push(sample ?? 0);
      }
      out[i] = this.resampler.next();
      this.credit(Math.min(this.resampler.center, this.real));
    }
    return out.length;
  }

  /** The next sample that waits, or null. @returns {number | null} */
  take() {
    while (this.first < this.pieces.length) {
      const { part, samples } = this.pieces[this.first];
      if (this.offset < samples.length) {
        const last = this.flying[this.flying.length - 1];
        if (last?.part === part) last.left += 1;
        else this.flying.push({ part, left: 1 });
        this.waiting -= 1;
        this.real += 1;
        return samples[this.offset++] / 32768;
      }
      this.dryPart = part;
      this.first += 1;
      this.offset = 0;
      if (this.first > 64) {
        this.pieces.splice(0, this.first);
        this.first = 0;
      }
    }
    return null;
  }

  /** The first *until* samples that were fed have been played. @param {number} until */
  credit(until) {
    let count = until - this.credited;
    this.credited = until;
    while (count > 0) {
      const run = this.flying[0];
      const some = Math.min(run.left, count);
      this.played.set(run.part, (this.played.get(run.part) ?? 0) + some);
      run.left -= some;
      count -= some;
      if (!run.left && this.flying.length > 1) this.flying.shift();
      else if (!run.left) break;
    }
  }

  /** @param {number} frame */
  runDry(frame) {
    for (const [part, played] of this.played)
      this.notices.push({ type: 'position', part, played, frame });
    const last = this.dryPart;
    for (const part of this.played.keys()) if (part !== last) this.played.delete(part);
    this.rest();
    this.notices.push({ type: 'dry', pushed: this.pushed });
  }

  rest() {
    this.state = 'idle';
    this.resampler.reset();
    this.real = this.credited = 0;
    this.flying = [];
  }

  /** @param {Float32Array} out @param {number} frame */
  measure(out, frame) {
    for (const x of out) this.energy += x * x;
    this.measured += out.length;
    if (this.measured < this.out / 20) return;
    if (this.energy > 0 || this.state === 'running') {
      this.notices.push({ type: 'level', level: Math.sqrt(this.energy / this.measured) });
      const part = this.flying[0]?.part;
      const played = part === undefined ? undefined : this.played.get(part);
      if (part !== undefined && played !== undefined)
        this.notices.push({ type: 'position', part, played, frame });
    }
    this.energy = this.measured = 0;
  }
}

/**
 * Cuts what a microphone hears into chunks of *size* samples at *rate*, signed 16-bit.
 */
export class Recording {
  /** @param {number} from Hz @param {number} rate Hz @param {number} size */
  constructor(from, rate, size) {
    this.resampler = new Resampler(from, rate);
    this.size = size;
    this.chunk = new Int16Array(size);
    this.filled = 0;
    this.energy = 0;
    /** @type {{pcm: Int16Array, level: number}[]} */
    this.chunks = [];
  }

  /** @param {Float32Array} samples */
  hear(samples) {
    for (const sample of samples) {
      this.resampler.push(sample);
      while (this.resampler.ready) this.keep(this.resampler.next());
    }
  }

  /** What is there of an unfinished chunk is one. */
  flush() {
    if (!this.filled) return;
    const level = Math.sqrt(this.energy / this.filled);
    this.chunks.push({ pcm: this.chunk.slice(0, this.filled), level });
    this.filled = this.energy = 0;
  }

  /** @param {number} sample */
  keep(sample) {
    const rounded = Math.round(sample * 32768);
    this.chunk[this.filled++] = Math.max(-32768, Math.min(32767, rounded));
    this.energy += sample * sample;
    if (this.filled === this.size) this.flush();
  }
}

/**
 * What the browser provides here; TypeScript's library for pages knows nothing of it.
 * @type {any}
 */
const scope = globalThis;

if (typeof scope.registerProcessor === 'function') {
  scope.registerProcessor(
    'antiphon-player',
    class extends scope.AudioWorkletProcessor {
      /** @param {{processorOptions: {rate: number, jitter: number, limit: number}}} options */
      constructor(options) {
        super();
        const { rate, jitter, limit } = options.processorOptions;
        this.playout = new Playout(rate, scope.sampleRate, jitter, limit);
        this.closed = false;
        this.port.onmessage = (/** @type {MessageEvent} */ { data }) => {
          if (data.type === 'audio')
            this.playout.push(data.part, new Int16Array(data.pcm), scope.currentFrame);
          else if (data.type === 'end') this.playout.end();
          else if (data.type === 'clear')
            this.playout.clear(data.id, scope.currentFrame, data.latency);
          else if (data.type === 'close') this.closed = true;
          this.tell(); // at once: a suspended context renders nothing
        };
      }

      tell() {
        for (const notice of this.playout.notices) this.port.postMessage(notice);
        this.playout.notices = [];
      }

      /** @param {unknown} _ @param {Float32Array[][]} outputs */
      process(_, outputs) {
        const [first, ...others] = outputs[0];
        if (first) this.playout.render(first, scope.currentFrame);
        for (const other of others) other.set(first);
        if (this.playout.notices.length) this.tell();
        return !this.closed;
      }
    },
  );

  scope.registerProcessor(
    'antiphon-recorder',
    class extends scope.AudioWorkletProcessor {
      /** @param {{processorOptions: {rate: number, size: number}}} options */
      constructor(options) {
        super();
        const { rate, size } = options.processorOptions;
        this.recording = new Recording(scope.sampleRate, rate, size);
        this.closed = false;
        this.port.onmessage = (/** @type {MessageEvent} */ { data }) => {
          if (data.type === 'flush') {
            this.recording.flush();
            this.tell();
            this.port.postMessage({ type: 'flushed' });
          } else if (data.type === 'close') this.closed = true;
        };
      }

      tell() {
        for (const { pcm, level } of this.recording.chunks)
          this.port.postMessage({ type: 'chunk', pcm: pcm.buffer, level }, [pcm.buffer]);
        this.recording.chunks = [];
      }

      /** @param {Float32Array[][]} inputs */
      process(inputs) {
        const heard = inputs[0]?.[0];
        if (heard) this.recording.hear(heard);
        if (this.recording.chunks.length) this.tell();
        return !this.closed;
      }
    },
  );
}
