// A server application on `@openai/agents-realtime`, by WebSocket.

import {
  OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool,
} from '@openai/agents-realtime';
import {z} from 'zod';
import {base, key, Loudspeaker, Microphone} from './machine.mjs';
import {converse, INSTRUCTIONS, Told, WEATHER} from './talk.mjs';

const told = new Told();
const speaker = new Loudspeaker(24_000);

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
const transport = new OpenAIRealtimeWebSocket({
  url: `${base.replace('http', 'ws')}/v1/realtime?model=gpt-realtime`,
});
const session = new RealtimeSession(agent, {transport, model: 'gpt-realtime'});

session.on('audio_start', () => told.tell('speaks'));
session.on('audio', ({data}) => speaker.play(Buffer.from(data)));
session.on('audio_interrupted', () => {
  speaker.stop();
  told.tell('interrupted');
});
session.on('agent_end', (context, agent, text) => told.tell('answer', {text}));
session.on('error', ({error}) => told.tell('error', {message: JSON.stringify(error)}));
session.on('transport_event', event => {
  if (event.type === 'session.updated') told.tell('ready');
  if (event.type === 'conversation.item.input_audio_transcription.completed')
    told.tell('user', {text: event.transcript});
  if (event.type === 'conversation.item.truncated')
    told.tell('truncated', {ms: event.audio_end_ms});
});

await session.connect({apiKey: key});
const microphone = new Microphone(24_000, pcm => session.sendAudio(new Uint8Array(pcm).buffer));

await converse(told, {
  write: text => session.sendMessage(text),
  say: name => microphone.say(name),
  quiet: speaker.quiet,
  close: () => {
    microphone.stop();
    told.tell('history', {
      items: session.history.map(({type, role, status}) => ({type, role, status})),
    });
    speaker.keep(told, 'agents-websocket');
    session.close();
  },
});
