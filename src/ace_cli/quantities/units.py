"""The units that are told apart. A unit that is not here (apples, people) is read over."""

from __future__ import annotations

CURRENCY = r"(?:US|CA|AU|NZ|HK|[ACS])?\$|[€£¥₹₩]|(?<![A-Za-z])(?:USD|EUR|GBP|INR|JPY|CNY|CAD|AUD|CHF|Rs\.?)"

SCALES = {
    "hundred": 10**2,
    "thousand": 10**3,
    "lakh": 10**5,
    "million": 10**6,
    "crore": 10**7,
    "billion": 10**9,
    "trillion": 10**12,
    "mil": 10**6,
    "mn": 10**6,
    "bn": 10**9,
    "tn": 10**12,
    "M": 10**6,
    "B": 10**9,
    "T": 10**12,
}

_SPELLINGS = {
    "%": "% percent pct",
    "usd": "$ us$ usd dollar dollars buck bucks",
    "cent": "cent cents ¢",
    "eur": "€ eur euro euros",
    "gbp": "£ gbp",
    "jpy": "¥ jpy yen",
    "inr": "₹ inr rs rs. rupee rupees",
    "mm": "mm millimeter millimeters millimetre millimetres",
    "cm": "cm centimeter centimeters centimetre centimetres",
    "m": "m meter meters metre metres",
    "km": "km kms kilometer kilometers kilometre kilometres",
    "mi": "mile miles",
    "in": "inch inches",
    "ft": "ft foot feet",
    "yd": "yd yds yard yards",
    "m2": "m^2 sqm squaremeter squaremeters squaremetre squaremetres",
    "ft2": "ft^2 sqft squarefoot squarefeet",
    "m3": "m^3 cubicmeter cubicmeters cubicmetre cubicmetres",
    "cm2": "cm^2",
    "cm3": "cm^3",
    "km2": "km^2",
    "mg": "mg milligram milligrams",
    "g": "g gram grams",
    "kg": "kg kgs kilogram kilograms kilo kilos",
    "t": "tonne tonnes",
    "oz": "oz ounce ounces",
    "ml": "ml milliliter milliliters millilitre millilitres",
    "l": "l liter liters litre litres",
    "gal": "gallon gallons",
    "s": "second seconds sec secs",
    "min": "minute minutes min mins",
    "h": "h hour hours hr hrs",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "year years yr yrs",
    "km/h": "km/h kmh kph",
    "mph": "mph mi/h",
    "m/s": "m/s",
    "°C": "°c °C",
    "°F": "°f °F",
}
UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings.split()}

# Quantities of one family side by side are one quantity in two parts (2 hours 30 minutes), not two.
FAMILIES = [
    {"usd", "cent"},
    {"s", "min", "h", "day", "week", "month", "year"},
    {"ft", "in", "yd", "mi"},
    {"m", "cm", "mm", "km"},
    {"kg", "g", "mg"},
]
