"""Train a NEP by torchnep: a program of its own, for any Python that has torch, since running a potential needs none.

    python train_nep.py FOLDER

FOLDER holds ``nep.in``, ``train.xyz`` and ``settings.json`` (seed, finetune_from, compile); ``nep.txt`` is written into it.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Train, or resume from the last checkpoint."""
    import torch
    from torchnep import train_nep

    torch.set_num_threads(1)
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    # torchnep begins anew where it is told of a start
    resumes = (folder / "training" / "checkpoint.pt").is_file()
    train_nep(
        str(folder / "nep.in"),
        str(folder / "train.xyz"),
        output_dir=str(folder / "training"),
        device="cpu",
        use_compile=settings["compile"],
        run_seed=settings["seed"],
        finetune_from=None if resumes else settings.get("finetune_from"),
        print_interval=20,
        checkpoint_interval=20,
        prediction_interval=0,
    )
    shutil.copyfile(folder / "training" / "nep_best.txt", folder / "nep.txt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
