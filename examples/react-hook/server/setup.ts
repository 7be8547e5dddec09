// The setup endpoint, which in an application is its own: it keeps the key, and buys the page a
// ticket with it. Whoever may not talk to the assistant is to be turned away here.

import {createGateway} from '@ai-sdk/gateway';
import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Plugin} from 'vite';
import {MODEL} from '../src/model.ts';

export function setup({gateway, key}: {gateway: string; key: string}): Plugin {
  const {experimental_realtime: realtime} = createGateway({
    baseURL: `${gateway}/v4/ai`,
    apiKey: key,
  });

  async function answer(request: IncomingMessage, response: ServerResponse) {
    if (request.method !== 'POST') return tell(response, 405, {error: 'this takes POST'});
    try {
      const ticket = await realtime.getToken({model: MODEL, expiresAfterSeconds: 60});
      return tell(response, 200, {...ticket, url: here(ticket.url, request)});
    } catch (error) {
      console.error(error);
      return tell(response, 502, {error: 'the gateway has sold no ticket'});
    }
  }

  return {
    name: 'setup',
    configureServer: ({middlewares}) => void middlewares.use('/api/realtime/setup', answer),
    configurePreviewServer: ({middlewares}) => void middlewares.use('/api/realtime/setup', answer),
  };
}

/** The gateway as the page reaches it: through the server that the page came from. */
function here(url: string, request: IncomingMessage): string {
  const own = new URL(url);
  own.protocol = 'encrypted' in request.socket ? 'wss:' : 'ws:';
  own.host = request.headers.host ?? own.host;
  return own.href;
}

function tell(response: ServerResponse, status: number, body: object) {
  response.writeHead(status, {'content-type': 'application/json', 'cache-control': 'no-store'});
  response.end(JSON.stringify(body));
}
