/** Whether the bot listens, thinks or speaks: from what the server says and the state here. */

/**
 * @typedef {'idle' | 'connecting' | 'reconnecting' | 'listening' | 'hearing' | 'thinking' |
 *   'speaking' | 'muted' | 'waiting' | 'reading' | 'failed'} Name
 * `waiting` is for a key to be pressed, `reading` for something typed: nobody is heard.
 *
 * @typedef {object} Around
 * @property {string} status of the client
 * @property {boolean} isPlaying
 * @property {boolean} isCapturing
 * @property {boolean} isMuted
 * @property {boolean} pushToTalk
 * @property {boolean} pressed
 */

/** @type {Record<Name, string>} */
export const WORDS = {
  idle: 'Ready when you are',
  connecting: 'Connecting…',
  reconnecting: 'The connection was lost. Trying again…',
  listening: 'Listening',
  hearing: 'Hearing you',
  thinking: 'Thinking',
  speaking: 'Speaking',
  muted: 'Muted: you are not heard',
  waiting: 'Hold to talk',
  reading: 'The microphone is off: type',
  failed: 'Not connected',
};

/** Follows the turns of a session. */
export class Phase {
  /** The user is speaking, as the server hears it. */
  userSpeaks = false;
  /** @type {Set<string>} Responses that run. */
  #running = new Set();
  /** A turn has ended, and nothing was said since. */
  #owed = false;

  /** Whether a response is on its way. */
  get answering() {
    return this.#running.size > 0;
  }

  /** A new connection begins. */
  begin() {
    this.userSpeaks = this.#owed = false;
    this.#running.clear();
  }

  /** The user has said something that is to be answered. */
  asked() {
    this.#owed = true;
  }

  /** @param {{type: string, [field: string]: any}} event */
  hear(event) {
    switch (event.type) {
      case 'speech-started':
        this.userSpeaks = true;
        this.#owed = false;
        break;
      case 'speech-stopped':
      case 'audio-committed': // without turn detection
        this.userSpeaks = false;
        this.#owed = true;
        break;
      case 'response-created':
        this.#running.add(event.responseId ?? '');
        this.#owed = false;
        break;
      case 'response-done':
        this.#running.delete(event.responseId ?? '');
        if (!event.responseId) this.#running.clear();
        this.#owed = false;
        break;
    }
  }

  /** @param {Around} around @returns {Name} */
  name({ status, isPlaying, isCapturing, isMuted, pushToTalk, pressed }) {
    if (status === 'error') return 'failed';
    if (status === 'disconnected' || status === 'closing') return isPlaying ? 'speaking' : 'idle';
    if (status === 'connecting' || status === 'reconnecting') return status;
    if (pressed || (this.userSpeaks && isCapturing)) return 'hearing';
    if (isPlaying) return 'speaking';
    if (this.answering || this.#owed) return 'thinking';
    if (!isCapturing) return 'reading';
    if (pushToTalk) return 'waiting';
    return isMuted ? 'muted' : 'listening';
  }
}
