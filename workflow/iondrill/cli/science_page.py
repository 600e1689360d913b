"""The part of ``docs/science.md`` that the ledger of claims makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.analyse.claims.evaluate import RULE, read_claims
from iondrill.analyse.claims.ledger import ledger
from iondrill.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.analyse.claims.ledger import Claim
    from iondrill.analyse.claims.verdict import Decided

BEGIN = "<!-- Made from `docs/claims.json` and `claims.yaml` by `iondrill docs`; change those instead. -->"
END = "<!-- End of what is made. -->"
LEVELS = {
    "any": "no simulation decides it",
    "verified": "a level that was compared with PBE-D3 on frames or energies of its own, and trusted",
    "reference": "density-functional theory",
}


def science_page(root: Path) -> str:
    """Return ``docs/science.md`` with its part of the ledger made anew.

    Raises
    ------
    UserError
        If page or ledger cannot be read, the page does not say where that part is, or the ledger has other claims.
    """
    page = root / "docs/science.md"
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError.of(page, f"cannot be read: {error.strerror}") from None
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError.of(page, "does not say where the claims go", f"needed: '{BEGIN}' and '{END}'")
    return f"{before}{BEGIN}\n\n{claims_in_words(root / 'docs/claims.json')}\n\n{END}{after}"


def _asks(one: Claim | Decided) -> tuple[str, str]:
    """Return what is claimed, and what computes it."""
    return one.claim, one.command


def claims_in_words(path: Path) -> str:
    """Return the claims of a ledger in Markdown: a table of all, and of each what was done and found.

    Raises
    ------
    UserError
        If the ledger cannot be read, or its claims are not those of ``claims.yaml``.
    """
    rows = {row.id: row for row in read_claims(path)}
    claims = {claim.id: claim for claim in ledger().claims}
    if [*rows] != [*claims] or any(_asks(rows[key]) != _asks(claim) for key, claim in claims.items()):
        remedy = f"`iondrill claims -o {path.name}` makes it again"
        raise UserError.of(path, "its claims are not those of claims.yaml", remedy)
    lines = [RULE, "", "| | claim | in the paper | verdict | number | level |", "|---|---|---|---|---|---|"]
    lines += [_line(row) for row in rows.values()]
    for key, claim in claims.items():
        lines += ["", *_section(claim, rows[key])]
    return "\n".join(lines)


def _line(row: Decided) -> str:
    return f"| {row.id} | {row.claim} | {row.source} | **{row.verdict}** | {number(row)} | {row.level or '–'} |"


def number(row: Decided) -> str:
    """Return the number of a row with its interval and unit; a dash without."""
    if row.value is None:
        return "–"
    interval = "" if row.low is None or row.high is None else f" ({row.low:.3g} to {row.high:.3g})"
    return f"{row.value:.3g}{interval} {row.unit}".rstrip().replace("-", "−")


def _section(claim: Claim, row: Decided) -> list[str]:
    sure = f"{LEVELS[claim.level]} is asked for"
    if row.level:
        sure += f"; the number is of {row.level}"
    if row.verification:
        sure += f"; {row.verification}"
    lines = [
        f"### {claim.id}. {claim.claim}",
        "",
        f"- **Done**: {claim.computed}. Controls: {', '.join(claim.controls)}.",
        f"- **Found**: {row.sentence}",
        f"- **How sure**: {sure}.",
    ]
    lines += [f"- **Criterion**: {row.criterion}."] if row.criterion else []
    return [*lines, f"- **What would change our mind**: {claim.changes}."]
