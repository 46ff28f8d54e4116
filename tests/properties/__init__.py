"""What has to hold for anything at all: properties of each door that data come in by.

`test_properties.py` tries each with some examples, `fuzz.py` for as long as one likes, led by coverage. A new door (an
import, another protocol) belongs here too.
"""

from __future__ import annotations

from properties import attachments, attributes, filters, journal, secrets, streams, values

PROPERTIES = {
    **values.PROPERTIES,
    **secrets.PROPERTIES,
    **journal.PROPERTIES,
    **streams.PROPERTIES,
    **filters.PROPERTIES,
    **attributes.PROPERTIES,
    **attachments.PROPERTIES,
}
