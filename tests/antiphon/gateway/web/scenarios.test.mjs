/** The client does what the AI SDK's hook was seen to do, step by step, but for its mistakes. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Realtime } from '../../../../antiphon/gateway/web/antiphon.js';
import { Stream, World, json, pcm, settle, truncation } from './world.mjs';

const VECTORS = new URL('../../../data/aisdk_session_vectors.json', import.meta.url);

const output = (callId, name, text) => ({
  type: 'conversation-item-create',
  item: { type: 'function-call-output', callId, name, output: text },
});

const tool = (parts) => [
  {
    id: 'assistant#0',
    role: 'assistant',
    parts: [{ type: 'dynamic-tool', toolName: 'f', toolCallId: 'c1', input: {}, ...parts }],
  },
];

/** Where the client differs from the hook, and why: the step (or "final"), the field, its value. */
const DIFFERENCES = {
  'handler throws -> error, no output, no response': [
    "a tool's failure reaches the model",
    [
      3,
      'sent',
      [output('c1', 'f', '{"error":"f failed: Error: broken"}'), { type: 'response-create' }],
    ],
    ['final', 'messages', tool({ state: 'output-error', errorText: 'f failed: Error: broken' })],
  ],
  'done without prior delta: no message part but tool runs': [
    'a call that comes in one piece is shown too',
    ['final', 'messages', tool({ state: 'output-available', output: { ok: true } })],
  ],
  'addToolOutput(undefined) sends no output key': [
    'an output is always an output',
    [4, 'sent', [output('c1', 'f', 'null')]],
    ['final', 'messages', tool({ state: 'output-available', output: null })],
  ],
  'cancelled response still triggers tool continuation': [
    "a cancelled response's tools do not request another",
    [3, 'sent', [output('c1', 'f', '{"ok":true}')]],
  ],
  'barge-in offset counts from first chunk across items': [
    'truncation names the item that was heard, and counts from its beginning',
    [5, 'sent', [truncation('i2', 200)]],
  ],
  'gap resets playback origin': [
    'what was heard of the item before the gap was heard too',
    [7, 'sent', [truncation('i1', 350)]],
  ],
  'odd-length audio-delta': [
    'half a sample waits for its other half and ends nothing',
    [3, 'state', ['playing:true']],
    [3, 'onEvent', ['audio-delta']],
    [3, 'onError', undefined],
    [4, 'onEvent', ['text-delta']],
    ['final', 'status', 'connected'],
    ['final', 'isPlaying', true],
    ['final', 'eventsKept', 3],
    [
      'final',
      'messages',
      [
        {
          id: 'assistant#0',
          role: 'assistant',
          parts: [{ type: 'text', text: 'x', state: 'streaming' }],
        },
      ],
    ],
  ],
  'audio-delta invalid base64': [
    'a message with a wrong field is an error, and the session goes on',
    [3, 'state', undefined],
    ['final', 'status', 'connected'],
    ['final', 'eventsKept', 1],
  ],
  'capture before connect then audio while connected': [
    'what is heard is cut into chunks of 20 ms',
    [
      5,
      'sent',
      [
        { type: 'input-audio-append', audio: '$bytes:960' },
        { type: 'input-audio-append', audio: '$bytes:960' },
      ],
    ],
  ],
};

const { scenarios } = JSON.parse(readFileSync(VECTORS, 'utf8'));
const ours = scenarios.filter((one) => one.options.model === 'gateway');

test('there are scenarios, and each difference is of one', () => {
  assert.ok(ours.length >= 30);
  for (const name of Object.keys(DIFFERENCES))
    assert.ok(
      ours.some((one) => one.name === name),
      name,
    );
});

for (const scenario of ours)
  test(`as the hook: ${scenario.name}`, async () => {
    const expected = asItShouldBe(scenario);
    const stage = new Stage(scenario);

    const steps = [];
    for (const { step } of scenario.steps) steps.push(await stage.do(step));

    assert.deepEqual(steps, expected.steps);
    assert.deepEqual(stage.final(), expected.final);
    const [request] = stage.world.requests.map(({ url, method, body }) => ({ url, method, body }));
    assert.deepEqual(request ?? null, scenario.setupRequest);
    assert.deepEqual(stage.socket(), scenario.socket);
  });

class Stage {
  constructor(scenario) {
    this.scenario = scenario;
    this.world = new World();
    this.world.answer = () => this.answer();
    const { sessionConfig, maxEvents, onToolCall } = scenario.options;
    this.of = new Realtime({
      api: 'http://app/setup',
      sessionConfig: sessionConfig ?? undefined,
      maxEvents: maxEvents ?? 500,
      onToolCall: this.tool(onToolCall),
      onEvent: (event) => this.note('onEvent', event.type ?? null),
      onError: () => (this.seen.onError = (this.seen.onError ?? 0) + 1),
      platform: this.world.platform,
    });
    this.of.addEventListener('change', ({ detail: { what } }) => {
      if (what === 'status') this.note('state', this.of.status);
      if (what === 'isPlaying') this.note('state', `playing:${this.of.isPlaying}`);
      if (what === 'isCapturing') this.note('state', `capturing:${this.of.isCapturing}`);
    });
    this.stream = new Stream();
  }

  note(what, value) {
    (this.seen[what] ??= []).push(value);
  }

  tool(does) {
    if (does === 'absent') return undefined;
    return async ({ toolCall }) => {
      this.note('onToolCall', toolCall);
      if (does === 'throws') throw new Error('broken');
      const given = does.replace('returns ', '');
      return given === 'undefined' ? undefined : JSON.parse(given);
    };
  }

  answer() {
    const { name, socket, steps, options } = this.scenario;
    if (name.includes('not json')) return new Response('no json');
    if (name.includes('http url')) return json({ token: 'tok', url: 'http://127.0.0.1/rt' });
    if (!socket) return json({}, 500);
    const [first] = steps.flatMap(({ sent }) => sent ?? []);
    const tools = first?.config?.tools;
    const given = JSON.stringify(tools) !== JSON.stringify(options.sessionConfig?.tools);
    return json({ token: 'tok', url: 'ws://127.0.0.1/rt', ...(given && { tools }) });
  }

  async do(step) {
    this.seen = {};
    const [[what, value]] = Object.entries(step);
    if (what === 'call') await this.call(...value);
    else if (what === 'open') this.world.socket.accept();
    else if (what === 'recv')
      for (const one of [value].flat()) this.world.socket?.say(message(one));
    else if (what === 'close') this.world.socket?.end(...value);
    else if (what === 'error') this.world.socket?.end(1006);
    else if (what === 'advanceMs') await this.world.advance(value);
    else if (what === 'mic') await this.stream.hear(new Float32Array(value));
    await settle();
    const sent = this.world.sockets.flatMap((socket) => socket.sent.splice(0)).map(shown);
    return { step, ...(sent.length && { sent }), ...this.seen };
  }

  async call(method, ...given) {
    if (method === 'startAudioCapture') given = [this.stream];
    try {
      const result = this.of[method](...given);
      if (method !== 'connect') await result;
    } catch {
      this.seen.throws = true;
    }
  }

  final() {
    const numbers = {};
    const messages = structuredClone(this.of.messages).map((message) => {
      if (/^(user|assistant)-\d+$/.test(message.id)) {
        numbers[message.role] ??= 0;
        message.id = `${message.role}#${numbers[message.role]++}`;
      }
      return message;
    });
    const { status, isPlaying, isCapturing, events } = this.of;
    return { status, isPlaying, isCapturing, eventsKept: events.length, messages };
  }

  socket() {
    const { sockets } = this.world;
    if (!sockets.length) return null;
    return { url: sockets[0].url, protocols: sockets[0].protocols, count: sockets.length };
  }
}

function message(frame) {
  const [, ms] = /^\$pcm16ms:(\d+)/.exec(frame.delta ?? '') ?? [];
  return ms ? { ...frame, delta: pcm(Number(ms)) } : frame;
}

function shown(frame) {
  if (typeof frame.audio !== 'string') return frame;
  return { ...frame, audio: `$bytes:${Buffer.from(frame.audio, 'base64').length}` };
}

function asItShouldBe(scenario) {
  const { steps, final } = structuredClone(scenario);
  for (const frame of steps.flatMap(({ sent }) => sent ?? [])) {
    const [, bytes] = /^\$bytes:(\d+)$/.exec(frame.audio ?? '') ?? [];
    if (bytes) frame.audio = `$bytes:${bytes - (bytes % 2)}`; // half a sample is noise
  }
  for (const [where, field, value] of (DIFFERENCES[scenario.name] ?? []).slice(1)) {
    const what = where === 'final' ? final : steps[where];
    if (value === undefined) delete what[field];
    else what[field] = value;
  }
  return { steps, final };
}
