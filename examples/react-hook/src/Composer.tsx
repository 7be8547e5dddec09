import {type FormEvent, useState} from 'react';

export function Composer(props: {
  connected: boolean;
  capturing: boolean;
  playing: boolean;
  onSend: (text: string) => void;
  onTalk: () => void;
  onHush: () => void;
}) {
  const [text, setText] = useState('');

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!text.trim()) return;
    props.onSend(text.trim());
    setText('');
  }

  return (
    <form className="composer" onSubmit={submit}>
      <button
        type="button"
        className="microphone"
        disabled={!props.connected}
        aria-pressed={props.capturing}
        aria-label="Microphone"
        title={props.capturing ? 'Stop listening' : 'Talk'}
        onClick={props.onTalk}
      >
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <rect x="9" y="3" width="6" height="11" rx="3" />
          <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
        </svg>
      </button>
      <input
        aria-label="Message"
        placeholder={props.connected ? 'Say something, or write it' : 'Connect first'}
        disabled={!props.connected}
        value={text}
        onChange={event => setText(event.target.value)}
      />
      {props.playing && (
        <button type="button" onClick={props.onHush}>
          Stop
        </button>
      )}
      <button className="main" disabled={!props.connected || !text.trim()}>
        Send
      </button>
    </form>
  );
}
