"""Words that the same-or-new rules know, as data. Stems are those of :func:`ace_cli.sameness.rules.wording.stem`.

Groups hold words of which a lesson may not swap one for another: "add the tip" is not "subtract the tip".
Only common words of instructions belong here. A missing pair costs a wrong merge, a wrong pair only a
bullet that says a thing twice.
"""

from __future__ import annotations

OPPOSITES = """
increase raise grow rise gain | decrease reduce lower fall drop decline shrink
add plus sum | subtract minus deduct | multiply | divide
deposit | withdraw
~ more greater larger bigger higher over above exceed longer heavier | less fewer smaller lower under below shorter lighter
~ most largest biggest highest greatest maximum max maximal maximize | least smallest lowest minimum min minimal minimize
best | worst
atleast | atmost
~ first | last | second
roundup | rounddown
earliest oldest older earlier | latest newest newer later
~ start beginning front | end back
include inclusive including | exclude exclusive excluding
~ left | right
~ open | close
top | bottom
ascend ascending | descend descending
buy buyer purchase purchaser | sell seller sale
gross | net
numerator | denominator
debit | credit
~ asset | liability
~ short | long
borrower | lender
import | export
inbound incoming | outbound outgoing
enable allow permit | disable forbid prohibit deny
accept | reject
encode | decode
encrypt | decrypt
serialize | deserialize
compress | decompress
~ read | write
~ input | output
client | server
push append | pop
lock | unlock
~ present | absent
positive | negative
~ true | false
~ hot warm | cold cool
exothermic | endothermic
systolic | diastolic
acute | chronic
oral | intravenous
prefix | suffix
~ row | column
inner | outer
~ upper uppercase | lower lowercase
~ public | private
synchronous | asynchronous
~ local | remote
internal | external
~ win | lose
~ early | late
fast quick | slow
inside within | outside
~ even | odd
horizontal | vertical
clockwise | counterclockwise
~ parent | child
sender | receiver recipient
teacher | student
employer | employee
supply | demand
~ income revenue | expense cost
~ fixed | variable
~ simple | compound
basic | diluted
interior | exterior
~ area | perimeter | volume
radius | diameter | circumference
~ mean average | median | mode
sine | cosine | tangent
~ half | double twice | triple | quadruple
strict | lenient
~ on | off
~ product | sum | quotient
frozen | thawed
north | south | east | west
monday | tuesday | wednesday | thursday | friday | saturday | sunday
january | february | march | april | june | july | august | september | october | november | december
~ spring | summer | autumn | winter
""".strip()
"""One group a line; alternatives that exclude each other are parted by ``|``.

Words of a group marked ``~`` have many uses ("right", "first"): they only count between lessons that share most other words.
"""

UNITS = """
kg kilogram kilo | g gram | mg milligram | mcg microgram µg | lb pound lbs | oz ounce | ton tonne
km kilometer kilometre | m meter metre | cm centimeter centimetre | mm millimeter millimetre | mile | foot feet ft | inch | yard
hour hr h hourly | minute min | sec secs seconds | ms millisecond | day daily | week weekly | month monthly | quarter quarterly | year yearly annual annually
l liter litre | ml milliliter millilitre | gallon | cup | pint
celsius °c | fahrenheit °f | kelvin
dollar usd $ | euro eur € | sterling gbp £ | yen jpy ¥ | cent | rupee
thousand | million | billion | trillion
byte | kb kilobyte | mb megabyte | gb gigabyte | bit
watt | kilowatt kw | joule | calorie | volt | ampere amp | ohm
degree | radian
percent % | basispoint
""".strip()

SYNONYMS = """
verify check confirm ensure validate double-check doublecheck examine inspect
compute calculate determine find work derive obtain get evaluate
use apply employ utilize take choose pick select adopt prefer
result answer solution outcome
good item product piece thing article
need require must demand
give provide supply state report return present show write display deliver administer
begin start
end final finish
begin initial
problem question task exercise
big large
small little
quick fast rapid
remember recall note mind
make create build produce construct
put place store save keep
remove delete drop discard
show display present
amount quantity total number value figure
cost price expense
change modify alter edit mutate
convert transform translate turn change
combine mix merge
carefully attentively thoroughly
correct right accurate proper
wrong incorrect
clear explicit
error mistake
often frequently
test check
fix repair
choose select pick
step stage
method approach way
phrase word
employee worker
client customer
function method routine
parameter argument
list array
folder directory
patient person
medicine drug medication
doctor physician
pay bear
sure certain
split divide share
total sum altogether overall
each every per all any
explain describe
identify recognize spot
separate distinguish
intermediate interim
ship send dispatch deliver
handle process treat
allow permit
arrange order sort
shipment parcel package cargo
convert change
complete finish
skip omit
look search
ask request
always consistently
exact precise
brief short concise
reread re-read
""".strip()
"""Words that may stand for one another in an otherwise equal sentence."""

_UNDER_TWENTY = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "third fourth fifth sixth seventh eighth ninth tenth"


def _numbered(words: str, start: int = 0, step: int = 1) -> dict[str, int]:
    return {word: start + step * place for place, word in enumerate(words.split())}


NUMBERS = _numbered(_UNDER_TWENTY) | _numbered(_TENS, 20, 10)
ORDINALS = _numbered(_ORDINALS, 3)
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
NEGATORS = frozenset({"not", "never", "no", "without", "avoid", "neither", "nor", "refrain"})
_AUXILIARIES = """
do does did is are was were be been must should shall may might can could will would need has have had
"""
AUXILIARIES = frozenset(_AUXILIARIES.split())
FORGET = frozenset({"forget", "omit", "neglect", "skip", "ignore", "overlook", "hesitate", "exclude"})
"""Verbs that negate what follows them, and with a negator demand it."""
BAD = frozenset(
    {"mistake", "error", "wrong", "incorrect", "pitfall", "misleading", "unacceptable", "forbidden"}
)

IDIOMS = (
    (r"\bprefer(?:red)?\b((?: [\w-]+){1,5}?)(?<!ing) over\b", r" prefer\1 insteadof "),
    (r"\b(?:keep|leave|leaving|keeping)((?: \w+){1,4}?) (?:out|away) (?:of|from)\b", r" avoid\1 in "),
    (r"\bfail(?:s|ed|ing|ure)? to\b", " forget "),
    (r"\b(?:leave|leaving) out\b", " exclude "),
    (r"\bprefer ([\w-]+) to\b", r" prefer \1 insteadof "),
    (r"\bhalf an hour\b|\bhalf hour\b", " 30 minutes "),
    (r"\bround(?:ed|ing|s)?\b((?: \w+){0,4}?) (up|down)\b", r" round\2 \1 "),
    (r"\bno (?:more|greater|larger|higher|longer) than\b|\bat (?:the )?most\b|\bup to\b", " atmost "),
    (r"\bnot (?:more|greater|larger|higher|longer) than\b|\ba maximum of\b", " atmost "),
    (
        r"\bno (?:less|fewer) than\b|\bat (?:the )?least\b|\bnot (?:less|fewer) than\b|\ba minimum of\b",
        " atleast ",
    ),
    (r"\bno later than\b|\bnot later than\b", " "),
    (r"\bnot only\b|\bno matter\b|\bno longer\b|\bwhether or not\b|\bif not\b", " "),
    (r"\b(?:instead of|rather than|as opposed to|in place of)\b", " insteadof "),
    (r"\b(?:prior to|ahead of|in advance of)\b", " before "),
    (r"\b(?:following|subsequent to) (?=\w+ing\b)", " after "),
    (r"\bonly (?:after|once)\b|^once\b|\bas soon as\b", " after "),
    (r"\bmake sure (?:that |to )?|\bbe sure to\b|\bbe careful to\b|\bremember to\b", " "),
    (r"\btake (?=[\w ']+? (?:away )?from\b)|\bdeduct\b|\btake away\b", " subtract "),
    (r"\baway from\b", " from "),
    (r"\bbasis points?\b", " basispoint "),
    (r"\bcan't\b|\bcannot\b|\bwon't\b", " can not "),
    (r"(?<=\w)n't\b", " not "),
    (r"\bdo nt\b|\bdont\b", " do not "),
)

_STOPWORDS = """
a an the of to in on at by for with and or is are was were be been being it its this that these those as from
into then so such you your if which what who whom whose how there their they them he she his her we our i do
does did done has have had having can could should would will may might shall must also only very just both
up down out about per any some each every all always one when where while than but because since not never
no without avoid ensure please order before after until unless insteadof over under again need needs
first last more less most least too own other another them itself way whenever
"""
STOPWORDS = frozenset(_STOPWORDS.split())
"""Words that carry no content of their own for comparing scopes and sides."""
