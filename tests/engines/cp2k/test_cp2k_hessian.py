"""The Hessian that a relaxation by CP2K starts with: a file that CP2K reads, stiff, and nothing to fixed atoms."""

import struct

import numpy as np
from ase.units import Bohr, Hartree

from iondrill.engines.cp2k.restart import is_whole, write_hessian
from iondrill.engines.cp2k.runner import Run
from iondrill.geometry.constraints import moving_atoms
from iondrill.geometry.model_hessian import spring_hessian


def test_a_record_for_each_column(tmp_path):
    hessian = np.random.default_rng(3).normal(size=(6, 6))
    write_hessian(tmp_path / "springs.Hessian", hessian)
    assert is_whole(tmp_path / "springs.Hessian")
    content = (tmp_path / "springs.Hessian").read_bytes()
    records = np.array(list(struct.iter_unpack("<i6di", content)))
    assert (records[:, [0, -1]] == 48).all()
    assert np.allclose(records[:, 1:-1].T, hessian * Bohr**2 / Hartree, rtol=1e-12)


def test_fixed_atoms_push_no_others(make_job, structure, tmp_path):
    atoms = structure("slab")
    fixed = np.repeat(~moving_atoms(atoms), 3)
    assert 0 < fixed.sum() < len(fixed)
    hessian = Run(make_job("cp2k", "slab", "relax"), atoms, tmp_path)._springs_eV_A2()
    assert not hessian[fixed][:, ~fixed].any()
    assert not hessian[~fixed][:, fixed].any()
    assert np.array_equal(hessian[~fixed][:, ~fixed], spring_hessian(atoms)[~fixed][:, ~fixed])
    assert np.linalg.eigvalsh(hessian).min() > 0
