/** How long the user waited, as a chart and a table; and what the session has cost. */

/**
 * @typedef {import('./antiphon.d.ts').Latency} Latency
 * @typedef {{number: number, from: Latency['from'], ended: string, noticed: number, answered: number}}
 *   Turn *noticed* and *answered* are milliseconds after the user's words ended.
 */

const SHOWN = 40;
const WIDTH = 200;
const HEIGHT = 32;
const BAR = 4;
const LEAST = 1000; // milliseconds of the full height, so that short waits look short

const SVG = 'http://www.w3.org/2000/svg';

const FROM = { speech: 'spoken', 'push-to-talk': 'push to talk', text: 'typed' };

/** @param {Latency} latency @param {number} number @param {string} ended a time of day @returns {Turn} */
export function turn({ from, ms, sinceDetection }, number, ended) {
  return { number, from, ended, noticed: Math.max(0, ms - sinceDetection), answered: ms };
}

/** @param {readonly Turn[]} turns @returns {number | null} */
export function median(turns) {
  if (!turns.length) return null;
  const sorted = turns.map(({ answered }) => answered).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : Math.round((sorted[middle - 1] + sorted[middle]) / 2);
}

/** @param {number} ms */
export function spelt(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** Rectangles of the chart: the wait until the end of speech was noticed below the rest of it.
 * @param {readonly Turn[]} turns */
export function bars(turns) {
  const shown = turns.slice(-SHOWN);
  const most = Math.max(LEAST, ...shown.map(({ answered }) => answered));
  const step = WIDTH / SHOWN;
  const left = WIDTH - shown.length * step;
  const high = (/** @type {number} */ ms) => (ms / most) * (HEIGHT - 1);
  return {
    most,
    rects: shown.flatMap(({ noticed, answered }, i) => {
      const x = left + i * step;
      return [
        { kind: 'noticing', x, y: HEIGHT - high(noticed), height: high(noticed) },
        { kind: 'answering', x, y: HEIGHT - high(answered), height: high(answered - noticed) },
      ];
    }),
  };
}

/** What the counts say, in words. @param {Record<string, number | undefined>} usage
 * @returns {[string, string][]} */
export function counts(usage) {
  const number = new Intl.NumberFormat('en');
  /** @type {[string, string][]} */
  const told = [];
  const add = (/** @type {string} */ name, /** @type {number | undefined} */ count, unit = '') => {
    if (count !== undefined) told.push([name, number.format(count) + unit]);
  };
  add('Tokens in', usage.inputTokens);
  add('of them sound', usage.inputAudioTokens);
  add('of them cached', usage.cachedInputTokens);
  add('Tokens out', usage.outputTokens);
  add('of them sound', usage.outputAudioTokens);
  add('Time', usage.seconds === undefined ? undefined : Math.round(usage.seconds), ' s');
  return told;
}

/** What the gateway says of money. @param {any} said of an `antiphon.cost` event */
export function money(said) {
  const dollars = Number(said?.dollars);
  if (!Number.isFinite(dollars)) return null;
  const digits = dollars > 0 && dollars < 0.1 ? 4 : 2;
  const text = `${said.estimated ? '≈ ' : ''}$${dollars.toFixed(digits)}`;
  return said.unpriced?.length ? `${text} + what has no price` : text;
}

/** Draws all of it. */
export class Figures {
  /** @type {Turn[]} */
  #turns = [];
  #root;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  clear() {
    this.#turns = [];
    this.#find('tbody').replaceChildren();
    this.#draw();
    this.spent({}, null);
  }

  /** @param {Latency} latency @param {Date} now */
  add(latency, now) {
    const ended = new Date(now.getTime() - latency.ms).toLocaleTimeString('en-GB');
    const made = turn(latency, (this.#turns.at(-1)?.number ?? 0) + 1, ended);
    this.#turns = [...this.#turns, made].slice(-500);
    const row = document.createElement('tr');
    const cells = [
      `${made.number}, ${FROM[made.from]}`,
      made.ended,
      made.from === 'speech' ? spelt(made.noticed) : '–',
      spelt(made.answered),
    ];
    for (const text of cells) row.insertCell().textContent = text;
    this.#find('tbody').prepend(row);
    this.#draw();
  }

  /** @param {Record<string, number | undefined>} usage @param {string | null} cost */
  spent(usage, cost) {
    const { inputTokens, outputTokens, seconds } = usage;
    const figure = this.#find('#cost');
    const bold = document.createElement('b');
    const tokens = (inputTokens ?? 0) + (outputTokens ?? 0);
    if (cost !== null) bold.textContent = cost;
    else if (tokens) bold.textContent = new Intl.NumberFormat('en').format(tokens);
    else bold.textContent = seconds ? `${Math.round(seconds)} s` : '–';
    figure.replaceChildren(bold, cost !== null ? ' so far' : tokens ? ' tokens' : ' used');
    const rows = counts(usage);
    if (cost !== null) rows.unshift(['Cost', cost]);
    this.#find('#usage').replaceChildren(
      ...rows.map(([name, count]) => {
        const row = document.createElement('div');
        row.append(element('dt', name), element('dd', count));
        return row;
      }),
    );
  }

  #draw() {
    const last = this.#turns.at(-1);
    const middle = median(this.#turns);
    const bold = element('b', last ? spelt(last.answered) : '–');
    this.#find('#last-answer').replaceChildren(bold, ' last answer');
    const chart = this.#find('#chart');
    const { most, rects } = bars(this.#turns);
    const drawn = rects.map(({ kind, x, y, height }) =>
      shape('rect', {
        class: kind,
        x: x - WIDTH,
        y,
        width: BAR,
        height: Math.max(0, height),
        rx: 1,
      }),
    );
    if (middle !== null) {
      const y = HEIGHT - (middle / most) * (HEIGHT - 1);
      const x1 = rects[0].x - WIDTH;
      drawn.push(shape('line', { class: 'median', x1, x2: 0, y1: y, y2: y }));
    }
    // At its right end, so that it is the oldest turns that a narrow page has no room for.
    const end = shape('svg', { x: '100%', overflow: 'visible' });
    end.append(...drawn);
    chart.replaceChildren(end);
    const said =
      middle === null
        ? 'No answers yet'
        : `Waits of ${this.#turns.length} turns; half of them below ${spelt(middle)}`;
    chart.setAttribute('aria-label', said);
  }

  /** @param {string} selector @returns {Element} */
  #find(selector) {
    return /** @type {Element} */ (this.#root.querySelector(selector));
  }
}

/** @param {string} name @param {string} text */
function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** @param {string} name @param {Record<string, string | number>} attributes */
function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
