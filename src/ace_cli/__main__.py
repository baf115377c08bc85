"""``python -m ace_cli``: the same as ``ace``."""

from ace_cli.import_path import leave_working_directory

if __name__ == "__main__":
    leave_working_directory()  # before anything is imported that a file there could be taken for

    from ace_cli.cli import main

    main()
