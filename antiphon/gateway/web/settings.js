/** What the user chose before connecting, kept in this browser. */

import { TOOLS, readTools } from './tools.js';

const KEPT = 'antiphon.page';
const RATE = 24_000;

/** @typedef {{[name: string]: string | boolean}} Values */

/** @type {Values} */
export const FIRST = {
  model: '',
  voice: '',
  instructions: '',
  turns: '',
  pause: '500',
  transport: 'websocket',
  tools: JSON.stringify(TOOLS, null, 2),
  microphone: '',
  loudspeaker: '',
  pushToTalk: false,
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  announce: true,
  shortcuts: true,
};

/** What a session is asked for. @param {Values} values */
export function sessionOf(values) {
  const { voice, instructions, turns, pause, tools } = values;
  const read = readTools(String(tools));
  /** @type {any} */
  const config = {
    inputAudioTranscription: {},
    inputAudioFormat: { type: 'audio/pcm', rate: RATE },
    outputAudioFormat: { type: 'audio/pcm', rate: RATE },
  };
  if (String(voice).trim()) config.voice = String(voice).trim();
  if (String(instructions).trim()) config.instructions = String(instructions).trim();
  if (turns) config.turnDetection = { type: turns };
  if (turns === 'server-vad' && Number(pause) > 0)
    config.turnDetection.silenceDurationMs = Number(pause);
  if (!('wrong' in read) && read.tools.length) config.tools = read.tools;
  return config;
}

/** Where a ticket for this model is asked for. @param {Values} values @param {string} base */
export function setupOf({ model }, base) {
  const address = new URL('api/realtime/setup', base);
  if (String(model).trim()) address.searchParams.set('model', String(model).trim());
  return address;
}

/** How the microphone is opened. @param {Values} values */
export function captureOf(values) {
  const { microphone, echoCancellation, noiseSuppression, autoGainControl } = values;
  return {
    ...(microphone && { deviceId: String(microphone) }),
    echoCancellation: Boolean(echoCancellation),
    noiseSuppression: Boolean(noiseSuppression),
    autoGainControl: Boolean(autoGainControl),
    pushToTalk: pushesToTalk(values),
  };
}

/** Without turn detection nobody but the user can tell when a turn ends. @param {Values} values */
export function pushesToTalk({ pushToTalk, turns }) {
  return Boolean(pushToTalk) || turns === 'disabled';
}

/** The form, and what is kept of it. */
export class Settings {
  #form;
  #changed;

  /** @param {HTMLFormElement} form @param {(name: string) => void} changed */
  constructor(form, changed) {
    this.#form = form;
    this.#changed = changed;
    this.#write({ ...FIRST, ...kept() });
    form.addEventListener('input', (event) => {
      const { name } = /** @type {HTMLInputElement} */ (event.target);
      this.#settle();
      this.#changed(name);
    });
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('reset', (event) => {
      event.preventDefault();
      this.#write(FIRST);
      this.#changed('');
    });
  }

  /** @returns {Values} */
  get values() {
    const values = { ...FIRST };
    for (const name of Object.keys(FIRST)) {
      const field = this.#field(name);
      if (field instanceof HTMLInputElement && field.type === 'checkbox')
        values[name] = field.checked;
      else if (field) values[name] = field.value;
    }
    return values;
  }

  /** Why a session cannot be asked for, if so. */
  get wrong() {
    return readTools(String(this.values.tools)).wrong ?? null;
  }

  /** What is the session's cannot be changed while there is one. @param {boolean} locked */
  lock(locked) {
    for (const set of this.#form.querySelectorAll('fieldset'))
      if (set.dataset.of === 'session') set.disabled = locked;
    this.#find('#locked').hidden = !locked;
  }

  /** @param {readonly string[]} models */
  offer(models) {
    const list = this.#find('#models');
    list.replaceChildren(...models.map((name) => new Option(name, name)));
  }

  /** @param {readonly {deviceId: string, kind: string, label: string}[]} devices */
  devices(devices) {
    for (const [name, kind] of [
      ['microphone', 'audioinput'],
      ['loudspeaker', 'audiooutput'],
    ]) {
      const field = /** @type {HTMLSelectElement} */ (this.#field(name));
      const chosen = field.value;
      const named = devices.filter(
        (one) => one.kind === kind && one.label && one.deviceId !== 'default',
      );
      const options = named.map(({ deviceId, label }) => new Option(label, deviceId));
      field.replaceChildren(new Option('The usual one', ''), ...options);
      field.value = named.some(({ deviceId }) => deviceId === chosen) ? chosen : '';
    }
  }

  #settle() {
    const { values, wrong } = this;
    for (const one of this.#form.querySelectorAll('[data-for]'))
      /** @type {HTMLElement} */ (one).hidden = one.getAttribute('data-for') !== values.turns;
    const push = /** @type {HTMLInputElement} */ (this.#field('pushToTalk'));
    push.disabled = values.turns === 'disabled';
    const told = this.#find('#tools-wrong');
    told.hidden = !wrong;
    told.textContent = wrong ?? '';
    this.#find('[name=tools]').setAttribute('aria-invalid', String(wrong !== null));
    keep(values);
  }

  /** @param {Values} values */
  #write(values) {
    for (const [name, value] of Object.entries(values)) {
      const field = this.#field(name);
      if (field instanceof HTMLInputElement && field.type === 'checkbox')
        field.checked = Boolean(value);
      else if (field) {
        // A device that was chosen before is not listed until the microphone is allowed.
        if (
          field instanceof HTMLSelectElement &&
          ![...field.options].some((one) => one.value === value)
        )
          field.add(new Option('The one of last time', String(value)));
        field.value = String(value);
      }
    }
    this.#settle();
  }

  /** @param {string} name @returns {HTMLInputElement | HTMLSelectElement | RadioNodeList | null} */
  #field(name) {
    return /** @type {any} */ (this.#form.elements.namedItem(name));
  }

  /** @param {string} selector @returns {HTMLElement} */
  #find(selector) {
    return /** @type {HTMLElement} */ (this.#form.querySelector(selector));
  }
}

/** @returns {Values} */
function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? '{}');
    const known = Object.entries(found).filter(
      ([name, value]) => typeof value === typeof FIRST[name],
    );
    return Object.fromEntries(/** @type {[string, string | boolean][]} */ (known));
  } catch {
    return {};
  }
}

/** Only what is otherwise than at first. @param {Values} values */
function keep(values) {
  const changed = Object.entries(values).filter(([name, value]) => value !== FIRST[name]);
  try {
    localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(changed)));
  } catch {
    // A browser that keeps nothing is no reason not to talk.
  }
}
