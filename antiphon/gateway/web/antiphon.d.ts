/** Types of antiphon.js: a page's conversation with a speech model, through an Antiphon gateway. */

export type Status =
  | 'disconnected'
  | 'connecting'
  | 'connected'
  /** The connection was lost, and a new one is being made. */
  | 'reconnecting'
  | 'closing'
  | 'error';

export interface TextPart {
  type: 'text';
  text: string;
  state: 'streaming' | 'done';
}

export interface ToolPart {
  type: 'dynamic-tool';
  toolName: string;
  toolCallId: string;
  state: 'input-streaming' | 'input-available' | 'output-available' | 'output-error';
  input?: unknown;
  output?: unknown;
  errorText?: string;
}

export type MessagePart = TextPart | ToolPart;

/** One turn of one side: a `UIMessage` of the AI SDK. */
export interface Message {
  id: string;
  role: 'user' | 'assistant';
  parts: readonly MessagePart[];
}

export interface AudioFormat {
  /** Only `audio/pcm` (signed 16-bit) is spoken here. */
  type: string;
  /** Hz. */
  rate?: number;
}

export interface Transcription {
  model?: string;
  language?: string;
  prompt?: string;
}

export interface TurnDetection {
  /** `disabled`: the page says when a turn ends, as with `pushToTalk`. */
  type: 'server-vad' | 'semantic-vad' | 'disabled';
  threshold?: number;
  silenceDurationMs?: number;
  prefixPaddingMs?: number;
  /** False: what the model says is played on when the user speaks. */
  interruptResponse?: boolean;
}

export interface ToolDefinition {
  type: 'function';
  name: string;
  description?: string;
  /** A JSON schema of the arguments. */
  parameters: object;
}

/** What the page would like; what the server has locked is as the server says. */
export interface SessionConfig {
  instructions?: string;
  voice?: string;
  outputModalities?: ('text' | 'audio')[];
  inputAudioFormat?: AudioFormat;
  outputAudioFormat?: AudioFormat;
  inputAudioTranscription?: Transcription;
  outputAudioTranscription?: Transcription;
  turnDetection?: TurnDetection | null;
  tools?: ToolDefinition[];
  providerOptions?: Record<string, unknown>;
}

/** A message of either side in the AI SDK's normalized vocabulary. */
export interface RealtimeEvent {
  type: string;
  [field: string]: any;
}

/** What the setup endpoint answers. The token is good for one connection. */
export interface Setup {
  token: string;
  /** A WebSocket's. */
  url: string;
  expiresAt?: number;
  tools?: ToolDefinition[];
}

export interface ToolCall {
  toolCallId: string;
  toolName: string;
  args: any;
}

/** What responses have cost, added up: tokens by kind, and seconds. */
export type Usage = Partial<
  Record<
    | 'inputTokens'
    | 'outputTokens'
    | 'cachedInputTokens'
    | 'inputTextTokens'
    | 'inputAudioTokens'
    | 'outputTextTokens'
    | 'outputAudioTokens'
    | 'cachedInputTextTokens'
    | 'cachedInputAudioTokens'
    | 'seconds',
    number
  >
>;

/** How long the user waited for an answer. */
export interface Latency {
  responseId: string;
  /** What the user did before. */
  from: 'speech' | 'push-to-talk' | 'text';
  /** From the end of that to the first sample of the answer that was heard, in milliseconds. */
  ms: number;
  /** The same from the moment when the server noticed the end of speech. */
  sinceDetection: number;
}

/** How much of what the model says was really heard. */
export interface Played {
  itemId: string;
  responseId: string;
  /** Milliseconds of the item, without what is still on its way to the loudspeaker. */
  ms: number;
  /** Nothing more waits to be played. */
  done: boolean;
}

/** What went wrong; the message of the error says what to do. */
export type ErrorCode =
  | 'permission-denied'
  | 'no-microphone'
  | 'no-such-device'
  | 'microphone-busy'
  | 'microphone-lost'
  | 'microphone-failed'
  | 'insecure-page'
  | 'no-audio'
  | 'playback-blocked'
  | 'playback-overflow'
  | 'network-slow'
  | 'setup-failed'
  | 'ticket-refused'
  | 'limit-reached'
  | 'budget-spent'
  | 'refused'
  | 'gateway-gone'
  | 'startup-timeout'
  | 'malformed'
  | 'tool-failed'
  | 'not-connected'
  | 'already-connected'
  | 'not-capturing'
  | 'overflow'
  | 'server-error';

export class RealtimeError extends Error {
  constructor(
    code: ErrorCode,
    message: string,
    details?: {
      cause?: unknown;
      retryable?: boolean;
      status?: number;
      serverCode?: string;
      retryAfterMs?: number;
    },
  );
  readonly code: ErrorCode;
  /** Whether it may be otherwise when it is tried again. */
  readonly retryable: boolean;
  /** That of the HTTP response or of the closed WebSocket. */
  readonly status?: number;
  /** How the server calls it. */
  readonly serverCode?: string;
  /** What the server says of how long to wait. */
  readonly retryAfterMs?: number;
}

/** Exponential backoff: waits of `firstMs`, twice that, ... `longestMs`, each shortened by chance. */
export interface Reconnect {
  /** In a row (8). */
  attempts?: number;
  /** (250) */
  firstMs?: number;
  /** (10000) */
  longestMs?: number;
  /** A connection that held for so long ends the row (10000). */
  proofMs?: number;
  /** Of the user's speech that is kept meanwhile (10000). */
  heldMs?: number;
}

export interface RealtimeOptions {
  /**
   * Where a ticket is asked for (`/api/realtime/setup`), by a POST of `{sessionConfig, model?}`; or
   * a function that gives one.
   */
  api?:
    | string
    | URL
    | { token: string | URL }
    | ((asked: { sessionConfig?: SessionConfig; model?: string }) => Setup | Promise<Setup>);
  /** The model asked for; the server decides. */
  model?: string;
  sessionConfig?: SessionConfig;
  /** Hz of what is sent and played, where the configuration has no other (24000). */
  sampleRate?: number;
  /** Events that are kept (500). */
  maxEvents?: number;
  /** (`websocket`) */
  transport?: 'websocket' | 'webrtc';
  /** For WebRTC. */
  iceServers?: RTCIceServer[];
  /** False: a connection that is lost is an error. */
  reconnect?: Reconnect | false;
  /** How long the model may take to be ready (30000). */
  startupTimeoutMs?: number;
  /** How long a continuous model may take to say what it cost (15000). */
  closeTimeoutMs?: number;
  /** The model listens and speaks continuously, as `gpt-live-1` does. */
  continuous?: boolean;
  /** How much speech waits before it is played, against a jittery network (60). */
  jitterMs?: number;
  /** How much speech may wait to be played (300). */
  maxPlaybackSeconds?: number;
  /**
   * Gives the output of a tool; undefined if `addToolOutput` will. What it throws, the model is
   * told.
   */
  onToolCall?: (call: { toolCall: ToolCall }) => unknown;
  onEvent?: (event: RealtimeEvent) => void;
  onError?: (error: RealtimeError) => void;
  /** For tests: what is used in place of the browser's. */
  platform?: Partial<Platform>;
}

export interface Platform {
  fetch: typeof fetch;
  WebSocket: typeof WebSocket;
  RTCPeerConnection: typeof RTCPeerConnection;
  AudioContext: typeof AudioContext;
  AudioWorkletNode: typeof AudioWorkletNode;
  mediaDevices: MediaDevices | undefined;
  /** Milliseconds, as of `performance.now()`. */
  now: () => number;
  setTimeout: (call: () => void, ms: number) => any;
  clearTimeout: (timer: any) => void;
  random: () => number;
}

/** How a microphone is opened. */
export interface CaptureOptions {
  /** One of `Realtime.devices()`. */
  deviceId?: string;
  /** (true) */
  echoCancellation?: boolean;
  /** (true) */
  noiseSuppression?: boolean;
  /** (true) */
  autoGainControl?: boolean;
  /** Nothing is heard until `pushToTalk(true)` (false). */
  pushToTalk?: boolean;
  /** How much is sent at a time: 10 to 100 (20). */
  chunkMs?: number;
}

/** The state at one moment; the same object until something changes. */
export interface Snapshot {
  readonly status: Status;
  readonly messages: readonly Message[];
  readonly events: readonly RealtimeEvent[];
  readonly isCapturing: boolean;
  readonly isPlaying: boolean;
  readonly isMuted: boolean;
  readonly usage: Usage;
  readonly latencies: readonly Latency[];
  readonly error: RealtimeError | null;
}

export interface RealtimeEventMap {
  /** Something of the state is otherwise; also `subscribe`. */
  change: CustomEvent<{ what: keyof Snapshot }>;
  /** What the server says. */
  event: CustomEvent<RealtimeEvent>;
  error: CustomEvent<RealtimeError>;
  /** About twenty times a second while there is sound: 0 to 1, root mean square. */
  levels: CustomEvent<{ input: number; output: number }>;
  played: CustomEvent<Played>;
  latency: CustomEvent<Latency>;
  reconnecting: CustomEvent<{ attempt: number; delayMs: number; reason: RealtimeError }>;
  /** `replayed` items were told anew. */
  reconnected: CustomEvent<{ replayed: number }>;
}

/**
 * A conversation with a speech model.
 *
 * What goes wrong outside of the program (no microphone, no network, no ticket) is never thrown:
 * `onError`, an `error` event and `error` tell of it, and the promise gives false. Only misuse
 * throws, such as saying something without a connection.
 */
export class Realtime extends EventTarget {
  constructor(options?: RealtimeOptions);

  /** The devices that there are; their names are empty until the microphone was allowed. */
  static devices(): Promise<
    { deviceId: string; kind: 'audioinput' | 'audiooutput'; label: string }[]
  >;

  readonly status: Status;
  /** The conversation so far, of all connections. */
  readonly messages: readonly Message[];
  /** The last of what the server said. */
  readonly events: readonly RealtimeEvent[];
  readonly isCapturing: boolean;
  /** Something that the model said is to be heard. */
  readonly isPlaying: boolean;
  readonly isMuted: boolean;
  readonly usage: Usage;
  readonly latencies: readonly Latency[];
  /** Why the connection failed, or what went wrong last. */
  readonly error: RealtimeError | null;
  /** Root mean square of what the microphone hears, 0 to 1. */
  readonly inputLevel: number;
  readonly outputLevel: number;
  /** Of the user's speech that was lost since `connect` because the network was too slow. */
  readonly droppedInputMs: number;
  /** What is played comes out of this node, for whoever draws it; null without a connection. */
  readonly outputNode: AudioNode | null;

  /** True once the model is ready, false if that has failed. Best called from a click. */
  connect(): Promise<boolean>;
  /** End the connection at once. */
  disconnect(): void;
  /** End the connection; to a continuous model, once that has said what it cost. */
  close(): Promise<void>;

  /** The user writes *text*, and the model is asked to answer. */
  sendTextMessage(text: string): void;
  /** Samples of the user's speech at the sample rate, signed 16-bit: base64 or bytes. */
  sendAudio(audio: string | ArrayBuffer | ArrayBufferView): void;
  /** The user's turn is over. */
  commitAudio(): void;
  /** What was said and not yet committed is not meant. */
  clearAudioBuffer(): void;
  /** The model shall answer now. */
  requestResponse(options?: {
    modalities?: string[];
    instructions?: string;
    metadata?: Record<string, unknown>;
  }): void;
  /** The model shall stop answering; what came already is played on. */
  cancelResponse(): void;
  /** Say any event. */
  sendEvent(event: RealtimeEvent): void;
  /** Answer a call for which `onToolCall` gave undefined. */
  addToolOutput(toolCallId: string, output: unknown): void;

  /** Let the model hear a microphone, or any stream, in place of any other; false if it cannot be. */
  startAudioCapture(source?: CaptureOptions | MediaStream): Promise<boolean>;
  /** Close the microphone. */
  stopAudioCapture(): void;
  /** Open again what was stopped last. */
  resumeAudioCapture(): Promise<boolean>;
  /** Silence in place of what the microphone hears. */
  setMuted(muted: boolean): void;
  /**
   * Pressed: the user is heard, and the model is interrupted. Released: the turn is over; without
   * turn detection, the model is asked to answer.
   */
  pushToTalk(pressed: boolean): Promise<void>;

  /** Play nothing of what came so far; the model is not told. What still comes is played. */
  stopPlayback(): void;
  /**
   * Play what still comes of interrupted responses, and what the browser has held back until a
   * click.
   */
  resumePlayback(): void;
  /** The user has heard enough: fall silent, as if he spoke, and let the model know. */
  interrupt(): void;
  /** Play on another device, where the browser can. */
  setOutputDevice(deviceId: string): Promise<boolean>;

  /**
   * Be called, soon, after anything has changed; gives a function that ends it. For React's
   * `useSyncExternalStore`.
   */
  subscribe: (listener: () => void) => () => void;
  getSnapshot: () => Snapshot;

  addEventListener<Name extends keyof RealtimeEventMap>(
    type: Name,
    listener: (event: RealtimeEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof RealtimeEventMap>(
    type: Name,
    listener: (event: RealtimeEventMap[Name]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}
