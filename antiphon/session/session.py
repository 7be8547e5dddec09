"""A conversation with a speech model, as one object with state and methods."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio
from anyio.lowlevel import checkpoint

from antiphon.codecs import events as said
from antiphon.codecs.config import ResponseOptions, SessionConfig
from antiphon.codecs.connection import Connect
from antiphon.codecs.events import ClientEvent, ServerEvent
from antiphon.codecs.items import text_message
from antiphon.codecs.usage import Usage
from antiphon.pipeline import Audio
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.pipeline.members import Stage
from antiphon.processors.rate import Rate
from antiphon.session import setup
from antiphon.session.attempt import Attempt, Way
from antiphon.session.capture import Source
from antiphon.session.core import Changed, Core, Status
from antiphon.session.ends import spoken_to
from antiphon.session.errors import AlreadyConnected, NotConnected
from antiphon.session.messages import Message
from antiphon.session.setup import Open, TokenSource
from antiphon.session.silent import Silent
from antiphon.session.toolbox import OnToolCall

if TYPE_CHECKING:
    import httpx2


class Session:
    """Talks to the model called *model*, such as "openai/gpt-realtime-2" or "local/assistant".

        async with Session("openai/gpt-realtime-2", token=url, sink=SpeakerSink()) as session:
            await session.connect()
            await session.start_audio_capture(MicSource(rate=24_000))

    *token* is an address that is sent a POST of the configuration and answers {token, url}, or
    a function that gives the same; without one the key is taken from the environment. Audio of
    the program, in both directions, is at *sample_rate*; the model's rates are its own business.
    *sink* plays the model's speech; without one it is only timed. The last *max_events* events
    are kept. Timeouts are in seconds: *startup_timeout* until the model is ready,
    *close_timeout* for one that has a last word.

    Handlers are functions or coroutine functions of one argument: *on_tool_call* of a ToolCall
    gives its output, or None if `add_tool_output` will; *on_event* gets every server event,
    *on_error* what goes wrong, and *on_change* the name of what has changed in the state. Plain
    functions must not block. Without *on_error*, errors are logged.

    *open* opens connections, in place of WebSockets; *http* asks the token's address.
    """

    def __init__(
        self,
        model: str,
        *,
        token: TokenSource | None = None,
        config: SessionConfig | None = None,
        sample_rate: int = 24_000,
        max_events: int = 500,
        on_tool_call: OnToolCall | None = None,
        on_event: Callable[[ServerEvent], Any] | None = None,
        on_error: Callable[[Exception], Any] | None = None,
        on_change: Callable[[Changed], Any] | None = None,
        sink: Stage | None = None,
        startup_timeout: float = 30.0,
        close_timeout: float = 15.0,
        open: Open | None = None,
        http: "httpx2.AsyncClient | None" = None,
    ) -> None:
        if max_events < 1:
            raise ValueError(f"a session keeps at least one event, not {max_events}")
        self.model = model
        self.sample_rate = sample_rate
        self._dialect, self._name = spoken_to(model)
        self._is_local = model.startswith("local/")
        self._token = token
        self._config = config
        self._sink = sink or Silent(rate=sample_rate)
        self._startup_timeout = startup_timeout
        self._close_timeout = close_timeout
        self._open = open or (setup.locally(model) if self._is_local else setup.by_websocket)
        self._http = http
        self._core = Core(
            rate=sample_rate,
            max_events=max_events,
            continuous=self._dialect.continuous,
            on_tool_call=on_tool_call,
            on_event=on_event,
            on_error=on_error,
            on_change=on_change,
        )
        self._stack: AsyncExitStack | None = None
        self._odd = b""
        self._input = Rate(sample_rate)

    def __repr__(self) -> str:
        return f"Session({self.model!r}, {self.status})"

    async def __aenter__(self) -> Self:
        if self._stack is not None:
            raise AlreadyConnected("the session is in use already")
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._core.running())
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        stack, self._stack = self._stack, None
        self._core.leave()
        return await stack.__aexit__(kind, error, trace) if stack is not None else None

    # State.

    @property
    def status(self) -> Status:
        return self._core.status

    @property
    def messages(self) -> list[Message]:
        """The conversation so far, of all connections."""
        return list(self._core.messages.all)

    @property
    def events(self) -> list[ServerEvent]:
        """The last of what the model's side has said."""
        return list(self._core.events)

    @property
    def is_capturing(self) -> bool:
        return self._core.is_capturing

    @property
    def is_playing(self) -> bool:
        """Something that the model said is to be heard."""
        return self._core.is_playing

    @property
    def usage(self) -> Usage:
        """What the responses of all connections have cost; of a continuous model its last word."""
        return self._core.usage

    @property
    def error(self) -> Exception | None:
        """Why the last connection failed, if it did."""
        return self._core.error

    # The connection.

    async def connect(self, *, wait: bool = True) -> None:
        """Connect; with *wait*, until the model is ready or that has failed.

        What goes wrong with that is not raised: `status` is "error" then, and `error` says why.
        Raises AlreadyConnected while there is a connection.
        """
        if self._core.is_active:
            raise AlreadyConnected(f"the session is {self.status}; disconnect it first")
        attempt = Attempt(
            self._core,
            dialect=self._dialect,
            model=self._name,
            config=self._config or SessionConfig(),
            way=self._way,
            open=self._open,
            sink=self._sink,
            rate=self.sample_rate,
            timeout=self._startup_timeout,
        )
        self._odd = b""
        self._core.begin(attempt)
        if wait:
            await self._core.settled.wait()
        else:
            await checkpoint()

    async def disconnect(self) -> None:
        """End the connection at once."""
        self._core.leave()
        await checkpoint()

    async def close(self) -> None:
        """End the connection; to a continuous model, once that has said what it cost."""
        if self._dialect.continuous and self.status == "connected":
            self._core.end_capture()
            self._core.say(said.SessionClose())
            self._core.be("closing")
            with anyio.move_on_after(self._close_timeout):
                await self._core.over.wait()
        await self.disconnect()

    async def _way(self) -> Way:
        if self._token is not None:
            given = await setup.from_source(self._token, self._config, self._http)
            return setup.with_ticket(self._dialect, self._name, given.ticket), given.tools
        if self._is_local:
            return Connect(url="memory:"), None
        return setup.with_key(self._dialect, self._name), None

    # What the user says and does.

    async def send_event(self, event: ClientEvent) -> None:
        """Say any event. Raises NotConnected, or Overflow when too much waits to be sent.

        What is said before the connection is open is lost, and reported as an error.
        """
        if isinstance(event, said.SessionClose):
            await self.close()
            return
        self._core.say(event)
        await checkpoint()

    async def send_text_message(self, text: str) -> None:
        """The user writes *text*, and the model is asked to answer."""
        self._core.say(said.ConversationItemCreate(item=text_message(text)))
        self._core.say(said.ResponseCreate())
        self._core.messages.typed(text)
        self._core.changed("messages")
        await checkpoint()

    async def send_audio(self, audio: bytes | Audio) -> None:
        """The user says *audio*; bytes are at the session's rate.

        Half a sample at the end of bytes waits for its other half.
        """
        if isinstance(audio, Audio):
            pcm = self._input.change(audio.pcm, audio.rate, self.sample_rate)
        else:
            pcm = self._odd + audio
            whole = len(pcm) - len(pcm) % SAMPLE_WIDTH
            pcm, self._odd = pcm[:whole], pcm[whole:]
        await self.send_event(said.InputAudioAppend(audio=pcm))

    async def commit_audio(self) -> None:
        """The user's turn is over."""
        await self.send_event(said.InputAudioCommit())

    async def clear_audio_buffer(self) -> None:
        """What was said and not yet committed is not meant."""
        await self.send_event(said.InputAudioClear())

    async def request_response(self, options: ResponseOptions | None = None) -> None:
        """The model shall answer now."""
        await self.send_event(said.ResponseCreate(options=options))

    async def cancel_response(self) -> None:
        """The model shall stop answering; what came already is played on."""
        await self.send_event(said.ResponseCancel())

    async def add_tool_output(self, call_id: str, output: object, *, failed: bool = False) -> None:
        """Answer a call for which *on_tool_call* gave None; *output* is written as JSON.

        With *failed*, it says why there is none. Raises NotConnected, and SessionError if the
        call was answered already.
        """
        toolbox = self._core.toolbox
        if toolbox is None or self.status != "connected":
            raise NotConnected(f"the session is {self.status}: nobody waits for the output")
        toolbox.answer(call_id, output, failed=failed)
        await checkpoint()

    # Audio.

    async def start_audio_capture(self, source: Source) -> None:
        """Let the model hear *source*, while it is connected, in place of any other."""
        self._core.begin_capture(source)
        await checkpoint()

    async def stop_audio_capture(self) -> None:
        """Leave the source alone; its device is closed."""
        self._core.pause_capture()
        await checkpoint()

    async def resume_audio_capture(self) -> None:
        """Hear the source again that was stopped last."""
        self._core.resume_capture()
        await checkpoint()

    async def stop_playback(self) -> None:
        """Play nothing of what came so far; the model is not told. What still comes is played."""
        if self._core.attempt is not None:
            self._core.attempt.stop_playback()
        await checkpoint()

    async def resume_playback(self) -> None:
        """Play what still comes of responses that the user interrupted."""
        if self._core.attempt is not None:
            self._core.attempt.resume_playback()
        await checkpoint()
