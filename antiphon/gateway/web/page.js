/** The gateway's own page: one conversation at a time with whatever model it serves. */

import { Realtime } from './antiphon.js';
import { talkButton } from './button.js';
import { Conversation, element } from './conversation.js';
import { HeardSoFar } from './heard.js';
import { Inspector } from './inspector.js';
import { Figures, money } from './latency.js';
import { Log } from './log.js';
import { Panels, shortcuts } from './panels.js';
import { Phase, WORDS } from './phase.js';
import { Problems } from './problems.js';
import { Settings, captureOf, pushesToTalk, sessionOf, setupOf } from './settings.js';
import { carryOut } from './tools.js';

/** @typedef {import('./antiphon.d.ts').Realtime} Bot */

const RATE = 24_000;
const ALIVE = ['connecting', 'connected', 'reconnecting', 'closing'];

/** @type {(id: string) => any} */
const part = (id) => document.getElementById(id);

/** @type {Bot | null} */
let bot = null;
let heard = new HeardSoFar(RATE);
let held = false;
/** The last conversation was begun by voice. */
let spoken = true;
/** The browser asks whether the microphone may be used. */
let asking = false;
let model = '';
let lost = '';
/** @type {string | null} */
let cost = null;

const phase = new Phase();
const log = new Log((entry) => {
  inspector.add(entry);
  if (entry.type === 'conversation-item-truncate') {
    const { itemId, audioEndMs } = JSON.parse(entry.text);
    if (heard.interrupted(itemId, audioEndMs)) soon();
  }
});
const inspector = new Inspector(part('inspector'), log);
const figures = new Figures(part('figures'));
const settings = new Settings(part('settings-form'), changed);
const panels = new Panels(part('settings'), part('inspector'), (opened) => {
  if (opened === 'inspector') inspector.redraw();
  if (opened === 'settings') void listDevices();
});
const conversation = new Conversation(part('turns'), { answer, tell });
const problems = new Problems(part('problem'), {
  again: () => void start({ again: true, voice: spoken }),
  listen: () => void listen(),
  type: () => part('typed').focus(),
  choose: () => panels.open('settings'),
  play: () => bot?.resumePlayback(),
});

// The session.

const live = () => bot !== null && ALIVE.includes(bot.status);
const holds = () => bot?.status === 'connected' && bot.isCapturing && pushesToTalk(settings.values);

/**
 * @param {{text?: string, again?: boolean, voice?: boolean}} [how] *again*: go on where it failed;
 *   *voice*: with the microphone, as is usual where there is no *text*
 */
async function start({ text, again = false, voice = text === undefined } = {}) {
  if (settings.wrong) {
    panels.open('settings');
    part('settings-form').elements.tools.focus();
    return;
  }
  problems.hide();
  phase.begin();
  spoken = voice;
  if (again && bot) heard.begin();
  else begin();
  const made = /** @type {Bot} */ (bot);
  // Both from the click: browsers let nothing be played, and ask for no microphone, without one.
  const connecting = made.connect();
  if (voice) void listen();
  const connected = await connecting;
  if (text === undefined) return;
  if (connected) say(text);
  else part('typed').value ||= text;
}

/** A new conversation. */
function begin() {
  bot?.disconnect();
  const { values } = settings;
  heard = new HeardSoFar(RATE);
  cost = null;
  model = String(values.model);
  conversation.clear();
  figures.clear();
  inspector.begin();
  const made = new Realtime({
    api: setupOf(values, document.baseURI),
    sessionConfig: sessionOf(values),
    transport: values.transport === 'webrtc' ? 'webrtc' : 'websocket',
    platform: { ...log.taps(), fetch: learnModel },
    onToolCall: ({ toolCall }) => work(toolCall),
    onError: (error) => problems.show(error),
  });
  bot = made;
  if (values.loudspeaker) void made.setOutputDevice(String(values.loudspeaker));
  const mine = (/** @type {(detail: any) => void} */ does) => (/** @type {any} */ event) => {
    if (made === bot) does(event.detail);
  };
  made.addEventListener('event', mine(follow));
  made.addEventListener(
    'played',
    mine((played) => heard.played(played) && soon()),
  );
  made.addEventListener('levels', mine(levels));
  made.addEventListener(
    'latency',
    mine((one) => figures.add(one, new Date())),
  );
  made.addEventListener(
    'reconnecting',
    mine(({ attempt, delayMs }) => {
      const wait = delayMs < 1000 ? 'now' : `in ${Math.round(delayMs / 1000)} s`;
      lost = `The connection was lost. Attempt ${attempt}, ${wait}…`;
      phase.begin();
      heard.begin();
      soon();
    }),
  );
  made.addEventListener(
    'reconnected',
    mine(() => conversation.note('Connected again', made.messages)),
  );
  made.subscribe(() => made === bot && soon());
}

/** Where a session is opened, its model is named: it may not be the one asked for.
 * @type {typeof fetch} */
async function learnModel(...asked) {
  const response = await fetch(...asked);
  const setup = await response
    .clone()
    .json()
    .catch(() => null);
  if (setup?.url) model = new URL(setup.url).searchParams.get('ai-model-id') ?? model;
  return response;
}

async function listen() {
  asking = true;
  soon();
  const open = (await bot?.startAudioCapture(captureOf(settings.values))) ?? false;
  asking = false;
  soon();
  if (!open) return;
  problems.hide('permission-denied', 'no-microphone', 'microphone-lost', 'microphone-busy');
  void listDevices();
}

function end() {
  if (bot && live()) conversation.note('The conversation has ended', bot.messages);
  void bot?.close();
}

/** @param {any} event what the server says */
function follow(event) {
  phase.hear(event);
  heard.hear(event, bot?.messages ?? []);
  if (event.type === 'custom') {
    const { rawType, raw } = event;
    if (rawType === 'antiphon.cost') cost = money(raw);
    // Over WebRTC it is the server that counts what was heard.
    if (rawType === 'conversation.item.truncated' && typeof raw?.audioEnd === 'number')
      heard.interrupted(raw.itemId ?? '', raw.audioEnd / 1000);
  }
  soon();
}

/** @param {string} text */
function say(text) {
  if (bot?.status !== 'connected') return;
  hush();
  phase.asked();
  bot.sendTextMessage(text);
}

function hush() {
  if (bot?.status !== 'connected' || !(bot.isPlaying || phase.answering)) return;
  heard.stopped();
  bot.interrupt();
}

// Tools.

/** @param {import('./antiphon.d.ts').ToolCall} call */
function work({ toolCallId, toolName, args }) {
  const output = carryOut(toolName, args, {
    rings: (text) => {
      conversation.note(text, bot?.messages ?? []);
      soon();
    },
  });
  if (output === undefined) conversation.asked.add(toolCallId);
  return output;
}

/** What the user gives as a tool's result. @param {string} callId @param {string} text */
function answer(callId, text) {
  let output = /** @type {unknown} */ (text);
  try {
    output = JSON.parse(text);
  } catch {
    // It is text.
  }
  if (bot?.status === 'connected' || bot?.status === 'reconnecting')
    bot.addToolOutput(callId, output);
}

// What is shown.

let waiting = false;

/** Draws before long, once for all that happens until then. */
function soon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    draw();
  });
}

function draw() {
  const status = bot?.status ?? 'disconnected';
  const { isPlaying = false, isCapturing = false, isMuted = false, messages = [] } = bot ?? {};
  const pushToTalk = pushesToTalk(settings.values);
  const name = phase.name({ status, isPlaying, isCapturing, isMuted, pushToTalk, pressed: held });
  const isLive = live();
  document.body.dataset.phase = name;
  document.body.dataset.view = status === 'connected' || messages.length ? 'talk' : 'welcome';
  if (status === 'connected') problems.hide('gateway-gone', 'startup-timeout');
  let words = WORDS[name];
  if (name === 'reconnecting' && lost) words = lost;
  if (name === 'reading' && asking) words = 'Waiting for the microphone…';
  if (part('status').textContent !== words) part('status').textContent = words;
  conversation.draw(messages, heard, wanted(name));
  figures.spent(bot?.usage ?? {}, cost);

  const handsFree = isCapturing && !pushToTalk;
  part('talk-name').textContent = !isLive
    ? messages.length
      ? 'Talk again'
      : 'Start talking'
    : !isCapturing
      ? 'Speak'
      : pushToTalk
        ? 'Hold to talk'
        : 'End';
  part('mute').hidden = !isLive || !handsFree;
  part('mute').setAttribute('aria-pressed', String(isMuted));
  part('end').hidden = !isLive || handsFree;
  part('hush').hidden = !isLive;
  part('hush').disabled = !isPlaying && !phase.answering;
  settings.lock(isLive);
  const { values } = settings;
  const named = isLive ? model : values.model;
  const way = values.transport === 'webrtc' ? 'WebRTC' : 'WebSocket';
  const [first, second] = [named, named ? ` · ${way}` : way];
  if (part('with').textContent !== first + second)
    part('with').replaceChildren(first, element('span', named ? 'way' : '', second));
}

/** Whose words are on their way. @param {import('./phase.js').Name} name */
function wanted(name) {
  if (name === 'hearing') return 'user';
  return name === 'thinking' ? 'assistant' : null;
}

/** @param {{input: number, output: number}} levels root mean square, 0 to 1 */
function levels({ input, output }) {
  // Loudness is felt by its logarithm; a root is near enough, and 0 at silence.
  const seen = (/** @type {number} */ level) => Math.min(1, 1.7 * Math.sqrt(level));
  const orb = /** @type {HTMLElement} */ (document.querySelector('.orb'));
  orb.style.setProperty('--you', String(seen(input)));
  orb.style.setProperty('--bot-level', String(seen(output)));
  for (const [id, level] of /** @type {const} */ ([
    ['input-level', input],
    ['output-level', output],
  ])) {
    part(id).style.setProperty('--level', String(seen(level)));
    part(id).setAttribute('aria-valuenow', String(Math.round(100 * seen(level))));
  }
}

/** To whoever does not see the page. @param {string} text */
function tell(text) {
  if (!settings.values.announce) return;
  const announcer = part('announcer');
  announcer.append(element('span', '', `${text} `));
  while (announcer.children.length > 4) announcer.firstElementChild?.remove();
}

// What the user does.

const button = talkButton(part('talk'), {
  holds,
  press: () => {
    if (!live()) void start();
    else if (!bot?.isCapturing) void listen();
    else end();
  },
  hold: (pressed) => {
    held = pressed;
    if (bot?.isCapturing) void bot.pushToTalk(pressed);
    soon();
  },
});
part('mute').addEventListener('click', () => bot?.setMuted(!bot.isMuted));
part('hush').addEventListener('click', hush);
part('end').addEventListener('click', end);
part('type').addEventListener('submit', (/** @type {Event} */ event) => {
  event.preventDefault();
  const text = part('typed').value.trim();
  if (!text || (live() && bot?.status !== 'connected')) return;
  part('typed').value = '';
  if (live()) say(text);
  else void start({ text });
});
for (const suggestion of document.querySelectorAll('.suggestions button'))
  suggestion.addEventListener('click', () => {
    const text = suggestion.textContent ?? '';
    if (!live()) void start({ text });
    else say(text);
  });
shortcuts({
  enabled: () => Boolean(settings.values.shortcuts),
  down: button.down,
  up: button.up,
  escape: () => panels.close() || hush(),
  keys: {
    m: () => bot?.isCapturing && bot.setMuted(!bot.isMuted),
    '/': () => part('typed').focus(),
    e: () => panels.toggle('inspector'),
    s: () => panels.toggle('settings'),
  },
});

/** @param {string} name of a setting, none: of all */
function changed(name) {
  const { values } = settings;
  if (name === 'loudspeaker') void bot?.setOutputDevice(String(values.loudspeaker));
  const ofMicrophone = [
    'microphone',
    'pushToTalk',
    'echoCancellation',
    'noiseSuppression',
    'autoGainControl',
  ];
  if ((!name || ofMicrophone.includes(name)) && bot?.isCapturing) void listen();
  soon();
}

async function listDevices() {
  settings.devices(await Realtime.devices());
}

/** What there is to choose from; without it any name can still be typed. */
async function listModels() {
  const known = ['local/assistant', 'local/echo'];
  try {
    const response = await fetch(new URL('v3/models?type=realtime', document.baseURI));
    if (response.ok)
      known.push(...(await response.json()).data.map((/** @type {any} */ one) => one.id));
  } catch {
    // The gateway will be asked again when the user connects.
  }
  settings.offer([...new Set(known)]);
}

navigator.mediaDevices?.addEventListener('devicechange', () => void listDevices());
void listModels();
void listDevices();
figures.clear();
draw();
