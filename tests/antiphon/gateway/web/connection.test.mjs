/** Connections that are refused, that end, and that are made again. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World, audio, call, created, done, json, settle } from './world.mjs';

const codes = (client) => client.errors.map((error) => error.code);

/** Leaves the first connection to its end and opens the next. */
async function reopen(world, code = 1006, reason = '') {
  world.socket.end(code, reason);
  await world.advance(300);
  world.socket.accept();
  await world.tell({ type: 'session-created' });
}

for (const [status, code] of [
  [401, 'ticket-refused'],
  [403, 'ticket-refused'],
  [402, 'budget-spent'],
  [404, 'setup-failed'],
  [429, 'limit-reached'],
  [503, 'gateway-gone'],
])
  test(`a setup that answers ${status} is ${code}`, async () => {
    const world = new World();
    world.answer = () => json({ error: { message: 'not today' } }, status);
    const client = await world.client({ connect: false });

    assert.equal(await client.connect(), false);

    assert.equal(client.status, 'error');
    assert.deepEqual(codes(client), [code]);
    assert.match(client.error.message, /not today/);
    assert.equal(client.error.status, status);
    assert.equal(world.requests.length, 1);
  });

test('an application that cannot be reached is said to be', async () => {
  const world = new World();
  world.answer = () => {
    throw new TypeError('Failed to fetch');
  };
  const client = await world.client({ connect: false });

  assert.equal(await client.connect(), false);

  assert.deepEqual(codes(client), ['gateway-gone']);
});

for (const [setup, words] of [
  [{ url: 'ws://x/' }, /token/],
  [{ token: ' ', url: 'ws://x/' }, /token/],
  [{ token: 't', url: 'http://x/' }, /WebSocket/],
  [{ token: 't', url: 'ws://x/#a' }, /WebSocket/],
  [{ token: 't', url: 'nothing' }, /url/],
  [{ token: 't', url: 'ws://x/', tools: [{ type: 'function' }] }, /tools/],
])
  test(`a setup that cannot be used is refused: ${JSON.stringify(setup)}`, async () => {
    const world = new World();
    world.answer = () => json(setup);
    const client = await world.client({ connect: false });

    assert.equal(await client.connect(), false);

    assert.deepEqual(codes(client), ['setup-failed']);
    assert.match(client.error.message, words);
  });

test('the ticket is in a subprotocol and nowhere else', async () => {
  const world = new World();
  world.answer = () => json({ token: 'secret.ticket', url: 'ws://127.0.0.1/rt' });
  const client = await world.client();
  world.socket.end(1008, 'no');
  await settle();

  assert.deepEqual(world.socket.protocols, [
    'ai-gateway-realtime.v1',
    'ai-gateway-auth.secret.ticket',
  ]);
  assert.ok(!world.socket.url.includes('secret'));
  assert.ok(!client.errors.some((error) => error.message.includes('secret')));
});

test('the model asked for goes with the request, and the setup may be a function', async () => {
  const world = new World();
  const asked = [];
  const client = await world.client({
    connect: false,
    model: 'local/assistant',
    sessionConfig: { voice: 'x' },
    api: async (what) => (asked.push(what), { token: 't', url: 'ws://127.0.0.1/rt' }),
  });
  client.connect();
  await settle();

  assert.deepEqual(asked, [{ sessionConfig: { voice: 'x' }, model: 'local/assistant' }]);
  assert.equal(world.sockets.length, 1);
});

test("the server's tools take the place of the page's", async () => {
  const world = new World();
  const tools = [{ type: 'function', name: 'look', parameters: {} }];
  world.answer = () => json({ token: 't', url: 'ws://127.0.0.1/rt', tools });
  const client = await world.client({ connect: false, sessionConfig: { tools: [] } });
  client.connect();
  await settle();
  world.socket.accept();

  assert.deepEqual(world.said(), [{ type: 'session-update', config: { tools } }]);
});

test('connect is true once the model is ready', async () => {
  const world = new World();
  const client = await world.client({ connect: false });
  const connecting = client.connect();
  await assert.rejects(client.connect(), { code: 'already-connected' });
  await settle();
  world.socket.accept();
  await world.tell({ type: 'session-created' });

  assert.equal(await connecting, true);
});

test('a model that is not ready in time is given up', async () => {
  const world = new World();
  const client = await world.client({ connect: false });
  const connecting = client.connect();
  await settle();
  world.socket.accept();
  await world.advance(30_000);

  assert.equal(await connecting, false);
  assert.deepEqual(codes(client), ['startup-timeout']);
  assert.equal(world.socket.isClosed, true);
});

test('disconnecting while connecting leaves nothing behind', async () => {
  const world = new World();
  const client = await world.client({ connect: false });
  const connecting = client.connect();
  client.disconnect();
  await settle();

  assert.equal(await connecting, false);
  assert.equal(client.status, 'disconnected');
  assert.deepEqual(codes(client), []);
  assert.ok(world.sockets.every((socket) => socket.isClosed));
  assert.equal(world.contexts.size, 0);
  assert.equal(world.timers.size, 0);
});

for (const [code, reason, expected] of [
  [1008, 'the budget is spent', 'budget-spent'],
  [1008, 'too many sessions', 'limit-reached'],
  [1008, 'the ticket was used', 'ticket-refused'],
  [1008, 'no', 'refused'],
  [4401, '', 'ticket-refused'],
  [4429, '', 'limit-reached'],
  [4000, 'whatever', 'refused'],
  [1009, 'too big', 'refused'],
])
  test(`a session that the server ends with ${code} ${reason} is ${expected}, and not made again`, async () => {
    const world = new World();
    const client = await world.client();
    world.socket.end(code, reason);
    await world.advance(60_000);

    assert.equal(client.status, 'error');
    assert.deepEqual(codes(client), [expected]);
    assert.equal(world.sockets.length, 1);
  });

test('an error that was told before says why the connection ends', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell({ type: 'error', code: 'budget_exceeded', message: 'spent' });
  world.socket.end(1011);
  await world.advance(60_000);

  assert.deepEqual(codes(client), ['budget-spent', 'budget-spent']);
  assert.equal(world.sockets.length, 1);
});

for (const [code, close, expected] of [
  ['insufficient_quota', 1008, 'budget-spent'],
  ['session_idle_timeout', 1008, 'limit-reached'],
  ['session_limit_reached', 1013, 'limit-reached'],
  ['invalid_api_key', 1008, 'ticket-refused'],
])
  test(`what the gateway calls ${code} is ${expected}`, async () => {
    const world = new World();
    const client = await world.client();
    await world.tell({ type: 'error', code, message: 'so it is' });
    world.socket.end(close, 'so it is');
    await world.advance(60_000);

    assert.deepEqual(codes(client), [expected, expected]);
    assert.equal(client.errors[0].serverCode, code);
    assert.equal(world.sockets.length, 1);
  });

test('a session that has lasted as long as it may is over', async () => {
  const world = new World();
  const client = await world.client();
  const raw = { type: 'go-away', code: 'session_expired' };
  await world.tell({ type: 'custom', rawType: 'goAway', raw });
  await world.tell({
    type: 'error',
    code: 'session_expired',
    message: 'a session may last 1500 s',
  });
  world.socket.end(1000);
  await world.advance(60_000);

  assert.equal(client.status, 'disconnected');
  assert.deepEqual(codes(client), ['limit-reached']);
});

test('a WebSocket that cannot even be made does not give the ticket away', async () => {
  const world = new World();
  world.answer = () => json({ token: 'secret ticket', url: 'ws://127.0.0.1/rt' });
  world.platform.WebSocket = class {
    constructor(_, [, shown]) {
      throw new SyntaxError(`The subprotocol '${shown}' is invalid.`);
    }
  };
  const client = await world.client({ connect: false });

  assert.equal(await client.connect(), false);

  assert.deepEqual(codes(client), ['setup-failed']);
  assert.ok(!`${client.error.stack} ${client.error.cause}`.includes('secret'));
});

test('clients of a server that was gone do not come back in step', async () => {
  const world = new World();
  world.platform.random = () => 0;
  const client = await world.client();
  const waits = [];
  client.addEventListener('reconnecting', ({ detail }) => waits.push(detail.delayMs));
  world.answer = () => json({}, 503);
  world.socket.end(1006);
  await world.advance(1000);

  assert.deepEqual(waits.slice(0, 3), [125, 250, 500]);
});

test('a session that the server ends properly is over, once its last word is heard', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell(created(), audio('i1', 500, 'r1', 1000), done());
  world.socket.end(1000);
  await world.advance(100);

  assert.equal(client.status, 'disconnected');
  assert.equal(client.isPlaying, true);
  await world.advance(500);
  assert.equal(client.isPlaying, false);
  assert.equal(world.heard.filter((x) => x).length, 12000);
  assert.equal(world.contexts.size, 0);
});

test('a lost connection is made again with a new ticket, and told the conversation', async () => {
  const world = new World();
  let tickets = 0;
  world.answer = () => json({ token: `t${++tickets}`, url: 'ws://127.0.0.1/rt' });
  const client = await world.client({ onToolCall: () => ({ found: 1 }) });
  const news = [];
  for (const name of ['reconnecting', 'reconnected'])
    client.addEventListener(name, ({ detail }) => news.push([name, detail]));
  client.sendTextMessage('Look!');
  await world.tell(created(), call('c1'), done(), created('r2'));
  await world.tell({
    type: 'audio-transcript-delta',
    responseId: 'r2',
    itemId: 'i2',
    delta: 'Found',
  });
  await world.tell(done('r2'));
  world.said();

  world.socket.end(1006);
  await settle();
  assert.equal(client.status, 'reconnecting');
  await world.advance(249);
  assert.equal(world.sockets.length, 1);
  await world.advance(1);
  world.socket.accept();
  assert.equal(client.status, 'reconnecting');
  await world.tell({ type: 'session-created' });

  assert.equal(client.status, 'connected');
  assert.deepEqual(world.socket.protocols[1], 'ai-gateway-auth.t2');
  const item = (said) => ({ type: 'conversation-item-create', item: said });
  assert.deepEqual(world.said(), [
    { type: 'session-update', config: {} },
    item({ type: 'text-message', role: 'user', text: 'Look!' }),
    item({ type: 'function-call', callId: 'c1', name: 'look', arguments: '{}' }),
    item({ type: 'function-call-output', callId: 'c1', name: 'look', output: '{"found":1}' }),
    item({ type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Found' }] }),
  ]);
  const [[first, { attempt, delayMs, reason }], last] = news;
  assert.deepEqual(
    [first, attempt, delayMs, reason.code],
    ['reconnecting', 1, 250, 'gateway-gone'],
  );
  assert.deepEqual(last, ['reconnected', { replayed: 4 }]);
  assert.deepEqual(codes(client), []);
});

test('a question that nobody has answered is asked again', async () => {
  const world = new World();
  const client = await world.client();
  client.sendTextMessage('Well?');
  await reopen(world);

  assert.deepEqual(
    world.said().map((event) => event.type),
    ['session-update', 'conversation-item-create', 'response-create'],
  );
});

test('what is written meanwhile is told once, and answered', async () => {
  const world = new World();
  const client = await world.client();
  world.socket.end(1006);
  await settle();
  client.sendTextMessage('Still there?');
  assert.throws(() => client.sendEvent({ type: 'context-append' }), { code: 'not-connected' });
  await world.advance(300);
  world.socket.accept();
  await world.tell({ type: 'session-created' });

  assert.deepEqual(
    world.said().map((event) => event.type),
    ['session-update', 'conversation-item-create', 'response-create'],
  );
});

test('a tool that answers meanwhile has its answer told, and the model goes on', async () => {
  const world = new World();
  const client = await world.client({ onToolCall: () => undefined });
  await world.tell(created(), call('c1'));
  world.socket.end(1006);
  await settle();
  client.addToolOutput('c1', 'sunny');
  await world.advance(300);
  world.socket.accept();
  await world.tell({ type: 'session-created' });

  const said = world.said();
  assert.deepEqual(
    said.slice(1).map((event) => event.item?.type ?? event.type),
    ['function-call', 'function-call-output', 'response-create'],
  );
});

test('speech that was committed meanwhile is answered', async () => {
  const world = new World();
  const client = await world.client({ sessionConfig: { turnDetection: { type: 'disabled' } } });
  await client.startAudioCapture({ pushToTalk: true });
  world.socket.end(1006);
  await settle();
  await client.pushToTalk(true);
  await world.microphone.hear(new Float32Array(4800).fill(0.2));
  await client.pushToTalk(false);
  await world.advance(300);
  world.socket.accept();
  await world.tell({ type: 'session-created' });

  const types = world.said().map((event) => event.type);
  assert.deepEqual(
    [types[0], ...new Set(types.slice(1))],
    ['session-update', 'input-audio-append', 'input-audio-commit', 'response-create'],
  );
});

test('ids that a new connection has too mean something else there', async () => {
  const world = new World();
  const client = await world.client();
  const said = (transcript) => ({
    type: 'input-transcription-completed',
    itemId: 'u1',
    transcript,
  });
  const delta = (text) => ({
    type: 'audio-transcript-delta',
    responseId: 'r1',
    itemId: 'i1',
    delta: text,
  });
  await world.tell(said('One?'), created(), delta('One.'), audio('i1', 1000));
  await world.advance(100);
  await reopen(world);
  await world.tell(said('Two?'), created(), delta('Two.'));
  world.said();
  await world.tell({ type: 'speech-started' });

  assert.deepEqual(
    client.messages.map(({ parts }) => parts[0].text),
    ['One?', 'One.', 'Two?', 'Two.'],
  );
  assert.deepEqual(world.said(), []); // the server does not know the item that was cut off
  assert.equal(client.isPlaying, false);
});

test('a server that has said that it goes away is left for another, however it closes', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell({ type: 'custom', rawType: 'goAway', raw: { type: 'go-away' } });
  world.socket.end(1000);
  await settle();

  assert.equal(client.status, 'reconnecting');
});

test('of an answer that was cut off, only what was heard is told', async () => {
  const world = new World();
  await world.client();
  const delta = 'one two three four five six seven eight';
  await world.tell(created(), {
    type: 'audio-transcript-delta',
    responseId: 'r1',
    itemId: 'i1',
    delta,
  });
  await world.tell(audio('i1', 1000));
  await world.advance(500);
  await world.tell({ type: 'speech-started' }, done('r1', 'cancelled'));
  await reopen(world);

  const [, { item }] = world.said();
  assert.deepEqual(item.content, [{ type: 'text', text: 'one two three four' }]);
});

test('speech that has come is played on while the connection is made again', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell(created(), audio('i1', 1000, 'r1', 500));
  await world.advance(200);
  world.socket.end(1006);
  await world.advance(100);

  assert.equal(client.status, 'reconnecting');
  assert.equal(client.isPlaying, true);
  await world.advance(1000);
  assert.equal(world.heard.filter((x) => x).length, 24000);
});

test('what the user says meanwhile is kept, up to a bound', async () => {
  const world = new World();
  const client = await world.client({ reconnect: { heldMs: 1000 } });
  await client.startAudioCapture();
  world.socket.end(1006);
  await settle();
  for (let i = 0; i < 30; i++) await world.microphone.hear(new Float32Array(2400).fill(i / 100));
  await world.advance(300);
  world.socket.accept();
  assert.equal(world.said().length, 1);
  await world.tell({ type: 'session-created' });

  const said = world.said().filter((event) => event.type === 'input-audio-append');
  assert.equal(said.length, 50);
  const first = Buffer.from(said[0].audio, 'base64').readInt16LE(0);
  assert.equal(first, Math.round(0.2 * 32768));
  assert.equal(client.droppedInputMs, 2000);
});

test('waits grow, are bounded, and end after so many attempts', async () => {
  const world = new World();
  const client = await world.client({ reconnect: { attempts: 5, firstMs: 100, longestMs: 500 } });
  const waits = [];
  client.addEventListener('reconnecting', ({ detail }) => waits.push(detail.delayMs));
  world.answer = () => json({}, 503);
  world.socket.end(1006);
  await world.advance(10_000);

  assert.deepEqual(waits, [100, 200, 400, 500, 500]);
  assert.equal(client.status, 'error');
  assert.deepEqual(codes(client), ['gateway-gone']);
  assert.equal(world.timers.size, 0);
});

test('connections that do not hold do not begin the row anew', async () => {
  const world = new World();
  const client = await world.client({ reconnect: { attempts: 3 } });
  const attempts = [];
  client.addEventListener('reconnecting', ({ detail }) => attempts.push(detail.attempt));
  await reopen(world);
  world.socket.end(1006);
  await world.advance(600);
  world.socket.accept();
  await world.tell({ type: 'session-created' });
  await world.advance(10_000);
  await reopen(world);

  assert.deepEqual(attempts, [1, 2, 1]);
});

test('a ticket that is refused meanwhile ends it', async () => {
  const world = new World();
  const client = await world.client();
  world.answer = () => json({}, 401);
  world.socket.end(1006);
  await world.advance(60_000);

  assert.equal(client.status, 'error');
  assert.deepEqual(codes(client), ['ticket-refused']);
  assert.equal(world.requests.length, 2);
});

test('a server that asks for patience is given it', async () => {
  const world = new World();
  const client = await world.client();
  const waits = [];
  client.addEventListener('reconnecting', ({ detail }) => waits.push(detail.delayMs));
  world.answer = () => json({}, 503, { 'retry-after': '7' });
  world.socket.end(1012);
  await world.advance(5000);

  assert.deepEqual(waits, [250, 7000]);
  client.disconnect();
  await settle();
  assert.equal(client.status, 'disconnected');
  assert.equal(world.timers.size, 0);
});

test('without reconnecting a lost connection is an error', async () => {
  const world = new World();
  const client = await world.client({ reconnect: false });
  world.socket.end(1006);
  await world.advance(10_000);

  assert.equal(client.status, 'error');
  assert.deepEqual(codes(client), ['gateway-gone']);
});

test('a continuous model is started and closed in its own way', async () => {
  const world = new World();
  const client = await world.client({ connect: false, continuous: true });
  client.connect();
  await settle();
  world.socket.accept();
  await world.tell({ type: 'session-started', sessionId: 's' });
  assert.equal(client.status, 'connected');
  await world.tell({ type: 'transcript-fragment', speaker: 'user', delta: 'Hel' });
  await world.tell({ type: 'transcript-fragment', speaker: 'user', delta: 'lo' });
  assert.equal(client.messages[0].parts[0].text, 'Hello');

  const closing = client.close();
  assert.equal(client.status, 'closing');
  await world.tell({ type: 'session-closed', usage: { seconds: 7 } });
  await closing;

  assert.deepEqual(
    world.said().map((event) => event.type),
    ['session-start', 'session-close'],
  );
  assert.equal(client.status, 'disconnected');
  assert.deepEqual(client.usage, { seconds: 7 });
});

test('what the responses cost is added up', async () => {
  const world = new World();
  const client = await world.client();
  await world.tell(
    created(),
    done('r1', 'completed', { usage: { inputTokens: 3, outputTokens: 4 } }),
  );
  await world.tell(created('r2'), done('r2', 'completed', { usage: { inputTokens: 10 } }));

  assert.deepEqual(client.usage, { inputTokens: 13, outputTokens: 4 });
});

test('a snapshot stays the same until something changes, and listeners are told once', async () => {
  const world = new World();
  const client = await world.client();
  const before = client.getSnapshot();
  assert.equal(client.getSnapshot(), before);
  let told = 0;
  const leave = client.subscribe(() => (told += 1));
  client.sendTextMessage('Hi');
  await settle();

  assert.equal(told, 1);
  assert.notEqual(client.getSnapshot(), before);
  assert.equal(before.messages.length, 0);
  leave();
  client.sendTextMessage('Ho');
  await settle();
  assert.equal(told, 1);
});

test('a handler of the page that fails ends nothing', async (t) => {
  t.mock.method(console, 'error', () => {});
  const world = new World();
  const client = await world.client({
    onEvent: () => {
      throw new Error('a mistake');
    },
  });
  await world.tell(created());

  assert.equal(client.status, 'connected');
  assert.ok(console.error.mock.callCount() > 0);
});
