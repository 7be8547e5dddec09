// A page's microphone and what can be heard of it: packages find both where browsers have them.

import {rerouted, reroute} from './reroute.mjs';
import {pause, PAUSE, Told} from './talk.mjs';

export const told = new Told();

const parameters = new URLSearchParams(location.search);
export const [base, provider] = ['base', 'provider'].map(name => parameters.get(name));
const name = parameters.get('name');

window.addEventListener('unhandledrejection', ({reason}) =>
  told.tell('failed', {message: `${reason?.stack ?? reason}`}));
window.addEventListener('error', ({message}) => told.tell('failed', {message}));

// Those URLs for which there is no option.
window.fetch = reroute(window.fetch.bind(window), base);
const {WebSocket: Socket, RTCPeerConnection: Peer} = window;
window.WebSocket = class extends Socket {
  constructor(url, ...rest) {
    super(rerouted(url, base), ...rest);
  }
};

const {connect} = AudioNode.prototype;
const studio = new AudioContext({sampleRate: 48_000});
const voice = studio.createGain();

navigator.mediaDevices.getUserMedia = async () => {
  const microphone = studio.createMediaStreamDestination();
  connect.call(voice, microphone);
  return microphone.stream;
};

export const say = async words => {
  const wav = await (await fetch(`/speech/${words}.wav`)).arrayBuffer();
  const source = studio.createBufferSource();
  source.buffer = await studio.decodeAudioData(wav);
  connect.call(source, voice);
  source.start();
};

// The loudspeaker: whatever a context plays, or a call brings.
const LOUD = 0.01;
const recorders = new Map();
let sounded = 0;

AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode || target instanceof MediaStreamAudioDestinationNode)
    connect.call(this, recorder(this.context));
  return connect.call(this, target, ...rest);
};
window.RTCPeerConnection = class extends Peer {
  constructor(...options) {
    super(...options);
    this.addEventListener('track', ({streams}) => {
      const context = new AudioContext({sampleRate: 24_000});
      connect.call(context.createMediaStreamSource(streams[0]), recorder(context));
    });
  }
};

const recorder = context => {
  if (!recorders.has(context)) {
    const node = context.createScriptProcessor(1024, 1, 1);
    const heard = [];
    node.onaudioprocess = ({inputBuffer}) => {
      const samples = inputBuffer.getChannelData(0).slice();
      heard.push(samples);
      if (samples.every(sample => Math.abs(sample) < LOUD)) return;
      if (performance.now() - sounded > PAUSE) told.tell('speaks');
      sounded = performance.now();
    };
    connect.call(node, context.destination);
    recorders.set(context, {node, heard});
  }
  return recorders.get(context).node;
};

export const quiet = async () => {
  do await pause(50);
  while (performance.now() - sounded < PAUSE);
};

// All that was heard, as a file of the application's.
export const keep = async () => {
  const all = [...recorders].map(
    ([{sampleRate}, {heard}]) => [sampleRate, heard.flatMap(samples => [...samples])]);
  const loudness = ([, samples]) => samples.reduce((sum, sample) => sum + sample ** 2, 0);
  const [rate, samples] = all.sort((a, b) => loudness(b) - loudness(a))[0];
  const pcm = Int16Array.from(samples, sample => 32767 * Math.max(-1, Math.min(1, sample)));
  const header = new DataView(new ArrayBuffer(44));
  const text = (at, text) =>
    [...text].forEach((one, n) => header.setUint8(at + n, one.charCodeAt()));
  text(0, 'RIFF');
  header.setUint32(4, 36 + pcm.byteLength, true);
  text(8, 'WAVEfmt ');
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, 1, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, 2 * rate, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  text(36, 'data');
  header.setUint32(40, pcm.byteLength, true);
  const kept = await fetch(`/heard/${name}`, {method: 'POST', body: new Blob([header, pcm])});
  told.tell('heard', await kept.json());
};
