"""What a reader has begun to page through, kept for a while so that its pages belong together and cost little."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock

from server.api.odata.entities import Entities

CELLS = 4_000_000  # 100,000 rows of 40 columns
SECONDS = 600
_RESULTS = 8  # filters and orders remembered with one snapshot


class Snapshot:
    """The entities of one dataset as of one instant, and the rows that were chosen from them."""

    def __init__(self, entities: Entities) -> None:
        self.entities = entities
        self._results: OrderedDict[Hashable, Sequence[int]] = OrderedDict()

    def result(self, chosen: Hashable, choose: Callable[[], Sequence[int]]) -> Sequence[int]:
        """The rows that *chosen* (filter and order) leaves, in order; *choose* finds them the first time."""
        found = self._results.get(chosen)
        if found is None:
            found = self._results[chosen] = choose()
            while len(self._results) > _RESULTS:
                self._results.popitem(last=False)
        return found


class Snapshots:
    """
    The snapshots of one process, by what was asked for by whom as of when.

    At most *cells* values are held, none longer than *seconds*, however often it is asked
    for: a station may have moved out of a reader's region. The newest stays even when it
    alone is larger. What was let go is read again as of its instant.
    """

    def __init__(self, *, cells: int = CELLS, seconds: float = SECONDS) -> None:
        self._cells = cells
        self._seconds = seconds
        self._held: OrderedDict[Hashable, tuple[float, Snapshot]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Hashable) -> Snapshot | None:
        with self._lock:
            self._let_go()
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][1]

    def put(self, key: Hashable, snapshot: Snapshot) -> None:
        with self._lock:
            self._held[key] = (time.monotonic(), snapshot)
            self._held.move_to_end(key)
            self._let_go()

    def _let_go(self) -> None:
        oldest = time.monotonic() - self._seconds
        for key in [key for key, (read, _) in self._held.items() if read < oldest]:
            del self._held[key]
        total = sum(snapshot.entities.cells for _, snapshot in self._held.values())
        while total > self._cells and len(self._held) > 1:
            _, (_, snapshot) = self._held.popitem(last=False)
            total -= snapshot.entities.cells
