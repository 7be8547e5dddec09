"""One direction of audio between a rate of one's own and whatever the other side has."""

from antiphon.processors.resampler import Converter


class Rate:
    """Changes audio while it streams; at equal rates it is not touched."""

    def __init__(self, own: int) -> None:
        self.own = own
        self._rates = own, own
        self._converter: Converter | None = None

    def change(self, pcm: bytes, rate_in: int, rate_out: int) -> bytes:
        if rate_in == rate_out:
            return pcm
        if self._converter is None or self._rates != (rate_in, rate_out):
            self._rates = rate_in, rate_out
            self._converter = Converter(rate_in, rate_out)
        return self._converter.convert(pcm)
