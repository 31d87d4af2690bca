"""`python -m server.cli`: the same commands where the folder of `aftersheet` is not on the path."""

from server.cli import main

if __name__ == "__main__":
    main(prog_name="aftersheet")
