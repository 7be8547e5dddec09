// Where the gateway stands for providers whose URLs a package has no option for.

const PLACES = {
  'https://api.openai.com': '',
  'https://api.x.ai': '/xai',
  'https://generativelanguage.googleapis.com': '',
  'wss://generativelanguage.googleapis.com': '',
};

export const rerouted = (url, base) => {
  const place = Object.keys(PLACES).find(place => `${url}`.startsWith(`${place}/`));
  if (place === undefined) return url;
  const here = place.startsWith('wss') ? base.replace('http', 'ws') : base;
  return here + PLACES[place] + `${url}`.slice(place.length);
};

export const reroute = (fetch, base) => (asked, options) =>
  asked instanceof Request
    ? fetch(new Request(rerouted(asked.url, base), asked), options)
    : fetch(rerouted(asked, base), options);
