/** All that both sides have said, as it was said, for the inspector and for files. */

/**
 * @typedef {'client' | 'server'} Side
 * @typedef {{number: number, at: number, side: Side, type: string, text: string, audio: boolean}}
 *   Entry *at* is in milliseconds of `performance.now()`.
 */

export const AUDIO = new Set(['input-audio-append', 'audio-delta', 'audio-chunk']);

const MOST = 20_000;
const LARGEST = 48 * 1024 * 1024; // characters, of which audio is nearly all

export class Log {
  /** @type {Entry[]} */
  entries = [];
  /** How many of the oldest are gone. */
  dropped = 0;
  #made = 0;
  #size = 0;
  #now;
  #told;

  /** @param {(entry: Entry) => void} told @param {() => number} [now] */
  constructor(told, now = () => performance.now()) {
    this.#told = told;
    this.#now = now;
  }

  /** @param {Side} side @param {unknown} data */
  add(side, data) {
    if (typeof data !== 'string') return; // sound on its own is no event
    const type = typeOf(data);
    const entry = {
      number: ++this.#made,
      at: this.#now(),
      side,
      type,
      text: data,
      audio: AUDIO.has(type),
    };
    this.entries.push(entry);
    this.#size += data.length;
    while (this.entries.length > MOST || this.#size > LARGEST) {
      const oldest = this.entries.shift();
      this.#size -= oldest?.text.length ?? 0;
      this.dropped += 1;
    }
    this.#told(entry);
  }

  clear() {
    this.entries = [];
    this.#size = this.dropped = 0;
  }

  /** One JSON message a line, as `antiphon translate --side` reads them. @param {Side} side */
  lines(side) {
    const said = this.entries.filter((entry) => entry.side === side);
    return said.map(({ text }) => `${text.replace(/[\r\n]+/g, ' ')}\n`).join('');
  }

  /**
   * The browser's WebSocket and RTCPeerConnection, with an ear at what goes through them. For the
   * client's `platform`.
   */
  taps() {
    const add = (/** @type {Side} */ side, /** @type {unknown} */ data) => this.add(side, data);
    return {
      WebSocket: class extends WebSocket {
        /** @param {string | URL} url @param {string | string[]} [protocols] */
        constructor(url, protocols) {
          super(url, protocols);
          this.addEventListener('message', ({ data }) => add('server', data));
        }

        /** @param {any} data */
        send(data) {
          add('client', data);
          super.send(data);
        }
      },
      RTCPeerConnection: class extends RTCPeerConnection {
        /** @param {string} label @param {RTCDataChannelInit} [options] */
        createDataChannel(label, options) {
          const channel = super.createDataChannel(label, options);
          const send = channel.send.bind(channel);
          channel.addEventListener('message', ({ data }) =>
            add('server', typeof data === 'string' ? data : new TextDecoder().decode(data)),
          );
          channel.send = (/** @type {any} */ data) => {
            add('client', data);
            send(data);
          };
          return channel;
        }
      },
    };
  }
}

/** @param {string} text */
function typeOf(text) {
  try {
    const type = JSON.parse(text)?.type;
    return typeof type === 'string' ? type : '';
  } catch {
    return '';
  }
}
