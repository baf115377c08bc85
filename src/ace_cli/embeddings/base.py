"""What the rest of the code knows of an embedding model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    """Shape (dimensions,)."""
    Vectors = NDArray[np.float32]
    """Shape (number of texts, dimensions), rows of length 1 (or all zero for a text without words)."""


class Embedder(Protocol):
    """Texts to unit vectors. The vector of a text does not depend on the other texts of the call."""

    name: str

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors in the order of ``texts``: float32, shape (len(texts), d), L2-normalised.

        Raises:
            ModelError: as a chat model does (for embedders that call a provider).
        """
        ...
