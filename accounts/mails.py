"""The HTML side of account mails, made from their text so that the words are written once."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """A paragraph of a mail: lines of text, or a link with its label, drawn as a button."""

    lines: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def label(self) -> str:
        return self.lines[0] if self.lines else self.url


SIGNATURE = "\n-- \n"


def parts_of(text: str) -> list[Part]:
    """The paragraphs of `text` above its signature. `Label:` above an address is a link with that label."""
    body, *_signature = text.split(SIGNATURE)
    return [_part(block.splitlines()) for block in body.strip().split("\n\n") if block.strip()]


def _part(raw: list[str]) -> Part:
    lines = [line.strip() for line in raw if line.strip()]
    if not lines[-1].startswith(("http://", "https://")):
        return Part(lines)
    return Part([line.rstrip(":") for line in lines[:-1]], url=lines[-1])
