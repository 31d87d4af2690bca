# ruff: noqa: E501  (each sentence stands on one line, under its twin in the other language)
"""What each figure means, in one or two sentences: shown beside it and in every report."""

from workbooks.form import Text

CASES = Text(
    "每行一张故障表，年、季度、月、周按报修时间；是否关联=关联故障（未分析时为空）；是否重复=同列车、同车厢、同部件、同模式在前次修复后 30 天内再发；一次修复=一次上门修好且 30 天内未再发，未满 30 天为空；是否超时=纠正措施晚于计划完成；时长为经过小时，关闭天数从报修日起算。",
    "One row per failure report; year, quarter, month and week by the time reported. Relevant is empty before the analysis. Repeat: same train, car, part and mode within 30 days of the repair before. First-time fix: repaired in one visit without a return in 30 days, empty until then. Overdue: corrective action later than planned. Hours are elapsed hours; days to close count from the day reported.",
)
BACKLOG = Text(
    "每行一个月末（本月为截至日）仍未关闭的故障；龄期从报修日算到该日；阶段按当时已完成的步骤。",
    "One row per case not closed at a month's end (for the running month: at the as-of date); age from the day reported; the stage by the steps done by then.",
)
PARETO = Text(
    "按发生日期统计全部故障表的故障模式，降序；“其他”排最后；关键少数=累计占比首次达到 80% 的最短前段。",
    "Failure modes of all reports by the date occurred, descending, “other” last; vital few: the shortest head that reaches 80 %.",
)
RATE = Text(
    "故障率=发生在该季度的故障数（已判非关联的除外）÷列车公里×10⁶；区间为 90% 精确泊松限；里程由表单里程读数插值，外推不超过 45 天，其余用同车型均值（估算）。",
    "Failure rate: failures that occurred in the quarter (without those judged not relevant) per million train-km; exact 90 % Poisson limits. Kilometres are interpolated from the odometer readings on the forms, carried on for 45 days at most, else the mean of the type (estimated).",
)
SHEETS = Text(
    "每行一个客户在一次调查中的最后一张有效表；总分=Σ权重×得分（权重见表，缺省各 0.2）；满意=总分≥85（含），先比较后舍入；未收回的也占一行，收回=0。期间按发放日期。",
    "One row per customer and campaign, the last valid sheet. Total: Σ weight × score (weights on the sheet, 0.2 each by default). Satisfied: total 85 or above, compared before rounding. A sheet that did not come back has returned = 0. The period goes by the date sent.",
)
CAMPAIGNS = Text(
    "顾客满意度=收回有效表的客户总分之和÷客户数；覆盖率=发放客户数÷在册客户数，回收率=收回客户数÷发放客户数，两者之积≥75% 达标；满意率区间为 95% 威尔逊区间。",
    "CSI: sum of the customers' totals ÷ customers whose valid sheet came back. Coverage: customers asked ÷ customers on record; return: customers returned ÷ asked; their product should reach 75 %. Satisfied share with its 95 % Wilson interval.",
)
TRIPS = Text(
    "每行一次出差的一名人员在一个月内的部分；人次每人每次出差计 1（计在出发月）；人天含出发、返回当天，跨月按月拆分；进行中的出差算到截至日；费用按人均分计在出发月。",
    "One row per traveller and month of a trip. Persons: 1 per traveller and trip, in the month of departure. Person days count both ends and are split at month ends; a trip under way counts to the as-of date. Cost is shared evenly, in the month of departure.",
)
DEADLINES = Text(
    "按时率=按时÷（按时+超时+超期未完），未到期的不算；到场按工作小时，答复按经过小时，总结单按日历天（返回后 2 天内，含）。月按起算日。",
    "On-time rate: on time ÷ (on time + late + overdue); what is not due yet is left out. Arrival in working hours, replies in elapsed hours, trip summaries in calendar days (2 after the return, included). Month by the day the clock starts.",
)
RECORDS = Text(
    "各表单的记录数，月按首次接收时间。",
    "Records of each form; month by the time first received.",
)
RECORD_ROWS = Text(
    "每行一条记录的当前内容，选项为标签；月、日期按首次接收时间，期间也按它；数量=1，便于透视计数。",
    "One row per record as it stands, choices as labels; month and date by the time first received, so does the period. Count is 1, for pivots.",
)
RECORD_LINES = Text(
    "每行一条记录中的一行明细；月、日期按记录首次接收时间，期间也按它；数量=1，便于透视计数。",
    "One row per line of a record's table; month and date by the time the record was first received, so does the period. Count is 1, for pivots.",
)
FAILURES_TILE = Text(
    "本月 1 日至截至日报修的故障表数（全部故障，含非关联）；只有超出近 12 个月均值的 95% 精确泊松限才着色。",
    "Reports from the 1st to the as-of day, relevant or not; coloured only outside the exact 95 % Poisson limits of the last 12 months' mean.",
)
RATE_TILE = Text(
    "近 12 个月发生的故障（已判非关联的除外）÷列车公里×10⁶，附 90% 精确泊松限；公里数由表单里程读数插值，缺的用同车型均值。",
    "Failures of the last 12 months (without those judged not relevant) per million train-km with exact 90 % Poisson limits; kilometres from the odometer readings on the forms, the type's mean where there are none.",
)
OPEN_TILE = Text(
    "截至时已报修而未关闭的故障；龄期从报修日算起。",
    "Cases reported and not closed at the as-of time; age from the day reported.",
)
RESPONSE_TILE = Text(
    "近 12 个月报修的故障：首次人工答复时间−报修时间，经过小时的平均；没有记录响应的不进平均，另列件数。",
    "Cases reported in the last 12 months: first answer by a person − time reported, mean of elapsed hours; those without an answer are left out and counted beside it.",
)
FIRST_TIME_FIX_TILE = Text(
    "近 12 个月报修、已修复且满 30 天的现场故障中，一次上门修好且 30 天内未再发的占比；95% 威尔逊区间。",
    "Of the on-site repairs reported in the last 12 months and at least 30 days old: done in one visit without a return within 30 days; 95 % Wilson interval.",
)
REPEATS_TILE = Text(
    "近 12 个月报修、修复已满 30 天的故障中，同列车、同车厢、同部件、同模式在修复后 30 天内再发的占比；未修好前再报的是重复填报，不算重复。",
    "Of the failures reported in the last 12 months and repaired at least 30 days ago: the same train, car, part and mode failed again within 30 days of the repair. A report of a fault still open is a duplicate, not a repeat.",
)
SATISFACTION_TILE = Text(
    "最近一次调查：收回有效表的客户总分之和÷客户数，≥85 为满意（先比较后舍入）；发放覆盖率×回收率应达 75%。",
    "Latest campaign: sum of the customers' totals ÷ customers whose valid sheet came back; 85 and above is satisfied (compared before rounding). Coverage × return should reach 75 %.",
)
TRIPS_TILE = Text(
    "本月出发的出差人数之和（每人每次计 1）；人天含出发、返回当天，只计本月内的天。",
    "Persons on trips that began this month, each counted once per trip; person days count both ends, within this month only.",
)
MONTHS_CHART = Text(
    "按报修月统计的故障表数；线为前 12 个完整月的平均；超出其 95% 精确泊松限的月份着色，本月未完为斜纹。",
    "Reports by the month reported; the line is the mean of the twelve whole months before. A month outside its exact 95 % Poisson limits is coloured, the running month hatched.",
)
MODES_CHART = Text(
    "近 12 个月发生的故障模式，降序，“其他”排最后；线为累计占比。",
    "Failure modes of the last 12 months by the date occurred, descending, “other” last; the line is the cumulative share.",
)
AGEING_CHART = Text(
    "截至时仍未关闭的故障，按等待的阶段和从报修日起的龄期。",
    "Cases not closed at the as-of time, by the stage they wait in and their age from the day reported.",
)
STATIONS_CHART = Text(
    "近 12 个月各站报修的故障数与未关闭数；到场中位数为经过小时；重复率=30 天内再发÷已满观察期的修复。",
    "Reports of the last 12 months and open cases by station; median elapsed hours to arrival; repeats within 30 days ÷ repairs that old.",
)

CHARTS = {"months": MONTHS_CHART, "modes": MODES_CHART, "ageing": AGEING_CHART, "stations": STATIONS_CHART}
