"""The demo: shows the sink at work to someone who has not seen it before."""
