"""Runs the simulation outside the tests.

python -m tests.simulation              10,000 seeds
python -m tests.simulation SEED         one seed, with its trace
python -m tests.simulation FROM TO      the seeds from FROM to TO - 1
"""

import sys
import time

from tests.simulation.promises import Violation
from tests.simulation.world import World


def main(arguments: list[int]) -> int:
    """Runs the seeds; a seed that breaks a promise is printed with its trace, and ends the run with 1."""
    seeds = range(*arguments) if len(arguments) == 2 else range(10_000)
    if len(arguments) == 1:
        seeds = range(arguments[0], arguments[0] + 1)
    began, requests = time.monotonic(), 0
    for seed in seeds:
        world = World(seed)
        try:
            world.run()
        except Violation as violation:
            print(*world.trace, f"seed {seed}: {violation}", sep="\n")
            return 1
        requests += world.promises.requests
    if len(seeds) == 1:
        print(*world.trace, sep="\n")
    print(f"{len(seeds)} seeds, {requests} requests, no promise broken, in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main([int(argument) for argument in sys.argv[1:]]))
