// A page on `@elevenlabs/client`: an agent, by WebSocket.

import {Conversation} from '@elevenlabs/client';
import {keep, quiet, say, told} from './page.mjs';
import {converse, WEATHER} from './talk.mjs';

const AGENT = 'agent_weather';

const {signed_url: signedUrl} = await (await fetch(`/elevenlabs/${AGENT}`)).json();
told.tell('minted', {url: new URL(signedUrl).pathname});

const conversation = await Conversation.startSession({
  signedUrl,
  connectionType: 'websocket',
  clientTools: {[WEATHER.name]: told.weather},
  onConnect: ({conversationId}) => told.tell('ready', {conversationId}),
  onDisconnect: ({reason}) => told.tell('closed', {reason}),
  onError: message => told.tell('error', {message}),
  onInterruption: () => told.tell('interrupted'),
  onAgentResponseCorrection: ({corrected_agent_response: text}) => told.tell('corrected', {text}),
  onMessage: ({role, message: text}) => told.tell(role === 'user' ? 'user' : 'answer', {text}),
  onDebug: event => told.tell('debug', {event}),
});

await converse(told, {
  write: text => conversation.sendUserMessage(text),
  say,
  quiet,
  close: async () => {
    await keep();
    await conversation.endSession();
  },
});
