// A tool that runs in the page.

import {experimental_getRealtimeToolDefinitions, tool} from 'ai';
import {z} from 'zod';

const place = z.object({city: z.string().describe('The city, in English')});

/** What the model is told of it. */
export const definitions = await experimental_getRealtimeToolDefinitions({
  tools: {
    get_weather: tool({description: 'The weather in a city, right now.', inputSchema: place}),
  },
});

/**
 * What a call results in. Nothing is thrown: the hook tells the model of no error, which would wait
 * for ever.
 */
export function call(name: string, args: unknown): object {
  if (name !== 'get_weather') return {error: `there is no tool ${name}`};
  const asked = place.safeParse(args);
  if (!asked.success) return {error: z.prettifyError(asked.error)};
  return weather(asked.data.city);
}

/** Made up, but always the same for a city. */
function weather(city: string) {
  const number = [...city.toLowerCase()].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  const skies = ['sunny', 'cloudy', 'foggy', 'rainy'];
  return {city, temperature: 5 + (number % 20), condition: skies[number % skies.length]};
}
