"""The one door: every channel hands bytes and a sender to `receive`."""
