// A page on TanStack AI.

import {toolDefinition} from '@tanstack/ai';
import {RealtimeClient} from '@tanstack/ai-client';
import {geminiRealtime} from '@tanstack/ai-gemini';
import {grokRealtime} from '@tanstack/ai-grok';
import {openaiRealtime} from '@tanstack/ai-openai';
import {keep, provider, quiet, say, told} from './page.mjs';
import {converse, INSTRUCTIONS, WEATHER} from './talk.mjs';

const adapters = {openai: openaiRealtime, grok: grokRealtime, gemini: geminiRealtime};

const {name, description, parameters} = WEATHER;
const weather = toolDefinition({name, description, inputSchema: parameters});

const client = new RealtimeClient({
  getToken: async () => {
    const token = await (await fetch(`/tanstack/${provider}`, {method: 'POST'})).json();
    told.tell('minted', {provider: token.provider, model: token.config.model});
    return token;
  },
  adapter: adapters[provider](),
  instructions: INSTRUCTIONS,
  tools: [weather.client(told.weather)],
  outputModalities: ['audio', 'text'],
  onStatusChange: status => told.tell('status', {status}),
  onConnect: () => told.tell('ready'),
  onDisconnect: () => told.tell('closed'),
  onInterrupted: () => told.tell('interrupted'),
  onError: ({message}) => told.tell('error', {message}),
  onMessage: ({role, parts}) => {
    const text = parts.map(part => part.transcript || part.content || '').join('');
    told.tell(role === 'user' ? 'user' : 'answer', {text});
  },
});

// Of a transcript that comes in pieces this is all that is shown.
let pending = null;
client.onStateChange(({pendingUserTranscript: text}) => {
  if (text && text !== pending) told.tell('user', {text});
  pending = text;
});

await client.connect();

await converse(told, {
  write: text => client.sendText(text),
  say,
  quiet,
  close: async () => {
    await keep();
    await client.disconnect();
  },
});
