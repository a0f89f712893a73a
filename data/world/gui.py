"""Commands on procedural app screens: which step is next, where is it, what went wrong?

| preset | screens | question | target |
|---|---|---|---|
| none | phone, bright, 168 x 280 | the next step for a command | an action |
| `@ood` | desktop, dark, 280 x 196; other pages, names and icons | the next step | an action |
| `@points` | grids of the trained phone | where is this name or icon? | the box of a cell |
| `@defects` | two of the trained phone | what went wrong between them? | a class |

The step depends on the screen and never on the command alone: for every command of a list one of
six is to scroll up, to scroll down, to go back, and (switches and fields) that it is done already
or that the field has the cursor.  So no constant answer and no reading of the command alone earns
more than a sixth; `navigate_back` earns that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from random import Random

from vlrl.contracts import Sample, Source
from vlrl.data.world.apps import NUM_CELLS, NUM_ENTRIES, OOD, TRAIN, Apps, middle
from vlrl.data.world.presets import preset_of
from vlrl.data.world.screens import Cell, Entry, EntryKind, Screen, Theme, paint
from vlrl.data.world.visual_math_problem import Dice
from vlrl.media import ImageOnDemand

PRESETS = {"": TRAIN, "ood": OOD, "points": TRAIN, "defects": TRAIN}
ACTIONS = ("click", "scroll", "navigate_back", "input_text", "complete")
FAMILIES = ("things", "switches", "switches", "fields", "fields", "grids")
CASES = {  # of a command, equally likely
    "things": ("above", "below", "elsewhere", "here", "here", "here"),
    "switches": ("above", "below", "elsewhere", "done", "here", "here"),
    "fields": ("above", "below", "elsewhere", "done", "here", "here"),
    "grids": ("elsewhere", "here", "here", "here", "here", "here"),
}
KINDS: Mapping[str, EntryKind] = {"things": "thing", "switches": "switch", "fields": "field"}
NO_DEFECT = "No Defect"
DEFECTS = ("Operation No Response", "Unexpected Task Result", "Navigation Logic Error", NO_DEFECT)
SORTED = "Lists run from A to Z."


def samples(source: Source) -> Iterator[Sample]:
    """An endless stream; role (train, validation, test) and seed decide which screens it holds.

    Raises UserError for another task or an unknown preset.
    """
    preset = preset_of(source, "gui", PRESETS)
    draw = {"points": point_sample, "defects": defect_sample}.get(preset, step_sample)
    for index in count():
        yield draw(f"{source.role}/{source.seed}/{index}", preset)


def step_sample(name: str, preset: str) -> Sample:
    apps, dice = PRESETS[preset], _dice(name, preset)
    family = dice.pick(FAMILIES)
    case, theme = dice.pick(CASES[family]), dice.pick(apps.themes)
    draw = _grid_step if family == "grids" else _list_step
    question, screen, target, reasoning = draw(dice, apps, theme, family, case)
    return _sample(name, preset, [screen]).with_(
        question=question,
        target=target,
        reasoning=reasoning,
        meta={"actions": ACTIONS, "subtask": target["action"], "family": family},
    )


def point_sample(name: str, preset: str) -> Sample:
    apps, dice = PRESETS[preset], _dice(name, preset)
    page, theme = dice.pick(tuple(apps.grids)), dice.pick(apps.themes)
    screen = _grid(dice, apps, page, theme)
    index, by = dice.whole(0, NUM_CELLS - 1), dice.pick(("text", "icon"))
    row, column = divmod(index, apps.num_columns)
    return _sample(name, preset, [screen]).with_(
        question=f"Where is {_of_cell(screen.cells[index], by)}?",
        target=list(screen.box(index)),
        kind="point",
        reasoning=f"It is in row {row + 1}, column {column + 1}.",
        meta={"subtask": by},
    )


def defect_sample(name: str, preset: str) -> Sample:
    apps, dice = PRESETS[preset], _dice(name, preset)
    theme, page = dice.pick(apps.themes), dice.pick(tuple(apps.switches))
    names = sorted(dice.sample(apps.switches[page], NUM_ENTRIES))
    before = _list(dice, apps, page, theme, names)
    tapped, target = dice.whole(0, NUM_ENTRIES - 1), dice.pick(DEFECTS)
    after, seen = _after(dice, apps, before, tapped, target)
    switch = names[tapped]
    return _sample(name, preset, [before, after]).with_(
        question=(
            f"The two pictures show an app before and after a tap on the switch {switch}. "
            f"Which defect do they show, or {NO_DEFECT}?"
        ),
        target=target,
        kind="label",
        reasoning=f"{seen.format(switch)} So it is {target}.",
        meta={"classes": DEFECTS},
    )


def _dice(name: str, preset: str) -> Dice:
    return Dice(rng=Random(f"gui/{preset}/{name}"))


def _sample(name: str, preset: str, screens: Sequence[Screen]) -> Sample:
    """The sample with its pictures, before it asks anything."""
    key = f"world/gui/{preset}/{name}"
    media = [ImageOnDemand(f"{key}/{i}", partial(paint, each)) for i, each in enumerate(screens)]
    return Sample(
        id=f"gui{'@' + preset if preset else ''}/{name}",
        task="gui",
        question="",
        target=None,
        media=tuple(media),
        image_size=screens[0].size,
    )


_Step = tuple[str, Screen, dict, str]  # question, screen, target, worked solution


def _list_step(dice: Dice, apps: Apps, theme: Theme, family: str, case: str) -> _Step:
    pages = getattr(apps, family)
    page = dice.pick(tuple(pages))
    name = dice.pick(middle(pages[page]))
    is_on, text = dice.pick((True, False)), dice.pick(apps.texts)
    command = _command(family, name, is_on, text)
    question = f"On the page {page}, {command}. {SORTED}"
    if case == "elsewhere":
        return (question, *_leave(dice, apps, theme, page))
    shown = _names_shown(dice, pages[page], name, case)
    screen = _list(dice, apps, page, theme, shown)
    seen = f"The page is {page} and runs from {shown[0]} to {shown[-1]}."
    if name not in shown:
        way = {"above": "up", "below": "down"}[case]
        solution = f"{seen} {name} lies {case}, so I scroll {way}."
        return question, screen, {"action": "scroll", "text": way}, solution
    index = shown.index(name)
    wanted = is_on if family == "switches" else True  # of a field: the cursor
    screen = _with_entry(screen, index, is_on=wanted == (case == "done"), text="")
    seen += f" {name} is number {index + 1}"
    if case == "here":
        target = {"action": "click", "box": list(screen.box(index))}
        return question, screen, target, f"{seen}, so I click there."
    if family == "fields":
        solution = f"{seen} and has the cursor, so I type."
        return question, screen, {"action": "input_text", "text": text}, solution
    state = "on" if is_on else "off"
    return question, screen, {"action": "complete"}, f"{seen} and is {state} already."


def _command(family: str, name: str, is_on: bool, text: str) -> str:
    return {
        "things": f"open {name}",
        "switches": f"turn {name} {'on' if is_on else 'off'}",
        "fields": f"write {text} into {name}",
    }[family]


def _grid_step(dice: Dice, apps: Apps, theme: Theme, family: str, case: str) -> _Step:
    page = dice.pick(tuple(apps.grids))
    screen = _grid(dice, apps, page, theme)
    index, by = dice.whole(0, NUM_CELLS - 1), dice.pick(("text", "icon"))
    question = f"On the page {page}, tap {_of_cell(screen.cells[index], by)}."
    if case == "elsewhere":
        return (question, *_leave(dice, apps, theme, page))
    row, column = divmod(index, apps.num_columns)
    solution = f"The page is {page}. It is in row {row + 1}, column {column + 1}, so I click there."
    return question, screen, {"action": "click", "box": list(screen.box(index))}, solution


def _of_cell(cell: Cell, by: str) -> str:
    return f"the icon with the {cell.icon}" if by == "icon" else f"the word {cell.name}"


def _leave(dice: Dice, apps: Apps, theme: Theme, page: str) -> tuple[Screen, dict, str]:
    screen = _other_page(dice, apps, theme, page)
    reason = f"The page is {screen.title}, not {page}, so I go back."
    return screen, {"action": "navigate_back"}, reason


def _other_page(dice: Dice, apps: Apps, theme: Theme, page: str) -> Screen:
    """Any other page than this one."""
    lists = {**apps.things, **apps.switches, **apps.fields}
    other = dice.pick([each for each in (*lists, *apps.grids) if each != page])
    if other in apps.grids:
        return _grid(dice, apps, other, theme)
    return _list(dice, apps, other, theme, sorted(dice.sample(lists[other], NUM_ENTRIES)))


def _names_shown(dice: Dice, names: Sequence[str], name: str, case: str) -> list[str]:
    """The names on a screen on which `name` is, or lies above or below."""
    place = names.index(name)
    if case == "above":
        return sorted(dice.sample(names[place + 1 :], NUM_ENTRIES))
    if case == "below":
        return sorted(dice.sample(names[:place], NUM_ENTRIES))
    others = [each for each in names if each != name]
    num_before = dice.whole(0, NUM_ENTRIES - 1)
    before = dice.sample(others[:place], num_before)
    return sorted([name, *before, *dice.sample(others[place:], NUM_ENTRIES - 1 - num_before)])


def _list(dice: Dice, apps: Apps, page: str, theme: Theme, names: Sequence[str]) -> Screen:
    """A page of entries; half of the fields have a text, and one in two pages a cursor."""
    family = next(each for each in KINDS if page in getattr(apps, each))
    cursor = dice.whole(0, 2 * NUM_ENTRIES - 1)
    entries = []
    for index, name in enumerate(names):
        is_on = dice.pick((True, False)) if family == "switches" else False
        text = dice.pick((*apps.texts, *[""] * len(apps.texts))) if family == "fields" else ""
        has_cursor = family == "fields" and index == cursor
        entries.append(Entry(kind=KINDS[family], name=name, is_on=is_on or has_cursor, text=text))
    return Screen(size=apps.size, theme=theme, title=page, entries=tuple(entries))


def _grid(dice: Dice, apps: Apps, page: str, theme: Theme) -> Screen:
    icons = dice.sample(apps.icons, NUM_CELLS)
    names = dice.sample(apps.grids[page], NUM_CELLS)
    cells = tuple(Cell(icon=i, name=n) for i, n in zip(icons, names, strict=True))
    return Screen(
        size=apps.size, theme=theme, title=page, cells=cells, num_columns=apps.num_columns
    )


def _with_entry(screen: Screen, index: int, *, is_on: bool, text: str) -> Screen:
    """With this state of one entry; only one field has the cursor."""
    entries = list(screen.entries)
    if is_on and entries[index].kind == "field":
        entries = [replace(each, is_on=False) for each in entries]
    entries[index] = replace(entries[index], is_on=is_on, text=text)
    return replace(screen, entries=tuple(entries))


def _after(dice: Dice, apps: Apps, before: Screen, tapped: int, defect: str) -> tuple[Screen, str]:
    """The screen after the tap, and what is to be seen, with the switch left open."""
    if defect == "Operation No Response":
        return before, "Both pictures are the same, {} did not move."
    if defect == "Navigation Logic Error":
        screen = _other_page(dice, apps, before.theme, before.title)
        return screen, f"The page is {screen.title} now, and {{}} is gone."
    if defect == NO_DEFECT:
        return _toggled(before, tapped), "{} moved and nothing else."
    other = (tapped + dice.whole(1, NUM_ENTRIES - 1)) % NUM_ENTRIES
    return _toggled(before, other), f"{before.entries[other].name} moved instead of {{}}."


def _toggled(screen: Screen, index: int) -> Screen:
    entry = screen.entries[index]
    return _with_entry(screen, index, is_on=not entry.is_on, text="")
