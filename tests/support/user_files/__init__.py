"""What a user might bring of each kind of data: a module for each, `make(home) -> Path` writes a small sound set."""
