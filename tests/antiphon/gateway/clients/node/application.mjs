// An application with pages, which buys for them what they connect to the gateway with.

import {createGateway} from '@ai-sdk/gateway';
import {createGoogle} from '@ai-sdk/google';
import {createOpenAI} from '@ai-sdk/openai';
import {createXai} from '@ai-sdk/xai';
import {realtimeToken} from '@tanstack/ai';
import {geminiRealtimeToken} from '@tanstack/ai-gemini';
import {grokRealtimeToken} from '@tanstack/ai-grok';
import {openaiRealtimeToken} from '@tanstack/ai-openai';
import {build} from 'esbuild';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {join} from 'node:path';
import {base, folder, key, speech} from './machine.mjs';
import {reroute} from './reroute.mjs';
import {WEATHER} from './talk.mjs';

const port = Number(process.argv[6]);

const models = {
  gateway: createGateway({baseURL: `${base}/v4/ai`, apiKey: key}),
  openai: createOpenAI({baseURL: `${base}/v1`, apiKey: key}),
  xai: createXai({baseURL: `${base}/xai/v1`, apiKey: key}),
  google: createGoogle({baseURL: `${base}/v1beta`, apiKey: key}),
};

// These providers' packages write wss and no path, whatever the base URL is.
const urls = {
  openai: model => `${base.replace('http', 'ws')}/v1/realtime?model=${model}`,
  xai: model => `${base.replace('http', 'ws')}/xai/v1/realtime?model=${model}`,
};

const tokens = {
  openai: () => openaiRealtimeToken({model: 'gpt-realtime'}),
  grok: () => grokRealtimeToken({model: 'grok-voice-think-fast-2.0'}),
  gemini: () => geminiRealtimeToken(),
};
for (const name of ['OPENAI', 'XAI', 'GEMINI']) process.env[`${name}_API_KEY`] = key;

globalThis.fetch = reroute(fetch, base); // of TanStack's adapters no URL can be set

const bundles = {};

const bundle = async name => {
  const {outputFiles} = await build({
    entryPoints: [join(import.meta.dirname, `${name}.mjs`)],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    define: {'process.env.NODE_ENV': '"production"'},
    write: false,
    logLevel: 'error',
  });
  return outputFiles[0].contents;
};

const errands = {
  // What `experimental_useRealtime` asks for, see `api.token`.
  async ai(provider, body, query) {
    const model = query.get('model');
    const {sessionConfig} = JSON.parse(body);
    const setup = await models[provider].experimental_realtime.getToken({
      model,
      sessionConfig: {...sessionConfig, tools: [{type: 'function', ...WEATHER}]},
    });
    const tools = [{type: 'function', ...WEATHER}];
    return {...setup, url: urls[provider]?.(model) ?? setup.url, tools};
  },

  tanstack: provider => realtimeToken({adapter: tokens[provider]()}),

  async agents() {
    const answer = await fetch(`${base}/v1/realtime/client_secrets`, {
      method: 'POST',
      headers: {authorization: `Bearer ${key}`, 'content-type': 'application/json'},
      body: JSON.stringify({session: {type: 'realtime', model: 'gpt-realtime'}}),
    });
    return await answer.json();
  },

  async elevenlabs(agent) {
    const url = `${base}/v1/convai/conversation/get-signed-url?agent_id=${agent}`;
    return await (await fetch(url, {headers: {'xi-api-key': key}})).json();
  },

  heard(name, body) {
    mkdirSync(folder, {recursive: true});
    const wav = join(folder, `${name}.wav`);
    writeFileSync(wav, body);
    return {wav};
  },
};

const answer = async request => {
  const {pathname, searchParams} = new URL(request.url, 'http://here');
  const [first, second] = pathname.slice(1).split('/');
  if (first in errands) {
    const body = Buffer.concat(await request.toArray());
    return ['application/json', JSON.stringify(await errands[first](second, body, searchParams))];
  }
  if (first === 'speech') return ['audio/wav', readFileSync(join(speech, '48000', second))];
  const [name, kind] = first.split('.');
  if (kind === 'js') return ['text/javascript', await (bundles[name] ??= bundle(name))];
  return ['text/html', `<!doctype html><script type="module" src="/${name}.js"></script>`];
};

createServer(async (request, response) => {
  try {
    const [type, content] = await answer(request);
    response.writeHead(200, {'content-type': type}).end(content);
  } catch (error) {
    console.error(error);
    response.writeHead(500, {'content-type': 'application/json'})
      .end(JSON.stringify({error: `${error}`}));
  }
}).listen(port, '127.0.0.1');
