"""Every file is a kind of data: its canonical form on disk, written and read without torch."""
