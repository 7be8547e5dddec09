import type {DynamicToolUIPart, UIMessage} from 'ai';
import {useEffect, useRef} from 'react';

const QUESTIONS = ['What is the weather like in Lisbon?', 'What time is it?', 'Tell me a story.'];

export function Conversation(props: {
  messages: UIMessage[];
  connected: boolean;
  onAsk: (text: string) => void;
}) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    end.current?.scrollIntoView({block: 'end'});
  }, [props.messages]);

  return (
    <main>
      {props.messages.length === 0 && (
        <div className="empty">
          <p>{props.connected ? 'Ask it something:' : 'Connect, then ask it something:'}</p>
          {QUESTIONS.map(question => (
            <button
              type="button"
              key={question}
              disabled={!props.connected}
              onClick={() => props.onAsk(question)}
            >
              {question}
            </button>
          ))}
        </div>
      )}
      <ol aria-live="polite">
        {props.messages.map(message => (
          <Message key={message.id} message={message} />
        ))}
      </ol>
      <div ref={end} />
    </main>
  );
}

function Message({message}: {message: UIMessage}) {
  return (
    <li data-role={message.role}>
      {message.parts.map((part, index) => {
        if (part.type === 'dynamic-tool') return <Tool key={part.toolCallId} part={part} />;
        if (part.type === 'text' && part.text) return <p key={index}>{part.text}</p>;
        return null;
      })}
    </li>
  );
}

function Tool({part}: {part: DynamicToolUIPart}) {
  return (
    <dl className="tool" data-state={part.state}>
      <dt>{part.toolName}</dt>
      <dd>{JSON.stringify(part.input)}</dd>
      {part.state === 'output-available' && <dd>→ {JSON.stringify(part.output)}</dd>}
    </dl>
  );
}
