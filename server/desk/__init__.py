"""The client: what stands between an open Excel and the server's API. It imports nothing of the server."""
