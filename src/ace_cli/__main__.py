"""``python -m ace_cli``: the same as ``ace``."""

from ace_cli.cli import main

if __name__ == "__main__":
    main()
