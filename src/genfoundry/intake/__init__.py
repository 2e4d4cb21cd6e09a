"""How data comes in: the user's forms are read, judged and converted here; `stages/ingest.py` is the stage."""
