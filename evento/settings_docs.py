"""`make settings`: the table in docs/operations.md and `.env.example`, written from the declarations."""

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from evento.environment import Setting

ROOT = Path(__file__).resolve().parent.parent
TABLE_IN = ROOT / "docs" / "operations.md"
EXAMPLE = ROOT / ".env.example"
BEGIN = "<!-- The table is made by `make settings` from evento/settings.py. -->\n"
END = "<!-- The end of the table. -->\n"
WIDTH = 110
EXAMPLE_HEAD = (
    "Settings of a real installation. Copy to .env beside manage.py and fill in; the environment wins over "
    "this file. With no .env at all, Evento runs embedded: SQLite and files under var/. "
    "Made by `make settings` from evento/settings.py."
)


def table(settings: Iterable[Setting]) -> str:
    """The settings as a Markdown table, in the order in which they are declared."""
    rows = [
        f"| `{it.name}` | {it.kind} | {_default(it)} | {_in_cell(it.meaning)} |" for it in settings
    ]
    return "\n".join(
        ["| name | type | default | what it does |", "| --- | --- | --- | --- |", *rows]
    )


def example(settings: Iterable[Setting]) -> str:
    """The settings as an `.env` file: what a real site sets, and the others as comments."""
    blocks = [_comment(EXAMPLE_HEAD)]
    for it in settings:
        meaning = it.meaning.replace("`", "")
        value = f'"{it.example}"' if re.search(r"[^\w.,:/@+-]", it.example) else it.example
        line = f"{'' if it.ask else '#'}{it.name}={value}"
        if it.ask:
            blocks.append(f"{_comment(meaning)}\n{line}")
        else:
            default = it.default.replace("`", "")
            blocks.append(f"{_comment(f'{meaning} Default: {default}.')}\n{line}")
    return "\n\n".join(blocks) + "\n"


def page_with(page: str, settings: Iterable[Setting]) -> str:
    """The Markdown `page` with the table between its two marks made anew."""
    before, _begin, rest = page.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(settings)}\n\n{END}{after}"


def _default(setting: Setting) -> str:
    plain = not re.search(r"[` ]", setting.default) and setting.kind in {"text", "URL"}
    worded = setting.default in {"none", "empty"}
    return f"`{setting.default}`" if plain and not worded else _in_cell(setting.default)


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|")


def _comment(text: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )


def main() -> None:
    """Write both files from what evento/settings.py declares."""
    from evento.settings import env  # noqa: PLC0415 - reading settings has effects; tests use their own

    settings = list(env.declared.values())
    page = TABLE_IN.read_text(encoding="utf-8")
    TABLE_IN.write_text(page_with(page, settings), encoding="utf-8")
    EXAMPLE.write_text(example(settings), encoding="utf-8")


if __name__ == "__main__":
    main()
