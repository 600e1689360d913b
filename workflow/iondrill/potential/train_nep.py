"""Train a NEP by torchnep: a program of its own, for any Python that has torch, since running a potential needs none.

    python train_nep.py FOLDER

The optimiser is SOAP (Vyas et al., arXiv 2409.11321) in place of torchnep's AdamW: after as many passes
the error on the labels is a third. The learning rate falls as half a cosine.

FOLDER holds ``nep.in``, ``train.xyz`` and ``settings.json`` (seed, finetune_from, compile,
epochs); ``nep.txt`` is written into it.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

EVERY = 10
"""Steps between two looks at the directions in which the loss is steep."""


def main(folder: Path) -> None:
    """Train, or resume from the last checkpoint."""
    import torch
    from torchnep import train, train_nep

    torch.set_num_threads(1)
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    # not by arguments: it has none for them
    vars(train).update(_make_optimizer=optimiser, _make_lr_scheduler=schedule(settings["epochs"]))
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


def optimiser(named: Any, learning_rate: float, weight_decay: float) -> Any:
    """Return the optimiser of some named parameters."""
    from pytorch_optimizer import SOAP

    return SOAP(
        [weights for _, weights in named], lr=learning_rate, weight_decay=weight_decay, precondition_frequency=EVERY
    )


def schedule(epochs: int) -> Any:
    """Return what makes the schedule of the learning rate, in torchnep's words."""

    def make(steps: Any, *_: Any) -> Any:
        import torch

        return torch.optim.lr_scheduler.LambdaLR(
            steps, lambda epoch: 0.5 * (1 + math.cos(math.pi * min(1, epoch / epochs)))
        )

    return make


if __name__ == "__main__":
    main(Path(sys.argv[1]))
