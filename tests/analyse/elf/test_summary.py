"""Tables of mapped frames put together, and the charges in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase import Atoms
from projects import rows

from iondrill.analyse.elf.contacts import CONTACTS
from iondrill.analyse.elf.event_frames import EventFrame
from iondrill.analyse.elf.summary import join, write_charges
from iondrill.errors import UserError
from iondrill.geometry.io import write_structure

if TYPE_CHECKING:
    from pathlib import Path


def test_frames_come_in_the_order_of_time_and_an_event_that_did_not_happen_is_said(tmp_path: Path) -> None:
    header = ",".join(CONTACTS.names)
    tables = []
    for name, lines in {
        "0": ["0,0.0,ion-carbon,2.1,0.1,0.1,0.2", "0,0.0,between-layers,3.4,0.1,0.1,0.2"],
        "40": ["40,20.0,ion-carbon,2.2,0.1,0.1,0.2"],
        "bonded": ["9,4.5,ion-carbon,2.3,0.1,0.1,0.2"],
    }.items():
        (tmp_path / name).write_text("\n".join([header, *lines]) + "\n")
        tables.append(tmp_path / name)
    (tmp_path / "layers_opened").write_text("")
    tables.append(tmp_path / "layers_opened")
    events = [EventFrame("bonded", 9, 4.5, "bonded"), EventFrame("layers_opened")]
    join(CONTACTS, tables, tmp_path / "summary.csv", events)
    found = rows(tmp_path / "summary.csv")
    assert [(row["step"], row["pair"]) for row in found] == [
        ("0", "ion-carbon"),
        ("0", "between-layers"),
        ("9", "ion-carbon"),
        ("40", "ion-carbon"),
        ("", "no layers opened"),
    ]
    assert not any(found[-1][name] for name in CONTACTS.names if name != "pair")


def test_charges_of_each_scheme_are_summed_by_fragment(tmp_path: Path) -> None:
    atoms = Atoms("CCLi", [[0, 0, 0], [0, 0, 3], [0, 0, 5]])
    atoms.set_array("fragment", np.array(["nd", "upper", "ion"]))
    atoms.set_array("mulliken_e", np.array([-0.25, -0.5, 0.75]))
    atoms.set_array("hirshfeld_e", np.array([-0.125, -0.125, 0.25]))
    write_structure(atoms, tmp_path / "later.extxyz")
    del atoms.arrays["hirshfeld_e"]
    write_structure(atoms, tmp_path / "first.extxyz")
    write_charges({8: tmp_path / "later.extxyz", 2: tmp_path / "first.extxyz"}, 0.5, 0, tmp_path / "charges.csv")
    found = [
        (r["step"], r["time_fs"], r["scheme"], r["fragment"], r["charge_e"]) for r in rows(tmp_path / "charges.csv")
    ]
    assert found == [
        ("2", "1.0", "Mulliken", "nd", "-0.25"),
        ("2", "1.0", "Mulliken", "ion", "0.75"),
        ("2", "1.0", "Mulliken", "upper", "-0.5"),
        ("8", "4.0", "Hirshfeld", "nd", "-0.125"),
        ("8", "4.0", "Hirshfeld", "ion", "0.25"),
        ("8", "4.0", "Hirshfeld", "upper", "-0.125"),
        ("8", "4.0", "Mulliken", "nd", "-0.25"),
        ("8", "4.0", "Mulliken", "ion", "0.75"),
        ("8", "4.0", "Mulliken", "upper", "-0.5"),
    ]
    with pytest.raises(UserError, match="add up to 0"):
        write_charges({2: tmp_path / "first.extxyz"}, 0.5, 1, tmp_path / "charges.csv")
