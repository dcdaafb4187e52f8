"""What is served over HTTP: `server` serves metrics, probes and the page for people, `page`, with its `charts`."""
