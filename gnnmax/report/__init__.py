"""Output for readers: terminal tables, charts and the pages."""
