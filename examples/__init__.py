"""Examples of services that use intercom-sink; README.md lists them."""
