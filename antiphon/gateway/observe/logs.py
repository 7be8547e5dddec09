"""What the gateway writes down: a line for each thing, with its session, and no secret in it.

    uvicorn.run(app, log_config=log_config())

    with session_log(session_id, front="openai", key="shop") as log:
        log.info("opened")

The level is INFO. Lines are JSON, unless stderr is a terminal.
"""

import logging
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from textwrap import indent
from typing import Any, Literal

import msgspec

from antiphon.gateway.observe.redact import redacted, without_queries

Form = Literal["json", "line"]

NAME = "antiphon.gateway"

_session: ContextVar[Mapping[str, str] | None] = ContextVar("session_log", default=None)


@contextmanager
def session_log(session_id: str, **about: str) -> Generator[logging.Logger]:
    """Every line that is logged within says *session_id* and what else is known *about* it.

    That goes for the lines of libraries too, and for tasks that are started within. *about* is
    such as `front` and `key`: the name of the caller's key, never the key.
    """
    token = _session.set({"session": session_id, **about})
    try:
        yield logging.getLogger(NAME)
    finally:
        _session.reset(token)


def learned(**about: str) -> None:
    """From here on the lines of this session also say this, as far as this task goes."""
    _session.set({**(_session.get() or {}), **about})


def log_config(level: str = "INFO", *, form: Form | None = None) -> dict[str, Any]:
    """For `logging.config.dictConfig`, and for uvicorn, whose lines then look like the others'."""
    if form is None:
        form = "line" if sys.stderr.isatty() else "json"
    formatter = f"{__name__}.{'Json' if form == 'json' else 'Line'}"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"antiphon": {"()": formatter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "antiphon",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "antiphon": {"level": level},
            # Of a request line the access log has more; its loggers bring no handlers of their own.
            "uvicorn": {"level": level, "handlers": []},
            "uvicorn.error": {"level": level, "handlers": []},
            "uvicorn.access": {"level": level, "handlers": [], "propagate": True},
        },
    }


class Redacting(logging.Filter):
    """For handlers with a formatter of their own: the record itself has no secret any more."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _message(record), None
        record.exc_text = _failure(record)
        record.exc_info = None
        for name, value in _extra(record).items():
            setattr(record, name, value)
        return True


class Json(logging.Formatter):
    """A line is a JSON object; nothing in it can begin another line."""

    def format(self, record: logging.LogRecord) -> str:
        return msgspec.json.encode(_fields(record)).decode()


class Line(logging.Formatter):
    """A line is for people: when, how bad, what, and about which session."""

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        when, level = fields.pop("time"), fields.pop("level")
        logger, message = fields.pop("logger"), fields.pop("message")
        failure = fields.pop("error", None)
        rest = "".join(f" {name}={_shown(value)}" for name, value in fields.items())
        line = f"{when[11:23]} {level:<7} {logger}: {_on_one_line(str(message))}{rest}"
        return line if failure is None else f"{line}\n{indent(failure, '    ')}"


_USUAL = frozenset(
    (
        *logging.LogRecord("", 0, "", 0, "", None, None).__dict__,
        *("message", "asctime", "taskName", "color_message", "websocket"),
    )
)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    seconds, thousandths = divmod(int(record.created * 1000), 1000)
    fields: dict[str, Any] = {
        "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{thousandths:03d}Z",
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _message(record),
    }
    for name, value in (_session.get() or {}).items():
        fields[name] = redacted(value)
    for name, value in _extra(record).items():
        fields.setdefault(name, value)
    failure = _failure(record)
    if failure is not None:
        fields["error"] = failure
    return fields


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception:
        text = str(record.msg)  # whose arguments do not fit it
    if record.name.startswith("uvicorn"):
        text = without_queries(text)
    return redacted(text)


def _failure(record: logging.LogRecord) -> str | None:
    text = record.exc_text
    if not text and record.exc_info:
        text = logging.Formatter().formatException(record.exc_info)
    if record.stack_info:
        text = f"{text}\n{record.stack_info}" if text else record.stack_info
    return redacted(text) if text else None


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    """What the line was given as `extra`."""
    given = {name: value for name, value in record.__dict__.items() if name not in _USUAL}
    return {name: _plain(name, value) for name, value in given.items()}


def _plain(name: str, value: object) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else str(value)
    # With its name, which may tell that it is secret.
    shown = redacted(f"{name}={value}")
    return shown.removeprefix(f"{name}=")


def _shown(value: object) -> str:
    text = str(value)
    return _on_one_line(repr(text) if " " in text or not text else text)


def _on_one_line(text: str) -> str:
    """A client's text could else begin a line that looks like one of ours."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
