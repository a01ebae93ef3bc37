"""The part of a page that makes a body from its measurements: sliders, a table of all 36, the body itself.

Every slider shows the likeliest value until a visitor moves it; from then on it is held, and listed above the sliders,
where it can be let go again.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from humanav.app import kept, pieces
from humanav.app.errors import sentence
from humanav.body.anthropometrics import ANTHROPOMETRICS, DEFINITIONS, WEIGHT
from humanav.errors import HumanavError
from humanav.jobs import shape as job
from humanav.uplift.anthropometrics import typical_people
from humanav.uplift.measurement_input import RANGES, measure_names, read_measurements, understand

if TYPE_CHECKING:
    from humanav.uplift.anthropometrics import Shape

MAIN = ("height length", "weight", "chest circumference", "waist circumference", "hip circumference",
        "shoulder width length", "arm length", "thigh length")
"""What has a slider at first sight; the others are under "More"."""
FREE = "Nothing is held: every slider shows an average person. Move one, and the others follow."
_WORDS = {"weight": "Weight", "height length": "Height", "shoulder width length": "Shoulder width",
          "torso height from back length": "Torso, back", "torso height from front length": "Torso, front",
          "footwidth length": "Foot width", "heel to ball length": "Heel to ball", "heel to toe length": "Foot length"}
_SIDES = ("left ", "right ")

Updates = dict[gr.components.Component, Any]


def plain(name: str) -> str:
    """The measure's name without its side."""
    return name.removeprefix(_SIDES[0]).removeprefix(_SIDES[1])


def words(name: str) -> str:
    """How the page calls a measure (of both sides)."""
    return _WORDS.get(name) or name.replace(" circumference", " girth").capitalize()


SLIDERS: tuple[str, ...] = (*MAIN, *(name for name in dict.fromkeys(plain(name) for name in ANTHROPOMETRICS)
                                     if name not in MAIN))
"""The measures with a slider, left and right together."""
_NAMES = {words(name): name for name in SLIDERS}


@dataclass(frozen=True)
class ShapePanel:
    """What a tab gets to know of the panel.

    Attributes:
        betas: gr.State of the shape values as a list, or None for the average body. Listen to ``betas.change``.
        held: the measures that a visitor holds, by the page's names.
        sliders: by the measure's name.
        figure: the body, empty until ``humanav.jobs.shape.shape_figure`` of the betas is put into it, when the panel is
            first seen; afterwards it follows the sliders.
        table, status: the numbers, and the sentence under the body.
    """

    betas: gr.State
    held: gr.Dropdown
    sliders: dict[str, gr.Slider]
    figure: gr.Plot
    table: gr.HTML
    status: gr.HTML


@lru_cache(maxsize=1)
def spans() -> dict[str, tuple[float, float, float, float]]:
    """Least, most, step and average of every slider, in centimetres (kilograms)."""
    people, found = typical_people(), {}
    for name in SLIDERS:
        known = measure_names(name)[0]
        mean, spread = people[known]
        scale, step = (1.0, 0.5) if name == WEIGHT else (100.0, 0.5 if mean > 0.3 else 0.1)
        above = 4.5 if name.endswith("length") else 5.0
        low, high = max(mean - 3.5 * spread, RANGES[known][0]), min(mean + above * spread, RANGES[known][1])
        found[name] = (_snap(scale * low, step), _snap(scale * high, step), step, _snap(scale * mean, step))
    return found


def _snap(value: float, step: float) -> float:
    return round(round(value / step) * step, 1)


def shape_panel(betas: gr.State | None = None) -> ShapePanel:
    """Place the panel's components; to be called inside Blocks.

    Args:
        betas: a state to write into; by default one of its own.
    """
    state = betas if betas is not None else gr.State(None)
    with gr.Row(equal_height=False, elem_id="shape"):
        with gr.Column(scale=4, min_width=300):
            held = gr.Dropdown(list(_NAMES), value=[], multiselect=True, label="Held by you", elem_id="shape-held",
                               info="Move a slider to hold it; take it away here to let it go.")
            sliders = {name: _slider(name) for name in MAIN}
            with gr.Accordion("More measurements", open=False, elem_id="shape-more"):
                sliders |= {name: _slider(name) for name in SLIDERS if name not in MAIN}
            with gr.Row():
                reset = gr.Button("Let all go", elem_id="shape-reset", min_width=90)
                file = gr.UploadButton("Read a file", file_types=[".json", ".csv"], elem_id="shape-file", min_width=90)
                save = gr.DownloadButton("Save", elem_id="shape-save", min_width=90, interactive=False)
        with gr.Column(scale=5, min_width=300):
            figure = gr.Plot(show_label=False, container=False, elem_id="shape-figure")
            status = gr.HTML(pieces.idle(FREE), elem_id="shape-status", elem_classes="bare", padding=False)
            with gr.Accordion("All 36 measurements", open=False, elem_id="shape-all"):
                table = gr.HTML("", elem_id="shape-table", elem_classes="bare", padding=False)
    panel = ShapePanel(state, held, sliders, figure, table, status)
    _wire(panel, reset, file, save)
    return panel


def _slider(name: str) -> gr.Slider:
    low, high, step, value = spans()[name]
    definition = DEFINITIONS[measure_names(name)[0]]
    return gr.Slider(low, high, value, step=step, elem_id=f"shape-{name.replace(' ', '-')}", buttons=[],
                     label=f"{words(name)}, {'kg' if name == WEIGHT else 'cm'}",
                     info=None if name in (WEIGHT, "height length") else definition[0].upper() + definition[1:] + ".")


def _wire(panel: ShapePanel, reset: gr.Button, file: gr.UploadButton, save: gr.DownloadButton) -> None:
    given: list[gr.components.Component] = [panel.held, *panel.sliders.values()]
    shown = [panel.betas, panel.held, *panel.sliders.values(), panel.figure, panel.table, panel.status, save]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 1,
                             "concurrency_id": "shape", "trigger_mode": "always_last"}

    def updates(asked: Mapping[str, float], skip: str | None = None) -> Updates:
        return _updates(panel, save, asked, skip)

    def moved(name: str, held: list[str], *values: float) -> Updates:
        names = [_NAMES[word] for word in held]
        return updates(_asked([*names, name] if name not in names else names, values), skip=name)

    def chosen(held: list[str], *values: float) -> Updates:
        return updates(_asked([_NAMES[word] for word in held], values))

    for name, slider in panel.sliders.items():
        gr.on([slider.input, slider.release], _safe(panel, partial(moved, name)), given, shown, **quiet)
    panel.held.input(_safe(panel, chosen), given, shown, **quiet)
    reset.click(_safe(panel, lambda: updates({})), None, shown, **quiet)
    file.upload(_safe(panel, lambda path: updates(_from_file(path))), file, shown, **quiet)


def _safe(panel: ShapePanel, handler: Callable[..., Updates]) -> Callable[..., Updates]:
    """A handler whose errors become the sentence under the body, with everything else left as it is."""
    def run(*values: Any) -> Updates:
        try:
            return handler(*values)
        except HumanavError as error:
            return {panel.status: pieces.stopped(sentence(error))}

    return run


def _asked(names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    """Metres and kilograms of the sliders that are held; both sides of each."""
    by_name = dict(zip(SLIDERS, values, strict=True))
    return {known: by_name[name] / (1 if name == WEIGHT else 100) for name in names for known in measure_names(name)}


def _from_file(path: str | Path) -> dict[str, float]:
    return understand(read_measurements(path)).values


def _updates(panel: ShapePanel, save: gr.DownloadButton, asked: Mapping[str, float], skip: str | None) -> Updates:
    """The whole panel for what is asked; the slider under the visitor's hand is left alone."""
    shape = job.find_shape(asked)
    got = shape.measurements if shape else {name: mean for name, (mean, _) in typical_people().items()}
    betas = [round(float(b), 5) for b in shape.betas] if shape else None
    out: Updates = {panel.betas: betas, panel.figure: job.shape_figure(betas)}
    for name, slider in panel.sliders.items():
        if name != skip:
            known = measure_names(name)
            value = sum(asked.get(one, got[one]) for one in known) / len(known)
            low, high, step, _ = spans()[name]
            out[slider] = min(max(_snap(value * (1 if name == WEIGHT else 100), step), low), high)
    held = dict.fromkeys(words(plain(name)) for name in asked)
    out[panel.held] = [word for word in _NAMES if word in held]
    out[panel.table] = shape_table(shape)
    out[panel.status] = _status(shape)
    out[save] = gr.update(value=_file(shape), interactive=True) if shape else gr.update(value=None, interactive=False)
    return out


def _file(shape: Shape) -> str:
    path = kept.store().preview_path(".json")
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    return str(job.write_shape(shape, folder / "shape.json")[0])


def _status(shape: Shape | None) -> str:
    if shape is None:
        return pieces.idle(FREE)
    off = [abs(value) for name, value in shape.residual.items() if name != WEIGHT]
    mean = sum(off) / len(off) if off else 0.0
    count = len(dict.fromkeys(plain(name) for name in shape.asked))
    said = f"{count} measurement{'s' * (count > 1)} held" + (f", met within {max(mean, 0.5):.0f} mm on average."
                                                            if off else ".")
    return pieces.done("Your body shape", said, shape.notes)


def shape_table(shape: Shape | None) -> str:
    """All 36 measurements and the weight: asked, got, and their difference, or how sure a free one is.

    Left and right share a row where they are alike.
    """
    if shape is None:
        return '<p class="hint">Hold a measurement to see what follows for the others.</p>'
    head = "".join(f'<th scope="col">{word}</th>' for word in ("Asked", "Got", "Difference"))
    lines = []
    for label, name in _rows(shape):
        scale, unit = (1.0, "kg") if name == WEIGHT else (100.0, "cm")
        got, asked = shape.measurements[name], shape.asked.get(name)
        unit = f" <small>{unit}</small>"
        wanted = "" if asked is None else f"{scale * asked:.1f}{unit}"
        last = f"± {scale * shape.uncertainty[name]:.1f}{unit}"
        if asked is not None:
            last = f"{scale * (got - asked):+.1f}{unit}"
        lines.append(f'<tr><th scope="row">{html.escape(label)}<small>{html.escape(DEFINITIONS[name])}</small></th>'
                     f"<td>{wanted}</td><td>{scale * got:.1f}{unit}</td><td>{last}</td></tr>")
    return (f'<table class="numbers"><thead><tr><td></td>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
            '<p class="hint">± says how much people with the same held measurements differ.</p>')


def _rows(shape: Shape) -> Iterator[tuple[str, str]]:
    """Label and name of each row."""
    for name in SLIDERS:
        known = measure_names(name)
        values = {(round(shape.measurements[one], 3), shape.asked.get(one)) for one in known}
        if len(known) == 1 or len(values) == 1:
            yield words(name), known[0]
        else:
            yield from ((f"{words(name)}, {one.split()[0]}", one) for one in known)
