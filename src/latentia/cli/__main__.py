"""``python -m latentia.cli`` is the command ``latentia``."""

from latentia.cli.entry import main

main()
