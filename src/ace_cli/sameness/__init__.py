"""Do two lessons say the same? The question (:mod:`base <ace_cli.sameness.base>`) and our answer to it, word rules."""
