"""Columns of the engine's tables, and the types of its arrays."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Whole: TypeAlias = NDArray[np.int64]
"""One or two dimensions of whole numbers."""
Table: TypeAlias = NDArray[np.int64]
"""Three dimensions of whole numbers."""
Index: TypeAlias = NDArray[np.int32]

LENGTH, LEAVE_OUT, WINDOWS, ABLE, WIDTH, FIRST_WINDOW = range(6)
"""``nodes``: seconds of service, price of leaving out, number of windows, how many technicians may go,
seconds that the windows are open; then start and end of each window, of all time where there is none."""

READY, SHIFT_END, IDLE, BREAKS, OVERTIME = range(5)
"""``crew``: first departure, end of the shift, price of a day without further stops,
number of breaks, price of a minute of overtime."""

EARLIEST, LATEST, REST = range(3)
"""``rests``: first and last start of a break, and its length."""

FOLLOWING, PRECEDING, DRIVER, ONWARD = range(4)
"""``links``: neighbours of a node in its route; the technician, or -1 for a visit on no route; price of the
drive to the following node, and at the opening of an idle day the price of that day."""

STOPS, PRICE, LATE, LEFT = range(4)
"""``tours``: number of open stops, price of the technician's day, the part of it that is overtime; then what
is left of each contested part."""

UNABLE = -1
"""``pair``: the technician may not be sent to the visit."""
