"""What each table of the results holds, by its path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iondrill.analyse.dynamics.charges import CHARGES
from iondrill.analyse.dynamics.contrasts import CONTRASTS
from iondrill.analyse.dynamics.diffraction import DIFFRACTION
from iondrill.analyse.dynamics.order import ORDER
from iondrill.analyse.elf.contacts import CONTACTS
from iondrill.analyse.elf.lines import BONDS, PROFILES
from iondrill.analyse.energies.adsorption_table import ADSORPTION
from iondrill.analyse.energies.barrier import BARRIERS, PROFILE
from iondrill.analyse.energies.convergence_table import CONVERGENCE
from iondrill.analyse.energies.formation import INTERCALATION
from iondrill.analyse.energies.level_differences import DIFFERENCES
from iondrill.analyse.verification.errors import FRAMES, VERIFICATION

if TYPE_CHECKING:
    from iondrill.analyse.columns import TableForm

FORMS: dict[str, TableForm[Any]] = {
    "adsorption.csv": ADSORPTION,
    "adsorption_levels.csv": DIFFERENCES,
    "contrasts.csv": CONTRASTS,
    "diffraction.csv": DIFFRACTION,
    "md/{run}/order_parameters.csv": ORDER,
    "md/{run}/thermalisation.csv": ORDER,
    "md/{run}/verification.csv": VERIFICATION,
    "md/{run}/verified_frames.csv": FRAMES,
    "charges/{run}.csv": CHARGES,
    "elf/{run}/summary.csv": CONTACTS,
    "elf/{run}/{step}.csv": CONTACTS,
    "elf/{run}/profiles.csv": PROFILES,
    "elf/{run}/{step}.profiles.csv": PROFILES,
    "elf/{run}/bonds.csv": BONDS,
    "elf/{run}/{step}.bonds.csv": BONDS,
    "intercalation.csv": INTERCALATION,
    "barriers.csv": BARRIERS,
    "jobs/barriers/{job}/profile.csv": PROFILE,
    "convergence/{study}.csv": CONVERGENCE,
}
