# ruff: noqa: E501  (tables: one row per line)
"""The demo company's constants: stations, products, failure modes with their share and season, people's names."""

from typing import Literal, NamedTuple

from workbooks.form import Text

Season = Literal["", "cold", "hot"]


class StationSeed(NamedTuple):
    code: str
    city: Text
    region: Text
    trains: int
    depot: bool  # staff sit in the depot: short ways


class ProductSeed(NamedTuple):
    code: str
    name: Text
    parent: str
    level: int


class ModeSeed(NamedTuple):
    """*share* in percent of all forms; *part* "" means any part."""

    code: str
    name: Text
    part: str
    share: float
    season: Season
    cause: str
    responsibility: str
    symptom: str
    root_cause: str
    fix: str


_EAST, _NORTH = Text("华东", "East China"), Text("华北", "North China")
_SOUTH, _CENTRAL = Text("华南", "South China"), Text("华中", "Central China")
_SOUTHWEST, _NORTHWEST, _NORTHEAST = Text("西南", "Southwest"), Text("西北", "Northwest"), Text("东北", "Northeast")

STATIONS = (
    StationSeed("SH", Text("上海", "Shanghai"), _EAST, 14, True),
    StationSeed("GZ", Text("广州", "Guangzhou"), _SOUTH, 12, True),
    StationSeed("BJ", Text("北京", "Beijing"), _NORTH, 11, True),
    StationSeed("QD", Text("青岛", "Qingdao"), _EAST, 9, True),
    StationSeed("CC", Text("长春", "Changchun"), _NORTHEAST, 8, True),
    StationSeed("NJ", Text("南京", "Nanjing"), _EAST, 8, False),
    StationSeed("WH", Text("武汉", "Wuhan"), _CENTRAL, 7, False),
    StationSeed("CD", Text("成都", "Chengdu"), _SOUTHWEST, 7, False),
    StationSeed("XA", Text("西安", "Xi'an"), _NORTHWEST, 6, False),
    StationSeed("SZ", Text("深圳", "Shenzhen"), _SOUTH, 5, True),
    StationSeed("ZZ", Text("郑州", "Zhengzhou"), _CENTRAL, 5, False),
    StationSeed("SY", Text("沈阳", "Shenyang"), _NORTHEAST, 4, False),
)
SLOW_STATION, LATE_STATION = "ZZ", "SY"
REPEAT_STATIONS = ("CC", "WH")  # half of all repeat failures

# name, share of the fleet, km a year, forms per 10^6 train-km
TRAIN_TYPES = (
    ("地铁B型6辆", 0.38, 115_000, 30.0),
    ("地铁A型6辆", 0.17, 120_000, 32.0),
    ("城际8辆", 0.20, 330_000, 11.0),
    ("动车组8辆", 0.25, 560_000, 6.5),
)

PRODUCTS = (
    ProductSeed("BC", Text("制动控制系统", "Brake control"), "", 1),
    ProductSeed("BC-E", Text("电子控制", "Electronic control"), "BC", 2),
    ProductSeed("BCU", Text("制动控制单元BCU", "Brake control unit"), "BC-E", 3),
    ProductSeed("GWV", Text("网关阀", "Gateway valve"), "BC-E", 3),
    ProductSeed("CBL", Text("制动指令与线缆", "Command line and cables"), "BC-E", 3),
    ProductSeed("BC-P", Text("气动控制", "Pneumatic control"), "BC", 2),
    ProductSeed("SMV", Text("智能阀", "Smart valve"), "BC-P", 3),
    ProductSeed("SOL", Text("电磁阀", "Solenoid valve"), "BC-P", 3),
    ProductSeed("PRS", Text("压力传感器", "Pressure sensor"), "BC-P", 3),
    ProductSeed("PSW", Text("压力开关", "Pressure switch"), "BC-P", 3),
    ProductSeed("AS", Text("供风系统", "Air supply"), "", 1),
    ProductSeed("AS-S", Text("风源", "Air source"), "AS", 2),
    ProductSeed("CMP", Text("空压机", "Compressor"), "AS-S", 3),
    ProductSeed("DRY", Text("干燥器", "Dryer"), "AS-S", 3),
    ProductSeed("AS-P", Text("储风与管路", "Reservoirs and pipes"), "AS", 2),
    ProductSeed("RES", Text("风缸", "Reservoir"), "AS-P", 3),
    ProductSeed("PIP", Text("管路接头", "Pipe joint"), "AS-P", 3),
    ProductSeed("LEV", Text("高度阀", "Levelling valve"), "AS-P", 3),
    ProductSeed("FB", Text("基础制动", "Foundation brake"), "", 1),
    ProductSeed("FB-C", Text("夹钳单元", "Calipers"), "FB", 2),
    ProductSeed("CAL", Text("制动夹钳", "Brake caliper"), "FB-C", 3),
    ProductSeed("PAR", Text("停放制动夹钳", "Parking brake caliper"), "FB-C", 3),
    ProductSeed("FB-F", Text("摩擦副", "Friction pair"), "FB", 2),
    ProductSeed("DSC", Text("制动盘", "Brake disc"), "FB-F", 3),
    ProductSeed("PAD", Text("闸片", "Brake pad"), "FB-F", 3),
    ProductSeed("WS", Text("防滑系统", "Wheel slide protection"), "", 1),
    ProductSeed("WS-S", Text("防滑控制", "Slide control"), "WS", 2),
    ProductSeed("SPD", Text("速度传感器", "Speed sensor"), "WS-S", 3),
    ProductSeed("DMP", Text("防滑阀", "Dump valve"), "WS-S", 3),
)

MODES = (
    ModeSeed("BCU-COM", Text("BCU通信中断/板卡故障", "BCU communication or board"), "BCU", 15.0, "hot", "design", "engineering",
             "司机屏报“BCU通信故障”，该车制动缓解指示灭，复位后可恢复", "电源板电容高温下等效电阻增大，通信芯片复位", "更换BCU板卡"),
    ModeSeed("PRS-DRIFT", Text("压力传感器漂移", "Pressure sensor drift"), "PRS", 12.0, "hot", "supplier", "purchasing",
             "制动缸压力显示与实测相差 0.3bar 以上", "传感器批次灌封不良，湿热后零点漂移", "更换压力传感器"),
    ModeSeed("PIP-LEAK", Text("管路接头漏风", "Pipe joint leak"), "PIP", 10.5, "cold", "installation", "production",
             "库内保压试验 5 分钟压降超标，接头处有漏风声", "接头密封圈低温硬化，安装力矩偏小", "更换密封圈并按力矩紧固"),
    ModeSeed("SPD-LOST", Text("速度传感器信号丢失", "Speed signal lost"), "SPD", 9.0, "", "installation", "production",
             "防滑系统报轴速异常，该轴速度显示为 0", "传感器间隙超差，线缆磨损", "调整间隙并更换速度传感器"),
    ModeSeed("CMP-SLOW", Text("空压机启动/打风时间长", "Compressor slow"), "CMP", 8.0, "cold", "wear", "service",
             "总风从 7.5bar 到 9bar 用时超过 6 分钟", "气阀积碳，进气滤芯堵塞", "更换滤芯并清洗气阀"),
    ModeSeed("SOL-STUCK", Text("电磁阀卡滞", "Solenoid valve stuck"), "SOL", 7.0, "", "manufacture", "production",
             "制动缸压力变化滞后，保持制动不能及时缓解", "阀芯毛刺，压缩空气含水", "更换电磁阀"),
    ModeSeed("DRY-DRAIN", Text("干燥器排污阀故障", "Dryer drain valve"), "DRY", 6.0, "cold", "design", "engineering",
             "干燥器排污阀持续排风", "排污阀结冰卡滞", "更换排污阀，检查加热器"),
    ModeSeed("SMV-NOREL", Text("制动不缓解", "Brake does not release"), "SMV", 5.0, "", "design", "engineering",
             "单车制动不缓解，司机切除后运行", "中继阀膜板老化", "更换智能阀"),
    ModeSeed("PAD-UNEVEN", Text("闸片偏磨", "Uneven pad wear"), "PAD", 5.0, "", "wear", "service",
             "同一夹钳内外闸片厚度差超过 5mm", "夹钳导向销润滑不良", "更换闸片并润滑导向销"),
    ModeSeed("CBL-LOOSE", Text("连接器松动", "Loose connector"), "CBL", 4.0, "", "installation", "production",
             "制动指令线间歇断开", "连接器锁紧未到位", "重新插接并锁紧连接器"),
    ModeSeed("BCU-SW", Text("软件误报", "False alarm by software"), "BCU", 4.0, "", "software", "engineering",
             "司机屏报制动力不足，实测压力正常", "软件判据门槛过窄", "升级BCU软件"),
    ModeSeed("PSW-FAIL", Text("压力开关失效", "Pressure switch"), "PSW", 3.0, "hot", "supplier", "purchasing",
             "总风压力低开关误动作", "微动开关触点氧化", "更换压力开关"),
    ModeSeed("CMP-OIL", Text("空压机油乳化", "Compressor oil emulsified"), "CMP", 2.5, "cold", "operation", "customer",
             "空压机油呈乳白色", "运转率低，油温达不到析水温度", "更换机油，建议调整启停策略"),
    ModeSeed("DSC-CRACK", Text("制动盘热裂", "Disc heat crack"), "DSC", 2.0, "hot", "wear", "engineering",
             "制动盘摩擦面有径向热裂纹", "长大坡道连续制动，热负荷超限", "更换制动盘"),
    ModeSeed("PAR-NOREL", Text("停放不缓解", "Parking brake does not release"), "PAR", 1.5, "cold", "manufacture", "production",
             "停放制动不能自动缓解，手动缓解后正常", "停放缸弹簧锈蚀", "更换停放夹钳"),
    ModeSeed("LEV-LEAK", Text("高度阀漏风", "Levelling valve leak"), "LEV", 1.0, "cold", "wear", "service",
             "高度阀排风口持续漏风", "阀口有杂质", "清洗高度阀"),
)  # fmt: skip

# Every part has these three beside its own modes; the code is <part>-<suffix>.
COMMON_MODES = (
    ModeSeed("NFF", Text("未见故障", "No fault found"), "", 3.0, "", "unknown", "service",
             "司机反映制动异响，库内检查未见异常", "", "检查试验正常，继续观察"),
    ModeSeed("EXT", Text("外部/误操作", "External or misuse"), "", 1.5, "", "operation", "customer",
             "部件有外力撞击痕迹", "异物击打", "更换受损件"),
    ModeSeed("OTHER", Text("其他", "Other"), "", 6.0, "", "unknown", "service",
             "运行中有异常，原因待查", "检查后未能归入已有模式", "清洁、紧固并试验"),
)  # fmt: skip

# January to December
SEASONS: dict[Season, tuple[float, ...]] = {
    "": (1.0,) * 12,
    "cold": (1.6, 1.5, 1.1, 0.9, 0.8, 0.75, 0.8, 0.8, 0.85, 0.95, 1.2, 1.5),
    "hot": (0.8, 0.8, 0.85, 0.95, 1.1, 1.3, 1.5, 1.45, 1.15, 0.9, 0.8, 0.8),
}

SURNAMES = (
    ("王", "Wang"), ("李", "Li"), ("张", "Zhang"), ("刘", "Liu"), ("陈", "Chen"), ("杨", "Yang"), ("赵", "Zhao"), ("黄", "Huang"),
    ("周", "Zhou"), ("吴", "Wu"), ("徐", "Xu"), ("孙", "Sun"), ("胡", "Hu"), ("朱", "Zhu"), ("高", "Gao"), ("林", "Lin"),
    ("何", "He"), ("郭", "Guo"), ("马", "Ma"), ("罗", "Luo"), ("梁", "Liang"), ("宋", "Song"), ("郑", "Zheng"), ("谢", "Xie"),
)  # fmt: skip
GIVEN_NAMES = (
    ("建国", "Jianguo"), ("志强", "Zhiqiang"), ("晓明", "Xiaoming"), ("海涛", "Haitao"), ("丽华", "Lihua"), ("文斌", "Wenbin"),
    ("国栋", "Guodong"), ("雪梅", "Xuemei"), ("鹏飞", "Pengfei"), ("思远", "Siyuan"), ("伟", "Wei"), ("敏", "Min"),
    ("磊", "Lei"), ("静", "Jing"), ("洋", "Yang"), ("勇", "Yong"), ("艳", "Yan"), ("军", "Jun"), ("杰", "Jie"), ("涛", "Tao"),
)  # fmt: skip
