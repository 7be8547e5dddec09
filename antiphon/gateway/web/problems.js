/** What went wrong, with what to do about it. */

import { element, icon } from './conversation.js';

/** @typedef {'again' | 'listen' | 'type' | 'choose' | 'play'} Act */

/** @type {Record<Act, string>} */
const ACTS = {
  again: 'Connect again',
  listen: 'Try again',
  type: 'Type instead',
  choose: 'Choose another',
  play: 'Play',
};

/** @type {Record<string, [string, Act[]]>} By code: what it is called, and what can be done. */
const KNOWN = {
  'permission-denied': ['The microphone is not allowed', ['listen', 'type']],
  'no-microphone': ['There is no microphone', ['listen', 'type']],
  'no-such-device': ['That device is gone', ['choose']],
  'microphone-busy': ['The microphone is in use', ['listen', 'type']],
  'microphone-lost': ['The microphone is gone', ['listen', 'choose']],
  'microphone-failed': ['The microphone does not work', ['listen', 'type']],
  'insecure-page': ['No audio on this page', ['type']],
  'no-audio': ['Nothing can be played', []],
  'playback-blocked': ['The browser waits for a click', ['play']],
  'playback-overflow': ['Too much speech at once', []],
  'network-slow': ['The network is slow', []],
  'setup-failed': ['The session could not be set up', ['again']],
  'ticket-refused': ['The gateway does not let this page in', ['again']],
  'limit-reached': ['A limit is reached', ['again']],
  'budget-spent': ['The budget is spent', ['again']],
  refused: ['The session is over', ['again']],
  'gateway-gone': ['The gateway cannot be reached', ['again']],
  'startup-timeout': ['The model is not ready', ['again']],
  malformed: ['The server was not understood', ['again']],
  'server-error': ['The model reports an error', []],
};

/** Codes that say nothing a card of the conversation does not. */
const SHOWN_ELSEWHERE = new Set(['tool-failed']);

/** @param {string} code @returns {{title: string, acts: Act[]}} */
export function advice(code) {
  const [title, acts] = KNOWN[code] ?? ['Something went wrong', []];
  return { title, acts };
}

/** The box at the top; one problem at a time, the latest. */
export class Problems {
  /** What is shown, if anything. */
  code = '';
  #box;
  #does;

  /** @param {HTMLElement} box @param {Record<Act, () => void>} does */
  constructor(box, does) {
    this.#box = box;
    this.#does = does;
  }

  /** @param {{code: string, message: string}} error */
  show({ code, message }) {
    if (SHOWN_ELSEWHERE.has(code)) return;
    const { title, acts } = advice(code);
    const text = element('p');
    text.append(element('b', '', title), message);
    const buttons = element('div', 'acts');
    for (const act of acts) {
      const button = element('button', 'quiet', ACTS[act]);
      button.addEventListener('click', () => {
        this.hide();
        this.#does[act]();
      });
      buttons.append(button);
    }
    const close = element('button', 'plain close');
    close.setAttribute('aria-label', 'Dismiss');
    close.append(icon('close'));
    close.addEventListener('click', () => this.hide());
    buttons.append(close);
    this.#box.replaceChildren(icon('warning'), text, buttons);
    this.#box.hidden = false;
    this.code = code;
  }

  /** @param {string[]} codes only if it is one of these; none: whatever it is */
  hide(...codes) {
    if (codes.length && !codes.includes(this.code)) return;
    this.#box.hidden = true;
    this.#box.replaceChildren();
    this.code = '';
  }
}
