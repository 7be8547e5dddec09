// Asks a model through Opper, in writing or by a WAV file, and keeps its spoken answer.

import {readFile, writeFile} from 'node:fs/promises';
import WebSocket from 'ws';
import {readWav, wav} from './wav.mjs';

const OPPER = process.env.OPPER_URL ?? 'http://127.0.0.1:8080';
const KEY = process.env.OPPER_API_KEY ?? 'any';
const MODEL = process.env.MODEL ?? 'openai/gpt-realtime-2';
const CHUNK = 32_768;

const [asked = 'What can you do?', reply = 'reply.wav'] = process.argv.slice(2);
const spoken = asked.endsWith('.wav') ? readWav(await readFile(asked)) : undefined;

// A ticket, good for one session that begins within a minute. What it binds, its holder cannot
// change.
const minted = await fetch(`${OPPER}/v3/realtime-sessions`, {
  method: 'POST',
  headers: {authorization: `Bearer ${KEY}`, 'content-type': 'application/json'},
  body: JSON.stringify({config: {model: MODEL, instructions: 'Be brief.'}, ttl_seconds: 60}),
});
if (!minted.ok) throw new Error(`no ticket: ${minted.status} ${await minted.text()}`);
const {client_secret: ticket} = await minted.json();

const socket = new WebSocket(`${OPPER.replace(/^http/, 'ws')}/v3/realtime`, [
  `opper-ticket.${ticket}`,
]);
const send = event => socket.send(JSON.stringify(event));
const heard = [];
let rate = 24_000;
let said = '';

socket.on('open', () => {
  // A file ends where it ends.
  const config = {input_transcription: true, turn_detection: {type: 'none'}};
  send({type: 'session.start', config});
});

socket.on('message', message => {
  const event = JSON.parse(message);
  switch (event.type) {
    case 'session.started':
      rate = event.output_sample_rate;
      ask(event.input_sample_rate);
      break;
    case 'transcript.committed':
      console.log(`you: ${event.transcript}`);
      break;
    case 'audio.delta':
      heard.push(Buffer.from(event.audio, 'base64'));
      break;
    case 'text.delta':
      said += event.delta;
      break;
    case 'error':
    case 'session.terminating':
      fail(event.message ?? event.error?.message ?? event.type);
      break;
    case 'response.completed':
    case 'response.done':
      console.log(`it:  ${said}`);
      socket.close();
  }
});

socket.on('error', error => console.error(error.message));
socket.on('close', async (code, reason) => {
  if (heard.length === 0) {
    console.error(`nothing was heard: ${code} ${reason}`);
    process.exit(1);
  }
  await writeFile(reply, wav(Buffer.concat(heard), rate));
  console.log(`heard in ${reply}`);
});

function ask(taken) {
  if (spoken && spoken.rate !== taken)
    return fail(`the session takes ${taken} Hz: sox in.wav -r ${taken} out.wav`);
  if (spoken) {
    for (let at = 0; at < spoken.pcm.length; at += CHUNK)
      send({type: 'audio.append', audio: spoken.pcm.toString('base64', at, at + CHUNK)});
    send({type: 'audio.commit'});
  } else {
    send({type: 'text.input', text: asked});
  }
  send({type: 'response.create'});
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
  socket.close();
}
