"""Dead letters for an operator: which ones, how they are shown, read and moved."""
