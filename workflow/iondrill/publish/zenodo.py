"""A run as a draft on Zenodo, or any service of its kind: metadata and the crate. To publish it is left to its owner.

https://developers.zenodo.org (deposit API). The token is read from the environment, sent to one address only, and
written nowhere.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from iondrill.config.document import Document
from iondrill.errors import UserError
from iondrill.files import INSTALL
from iondrill.publish.crate import PAPER
from iondrill.publish.energies import energies

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from iondrill.prepare.plan import Plan

TOKEN = "ZENODO_TOKEN"  # noqa: S105  (the name of a variable)
SERVICE = "https://zenodo.org"
CITATION = "CITATION.cff"
LOCAL = {"127.0.0.1", "localhost", "::1"}
TIMEOUT_S = 600.0


def citation_file(folder: Path) -> Path | None:
    """Return the ``CITATION.cff`` of a project, or else of the install; None if neither has one."""
    return next((path for path in (folder / CITATION, INSTALL / CITATION) if path.is_file()), None)


def metadata(plan: Plan, missing: Sequence[str], citation: Path | None) -> dict[str, Any]:
    """Return what Zenodo asks for.

    Parameters
    ----------
    plan : Plan
        Of the run.
    missing : sequence of str
        What the crate says is missing.
    citation : Path or None
        ``CITATION.cff``: creators, keywords, and the software.

    Raises
    ------
    UserError
        If it names no authors: Zenodo needs them.
    """
    cited = Document(citation).content if citation is not None else {}
    creators = [_creator(each) for each in cited.get("authors") or [] if isinstance(each, dict)]
    if not creators:
        raise UserError.of(
            citation or CITATION, "names no authors", f"needed: {CITATION} with authors, who created this"
        )
    related = [{"identifier": PAPER, "relation": "isSupplementTo"}]
    if source := cited.get("doi") or cited.get("repository-code") or cited.get("url"):
        related.append({"identifier": str(source), "relation": "isCompiledBy"})
    return {
        "upload_type": "dataset",
        "title": plan.config.title,
        "description": _description(plan, missing),
        "creators": creators,
        "access_right": "open",
        "license": "cc-by-4.0",
        "keywords": [str(each) for each in cited.get("keywords") or []],
        "related_identifiers": related,
    }


def _creator(author: dict[Any, Any]) -> dict[str, str]:
    family, given = (str(author.get(key) or "") for key in ("family-names", "given-names"))
    name = ", ".join(filter(None, [family, given])) or str(author.get("name") or "")
    known = {"name": name, "affiliation": author.get("affiliation")}
    orcid = str(author.get("orcid") or "").rpartition("/")[2]
    return {key: str(value) for key, value in {**known, "orcid": orcid}.items() if value}


def _description(plan: Plan, missing: Sequence[str]) -> str:
    """Return a few sentences of HTML: what it is, what was refused, what is missing."""
    rows = energies(plan)
    refused = [row for row in rows if row.E_ads_eV is None]
    parts = [f"Results of iondrill, reproducing Sun et al. 2024 ({PAPER}), as an RO-Crate (Provenance Run Crate 0.5)."]
    if rows:
        parts.append(f"{len(rows) - len(refused)} adsorption energies, {len(refused)} refused.")
    parts += [f"{row.title}, {row.method}: no energy; {row.status}." for row in refused]
    parts += [f"Missing: {each}." for each in missing]
    return "".join(f"<p>{html.escape(part)}</p>" for part in parts)


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirection: it would take the token elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def token() -> str:
    """Return the user's token.

    Raises
    ------
    UserError
        If the environment has none.
    """
    if found := os.environ.get(TOKEN, "").strip():
        return found
    raise UserError.of(TOKEN, "is not set", "needed: a token with the scope deposit:write, in the environment only")


def deposit(service: str, secret: str, described: dict[str, Any], crate: Path) -> str:
    """Make a draft with metadata and the crate.

    Parameters
    ----------
    service : str
        Address, such as https://sandbox.zenodo.org.
    secret : str
        The token.
    described : dict
        See `metadata`.
    crate : Path
        The ``.zip``.

    Returns
    -------
    str
        Where its owner looks at it, and publishes it.

    Raises
    ------
    UserError
        If the address is neither https nor this machine, the service refuses, or what arrived is something else.
    """
    parts = urlsplit(service)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise UserError.of(service, "is no https address", "needed: one, for the token to be safe")
    service = service.rstrip("/")
    body = json.dumps({"metadata": described}).encode()
    draft = Request(f"{service}/api/deposit/depositions", body, method="POST")  # noqa: S310  (https, or this machine)
    made = _call(draft, secret, "application/json")
    bucket, page = (str(made.get("links", {}).get(name, "")) for name in ("bucket", "html"))
    if urlsplit(bucket)[:2] != parts[:2]:
        raise UserError.of(service, f"asks for the file at another address, '{bucket}'", f"needed: one of {service}")
    content = crate.read_bytes()
    request = Request(f"{bucket}/{quote(crate.name)}", content, method="PUT")  # noqa: S310  (of the same address)
    sent = _call(request, secret, "application/octet-stream")
    arrived, expected = str(sent.get("checksum", "")), hashlib.md5(content, usedforsecurity=False).hexdigest()
    if arrived.removeprefix("md5:") != expected:
        raise UserError.of(service, f"has received something else (checksum {arrived})", "remedy: delete the draft")
    return page


def _call(request: Request, secret: str, kind: str) -> dict[str, Any]:
    """Return what the service answers, JSON."""
    request.add_header("Authorization", f"Bearer {secret}")
    request.add_header("Content-Type", kind)
    service = f"{request.type}://{request.host}"
    try:
        with build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S) as response:
            answer = json.loads(response.read())
    except HTTPError as error:
        said = " ".join(error.read(400).decode(errors="replace").split())
        found = f"{request.method} was answered with {error.code} {error.reason}"
        raise UserError.of(service, found, said[:200]) from None
    except OSError as error:
        raise UserError.of(service, f"cannot be reached: {getattr(error, 'reason', error)}") from None
    except ValueError:
        raise UserError.of(service, "gave an answer that is no JSON") from None
    return answer if isinstance(answer, dict) else {}
