"""Input templates: found in ``templates/`` at the root of the repository, rendered strictly."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import iondrill
from iondrill.errors import UserError

if TYPE_CHECKING:
    from jinja2 import Environment

ROOT = Path(iondrill.__file__).resolve().parents[2] / "templates"


def template_folder(engine: str) -> Path:
    """Return the folder of an engine's templates.

    Raises
    ------
    UserError
        If it is missing: the package was installed away from its repository.
    """
    folder = ROOT / engine
    if not folder.is_dir():
        raise UserError.of(
            folder, "there is no such folder", "iondrill needs its repository: clone it and `pip install -e .` there"
        )
    return folder


@cache
def _environment(folder: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  (no markup)
    )
    environment.globals["zip"] = zip
    return environment


def render(engine: str, template: str, **values: object) -> str:
    """Fill in a template.

    Parameters
    ----------
    engine : str
        Name of the folder in ``templates/``.
    template : str
        File in it.
    **values : object
        What the template uses; a name that is missing here is an error, never an empty string.

    Raises
    ------
    UserError
        If the folder or the template is missing, is not valid Jinja, or uses an unknown name.
    """
    from jinja2 import TemplateError, TemplateSyntaxError

    folder = template_folder(engine)
    try:
        return _environment(folder).get_template(template).render(**values)
    except TemplateSyntaxError as error:
        raise UserError.of(f"{error.filename} (line {error.lineno})", f"is not valid Jinja: {error.message}") from None
    except TemplateError as error:
        raise UserError.of(folder / template, f"cannot be filled in: {error.message}") from None
