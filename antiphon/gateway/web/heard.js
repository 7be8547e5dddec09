/** How much of what the bot says was heard so far, and where it was interrupted. */

/**
 * @typedef {import('./antiphon.d.ts').Message} Message
 * @typedef {{share: number, cut: number | null}} Heard
 * *share* of the text, 0 to 1; *cut*: interrupted after so many milliseconds.
 */

const BYTES_PER_SAMPLE = 2;
const PACE = 65; // milliseconds a character, as people speak, until it is known

/** @typedef {{place: string, ms: number, characters: number, complete: boolean,
 *   stopped: boolean}} Item */

/**
 * Items are what the server counts, and messages what is shown: this knows which part of which
 * message is whose words.
 */
export class HeardSoFar {
  #rate;
  /** @type {Map<string, Item>} What came of each item. */
  #items = new Map();
  #pace = PACE;
  /** @type {Map<string, Heard>} By message and part. */
  #places = new Map();
  /** The part that was said last, for an interruption that names no item. */
  #last = '';

  /** @param {number} rate Hz of the bot's speech */
  constructor(rate) {
    this.#rate = rate;
  }

  /** A new connection, where ids may mean something else; what was heard stays. */
  begin() {
    this.#items.clear();
  }

  /** @param {Message} message @param {number} part @returns {Heard | undefined} */
  of(message, part) {
    return this.#places.get(`${message.id}/${part}`);
  }

  /** To be told after *messages* were. @param {{type: string, [field: string]: any}} event
   * @param {readonly Message[]} messages */
  hear(event, messages) {
    const { type, itemId = '' } = event;
    if (type === 'audio-delta' && typeof event.delta === 'string') {
      const bytes = (event.delta.length * 3) / 4;
      this.#item(itemId).ms += (1000 * bytes) / BYTES_PER_SAMPLE / this.#rate;
    } else if (type === 'audio-transcript-delta' || type === 'text-delta') {
      const item = this.#item(itemId);
      item.place ||= lastText(messages);
      item.characters += String(event.delta ?? '').length;
      this.#last = item.place || this.#last;
    } else if (type === 'audio-done') this.#complete(this.#item(itemId));
    else if (type === 'speech-started') this.stopped();
  }

  /** What is being said now will not be said to its end. */
  stopped() {
    for (const item of this.#items.values()) item.stopped ||= !item.complete;
  }

  /** @param {{itemId: string, ms: number, done: boolean}} played */
  played({ itemId, ms, done }) {
    const item = this.#items.get(itemId);
    if (!item?.place) return false;
    const before = this.#places.get(item.place);
    if (before?.cut != null) return false;
    const share = done ? 1 : this.#share(item, ms);
    this.#places.set(item.place, { share, cut: null });
    return share !== before?.share;
  }

  /** The user has interrupted. @param {string} itemId @param {number} ms that were heard */
  interrupted(itemId, ms) {
    const item = this.#items.get(itemId);
    const place = item?.place || this.#last;
    if (!place) return false;
    const share = item ? this.#share(item, ms) : 1;
    this.#places.set(place, { share, cut: ms });
    return true;
  }

  /** Words come before their sound, so that its length has to be guessed until it is all there.
   * @param {Item} item @param {number} ms */
  #share(item, ms) {
    const whole = item.complete ? item.ms : Math.max(item.ms, this.#pace * item.characters);
    return whole ? Math.min(1, ms / whole) : 1;
  }

  /** @param {Item} item */
  #complete(item) {
    if (item.stopped || !item.ms) return;
    item.complete = true;
    // The end of a sentence is quiet; short ones say little of the pace.
    if (item.characters > 40 && item.ms > 1000) this.#pace = item.ms / item.characters;
  }

  /** @param {string} id */
  #item(id) {
    const item = this.#items.get(id) ?? {
      place: '',
      ms: 0,
      characters: 0,
      complete: false,
      stopped: false,
    };
    this.#items.set(id, item);
    return item;
  }
}

/** Where in *text* its first *share* ends: after a whole word. @param {string} text
 * @param {number} share */
export function split(text, share) {
  if (share >= 1) return text.length;
  const at = Math.floor(text.length * share);
  if (at === 0) return 0;
  const space = text.slice(at).search(/\s/);
  return space < 0 ? text.length : at + space;
}

/** @param {readonly Message[]} messages */
function lastText(messages) {
  const message = messages.findLast(({ role }) => role === 'assistant');
  const part = message?.parts.findLastIndex(({ type }) => type === 'text') ?? -1;
  return message && part >= 0 ? `${message.id}/${part}` : '';
}
