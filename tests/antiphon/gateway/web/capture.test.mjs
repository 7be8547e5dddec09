/** The microphone: how it is opened, what is sent of it, and who decides when a turn ends. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SPEECH, Stream, World, audio, created, settle, truncation } from './world.mjs';

const MANUAL = { turnDetection: { type: 'disabled' } };

const types = (said) => said.map((event) => event.type);

const samples = (said) =>
  said
    .filter((event) => event.type === 'input-audio-append')
    .flatMap(({ audio }) => [
      ...new Int16Array(new Uint8Array(Buffer.from(audio, 'base64')).buffer),
    ]);

const loud = (ms) => new Float32Array(24 * ms).fill(0.25);

test('a microphone is asked for with echo cancellation, and by its id', async () => {
  const world = new World();
  const client = await world.client();
  assert.equal(await client.startAudioCapture(), true);
  await client.startAudioCapture({
    deviceId: 'd1',
    echoCancellation: false,
    autoGainControl: false,
  });

  const both = { channelCount: 1, noiseSuppression: true };
  assert.deepEqual(world.asked, [
    { audio: { ...both, echoCancellation: true, autoGainControl: true } },
    {
      audio: {
        ...both,
        echoCancellation: false,
        autoGainControl: false,
        deviceId: { exact: 'd1' },
      },
    },
  ]);
});

for (const [name, code, words] of [
  ['NotAllowedError', 'permission-denied', /allow it/],
  ['NotFoundError', 'no-microphone', /plug one in/],
  ['NotReadableError', 'microphone-busy', /close what else/],
  ['OverconstrainedError', 'no-such-device', /choose another/],
  ['AbortError', 'microphone-failed', /device broke/],
])
  test(`${name} is ${code}, and the session goes on`, async () => {
    const world = new World();
    world.microphone = Object.assign(new Error('device broke'), { name });
    const client = await world.client();

    assert.equal(await client.startAudioCapture(), false);

    assert.deepEqual(
      client.errors.map((error) => error.code),
      [code],
    );
    assert.match(client.error.message, words);
    assert.equal(client.isCapturing, false);
    assert.equal(client.status, 'connected');
  });

test('a page without https is told so', async () => {
  const world = new World();
  world.platform.mediaDevices = undefined;
  const client = await world.client();

  assert.equal(await client.startAudioCapture(), false);

  assert.equal(client.error.code, 'insecure-page');
});

test('a microphone that is unplugged is said to be gone', async () => {
  const world = new World();
  const client = await world.client();
  await client.startAudioCapture();
  world.microphone.track.dispatchEvent(new Event('ended'));

  assert.equal(client.isCapturing, false);
  assert.equal(client.error.code, 'microphone-lost');
});

test('what the device hears is sent at the rate asked for', async () => {
  const world = new World();
  world.deviceRate = 48000;
  const format = { type: 'audio/pcm', rate: 16000 };
  const client = await world.client({ sessionConfig: { inputAudioFormat: format } });
  await client.startAudioCapture();
  await world.microphone.hear(
    Float32Array.from({ length: 48000 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 440 * n) / 48000)),
  );

  const heard = samples(world.said());
  assert.ok(heard.length >= 15500 && heard.length <= 16000 && heard.length % 320 === 0);
  for (let n = 500; n < heard.length; n++)
    assert.ok(Math.abs(heard[n] - 16384 * Math.sin((2 * Math.PI * 440 * n) / 16000)) < 2);
});

test('who is muted is silent, and still there', async () => {
  const world = new World();
  const client = await world.client();
  await client.startAudioCapture();
  client.setMuted(true);
  await world.microphone.hear(loud(100));
  assert.deepEqual(new Set(samples(world.said())), new Set([0]));

  client.setMuted(false);
  await world.microphone.hear(loud(100));
  assert.ok(samples(world.said()).includes(8192));
});

test('a microphone of ours is closed when it stops, and opened again', async () => {
  const world = new World();
  const client = await world.client();
  await client.startAudioCapture({ deviceId: 'd1' });
  const { track } = world.microphone;
  client.stopAudioCapture();
  assert.deepEqual([track.stopped, client.isCapturing], [true, false]);

  await client.resumeAudioCapture();
  assert.equal(world.asked[1].audio.deviceId.exact, 'd1');
  client.disconnect();
  assert.deepEqual([world.microphone.track.stopped, client.isCapturing], [true, false]);
  assert.equal(world.contexts.size, 0);
});

test('a stream of the page is left to the page', async () => {
  const world = new World();
  const client = await world.client();
  const stream = new Stream();
  await client.startAudioCapture(stream);
  client.setMuted(true);
  client.disconnect();

  assert.deepEqual([stream.track.stopped, stream.track.enabled], [false, true]);
});

test('of two microphones that are asked for at once, the later is heard', async () => {
  const world = new World();
  const client = await world.client();
  const first = client.startAudioCapture({ deviceId: 'd1' });
  const second = client.startAudioCapture({ deviceId: 'd2' });

  assert.deepEqual([await first, await second], [false, true]);
  assert.equal(world.contexts.size, 2); // the loudspeaker and one microphone
});

test('without turn detection a press is heard, and its release asks for an answer', async () => {
  const world = new World();
  const client = await world.client({ sessionConfig: MANUAL });
  await client.startAudioCapture({ pushToTalk: true });
  await world.microphone.hear(loud(110));
  assert.deepEqual(world.said(), []);

  await client.pushToTalk(true);
  await world.microphone.hear(loud(210));
  await client.pushToTalk(false);
  await world.microphone.hear(loud(100));

  const said = world.said();
  assert.equal(samples(said).length, 210 * 24);
  assert.deepEqual(types(said).slice(-3), [
    'input-audio-append',
    'input-audio-commit',
    'response-create',
  ]);
});

test('a finger that is quicker than the microphone leaves nothing pressed', async () => {
  const world = new World();
  const client = await world.client({ sessionConfig: MANUAL });
  await client.startAudioCapture({ pushToTalk: true });
  await Promise.all([client.pushToTalk(true), client.pushToTalk(false)]);
  world.said();
  await world.microphone.hear(loud(100));

  assert.deepEqual(world.said(), []);
});

test('a press that is too short to say anything is taken back', async () => {
  const world = new World();
  const client = await world.client({ sessionConfig: MANUAL });
  await client.startAudioCapture({ pushToTalk: true });
  await client.pushToTalk(true);
  await world.microphone.hear(loud(60));
  await client.pushToTalk(false);

  assert.deepEqual(
    new Set(types(world.said())),
    new Set(['input-audio-append', 'input-audio-clear']),
  );
});

test('a press interrupts the model', async () => {
  const world = new World();
  const client = await world.client({ sessionConfig: MANUAL });
  await client.startAudioCapture({ pushToTalk: true });
  await world.tell(created(), audio('i1', 1000));
  await world.advance(300);
  await client.pushToTalk(true);
  await settle();

  assert.deepEqual(
    new Set(types(world.said())),
    new Set(['response-cancel', 'conversation-item-truncate']),
  );
  assert.equal(client.isPlaying, false);
});

test('with turn detection the server hears silence until the press', async () => {
  const world = new World();
  const client = await world.client();
  await client.startAudioCapture({ pushToTalk: true });
  await world.microphone.hear(loud(100));
  assert.deepEqual(new Set(samples(world.said())), new Set([0]));
  await client.pushToTalk(true);
  await world.microphone.hear(loud(100));
  await client.pushToTalk(false);

  const said = world.said();
  assert.ok(samples(said).includes(8192));
  assert.deepEqual(new Set(types(said)), new Set(['input-audio-append']));
});

test('nobody can press who does not capture', async () => {
  const client = await new World().client();

  await assert.rejects(client.pushToTalk(true), { code: 'not-capturing' });
});

test('what the network does not take waits in order, and the oldest speech is dropped', async () => {
  const world = new World();
  const client = await world.client({ reconnect: { heldMs: 1000 } });
  await client.startAudioCapture();
  world.socket.stuck = true;
  for (let i = 0; i < 40; i++) await world.microphone.hear(new Float32Array(2400).fill(i / 100));
  client.commitAudio();
  const before = world.said();
  assert.ok(before.length * 1320 > 60_000 && before.length * 1320 < 80_000);
  assert.deepEqual(
    client.errors.map((error) => error.code),
    ['network-slow'],
  );

  world.socket.stuck = false;
  world.socket.bufferedAmount = 0;
  await world.advance(60);

  const after = world.said();
  assert.equal(samples(after).length, 24000);
  assert.equal(types(after).at(-1), 'input-audio-commit');
  assert.equal(client.droppedInputMs, 4000 - 1000 - before.length * 20);
});

test('a network that takes nothing any more is a lost connection', async () => {
  const world = new World();
  const client = await world.client();
  await client.startAudioCapture();
  world.socket.stuck = true;
  for (let i = 0; i < 40; i++) await world.microphone.hear(loud(100));
  await world.advance(16_000);

  assert.equal(client.status, 'reconnecting');
});

test('what is sent by hand may be base64 or bytes, and half a sample waits', async () => {
  const world = new World();
  const client = await world.client();
  client.sendAudio('AAEC');
  client.sendAudio(Uint8Array.of(3));
  client.sendAudio(Int16Array.of(7, 8));

  assert.deepEqual(samples(world.said()), [0x0100, 0x0302, 7, 8]);
});

test('levels are told while there is sound', async () => {
  const world = new World();
  const client = await world.client();
  const levels = [];
  client.addEventListener('levels', ({ detail }) => levels.push(detail));
  await client.startAudioCapture();
  await world.microphone.hear(loud(20));
  await world.tell(created(), audio('i1', 500, 'r1', 16384));
  await world.advance(200);

  assert.ok(Math.abs(client.inputLevel - 0.25) < 0.01);
  assert.ok(Math.abs(client.outputLevel - 0.5) < 0.01);
  assert.ok(levels.length >= 3);
  await world.tell(SPEECH);
  assert.equal(client.outputLevel, 0);
  client.stopAudioCapture();
  const { length } = levels;
  await world.advance(500);
  assert.equal(levels.length, length);
  assert.deepEqual(world.said().at(-1), truncation('i1', 200));
});
