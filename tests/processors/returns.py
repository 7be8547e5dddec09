"""Keeps what sinks send back."""

from collections.abc import Iterator

from antiphon.pipeline import Frame


class Back:
    """Keeps what is sent back."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame

    def process_back(self, frame: Frame) -> Iterator[Frame]:
        self.frames.append(frame)
        yield frame
