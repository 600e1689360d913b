"""What the page shows of tables: as many digits as a quantity is known to, and no index that only a program needs."""

from __future__ import annotations

import pytest

from iondrill.analyse.forms import FORMS

COUNTS = {"n", "attractors", "n_ionic_steps", "n_scf_cycles"}
BY_UNIT = {"eV": 3, "Å": 3, "ML": 2, "e": 2, "fs": 1, "s": 1, "a.u.": 0, "": 3}
"""A meV, a thousandth of an Å or of the ELF, a hundredth of an electron; C6 coefficients are hundreds."""
OF_IONS = {"height_A", "dheight_A", "ion_shift_A", "d4_coordination"}
"""Where an ion is, on a flat surface, is known to a hundredth of an Å; so is its coordination number."""
SHOWN_ON_THE_PAGE = {
    path: [column for column in form.columns if column.numeric and not column.hidden and column.role != "name"]
    for path, form in FORMS.items()
    if any(column.digits is not None for column in form.columns)
}


@pytest.mark.parametrize("path", SHOWN_ON_THE_PAGE)
def test_a_number_has_as_many_digits_as_it_is_known_to(path):
    for column in SHOWN_ON_THE_PAGE[path]:
        expected = 0 if column.name in COUNTS else 2 if column.name in OF_IONS else BY_UNIT[column.unit]
        assert column.digits == expected, column.name


def test_the_page_leaves_out_frames_by_number_and_what_another_cell_says():
    hidden = {path: [column.name for column in form.columns if column.hidden] for path, form in FORMS.items()}
    bonds = ["step", "second", "attractor_A"]
    assert {path: names for path, names in hidden.items() if names} == {
        "elf/{run}/summary.csv": ["step"],
        "elf/{run}/bonds.csv": bonds,
        "elf/{run}/{frame}.csv": ["step"],
        "elf/{run}/{frame}.bonds.csv": bonds,
    }


def test_readers_choose_rows_of_adsorption_by_what_has_few_values():
    chosen = {path: [column.name for column in form.columns if column.choice] for path, form in FORMS.items()}
    assert {path: names for path, names in chosen.items() if names} == {
        "adsorption.csv": ["facet", "termination", "adsorbate", "level"]
    }
