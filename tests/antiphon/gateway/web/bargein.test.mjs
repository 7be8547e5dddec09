/** The user speaks while the model does: what was heard, what is told of it, what comes late. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SPEECH, World, audio, created, done, settle, truncation } from './world.mjs';

test('the item that was heard is truncated, and so is each that was not', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell(created(), audio('i1', 400), audio('i2', 1000), audio('i3', 500));
  await world.advance(600);
  await world.tell(SPEECH);

  assert.deepEqual(world.said(), [truncation('i2', 200), truncation('i3', 0)]);
  assert.equal(client.isPlaying, false);
});

test('late audio of an interrupted response is dropped, the next response is played', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell(created(), audio('i1', 1000));
  await world.advance(300);
  await world.tell(SPEECH, audio('i1', 500), audio('i2', 500));

  assert.deepEqual(world.said(), [truncation('i1', 300)]);
  assert.equal(client.isPlaying, false);

  await world.tell(done('r1', 'cancelled'), created('r2'), audio('i3', 500, 'r2'));
  assert.equal(client.isPlaying, true);
});

test('a response that is not yet heard is interrupted too', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell(created(), SPEECH, audio('i1', 500));

  assert.equal(client.isPlaying, false);
  assert.deepEqual(world.said(), []);
});

test('a response that has no id is told from the next by its end', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell(audio('i1', 500, ''), SPEECH, audio('i1', 500, ''));
  assert.equal(client.isPlaying, false);
  await world.tell(done(''), audio('i2', 500, ''));
  assert.equal(client.isPlaying, true);
  await world.tell(SPEECH, created(''), audio('i3', 500, ''));
  assert.equal(client.isPlaying, true);
});

test('speech that comes as the last runs dry is played on', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell(created(), audio('i1', 100));
  world.time += 150;
  for (const context of world.contexts) context.renderUntil(world.time);
  world.socket.say(audio('i1', 500)); // before the audio thread's word has come
  await settle();

  assert.equal(client.isPlaying, true);
});

test('what was played to its end is not truncated', async () => {
  const world = new World();
  await world.client();
  await world.tell(created(), audio('i1', 200), {
    type: 'audio-done',
    responseId: 'r1',
    itemId: 'i1',
  });
  await world.tell(audio('i2', 200));
  await world.advance(300);
  await world.tell(SPEECH);

  assert.deepEqual(world.said(), [truncation('i2', 100)]);
});

test('a model that shall not be interrupted is not', async () => {
  const world = new World();
  const turnDetection = { type: 'server-vad', interruptResponse: false };
  const client = await world.client({ sessionConfig: { turnDetection } });
  await world.tell(created(), audio('i1', 500), SPEECH);

  assert.equal(client.isPlaying, true);
  assert.deepEqual(world.said(), []);
});

test('a playback that the page stops is no business of the model', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell(created(), audio('i1', 500));
  await world.advance(100);
  client.stopPlayback();
  await settle();
  assert.equal(client.isPlaying, false);
  assert.deepEqual(world.said(), []);

  await world.tell(audio('i1', 1000));
  assert.equal(client.isPlaying, true);
  await world.advance(250);
  await world.tell(SPEECH);
  assert.deepEqual(world.said(), [truncation('i1', 750)]);
});

test('an interruption can be taken back', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell(created(), audio('i1', 500), SPEECH);
  client.resumePlayback();
  await world.tell(audio('i1', 500));

  assert.equal(client.isPlaying, true);
});

test('what is on its way to the loudspeaker was not heard', async () => {
  const world = new World();
  world.outputLatency = 0.08;
  await world.client();
  await world.tell(created(), audio('i1', 1000));
  await world.advance(300);
  await world.tell(SPEECH);

  assert.deepEqual(world.said(), [truncation('i1', 220)]);
});

test('a loudspeaker at another rate counts the samples of the model', async () => {
  const world = new World();
  world.deviceRate = 44100;
  const { AudioContext } = world.platform;
  world.platform.AudioContext = class extends AudioContext {
    constructor(options) {
      if (options.sampleRate) throw new Error('this device has one rate');
      super(options);
    }
  };
  await world.client();
  await world.tell(created(), audio('i1', 1000));
  await world.advance(300);
  await world.tell(SPEECH);

  assert.deepEqual(world.said(), [truncation('i1', 300)]);
});

test('a loudspeaker that waits for a click has played nothing, and the page is told', async () => {
  const world = new World();
  world.suspended = true;
  const client = await world.client();
  await world.tell(created(), audio('i1', 1000));
  await world.advance(300);
  await world.tell(SPEECH);
  await world.advance(300);

  assert.deepEqual(world.said(), [truncation('i1', 0)]);
  assert.deepEqual(
    client.errors.map((error) => error.code),
    ['playback-blocked'],
  );
});

test('without the audio thread the conversation goes on, and the page is told why', async () => {
  const world = new World();
  world.worklet = () => {
    throw new Error('404');
  };
  const client = await world.client();
  await world.tell(created(), audio('i1', 100), { type: 'text-delta', itemId: 'i1', delta: 'Hi' });

  assert.equal(client.status, 'connected');
  assert.equal(client.messages.length, 1);
  assert.deepEqual(
    client.errors.map((error) => error.code),
    ['no-audio'],
  );
  assert.match(client.errors[0].message, /antiphon-worklet\.js/);
});

test('more than may wait is dropped, and said once', async () => {
  const world = new World();
  const client = await world.client({ maxPlaybackSeconds: 1 });
  for (let i = 0; i < 20; i++) await world.tell(audio('i1', 100));
  await world.advance(100);

  assert.deepEqual(
    client.errors.map((error) => error.code),
    ['playback-overflow'],
  );
});

test('how much of an item was heard is told while it is played, and at its end', async () => {
  const world = new World();
  const client = await world.client();
  const played = [];
  client.addEventListener('played', ({ detail }) => played.push(detail));
  await world.tell(created(), audio('i1', 500));
  await world.advance(600);

  const [last] = played.slice(-1);
  assert.deepEqual(last, { itemId: 'i1', responseId: 'r1', ms: 500, done: true });
  const times = played.map(({ ms }) => ms);
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );
  assert.ok(times.length >= 8 && times[0] <= 100);
});

test('what is played is what the server sent, and isPlaying ends with it', async () => {
  const world = new World();
  const client = await world.client();
  const samples = Int16Array.from({ length: 12000 }, (_, i) => ((i * 7919) % 60000) - 30000);
  const bytes = Buffer.from(samples.buffer);
  for (let at = 0; at < bytes.length; at += 1111) {
    const delta = bytes.subarray(at, at + 1111).toString('base64');
    await world.tell({ type: 'audio-delta', responseId: 'r1', itemId: 'i1', delta });
  }
  await world.advance(490);
  assert.equal(client.isPlaying, true);
  await world.advance(100);
  assert.equal(client.isPlaying, false);

  const heard = world.heard.map((x) => Math.round(x * 32768));
  const start = heard.indexOf(samples[0]);
  assert.deepEqual(heard.slice(start, start + samples.length), [...samples]);
  assert.ok(heard.slice(start + samples.length).every((x) => x === 0));
});

test('how long the user waited is known, by when the answer was heard', async () => {
  const world = new World();
  world.outputLatency = 0.02;
  const client = await world.client();
  await client.startAudioCapture();
  await world.microphone.hear(new Float32Array(9600).fill(0.3)); // someone speaks, until now
  await world.microphone.hear(new Float32Array(480));
  await world.advance(400);
  await world.tell({ type: 'speech-stopped' });
  await world.advance(200);
  await world.tell(created(), audio('i1', 500));
  await world.advance(500);

  assert.deepEqual(client.latencies, [
    { responseId: 'r1', from: 'speech', ms: 620, sinceDetection: 220 },
  ]);
});

test('the page may interrupt, as the user does', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell(created(), audio('i1', 1000));
  await world.advance(300);
  client.interrupt();
  await world.tell(audio('i1', 500));

  assert.deepEqual(world.said(), [{ type: 'response-cancel' }, truncation('i1', 300)]);
  assert.equal(client.isPlaying, false);

  await world.tell(done('r1', 'cancelled'));
  client.interrupt();
  assert.deepEqual(world.said(), []);
});
