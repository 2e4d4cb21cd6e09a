"""Numbers and how sure they are: intervals, distances between samples, change beyond chance."""
