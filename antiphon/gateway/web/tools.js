/** Tools that this page carries out itself, to try a model with. */

/** What a model is told of them; the user may edit it. */
export const TOOLS = [
  {
    type: 'function',
    name: 'get_weather',
    description: 'The present weather in a city. (Invented: this page has no network.)',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
    },
  },
  {
    type: 'function',
    name: 'set_timer',
    description: 'Start a timer.',
    parameters: {
      type: 'object',
      properties: { minutes: { type: 'number' }, seconds: { type: 'number' } },
    },
  },
  {
    type: 'function',
    name: 'get_time',
    description: "The time of day at the user's place.",
    parameters: { type: 'object', properties: {} },
  },
];

const SKIES = ['sunny', 'cloudy', 'rainy', 'windy', 'clear'];

/**
 * What the tool gives; undefined for one that this page does not have.
 * @param {string} name @param {any} args
 * @param {{rings: (text: string) => void, date?: () => Date}} world
 */
export function carryOut(name, args, { rings, date = () => new Date() }) {
  switch (name) {
    case 'get_weather': {
      const city = String(args?.city ?? '').trim();
      if (!city) throw new Error('a city is needed');
      return { city, ...weather(city) };
    }
    case 'set_timer': {
      const seconds = 60 * (Number(args?.minutes) || 0) + (Number(args?.seconds) || 0);
      if (!(seconds > 0 && seconds <= 86_400)) throw new Error('a timer runs up to a day');
      setTimeout(() => rings(`The timer of ${spelt(seconds)} is over.`), 1000 * seconds);
      return { seconds, ends: clock(new Date(date().getTime() + 1000 * seconds)) };
    }
    case 'get_time':
      return { time: clock(date()) };
    default:
      return undefined;
  }
}

/** The tools of a text, or why they are none. @param {string} text
 * @returns {{tools: any[], wrong?: undefined} | {wrong: string}} */
export function readTools(text) {
  if (!text.trim()) return { tools: [] };
  let tools;
  try {
    tools = JSON.parse(text);
  } catch (error) {
    return { wrong: `The tools are not JSON: ${/** @type {Error} */ (error).message}.` };
  }
  if (!Array.isArray(tools)) return { wrong: 'The tools are a list: [ ... ].' };
  for (const [i, tool] of tools.entries()) {
    if (!/^[\w.-]{1,64}$/.test(tool?.name ?? ''))
      return { wrong: `Tool ${i + 1} needs a name of letters, digits and _.` };
    if (!tool.parameters || typeof tool.parameters !== 'object')
      return { wrong: `${tool.name} needs parameters, a JSON schema: {"type": "object"}.` };
  }
  return { tools: tools.map((tool) => ({ type: 'function', ...tool })) };
}

/** Always the same for a city, so that one may ask twice. @param {string} city */
function weather(city) {
  const sum = [...city.toLowerCase()].reduce(
    (total, letter) => (31 * total + letter.charCodeAt(0)) % 997,
    7,
  );
  return { temperature: 4 + (sum % 27), condition: SKIES[sum % SKIES.length] };
}

/** @param {Date} date */
function clock(date) {
  return date.toLocaleTimeString('en', { hour: 'numeric', minute: '2-digit' });
}

/** @param {number} seconds */
function spelt(seconds) {
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  return [minutes && `${minutes} min`, rest && `${rest} s`].filter(Boolean).join(' ');
}
