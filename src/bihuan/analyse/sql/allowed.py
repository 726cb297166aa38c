"""What a SELECT that somebody wrote may name: the views, and the functions that only compute. Whatever is not here is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Each view with its columns, as the form shows them (see `engine.visible`).
VIEWS: Mapping[str, tuple[str, ...]] = {
    "visible": (
        *("event", "day", "ts", "person", "event_key", "path", "host", "referrer", "utm_source", "utm_medium", "utm_campaign"),
        *("country", "city", "browser", "os", "device", "app_version", "revenue", "props", "source", "received_at"),
    ),
    "traits_now": ("person", "name", "value"),
    "traits_past": ("person", "name", "at", "value"),
    "ids": ("person", "id_type", "id", "first_seen"),
    "seen": ("event", "property", "type", "first_seen", "last_seen"),
    "measured": ("metric", "day", "at", "dimensions", "value"),
}
TELLS_IDS = "ids"  # holds e-mail addresses and phone numbers: closed to those from whom anything is hidden

_AGGREGATES = """
any anyLast anyHeavy argMin argMax avg avgWeighted corr count covarPop covarSamp entropy first_value groupArray groupBitAnd groupBitOr
groupBitXor groupUniqArray kurtPop kurtSamp last_value max median medianExact min quantile quantileExact quantileExactHigh quantileExactLow
quantiles quantilesExact quantileTDigest quantileTiming sequenceCount sequenceMatch skewPop skewSamp stddev_pop stddev_samp stddevPop
stddevSamp sum sumMap sumWithOverflow topK topKWeighted uniq uniqCombined uniqExact uniqHLL12 var_pop var_samp varPop varSamp windowFunnel
retention variance stddev simpleLinearRegression maxIntersections
"""
_WINDOW = "row_number rank dense_rank lag lead lagInFrame leadInFrame nth_value ntile percent_rank cume_dist"
_NUMBERS = """
abs ceil ceiling exp exp2 exp10 floor greatest intDiv intDivOrZero isFinite isInfinite isNaN least log log10 log1p log2 ln mod modulo
moduloOrZero negate plus minus multiply divide pow power round roundBankers sign sqrt cbrt trunc truncate sin cos tan asin acos atan pi e
widthBucket width_bucket factorial gcd lcm bitAnd bitOr bitXor bitNot bitCount bitShiftLeft bitShiftRight bitTest
"""
_TEXT = """
char_length concat concatWithSeparator countSubstrings empty endsWith extract extractAll format ilike initcap leftPad left length
lengthUTF8 like locate lower lowerUTF8 lpad ltrim match multiSearchAny notEmpty notLike position positionCaseInsensitive
positionCaseInsensitiveUTF8 positionUTF8 replace replaceAll replaceOne replaceRegexpAll replaceRegexpOne reverse reverseUTF8 right rightPad
rpad rtrim splitByChar splitByString splitByRegexp startsWith str_position strpos substr substring substringUTF8 trim trimBoth trimLeft
trimRight upper upperUTF8 domain domainWithoutWWW path queryString extractURLParameter cutQueryString cutToFirstSignificantSubdomain
regexpExtract regexp_extract regexp_replace regexp_like splitByWhitespace isValidUTF8 ngramDistance levenshteinDistance editDistance
cityHash64 sipHash64 xxHash64
"""
_TIMES = """
addDays addHours addMinutes addMonths addQuarters addSeconds addWeeks addYears age date dateAdd dateDiff dateName dateSub dateTrunc date_add
date_bin date_diff date_sub date_trunc dayofmonth dayofweek dayofyear day hour minute month quarter second week year formatDateTime
fromUnixTimestamp fromUnixTimestamp64Milli parseDateTime parseDateTimeBestEffort parseDateTimeBestEffortOrNull subtractDays subtractHours
subtractMinutes subtractMonths subtractWeeks subtractYears timestampDiff timestamp_diff toDate toDate32 toDateOrNull toDateTime toDateTime64
toDateTimeOrNull toDayOfMonth toDayOfWeek toDayOfYear toHour toISOWeek toISOYear toIntervalDay toIntervalHour toIntervalMinute
toIntervalMonth toIntervalQuarter toIntervalSecond toIntervalWeek toIntervalYear toLastDayOfMonth toMinute toMonday toMonth toQuarter
toSecond toStartOfDay toStartOfFifteenMinutes toStartOfFiveMinutes toStartOfHour toStartOfInterval toStartOfMinute toStartOfMonth
toStartOfQuarter toStartOfWeek toStartOfYear toTimeZone toTimezone toUnixTimestamp toUnixTimestamp64Milli toWeek toYYYYMM toYYYYMMDD
toYear toYearWeek timeSlot now today yesterday last_day timestamp_add timestamp_sub
"""
_OTHER = """
and or not xor if multiIf ifNull nullIf nullif coalesce assumeNotNull isNull isNotNull toNullable equals notEquals less greater
lessOrEquals greaterOrEquals transform caseWithExpression cast accurateCast accurateCastOrNull toBool toFloat32 toFloat64 toFloat64OrNull
toFloat64OrZero toInt16 toInt32 toInt32OrNull toInt64 toInt64OrNull toInt64OrZero toInt8 toString toTypeName toUInt16 toUInt32
toUInt32OrNull toUInt64 toUInt64OrNull toUInt64OrZero toUInt8 toDecimal32 toDecimal64 toFixedString tuple tupleElement array arrayAll
arrayAvg arrayCompact arrayConcat arrayCount arrayCumSum arrayDifference arrayDistinct arrayElement arrayEnumerate arrayEnumerateUniq
arrayExists arrayFill arrayFilter arrayFirst arrayFirstIndex arrayFlatten
arrayIntersect arrayJoin arrayLast arrayLastIndex arrayMap arrayMax
arrayMin arrayPopBack arrayPopFront arrayProduct arrayPushBack arrayPushFront arrayReverse arrayReverseSort arraySlice
arraySort arraySplit arrayStringConcat arraySum arrayUniq arrayZip flatten filter has hasAll hasAny hasSubstr indexOf
range countEqual map mapKeys mapValues
mapContains mapFromArrays JSONExtract JSONExtractArrayRaw JSONExtractBool JSONExtractFloat JSONExtractInt JSONExtractKeys
JSONExtractKeysAndValues JSONExtractRaw JSONExtractString JSONExtractUInt JSONHas JSONLength JSONType toJSONString isValidJSON
simpleJSONExtractString simpleJSONExtractInt simpleJSONExtractFloat simpleJSONHas exists
"""
_TYPES = """
Nullable LowCardinality Array Tuple Map Decimal Decimal32 Decimal64 FixedString DateTime DateTime64 String UInt8 UInt16 UInt32 UInt64 Int8
Int16 Int32 Int64 Float32 Float64 Date Date32 Bool
"""
# Words of the language that may stand before a bracket.
_GRAMMAR = """
select from where in as and or not on using by over between when then else case all any union except distinct having
with values limit offset
join qualify is end asc desc like ilike array interval
"""

AGGREGATES = frozenset(_AGGREGATES.lower().split())
TYPES = frozenset(_TYPES.lower().split())
FUNCTIONS = frozenset(" ".join((_AGGREGATES, _WINDOW, _NUMBERS, _TEXT, _TIMES, _OTHER)).lower().split())
BEFORE_BRACKET = FUNCTIONS | TYPES | frozenset(_GRAMMAR.split())
_COMBINATOR = re.compile(r"(if|ornull|ordefault|distinct|array|foreach)$")


def may_stand_before_bracket(word: str) -> bool:
    """Whether `word(` is a function that only computes, one of the aggregates with combinators (sumIf), a type, or grammar."""
    name = word.lower()
    while name not in BEFORE_BRACKET:
        shorter = _COMBINATOR.sub("", name)
        if shorter == name or (shorter not in AGGREGATES and not _COMBINATOR.search(shorter)):
            return False
        name = shorter
    return True
