"""A page to draw on, measured in points from its upper left corner."""

import itertools
import logging
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

POINTS = 72
"""To an inch."""

FONTS = (
    "DejaVu Sans",  # comes with matplotlib
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "Segoe UI",
)
"""The first that has a character draws it; of the others, those that are installed."""


class Page:
    """What is drawn later lies above. Draw in `quiet`, and `write` in the end.

    matplotlib stays in here, and nothing global of it is used. (Its methods take anything,
    so the axes are Any.)
    """

    def __init__(self, width: float, *, resolution: int = 120) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.font_manager import fontManager

        installed = {font.name for font in fontManager.ttflist}
        self._fonts = [name for name in FONTS if name == FONTS[0] or name in installed]
        self._width = width
        self._figure: Any = Figure(dpi=resolution, facecolor="white")
        self._canvas: Any = FigureCanvasAgg(self._figure)
        self._axes: Any = self._figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self._axes.set_axis_off()
        self._resolution = resolution
        self._above = itertools.count(1)
        self._measured: dict[tuple[str, float, bool], float] = {}

    def measure(self, text: str, size: float, *, bold: bool = False) -> float:
        """How wide *text* is."""
        key = (text, size, bold)
        if key not in self._measured:
            pixels, _, _ = self._canvas.get_renderer().get_text_width_height_descent(
                text, self._font(size, bold=bold), False
            )
            self._measured[key] = pixels * POINTS / self._resolution
        return self._measured[key]

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        color: str,
        bold: bool = False,
        align: Literal["left", "center", "right"] = "left",
        backed: bool = False,
    ) -> None:
        """Write *text*, its base line at *y*; *backed*, it covers what lies below."""
        self._axes.text(
            x,
            y,
            text,
            color=color,
            fontproperties=self._font(size, bold=bold),
            horizontalalignment=align,
            verticalalignment="baseline",
            parse_math=False,
            usetex=False,
            zorder=next(self._above),
            bbox={"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 0.8}
            if backed
            else None,
        )

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        color: str,
        width: float = 0.8,
        dashed: bool = False,
    ) -> None:
        self._axes.plot(
            *zip(start, end, strict=True),
            color=color,
            linewidth=width,
            linestyle=(0, (3, 2)) if dashed else "solid",
            marker="",
            solid_capstyle="butt",
            zorder=next(self._above),
        )

    def polygon(
        self, corners: Sequence[tuple[float, float]], *, color: str, opacity: float = 1.0
    ) -> None:
        self._axes.fill(
            *zip(*corners, strict=True),
            color=color,
            alpha=opacity,
            linewidth=0,
            zorder=next(self._above),
        )

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        color: str,
        opacity: float = 1.0,
    ) -> None:
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        self.polygon(corners, color=color, opacity=opacity)

    def area(
        self,
        x: npt.NDArray[np.float64],
        low: npt.NDArray[np.float64],
        high: npt.NDArray[np.float64],
        *,
        color: str,
    ) -> None:
        """Fill what lies between two curves."""
        self._axes.fill_between(x, low, high, color=color, linewidth=0.5, zorder=next(self._above))

    def write(self, path: Path, height: float) -> None:
        """Leave the page, which is *height* high, as PNG."""
        self._figure.set_size_inches(self._width / POINTS, height / POINTS)
        self._axes.set_xlim(0, self._width)
        self._axes.set_ylim(height, 0)
        # Without the version of matplotlib, so that the same drawing is the same file.
        self._canvas.print_png(path, metadata={"Software": None})

    def _font(self, size: float, *, bold: bool) -> Any:
        from matplotlib.font_manager import FontProperties

        return FontProperties(
            family=self._fonts, size=size, weight="bold" if bold else "normal", style="normal"
        )


@contextmanager
def quiet() -> Generator[None]:
    """Keep matplotlib from telling of its font cache, and of characters that no font has."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
            yield
    finally:
        logger.setLevel(level)
