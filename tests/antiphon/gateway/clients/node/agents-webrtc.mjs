// A page on `@openai/agents-realtime`, by WebRTC.

import {OpenAIRealtimeWebRTC, RealtimeAgent, RealtimeSession, tool} from '@openai/agents-realtime';
import {z} from 'zod';
import {base, keep, quiet, say, told} from './page.mjs';
import {converse, INSTRUCTIONS, WEATHER} from './talk.mjs';

const agent = new RealtimeAgent({
  name: 'Assistant',
  instructions: INSTRUCTIONS,
  tools: [
    tool({
      name: WEATHER.name,
      description: WEATHER.description,
      parameters: z.object({city: z.string()}),
      execute: async asked => JSON.stringify(told.weather(asked)),
    }),
  ],
});
const transport = new OpenAIRealtimeWebRTC({baseUrl: `${base}/v1/realtime/calls`});
const session = new RealtimeSession(agent, {transport, model: 'gpt-realtime'});

session.on('agent_end', (context, agent, text) => told.tell('answer', {text}));
session.on('error', ({error}) => told.tell('error', {message: JSON.stringify(error)}));
session.on('transport_event', event => {
  if (event.type === 'session.updated') told.tell('updated');
  if (event.type === 'conversation.item.input_audio_transcription.completed')
    told.tell('user', {text: event.transcript});
  if (event.type.startsWith('output_audio_buffer')) told.tell(event.type);
  // In a call it is the server that plays, and knows what was heard.
  if (event.type === 'conversation.item.truncated') {
    told.tell('truncated', {ms: event.audio_end_ms});
    told.tell('interrupted');
  }
});

const {value} = await (await fetch('/agents', {method: 'POST'})).json();
told.tell('minted', {token: value.slice(0, 3)});
await session.connect({apiKey: value});
told.tell('ready', {call: transport.callId});

await converse(told, {
  write: text => session.sendMessage(text),
  say,
  quiet,
  close: async () => {
    await keep();
    session.close();
  },
});
