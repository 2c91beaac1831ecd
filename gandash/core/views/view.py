"""A view: something that can be seen inside a trainer, as arrays with documented shapes.

Page, page for viewers, film, notebook and tests use the same arrays. What a browser draws of a view follows from the
names of its arrays, so that a new view is one module here and one line in the registry:

- `surface` (rows, columns) over the picture's bounds, the first row at the bottom, each value in the middle of its
  cell; `scale` (3,) are the values with the colours of *generated*, of *can only guess* and of *real*
- `mesh` (n, m, 2), corners of cells in the picture, and `stretch` (n - 1, m - 1): how many times as large a cell
  is there as it would be if they were spread evenly over the picture; negative where it was turned over
- `line` (n, 2) and `stretch` (n - 1,): the same for a line
- `arrows` (n, 2, 2): where each begins, and the way it points, both in the picture's own units; an arrow's length goes
  by the square root of its own
- `contours:real` and `contours:generated` (rows, columns) laid out as a surface, and `levels:real`,
  `levels:generated` (k,), where contours are drawn
- `weights:<network>:<place>` (rows, columns), a linear layer's weights with a row for each output, and `step:…` of the
  same shape: by how much the last step has moved them; of large layers the largest of each block

All arrays are float32. Importing this loads no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gandash.core.config import RunConfig

if TYPE_CHECKING:
    from gandash.core.trainer import Trainer

Arrays = Mapping[str, NDArray[np.float32]]


def on_a_plane(config: RunConfig) -> bool:
    """Whether what a run learns is drawn as it is: points of a plane, not numbers and not the shadow of more."""
    target = config.target.build()
    return target.dim == 2 and not target.numbers


def never_turned(config: RunConfig) -> int:
    """For views that cannot be turned."""
    return 0


@dataclass(frozen=True)
class View:
    """Something to be seen inside a trainer.

    `title` is what its switch says, `help` what it shows, in a sentence, and `legend` what its marks mean, shorter.
    `applies` says whether there is anything to see with a config. `compute` changes nothing: it draws none of the
    trainer's random numbers and leaves every weight. A view that can be turned has `turned`, which takes by how many
    quarters it is, and says with `quarters` how many there are; `compute` is the one that is not turned. One that is
    not `in_picture` is drawn elsewhere.
    """

    name: str
    title: str
    help: str
    legend: str
    compute: Callable[[Trainer], Arrays]
    applies: Callable[[RunConfig], bool] = on_a_plane
    turned: Callable[[Trainer, float], Arrays] | None = None
    quarters: Callable[[RunConfig], int] = never_turned
    in_picture: bool = True


def grid(low: float, high: float, cells: int) -> NDArray[np.float64]:
    """The middles of so many cells of one size from `low` to `high`, ``(cells,)``."""
    return np.linspace(low, high, 2 * cells + 1)[1::2]
