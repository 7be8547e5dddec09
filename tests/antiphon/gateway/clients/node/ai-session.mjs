// A page on the AI SDK: what its hook does, without React around it.

import {createGateway} from '@ai-sdk/gateway';
import {createGoogle} from '@ai-sdk/google';
import {createOpenAI} from '@ai-sdk/openai';
import {createXai} from '@ai-sdk/xai';
import {Experimental_AbstractRealtimeSession} from 'ai';
import {keep, provider, quiet, say, told} from './page.mjs';
import {converse, INSTRUCTIONS} from './talk.mjs';

const models = {
  gateway: [createGateway, 'openai/gpt-realtime-2'],
  openai: [createOpenAI, 'gpt-realtime'],
  xai: [createXai, 'grok-voice-latest'],
  google: [createGoogle, 'gemini-3.8-live'],
};
const [create, name] = models[provider];

class Session extends Experimental_AbstractRealtimeSession {
  status = 'disconnected';
  messages = [];
  hushed = 0;

  setState(key, value) {
    this[key] = value;
    if (key === 'isPlaying' && !value) this.hushed = performance.now();
    if (key === 'status') told.tell(value === 'connected' ? 'ready' : value);
  }
}

const rate = provider === 'google' ? 16_000 : 24_000;
const session = new Session({
  model: create().experimental_realtime(name),
  api: {token: `/ai/${provider}?model=${name}`},
  sessionConfig: {
    instructions: INSTRUCTIONS,
    inputAudioFormat: {type: 'audio/pcm', rate},
    outputAudioFormat: {type: 'audio/pcm', rate: 24_000},
    inputAudioTranscription: {},
    outputAudioTranscription: {},
    turnDetection: {type: 'server-vad'},
  },
  onToolCall: async ({toolCall}) => told.weather(toolCall.args),
  onEvent: event => {
    // It has stopped what it played before it tells of this.
    if (event.type === 'speech-started' && performance.now() - session.hushed < 50)
      told.tell('interrupted');
    if (event.type === 'input-transcription-completed')
      told.tell('user', {text: event.transcript});
    if (event.type === 'custom' && event.rawType === 'conversation.item.truncated') {
      const {audio_end_ms, audioEnd} = event.raw; // the provider's, or the gateway's own
      told.tell('truncated', {ms: audio_end_ms ?? audioEnd / 1000});
    }
    if (event.type === 'response-done') {
      const last = session.messages.at(-1);
      const text = last?.role === 'assistant'
        ? last.parts.filter(({type}) => type === 'text').map(({text}) => text).join('')
        : '';
      told.tell('answer', {text, status: event.status});
    }
  },
  onError: ({message}) => told.tell('error', {message}),
});

await session.connect();
session.startAudioCapture(await navigator.mediaDevices.getUserMedia({audio: true}));

await converse(told, {
  write: text => session.sendTextMessage(text),
  say,
  quiet,
  close: async () => {
    await keep();
    await session.close();
    told.tell('messages', {roles: session.messages.map(({role}) => role)});
  },
});
