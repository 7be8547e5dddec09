// A microphone and a loudspeaker for Node, which has none: both take as long as real ones.

import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {pause, PAUSE} from './talk.mjs';

const HEADER = 44;
const BLOCK = 40; // milliseconds that a microphone gives at once

export const [base, key, speech, folder] = process.argv.slice(2);

// Gives `send` what is said, and silence before and after.
export class Microphone {
  #waiting = Buffer.alloc(0);

  constructor(rate, send) {
    const size = 2 * rate * BLOCK / 1000;
    const began = performance.now();
    let blocks = 0;
    this.rate = rate;
    this.timer = setInterval(() => {
      for (; blocks < (performance.now() - began) / BLOCK; blocks++) {
        const block = Buffer.alloc(size);
        this.#waiting.copy(block);
        this.#waiting = this.#waiting.subarray(size);
        send(block);
      }
    }, BLOCK / 2);
  }

  say(name) {
    const file = readFileSync(join(speech, `${this.rate}`, `${name}.wav`));
    this.#waiting = Buffer.concat([this.#waiting, file.subarray(HEADER)]);
  }

  stop() {
    clearInterval(this.timer);
  }
}

// Plays what it is given, one after the other, and keeps what could be heard.
export class Loudspeaker {
  #began = performance.now();
  #heard = Buffer.alloc(0);

  constructor(rate) {
    this.rate = rate;
  }

  get #now() {
    return 2 * Math.floor(this.rate * (performance.now() - this.#began) / 1000);
  }

  play(pcm) {
    const silence = Math.max(0, this.#now - this.#heard.length);
    this.#heard = Buffer.concat([this.#heard, Buffer.alloc(silence), Buffer.from(pcm)]);
  }

  quiet = async () => {
    while (this.#heard.length > this.#now) await pause(100);
    await pause(PAUSE);
  };

  // Forgets what is still to be played.
  stop() {
    this.#heard = this.#heard.subarray(0, this.#now);
  }

  keep(told, name) {
    this.stop();
    mkdirSync(folder, {recursive: true});
    const wav = join(folder, `${name}.wav`);
    writeFileSync(wav, Buffer.concat([header(this.#heard.length, this.rate), this.#heard]));
    told.tell('heard', {wav});
  }
}

export function header(length, rate) {
  const bytes = Buffer.alloc(HEADER);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + length, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(2 * rate, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(length, 40);
  return bytes;
}
