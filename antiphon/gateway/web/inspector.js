/** Every message of the session: to be filtered, opened, copied and saved. */

import { element } from './conversation.js';

/**
 * @typedef {import('./log.js').Entry} Entry
 * @typedef {import('./log.js').Log} Log
 * @typedef {{find: string, side: string, sound: boolean}} Filter
 */

const MOST = 1000; // rows that a page can well have
const LONG = 200; // characters of a value in base64 that say nothing to a reader

/** @param {Entry} entry @param {Filter} filter */
export function fits({ side, audio, type, text }, filter) {
  if (filter.side && side !== filter.side) return false;
  if (audio && !filter.sound) return false;
  const find = filter.find.trim().toLowerCase();
  // Of sound nothing is looked for in what cannot be read.
  return !find || type.includes(find) || (!audio && text.toLowerCase().includes(find));
}

/** What is worth reading of a message beside its type, in one line. @param {string} text */
export function summary(text) {
  const event = JSON.parse(text);
  if (typeof event.delta === 'string' && event.type === 'audio-delta')
    return milliseconds(event.delta);
  if (typeof event.audio === 'string') return milliseconds(event.audio);
  const told =
    event.rawType ??
    event.delta ??
    event.transcript ??
    event.text ??
    event.message ??
    event.item?.text ??
    event.item?.output ??
    event.arguments ??
    event.status ??
    event.audioEndMs ??
    event.name ??
    '';
  const said = typeof told === 'string' ? told : JSON.stringify(told);
  const raw = event.type === 'custom' ? (event.raw?.transcript ?? event.raw?.delta ?? '') : '';
  return [said, raw].filter(Boolean).join(' ');
}

/** The message to be read: sound is left out. @param {string} text */
export function readable(text) {
  return JSON.stringify(JSON.parse(text), shorten, 2);
}

/** @param {string} _ @param {unknown} value */
function shorten(_, value) {
  if (typeof value !== 'string' || value.length <= LONG || !/^[\w+/=-]+$/.test(value)) return value;
  return `${value.slice(0, 24)}… (${value.length} characters)`;
}

/** @param {string} base64 of 24 kHz */
function milliseconds(base64) {
  return `${Math.round((base64.length * 3) / 4 / 48)} ms of sound`;
}

export class Inspector {
  #log;
  #root;
  #list;
  /** @type {Entry[]} Not drawn yet. */
  #fresh = [];
  #began = performance.now();

  /** @param {HTMLElement} root @param {Log} log */
  constructor(root, log) {
    this.#root = root;
    this.#log = log;
    this.#list = this.#find('#events');
    for (const name of ['#find', '#side', '#sound'])
      this.#find(name).addEventListener('input', () => this.redraw());
    this.#find('#clear').addEventListener('click', () => {
      log.clear();
      this.redraw();
    });
    this.#find('#save-server').addEventListener('click', () => this.#save('server'));
    this.#find('#save-client').addEventListener('click', () => this.#save('client'));
    this.#list.addEventListener('keydown', (event) => this.#walk(event));
  }

  /** A session begins, whose times count from now. */
  begin() {
    this.#began = performance.now();
    this.#log.clear();
    this.redraw();
  }

  /** @param {Entry} entry */
  add(entry) {
    if (this.#root.hidden) return; // it is drawn when it is opened
    if (!this.#fresh.length) requestAnimationFrame(() => this.#append());
    this.#fresh.push(entry);
  }

  redraw() {
    this.#fresh = [];
    this.#list.replaceChildren();
    const filter = this.#filter;
    const shown = this.#log.entries.filter((entry) => fits(entry, filter)).slice(-MOST);
    this.#list.append(...shown.map((entry) => this.#row(entry)));
    this.#settle(true);
  }

  #append() {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    const atEnd = scrollHeight - scrollTop - clientHeight < 60;
    const filter = this.#filter;
    const shown = this.#fresh.filter((entry) => fits(entry, filter));
    this.#fresh = [];
    this.#list.append(...shown.map((entry) => this.#row(entry)));
    while (this.#list.children.length > MOST) this.#list.firstElementChild?.remove();
    this.#settle(atEnd);
  }

  /** @param {boolean} toEnd */
  #settle(toEnd) {
    // One stop of the tab key; arrows walk on from there.
    if (!this.#list.querySelector('summary[tabindex="0"]'))
      this.#list.querySelector('summary')?.setAttribute('tabindex', '0');
    if (toEnd) this.#list.scrollTop = this.#list.scrollHeight;
    const { entries, dropped } = this.#log;
    const gone = dropped ? `; the first ${dropped} are gone` : '';
    this.#find('#counted').textContent =
      `${this.#list.children.length} of ${entries.length} messages${gone}`;
  }

  /** @returns {Filter} */
  get #filter() {
    const value = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (this.#find(id));
    return {
      find: value('#find').value,
      side: value('#side').value,
      sound: value('#sound').checked,
    };
  }

  /** @param {Entry} entry */
  #row(entry) {
    const { at, side, type, text } = entry;
    const row = element('li', `${side}${type === 'error' ? ' error' : ''}`);
    const details = document.createElement('details');
    const head = document.createElement('summary');
    head.tabIndex = -1;
    const seconds = ((at - this.#began) / 1000).toFixed(2);
    const arrow = element('span', 'side', side === 'client' ? '↑' : '↓');
    arrow.title = side === 'client' ? 'said by the page' : 'said by the server';
    const about = element('span', 'about', type || 'no event');
    let said = '';
    try {
      said = summary(text).slice(0, 300);
    } catch {
      said = text.slice(0, 300);
    }
    if (said) about.append(element('span', '', ` ${said}`));
    head.append(element('time', '', seconds), arrow, about);
    details.append(head);
    details.addEventListener('toggle', () => {
      if (details.open && details.children.length === 1) details.append(whole(text));
    });
    row.append(details);
    return row;
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const heads = [...this.#list.querySelectorAll('summary')];
    const at = heads.indexOf(/** @type {HTMLElement} */ (event.target));
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: heads.length - 1 };
    const to = heads[/** @type {Record<string, number>} */ (steps)[event.key]];
    if (at < 0 || !to) return;
    event.preventDefault();
    for (const head of heads) head.tabIndex = head === to ? 0 : -1;
    to.focus();
  }

  /** @param {'client' | 'server'} side */
  #save(side) {
    const file = new Blob([this.#log.lines(side)], { type: 'application/x-ndjson' });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = `${side}.jsonl`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  /** @param {string} selector @returns {HTMLElement} */
  #find(selector) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(selector));
  }
}

/** @param {string} text */
function whole(text) {
  const box = element('div', 'whole');
  let shown = text;
  try {
    shown = readable(text);
  } catch {
    // It is no JSON, and shown as it is.
  }
  const copy = element('button', 'quiet copy', 'Copy');
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = 'Copied';
    } catch {
      copy.textContent = 'Not allowed';
    }
  });
  box.append(element('pre', '', shown), copy);
  return box;
}
