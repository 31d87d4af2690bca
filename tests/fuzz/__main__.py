"""Long runs of the fuzz kit: python -m tests.fuzz --seeds 5000 [--from 0] [--keep FOLDER]."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from tests.fuzz import damage_one_of, good_subjects
from tests.fuzz.oracle import judge


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz")
    options.add_argument("--seeds", type=int, default=1000)
    options.add_argument("--from", type=int, default=0, dest="first")
    options.add_argument("--keep", type=Path, help="folder for the damaged files that ended badly")
    given = options.parse_args()
    subjects = good_subjects()
    bad: Counter[str] = Counter()
    for seed in range(given.first, given.first + given.seeds):
        name, content, done = damage_one_of(subjects, seed)
        for fault in judge(subjects[name], content, done):
            bad[done.kind] += 1
            sys.stdout.write(f"{seed} {name} {done.kind} ({done.told[:60]}): {fault[:300]}\n")
            if given.keep:
                given.keep.mkdir(exist_ok=True)
                (given.keep / f"{seed}-{name}").write_bytes(content)
    sys.stdout.write(f"{given.seeds} seeds, {sum(bad.values())} faults {dict(bad)}\n")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
