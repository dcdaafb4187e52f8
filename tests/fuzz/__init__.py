"""The codec under a coverage-guided fuzzer, and the corpus that it has found so far."""
