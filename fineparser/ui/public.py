"""Whether the page is open to strangers."""

import os

VARIABLE = "FINEPARSER_PUBLIC"
OFF = ("", "0", "false", "no", "off")


def is_public() -> bool:
    """Whether this is a public page, such as a Space: `FINEPARSER_PUBLIC=1`.

    There nobody trains, and what a visitor adds only that visitor sees. The variable is read here alone.
    """
    return os.environ.get(VARIABLE, "").strip().lower() not in OFF
