"""`vlrl new task NAME`: the files that a new task begins with, complete and working."""

import keyword
import re
from pathlib import Path
from string import Template

from vlrl.contracts import UserError

_TEMPLATES = Path(__file__).parent / "templates"
_FILES = {
    "task.py.txt": "{name}.py",
    "rows.jsonl.txt": "{name}.jsonl",
    "cases.yaml.txt": "{name}_cases.yaml",
    "test.py.txt": "test_{name}.py",
}


def task(name: str, folder: Path) -> list[Path]:
    """Write task, sample rows, case table and test into `folder`; returns their paths.

    Raises UserError where the name cannot name a module or one of the files exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UserError(f"{name!r} cannot name a task; use lower-case letters, digits and _")
    paths = {template: folder / file.format(name=name) for template, file in _FILES.items()}
    for path in paths.values():
        if path.exists():
            raise UserError(f"{path}: exists already; choose another name or remove it")
    words = name.split("_")
    class_name = "".join(word.capitalize() for word in words)
    title = " ".join(words).capitalize()
    for template, path in paths.items():
        text = Template((_TEMPLATES / template).read_text("utf-8"))
        filled = text.substitute(name=name, class_name=class_name, title=title)
        path.write_text(filled, "utf-8")
    return list(paths.values())
