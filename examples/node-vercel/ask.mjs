// Asks a model through an AI Gateway, in writing or by a WAV file, and keeps its spoken answer.

import {readFile, writeFile} from 'node:fs/promises';
import WebSocket from 'ws';
import {readWav, wav} from './wav.mjs';

const GATEWAY = process.env.AI_GATEWAY_URL ?? 'http://127.0.0.1:8080';
const KEY = process.env.AI_GATEWAY_API_KEY ?? 'any';
const MODEL = process.env.MODEL ?? 'openai/gpt-realtime-2';
const CHUNK = 32_768;

const [asked = 'What can you do?', reply = 'reply.wav'] = process.argv.slice(2);
const spoken = asked.endsWith('.wav') ? readWav(await readFile(asked)) : undefined;

// A ticket, good for one session that begins within a minute. A browser would be given it.
const minted = await fetch(`${GATEWAY}/v1/realtime/client-secrets`, {
  method: 'POST',
  headers: {authorization: `Bearer ${KEY}`, 'content-type': 'application/json'},
  body: JSON.stringify({model: MODEL, expiresIn: 60}),
});
if (!minted.ok) throw new Error(`no ticket: ${minted.status} ${await minted.text()}`);
const {token} = await minted.json();

const socket = new WebSocket(
  `${GATEWAY.replace(/^http/, 'ws')}/v4/ai/realtime-model?ai-model-id=${encodeURIComponent(MODEL)}`,
  ['ai-gateway-realtime.v1', `ai-gateway-auth.${token}`],
);
const send = event => socket.send(JSON.stringify(event));
const heard = [];
let begun = false;

socket.on('open', () => {
  const config = {
    instructions: 'Be brief.',
    outputAudioFormat: {type: 'audio/pcm', rate: 24_000},
    inputAudioTranscription: {},
    turnDetection: {type: 'disabled'}, // A file ends where it ends.
  };
  if (spoken) config.inputAudioFormat = {type: 'audio/pcm', rate: spoken.rate};
  send({type: 'session-update', config});
});

socket.on('message', message => {
  const event = JSON.parse(message);
  switch (event.type) {
    case 'session-updated':
      if (!begun) ask();
      begun = true;
      break;
    case 'input-transcription-completed':
      console.log(`you: ${event.transcript}`);
      break;
    case 'audio-delta':
      heard.push(Buffer.from(event.delta, 'base64'));
      break;
    case 'audio-transcript-done':
      console.log(`it:  ${event.transcript}`);
      break;
    case 'error':
      console.error(event.message);
      process.exitCode = 1;
      socket.close();
      break;
    case 'response-done':
      socket.close();
  }
});

socket.on('error', error => console.error(error.message));
socket.on('close', async (code, reason) => {
  if (heard.length === 0) {
    console.error(`nothing was heard: ${code} ${reason}`);
    process.exit(1);
  }
  await writeFile(reply, wav(Buffer.concat(heard), 24_000));
  console.log(`heard in ${reply}`);
});

function ask() {
  if (spoken) {
    for (let at = 0; at < spoken.pcm.length; at += CHUNK)
      send({type: 'input-audio-append', audio: spoken.pcm.toString('base64', at, at + CHUNK)});
    send({type: 'input-audio-commit'});
  } else {
    const item = {type: 'text-message', role: 'user', text: asked};
    send({type: 'conversation-item-create', item});
  }
  send({type: 'response-create'});
}
