"""Input templates: found in ``templates/`` at the root of the repository, rendered strictly."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from iondrill.errors import UserError
from iondrill.files import template_folder

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2 import Environment


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
