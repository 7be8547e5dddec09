/** The page's own parts, where there is no browser. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HeardSoFar, split } from '../../../../antiphon/gateway/web/heard.js';
import { fits, readable, summary } from '../../../../antiphon/gateway/web/inspector.js';
import { bars, counts, median, money, spelt, turn } from '../../../../antiphon/gateway/web/latency.js';
import { Log } from '../../../../antiphon/gateway/web/log.js';
import { Phase } from '../../../../antiphon/gateway/web/phase.js';
import { advice } from '../../../../antiphon/gateway/web/problems.js';
import { FIRST, captureOf, sessionOf, setupOf } from '../../../../antiphon/gateway/web/settings.js';
import { TOOLS, carryOut, readTools } from '../../../../antiphon/gateway/web/tools.js';

const AROUND = {
  status: 'connected',
  isPlaying: false,
  isCapturing: true,
  isMuted: false,
  pushToTalk: false,
  pressed: false,
};

test('the bot listens, hears, thinks and speaks, in turn', () => {
  const phase = new Phase();
  const name = (more) => phase.name({ ...AROUND, ...more });

  assert.equal(name(), 'listening');
  phase.hear({ type: 'speech-started' });
  assert.equal(name(), 'hearing');
  phase.hear({ type: 'speech-stopped' });
  assert.equal(name(), 'thinking');
  phase.hear({ type: 'response-created', responseId: 'r1' });
  assert.equal(name(), 'thinking');
  assert.equal(name({ isPlaying: true }), 'speaking');
  phase.hear({ type: 'response-done', responseId: 'r1' });
  assert.equal(name({ isPlaying: true }), 'speaking');
  assert.equal(name(), 'listening');
});

test('whoever cannot be heard is told so', () => {
  const phase = new Phase();

  assert.equal(phase.name({ ...AROUND, isMuted: true }), 'muted');
  assert.equal(phase.name({ ...AROUND, isCapturing: false }), 'reading');
  assert.equal(phase.name({ ...AROUND, pushToTalk: true }), 'waiting');
  assert.equal(phase.name({ ...AROUND, pushToTalk: true, pressed: true }), 'hearing');
  assert.equal(phase.name({ ...AROUND, status: 'error' }), 'failed');
});

const message = (text) => ({ id: 'a1', role: 'assistant', parts: [{ type: 'text', text, state: 'done' }] });
const sound = (ms) => ({ type: 'audio-delta', itemId: 'i1', delta: 'A'.repeat((ms * 48 * 4) / 3) });

test('words are shown as heard when their sound was', () => {
  const heard = new HeardSoFar(24_000);
  const said = message('one two three four');
  heard.hear({ type: 'audio-transcript-delta', itemId: 'i1', delta: said.parts[0].text }, [said]);
  heard.hear(sound(2000), [said]);
  heard.hear({ type: 'audio-done', itemId: 'i1' }, [said]);

  assert.equal(heard.of(said, 0), undefined);
  heard.played({ itemId: 'i1', ms: 500, done: false });
  assert.deepEqual(heard.of(said, 0), { share: 0.25, cut: null });
  heard.played({ itemId: 'i1', ms: 2000, done: true });
  assert.deepEqual(heard.of(said, 0), { share: 1, cut: null });
});

test('of an interrupted answer no more is shown as heard, whatever is told later', () => {
  const heard = new HeardSoFar(24_000);
  const said = message('x'.repeat(100));
  heard.hear({ type: 'audio-transcript-delta', itemId: 'i1', delta: said.parts[0].text }, [said]);
  heard.hear(sound(1000), [said]);
  heard.hear({ type: 'speech-started' }, [said]);
  heard.hear({ type: 'audio-done', itemId: 'i1' }, [said]);
  heard.interrupted('i1', 650);
  heard.played({ itemId: 'i1', ms: 1000, done: true });

  const { share, cut } = heard.of(said, 0);
  assert.equal(cut, 650);
  assert.ok(share > 0.08 && share < 0.12, `${share}`); // of 100 characters, not of what came
});

test('an interruption of nothing marks nothing', () => {
  assert.equal(new HeardSoFar(24_000).interrupted('i9', 100), false);
});

test('text is split behind a whole word', () => {
  assert.equal(split('one two three', 0), 0);
  assert.equal(split('one two three', 0.4), 'one two'.length);
  assert.equal(split('one two three', 1), 13);
});

test('the chart has a bar for each turn, of two parts', () => {
  const turns = [turn({ from: 'speech', ms: 1200, sinceDetection: 700 }, 1, '')];

  const { most, rects } = bars(turns);

  assert.equal(most, 1200);
  assert.deepEqual(rects.map(({ kind }) => kind), ['noticing', 'answering']);
  assert.ok(Math.abs(rects[0].height + rects[1].height - 31) < 1e-9);
  assert.ok(bars(Array(100).fill(turns[0])).rects.every(({ x }) => x >= 0 && x <= 196));
});

test('waits are told in milliseconds or seconds, and in the middle', () => {
  assert.equal(spelt(431.4), '431 ms');
  assert.equal(spelt(1234), '1.23 s');
  assert.equal(median([{ answered: 5 }, { answered: 1 }, { answered: 3 }]), 3);
  assert.equal(median([]), null);
});

test('money is told only where the gateway tells it', () => {
  assert.equal(money({ dollars: '0.0123' }), '$0.0123');
  assert.equal(money({ dollars: '2.5', estimated: true }), '≈ $2.50');
  assert.equal(money({ dollars: '0', unpriced: ['x/y'] }), '$0.00 + what has no price');
  assert.equal(money(undefined), null);
  assert.deepEqual(counts({ inputTokens: 1200, seconds: 3.4 }), [['Tokens in', '1,200'], ['Time', '3 s']]);
});

test('what is kept of both sides are lines as they were said', () => {
  const told = [];
  const log = new Log((entry) => told.push(entry.type), () => 0);
  log.add('server', '{"type": "session-created",\n "id": 9007199254740993}');
  log.add('client', '{"type":"response-create"}');
  log.add('server', 'no json');

  assert.equal(log.lines('client'), '{"type":"response-create"}\n');
  assert.equal(log.lines('server').split('\n')[0], '{"type": "session-created",  "id": 9007199254740993}');
  assert.deepEqual(told, ['session-created', 'response-create', '']);
});

test('of too many messages the oldest are dropped, and counted', () => {
  const log = new Log(() => {}, () => 0);
  for (let i = 0; i < 20_005; i++) log.add('server', '{"type":"x"}');

  assert.equal(log.entries.length, 20_000);
  assert.equal(log.dropped, 5);
});

test('the inspector finds by words, side and kind', () => {
  const entry = { side: 'server', type: 'text-delta', text: '{"type":"text-delta","delta":"Lisbon"}', audio: false };
  const all = { find: '', side: '', sound: false };

  assert.ok(fits(entry, { ...all, find: 'lisb' }));
  assert.ok(!fits(entry, { ...all, find: 'paris' }));
  assert.ok(!fits(entry, { ...all, side: 'client' }));
  assert.ok(!fits({ ...entry, audio: true }, all));
  assert.ok(fits({ ...entry, audio: true }, { ...all, sound: true }));
});

test('sound is told by its length, and not shown', () => {
  const text = JSON.stringify({ type: 'audio-delta', delta: 'AAAA'.repeat(1600) });

  assert.equal(summary(text), '100 ms of sound');
  assert.ok(readable(text).length < 200);
  assert.equal(summary('{"type":"error","message":"no"}'), 'no');
});

test('a session is asked for as it was chosen, and nothing else', () => {
  const plain = sessionOf({ ...FIRST, tools: '' });
  assert.deepEqual(Object.keys(plain), ['inputAudioTranscription', 'inputAudioFormat', 'outputAudioFormat']);
  const chosen = sessionOf({ ...FIRST, voice: ' en-gb ', turns: 'server-vad', pause: '300' });
  assert.equal(chosen.voice, 'en-gb');
  assert.deepEqual(chosen.turnDetection, { type: 'server-vad', silenceDurationMs: 300 });
  assert.deepEqual(chosen.tools, TOOLS);
  assert.equal(captureOf({ ...FIRST, turns: 'disabled' }).pushToTalk, true);
  const base = 'https://gateway.example/voice/';
  assert.equal(
    String(setupOf({ ...FIRST, model: 'a b' }, base)),
    'https://gateway.example/voice/api/realtime/setup?model=a+b',
  );
});

test('tools that are none are told apart', () => {
  assert.match(readTools('{').wrong, /not JSON/);
  assert.match(readTools('{}').wrong, /list/);
  assert.match(readTools('[{"name": "a b", "parameters": {}}]').wrong, /name/);
  assert.match(readTools('[{"name": "ab"}]').wrong, /parameters/);
  assert.equal(readTools('[{"name": "ab", "parameters": {}}]').tools[0].type, 'function');
});

test('the tools of the page do what they say', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rung = [];
  const world = { rings: (text) => rung.push(text), date: () => new Date(2026, 0, 1, 9, 30) };

  assert.deepEqual(carryOut('get_weather', { city: 'Lisbon' }, world), {
    city: 'Lisbon',
    temperature: 9,
    condition: 'sunny',
  });
  assert.throws(() => carryOut('get_weather', {}, world), /city/);
  assert.equal(carryOut('get_time', {}, world).time.replace(/\s/u, ' '), '9:30 AM');
  assert.equal(carryOut('set_timer', { minutes: 2 }, world).seconds, 120);
  t.mock.timers.tick(120_000);
  assert.deepEqual(rung, ['The timer of 2 min is over.']);
  assert.equal(carryOut('open_the_door', {}, world), undefined);
});

test('every problem of the client has a title and, where there is one, a way out', async () => {
  const { readFile } = await import('node:fs/promises');
  const types = await readFile(
    new URL('../../../../antiphon/gateway/web/antiphon.d.ts', import.meta.url),
    'utf8',
  );
  const [, block] = types.match(/export type ErrorCode =([^;]+);/);
  const misuse = ['tool-failed', 'not-connected', 'already-connected', 'not-capturing', 'overflow'];
  const codes = [...block.matchAll(/'([\w-]+)'/g)].map(([, code]) => code);
  for (const code of codes.filter((one) => !misuse.includes(one)))
    assert.notEqual(advice(code).title, 'Something went wrong', code);
  for (const code of ['gateway-gone', 'limit-reached', 'budget-spent'])
    assert.deepEqual(advice(code).acts, ['again']);
});
