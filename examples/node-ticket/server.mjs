// Serves a page, and buys it a ticket for each session: the key stays here.

import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';

const OPPER = process.env.OPPER_URL ?? 'http://127.0.0.1:8080';
const KEY = process.env.OPPER_API_KEY ?? 'any';
const PORT = Number(process.env.PORT ?? 3000);

// Good for one session that begins within a minute. What is bound here, the page cannot change;
// nor can it bring tools, which are locked at none.
const ORDER = {
  config: {
    model: process.env.MODEL ?? 'openai/gpt-realtime-2',
    instructions: 'You are a helpful assistant. Be brief.',
  },
  locked_fields: ['tools'],
  ttl_seconds: 60,
};

const page = await readFile(new URL('page.html', import.meta.url));

const server = createServer(async (request, response) => {
  const tell = (status, kind, body) =>
    response.writeHead(status, {'content-type': kind, 'cache-control': 'no-store'}).end(body);
  const asked = `${request.method} ${request.url}`;
  if (asked === 'GET /') return tell(200, 'text/html; charset=utf-8', page);
  if (asked !== 'POST /ticket') return tell(404, 'text/plain', 'There is nothing here.');
  // Who may not talk to the assistant is to be turned away here. Pages of others are:
  if (request.headers['sec-fetch-site'] !== 'same-origin') return tell(403, 'text/plain', 'No.');
  try {
    tell(200, 'application/json', JSON.stringify(await ticket()));
  } catch (error) {
    console.error(error);
    tell(502, 'text/plain', 'There is no ticket to be had.');
  }
});

async function ticket() {
  const minted = await fetch(`${OPPER}/v3/realtime-sessions`, {
    method: 'POST',
    headers: {authorization: `Bearer ${KEY}`, 'content-type': 'application/json'},
    body: JSON.stringify(ORDER),
  });
  if (!minted.ok) throw new Error(`${minted.status} ${await minted.text()}`);
  const {client_secret: ticket} = await minted.json();
  return {ticket, url: `${OPPER.replace(/^http/, 'ws')}/v3/realtime`};
}

server.listen(PORT, '127.0.0.1', () => console.log(`A page at http://127.0.0.1:${PORT}`));
