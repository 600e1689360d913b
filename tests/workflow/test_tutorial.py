"""docs/tutorial.md: its commands work in the order of the page; what they compute is planned, and not computed here."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from projects import run

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INSTALLS = ("git clone", "cd iondrill", "tools/", ". .venv", "iondrill doctor")
PLANNED = "snakemake() { command snakemake -n --quiet rules \"$@\" 2>&1 | grep -E '^(relax|build|run|total)'; }"


@pytest.mark.workflow
def test_its_commands_lead_from_one_to_the_next(root: Path, tmp_path: Path) -> None:
    script = ["set -euo pipefail", f"PATH={Path(sys.executable).parent}:$PATH", PLANNED, "mkdir iondrill; cd iondrill"]
    for language, text in FENCE.findall((root / "docs/tutorial.md").read_text(encoding="utf-8")):
        if language == "yaml":
            script.append(f"cat > {re.match(r'# (.+)', text)[1]} <<'END'\n{text}END")
        else:
            script += [line for line in text.splitlines() if not line.startswith(INSTALLS)]
    done = run(["bash", "-c", "\n".join(script)], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    ions = [int(count) for name, count in (line for line in lines if line[0] == "relax_adsorbate")]
    # six sites of the shipped facet; with the second file one more, of the facet that the page makes
    assert ions[0] == 6
    assert ions[-1] == 7
    assert "structures/facets/C100-thin.yaml: C16H8, sites bridge, cave" in done.stdout
