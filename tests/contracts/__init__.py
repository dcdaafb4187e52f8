"""What each port promises, as tests: run over its fake and over its real adapter, so that the two can't drift apart."""
