// WAV files of one channel and 16 bits.

/** A file with these samples. */
export function wav(pcm, rate) {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + pcm.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20); // samples as they are
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(2 * rate, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(pcm.length, 40);
  return Buffer.concat([head, pcm]);
}

/** The samples of a file. */
export function readWav(file) {
  const data = file.indexOf('data', 12, 'latin1');
  const [kind, channels, bits] = [20, 22, 34].map(at => file.readUInt16LE(at));
  if (file.toString('latin1', 8, 16) !== 'WAVEfmt ' || data < 0)
    throw new Error('this is no WAV file');
  if (kind !== 1 || channels !== 1 || bits !== 16)
    throw new Error('the WAV file must have one channel and 16 bits: sox in.wav -c 1 -b 16 out.wav');
  const size = file.readUInt32LE(data + 4);
  return {rate: file.readUInt32LE(24), pcm: file.subarray(data + 8, data + 8 + size)};
}
