"""Numbers, one per line of a text: the smallest kind of data that keeps every promise."""
