"""HTTP: `server` serves metrics, probes and the status page; `page` makes that page, and `charts` its charts."""
