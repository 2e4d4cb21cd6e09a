"""`python -m genfoundry`: the command line."""

from importlib import import_module

if __name__ == "__main__":
    import_module("genfoundry_flows.cli").main()
