import {gateway} from '@ai-sdk/gateway';
import {
  experimental_useRealtime as useRealtime,
  type Experimental_UseRealtimeOptions as Options,
} from '@ai-sdk/react';
import {useRef, useState} from 'react';
import {Composer} from './Composer.tsx';
import {Conversation} from './Conversation.tsx';
import {MODEL} from './model.ts';
import {call, definitions} from './weather.ts';

// Outside of the component: a new model or configuration would be a new session.
const model = gateway.experimental_realtime(MODEL);
const api = {token: '/api/realtime/setup'};
const sessionConfig = {
  instructions: 'You are a helpful assistant. Be brief.',
  inputAudioTranscription: {},
  turnDetection: {type: 'server-vad'},
  tools: definitions,
} satisfies Options['sessionConfig'];

export function App() {
  const [error, setError] = useState<string>();
  /** Whether there is a response that could be cancelled. */
  const answering = useRef(false);
  const realtime = useRealtime({
    model,
    api,
    sessionConfig,
    onToolCall: ({toolCall}) => call(toolCall.toolName, toolCall.args),
    onEvent: ({type}) => {
      if (type === 'response-created') answering.current = true;
      if (type === 'response-done') answering.current = false;
    },
    onError: ({message}) => setError(message),
  });
  const {status, isCapturing, isPlaying} = realtime;
  const connected = status === 'connected';

  async function connect() {
    setError(undefined);
    answering.current = false;
    await realtime.connect();
  }

  async function talk() {
    if (isCapturing) return realtime.stopAudioCapture();
    try {
      const audio = {echoCancellation: true, noiseSuppression: true, autoGainControl: true};
      realtime.startAudioCapture(await navigator.mediaDevices.getUserMedia({audio}));
    } catch (error) {
      setError(`No microphone: ${error instanceof Error ? error.message : error}`);
    }
  }

  function send(text: string) {
    // The hook stops an answer when somebody speaks over it, not when somebody writes.
    hush();
    realtime.sendTextMessage(text);
    answering.current = true;
  }

  function hush() {
    realtime.stopPlayback();
    if (answering.current) realtime.cancelResponse();
    answering.current = false;
  }

  return (
    <div className="page">
      <header>
        <h1>Voice assistant</h1>
        <p className="status" data-status={status} data-playing={isPlaying} role="status">
          {told(status, isCapturing, isPlaying)}
        </p>
        {connected || status === 'connecting' ? (
          <button type="button" onClick={() => realtime.disconnect()}>
            Disconnect
          </button>
        ) : (
          <button type="button" className="main" onClick={() => void connect()}>
            Connect
          </button>
        )}
      </header>
      <Conversation messages={realtime.messages} connected={connected} onAsk={send} />
      <footer>
        {error && (
          <p className="error" role="alert">
            {error}
            <button type="button" aria-label="Dismiss" onClick={() => setError(undefined)}>
              ×
            </button>
          </p>
        )}
        <Composer
          connected={connected}
          capturing={isCapturing}
          playing={isPlaying}
          onSend={send}
          onTalk={() => void talk()}
          onHush={hush}
        />
      </footer>
    </div>
  );
}

function told(status: string, capturing: boolean, playing: boolean): string {
  if (status !== 'connected') return status;
  if (playing) return 'speaking';
  return capturing ? 'listening' : 'connected';
}
