"""
What figures cost as history grows: a million failure reports of ten years, on SQLite and PostgreSQL, beside pandas.

    python benchmarks/statistics.py [--records 1000000] [--years 10] [--keep FOLDER] [--only sqlite] [--json FILE]

It seeds an installation (seeded_history.py) up to the end of a month, builds the rollups,
stores one more month and times reports of it (growth.py). The same is done with one year
of history: the month must not cost more with ten. *--keep* keeps the seeded databases and
takes them up again. Ends with status 1 when a figure that Aftersheet promises is missed.
"""

import sys

if __name__ == "__main__":
    from growth import main

    sys.exit(main())
else:  # a neighbour here, or a library of one, means the standard library's module of this name
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec
    from pathlib import Path

    elsewhere = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]
    spec = PathFinder.find_spec("statistics", elsewhere)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[__name__] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[__name__])
