"""A bare number in a template may be a coordinate or a value that a script reads, so it keeps the point.

What people read passes the filters of the kit, which know the reader's region.
"""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ""
DATE_INPUT_FORMATS = ["%Y-%m-%d", "%d.%m.%Y"]
DATETIME_INPUT_FORMATS = ["%Y-%m-%dT%H:%M", "%d.%m.%Y %H:%M"]
