"""How much data a reliability figure needs, and what stands in its place where there is less."""

from workbooks.form import Text

FAILURES_FOR_TREND = 4  # the library would take 2; a trend of three failures is a rumour
FAILURES_FOR_GROWTH = 5
FAILURES_FOR_LIFE = 5
SYSTEMS_FOR_LIMITS = 5  # of a mean cumulative function
POWER_REQUIRED = 0.8  # to see that a rate was halved

NO_EXPOSURE = Text("无里程数据", "no exposure known")
TOO_FEW = Text("数据不足", "not enough data")
MODEL_REJECTED = Text("模型不符，只看 MCF", "the model does not fit; read the MCF instead")
CURVE_ONLY = Text("列车不足 5 列，只给曲线", "fewer than 5 trains: the curve without limits")
CURVE_WITHOUT_FIT = Text("故障不足 5 次，只给卡普兰-迈耶", "fewer than 5 failures: Kaplan-Meier only")
NO_QUANTITY = Text("无装车数量", "quantity per train not known")


def too_few(n: int, needed: int) -> Text:
    """The reason in words: how many there are, and how many it takes."""
    return Text(f"数据不足（{n} 次，至少 {needed} 次）", f"not enough data ({n}, at least {needed})")
