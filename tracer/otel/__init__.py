"""OpenTelemetry's SDK at both doors: its spans come in (`incoming`), and ours go out (`outgoing`)."""
