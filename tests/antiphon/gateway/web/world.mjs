/**
 * The world around the client, with a clock that a test moves: an application that hands out
 * tickets, sockets, a loudspeaker and a microphone. The audio thread's own code runs in it.
 */

import { Realtime } from '../../../../antiphon/gateway/web/antiphon.js';

/** What an audio thread has, and what the client's half of it has registered there. */
const processors = new Map();
globalThis.registerProcessor = (name, type) => processors.set(name, type);
globalThis.AudioWorkletProcessor = class {
  constructor() {
    this.port = globalThis.nextPort;
  }
};
await import('../../../../antiphon/gateway/web/antiphon-worklet.js');

/** Until all that can happen now has happened; no time passes. */
export async function settle() {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
}

export class World {
  constructor() {
    this.time = 0;
    this.timers = new Map();
    this.contexts = new Set();
    this.sockets = [];
    this.requests = [];
    /** What the application answers: a function of the request. */
    this.answer = () => json({ token: 'tok', url: 'ws://127.0.0.1/rt' });
    this.outputLatency = 0;
    this.deviceRate = 24000;
    this.heard = [];
    this.microphone = null;
    this.asked = [];
    const world = this;
    this.platform = {
      fetch: async (url, init) => {
        this.requests.push({ url: String(url), ...init, body: JSON.parse(init.body) });
        return await this.answer(this.requests.length);
      },
      WebSocket: class extends Socket {
        constructor(url, protocols) {
          super(url, protocols);
          world.sockets.push(this);
        }
      },
      AudioContext: class extends Context {
        constructor(options) {
          super(world, options);
        }
      },
      AudioWorkletNode: WorkletNode,
      mediaDevices: {
        getUserMedia: async (constraints) => {
          this.asked.push(constraints);
          if (this.microphone instanceof Error) throw this.microphone;
          this.microphone = new Stream();
          return this.microphone;
        },
      },
      now: () => this.time,
      setTimeout: (call, ms) => {
        const id = {};
        this.timers.set(id, { at: this.time + ms, call });
        return id;
      },
      clearTimeout: (id) => this.timers.delete(id),
      random: () => 1,
    };
  }

  get socket() {
    return this.sockets[this.sockets.length - 1];
  }

  /** Lets so much time pass, for timers and for the audio alike. */
  async advance(ms) {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const next = Math.min(end, ...[...this.timers.values()].map((timer) => timer.at));
      await this.render(next);
      for (const [id, timer] of [...this.timers])
        if (timer.at <= this.time && this.timers.delete(id)) timer.call();
      if (this.time >= end) break;
    }
    await settle();
  }

  async render(until) {
    if (![...this.contexts].some((context) => context.isBusy)) {
      this.time = until; // nobody can tell
      for (const context of this.contexts) context.frame = context.frameAt(until);
    }
    while (this.time < until) {
      this.time = Math.min(until, this.time + 5);
      for (const context of this.contexts) context.renderUntil(this.time);
      await settle();
    }
  }

  /** A client in this world, connected unless told otherwise. */
  async client({ connect = true, ...options } = {}) {
    const errors = [];
    const realtime = new Realtime({
      platform: this.platform,
      onError: (error) => errors.push(error),
      ...options,
    });
    realtime.errors = errors;
    if (connect) {
      realtime.connect();
      await settle();
      this.socket.accept();
      await this.tell({ type: 'session-updated' });
      this.socket.sent.length = 0;
    }
    return realtime;
  }

  async tell(...events) {
    for (const event of events) this.socket.say(event);
    await settle();
  }

  /** What the client has said since it was asked last. */
  said() {
    return this.socket.sent.splice(0);
  }
}

export function json(body, status = 200, headers = {}) {
  return new Response(JSON.stringify(body), { status, headers });
}

class Socket {
  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
    this.sent = [];
    this.bufferedAmount = 0;
    this.isClosed = false;
  }

  accept() {
    this.onopen?.();
  }

  send(text) {
    this.sent.push(JSON.parse(text));
    this.bufferedAmount += this.stuck ? text.length : 0;
  }

  say(event) {
    this.onmessage?.({ data: typeof event === 'string' ? event : JSON.stringify(event) });
  }

  end(code, reason = '') {
    this.onclose?.({ code, reason });
  }

  close() {
    this.isClosed = true;
  }
}

class Context {
  constructor(world, { sampleRate } = {}) {
    this.world = world;
    this.sampleRate = sampleRate ?? world.deviceRate;
    this.outputLatency = world.outputLatency;
    this.frame = this.frameAt(world.time);
    this.state = world.suspended ? 'suspended' : 'running';
    this.nodes = new Set();
    this.destination = {};
    this.audioWorklet = { addModule: async () => await world.worklet?.() };
    world.contexts.add(this);
  }

  get currentTime() {
    return this.frame / this.sampleRate;
  }

  createMediaStreamSource(stream) {
    return {
      connect: (node) => stream.listeners.add(node),
      disconnect: () => stream.listeners.clear(),
    };
  }

  async resume() {}

  async close() {
    this.world.contexts.delete(this);
  }

  frameAt(time) {
    return Math.round((time * this.sampleRate) / 1000);
  }

  get isBusy() {
    return [...this.nodes].some(({ processor: { playout } }) => playout.state !== 'idle');
  }

  renderUntil(time) {
    const end = this.frameAt(time);
    while (this.frame < end && this.state === 'running') {
      const block = new Float32Array(Math.min(128, end - this.frame));
      for (const node of this.nodes) node.run([[]], [[block]]);
      if (this.nodes.size) this.world.heard.push(...block);
      this.frame += block.length;
    }
    if (this.state !== 'running') this.frame = end;
  }
}

class WorkletNode {
  constructor(context, name, options) {
    this.context = context;
    const inner = { postMessage: (data, moved) => send(this.port, data, moved) };
    this.port = { postMessage: (data, moved) => send(inner, data, moved) };
    globalThis.nextPort = inner;
    globalThis.sampleRate = context.sampleRate;
    this.enter();
    this.processor = new (processors.get(name))(options);
    inner.enter = () => this.enter();
    if (name === 'antiphon-player') context.nodes.add(this);
  }

  enter() {
    globalThis.sampleRate = this.context.sampleRate;
    globalThis.currentFrame = this.context.frame;
  }

  run(inputs, outputs) {
    this.enter();
    this.processor.process(inputs, outputs);
  }

  connect() {}

  disconnect() {
    this.context.nodes.delete(this);
  }
}

function send(port, data, moved = []) {
  const copy = structuredClone(data, { transfer: moved });
  queueMicrotask(() => {
    port.enter?.();
    port.onmessage?.({ data: copy });
  });
}

/** A microphone's stream. */
export class Stream {
  constructor() {
    this.listeners = new Set();
    this.track = Object.assign(new EventTarget(), { enabled: true, stopped: false });
    this.track.stop = () => (this.track.stopped = true);
  }

  getTracks() {
    return [this.track];
  }

  getAudioTracks() {
    return [this.track];
  }

  /** Everyone who listens hears these samples. */
  async hear(samples) {
    const heard = this.track.enabled ? samples : new Float32Array(samples.length);
    for (const node of this.listeners) node.run([[heard]], [[]]);
    await settle();
  }
}

// What servers say.

export function pcm(ms, value = 0, rate = 24000) {
  const samples = new Int16Array((ms * rate) / 1000).fill(value);
  return Buffer.from(samples.buffer).toString('base64');
}

export function audio(itemId, ms, responseId = 'r1', value = 0) {
  return { type: 'audio-delta', responseId, itemId, delta: pcm(ms, value) };
}

export const created = (responseId = 'r1') => ({ type: 'response-created', responseId });

export const done = (responseId = 'r1', status = 'completed', more = {}) => ({
  type: 'response-done',
  responseId,
  status,
  ...more,
});

export const call = (callId, name = 'look', args = '{}', responseId = 'r1') => ({
  type: 'function-call-arguments-done',
  responseId,
  itemId: `item-${callId}`,
  callId,
  name,
  arguments: args,
});

export const SPEECH = { type: 'speech-started' };

export const truncation = (itemId, audioEndMs) => ({
  type: 'conversation-item-truncate',
  itemId,
  contentIndex: 0,
  audioEndMs,
});
