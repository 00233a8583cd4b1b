"""What the files in deploy/ may name: settings, variables of the image, commands."""

import re
from argparse import ArgumentError
from pathlib import Path

from django.core.management import get_commands, load_command_class

from evento.settings import env

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def image_variables():
    """The environment that the image sets: uvicorn's own settings among them."""
    block = re.search(r"^ENV PATH=.*?[^\\]$", DOCKERFILE, re.MULTILINE | re.DOTALL)[0]
    return dict(re.findall(r"(\w+)=(\S+)", block))


def unknown(names):
    """Names of variables that neither Evento nor its image reads."""
    return sorted(set(names) - set(env.declared) - set(image_variables()))


def wrong_command(arguments):
    """What is wrong with `python manage.py ...` as a list, or nothing. The command is not run."""
    if arguments[:2] != ["python", "manage.py"]:
        return f"{arguments} is no management command"
    _python, _manage, name, *rest = arguments
    if name not in get_commands():
        return f"there is no command {name}"
    app = get_commands()[name]
    command = load_command_class(app, name) if isinstance(app, str) else app
    parser = command.create_parser("manage.py", name)
    parser.exit_on_error = False
    try:
        parser.parse_args(rest)
    except (ArgumentError, SystemExit) as error:
        return f"{name} does not take {rest}: {error}"
    return ""
