"""What the calculator `insurance_month` has to say beside its figures."""

from countersign.domain.calculators.explained import Saying

CITY_ASSUMED = Saying(
    "city_assumed",
    "no city is given; {region_en} has a table for {city} only, which was used",
    "未填写城市；{region_zh}仅有{city}的数据，按其计算",
)
BORROWED_PERIOD = Saying(
    "borrowed_period",
    "nothing is published for {place_en} for {month}; the figures of {period} were used and will change",
    "{place_zh} {month} 的数据尚未公布，暂按 {period} 计算，公布后须重算",
    stamps=True,
)
BASE_NOT_PUBLISHED = Saying(
    "base_not_published",
    "no floor and cap are known for the {line} insurance of {place_en}; the line is left open",
    "{place_zh}{line_zh}的缴费基数上下限未知，该项不计算",
    stamps=True,
)
BASE_IN_CONFLICT = Saying(
    "base_in_conflict",
    "sources contradict each other on the {line} base of {place_en}: floor {floors}, cap {caps}; confirm it",
    "{place_zh}{line_zh}缴费基数的来源不一致：下限 {floors}，上限 {caps}，请核实",
    stamps=True,
)
RATE_IN_CONFLICT = Saying(
    "rate_in_conflict",
    "sources contradict each other on the {side_en} rate of {line} insurance in {place_en}: {readings}; "
    "the line is left open until somebody confirms one",
    "{place_zh}{line_zh}{side_zh}费率的来源不一致：{readings}，核实前该项不计算",
    stamps=True,
)
RATE_NOT_PUBLISHED = Saying(
    "rate_not_published",
    "the {side_en} rate of {line} insurance in {place_en} is not known; the line is left open",
    "{place_zh}{line_zh}{side_zh}费率未知，该项不计算",
    stamps=True,
)
RAISED_TO_FLOOR = Saying(
    "base_raised_to_floor",
    "{line}: the wage of {wage} lies below the published floor; the base is {base}",
    "{line_zh}：工资 {wage} 元低于公布的下限，缴费基数按 {base} 元计算",
)
CUT_TO_CAP = Saying(
    "base_cut_to_cap",
    "{line}: the wage of {wage} lies above the published cap; the base is {base}",
    "{line_zh}：工资 {wage} 元高于公布的上限，缴费基数按 {base} 元计算",
)
