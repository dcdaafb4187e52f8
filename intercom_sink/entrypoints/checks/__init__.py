"""What `intercom-sink check` verifies, after the settings. No check changes anything."""
