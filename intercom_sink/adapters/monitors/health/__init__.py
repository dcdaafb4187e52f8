"""Health: `rules` judges a snapshot; `socket` tells `intercom-sink healthy` without HTTP."""
