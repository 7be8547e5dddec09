// An application on `@google/genai`: its server mints a token, with which it connects.

import {GoogleGenAI, Modality} from '@google/genai';
import {base, key, Loudspeaker, Microphone} from './machine.mjs';
import {converse, INSTRUCTIONS, Told, WEATHER} from './talk.mjs';

const MODEL = 'gemini-3.1-flash-live-preview';

const told = new Told();
const speaker = new Loudspeaker(24_000);

const server = new GoogleGenAI({
  apiKey: key,
  httpOptions: {baseUrl: base, apiVersion: 'v1alpha'},
});
const token = await server.authTokens.create({
  config: {
    uses: 1,
    expireTime: new Date(Date.now() + 30 * 60_000).toISOString(),
    liveConnectConstraints: {model: MODEL, config: {systemInstruction: INSTRUCTIONS}},
    lockAdditionalFields: [], // nothing but these
  },
});
told.tell('minted', {name: token.name});

const client = new GoogleGenAI({
  apiKey: token.name,
  httpOptions: {baseUrl: base, apiVersion: 'v1alpha'},
});
let text = '';
let speaking = false;
const session = await client.live.connect({
  model: MODEL,
  config: {
    responseModalities: [Modality.AUDIO],
    inputAudioTranscription: {},
    outputAudioTranscription: {},
    tools: [{functionDeclarations: [
      {
        name: WEATHER.name,
        description: WEATHER.description,
        parametersJsonSchema: WEATHER.parameters,
      },
    ]}],
  },
  callbacks: {
    onmessage: message => {
      if (message.data) {
        if (!speaking) told.tell('speaks');
        speaking = true;
        speaker.play(Buffer.from(message.data, 'base64'));
      }
      const content = message.serverContent;
      if (content?.inputTranscription?.text)
        told.tell('user', {text: content.inputTranscription.text});
      text += content?.outputTranscription?.text ?? '';
      if (content?.interrupted) {
        speaker.stop();
        told.tell('interrupted');
      }
      if (content?.turnComplete || content?.interrupted) {
        if (content.turnComplete) told.tell('answer', {text});
        text = '';
        speaking = false;
      }
      for (const {id, name, args} of message.toolCall?.functionCalls ?? [])
        session.sendToolResponse({functionResponses: [{id, name, response: told.weather(args)}]});
    },
    onerror: ({message}) => told.tell('error', {message}),
    onclose: ({code, reason}) => told.tell('closed', {code, reason}),
  },
});
told.tell('ready');
const microphone = new Microphone(16_000, pcm => session.sendRealtimeInput(
  {audio: {data: pcm.toString('base64'), mimeType: 'audio/pcm;rate=16000'}}));

await converse(told, {
  write: text => session.sendClientContent({turns: text, turnComplete: true}),
  say: name => microphone.say(name),
  quiet: speaker.quiet,
  close: () => {
    microphone.stop();
    speaker.keep(told, 'genai');
    session.close();
  },
});
