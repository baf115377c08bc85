"""A lesson without the frame around it: "Always X", "Remember to X", "X, as the question requires" all say X.

Models put the same lesson into ever other frames. What they add is true of any lesson, so two lessons are compared
without it; and two lessons in one frame have only that in common. The frames are English.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WEIGHTY = (
    r"(?:very )?(?:important|crucial|essential|vital|key|critical|necessary|advisable|best|helpful|useful)"
)
_BEFORE = re.compile(
    r"^(?:(?:note|reminder|tip|rule|lesson|caution|important|key|nota bene)\s*:"
    rf"|(?:note|remember|ensure|make sure|be sure|be aware|keep in mind|bear in mind|(?:it is|it's) {_WEIGHTY}"
    rf"|it is {_WEIGHTY} to (?:note|remember|know)|the (?:rule|lesson|key|point) is) that(?= )"
    r"|(?:remember|make sure|be sure|be careful|take care|don't forget|do not forget|never forget"
    rf"|(?:it is|it's) {_WEIGHTY}|the (?:rule|key|point) is) to(?= )"
    r"|(?:remember|keep in mind|bear in mind|the (?:rule|lesson|key|point) is|in general|generally|as a rule)\s*[:,]"
    r"|(?:please|always|carefully|ensure|you (?:should|must|need to|have to)|one (?:should|must))(?= )"
    r"|(?:in|for|with|when answering|when solving) (?:such|similar|these|this kind of|questions like (?:this|these))"
    r"(?: one)?(?: (?:problems?|questions?|tasks?|cases?|situations?|exercises?))?,)\s*",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"[,;]?\s*(?:(?:just |exactly )?as (?:the )?(?:question|task|problem|instructions?) (?:requires?|demands?|asks?(?: for)?|says?)"
    r"|(?:before|when|while) (?:giving|writing|stating|submitting) (?:the |your |an? )?(?:final )?answer"
    r"|(?:in order )?to (?:answer|solve)(?: (?:it|them|the question|the problem))? (?:correctly|right)"
    r"|(?:in order )?to (?:get|reach|give|find) the (?:right|correct) (?:answer|result)"
    rf"|in (?:every|each|any) case|at all times|(?:this|that|which) is {_WEIGHTY})[.!]*$",
    re.IGNORECASE,
)
_LEAST = 3
"""Words that have to be left: a lesson may consist of what is a frame elsewhere."""


@lru_cache(maxsize=20_000)
def unframed(text: str) -> str:
    """``text`` without what frames it; itself where nothing does or too little would be left."""
    bare = text.strip()
    while True:
        shorter = _BEHIND.sub("", _BEFORE.sub("", bare, count=1)).strip()
        if shorter == bare or len(shorter.split()) < _LEAST:
            return bare
        bare = shorter[0].upper() + shorter[1:]
