"""What can be said between a client and a speech model, and by whom.

A client says what it wants (`ClientEvent`, in the imperative), a server what is so
(`ServerEvent`). Both say `Custom`, and both report playback, since speech is played by the
server on a call and by the client otherwise. `Reconnecting` and `Reconnected` come from our own
side of a connection, in the server's place.

Tags and JSON names are those of the AI SDK's realtime vocabulary, where it has the event. Audio
is mono signed 16-bit little-endian PCM at the rate of its direction, whatever the wire carries.
Durations and positions are integer microseconds: positions in the user's audio count from the
start of the session, those in an item from its first sample. All events are data, so that they
keep their order; of them only speech is forgotten when the user interrupts.
"""

import re
from typing import ClassVar, Literal

import msgspec
from msgspec import UNSET, UnsetType

from antiphon.codecs.config import ResponseOptions, SessionConfig
from antiphon.codecs.items import Item, JsonObject, Part
from antiphon.codecs.usage import RateLimit, Usage
from antiphon.pipeline.frames import Frame


def _tag(name: str) -> str:
    """AudioDelta is `audio-delta`."""
    return re.sub(r"\B(?=[A-Z])", "-", name).lower()


class EventFrame(
    Frame,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag=_tag,
    rename="camel",
    omit_defaults=True,
):
    """What one side says to the other; *event_id* is the name that its sender gave it."""

    interruptible: ClassVar[bool] = False

    event_id: str | None = None


class Custom(EventFrame, frozen=True, kw_only=True):
    """Said by either side in its provider's own words, for which there are none here."""

    raw_type: str
    raw: msgspec.Raw = msgspec.Raw(b"null")
    dialect: str | None = None
    """Whose words they are: in another dialect they mean nothing."""
    usage: Usage | None = None
    """A snapshot, not to be added up."""


# Playback, as heard at a loudspeaker or on a call.


class OutputPlaybackStarted(EventFrame, frozen=True, kw_only=True):
    """The first sample of an item, or of a response, is heard."""

    response_id: str
    item_id: str | None = None


class OutputPlaybackStopped(EventFrame, frozen=True, kw_only=True):
    """It was heard to its end; *played* is how much of the item that was."""

    response_id: str
    item_id: str | None = None
    content_index: int = 0
    played: int | None = None


class OutputPlaybackCleared(EventFrame, frozen=True, kw_only=True):
    """What was still to be heard is dropped, after *played* of the item was."""

    response_id: str
    item_id: str | None = None
    content_index: int = 0
    played: int | None = None


# The client: the session.


class SessionUpdate(EventFrame, frozen=True, kw_only=True):
    """Settles how the session is to be, at its beginning or, in part, later."""

    config: SessionConfig


class SessionStart(EventFrame, frozen=True, kw_only=True):
    """Opens a session with a model that does not wait for turns."""

    config: SessionConfig


class SessionClose(EventFrame, frozen=True, kw_only=True):
    """Asks a continuous model to finish and say what it cost."""


class ContextAppend(EventFrame, frozen=True, kw_only=True):
    """Tells a continuous model something, perhaps as the result of a delegation."""

    content: str
    delegation_id: str | None
    provider_options: JsonObject | None = None


# The client: what the user says and does.


class InputAudioAppend(EventFrame, frozen=True, kw_only=True, gc=False):
    """The microphone heard this much more."""

    audio: bytes


class InputAudioCommit(EventFrame, frozen=True, kw_only=True):
    """The user's turn is over, says the client: by a button, or its own detection."""


class InputAudioClear(EventFrame, frozen=True, kw_only=True):
    """What was appended and not yet committed is not meant."""


class InputAudioMute(EventFrame, frozen=True, kw_only=True):
    """Until InputAudioUnmute a continuous model does not listen."""


class InputAudioUnmute(EventFrame, frozen=True, kw_only=True):
    """A continuous model listens again."""


class InputActivityStart(EventFrame, frozen=True, kw_only=True):
    """The user's turn begins, says a client that detects turns itself; a commit ends it."""


class InputDtmf(EventFrame, frozen=True, kw_only=True):
    """The user pressed a key of the telephone."""

    digit: str


# The client: the conversation and the responses.


class ConversationItemCreate(EventFrame, frozen=True, kw_only=True):
    """Adds to the conversation, at its end unless behind *previous_item_id* ("root": in front)."""

    item: Item
    previous_item_id: str | None = None


class ConversationItemRetrieve(EventFrame, frozen=True, kw_only=True):
    """Asks how the server has an item: ConversationItemRetrieved."""

    item_id: str


class ConversationItemTruncate(EventFrame, frozen=True, kw_only=True):
    """The user heard the item no further than *audio_end*; the model shall know no more of it."""

    item_id: str
    content_index: int = 0
    audio_end: int


class ConversationItemDelete(EventFrame, frozen=True, kw_only=True):
    """The model shall forget an item."""

    item_id: str


class ResponseCreate(EventFrame, frozen=True, kw_only=True):
    """The model shall answer now."""

    options: ResponseOptions | None = None


class ResponseCancel(EventFrame, frozen=True, kw_only=True):
    """The model shall stop answering: this response, or the one that runs."""

    response_id: str | None = None


class OutputAudioClear(EventFrame, frozen=True, kw_only=True):
    """A server that plays the speech itself shall drop what is not yet heard."""


# The server: the session.


class SessionCreated(EventFrame, frozen=True, kw_only=True):
    """The model is there, with the settings that it has so far."""

    session_id: str | None = None
    config: SessionConfig | None = None


class SessionUpdated(EventFrame, frozen=True, kw_only=True):
    """SessionUpdate was accepted; *config* is the whole that came of it."""

    config: SessionConfig | None = None


class SessionStarted(EventFrame, frozen=True, kw_only=True):
    """A continuous model listens."""

    session_id: str
    delegation_mode: Literal["client", "provider"] | None = None
    config: SessionConfig | None = None


class SessionClosed(EventFrame, frozen=True, kw_only=True):
    """The last word of a session."""

    session_id: str | None = None
    usage: Usage | None = None
    reason: str | None = None


class SessionUsage(EventFrame, frozen=True, kw_only=True):
    """Now and then: what the session has cost in all, and how full the context is (0 to 1)."""

    usage: Usage
    context_window_usage_ratio: float | None = None


class RateLimits(EventFrame, frozen=True, kw_only=True):
    """After a response: what may still be asked for."""

    limits: tuple[RateLimit, ...]


class ResumptionHandle(EventFrame, frozen=True, kw_only=True):
    """From now on the session can be resumed with *handle*, or, not *resumable*, for now not."""

    handle: str | None = None
    resumable: bool = True
    last_client_message: int | None = None
    """The index of the last message from the client that a resumed session knows."""


class GoAway(EventFrame, frozen=True, kw_only=True):
    """The server will close the connection, in *time_left* if it says so."""

    time_left: int | None = None
    code: str | None = None
    message: str | None = None


class Reconnecting(EventFrame, frozen=True, kw_only=True):
    """The connection was lost; a new one is tried after *delay*. Attempts count from 1."""

    attempt: int
    delay: int = 0
    reason: str = ""


class Reconnected(EventFrame, frozen=True, kw_only=True):
    """There is a connection again.

    *replayed* items had to be told anew (none when the session was resumed), and *lost* is how
    much of the user's audio is gone.
    """

    replayed: int = 0
    lost: int = 0


class CommandAcknowledged(EventFrame, frozen=True, kw_only=True):
    """A continuous model has taken a command, named in the provider's own words."""

    command: str
    client_event_id: str | None = None


class ErrorDetail(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Why something failed, in the provider's words."""

    message: str
    code: str | None = None
    error_type: str | None = None
    param: str | None = None


class Error(EventFrame, frozen=True, kw_only=True):
    """The server refuses or has failed; unless *fatal* the session goes on.

    *client_event_id* names the client's event that is refused.
    """

    message: str
    code: str | None = None
    client_event_id: str | None = None
    error_type: str | None = None
    param: str | None = None
    fatal: bool = False


# The server: what it heard of the user.


class SpeechStarted(EventFrame, frozen=True, kw_only=True):
    """The user begins to speak: what the model says now is spoken over."""

    item_id: str | None = None
    audio_start: int | None = None


class SpeechStopped(EventFrame, frozen=True, kw_only=True):
    """The user has been silent for as long as ends a turn."""

    item_id: str | None = None
    audio_end: int | None = None


class AudioCommitted(EventFrame, frozen=True, kw_only=True):
    """The user's audio so far is an item."""

    item_id: str | None = None
    previous_item_id: str | None | UnsetType = UNSET


class InputAudioCleared(EventFrame, frozen=True, kw_only=True):
    """InputAudioClear was obeyed."""


class InputTimeoutTriggered(EventFrame, frozen=True, kw_only=True):
    """The user said nothing for the idle timeout, so the model will speak."""

    item_id: str | None = None
    audio_start: int | None = None
    audio_end: int | None = None


class DtmfReceived(EventFrame, frozen=True, kw_only=True):
    """On a call that the server holds, the user pressed a key."""

    digit: str
    received: int | None = None
    """Since 1970, by the server's clock."""


class InputTranscriptionDelta(EventFrame, frozen=True, kw_only=True):
    """A little more was understood of what the user says."""

    item_id: str
    content_index: int = 0
    delta: str
    restart: bool = False
    """The recogniser changed its mind: the deltas before this one are void."""
    transcript: str | None = None
    """All of it so far, from a provider that may never say that it is complete."""


class InputTranscriptionCompleted(EventFrame, frozen=True, kw_only=True):
    """What the user said, finally; often later than the answer to it."""

    item_id: str
    content_index: int = 0
    transcript: str
    languages: tuple[str, ...] | None = None
    usage: Usage | None = None


class InputTranscriptionFailed(EventFrame, frozen=True, kw_only=True):
    """There will be no transcript of the item; the model may have understood it all the same."""

    item_id: str
    content_index: int = 0
    error: ErrorDetail


# The server: the conversation.


class ConversationItemAdded(EventFrame, frozen=True, kw_only=True):
    """The conversation has an item more, of either side, perhaps still to be filled."""

    item_id: str
    item: Item | None = None
    previous_item_id: str | None | UnsetType = UNSET


class ConversationItemDone(EventFrame, frozen=True, kw_only=True):
    """An item is complete."""

    item_id: str
    item: Item | None = None
    previous_item_id: str | None | UnsetType = UNSET


class ConversationItemRetrieved(EventFrame, frozen=True, kw_only=True):
    """The answer to ConversationItemRetrieve."""

    item_id: str
    item: Item


class ConversationItemTruncated(EventFrame, frozen=True, kw_only=True):
    """The model knows an item only as far as it was heard, up to *audio_end* or *transcript*."""

    item_id: str
    content_index: int = 0
    audio_end: int | None = None
    transcript: str | None = None


class ConversationItemDeleted(EventFrame, frozen=True, kw_only=True):
    """The model has forgotten an item."""

    item_id: str


# The server: a response.


class ResponseCreated(EventFrame, frozen=True, kw_only=True):
    """The model begins to answer."""

    response_id: str
    status: str | None = None
    conversation_id: str | None = None
    metadata: JsonObject | None = None


class ResponseDone(EventFrame, frozen=True, kw_only=True):
    """Nothing more comes of a response."""

    response_id: str
    status: str
    """`completed`, `cancelled`, `failed` or `incomplete`."""
    reason: str | None = None
    """Why not completed: `turn_detected`, `client_cancelled`, `max_output_tokens`, ..."""
    error: ErrorDetail | None = None
    usage: Usage | None = None
    output: tuple[Item, ...] | None = None
    conversation_id: str | None = None
    metadata: JsonObject | None = None


class ResponseInterrupted(EventFrame, frozen=True, kw_only=True):
    """The server stopped answering as the user spoke: what is not yet heard shall not be."""

    response_id: str | None = None
    item_id: str | None = None


class OutputEvent(EventFrame, frozen=True, kw_only=True):
    """Of one item, the *output_index*th of its response."""

    response_id: str
    item_id: str
    output_index: int = 0


class OutputItemAdded(OutputEvent, frozen=True, kw_only=True):
    """The model begins a message or a tool call."""

    item: Item | None = None


class OutputItemDone(OutputEvent, frozen=True, kw_only=True):
    """A message or a tool call is complete, or as complete as it will be."""

    item: Item | None = None


class ContentEvent(OutputEvent, frozen=True, kw_only=True):
    """Of one part of an item's content."""

    content_index: int = 0


class ContentPartAdded(ContentEvent, frozen=True, kw_only=True):
    """The model begins to say or to write."""

    part: Part | None = None


class ContentPartDone(ContentEvent, frozen=True, kw_only=True):
    """A part is complete, or as complete as it will be."""

    part: Part | None = None


class AudioDelta(ContentEvent, frozen=True, kw_only=True, gc=False):
    """A piece of speech, usually long before it can be played."""

    interruptible: ClassVar[bool] = True

    delta: bytes


class AudioDone(ContentEvent, frozen=True, kw_only=True):
    """All speech of a part was sent, though hardly heard yet."""


class AudioTranscriptDelta(ContentEvent, frozen=True, kw_only=True, gc=False):
    """Words of the speech, which may come before it."""

    delta: str


class AudioTranscriptDone(ContentEvent, frozen=True, kw_only=True):
    """All words of the speech were sent; *transcript* repeats them."""

    transcript: str | None = None


class TextDelta(ContentEvent, frozen=True, kw_only=True, gc=False):
    """Words that are written and not spoken."""

    delta: str


class TextDone(ContentEvent, frozen=True, kw_only=True):
    """All of a text was sent; *text* repeats it."""

    text: str | None = None


class FunctionCallArgumentsDelta(OutputEvent, frozen=True, kw_only=True, gc=False):
    """A piece of the JSON that a tool will be called with."""

    call_id: str
    delta: str


class FunctionCallArgumentsDone(OutputEvent, frozen=True, kw_only=True):
    """The model calls a tool, and waits for a FunctionCallOutput unless it expects none."""

    call_id: str
    name: str
    arguments: str
    """JSON as the model wrote it, which need not be valid."""
    expects_output: bool = True


class FunctionCallCancelled(EventFrame, frozen=True, kw_only=True):
    """The model was interrupted and no longer wants the outputs of these calls."""

    call_ids: tuple[str, ...]


class OutputDtmf(EventFrame, frozen=True, kw_only=True):
    """The model presses a key of the telephone."""

    digit: str


# The server: models that listen and speak continuously, without turns.


class AudioChunk(EventFrame, frozen=True, kw_only=True, gc=False):
    """A piece of speech of a continuous model, which has no responses and no items."""

    interruptible: ClassVar[bool] = True

    delta: bytes
    start: int | None = None
    end: int | None = None


class TranscriptFragment(EventFrame, frozen=True, kw_only=True):
    """Words of either side, and when they were spoken."""

    speaker: Literal["user", "assistant"]
    delta: str
    start: int
    end: int


class DelegationCreated(EventFrame, frozen=True, kw_only=True):
    """A continuous model hands a task to the client or to the provider's reasoning model."""

    delegation_id: str
    target: Literal["client", "provider"] | None = None
    offset: int | None = None
    response_id: str | None = None


Playback = OutputPlaybackStarted | OutputPlaybackStopped | OutputPlaybackCleared

# fmt: off
ClientEvent = (
    SessionUpdate | SessionStart | SessionClose | ContextAppend
    | InputAudioAppend | InputAudioCommit | InputAudioClear | InputAudioMute | InputAudioUnmute
    | InputActivityStart | InputDtmf
    | ConversationItemCreate | ConversationItemRetrieve | ConversationItemTruncate
    | ConversationItemDelete
    | ResponseCreate | ResponseCancel | OutputAudioClear
    | Playback | Custom
)

ServerEvent = (
    SessionCreated | SessionUpdated | SessionStarted | SessionClosed | SessionUsage | RateLimits
    | ResumptionHandle | GoAway | Reconnecting | Reconnected | CommandAcknowledged | Error
    | SpeechStarted | SpeechStopped | AudioCommitted | InputAudioCleared | InputTimeoutTriggered
    | DtmfReceived
    | InputTranscriptionDelta | InputTranscriptionCompleted | InputTranscriptionFailed
    | ConversationItemAdded | ConversationItemDone | ConversationItemRetrieved
    | ConversationItemTruncated | ConversationItemDeleted
    | ResponseCreated | ResponseDone | ResponseInterrupted
    | OutputItemAdded | OutputItemDone | ContentPartAdded | ContentPartDone
    | AudioDelta | AudioDone | AudioTranscriptDelta | AudioTranscriptDone | TextDelta | TextDone
    | FunctionCallArgumentsDelta | FunctionCallArgumentsDone | FunctionCallCancelled | OutputDtmf
    | AudioChunk | TranscriptFragment | DelegationCreated
    | Playback | Custom
)
# fmt: on

Event = ClientEvent | ServerEvent
