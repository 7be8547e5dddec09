/**
 * A page's conversation with a speech model, through an Antiphon gateway.
 *
 *     const bot = new Realtime({ api: '/api/realtime/setup' });
 *     await bot.connect();
 *     await bot.startAudioCapture();
 *
 * Its surface is that of the AI SDK's `experimental_useRealtime`, and so is its wire: normalized
 * events as JSON. `antiphon-worklet.js`, which plays and records, is expected beside this file.
 * The types of all that is public, with what it is for, are in `antiphon.d.ts`.
 *
 * @import {
 *   CaptureOptions, ErrorCode, Latency, Message, MessagePart, Platform, Played, RealtimeEvent,
 *   RealtimeOptions, Reconnect, SessionConfig, Setup, Snapshot, Status, ToolCall, ToolDefinition,
 *   Usage
 * } from './antiphon.d.ts'
 * @import { Notice } from './antiphon-worklet.js'
 */

const WORKLET = new URL('./antiphon-worklet.js', import.meta.url);

const SETUP = '/api/realtime/setup';
const MARKER = 'ai-gateway-realtime.v1';
const AUTH = 'ai-gateway-auth.';
const CHANNEL = 'oai-events';

const RATE = 24000;
const NORMAL = 1000;
const BROKEN = 1006;

const MOST_EVENTS = 512;
const MOST_BUFFERED = 64 * 1024; // bytes given to the network and not yet sent
const STALLED_MS = 15_000;
const CLEARING_MS = 250; // in which the audio thread has to say what it has played
const TRACK_MS = 150; // that speech on a track is later than a message
const SHORTEST_MS = 100; // of speech that is worth an answer
const REMEMBERED = 256;

// ---------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------

/** What goes wrong; its message says what to do. */
export class RealtimeError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   * @param {{cause?: unknown, retryable?: boolean, status?: number, serverCode?: string,
   *   retryAfterMs?: number}} [details]
   */
  constructor(code, message, { cause, retryable = false, status, serverCode, retryAfterMs } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'RealtimeError';
    this.code = code;
    this.retryable = retryable;
    this.status = status;
    this.serverCode = serverCode;
    this.retryAfterMs = retryAfterMs;
  }
}

/** @type {[ErrorCode, RegExp][]} How servers name what no reconnecting helps against. */
const TROUBLES = [
  ['budget-spent', /budget|spen[dt]|quota|insufficient|payment|billing/i],
  [
    'limit-reached',
    /limit|too.?many|exceed|session.?expired|duration|idle|timeout|concurren|capacity/i,
  ],
  [
    'ticket-refused',
    /ticket|unauthori[sz]ed|forbidden|credential|api.?key|(invalid|expired).token/i,
  ],
];

/** @type {Partial<Record<ErrorCode, string>>} */
const ADVICE = {
  'budget-spent': 'The budget for this is spent: raise it at the gateway, or come back later.',
  'limit-reached': "The gateway's limit is reached: wait a little, then connect again.",
  'ticket-refused': 'The gateway refused the ticket: sign in or load the page again.',
  refused: 'The gateway ended the session and will not take it up again.',
  'gateway-gone': 'The gateway cannot be reached: see whether it runs and the network works.',
};

/** @param {string} words @returns {ErrorCode | undefined} */
function trouble(words) {
  return TROUBLES.find(([, pattern]) => pattern.test(words))?.[0];
}

/**
 * @param {ErrorCode} code
 * @param {string} [detail]
 * @param {ConstructorParameters<typeof RealtimeError>[2]} [more]
 */
function problem(code, detail, more) {
  const advice = ADVICE[code];
  const message = [advice, detail].filter(Boolean).join(' ');
  return new RealtimeError(code, message || code, more);
}

/** Why a connection ended, from what is known of its close. @param {number} status
 * @param {string} reason @param {RealtimeError | null} before an error the server told of lately */
function ended(status, reason, before) {
  const said = reason ? `It says: ${reason} (${status}).` : `(${status})`;
  const numbered = {
    4401: 'ticket-refused',
    4402: 'budget-spent',
    4403: 'ticket-refused',
    4429: 'limit-reached',
  };
  const known =
    /** @type {Record<number, ErrorCode>} */ (numbered)[status] ??
    (before ? before.code : undefined) ??
    trouble(reason);
  const final = status === 1008 || status >= 3000;
  if (known && (final || before)) return problem(known, said, { status });
  if (final || [1002, 1003, 1007, 1009, 1010].includes(status))
    return problem('refused', said, { status });
  return problem('gateway-gone', said, { status, retryable: true });
}

/** Why an HTTP request came to nothing. @param {Response} response @param {string} what */
async function refusal(response, what) {
  const { status } = response;
  let said = '';
  try {
    const body = JSON.parse(await response.text());
    const found = body?.error?.message ?? body?.message ?? body?.detail ?? body?.error;
    if (typeof found === 'string') said = ` It says: ${found.slice(0, 300)}`;
  } catch {
    // The status says enough.
  }
  const seconds = Number(response.headers?.get('retry-after') ?? NaN);
  const more = { status, retryAfterMs: seconds >= 0 ? 1000 * seconds : undefined };
  const detail = `${what} answered ${status}.${said}`;
  if (status === 401 || status === 403) return problem('ticket-refused', detail, more);
  if (status === 402) return problem('budget-spent', detail, more);
  if (status === 429) return problem('limit-reached', detail, more);
  if (status >= 500) return problem('gateway-gone', detail, { ...more, retryable: true });
  return problem(
    'setup-failed',
    `${detail} See that 'api' is the address of a setup endpoint.`,
    more,
  );
}

/** Why there is no microphone. @param {any} error */
function deaf(error) {
  /** @type {Record<string, [ErrorCode, string]>} */
  const known = {
    NotAllowedError: [
      'permission-denied',
      "The microphone may not be used: allow it for this page beside the browser's address bar, " +
        'then try again.',
    ],
    NotFoundError: ['no-microphone', 'There is no microphone: plug one in, then try again.'],
    OverconstrainedError: [
      'no-such-device',
      'That microphone is not there any more: choose another.',
    ],
    NotReadableError: [
      'microphone-busy',
      'The microphone cannot be opened: close what else uses it, then try again.',
    ],
  };
  if (error instanceof RealtimeError) return error;
  const [code, message] = known[error?.name] ?? [
    'microphone-failed',
    `The microphone could not be opened: ${error?.message ?? error}`,
  ];
  return new RealtimeError(code, message, { cause: error });
}

// ---------------------------------------------------------------------------------------------
// Samples as text
// ---------------------------------------------------------------------------------------------

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000)
    text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

/** Throws if *text* is no base64. @param {string} text */
function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Makes whole samples of bytes: half of one waits for its other half. */
class Halves {
  /** @type {number | null} */
  #half = null;

  /** @param {Uint8Array} bytes little-endian @returns {Int16Array} */
  whole(bytes) {
    const before = this.#half === null ? 0 : 1;
    const count = (bytes.length + before) >> 1;
    const joined = new Uint8Array(2 * count);
    if (this.#half !== null && count) joined[0] = this.#half;
    joined.set(bytes.subarray(0, 2 * count - before), before);
    if ((bytes.length + before) % 2) this.#half = bytes[bytes.length - 1] ?? this.#half;
    else this.#half = null;
    const view = new DataView(joined.buffer);
    return Int16Array.from({ length: count }, (_, i) => view.getInt16(2 * i, true));
  }
}

/** @param {Int16Array} samples */
function littleEndian(samples) {
  const view = new DataView(new ArrayBuffer(2 * samples.length));
  samples.forEach((sample, i) => view.setInt16(2 * i, sample, true));
  return new Uint8Array(view.buffer);
}

/** @template K, V @param {Map<K, V>} map @param {K} key @param {V} value */
function remember(map, key, value) {
  map.delete(key);
  map.set(key, value);
  if (map.size > REMEMBERED) map.delete(/** @type {K} */ (map.keys().next().value));
}

/** What a provider's own event says, in our vocabulary. @param {RealtimeEvent} event */
function rawOf(event) {
  return event.raw && typeof event.raw === 'object' ? event.raw : {};
}

// ---------------------------------------------------------------------------------------------
// The conversation as messages
// ---------------------------------------------------------------------------------------------

/**
 * Assembles messages from what is heard, as the AI SDK's hook does. Every change makes new objects.
 *
 * The model's message begins with the first words or the first call after a response began or
 * ended, or the user spoke. The user's stands where the audio was committed, however late its
 * transcript comes.
 */
class Messages {
  /** @type {readonly Message[]} */
  all = [];
  #made = 0;
  #connections = 0;
  /** @type {string | null} The message that the model is adding to. */
  #current = null;
  /** @type {Map<string, [string, number]>} Where the texts of items stand. */
  #texts = new Map();
  /** @type {Map<string, [string, number]>} Where calls stand. */
  #calls = new Map();
  /** @type {Map<string, number>} Where the user's spoken turns belong. */
  #places = new Map();
  /** @type {Map<string, number>} Share of items' speech that was heard, of those cut off. */
  #heard = new Map();

  /** A new connection, where ids of the last one may mean something else; the messages stay. */
  begin() {
    this.#current = null;
    this.#texts.clear();
    this.#places.clear();
    this.#connections += 1;
  }

  /** @param {string} text */
  typed(text) {
    this.#add('user', [{ type: 'text', text, state: 'done' }]);
  }

  /** Whether *event* has changed the messages. @param {RealtimeEvent} event */
  hear(event) {
    const itemId = event.itemId ?? '';
    switch (event.type) {
      case 'text-delta':
      case 'audio-transcript-delta':
        this.#more(itemId, String(event.delta ?? ''));
        return true;
      case 'text-done':
        return this.#done(itemId, event.text);
      case 'audio-transcript-done':
        return this.#done(itemId, event.transcript);
      case 'audio-committed':
        if (event.itemId) remember(this.#places, itemId, this.all.length);
        return false;
      case 'input-transcription-completed':
        this.#spoken(itemId, String(event.transcript ?? ''), 'done');
        return true;
      case 'custom':
        return this.#partly(event);
      case 'transcript-fragment':
        this.#overheard(event.speaker === 'user' ? 'user' : 'assistant', String(event.delta ?? ''));
        return true;
      case 'function-call-arguments-delta':
        return this.#call(event.callId ?? '');
      case 'response-created':
      case 'response-done':
      case 'speech-started':
        this.#current = null;
        return false;
      default:
        return false;
    }
  }

  /** A call is complete. @param {string} id @param {string} name @param {unknown} input */
  called(id, name, input) {
    this.#call(id);
    this.#settle(id, { toolName: name, state: 'input-available', input });
  }

  /** @param {string} id @param {unknown} output */
  answered(id, output) {
    return this.#settle(id, { state: 'output-available', output });
  }

  /** @param {string} id @param {string} errorText */
  failed(id, errorText) {
    return this.#settle(id, { state: 'output-error', errorText });
  }

  /** Of the item's speech only *share* was heard. @param {string} itemId @param {number} share */
  cut(itemId, share) {
    const place = this.#texts.get(itemId);
    if (place) remember(this.#heard, `${place[0]}/${place[1]}`, share);
  }

  /** Whether the model has something to answer. */
  get unanswered() {
    const last = this.all[this.all.length - 1];
    const part = last?.parts[last.parts.length - 1];
    return last?.role === 'user' || part?.type === 'dynamic-tool';
  }

  /** The conversation as items, for a server that has not heard it. @returns {any[]} */
  items() {
    return this.all
      .flatMap(({ id, role, parts }) => parts.flatMap((part, i) => this.#items(id, role, part, i)))
      .slice(-REMEMBERED);
  }

  /** @param {string} id @param {string} role @param {MessagePart} part @param {number} index
   * @returns {any[]} */
  #items(id, role, part, index) {
    if (part.type === 'text') {
      let { text } = part;
      const share = this.#heard.get(`${id}/${index}`);
      if (share !== undefined && share < 1) {
        const kept = text.slice(0, Math.floor(text.length * share));
        text = kept.slice(0, Math.max(0, kept.lastIndexOf(' ')));
      }
      if (!text) return [];
      if (role === 'user') return [{ type: 'text-message', role, text }];
      return [{ type: 'message', role, content: [{ type: 'text', text }] }];
    }
    if (part.state === 'input-streaming') return [];
    const { toolCallId: callId, toolName: name } = part;
    const call = {
      type: 'function-call',
      callId,
      name,
      arguments: JSON.stringify(part.input ?? {}),
    };
    if (part.state === 'input-available') return [call];
    const output = part.state === 'output-error' ? { error: part.errorText } : part.output;
    return [call, { type: 'function-call-output', callId, name, output: written(output) }];
  }

  /** @param {string} itemId @param {string} delta */
  #more(itemId, delta) {
    const place = this.#texts.get(itemId);
    const before = place && this.#part(place);
    if (place && before?.type === 'text')
      this.#put(place, { type: 'text', text: before.text + delta, state: 'streaming' });
    else
      remember(
        this.#texts,
        itemId,
        this.#append({ type: 'text', text: delta, state: 'streaming' }),
      );
  }

  /** @param {string} itemId @param {unknown} whole */
  #done(itemId, whole) {
    const place = this.#texts.get(itemId);
    const before = place && this.#part(place);
    if (!place || before?.type !== 'text') return false;
    const text = typeof whole === 'string' ? whole : before.text;
    this.#put(place, { type: 'text', text, state: 'done' });
    return true;
  }

  /** What is understood so far of what the user says. @param {RealtimeEvent} event */
  #partly(event) {
    if (event.rawType !== 'conversation.item.input_audio_transcription.delta') return false;
    const { itemId, delta, transcript, restart } = rawOf(event);
    if (typeof itemId !== 'string') return false;
    const id = this.#userId(itemId);
    const before = this.all.find((message) => message.id === id)?.parts[0];
    if (before?.type === 'text' && before.state === 'done') return false;
    const known = before?.type === 'text' && !restart ? before.text : '';
    this.#spoken(itemId, transcript ?? known + (delta ?? ''), 'streaming');
    return true;
  }

  /** @param {string} itemId @param {string} text @param {'streaming' | 'done'} state */
  #spoken(itemId, text, state) {
    const id = this.#userId(itemId);
    /** @type {Message} */
    const message = { id, role: 'user', parts: [{ type: 'text', text, state }] };
    const index = this.all.findIndex((one) => one.id === id);
    if (index >= 0) this.all = this.all.with(index, message);
    else this.#insert(itemId, message);
  }

  /** @param {string} itemId */
  #userId(itemId) {
    return `user-${itemId}${this.#connections > 1 ? `.${this.#connections}` : ''}`;
  }

  /** @param {string} itemId @param {Message} message */
  #insert(itemId, message) {
    const at = this.#places.get(itemId) ?? this.all.length;
    this.all = this.all.toSpliced(at, 0, message);
    let later = false;
    for (const [id, place] of this.#places) {
      if (place > at || (later && place === at)) this.#places.set(id, place + 1);
      later ||= id === itemId;
    }
  }

  /** A continuous model tells words of both sides, and no items.
   * @param {'user' | 'assistant'} role @param {string} delta */
  #overheard(role, delta) {
    const last = this.all[this.all.length - 1];
    const part = last?.parts[last.parts.length - 1];
    if (last?.role === role && part?.type === 'text')
      this.#put([last.id, last.parts.length - 1], { ...part, text: part.text + delta });
    else this.#add(role, [{ type: 'text', text: delta, state: 'done' }]);
  }

  /** @param {string} id */
  #call(id) {
    if (this.#calls.has(id)) return false;
    const part = /** @type {const} */ ({ type: 'dynamic-tool', state: 'input-streaming' });
    remember(this.#calls, id, this.#append({ ...part, toolName: '', toolCallId: id }));
    return true;
  }

  /** @param {string} id @param {object} changed */
  #settle(id, changed) {
    const place = this.#calls.get(id);
    if (!place) return false;
    this.#put(place, /** @type {MessagePart} */ ({ ...this.#part(place), ...changed }));
    return true;
  }

  /** Add *part* to what the model is saying; where it stands.
   * @param {MessagePart} part @returns {[string, number]} */
  #append(part) {
    this.#current ??= this.#add('assistant', []);
    const index = this.#index(this.#current);
    const { parts } = this.all[index];
    this.all = this.all.with(index, { ...this.all[index], parts: [...parts, part] });
    return [this.#current, parts.length];
  }

  /** @param {'user' | 'assistant'} role @param {MessagePart[]} parts */
  #add(role, parts) {
    const id = `${role}-${++this.#made}`;
    this.all = [...this.all, { id, role, parts }];
    return id;
  }

  /** @param {[string, number]} place */
  #part([id, part]) {
    return this.all[this.#index(id)]?.parts[part];
  }

  /** @param {[string, number]} place @param {MessagePart} part */
  #put([id, at], part) {
    const index = this.#index(id);
    const message = this.all[index];
    this.all = this.all.with(index, { ...message, parts: message.parts.with(at, part) });
  }

  /** @param {string} id */
  #index(id) {
    return this.all.findLastIndex((message) => message.id === id);
  }
}

// ---------------------------------------------------------------------------------------------
// Tool calls
// ---------------------------------------------------------------------------------------------

/** As JSON; of nothing, null. @param {unknown} output */
function written(output) {
  return JSON.stringify(output) ?? 'null';
}

/**
 * Which calls are open, and when the model is asked to go on: once, when all calls of a response
 * have outputs. Never after a response that was cancelled, and not while another one runs.
 */
class Calls {
  /** @type {Map<string, string>} */
  #names = new Map();
  /** @type {Map<string, string>} The response of each call that was not answered. */
  #open = new Map();
  /** @type {Map<string, {open: Set<string>, over: boolean, wanted: boolean}>} By response. */
  #turns = new Map();
  /** @type {Set<string>} */
  running = new Set();
  #say;

  /** @param {(event: RealtimeEvent) => void} say */
  constructor(say) {
    this.#say = say;
  }

  /** Whether the call is a new one. @param {RealtimeEvent} event */
  begin({ callId = '', name = '', responseId = '' }) {
    if (this.#names.has(callId)) return false; // said twice, as some providers do
    remember(this.#names, callId, name);
    remember(this.#open, callId, responseId);
    const turn = this.#turns.get(responseId) ?? { open: new Set(), over: false, wanted: true };
    turn.open.add(callId);
    remember(this.#turns, responseId, turn);
    return true;
  }

  /** Whether it is a call that needs no output any more. @param {string} callId */
  settled(callId) {
    return this.#names.has(callId) && !this.#open.has(callId);
  }

  /** Also of a call that nobody made: the model's side will judge.
   * @param {string} callId @param {string} output JSON */
  answer(callId, output) {
    const name = this.#names.get(callId);
    const item = { type: 'function-call-output', callId, ...(name && { name }), output };
    this.#say({ type: 'conversation-item-create', item });
    this.#close(callId, true);
    this.#ask();
  }

  /** @param {RealtimeEvent} event */
  hear(event) {
    const responseId = event.responseId ?? '';
    if (event.type === 'response-created') this.running.add(responseId);
    else if (event.type === 'response-done') this.#ended(responseId, event.status);
    else if (event.type === 'custom' && event.rawType === 'toolCallCancellation')
      for (const callId of rawOf(event).callIds ?? []) this.#close(callId, false);
  }

  /** The connection is gone, and with it what ran. */
  lost() {
    this.running.clear();
    for (const turn of this.#turns.values()) turn.over = true;
  }

  /** @param {string} responseId @param {unknown} status */
  #ended(responseId, status) {
    this.running.delete(responseId);
    // Some call a response by another name in their calls, or give none.
    for (const [id, turn] of this.#turns) turn.over ||= !this.running.has(id);
    const turn = this.#turns.get(responseId);
    if (turn && status === 'cancelled') turn.wanted = false;
    this.#ask();
  }

  /** @param {string} callId @param {boolean} wanted */
  #close(callId, wanted) {
    const turn = this.#turns.get(this.#open.get(callId) ?? '');
    if (!this.#open.delete(callId) || !turn) return;
    turn.open.delete(callId);
    turn.wanted &&= wanted;
  }

  #ask() {
    const ready = [...this.#turns].filter(([, turn]) => turn.over && !turn.open.size);
    const wanted = ready.some(([, turn]) => turn.wanted);
    if (wanted && this.running.size) return; // it would be refused; what runs ends before long
    for (const [id] of ready) this.#turns.delete(id);
    if (wanted) this.#say({ type: 'response-create' });
  }
}

// ---------------------------------------------------------------------------------------------
// What the model says, over a WebSocket: played here
// ---------------------------------------------------------------------------------------------

/**
 * @typedef {object} VoiceHearer
 * @property {(plays: boolean) => void} playing
 * @property {(event: RealtimeEvent) => void} say
 * @property {(error: RealtimeError) => void} failed
 * @property {(level: number) => void} level
 * @property {(played: Played) => void} played
 * @property {(responseId: string, at: number) => void} began the first sample was heard
 * @property {(itemId: string, share: number) => void} cut
 *
 * @typedef {{id: number, itemId: string, responseId: string, base: number}} Part
 * What is played of an item since the last interruption; *base* samples of it came before.
 */

/**
 * Plays what comes as audio in messages, and knows what was heard of it.
 *
 * When the user speaks while something is played, the rest is not, late audio of what the model was
 * saying is dropped, and for each item that was cut off a truncation goes back to the model.
 */
class LocalVoice {
  isPlaying = false;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #node = null;
  /** @type {[object, Transferable[]][]} For the audio thread, until it is there. */
  #early = [];
  #tell;
  #platform;
  #rate;
  #options;
  #closed = false;
  #draining = false;

  /** @type {Set<string>} Responses that run. */
  #running = new Set();
  /** @type {Set<string>} Responses of which something is played. */
  #sounding = new Set();
  /** @type {Map<string, true>} Responses that were interrupted. */
  #silenced = new Map();
  /** @type {Map<string, {samples: number, halves: Halves}>} What came of each item. */
  #received = new Map();
  /** @type {Map<string, Part>} By item. */
  #parts = new Map();
  /** @type {Map<number, Part>} */
  #byId = new Map();
  /** @type {Map<number, number>} Samples played, as far as is known. */
  #progress = new Map();
  /** @type {Map<number, {told: boolean, parts: Part[], timer: any}>} Cuts that were asked for. */
  #cuts = new Map();
  #made = 0;
  #pushed = 0;
  #warned = '';

  /**
   * @param {VoiceHearer} tell
   * @param {Platform} platform
   * @param {{rate: number, jitter: number, limit: number, interrupts: boolean}} options
   */
  constructor(tell, platform, options) {
    this.#tell = tell;
    this.#platform = platform;
    this.#rate = options.rate;
    this.#options = options;
  }

  get node() {
    return this.#node;
  }

  /** Open the loudspeaker; best from a click. */
  start() {
    const { AudioContext, AudioWorkletNode } = this.#platform;
    const rate = this.#rate;
    try {
      this.#context = audioContext(AudioContext, rate);
    } catch (error) {
      this.#mute(error);
      return;
    }
    const context = this.#context;
    const begin = async () => {
      await addWorklet(context);
      if (this.#closed) return;
      const { jitter, limit } = this.#options;
      const node = new AudioWorkletNode(context, 'antiphon-player', {
        numberOfInputs: 0,
        outputChannelCount: [1],
        processorOptions: { rate, jitter, limit },
      });
      node.port.onmessage = ({ data }) => this.#noticed(data);
      node.connect(context.destination);
      this.#node = node;
      for (const [message, moved] of this.#early) node.port.postMessage(message, moved);
      this.#early = [];
    };
    begin().catch((error) => this.#mute(error));
    this.#wake();
  }

  /** False if it cannot be understood. @param {RealtimeEvent} event */
  hear(event) {
    const responseId = event.responseId ?? '';
    switch (event.type) {
      case 'audio-delta':
      case 'audio-chunk':
        return this.#speech(event.itemId ?? '', responseId, event.delta);
      case 'audio-done':
        this.#post({ type: 'end' });
        break;
      case 'speech-started':
        if (this.#options.interrupts) this.interrupt();
        break;
      case 'response-created':
        this.#running.add(responseId);
        this.#silenced.delete(responseId);
        break;
      case 'response-done':
        this.#running.delete(responseId);
        if (!responseId) this.#silenced.delete(''); // of a server that names none
        this.#post({ type: 'end' });
        break;
    }
    return true;
  }

  /** Fall silent, and tell the model what was heard. */
  interrupt() {
    for (const id of [...this.#running, ...this.#sounding]) remember(this.#silenced, id, true);
    if (this.isPlaying) this.#cut(true);
  }

  stop() {
    if (this.isPlaying) this.#cut(false);
  }

  resume() {
    this.#silenced.clear();
    this.#wake();
  }

  /** The connection is gone; what came of it is played on, and no business of the next. */
  lost() {
    for (const known of [
      this.#running,
      this.#sounding,
      this.#silenced,
      this.#received,
      this.#parts,
    ])
      known.clear();
    this.#post({ type: 'end' });
  }

  /** Play what came to its end, then close. */
  drain() {
    if (!this.isPlaying) return this.close();
    this.#draining = true;
    this.lost();
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    for (const { timer } of this.#cuts.values()) this.#platform.clearTimeout(timer);
    this.#cuts.clear();
    this.#post({ type: 'close' });
    this.#node?.disconnect();
    this.#context?.close().catch(() => {});
    this.#plays(false);
    this.#tell.level(0);
  }

  /** @param {string} deviceId */
  async useDevice(deviceId) {
    const context = /** @type {any} */ (this.#context);
    if (!context?.setSinkId) throw new Error('this browser cannot choose a loudspeaker');
    await context.setSinkId(deviceId);
  }

  /** @param {string} itemId @param {string} responseId @param {unknown} delta */
  #speech(itemId, responseId, delta) {
    if (typeof delta !== 'string') return false;
    let bytes;
    try {
      bytes = fromBase64(delta);
    } catch {
      return false;
    }
    const received = this.#received.get(itemId) ?? { samples: 0, halves: new Halves() };
    const samples = received.halves.whole(bytes);
    const before = received.samples;
    received.samples += samples.length;
    remember(this.#received, itemId, received);
    if (this.#silenced.has(responseId) || this.#closed) return true;
    this.#sounding.add(responseId);
    let part = this.#parts.get(itemId);
    if (!part) {
      part = { id: ++this.#made, itemId, responseId, base: before };
      remember(this.#parts, itemId, part);
      remember(this.#byId, part.id, part);
    }
    this.#pushed += 1;
    const pcm = samples.buffer;
    this.#post({ type: 'audio', part: part.id, pcm }, [pcm]);
    this.#plays(true);
    if (this.#context?.state === 'suspended') this.#warn('playback-blocked');
    return true;
  }

  /** @param {boolean} told whether the model is */
  #cut(told) {
    const id = ++this.#made;
    const parts = [...this.#parts.values()];
    const timer = this.#platform.setTimeout(() => {
      // The audio thread sleeps, as it does in a context that waits for a click.
      const cuts = parts.map((part) => ({
        part: part.id,
        heard: this.#progress.get(part.id) ?? 0,
      }));
      this.#cleared({ id, cuts });
    }, CLEARING_MS);
    this.#cuts.set(id, { told, parts, timer });
    this.#parts.clear();
    this.#sounding.clear();
    this.#post({ type: 'clear', id, latency: Math.round(this.#latency * this.#frames) });
    this.#plays(false);
    this.#tell.level(0);
  }

  /** @param {{id: number, cuts: {part: number, heard: number}[]}} notice */
  #cleared({ id, cuts }) {
    const asked = this.#cuts.get(id);
    if (!asked) return;
    this.#platform.clearTimeout(asked.timer);
    this.#cuts.delete(id);
    for (const part of asked.parts) {
      const found = cuts.find((one) => one.part === part.id);
      if (!found) continue;
      const received = this.#received.get(part.itemId)?.samples ?? 0;
      const heard = Math.min(part.base + found.heard, received);
      const ms = Math.floor((heard * 1000) / this.#rate);
      this.#tell.played({ itemId: part.itemId, responseId: part.responseId, ms, done: true });
      this.#tell.cut(part.itemId, received ? heard / received : 1);
      if (asked.told && part.itemId)
        this.#tell.say({
          type: 'conversation-item-truncate',
          itemId: part.itemId,
          contentIndex: 0,
          audioEndMs: ms,
        });
    }
  }

  /** @param {Notice} notice */
  #noticed(notice) {
    switch (notice.type) {
      case 'started':
        this.#began(notice.part, notice.frame);
        break;
      case 'position':
        this.#moved(notice.part, notice.played, false);
        break;
      case 'dry':
        if (notice.pushed === this.#pushed) this.#quiet();
        break;
      case 'level':
        if (this.isPlaying) this.#tell.level(notice.level);
        break;
      case 'cleared':
        this.#cleared(notice);
        break;
      case 'overflow':
        this.#warn('playback-overflow');
        break;
    }
  }

  /** @param {number} id @param {number} frame */
  #began(id, frame) {
    const part = this.#byId.get(id);
    const context = this.#context;
    if (!part || !context) return;
    const ago = Math.max(0, context.currentTime - frame / context.sampleRate);
    const heard = this.#platform.now() + 1000 * (this.#latency - ago);
    this.#tell.began(part.responseId, heard);
  }

  /** @param {number} id @param {number} played @param {boolean} done */
  #moved(id, played, done) {
    const part = this.#byId.get(id);
    if (!part) return;
    remember(this.#progress, id, played);
    const late = done ? 0 : this.#latency * this.#rate;
    const ms = Math.floor((1000 * (part.base + Math.max(0, played - late))) / this.#rate);
    this.#tell.played({ itemId: part.itemId, responseId: part.responseId, ms, done });
  }

  /** All that came was played. */
  #quiet() {
    this.#sounding.clear();
    const last = [...this.#parts.values()].pop();
    const played = last && this.#progress.get(last.id);
    if (last && played !== undefined) this.#moved(last.id, played, true);
    this.#plays(false);
    this.#tell.level(0);
    if (this.#draining) this.close();
  }

  /** @param {boolean} plays */
  #plays(plays) {
    if (plays === this.isPlaying) return;
    this.isPlaying = plays;
    this.#tell.playing(plays);
  }

  /** Seconds until a sample that was rendered is heard, where the browser knows. */
  get #latency() {
    const context = this.#context;
    return context?.outputLatency || context?.baseLatency || 0;
  }

  get #frames() {
    return this.#context?.sampleRate ?? this.#rate;
  }

  /** @param {object} message @param {Transferable[]} [moved] */
  #post(message, moved = []) {
    if (this.#node) this.#node.port.postMessage(message, moved);
    else if (this.#early.length < 20_000) this.#early.push([message, moved]);
  }

  #wake() {
    this.#context?.resume?.().catch(() => {});
  }

  /** There is no loudspeaker, and the conversation goes on without. @param {any} error */
  #mute(error) {
    if (this.#closed) return;
    this.#tell.failed(noAudio(error));
  }

  /** Once. @param {'playback-blocked' | 'playback-overflow'} code */
  #warn(code) {
    if (this.#warned === code) return;
    this.#warned = code;
    const text =
      code === 'playback-blocked'
        ? 'The browser plays nothing before the first click: call resumePlayback() from one.'
        : 'More speech waits to be played than may: the rest of it is lost. See maxPlaybackSeconds.';
    this.#tell.failed(problem(code, text));
  }
}

/** At *rate* if the browser can. @param {typeof AudioContext} Context @param {number} [rate] */
function audioContext(Context, rate) {
  if (typeof Context !== 'function') throw new Error('this browser has no AudioContext');
  try {
    return new Context({ latencyHint: 'interactive', ...(rate && { sampleRate: rate }) });
  } catch {
    return new Context({ latencyHint: 'interactive' });
  }
}

/** @param {AudioContext} context */
async function addWorklet(context) {
  if (!context.audioWorklet)
    throw problem('insecure-page', 'Audio needs https, or a page of localhost: open this page so.');
  await context.audioWorklet.addModule(WORKLET.href);
}

/** @param {any} error */
function noAudio(error) {
  if (error instanceof RealtimeError) return error;
  const text =
    `No audio: ${error?.message ?? error}. Is antiphon-worklet.js served beside antiphon.js, ` +
    "and does the page's Content-Security-Policy allow it (script-src)?";
  return problem('no-audio', text, { cause: error });
}

// ---------------------------------------------------------------------------------------------
// What the model says, over WebRTC: played by the browser, kept in order by the server
// ---------------------------------------------------------------------------------------------

const LOUD = 0.003;
const TAIL_MS = 150; // in which is heard what the server has sent, and counts as heard

/** A track that the server fills, clears and truncates; here it is only muted in between. */
class RemoteVoice {
  isPlaying = false;
  #tell;
  #platform;
  #interrupts;
  /** @type {HTMLAudioElement | null} */
  #element = null;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AnalyserNode | null} */
  #analyser = null;
  /** @type {any} */
  #timer = null;
  /** @type {any} */
  #tail = null;
  /** @type {string | null} A response that was not heard yet. */
  #awaited = null;
  #sinkId = '';
  #closed = false;

  /** @param {VoiceHearer} tell @param {Platform} platform @param {{interrupts: boolean}} options */
  constructor(tell, platform, { interrupts }) {
    this.#tell = tell;
    this.#platform = platform;
    this.#interrupts = interrupts;
  }

  get node() {
    return this.#analyser;
  }

  start() {
    try {
      this.#context = audioContext(this.#platform.AudioContext);
      this.#context.resume?.().catch(() => {});
    } catch (error) {
      this.#tell.failed(noAudio(error)); // levels are all that is missing
    }
  }

  /** @param {MediaStream} stream */
  attach(stream) {
    this.#detach();
    const element = (this.#element = new Audio());
    element.autoplay = true;
    element.srcObject = stream;
    if (this.#sinkId) element.setSinkId(this.#sinkId).catch(() => {});
    element.play().catch((error) => {
      if (error?.name !== 'NotAllowedError') return;
      const text =
        'The browser plays nothing before the first click: call resumePlayback() from one.';
      this.#tell.failed(problem('playback-blocked', text));
    });
    if (!this.#context) return;
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
    this.#measure(new Float32Array(this.#analyser.fftSize));
  }

  /** @param {RealtimeEvent} event */
  hear(event) {
    if (event.type === 'speech-started' && this.#interrupts) this.interrupt();
    else if (event.type === 'response-created') this.#listen(event.responseId ?? '');
    else if (event.type === 'custom') this.#follow(event.rawType, rawOf(event));
    return true;
  }

  /** The server clears what it has not sent; what is on its way is heard. */
  interrupt() {
    const element = this.#element;
    this.#platform.clearTimeout(this.#tail);
    this.#tail = this.#platform.setTimeout(() => {
      if (element) element.muted = true;
    }, TAIL_MS);
    this.#awaited = null;
    this.#plays(false);
  }

  stop() {
    this.interrupt();
    this.#tell.say({ type: 'output-audio-clear' });
  }

  resume() {
    this.#unmute();
    this.#element?.play().catch(() => {});
    this.#context?.resume?.().catch(() => {});
  }

  lost() {
    this.#detach();
    this.#plays(false);
  }

  drain() {
    this.close();
  }

  close() {
    this.#closed = true;
    this.lost();
    this.#context?.close().catch(() => {});
    this.#tell.level(0);
  }

  /** @param {string} deviceId */
  async useDevice(deviceId) {
    if (!('setSinkId' in HTMLMediaElement.prototype))
      throw new Error('this browser cannot choose a loudspeaker');
    this.#sinkId = deviceId;
    await this.#element?.setSinkId(deviceId);
  }

  /** @param {string} responseId */
  #listen(responseId) {
    this.#unmute();
    this.#awaited = responseId;
  }

  /** @param {string} what @param {any} raw */
  #follow(what, raw) {
    if (what === 'output_audio_buffer.started') {
      this.#unmute();
      this.#plays(true);
    } else if (what === 'output_audio_buffer.stopped' || what === 'output_audio_buffer.cleared') {
      this.#plays(false);
      if (typeof raw.played === 'number' && raw.itemId) {
        const ms = Math.floor(raw.played / 1000);
        this.#tell.played({ itemId: raw.itemId, responseId: raw.responseId ?? '', ms, done: true });
      }
    }
  }

  /** @param {Float32Array<ArrayBuffer>} samples */
  #measure(samples) {
    if (this.#closed || !this.#analyser) return;
    this.#analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
    const level = this.#element?.muted ? 0 : Math.sqrt(power);
    this.#tell.level(level);
    if (this.#awaited !== null && level > LOUD) {
      this.#tell.began(this.#awaited, this.#platform.now());
      this.#awaited = null;
    }
    this.#timer = this.#platform.setTimeout(() => this.#measure(samples), 25);
  }

  #unmute() {
    this.#platform.clearTimeout(this.#tail);
    if (this.#element) this.#element.muted = false;
  }

  #detach() {
    this.#platform.clearTimeout(this.#timer);
    this.#platform.clearTimeout(this.#tail);
    if (this.#element) this.#element.srcObject = null;
    this.#analyser?.disconnect();
    this.#element = this.#analyser = null;
  }

  /** @param {boolean} plays */
  #plays(plays) {
    if (plays === this.isPlaying) return;
    this.isPlaying = plays;
    this.#tell.playing(plays);
  }
}

// ---------------------------------------------------------------------------------------------
// The microphone
// ---------------------------------------------------------------------------------------------

/** Hears a stream, in chunks of samples. */
class Microphone {
  /** @type {MediaStreamTrack | null} */
  track = null;
  /** When something was last said, by `now`. */
  voiced = -Infinity;
  #platform;
  #rate;
  #heard;
  #lost;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #node = null;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  /** @type {MediaStream | null} A stream of our own. */
  #own = null;
  #floor = 0.01;
  #closed = false;
  /** @type {(() => void)[]} */
  #flushed = [];

  /**
   * @param {Platform} platform
   * @param {number} rate Hz
   * @param {(pcm: Int16Array, level: number) => void} heard
   * @param {(error: RealtimeError) => void} lost
   */
  constructor(platform, rate, heard, lost) {
    this.#platform = platform;
    this.#rate = rate;
    this.#heard = heard;
    this.#lost = lost;
  }

  /** Raises a RealtimeError. @param {CaptureOptions | MediaStream} source */
  async open(source) {
    try {
      const options = 'getTracks' in source ? {} : source;
      const stream = 'getTracks' in source ? source : await this.#ask(source);
      if (this.#closed) return;
      [this.track] = stream.getAudioTracks();
      if (!this.track) throw problem('no-microphone', 'The stream has no audio track.');
      this.track.addEventListener('ended', this.#ended);
      await this.#record(stream, options);
    } catch (error) {
      this.close();
      throw deaf(error);
    }
  }

  /** @param {boolean} hears */
  enable(hears) {
    if (this.track) this.track.enabled = hears;
  }

  /** Gives out what is there of an unfinished chunk. @returns {Promise<void>} */
  flush() {
    if (!this.#node) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#platform.setTimeout(resolve, CLEARING_MS);
      this.#flushed.push(() => {
        this.#platform.clearTimeout(timer);
        resolve();
      });
      this.#node?.port.postMessage({ type: 'flush' });
    });
  }

  close() {
    this.#closed = true;
    this.track?.removeEventListener('ended', this.#ended);
    this.#source?.disconnect();
    this.#node?.port.postMessage({ type: 'close' });
    this.#node?.disconnect();
    if (this.#own) for (const track of this.#own.getTracks()) track.stop();
    else this.enable(true);
    this.#context?.close().catch(() => {});
    this.track = this.#own = this.#node = this.#source = this.#context = null;
  }

  /** @param {CaptureOptions} options */
  async #ask(options) {
    const devices = this.#platform.mediaDevices;
    if (!devices?.getUserMedia)
      throw problem(
        'insecure-page',
        'A microphone needs https, or a page of localhost: open this page so.',
      );
    const {
      deviceId,
      echoCancellation = true,
      noiseSuppression = true,
      autoGainControl = true,
    } = options;
    const stream = await devices.getUserMedia({
      audio: {
        channelCount: 1,
        echoCancellation,
        noiseSuppression,
        autoGainControl,
        ...(deviceId && { deviceId: { exact: deviceId } }),
      },
    });
    if (this.#closed) for (const track of stream.getTracks()) track.stop();
    else this.#own = stream;
    return stream;
  }

  /** @param {MediaStream} stream @param {CaptureOptions} options */
  async #record(stream, { chunkMs = 20 }) {
    // At the device's own rate: not every browser lets a context of another rate have its stream.
    const context = (this.#context = audioContext(this.#platform.AudioContext));
    context.resume?.().catch(() => {});
    await addWorklet(context).catch((error) => {
      throw noAudio(error);
    });
    if (this.#closed) return;
    const size = Math.round((this.#rate * Math.min(100, Math.max(10, chunkMs))) / 1000);
    const node = new this.#platform.AudioWorkletNode(context, 'antiphon-recorder', {
      channelCount: 1,
      channelCountMode: 'explicit',
      outputChannelCount: [1],
      processorOptions: { rate: this.#rate, size },
    });
    node.port.onmessage = ({ data }) => this.#took(data);
    this.#source = context.createMediaStreamSource(stream);
    this.#source.connect(node);
    node.connect(context.destination); // it says nothing, but without an end nothing runs
    this.#node = node;
  }

  /** @param {any} data */
  #took(data) {
    if (this.#closed) return;
    if (data.type === 'flushed') {
      this.#flushed.shift()?.();
      return;
    }
    // What is always there is no voice; it is known within a second or two.
    this.#floor += (data.level - this.#floor) * (data.level < this.#floor ? 0.2 : 0.002);
    if (data.level > Math.max(0.006, 3 * this.#floor)) this.voiced = this.#platform.now();
    this.#heard(new Int16Array(data.pcm), data.level);
  }

  #ended = () => {
    this.#lost(
      problem('microphone-lost', 'The microphone is gone: plug it in, or choose another.'),
    );
  };
}

// ---------------------------------------------------------------------------------------------
// Connections
// ---------------------------------------------------------------------------------------------

/**
 * @typedef {object} LinkHearer
 * @property {() => void} opened
 * @property {(data: unknown) => void} message
 * @property {(error: RealtimeError | null) => void} closed null when the server ended it properly
 */

/** Messages over a WebSocket. The ticket is a subprotocol: it is in no address, so in no log. */
class SocketLink {
  isOpen = false;
  /** @type {WebSocket | null} */
  #socket = null;
  #platform;
  #tell;
  #before;

  /** @param {LinkHearer} tell @param {Platform} platform @param {() => RealtimeError | null} before */
  constructor(tell, platform, before) {
    this.#tell = tell;
    this.#platform = platform;
    this.#before = before;
  }

  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** @param {Setup} setup */
  async open({ url, token }) {
    let socket;
    try {
      socket = new this.#platform.WebSocket(url, [MARKER, AUTH + token]);
    } catch (error) {
      const detail = url.startsWith('ws:') ? " A page of https needs a 'wss:' address." : '';
      throw problem('setup-failed', `No WebSocket can be opened as the setup says.${detail}`, {
        cause: /** @type {any} */ (error)?.name, // its text repeats the ticket
      });
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.isOpen = true;
      this.#tell.opened();
    };
    socket.onmessage = ({ data }) => this.#tell.message(data);
    socket.onclose = ({ code, reason }) => {
      this.isOpen = false;
      this.#tell.closed(code === NORMAL ? null : ended(code, reason, this.#before()));
    };
  }

  /** @param {string} text */
  send(text) {
    this.#socket?.send(text);
  }

  /** @param {MediaStreamTrack | null} _ */
  useTrack(_) {}

  close() {
    const socket = this.#socket;
    this.#socket = null;
    this.isOpen = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

const GATHERING_MS = 1000;
const VANISHED_MS = 5000;

/** Messages over a data channel, and audio as tracks beside it. */
class PeerLink {
  isOpen = false;
  #tell;
  #platform;
  #options;
  /** @type {RTCPeerConnection | null} */
  #connection = null;
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** @type {RTCRtpSender | null} */
  #sender = null;
  /** @type {any} */
  #timer = null;
  #abort = new AbortController();

  /**
   * @param {LinkHearer} tell
   * @param {Platform} platform
   * @param {{iceServers: RTCIceServer[], track: () => MediaStreamTrack | null,
   *   before: () => RealtimeError | null, attach: (stream: MediaStream) => void}} options
   */
  constructor(tell, platform, options) {
    this.#tell = tell;
    this.#platform = platform;
    this.#options = options;
  }

  get bufferedAmount() {
    return this.#channel?.bufferedAmount ?? 0;
  }

  /** @param {Setup} setup */
  async open({ url, token }) {
    const { iceServers, track, attach } = this.#options;
    if (typeof this.#platform.RTCPeerConnection !== 'function')
      throw problem('setup-failed', "This browser has no WebRTC: use the transport 'websocket'.");
    const connection = new this.#platform.RTCPeerConnection({ iceServers });
    this.#connection = connection;
    const transceiver = connection.addTransceiver(track() ?? 'audio', { direction: 'sendrecv' });
    this.#sender = transceiver.sender;
    connection.ontrack = (event) => attach(new MediaStream([event.track]));
    connection.onconnectionstatechange = () => this.#changed(connection.connectionState);
    const channel = (this.#channel = connection.createDataChannel(CHANNEL));
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => {
      this.isOpen = true;
      this.#tell.opened();
    };
    channel.onmessage = ({ data }) => this.#tell.message(data);
    channel.onclose = () => this.#closed(NORMAL);
    await connection.setLocalDescription(await connection.createOffer());
    await this.#gathered(connection);
    const answer = await this.#exchange(url, token, connection.localDescription?.sdp ?? '');
    if (this.#connection !== connection) return;
    try {
      await connection.setRemoteDescription({ type: 'answer', sdp: answer });
    } catch (error) {
      throw problem('malformed', "The browser does not take the gateway's answer.", {
        cause: error,
      });
    }
    await this.#sender.replaceTrack(track()); // it may have come meanwhile
  }

  /** @param {string} text */
  send(text) {
    this.#channel?.send(text);
  }

  /** @param {MediaStreamTrack | null} track */
  useTrack(track) {
    this.#sender?.replaceTrack(track).catch(() => {});
  }

  close() {
    const connection = this.#connection;
    this.#connection = null;
    this.isOpen = false;
    this.#abort.abort();
    this.#platform.clearTimeout(this.#timer);
    if (this.#channel)
      this.#channel.onopen = this.#channel.onmessage = this.#channel.onclose = null;
    if (!connection) return;
    connection.ontrack = connection.onconnectionstatechange = null;
    this.#channel?.close();
    connection.close();
  }

  /** @param {string} url @param {string} token @param {string} offer */
  async #exchange(url, token, offer) {
    const address = new URL(url);
    address.protocol = address.protocol === 'wss:' ? 'https:' : 'http:';
    address.pathname = `${address.pathname.replace(/\/$/, '')}/calls`;
    let response;
    try {
      response = await this.#platform.fetch(address.href, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/sdp' },
        body: offer,
        signal: this.#abort.signal,
      });
    } catch (error) {
      throw problem('gateway-gone', undefined, { cause: error, retryable: true });
    }
    if (!response.ok) throw await refusal(response, "The gateway's address for calls");
    return await response.text();
  }

  /** Until the addresses of this machine are in the offer, or it takes too long: the server learns
   * the others as it hears from them. @param {RTCPeerConnection} connection */
  #gathered(connection) {
    return /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        const check = () => {
          if (connection.iceGatheringState === 'complete') resolve();
        };
        connection.addEventListener('icegatheringstatechange', check);
        this.#platform.setTimeout(resolve, GATHERING_MS);
        check();
      })
    );
  }

  /** @param {RTCPeerConnectionState} state */
  #changed(state) {
    this.#platform.clearTimeout(this.#timer);
    if (state === 'failed') this.#closed(BROKEN);
    else if (state === 'closed') this.#closed(NORMAL);
    else if (state === 'disconnected')
      this.#timer = this.#platform.setTimeout(() => this.#closed(BROKEN), VANISHED_MS);
  }

  /** @param {number} code */
  #closed(code) {
    if (!this.#connection) return;
    const { before } = this.#options;
    this.close();
    // WebRTC carries no reason: what was said before is all there is.
    this.#tell.closed(code === NORMAL ? null : ended(code, 'the connection is lost', before()));
  }
}

// ---------------------------------------------------------------------------------------------
// What waits to be sent
// ---------------------------------------------------------------------------------------------

/** Sends in order, no faster than the network takes. Of too much audio the oldest is dropped. */
class Outbox {
  droppedMs = 0;
  /** @type {{type: string, text: string, ms: number}[]} */
  #waiting = [];
  #ms = 0;
  #slow = false;
  /** @type {any} */
  #timer = null;
  /** @type {SocketLink | PeerLink | null} */
  #link = null;
  #least = 0; // bytes that waited in the network when it last moved
  #moved = 0;
  #platform;
  #heldMs;
  #tell;

  /**
   * @param {Platform} platform
   * @param {number} heldMs of audio
   * @param {{slow: () => void, stalled: () => void}} tell
   */
  constructor(platform, heldMs, tell) {
    this.#platform = platform;
    this.#heldMs = heldMs;
    this.#tell = tell;
  }

  /** @param {SocketLink | PeerLink} link */
  attach(link) {
    this.#link = link;
    this.#moved = this.#platform.now();
    this.#flush();
  }

  /** Keep what comes until there is a link again. */
  hold() {
    this.#link = null;
    this.#platform.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** @param {string} type */
  holds(type) {
    return this.#waiting.some((one) => one.type === type);
  }

  clear() {
    this.hold();
    this.#waiting = [];
    this.#ms = this.droppedMs = 0;
    this.#slow = false;
  }

  /** Throws if too much waits already. @param {RealtimeEvent} event @param {number} [ms] of audio */
  put(event, ms = 0) {
    if (!ms && this.#waiting.filter((one) => !one.ms).length >= MOST_EVENTS)
      throw problem('overflow', `${MOST_EVENTS} events wait to be sent: send fewer at a time.`);
    this.#waiting.push({ type: event.type, text: JSON.stringify(event), ms });
    this.#ms += ms;
    this.#flush();
    while (this.#ms > this.#heldMs) this.#drop();
  }

  #drop() {
    const oldest = this.#waiting.findIndex((one) => one.ms);
    const [{ ms }] = this.#waiting.splice(oldest, 1);
    this.#ms -= ms;
    this.droppedMs += ms;
    if (!this.#slow && this.#link) this.#tell.slow();
    this.#slow = true;
  }

  #flush() {
    const link = this.#link;
    if (!link) return;
    while (this.#waiting.length && link.bufferedAmount < MOST_BUFFERED) {
      const [{ text, ms }] = this.#waiting.splice(0, 1);
      this.#ms -= ms;
      link.send(text);
    }
    this.#platform.clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#waiting.length) {
      this.#slow = false;
      return;
    }
    const now = this.#platform.now();
    if (link.bufferedAmount !== this.#least)
      [this.#least, this.#moved] = [link.bufferedAmount, now];
    if (now - this.#moved > STALLED_MS) this.#tell.stalled();
    else this.#timer = this.#platform.setTimeout(() => this.#flush(), 50);
  }
}

// ---------------------------------------------------------------------------------------------
// The session
// ---------------------------------------------------------------------------------------------

/** @returns {Platform} */
function browser() {
  const { WebSocket, RTCPeerConnection, AudioContext, AudioWorkletNode, navigator } = globalThis;
  return {
    fetch: (...asked) => globalThis.fetch(...asked),
    WebSocket,
    RTCPeerConnection,
    AudioContext,
    AudioWorkletNode,
    mediaDevices: navigator?.mediaDevices,
    now: () => performance.now(),
    setTimeout: (call, ms) => globalThis.setTimeout(call, ms),
    clearTimeout: (timer) => globalThis.clearTimeout(timer),
    random: Math.random,
  };
}

/** @param {SessionConfig | undefined} config @param {'inputAudioFormat' | 'outputAudioFormat'} which
 * @param {number} rate */
function rateOf(config, which, rate) {
  const format = config?.[which];
  if (format && format.type !== 'audio/pcm')
    throw new TypeError(`${which}: the browser speaks audio/pcm, not ${format.type}`);
  const hz = format?.rate ?? rate;
  if (!(hz >= 8000 && hz <= 96000 && Number.isInteger(hz)))
    throw new RangeError(`a rate is 8000 to 96000 Hz, not ${hz}`);
  return hz;
}

/** A conversation with a speech model; see `antiphon.d.ts`. */
export class Realtime extends EventTarget {
  /**
   * @type {RealtimeOptions & Required<Pick<RealtimeOptions, 'api' | 'sampleRate' | 'maxEvents' |
   *   'transport' | 'iceServers' | 'startupTimeoutMs' | 'closeTimeoutMs' | 'continuous' |
   *   'jitterMs' | 'maxPlaybackSeconds'>>}
   */
  #options;
  /** @type {Platform} */
  #platform;
  /** @type {Required<Reconnect>} */
  #retry;
  #inputRate;
  #outputRate;
  #manual;

  /** @type {Status} */
  #status = 'disconnected';
  /** @type {RealtimeError | null} */
  #error = null;
  #messages = new Messages();
  /** @type {readonly RealtimeEvent[]} */
  #events = [];
  /** @type {Usage} */
  #usage = {};
  /** @type {readonly Latency[]} */
  #latencies = [];
  #isMuted = false;
  #inputLevel = 0;
  #outputLevel = 0;

  #generation = 0;
  /** @type {AbortController | null} */
  #abort = null;
  /** @type {SocketLink | PeerLink | null} */
  #link = null;
  /** @type {{resolve: () => void, reject: (error: unknown) => void} | null} */
  #ready = null;
  #everReady = false;
  #attempts = 0;
  #connectedAt = 0;
  /** @type {{error: RealtimeError, at: number} | null} */
  #trouble = null;
  #goesAway = false;
  #wanted = false;
  /** @type {(() => void) | null} */
  #over = null;
  /** @type {(() => void) | null} Ends a wait. */
  #hurry = null;

  #outbox;
  #calls = new Calls((event) => this.#sayByItself(event));
  /** @type {LocalVoice | RemoteVoice | null} */
  #voice = null;
  #sinkId = '';
  /** @type {Microphone | null} */
  #microphone = null;
  /** @type {CaptureOptions | MediaStream | null} */
  #source = null;
  /** @type {'none' | 'closed' | 'open'} Push to talk. */
  #gate = 'none';
  #pressedMs = 0;
  /** @type {Promise<void>} */
  #pressing = Promise.resolve();
  #halves = new Halves();
  /** @type {{from: Latency['from'], at: number, detected: number} | null} */
  #turn = null;

  /** @type {Set<() => void>} */
  #listeners = new Set();
  #announcing = false;
  /** @type {Snapshot | null} */
  #snapshot = null;
  #leveled = -Infinity;

  /** @param {RealtimeOptions} [options] */
  constructor(options = {}) {
    super();
    this.#options = {
      api: SETUP,
      sampleRate: RATE,
      maxEvents: 500,
      transport: 'websocket',
      iceServers: [],
      startupTimeoutMs: 30_000,
      closeTimeoutMs: 15_000,
      continuous: false,
      jitterMs: 60,
      maxPlaybackSeconds: 300,
      ...options,
    };
    const { maxEvents, sampleRate, sessionConfig, transport, reconnect } = this.#options;
    if (!Number.isInteger(maxEvents) || maxEvents < 1)
      throw new RangeError(`at least one event is kept, not ${maxEvents}`);
    if (transport !== 'websocket' && transport !== 'webrtc')
      throw new TypeError(`a transport is 'websocket' or 'webrtc', not '${transport}'`);
    this.#platform = { ...browser(), ...options.platform };
    this.#inputRate = rateOf(sessionConfig, 'inputAudioFormat', sampleRate);
    this.#outputRate = rateOf(sessionConfig, 'outputAudioFormat', sampleRate);
    const detection = sessionConfig?.turnDetection;
    this.#manual = detection === null || detection?.type === 'disabled';
    const waits = { attempts: 8, firstMs: 250, longestMs: 10_000, proofMs: 10_000, heldMs: 10_000 };
    this.#retry = { ...waits, ...(reconnect === false ? { attempts: 0 } : reconnect) };
    this.#outbox = new Outbox(this.#platform, this.#retry.heldMs, {
      slow: () => {
        const text = 'The network is too slow for your voice: some of what you say is lost.';
        this.#report(problem('network-slow', text));
      },
      stalled: () => this.#dropped(ended(BROKEN, 'the network takes nothing any more', null)),
    });
  }

  static async devices() {
    const devices = await (navigator.mediaDevices?.enumerateDevices() ?? []);
    return devices.flatMap(({ deviceId, kind, label }) =>
      kind === 'audioinput' || kind === 'audiooutput' ? [{ deviceId, kind, label }] : [],
    );
  }

  // State.

  get status() {
    return this.#status;
  }

  get messages() {
    return this.#messages.all;
  }

  get events() {
    return this.#events;
  }

  get isCapturing() {
    return this.#microphone?.track != null;
  }

  get isPlaying() {
    return this.#voice?.isPlaying ?? false;
  }

  get isMuted() {
    return this.#isMuted;
  }

  get usage() {
    return this.#usage;
  }

  get latencies() {
    return this.#latencies;
  }

  get error() {
    return this.#error;
  }

  get inputLevel() {
    return this.#inputLevel;
  }

  get outputLevel() {
    return this.#outputLevel;
  }

  get droppedInputMs() {
    return this.#outbox.droppedMs;
  }

  /** @returns {AudioNode | null} */
  get outputNode() {
    return this.#voice?.node ?? null;
  }

  /** @param {() => void} listener @returns {() => void} */
  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /** @returns {Snapshot} */
  getSnapshot = () =>
    (this.#snapshot ??= {
      status: this.status,
      messages: this.messages,
      events: this.events,
      isCapturing: this.isCapturing,
      isPlaying: this.isPlaying,
      isMuted: this.isMuted,
      usage: this.usage,
      latencies: this.latencies,
      error: this.error,
    });

  // The connection.

  async connect() {
    if (this.#isActive)
      throw problem('already-connected', `The session is ${this.#status}: disconnect it first.`);
    const generation = ++this.#generation;
    this.#error = this.#trouble = this.#turn = null;
    this.#everReady = this.#goesAway = this.#wanted = false;
    this.#attempts = 0;
    this.#messages.begin();
    this.#calls = new Calls((event) => this.#sayByItself(event));
    this.#outbox.clear();
    this.#voice?.close();
    this.#voice = this.#makeVoice();
    this.#voice.start();
    if (this.#sinkId) this.setOutputDevice(this.#sinkId);
    this.#be('connecting');
    try {
      await this.#open(generation);
      return generation === this.#generation;
    } catch (error) {
      if (generation === this.#generation) this.#end('error', this.#known(error));
      return false;
    }
  }

  disconnect() {
    if (this.#status === 'error' || this.#status === 'disconnected') {
      this.stopAudioCapture();
      this.#voice?.close();
    } else this.#end('disconnected', null);
  }

  async close() {
    if (this.#options.continuous && this.#status === 'connected') {
      this.stopAudioCapture();
      this.#say({ type: 'session-close' });
      this.#be('closing');
      await new Promise((resolve) => {
        const timer = this.#platform.setTimeout(() => resolve(null), this.#options.closeTimeoutMs);
        this.#over = () => {
          this.#platform.clearTimeout(timer);
          resolve(null);
        };
      });
    }
    this.disconnect();
  }

  // What the user says and does.

  /** @param {string} text */
  sendTextMessage(text) {
    this.#must();
    this.#say(
      { type: 'conversation-item-create', item: { type: 'text-message', role: 'user', text } },
      true,
    );
    this.#say({ type: 'response-create' });
    const now = this.#platform.now();
    this.#turn = { from: 'text', at: now, detected: now };
    this.#messages.typed(text);
    this.#changed('messages');
  }

  /** @param {string | ArrayBuffer | ArrayBufferView} audio */
  sendAudio(audio) {
    let bytes;
    if (typeof audio === 'string') bytes = fromBase64(audio);
    else if (ArrayBuffer.isView(audio))
      bytes = new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength);
    else bytes = new Uint8Array(audio);
    if (this.#options.transport === 'webrtc')
      throw new TypeError('over WebRTC audio is a track: startAudioCapture(stream)');
    this.#must();
    const samples = this.#halves.whole(bytes);
    this.#sayAudio(samples, (event, ms) => this.#say(event, false, ms));
  }

  commitAudio() {
    this.#say({ type: 'input-audio-commit' });
  }

  clearAudioBuffer() {
    this.#say({ type: 'input-audio-clear' });
  }

  /** @param {object} [options] */
  requestResponse(options) {
    this.#say({ type: 'response-create', ...(options && { options }) });
  }

  cancelResponse() {
    this.#say({ type: 'response-cancel' });
  }

  /** @param {RealtimeEvent} event */
  sendEvent(event) {
    if (typeof event?.type !== 'string') throw new TypeError('an event has a type');
    if (event.type === 'session-close') void this.close();
    else this.#say(event);
  }

  /** @param {string} toolCallId @param {unknown} output */
  addToolOutput(toolCallId, output) {
    this.#must('connected', 'reconnecting');
    if (this.#calls.settled(toolCallId))
      throw problem('tool-failed', `The call '${toolCallId}' needs no output, or has one already.`);
    const text = written(output);
    if (this.#messages.answered(toolCallId, output)) this.#changed('messages');
    this.#calls.answer(toolCallId, text);
  }

  // The microphone.

  /** @param {CaptureOptions | MediaStream} [source] */
  async startAudioCapture(source = {}) {
    this.#closeMicrophone();
    const microphone = new Microphone(
      this.#platform,
      this.#inputRate,
      (pcm, level) => this.#captured(pcm, level),
      (error) => {
        if (microphone !== this.#microphone) return;
        this.stopAudioCapture();
        this.#report(error);
      },
    );
    this.#microphone = microphone;
    this.#source = source;
    if ('pushToTalk' in source) this.#gate = source.pushToTalk ? 'closed' : 'none';
    try {
      await microphone.open(source);
    } catch (error) {
      if (microphone !== this.#microphone) return false;
      this.#microphone = null;
      this.#report(deaf(error));
      return false;
    }
    if (microphone !== this.#microphone) return false;
    this.#enable();
    this.#link?.useTrack(microphone.track);
    this.#changed('isCapturing');
    return true;
  }

  stopAudioCapture() {
    const captured = this.isCapturing;
    this.#closeMicrophone();
    if (captured) this.#changed('isCapturing');
  }

  async resumeAudioCapture() {
    if (!this.#source)
      throw problem('not-capturing', 'Nothing was captured yet: startAudioCapture().');
    return this.isCapturing || (await this.startAudioCapture(this.#source));
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    if (muted === this.#isMuted) return;
    this.#isMuted = muted;
    this.#enable();
    this.#changed('isMuted');
  }

  /** @param {boolean} pressed */
  async pushToTalk(pressed) {
    if (!this.isCapturing)
      throw problem('not-capturing', 'Nobody listens: startAudioCapture() first.');
    // One after the other, however quick the finger is.
    this.#pressing = this.#pressing.then(() => (pressed ? this.#press() : this.#release()));
    await this.#pressing;
  }

  async #press() {
    if (this.#gate === 'open') return;
    if (this.#manual) {
      this.#voice?.interrupt();
      if (this.#calls.running.size) this.#sayByItself({ type: 'response-cancel' });
      if (this.#options.transport === 'webrtc') this.#sayByItself({ type: 'input-audio-clear' });
    }
    await this.#microphone?.flush(); // what was heard before is not meant
    this.#pressedMs = 0;
    this.#gate = 'open';
    this.#enable();
  }

  async #release() {
    if (this.#gate === 'closed') return;
    // What is on its way as a track arrives later than what is said of it.
    if (this.#options.transport === 'webrtc')
      await new Promise((resolve) => this.#platform.setTimeout(() => resolve(null), TRACK_MS));
    else await this.#microphone?.flush();
    this.#gate = 'closed';
    this.#enable();
    if (!this.#manual) return;
    if (this.#pressedMs < SHORTEST_MS) {
      this.#sayByItself({ type: 'input-audio-clear' });
      return;
    }
    const now = this.#platform.now();
    this.#turn = { from: 'push-to-talk', at: now, detected: now };
    this.#sayByItself({ type: 'input-audio-commit' });
    this.#sayByItself({ type: 'response-create' });
  }

  // Playback.

  stopPlayback() {
    this.#voice?.stop();
  }

  resumePlayback() {
    this.#voice?.resume();
  }

  interrupt() {
    this.#must('connected', 'reconnecting');
    if (this.#options.transport === 'webrtc') this.#voice?.stop();
    else this.#voice?.interrupt();
    if (this.#calls.running.size) this.#sayByItself({ type: 'response-cancel' });
  }

  /** @param {string} deviceId */
  async setOutputDevice(deviceId) {
    this.#sinkId = deviceId;
    try {
      await this.#voice?.useDevice(deviceId);
      return true;
    } catch (error) {
      const text = `That loudspeaker cannot be used: ${/** @type {any} */ (error)?.message ?? error}`;
      this.#report(problem('no-such-device', text, { cause: error }));
      return false;
    }
  }

  // Connecting.

  get #isActive() {
    return ['connecting', 'connected', 'reconnecting', 'closing'].includes(this.#status);
  }

  /** Until the model is ready; raises what went wrong. @param {number} generation */
  async #open(generation) {
    const abort = (this.#abort = new AbortController());
    const { startupTimeoutMs } = this.#options;
    const timer = this.#platform.setTimeout(() => {
      const text = `The model was not ready within ${startupTimeoutMs / 1000} s: connect again.`;
      abort.abort(problem('startup-timeout', text, { retryable: true }));
    }, startupTimeoutMs);
    /** @type {Promise<never>} */
    const aborted = new Promise((_, reject) => {
      abort.signal.addEventListener('abort', () => reject(abort.signal.reason));
    });
    aborted.catch(() => {});
    try {
      const setup = await Promise.race([this.#setup(abort.signal), aborted]);
      await Promise.race([this.#reach(setup, generation), aborted]);
    } catch (error) {
      if (generation === this.#generation) this.#unlink();
      throw error;
    } finally {
      this.#platform.clearTimeout(timer);
      this.#ready = null;
    }
  }

  /** @param {Setup} setup @param {number} generation @returns {Promise<void>} */
  #reach(setup, generation) {
    return new Promise((resolve, reject) => {
      this.#ready = { resolve, reject };
      /** @type {SocketLink | PeerLink} */
      const link = this.#makeLink({
        opened: () => {
          const type = this.#options.continuous ? 'session-start' : 'session-update';
          const config = {
            ...this.#options.sessionConfig,
            ...(setup.tools && { tools: setup.tools }),
          };
          link.send(JSON.stringify({ type, config }));
          if (this.#status === 'connecting') this.#outbox.attach(link);
        },
        message: (data) => {
          if (link === this.#link) this.#received(data);
        },
        closed: (error) => {
          if (link === this.#link) this.#dropped(error);
        },
      });
      this.#link = link;
      link.open(setup).catch((error) => {
        if (link === this.#link && generation === this.#generation) reject(error);
      });
    });
  }

  /** @param {LinkHearer} tell */
  #makeLink(tell) {
    const before = () =>
      this.#trouble && this.#platform.now() - this.#trouble.at < 10_000
        ? this.#trouble.error
        : null;
    if (this.#options.transport === 'websocket')
      return new SocketLink(tell, this.#platform, before);
    return new PeerLink(tell, this.#platform, {
      iceServers: this.#options.iceServers,
      track: () => this.#microphone?.track ?? null,
      attach: (stream) => {
        if (this.#voice instanceof RemoteVoice) this.#voice.attach(stream);
      },
      before,
    });
  }

  #makeVoice() {
    const interrupts =
      !this.#options.continuous &&
      this.#options.sessionConfig?.turnDetection?.interruptResponse !== false;
    /** @type {VoiceHearer} */
    const tell = {
      playing: () => this.#changed('isPlaying'),
      say: (event) => this.#sayByItself(event),
      failed: (error) => this.#report(error),
      level: (level) => {
        this.#outputLevel = level;
        this.#levels();
      },
      played: (played) => this.#dispatch('played', played),
      began: (responseId, at) => this.#answered(responseId, at),
      cut: (itemId, share) => this.#messages.cut(itemId, share),
    };
    if (this.#options.transport === 'webrtc')
      return new RemoteVoice(tell, this.#platform, { interrupts });
    return new LocalVoice(tell, this.#platform, {
      rate: this.#outputRate,
      jitter: this.#options.jitterMs / 1000,
      limit: this.#options.maxPlaybackSeconds,
      interrupts,
    });
  }

  /** A ticket, which is good for one connection. @param {AbortSignal} signal @returns {Promise<Setup>} */
  async #setup(signal) {
    const { api, model, sessionConfig } = this.#options;
    const asked = { ...(sessionConfig && { sessionConfig }), ...(model && { model }) };
    if (typeof api === 'function') {
      try {
        return checked(await api(asked));
      } catch (error) {
        if (error instanceof RealtimeError) throw error;
        const text = `'api' gave no ticket: ${/** @type {any} */ (error)?.message ?? error}`;
        throw problem('setup-failed', text, { cause: error });
      }
    }
    const address = typeof api === 'object' && 'token' in api ? api.token : api;
    let response;
    try {
      response = await this.#platform.fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(asked),
        cache: 'no-store',
        signal,
      });
    } catch (error) {
      throw problem('gateway-gone', undefined, { cause: error, retryable: true });
    }
    if (!response.ok) throw await refusal(response, `The setup endpoint (${address})`);
    let body;
    try {
      body = await response.json();
    } catch {
      throw problem('setup-failed', `What the setup endpoint (${address}) answers is no JSON.`);
    }
    return checked(body);
  }

  #unlink() {
    const link = this.#link;
    this.#link = null;
    this.#outbox.hold();
    link?.close();
  }

  /** The connection ended. @param {RealtimeError | null} error null: properly, by the server */
  #dropped(error) {
    this.#unlink();
    if (!error && this.#goesAway) error = ended(1001, 'it goes away', null);
    if (this.#ready) {
      if (this.#status === 'connecting') this.#be('closing');
      const early = problem('refused', 'The connection ended before the model was ready.');
      this.#ready.reject(error ?? early);
    } else if (!error) this.#end('disconnected', null, { drain: true });
    else if (error.retryable && this.#everReady && this.#retry.attempts)
      void this.#reconnect(error);
    else {
      this.#be('closing');
      this.#end('error', error);
    }
  }

  /** @param {RealtimeError} reason */
  async #reconnect(reason) {
    const generation = this.#generation;
    this.#calls.lost();
    this.#voice?.lost();
    this.#messages.begin();
    this.#be('reconnecting');
    if (this.#platform.now() - this.#connectedAt >= this.#retry.proofMs) this.#attempts = 0;
    while (generation === this.#generation) {
      const attempt = ++this.#attempts;
      if (attempt > this.#retry.attempts) {
        this.#end('error', reason);
        return;
      }
      const bound = Math.min(this.#retry.longestMs, this.#retry.firstMs * 2 ** (attempt - 1));
      const backoff = bound * (0.5 + 0.5 * this.#platform.random());
      const delayMs = Math.round(Math.max(backoff, reason.retryAfterMs ?? 0));
      this.#dispatch('reconnecting', { attempt, delayMs, reason });
      await this.#pause(delayMs);
      if (generation !== this.#generation) return;
      try {
        await this.#open(generation);
        return;
      } catch (error) {
        if (generation !== this.#generation) return;
        reason = this.#known(error);
        if (!reason.retryable) {
          this.#end('error', reason);
          return;
        }
      }
    }
  }

  /** For so long, or until the browser is online again. @param {number} ms @returns {Promise<void>} */
  #pause(ms) {
    return new Promise((resolve) => {
      const done = () => {
        this.#platform.clearTimeout(timer);
        globalThis.removeEventListener?.('online', done);
        this.#hurry = null;
        resolve();
      };
      const timer = this.#platform.setTimeout(done, ms);
      this.#hurry = done;
      globalThis.addEventListener?.('online', done);
    });
  }

  /** The model is ready. */
  #begin() {
    const again = this.#everReady;
    this.#everReady = true;
    this.#goesAway = false;
    this.#connectedAt = this.#platform.now();
    const replayed = again ? this.#replay() : 0;
    if (this.#link) this.#outbox.attach(this.#link);
    this.#be('connected');
    this.#ready?.resolve();
    this.#ready = null;
    if (again) this.#dispatch('reconnected', { replayed });
  }

  /** Tells a server that knows nothing of it the conversation so far. */
  #replay() {
    const items = this.#messages.items();
    const say = (/** @type {RealtimeEvent} */ event) => this.#link?.send(JSON.stringify(event));
    for (const item of items) say({ type: 'conversation-item-create', item });
    if (this.#wanted && this.#messages.unanswered) say({ type: 'response-create' });
    return items.length;
  }

  /**
   * With *drain*, what came of the model's speech is played to its end.
   * @param {'disconnected' | 'error'} status
   * @param {RealtimeError | null} error
   * @param {{drain?: boolean}} [how]
   */
  #end(status, error, { drain = false } = {}) {
    this.#generation += 1;
    this.#abort?.abort(problem('not-connected', 'The session was disconnected.'));
    this.#unlink();
    this.#outbox.hold();
    this.#be(status);
    this.stopAudioCapture();
    if (drain) this.#voice?.drain();
    else this.#voice?.close();
    this.#over?.();
    this.#over = null;
    this.#hurry?.();
    if (error) this.#report(error);
  }

  /** @param {unknown} error @returns {RealtimeError} */
  #known(error) {
    if (error instanceof RealtimeError) return error;
    const text = /** @type {any} */ (error)?.message ?? String(error);
    return problem('setup-failed', text, { cause: error });
  }

  // What is said.

  /** Throws unless there is a connection. @param {Status[]} statuses */
  #must(...statuses) {
    if (!statuses.length) statuses = ['connecting', 'connected', 'reconnecting'];
    if (!statuses.includes(this.#status))
      throw problem('not-connected', `The session is ${this.#status}: connect() first.`);
  }

  /**
   * Throws without a connection. What is said before it is open is lost, and reported.
   * @param {RealtimeEvent} event
   * @param {boolean} [kept] whether it is in the messages, which a new connection is told
   * @param {number} [ms] of audio
   */
  #say(event, kept = false, ms = 0) {
    this.#must();
    const reconnecting = this.#status === 'reconnecting';
    // What is asked for now is asked of the speech that waits to be sent.
    const ordered = event.type === 'response-create' && this.#outbox.holds('input-audio-commit');
    if (event.type === 'response-create') this.#wanted = !(reconnecting && ordered);
    if (event.type === 'response-cancel') this.#wanted = false;
    if (reconnecting) {
      if (ordered || event.type.startsWith('input-audio-')) this.#outbox.put(event, ms);
      else if (!kept && !['response-create', 'response-cancel'].includes(event.type))
        throw problem('not-connected', `${event.type} is lost: the session is reconnecting.`);
    } else if (this.#link?.isOpen) this.#outbox.put(event, ms);
    else
      this.#report(
        problem('not-connected', `${event.type} is lost: the connection is not open yet.`),
      );
  }

  /** What nobody has asked for who could be told that it failed.
   * @param {RealtimeEvent} event @param {number} [ms] of audio */
  #sayByItself(event, ms = 0) {
    if (this.#status !== 'connected' && this.#status !== 'reconnecting') return;
    try {
      this.#say(event, true, ms);
    } catch (error) {
      this.#end('error', this.#known(error));
    }
  }

  /** @param {Int16Array} samples @param {(event: RealtimeEvent, ms: number) => void} say */
  #sayAudio(samples, say) {
    const audio = toBase64(littleEndian(samples));
    say({ type: 'input-audio-append', audio }, (1000 * samples.length) / this.#inputRate);
  }

  // What is heard.

  /** @param {unknown} data */
  #received(data) {
    let said;
    try {
      said = JSON.parse(
        typeof data === 'string' ? data : new TextDecoder().decode(/** @type {any} */ (data)),
      );
    } catch {
      if (this.#status !== 'reconnecting') this.#be('closing');
      this.#misheard('what is no JSON');
      return;
    }
    const events = Array.isArray(said) ? said : [said];
    if (!events.every((event) => event && typeof event === 'object' && !Array.isArray(event)))
      this.#misheard('what is no event');
    else
      for (const event of events) {
        if (!this.#link) return;
        this.#hear(event);
      }
  }

  /** @param {string} what */
  #misheard(what) {
    const error = problem('malformed', `The server sent ${what}: is it a gateway of this version?`);
    if (this.#ready) {
      this.#unlink();
      this.#ready.reject(error);
    } else this.#end('error', error);
  }

  /** @param {RealtimeEvent} event */
  #hear(event) {
    if (this.#voice && !this.#voice.hear(event)) {
      this.#report(
        problem('malformed', `The server sent a ${event.type} without audio in base64.`),
      );
      return;
    }
    this.#events = [...this.#events, event].slice(-this.#options.maxEvents);
    this.#changed('events');
    if (this.#messages.hear(event)) this.#changed('messages');
    this.#count(event);
    this.#follow(event);
    const { continuous } = this.#options;
    const readiness = continuous ? ['session-started'] : ['session-created', 'session-updated'];
    if (this.#ready && readiness.includes(event.type)) this.#begin();
    if (event.type === 'function-call-arguments-done') this.#call(event);
    else this.#calls.hear(event);
    if (event.type === 'error') this.#refused(event);
    this.#dispatch('event', event, this.#options.onEvent);
    if (event.type === 'session-closed' && continuous) this.#end('disconnected', null);
  }

  /** @param {RealtimeEvent} event */
  #follow(event) {
    switch (event.type) {
      case 'speech-started':
        this.#turn = null;
        break;
      case 'speech-stopped': {
        const now = this.#platform.now();
        const voiced = this.#microphone?.voiced ?? -Infinity;
        this.#turn = { from: 'speech', at: now - voiced < 5000 ? voiced : now, detected: now };
        this.#wanted = true;
        break;
      }
      case 'audio-delta':
      case 'text-delta':
      case 'audio-transcript-delta':
      case 'function-call-arguments-done':
      case 'response-done':
        this.#wanted = false;
        break;
      case 'custom':
        // Of a session that has lasted as long as it may, there is no other.
        if (event.rawType === 'goAway') this.#goesAway = !trouble(String(rawOf(event).code ?? ''));
        break;
    }
  }

  /** What it costs. @param {RealtimeEvent} event */
  #count({ type, usage }) {
    if (!usage || typeof usage !== 'object') return;
    if (type === 'response-done') {
      /** @type {Record<string, number>} */
      const sum = { ...this.#usage };
      for (const [name, more] of Object.entries(usage))
        if (typeof more === 'number') sum[name] = (sum[name] ?? 0) + more;
      this.#usage = sum;
    } else if (type === 'session-usage' || type === 'session-closed') this.#usage = { ...usage };
    else return;
    this.#changed('usage');
  }

  /** The server reports an error, and the session goes on. @param {RealtimeEvent} event */
  #refused(event) {
    const serverCode = typeof event.code === 'string' ? event.code : undefined;
    const code = trouble(serverCode ?? '') ?? 'server-error';
    const error = new RealtimeError(code, String(event.message ?? 'Unknown error'), { serverCode });
    if (code !== 'server-error') this.#trouble = { error, at: this.#platform.now() };
    this.#report(error);
  }

  /** The first sample of an answer was heard. @param {string} responseId @param {number} at */
  #answered(responseId, at) {
    const turn = this.#turn;
    if (!turn) return;
    this.#turn = null;
    /** @type {Latency} */
    const latency = {
      responseId,
      from: turn.from,
      ms: Math.round(at - turn.at),
      sinceDetection: Math.round(at - turn.detected),
    };
    this.#latencies = [...this.#latencies, latency].slice(-100);
    this.#changed('latencies');
    this.#dispatch('latency', latency);
  }

  // Tools.

  /** @param {RealtimeEvent} event */
  #call(event) {
    if (!this.#calls.begin(event)) return;
    const { callId = '', name = '' } = event;
    let args;
    try {
      args = JSON.parse(event.arguments || '{}');
    } catch (error) {
      this.#messages.called(callId, name, {});
      this.#failed(callId, `the arguments of ${name} are no JSON`, error);
      return;
    }
    this.#messages.called(callId, name, args);
    this.#changed('messages');
    const { onToolCall } = this.#options;
    if (!onToolCall) this.#failed(callId, `nothing here does ${name}: the page gave no onToolCall`);
    else void this.#work(onToolCall, { toolCallId: callId, toolName: name, args });
  }

  /** @param {NonNullable<RealtimeOptions['onToolCall']>} handler @param {ToolCall} toolCall */
  async #work(handler, toolCall) {
    const { toolCallId, toolName } = toolCall;
    const calls = this.#calls;
    try {
      const output = await handler({ toolCall });
      if (output === undefined || calls !== this.#calls || calls.settled(toolCallId)) return;
      if (this.#status === 'connected' || this.#status === 'reconnecting')
        this.addToolOutput(toolCallId, output);
    } catch (error) {
      if (calls === this.#calls) this.#failed(toolCallId, `${toolName} failed: ${error}`, error);
    }
  }

  /** The model is told, so that it can apologise. @param {string} callId @param {string} text
   * @param {unknown} [cause] */
  #failed(callId, text, cause) {
    this.#report(problem('tool-failed', text, { cause }));
    if (this.#messages.failed(callId, text)) this.#changed('messages');
    if (!this.#calls.settled(callId)) this.#calls.answer(callId, written({ error: text }));
  }

  // The microphone.

  /** @param {Int16Array} pcm @param {number} level */
  #captured(pcm, level) {
    this.#inputLevel = level;
    this.#levels();
    const ms = (1000 * pcm.length) / this.#inputRate;
    if (this.#gate === 'open') this.#pressedMs += ms;
    if (this.#options.transport === 'webrtc') return;
    if (this.#gate === 'closed') {
      if (this.#manual) return;
      pcm.fill(0); // the server has to hear that the user is silent
    }
    this.#sayAudio(pcm, (event) => this.#sayByItself(event, ms));
  }

  /** Whether the device is heard at all. */
  #enable() {
    const shut = this.#options.transport === 'webrtc' && this.#gate === 'closed';
    this.#microphone?.enable(!this.#isMuted && !shut);
  }

  #closeMicrophone() {
    this.#microphone?.close();
    this.#microphone = null;
    this.#link?.useTrack(null);
    this.#inputLevel = 0;
  }

  // What others are told.

  /** @param {Status} status */
  #be(status) {
    if (status === this.#status) return;
    this.#status = status;
    this.#changed('status');
  }

  /** @param {RealtimeError} error */
  #report(error) {
    this.#error = error;
    this.#changed('error');
    if (!this.#options.onError) console.warn(`antiphon: ${error.code}: ${error.message}`);
    this.#dispatch('error', error, this.#options.onError);
  }

  /** @param {keyof Snapshot} what */
  #changed(what) {
    this.#snapshot = null;
    this.#dispatch('change', { what });
    if (this.#announcing || !this.#listeners.size) return;
    this.#announcing = true;
    queueMicrotask(() => {
      this.#announcing = false;
      for (const listener of [...this.#listeners]) this.#guard(listener);
    });
  }

  #levels() {
    const now = this.#platform.now();
    const silent = !this.#inputLevel && !this.#outputLevel;
    if (silent ? this.#leveled === -Infinity : now - this.#leveled < 45) return;
    this.#leveled = silent ? -Infinity : now; // of silence is told once
    this.#dispatch('levels', { input: this.#inputLevel, output: this.#outputLevel });
  }

  /** @template T @param {string} name @param {T} detail @param {(detail: T) => void} [handler] */
  #dispatch(name, detail, handler) {
    if (handler) this.#guard(() => handler(detail));
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** A mistake of the page ends nothing here. @param {() => void} call */
  #guard(call) {
    try {
      call();
    } catch (error) {
      console.error('antiphon: a handler of the page failed', error);
    }
  }
}

/** What a setup endpoint answers, if it is that. @param {any} setup @returns {Setup} */
function checked(setup) {
  const fail = (/** @type {string} */ text) => problem('setup-failed', `The setup's ${text}.`);
  if (typeof setup?.token !== 'string' || !setup.token.trim()) throw fail('token is missing');
  let url;
  try {
    url = new URL(setup.url);
  } catch {
    throw fail('url is none');
  }
  if (!['ws:', 'wss:'].includes(url.protocol) || String(setup.url).includes('#'))
    throw fail("url is no WebSocket's: it begins with ws: or wss: and has no #");
  const { tools } = setup;
  const sound = (/** @type {any} */ tool) =>
    tool?.type === 'function' &&
    tool.name &&
    typeof tool.name === 'string' &&
    tool.parameters &&
    typeof tool.parameters === 'object';
  if (tools != null && !(Array.isArray(tools) && tools.every(sound)))
    throw fail('tools are not all functions with a name and parameters');
  return { token: setup.token, url: setup.url, ...(tools && { tools }) };
}
