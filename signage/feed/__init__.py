"""The feed: what an office says as data, over HTTP, and in the formats of others."""
