"""What the service says that means the same whatever was said before."""

from antiphon.codecs import events
from antiphon.codecs.gemini import values, wire

Heard = list[events.ServerEvent]

_SPOKE = "ACTIVITY_START", "VAD_SIGNAL_TYPE_SOS"
_FELL_SILENT = "ACTIVITY_END", "VAD_SIGNAL_TYPE_EOS"


def noticed(frame: wire.FromServer, at: int) -> Heard:
    heard: Heard = []
    if frame.setup_complete is not None:
        heard.append(events.SessionCreated(session_id=frame.setup_complete.session_id, at=at))
    if frame.tool_call_cancellation is not None:
        ids = frame.tool_call_cancellation.ids or ()
        heard.append(events.FunctionCallCancelled(call_ids=ids, at=at))
    if frame.go_away is not None:
        time_left = values.micros_of(frame.go_away.time_left, "$.goAway.timeLeft")
        heard.append(events.GoAway(time_left=time_left, at=at))
    if (update := frame.session_resumption_update) is not None:
        heard.append(
            events.ResumptionHandle(
                handle=update.new_handle or None,
                resumable=bool(update.resumable),
                last_client_message=values.index_of(update.last_consumed_client_message_index),
                at=at,
            )
        )
    if (activity := frame.voice_activity) is not None:
        offset = values.micros_of(activity.audio_offset, "$.voiceActivity.audioOffset")
        _voice(heard, activity.voice_activity_type or activity.type, offset, at)
    if (signal := frame.voice_activity_detection_signal) is not None:
        _voice(heard, signal.vad_signal_type, None, at)
    return heard


def _voice(heard: Heard, kind: str | None, offset: int | None, at: int) -> None:
    if kind in _SPOKE:
        heard.append(events.SpeechStarted(audio_start=offset, at=at))
    elif kind in _FELL_SILENT:
        heard.append(events.SpeechStopped(audio_end=offset, at=at))
