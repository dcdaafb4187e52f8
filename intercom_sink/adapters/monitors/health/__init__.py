"""Health: `rules` judges a snapshot; `socket` reports the verdict to `intercom-sink healthy`, without HTTP."""
