"""One-off measurements behind decision pages. They are not part of `make bench`, and each prints a table."""
