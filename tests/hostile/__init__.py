"""
Hostile and merely odd files of every kind we know, made when asked for; none of them runs anything.

The kinds are those found by trying what brings readers of workbooks down.
"""

from tests.hostile.compound_files import compound_files
from tests.hostile.contents import contents
from tests.hostile.kinds import ODD, READ, Hostile, good
from tests.hostile.markup import markup
from tests.hostile.packages import archives, bombs
from tests.hostile.sheets import sheets

ALL: tuple[Hostile, ...] = (*bombs(), *archives(), *markup(), *sheets(), *contents(), *compound_files())

__all__ = ["ALL", "ODD", "READ", "Hostile", "good"]
