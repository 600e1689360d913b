"""What `iondrill publish` writes: all of it, refused rows as refused, and no PAW dataset."""

from __future__ import annotations

import json
import zipfile

import ase.io
import pytest
import yaml
from ase.units import J
from finished import DATASET, REFUSED, WHY, key, read_rows
from rocrate.rocrate import ROCrate

from iondrill.cli import main
from iondrill.publish.licensed import licensed

TARGETS = ("crate", "optimade", "nomad")


def tree(folder):
    """Return what a folder holds."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def name_of(row):
    """Return the job of a row, in the names of files."""
    return f"adsorption-{row['facet']}_{row['adsorbate']}-{row['site']}_{row['level']}"


@pytest.fixture(scope="module")
def written(project, tmp_path_factory):
    """Return the folder with what each target wrote, and what was said."""
    folder = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        for target in TARGETS:
            output = folder / ("crate.zip" if target == "crate" else target)
            assert main(["publish", "results", "--to", target, "-o", str(output)]) == 0
    with zipfile.ZipFile(folder / "crate.zip") as archive:
        archive.extractall(folder / "crate")
    (folder / "crate.zip").unlink()
    return folder


@pytest.mark.parametrize("target", TARGETS)
def test_no_paw_dataset_is_handed_on(written, target):
    files = tree(written / target)
    assert len(files) > 20
    assert [name for name, content in files.items() if DATASET.encode() in content] == []
    assert [name for name in files if "POTCAR" in name.upper() and not name.endswith("POTCAR.spec")] == []


def test_a_dataset_is_known_by_name_or_by_what_it_holds(tmp_path):
    def file(name, content=b""):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    assert licensed(file("POTCAR"))
    assert licensed(file("potcar_Li.gz"))
    assert not licensed(file("POTCAR.spec", b"Li_sv\n"))
    assert not licensed(file("OUTCAR", b" vasp.6.3.0\n POSCAR: slab\n"))
    filler = b"a line\n" * 600_000  # longer than what is read at once
    for mark in (b"   VRHFIN =C: s2p2\n", b"   END of PSCTR-controll parameters\n", b" local part\n"):
        assert licensed(file("renamed.txt", filler + mark))
        assert licensed(file("cut.txt", b"x" * ((1 << 22) - 5) + b"\n" + mark))


def test_every_structure_for_optimade_has_its_properties(written, project):
    folder = written / "optimade"
    content = yaml.safe_load((folder / "optimade.yaml").read_text())
    properties = json.loads((folder / "properties.json").read_text())
    (entry,) = content["entries"]
    names = {each["name"] for each in entry["property_definitions"]}
    assert {path.stem for path in (folder / "structures").iterdir()} == set(properties)
    assert all(set(each) == names for each in properties.values())
    assert all("." not in name for name in properties)  # else the tool cuts it there
    for row in read_rows(project):
        found = properties[name_of(row)]
        assert found["e_ads"] == (float(row["E_ads_eV"]) if row["E_ads_eV"] else None)
        assert (found["facet"], found["adsorbate"], found["site"]) == key(row)
        atoms = ase.io.read(folder / f"structures/{name_of(row)}.extxyz")
        assert atoms.symbols.count(row["adsorbate"]) == 1
        assert (found["status"] == WHY) == (key(row) == REFUSED)
    assert sum(each["e_ads_error"] == 0.05 for each in properties.values()) == 1


def test_each_job_for_nomad_has_a_flat_folder_with_an_archive(written, project):
    folders = [path for path in (written / "nomad").iterdir() if path.is_dir()]
    assert len(folders) > 25
    assert all(path.is_file() for folder in folders for path in folder.iterdir())
    for row in read_rows(project):
        archive = yaml.safe_load((written / f"nomad/{name_of(row)}/workflow.archive.yaml").read_text())
        said = archive["metadata"]["comment"]
        assert (f"{float(row['E_ads_eV']):.6f} eV" if row["E_ads_eV"] else f"none ({WHY})") in said
        (run,) = archive["run"]
        atoms = ase.io.read(written / f"nomad/{name_of(row)}/relaxed.extxyz")
        assert run["system"][0]["chemical_composition_hill"] == atoms.symbols.formula.format("hill")
        record = json.loads((written / f"nomad/{name_of(row)}/result.json").read_text())
        assert run["calculation"][0]["energy"]["total"]["value"] * J == pytest.approx(record["energy_eV"], rel=1e-12)
        positions = run["system"][0]["atoms"]["positions"]
        assert positions[-1][2] * 1e10 == pytest.approx(atoms.positions[-1, 2])


def test_files_of_programs_are_left_to_the_parsers_of_nomad(written):
    vasp = written / "nomad/relax-nd35_gfn2"
    assert (vasp / "vasprun.xml").is_file()
    assert not (vasp / "OUTCAR").exists()  # its echo of a dataset had not been blanked
    cp2k = written / "nomad/md-drill_gfn2"
    assert {"job.inp", "job.out"} < {path.name for path in cp2k.iterdir()}
    for folder, mainfile in ((vasp, "vasprun.xml"), (cp2k, "job.out")):
        archive = yaml.safe_load((folder / "workflow.archive.yaml").read_text())
        assert archive["workflow2"]["tasks"] == [{"name": mainfile}]
        assert "run" not in archive


def test_the_crate_has_every_row(written, project):
    values = {value["name"]: value for value in ROCrate(written / "crate").root_dataset["variableMeasured"]}
    rows = read_rows(project)
    assert len(values) == len(rows)
    for row in rows:
        value = values["E_ads of {1} on {0}, {2}".format(*key(row))]
        assert value.get("value") == (float(row["E_ads_eV"]) if row["E_ads_eV"] else None)
        assert value["description"] == row["status"]


@pytest.mark.parametrize("target", [*TARGETS, "zenodo"])
def test_a_dry_run_writes_nothing_and_says_what_it_would(here, capsys, target, monkeypatch):
    monkeypatch.delenv("ZENODO_TOKEN", raising=False)
    (here / "CITATION.cff").write_text("authors:\n- name: Somebody\n")
    before = tree(here)
    assert main(["publish", "--to", target, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert tree(here) == before
    assert "21 adsorption energies; 1 without one, published as such" in said
    assert "no energy: E_ads of Na on C100-2x1, top, GFN2-xTB without dispersion, Γ point" in said
    assert "would " in said


def test_what_is_in_the_way_is_said(here, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("keep me")
    assert main(["publish", "--to", "optimade", "-o", str(tmp_path)]) == 1
    assert "is there and not empty" in capsys.readouterr().err
    assert main(["publish", str(tmp_path / "none"), "--to", "nomad"]) == 1
    assert "there are no results" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("target", ["nomad", "optimade"])
def test_what_holds_no_crate_is_not_made_without_frames(here, capsys, target):
    assert main(["publish", "--to", target, "--without-frames"]) != 0
    assert f"--without-frames: found it with --to {target}; allowed: with crate or zenodo" in capsys.readouterr().err
