#!/usr/bin/env bash
# Snakemake runs this in the environment that it has made of iondrill.yaml: the package comes from the install.
set -euo pipefail
if [ ! -f "${IONDRILL_INSTALL:-}/pyproject.toml" ]; then
    echo "iondrill: --sdm conda needs the clone of iondrill; there is none at '${IONDRILL_INSTALL:-}'" >&2
    exit 1
fi
python -m pip install --disable-pip-version-check --editable "$IONDRILL_INSTALL"
