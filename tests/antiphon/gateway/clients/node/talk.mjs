// What the clients share: the conversation that each of them has, and lines of JSON about it.

const PATIENCE = 15_000; // milliseconds after which what is waited for does not come

export const PAUSE = 500; // milliseconds of silence between two that speak

export const WEATHER = {
  name: 'get_weather',
  description: 'What the weather is like in a city.',
  parameters: {
    type: 'object',
    properties: {city: {type: 'string'}},
    required: ['city'],
    additionalProperties: false,
  },
};

export const INSTRUCTIONS = 'You are a friendly assistant. Keep it short.';

export const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

// What has been told, and somebody who waits for what comes next.
export class Told {
  #lines = [];
  #seen = 0;
  #changed = () => {};

  tell(kind, rest = {}) {
    const line = {kind, ...rest};
    console.log(JSON.stringify(line));
    this.#lines.push(line);
    this.#changed();
  }

  // The next line of these kinds, after the one that was waited for before.
  async next(kinds, fits = () => true) {
    const until = Date.now() + PATIENCE;
    while (true) {
      while (this.#seen < this.#lines.length) {
        const line = this.#lines[this.#seen++];
        if (kinds.includes(line.kind) && fits(line)) return line;
      }
      const left = until - Date.now();
      if (left <= 0) throw new Error(`no ${kinds} came that fits ${fits}`);
      let timer;
      await new Promise(resolve => {
        this.#changed = resolve;
        timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
    }
  }

  // What was told so far is not waited for.
  skip() {
    this.#seen = this.#lines.length;
  }

  // The tool: what the model has asked it, and what it answers.
  weather = ({city}) => {
    this.tell('tool', {name: WEATHER.name, arguments: {city}});
    return {city, temperature: 7, condition: 'cloudy'};
  };
}

// `write` sends text, `say` speaks, and `quiet` waits until nothing is to be heard any more; the
// client tells of `ready`, `speaks`, `answer`, `tool` and `interrupted` as they come.
export async function converse(told, {write, say, quiet, close}) {
  // What a busy machine's microphone has garbled is said once more, as to anybody.
  const sayUntil = async (words, kind, fits) => {
    for (let time = 0; time < 3; time++) {
      await say(words);
      const understood = line => line.kind === kind && fits(line);
      const line = await told.next(
        [kind, 'answer'], line => understood(line) || /didn't|beyond/.test(line.text));
      if (understood(line)) return;
      told.tell('misunderstood');
      await quiet();
    }
    throw new Error(`${words} was not understood`);
  };

  await told.next(['ready']);
  await write('Hello.');
  await told.next(['answer'], ({text}) => /help|do for you/.test(text));
  await quiet();

  await sayUntil('weather', 'tool', () => true);
  await told.next(['answer'], ({text}) => /Oslo/.test(text));
  await quiet();
  told.skip();

  await write('Tell me a story.');
  await told.next(['speaks']);
  await pause(1000);
  await sayUntil('wellbeing', 'answer', ({text}) => /well,|fine/.test(text));
  await quiet();

  await close();
  told.tell('done');
}
