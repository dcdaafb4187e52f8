"""The codec under a coverage-guided fuzzer, with the corpus that it has found so far; and responses, against h11."""
