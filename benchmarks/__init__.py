"""Side by side with peers: the same load to each server, from one generator, in one run.

`python -m benchmarks` from the repository's root; `--help` lists what can be chosen. Results: benchmarks/RESULTS.md.
"""
