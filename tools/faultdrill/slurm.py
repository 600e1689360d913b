"""A Slurm of our own: controller, two nodes and munge on this machine, with keys, ports and folders of their own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 60
CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MinJobAge=600
ReturnToService=2
KillWait=5
NodeName={nodes[0]} NodeHostname={host} NodeAddr=127.0.0.1 Port={node_ports[0]} CPUs=2 RealMemory={memory_MB}
NodeName={nodes[1]} NodeHostname={host} NodeAddr=127.0.0.1 Port={node_ports[1]} CPUs=2 RealMemory={memory_MB}
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """A running Slurm.

    Attributes
    ----------
    environment : dict
        What its commands, and programs that call them, must have.
    nodes : tuple of str
        The names of its nodes, which are also those of their daemons.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        # Snakemake's plugin drops SLURM_CONF: the commands themselves must know it
        for name in ("sacctmgr", "sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun", "sshare"):
            wrapper = folder / "bin" / name
            wrapper.parent.mkdir(exist_ok=True)
            wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which(name)} "$@"\n')
            wrapper.chmod(0o755)
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1", "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
        host = socket.gethostname().partition(".")[0]
        self.nodes = (f"{host}-1", f"{host}-2")
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("state", *(f"spool-{node}" for node in self.nodes)):
            (folder / name).mkdir()
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        controller_port, *node_ports = free_ports(3)
        memory_MB = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20 - 500
        (folder / "slurm.conf").write_text(
            CONFIG.format(
                host=host,
                nodes=self.nodes,
                folder=folder,
                controller_port=controller_port,
                node_ports=node_ports,
                memory_MB=memory_MB // 2,
            )
        )

    def __enter__(self) -> Self:
        """Bring up all daemons."""
        try:
            for name in ("munged", "slurmctld", *self.nodes):
                self.start(name)
            self.wait_until_idle()
        except BaseException:
            self.stop_all()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop_all()
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def start(self, name: str) -> None:
        """Start munged, slurmctld or the slurmd of a node."""
        folder = self.folder
        command = {
            "munged": [
                "munged",
                "--foreground",
                "--force",  # to run as root, and in this folder
                f"--key-file={folder}/munge.key",
                f"--socket={folder}/munge.sock",
                f"--pid-file={folder}/munged.pid",
                f"--log-file={folder}/munged.log",
                f"--seed-file={folder}/munged.seed",
            ],
            "slurmctld": ["slurmctld", "-D"],
            **{node: ["slurmd", "-D", "-N", node] for node in self.nodes},
        }[name]
        with (folder / f"{name}.out").open("ab") as output:
            self._daemons[name] = subprocess.Popen(
                command,
                env={**self.environment, "SLURM_CONF": str(folder / "slurm.conf")},
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop a daemon that this object has started."""
        daemon = self._daemons.pop(name)
        daemon.send_signal(number)
        try:
            daemon.wait(20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a daemon that this object has started."""
        self._daemons[name].send_signal(number)

    def stop_all(self) -> None:
        """Cancel what runs, and stop all daemons."""
        self.command("scancel", "--user=root")
        for name in (*self.nodes, "slurmctld", "munged"):
            if name in self._daemons:
                self.stop(name)

    def command(self, *words: str) -> str:
        """Return what one of Slurm's commands prints."""
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout

    def wait_until_idle(self) -> None:
        """Wait until the nodes take jobs."""
        until = time.monotonic() + PATIENCE_S
        while self.command("sinfo", "--noheader", "--Node", "--format=%t").split() != ["idle"] * len(self.nodes):
            logs = "".join(path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.out"))
            assert time.monotonic() < until, logs
            time.sleep(0.2)

    def jobs(self) -> list[str]:
        """Return the numbers of the jobs that run."""
        return self.command("squeue", "--noheader", "--states=RUNNING", "--format=%A").split()

    def busy_nodes(self) -> list[str]:
        """Return the nodes on which jobs run; all, if none does."""
        busy = self.command("squeue", "--noheader", "--states=RUNNING", "--format=%N").split()
        return [node for node in self.nodes if node in busy] or list(self.nodes)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
