/** Shows the conversation: words as they come, what of them was heard, calls of tools. */

import { split } from './heard.js';

/**
 * @typedef {import('./antiphon.d.ts').Message} Message
 * @typedef {import('./antiphon.d.ts').MessagePart} Part
 * @typedef {import('./antiphon.d.ts').ToolPart} ToolPart
 * @typedef {import('./heard.js').Heard} Heard
 * @typedef {{of: (message: Message, part: number) => Heard | undefined}} HeardOf
 * @typedef {{item: HTMLElement, drawn: {part: Part, heard?: Heard, asked: boolean, node: HTMLElement}[]}} Shown
 */

const STATES = {
  'input-streaming': 'calling…',
  'input-available': 'working…',
  'output-available': 'answered',
  'output-error': 'failed',
};

export class Conversation {
  /** Calls that the user is to answer. @type {Set<string>} */
  asked = new Set();
  /** @type {Map<string, Shown>} */
  #shown = new Map();
  /** @type {{after: string | null, node: HTMLElement}[]} */
  #notes = [];
  /** @type {Set<string>} */
  #told = new Set();
  #list;
  #answer;
  #tell;
  #waits = {
    user: dots('user', 'You are speaking'),
    assistant: dots('assistant', 'The bot is thinking'),
  };

  /**
   * @param {HTMLElement} list
   * @param {{answer: (callId: string, text: string) => void, tell: (text: string) => void}} does
   */
  constructor(list, { answer, tell }) {
    this.#list = list;
    this.#answer = answer;
    this.#tell = tell;
  }

  clear() {
    this.#shown.clear();
    this.#notes = [];
    this.#told.clear();
    this.asked.clear();
    this.#list.replaceChildren();
  }

  /** Something that happened between two turns. @param {string} text
   * @param {readonly Message[]} messages */
  note(text, messages) {
    const node = element('li', 'between', text);
    this.#notes.push({ after: messages.at(-1)?.id ?? null, node });
    this.#tell(text);
  }

  /**
   * @param {readonly Message[]} messages
   * @param {HeardOf} heard
   * @param {'user' | 'assistant' | null} wait whose words are on their way
   */
  draw(messages, heard, wait) {
    const scroller = /** @type {HTMLElement} */ (this.#list.parentElement);
    const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
    /** @type {HTMLElement[]} */
    const nodes = this.#notes.filter(({ after }) => after === null).map(({ node }) => node);
    for (const message of messages) {
      nodes.push(this.#item(message, heard));
      for (const { after, node } of this.#notes) if (after === message.id) nodes.push(node);
    }
    if (wait && !comes(messages.at(-1), wait)) nodes.push(this.#waits[wait]);
    nodes.forEach((node, i) => {
      if (this.#list.children[i] !== node)
        this.#list.insertBefore(node, this.#list.children[i] ?? null);
    });
    while (this.#list.children.length > nodes.length) this.#list.lastElementChild?.remove();
    if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  /** @param {Message} message @param {HeardOf} heard */
  #item(message, heard) {
    const { id, role, parts } = message;
    const shown = this.#shown.get(id) ?? { item: element('li', `turn ${role}`), drawn: [] };
    if (!this.#shown.has(id)) {
      shown.item.append(element('span', 'unseen', role === 'user' ? 'You said:' : 'The bot said:'));
      this.#shown.set(id, shown);
    }
    parts.forEach((part, i) => {
      const one = heard.of(message, i);
      const asked = part.type === 'dynamic-tool' && this.asked.has(part.toolCallId);
      const before = shown.drawn[i];
      if (before && before.part === part && before.heard === one && before.asked === asked) return;
      const node = part.type === 'text' ? text(role, part, one) : this.#card(part, asked);
      if (before) before.node.replaceWith(node);
      else shown.item.append(node);
      shown.drawn[i] = { part, heard: one, asked, node };
      this.#announce(`${id}/${i}`, role, part, one);
    });
    return shown.item;
  }

  /** Once for each part, when it is complete. @param {string} key @param {string} role
   * @param {Part} part @param {Heard} [heard] */
  #announce(key, role, part, heard) {
    const once = (/** @type {string} */ of, /** @type {string} */ said) => {
      if (!this.#told.has(key + of)) this.#tell(said);
      this.#told.add(key + of);
    };
    if (heard?.cut != null) once('!', 'Interrupted');
    if (part.type === 'text') {
      if (part.state === 'done' && part.text)
        once('', `${role === 'user' ? 'You' : 'Bot'}: ${part.text}`);
    } else if (part.state === 'output-available')
      once('', `The tool ${part.toolName} answered ${inline(part.output)}`);
    else if (part.state === 'output-error') once('', `The tool ${part.toolName} failed`);
  }

  /** @param {ToolPart} part @param {boolean} asked */
  #card(part, asked) {
    const { toolCallId, toolName, state, input, output, errorText } = part;
    const card = element('article', state === 'output-error' ? 'card failed' : 'card');
    card.setAttribute('aria-label', `Tool ${toolName || 'call'}`);
    const head = element('header');
    const waits = asked && state === 'input-available';
    const told = element('span', 'state', waits ? 'waits for you' : STATES[state]);
    head.append(icon('tool'), element('span', '', toolName || '…'), told);
    card.append(head);
    if (input !== undefined) card.append(section('arguments', 'With', values(input)));
    if (state === 'output-available') card.append(section('result', 'Result', values(output)));
    if (state === 'output-error') card.append(section('result', 'Error', values(errorText)));
    if (waits) card.append(section('result', 'Result', this.#field(toolCallId, toolName)));
    return card;
  }

  /** @param {string} callId @param {string} name */
  #field(callId, name) {
    const form = document.createElement('form');
    const field = document.createElement('input');
    field.setAttribute('aria-label', `Result of ${name}`);
    field.placeholder = 'Text or JSON';
    const send = element('button', 'quiet', 'Give');
    form.append(field, send);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.asked.delete(callId);
      this.#answer(callId, field.value);
    });
    return form;
  }
}

/** @param {Message | undefined} last @param {string} wait */
function comes(last, wait) {
  const part = last?.parts.at(-1);
  if (last?.role !== wait || part?.type !== 'text') return false;
  return wait === 'assistant' || part.state === 'streaming';
}

/** @param {string} role @param {import('./antiphon.d.ts').TextPart} part @param {Heard} [heard] */
function text(role, part, heard) {
  const box = element('div', 'said');
  const words = element('p', 'words');
  const partial = role === 'user' && part.state === 'streaming';
  const unclear = role === 'user' && part.state === 'done' && !part.text.trim();
  words.classList.toggle('partial', partial || unclear);
  if (unclear) words.append('Not understood');
  const end = heard ? split(part.text, heard.share) : part.text.length;
  words.append(part.text.slice(0, end));
  const rest = part.text.slice(end);
  if (rest) words.append(element('span', heard?.cut != null ? 'unheard' : 'coming', rest));
  box.append(words);
  if (heard?.cut != null) {
    const mark = element('p', 'mark-of cut');
    mark.append(icon('hush'), `Interrupted after ${(heard.cut / 1000).toFixed(1)} s`);
    box.append(mark);
  }
  return box;
}

/** Of an object, its members one below the other. @param {unknown} value */
function values(value) {
  if (value && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length) {
    const list = document.createElement('dl');
    for (const [name, one] of Object.entries(value))
      list.append(element('dt', '', name), element('dd', '', inline(one)));
    return list;
  }
  const empty = value && typeof value === 'object' && !Object.keys(value).length;
  return element('pre', '', empty ? 'nothing' : inline(value));
}

/** @param {unknown} value */
function inline(value) {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** @param {string} kind @param {string} title @param {HTMLElement} body */
function section(kind, title, body) {
  const made = element('div', `part ${kind}`);
  made.append(element('h3', '', title), body);
  return made;
}

/** @param {string} role @param {string} meaning */
function dots(role, meaning) {
  const item = element('li', `turn ${role} waits`);
  const words = element('p', 'words partial dots');
  words.append(element('i'), element('i'), element('i'), element('span', 'unseen', meaning));
  item.append(words);
  return item;
}

/** @param {string} name @param {string} [kind] @param {string} [text] */
export function element(name, kind = '', text = '') {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text) made.textContent = text;
  return made;
}

/** @param {string} name of a symbol in index.html */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}
