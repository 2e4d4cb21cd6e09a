"""What the task is about, in one line. This one asks how bright what is made is, beside real examples."""
