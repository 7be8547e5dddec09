/** Tools, and the conversation as messages. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World, call, created, done, settle } from './world.mjs';

const outputs = (said) =>
  said.flatMap(({ item }) => (item?.callId ? [[item.callId, JSON.parse(item.output)]] : []));

const asked = (said) => said.filter((event) => event.type === 'response-create').length;

test('a call is run once, however often it is said', async () => {
  const world = new World();
  let runs = 0;
  await world.client({ onToolCall: () => ++runs });
  await world.tell(created(), call('c1'), call('c1'), done());

  const said = world.said();
  assert.deepEqual([runs, outputs(said), asked(said)], [1, [['c1', 1]], 1]);
});

test('a tool that takes its time is answered after the response, and then the model goes on', async () => {
  const world = new World();
  let finish;
  const working = new Promise((resolve) => (finish = resolve));
  await world.client({ onToolCall: () => working });
  await world.tell(created(), call('c1'), call('c2'), done());
  assert.deepEqual(world.said(), []);
  finish('sunny');
  await settle();

  const said = world.said();
  assert.deepEqual(outputs(said), [
    ['c1', 'sunny'],
    ['c2', 'sunny'],
  ]);
  assert.equal(asked(said), 1);
});

test('while another response runs the model is not asked to go on', async () => {
  const world = new World();
  const client = await world.client({ onToolCall: () => undefined });
  await world.tell(created(), call('c1'), done(), created('r2'));
  client.addToolOutput('c1', 1);
  assert.equal(asked(world.said()), 0);
  await world.tell(done('r2'));

  assert.equal(asked(world.said()), 1);
});

test('a tool that nobody has, and arguments that are none, are told to the model', async () => {
  const world = new World();
  const without = await world.client();
  await world.tell(created(), call('c1'), done());
  assert.match(outputs(world.said())[0][1].error, /nothing here does look/);
  assert.equal(without.errors[0].code, 'tool-failed');

  const other = new World();
  const client = await other.client({ onToolCall: () => 1 });
  await other.tell(created(), call('c1', 'look', '{bad'), done());
  assert.match(outputs(other.said())[0][1].error, /no JSON/);
  assert.equal(client.messages[0].parts[0].state, 'output-error');
});

test('a call has one output', async () => {
  const world = new World();
  const client = await world.client({ onToolCall: () => undefined });
  await world.tell(created(), call('c1'));
  client.addToolOutput('c1', 1);

  assert.throws(() => client.addToolOutput('c1', 2), { code: 'tool-failed' });
});

test('a call that the model no longer wants is answered without going on', async () => {
  const world = new World();
  const client = await world.client({ onToolCall: () => undefined });
  const raw = { type: 'function-call-cancelled', callIds: ['c1'] };
  await world.tell(
    created(),
    call('c1'),
    { type: 'custom', rawType: 'toolCallCancellation', raw },
    done(),
  );

  assert.throws(() => client.addToolOutput('c1', 2), { code: 'tool-failed' });
  assert.equal(asked(world.said()), 0);
});

test('what a tool gives after the session was disconnected is given to nobody', async () => {
  const world = new World();
  let finish;
  const client = await world.client({
    onToolCall: () => new Promise((resolve) => (finish = resolve)),
  });
  await world.tell(created(), call('c1'));
  client.disconnect();
  finish(1);
  await settle();

  assert.deepEqual(client.errors, []);
});

test('what the user says is shown as it is understood', async () => {
  const world = new World();
  const client = await world.client();
  const partly = (raw) => ({
    type: 'custom',
    rawType: 'conversation.item.input_audio_transcription.delta',
    raw: { type: 'input-transcription-delta', itemId: 'u1', ...raw },
  });
  const texts = () =>
    client.messages.map(({ role, parts: [{ text, state }] }) => [role, text, state]);
  await world.tell({ type: 'audio-committed', itemId: 'u1' }, created());
  await world.tell({ type: 'text-delta', itemId: 'i1', delta: 'Fine' });
  await world.tell(
    partly({ delta: 'How ' }),
    partly({ delta: 'a' }),
    partly({ delta: 're', restart: true }),
  );
  assert.deepEqual(texts(), [
    ['user', 're', 'streaming'],
    ['assistant', 'Fine', 'streaming'],
  ]);

  await world.tell({
    type: 'input-transcription-completed',
    itemId: 'u1',
    transcript: 'How are you?',
  });
  await world.tell(partly({ delta: 'late' }));
  assert.deepEqual(texts(), [
    ['user', 'How are you?', 'done'],
    ['assistant', 'Fine', 'streaming'],
  ]);
});

test('turns of the user keep their order, however late their words come', async () => {
  const world = new World();
  const client = await world.client();
  const said = (itemId) => ({ type: 'input-transcription-completed', itemId, transcript: itemId });
  const commit = (itemId) => ({ type: 'audio-committed', itemId });
  await world.tell(
    commit('u1'),
    commit('u2'),
    { type: 'text-delta', itemId: 'i1', delta: 'x' },
    commit('u3'),
  );
  await world.tell(said('u3'), said('u1'), said('u2'));

  assert.deepEqual(
    client.messages.map((message) => message.id),
    ['user-u1', 'user-u2', 'assistant-1', 'user-u3'],
  );
});

test('a word after the end of its response goes where its text is', async () => {
  const world = new World();
  const client = await world.client();
  const delta = (text) => ({ type: 'audio-transcript-delta', itemId: 'i1', delta: text });
  await world.tell(created(), delta('one '), done(), delta('two'));

  assert.deepEqual(
    client.messages.map(({ parts }) => parts.map(({ text }) => text)),
    [['one two']],
  );
});

test('messages that change are new objects, and the others are not', async () => {
  const world = new World();
  const client = await world.client();
  client.sendTextMessage('Hi');
  await world.tell({ type: 'text-delta', itemId: 'i1', delta: 'a' });
  const [user, before] = client.messages;
  await world.tell({ type: 'text-delta', itemId: 'i1', delta: 'b' });

  assert.equal(client.messages[0], user);
  assert.notEqual(client.messages[1], before);
  assert.equal(before.parts[0].text, 'a');
});
