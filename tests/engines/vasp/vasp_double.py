"""A stand-in for ``vasp_std``, whose licence keeps it out of tests: VASP's files in, GFN2-xTB inside, VASP's files out.

It reads INCAR, KPOINTS, POSCAR and POTCAR in the working folder, and refuses a set that does not go together. It
honours NSW, EDIFFG, NELM, EDIFF, ALGO (as strength of the mixing), ISTART, LWAVE, LELF, ISPIN, selective dynamics and
STOPCAR, and writes OUTCAR, OSZICAR, vasprun.xml, CONTCAR and WAVECAR as VASP does, step by step. The relaxation keeps
no memory between steps, so that one that was interrupted takes the same path.

Environment: ``VASP_DOUBLE_PAUSE_S``, seconds to wait in each electronic step; ``VASP_DOUBLE_BOMB``, a file that holds
an ionic step: when that is done, the double removes the file, tears its CONTCAR and kills itself; ``VASP_DOUBLE_D0``,
what D₀ of one spin is in units of (3/10)(3π²)^⅔ ρσ^(5/3): 2^⅔ by default, 1 in VASP 5.4.4 to 6.3 as published.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
from ase.units import Bohr, Hartree
from pymatgen.io.vasp.inputs import Incar, Kpoints, Poscar

sys.setrecursionlimit(10000)
try:  # tblite's wheel carries a slow BLAS
    ctypes.CDLL("libopenblas.so.0", mode=ctypes.RTLD_GLOBAL)
except OSError:
    sys.stderr.write("no OpenBLAS\n")

VALENCE = {"H": 1, "C": 4, "Li": 1, "Na": 1, "K": 1}
DAMPING = {"fast": 0.02, "normal": 0.1, "all": 0.8, "damped": 0.8}
RECORD = 4096
PAUSE_s = float(os.environ.get("VASP_DOUBLE_PAUSE_S", "0"))


def refuse(message):
    """End as VASP does: a word on standard output, and exit status 1."""
    print(" -----------------------------\n|     EEEEEEE  RRRRRR          |\n")
    print(f"|     VERY BAD NEWS! {message}")
    sys.exit(1)


def fortran(value, digits=8):
    """Write a number as Fortran's E format does: -.12345678E+02."""
    if value == 0:
        return f" .{'0' * digits}E+00"
    exponent = int(np.floor(np.log10(abs(value)))) + 1
    mantissa = f"{abs(value) / 10.0**exponent:.{digits}f}"
    if mantissa.startswith("1"):  # rounded up
        exponent, mantissa = exponent + 1, f"{abs(value) / 10.0 ** (exponent + 1):.{digits}f}"
    return f"{'-' if value < 0 else ' '}{mantissa[1:]}E{exponent:+03d}"


def explode(step):
    """Die as on a lost node, in the midst of a file, if that was asked for."""
    bomb = Path(os.environ.get("VASP_DOUBLE_BOMB", "none"))
    if bomb.is_file() and int(bomb.read_text()) == step:
        bomb.unlink()
        text = Path("CONTCAR").read_text()
        Path("CONTCAR").write_text(text[: len(text) * 2 // 3])
        os.kill(os.getpid(), signal.SIGKILL)


class Stopcar:
    """What a STOPCAR asks for."""

    def __init__(self):
        self.soft = self.hard = False

    def look(self):
        path = Path("STOPCAR")
        text = path.read_text().upper() if path.exists() else ""
        self.soft |= "LSTOP" in text and ".T" in text
        self.hard |= "LABORT" in text and ".T" in text


class Calculation:
    """The inputs, the outputs, and the steps between."""

    def __init__(self):
        for name in ("INCAR", "KPOINTS", "POSCAR", "POTCAR"):
            if not Path(name).is_file():
                refuse(f"No {name} found, STOPPING")
        self.incar = Incar.from_file("INCAR")
        self.kpoints = Kpoints.from_file("KPOINTS")
        poscar = Poscar.from_file("POSCAR", check_for_potcar=False)
        self.structure, self.elements = poscar.structure, poscar.site_symbols
        n_atoms = len(self.structure)
        flags = poscar.selective_dynamics
        self.selective = flags is not None
        self.free = np.ones((n_atoms, 3), bool) if flags is None else np.array(flags)
        self.symbols = [site.species_string for site in self.structure]
        self.read_potcar(Path("POTCAR").read_text())
        if self.incar.get("ISPIN") == 2 and len(self.incar.get("MAGMOM", [])) != n_atoms:
            refuse("MAGMOM is not of all atoms")
        self.cell = self.structure.lattice.matrix
        self.fractional = np.array(self.structure.frac_coords)
        self.stopcar = Stopcar()
        self.unpaired = sum(VALENCE[symbol] for symbol in self.symbols) % 2
        self.guess = self.read_wavecar() if self.incar.get("ISTART", 0) else None
        self.forces = np.zeros((n_atoms, 3))

    def read_potcar(self, text):
        """Take the titles and the head of each dataset."""
        self.datasets = [part.strip("\n") for part in text.split("End of Dataset") if part.strip()]
        self.titles = [
            next(line for line in d.splitlines() if "TITEL" in line).split("=")[1].strip() for d in self.datasets
        ]
        found = [title.split()[1].partition("_")[0] for title in self.titles]
        if found != self.elements:
            refuse(f"POTCAR and POSCAR are incompatible: {found} {self.elements}")

    # --- orbitals -----------------------------------------------------------------------------------------------

    def read_wavecar(self):
        """Return the wavefunction of a WAVECAR, or None without one; crash on a torn one, as VASP does."""
        from tblite.interface import Result

        path = Path("WAVECAR")
        if not path.exists():
            return None
        content = path.read_bytes()
        payload, digest = content[2 * RECORD : -RECORD], content[-RECORD : -RECORD + 32]
        if hashlib.sha256(payload).digest() != digest:
            print("forrtl: severe (24): end-of-file during read, unit 12, file WAVECAR")
            sys.exit(24)
        length = int(np.frombuffer(payload[:8], "<i8")[0])
        Path("orbitals.npz").write_bytes(payload[8 : 8 + length])
        result = Result()
        result.load("orbitals.npz")
        Path("orbitals.npz").unlink()
        return result

    def write_wavecar(self):
        """Write the last wavefunction in records, as many as the head of a WAVECAR says, with a checksum at the end."""
        if not self.incar.get("LWAVE", True) or self.guess is None:
            return
        self.guess.save("orbitals.npz")
        orbitals = Path("orbitals.npz").read_bytes()
        Path("orbitals.npz").unlink()
        payload = np.array([len(orbitals)], "<i8").tobytes() + orbitals
        payload = payload.ljust(-(-len(payload) // RECORD) * RECORD, b"\0")
        n_bands = len(payload) // RECORD  # with the checksum, one record more: that of the k-point
        head = np.array([RECORD, 1, 45200], "<f8").tobytes().ljust(RECORD, b"\0")
        second = np.array([1, n_bands, self.incar["ENCUT"], *self.cell.ravel()], "<f8").tobytes().ljust(RECORD, b"\0")
        digest = hashlib.sha256(payload).digest().ljust(RECORD, b"\0")
        Path("WAVECAR").write_bytes(head + second + payload + digest)

    def write_grids(self):
        """Write ELFCAR and CHGCAR of a sum of atoms, the ELF by the gradient expansion of τ (Kirzhnits)."""
        shape = (30, 32, 36)
        points = np.moveaxis(np.indices(shape), 0, -1) / shape
        rho = np.zeros(shape)
        for symbol, position in zip(self.symbols, self.fractional, strict=True):
            between = points - position
            distance = np.linalg.norm((between - np.round(between)) @ self.cell, axis=-1) / Bohr
            rho += VALENCE[symbol] / np.pi * np.exp(-2 * distance)
        steps = [np.linalg.norm(v) / Bohr / n for v, n in zip(self.cell, shape, strict=True)]
        slope = np.gradient(rho, *steps)
        steep = sum(part**2 for part in slope) / rho
        bend = sum(
            np.gradient(part, step, axis=axis) for axis, (part, step) in enumerate(zip(slope, steps, strict=True))
        )
        uniform = 2.871 * rho ** (5 / 3)
        excess = np.maximum(uniform - steep / 9 + bend / 6, 0)
        elf = 1 / (1 + (excess / uniform) ** 2)
        if polarised := self.incar.get("ISPIN", 1) == 2:
            of_spin = float(os.environ.get("VASP_DOUBLE_D0", "1.5874010520")) * 2.871 * (rho / 2) ** (5 / 3)
            elf = 1 / (1 + (excess / 2 / of_spin) ** 2)
        volume = abs(np.linalg.det(self.cell)) / Bohr**3
        head = Poscar(self.structure).get_str()
        for name, grids in (("ELFCAR", (elf, elf)), ("CHGCAR", (rho * volume, 0 * rho))):
            with Path(name).open("w") as file:
                file.write(head)
                for grid in grids if polarised else grids[:1]:
                    file.write("\n" + "".join(f"{n:5d}" for n in shape) + "\n")
                    np.savetxt(file, grid.ravel(order="F").reshape(-1, 5), fmt="%17.10E")

    # --- one ionic step -----------------------------------------------------------------------------------------

    def scf(self, step):
        """Bring the SCF to convergence, or to NELM; return the energies of its steps and whether it converged."""
        from tblite.interface import Calculator

        cycles = []

        def cycle(line):
            words = line.split()
            if len(words) >= 3 and words[0].isdigit() and "." in words[1]:
                if self.stopcar.hard:
                    return
                energy = float(words[1]) * Hartree
                cycles.append(energy)
                self.report_cycle(step, cycles)
                time.sleep(PAUSE_s)
                self.stopcar.look()

        from ase.data import atomic_numbers

        numbers = np.array([atomic_numbers[symbol] for symbol in self.symbols])
        api = Calculator(
            "GFN2-xTB",
            numbers,
            self.fractional @ self.cell / Bohr,
            0.0,
            self.unpaired,
            self.cell / Bohr,
            np.ones(3, bool),
            color=False,
            logger=cycle,
        )
        for key, value in {
            "verbosity": 1,
            "max-iter": self.incar.get("NELM", 60),
            "mixer-damping": DAMPING[str(self.incar.get("ALGO", "Normal")).lower()],
            "temperature": self.incar.get("SIGMA", 0.2) / Hartree,
        }.items():
            api.set(key, value)
        try:
            result = api.singlepoint(self.guess)
        except RuntimeError:
            return cycles, False  # VASP continues with the forces of the last density; these are the last ones
        self.guess = result
        if not cycles:  # converged at once
            cycles.append(float(result["energy"]) * Hartree)
            self.report_cycle(step, cycles)
        if self.stopcar.hard:
            return cycles, False
        cycles[-1] = float(result["energy"]) * Hartree
        self.forces = -result["gradient"] * Hartree / Bohr
        return cycles, True

    def move(self):
        """Return the positions that a harmonic model of the bonds expects in the minimum: no memory, no line search."""
        n_atoms = len(self.symbols)
        hessian = 12.0 * np.eye(3 * n_atoms)
        vectors = self.structure.lattice.matrix
        for i in range(n_atoms):
            for j in range(i):
                between = self.fractional[i] - self.fractional[j]
                bond = (between - np.round(between)) @ vectors
                length = np.linalg.norm(bond)
                limit = 1.3 if "H" in (self.symbols[i], self.symbols[j]) else 1.9
                if length < limit:
                    block = 70.0 * np.outer(bond, bond) / length**2
                    for a, b, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
                        hessian[3 * a : 3 * a + 3, 3 * b : 3 * b + 3] += sign * block
        free = self.free.ravel()
        step = np.zeros(3 * n_atoms)
        step[free] = np.linalg.solve(hessian[np.ix_(free, free)], self.forces.ravel()[free])
        largest = np.linalg.norm(step.reshape(-1, 3), axis=1).max()
        step *= min(1.0, 0.15 / max(largest, 1e-9))
        return self.fractional + np.linalg.solve(vectors.T, step.reshape(-1, 3).T).T

    # --- files --------------------------------------------------------------------------------------------------

    def open_files(self):
        # open to the end, and every line is out at once
        self.outcar, self.oszicar, self.xml = (
            Path(name).open("w", buffering=1)  # noqa: SIM115
            for name in ("OUTCAR", "OSZICAR", "vasprun.xml")
        )
        say = lambda *lines: print(*lines, sep="\n", file=self.outcar)  # noqa: E731
        say(" vasp.6.4.2-double 20Jul23 (build for tests) complex", "", " executed on             test date")
        say(" running    1 mpi-ranks, with    1 threads/rank, on    1 nodes", " " + "-" * 100, "", " INCAR:")
        for dataset, title in zip(self.datasets, self.titles, strict=True):
            head = dataset[dataset.index("VRHFIN") :].split("END of PSCTR")[0]
            say(f" POTCAR:    {title}", *("   " + line for line in head.splitlines()))
            say("  local pseudopotential read in", "  PAW grid and wavefunctions read in", "")
        say(f" POSCAR: {self.structure.formula}", "  positions in direct lattice", " " + "-" * 100)
        n_electrons = sum(VALENCE[symbol] for symbol in self.symbols)
        say(f"   NELECT = {n_electrons:12.4f}    total number of electrons")
        say(f"   NIONS = {len(self.symbols)}", f"   ENCUT  =  {self.incar['ENCUT']:.1f} eV")
        n_kpoints = int(np.prod(self.kpoints.kpts[0]))
        say(f"   k-points           NKPTS = {n_kpoints:6d}   number of bands    NBANDS= {n_electrons:6d}")
        n_waves = int(abs(np.linalg.det(self.cell)) * self.incar["ENCUT"] ** 1.5 / 443)  # 6π² (ħ²/2m)^(3/2)
        say(f"   total plane-waves  NPLWV = {8 * n_waves:8d}", f"   ISPIN  = {self.incar.get('ISPIN', 1):6d}", "\n")
        say(f"   IBRION = {self.incar.get('IBRION', -1):6d}    ionic relax: 0-MD 1-quasi-New 2-CG")
        say("-" * 104, "\n", f" k-point   1 :   0.0000 0.0000 0.0000  plane waves: {n_waves:7d}", "")
        say(f" maximum and minimum number of plane-waves per node : {n_waves:9d} {n_waves:9d}", "")
        self.xml_head()
        print(
            " running    1 mpi-ranks, with    1 threads/rank, on    1 nodes",
            " entering main loop",
            sep="\n",
            flush=True,
        )

    def xml_head(self):
        say = lambda *lines: print(*lines, sep="\n", file=self.xml)  # noqa: E731
        say('<?xml version="1.0" encoding="ISO-8859-1"?>', "<modeling>", " <generator>")
        say('  <i name="program" type="string">vasp </i>', '  <i name="version" type="string">6.4.2-double </i>')
        say(" </generator>", " <incar>", f'  <i type="string" name="ALGO">{self.incar.get("ALGO", "Normal")}</i>')
        say(" </incar>", " <kpoints>", '  <generation param="Gamma">')
        say('   <v type="int" name="divisions">' + " ".join(map(str, self.kpoints.kpts[0])) + "</v>", "  </generation>")
        say('  <varray name="kpointlist">', "   <v>0.0 0.0 0.0</v>", "  </varray>")
        say('  <varray name="weights">', "   <v>1.0</v>", "  </varray>", " </kpoints>", " <parameters>")
        for name, default in (("NELM", 60), ("NSW", 0), ("IBRION", -1), ("ISPIN", 1)):
            say(f'  <i type="int" name="{name}">{self.incar.get(name, default)}</i>')
        say(f'  <i name="EDIFFG">{self.incar.get("EDIFFG", 0)}</i>', '  <i type="logical" name="LCHIMAG"> F  </i>')
        say(" </parameters>", " <atominfo>", f"  <atoms>{len(self.symbols):8d} </atoms>")
        say(
            f"  <types>{len(self.elements):8d} </types>",
            '  <array name="atoms">',
            '   <dimension dim="1">ion</dimension>',
        )
        say('   <field type="string">element</field>', '   <field type="int">atomtype</field>', "   <set>")
        for symbol in self.symbols:
            say(f"    <rc><c>{symbol:2s}</c><c>{self.elements.index(symbol) + 1:4d}</c></rc>")
        say("   </set>", "  </array>", '  <array name="atomtypes">', '   <dimension dim="1">type</dimension>')
        say(
            *(
                f'   <field type="{kind}">{name}</field>'
                for kind, name in (
                    ("int", "atomspertype"),
                    ("string", "element"),
                    ("float", "mass"),
                    ("float", "valence"),
                    ("string", "pseudopotential"),
                )
            )
        )
        say("   <set>")
        for element, title in zip(self.elements, self.titles, strict=True):
            say(f"    <rc><c>{self.symbols.count(element)}</c><c>{element}</c><c>1.0</c><c>1.0</c><c>{title}</c></rc>")
        say("   </set>", "  </array>", " </atominfo>")
        self.xml_structure("initialpos")

    def xml_structure(self, name=""):
        rows = lambda array: "".join("    <v>" + "".join(f"{x:17.8f}" for x in row) + " </v>\n" for row in array)  # noqa: E731
        attribute = f' name="{name}" ' if name else ""
        print(
            f' <structure{attribute}>\n  <crystal>\n   <varray name="basis" >\n{rows(self.cell)}   </varray>\n'
            f'   <i name="volume">{abs(np.linalg.det(self.cell)):.8f} </i>\n'
            f'   <varray name="rec_basis" >\n{rows(np.linalg.inv(self.cell).T)}   </varray>\n  </crystal>\n'
            f'  <varray name="positions" >\n{rows(self.fractional % 1)}  </varray>\n </structure>',
            file=self.xml,
        )

    def report_cycle(self, step, cycles):
        n, energy = len(cycles), cycles[-1]
        change = energy - (cycles[-2] if n > 1 else 0)
        if n == 1:
            print(
                "       N       E                     dE             d eps       ncg     rms          rms(c)",
                file=self.oszicar,
            )
        line = f"DAV: {n:3d}   {fortran(energy, 12)}   {fortran(change, 5)}  {fortran(change, 5)}  1000   0.100E-02"
        print(line, file=self.oszicar)
        print(line, flush=True)
        dashes = "-" * 40
        print(f"{dashes} Iteration {step:6d}({n:4d})  {dashes}\n", file=self.outcar)
        print(
            "  free energy    TOTEN  = " + f"{energy:18.8f} eV\n\n  energy without entropy = {energy:18.8f}"
            f"  energy(sigma->0) = {energy:18.8f}\n",
            file=self.outcar,
        )

    def report_step(self, step, cycles, *, converged):
        energy, before = cycles[-1], self.last_energy
        how = (
            "because EDIFF is reached"
            if converged
            else ("because hard stop was set" if self.stopcar.hard else "EDIFF was not reached (unconverged)")
        )
        say = lambda *lines: print(*lines, sep="\n", file=self.outcar)  # noqa: E731
        say(f"------------------------ aborting loop {how} ----------------------------------------", "")
        say(" E-fermi :  -1.0000     XC(G=0):  -1.0000     alpha+bet : -1.0000", "")
        n_electrons = sum(VALENCE[symbol] for symbol in self.symbols)
        say(f" number of electron {n_electrons:14.7f} magnetization {self.unpaired:14.7f}", "")
        say(" POSITION                                       TOTAL-FORCE (eV/Angst)", " " + "-" * 83)
        for position, force in zip(self.fractional % 1 @ self.cell, self.forces, strict=True):
            say("".join(f"{x:13.5f}" for x in position) + "   " + "".join(f"{x:14.6f}" for x in force))
        say(" " + "-" * 83, "", "  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)", "  " + "-" * 51)
        say(f"  free  energy   TOTEN  = {energy:18.8f} eV", "")
        say(f"  energy  without entropy= {energy:18.8f}  energy(sigma->0) = {energy:18.8f}", "")
        summary = f"{step:4d} F= {fortran(energy)} E0= {fortran(energy)}  d E ={fortran(energy - before, 6)}"
        summary += f"  mag= {self.unpaired:10.4f}"
        print(summary, file=self.oszicar)
        print(summary, flush=True)
        self.last_energy = energy
        self.xml_step(cycles)

    def xml_step(self, cycles):
        energies = lambda e: "".join(  # noqa: E731
            f'   <i name="{name}">{e:16.8f} </i>\n' for name in ("e_fr_energy", "e_wo_entrp", "e_0_energy")
        )
        say = lambda *lines: print(*lines, sep="\n", file=self.xml)  # noqa: E731
        say(" <calculation>")
        for energy in cycles:
            say("  <scstep>", f"  <energy>\n{energies(energy)}  </energy>", "  </scstep>")
        self.xml_structure()
        say('  <varray name="forces" >')
        say(*("   <v>" + "".join(f"{x:16.8f}" for x in force) + " </v>" for force in self.forces))
        say("  </varray>", f"  <energy>\n{energies(cycles[-1])}  </energy>", " </calculation>")

    def write_contcar(self):
        structure = self.structure.copy()
        for i, position in enumerate(self.fractional % 1):
            structure[i] = self.symbols[i], position
        flags = self.free.tolist() if self.selective else None
        # as VASP: sixteen digits, and velocities after the positions
        text = Poscar(structure, comment="double", selective_dynamics=flags, sort_structure=False).get_str(
            significant_figures=16
        )
        Path("CONTCAR").write_text(text.rstrip("\n") + "\n\n" + "  0.00000000E+00" * 3 + "\n")

    # --- the run ------------------------------------------------------------------------------------------------

    def run(self):
        self.open_files()
        self.last_energy = 0.0
        nsw, target = self.incar.get("NSW", 0), -self.incar.get("EDIFFG", 0)
        for step in range(1, max(nsw, 1) + 1):
            cycles, converged = self.scf(step)
            self.report_step(step, cycles, converged=converged)
            largest = np.linalg.norm(np.where(self.free, self.forces, 0), axis=1).max()
            relaxed = nsw > 0 and converged and largest <= target
            if relaxed:
                print(" reached required accuracy - stopping structural energy minimisation", file=self.outcar)
            elif nsw > 0 and not self.stopcar.hard:
                self.fractional = self.move()
            self.write_contcar()
            explode(step)
            self.stopcar.look()
            if relaxed:
                break
            if self.stopcar.hard or (self.stopcar.soft and step < nsw):
                how = "hard" if self.stopcar.hard else "soft"
                print(f" {how} stop encountered!  aborting job ...", file=self.outcar)
                break
        self.write_wavecar()
        if self.incar.get("LELF"):
            self.write_grids()
        self.xml_structure("finalpos")
        print("</modeling>", file=self.xml)
        print(
            " General timing and accounting informations for this job:", " " + "=" * 56, "", sep="\n", file=self.outcar
        )
        for what in ("Total CPU time used", "User time", "System time", "Elapsed time"):
            print(f"{what:>39} (sec): {time.process_time():12.3f}", file=self.outcar)
        print("                   Maximum memory used (kb):       10000.", file=self.outcar)


if __name__ == "__main__":
    Calculation().run()
