"""
Four forms as companies draw them in a spreadsheet to be printed, for LibreOffice to draw and save.

A drawing has `sheets`; a sheet has column `widths` and row `heights` in millimetres, `merged` areas, `texts`, and areas
that are `lined` (every cell framed), `underlined`, `shaded`, `centred`, `large`; `formats` are number formats, `rules`
validations, `open` the unlocked cells of a `protected` sheet, `printed` the print area.
"""

from typing import Any

GREY = 0xE7E6E6

REPAIR = {
    "sheets": [
        {
            "title": "维修服务单",
            "widths": [24, 30, 20, 22, 24, 18, 20, 26],
            "heights": [(1, 8), (2, 12), (9, 22), (10, 22), (19, 14)],
            "merged": [
                "A1:H1", "A2:H2", "F3:G3", "B4:D4", "F4:H4", "B5:D5", "F5:H5", "B6:D6", "F6:H6", "B7:D7", "F7:H7",
                "B8:H8", "B9:H9", "B10:H10", "A11:H11", "B13:C13", "B14:C14", "B15:C15", "B16:C16", "B12:C12",
                "A17:G17", "B18:D18", "F18:H18", "A19:D19", "E19:H19",
            ],
            "texts": [
                ("A1", "智动轨道交通设备有限公司"), ("A2", "维 修 服 务 单"), ("F3", "编号："),
                ("A4", "客户名称*"), ("E4", "联系电话"), ("A5", "设备名称"), ("E5", "序列号"),
                ("A6", "报修日期*"), ("E6", "到达时间"), ("A7", "保修状态"), ("B7", "□保内 □保外"),
                ("E7", "运行里程（km）"),
                ("A8", "服务类型（可多选）"), ("B8", "□维修 □保养 □安装 □培训 □其他：______"),
                ("A9", "故障现象*"), ("A10", "处理措施"), ("A11", "更换备件明细"),
                ("A12", "序号"), ("B12", "备件名称"), ("D12", "型号"), ("E12", "数量"), ("F12", "单价"),
                ("G12", "金额"), ("H12", "备注"), ("A13", "1"), ("A14", "2"), ("A15", "3"), ("A16", "4"),
                ("G13", "=E13*F13"), ("G14", "=E14*F14"), ("G15", "=E15*F15"), ("G16", "=E16*F16"),
                ("A17", "合计（元）"), ("H17", "=SUM(G13:G16)"), ("A18", "客户评价"),
                ("B18", "□非常满意 □满意 □不满意"), ("E18", "服务工程师"),
                ("A19", "客户签字：          日期："), ("E19", "工程师签字：          日期："),
            ],
            "centred": ["A1:H2", "A11:H12"],
            "large": [("A1", 12), ("A2", 18)],
            "lined": ["A4:H19"],
            "underlined": ["H3"],
            "shaded": [("A11:H12", GREY)],
            "formats": [("B6", "YYYY-MM-DD"), ("F6", "YYYY-MM-DD HH:MM"), ("F13:G16", "0.00"), ("H17", "0.00")],
            "rules": [("E13:E16", "whole", "1", "999")],
            "printed": "A1:H19",
        }
    ]
}  # fmt: skip

COMPLAINT = {
    "sheets": [
        {
            "title": "投诉单",
            "widths": [30, 45, 30, 45],
            "heights": [(1, 14), (10, 30), (12, 30), (14, 20), (16, 14)],
            "merged": [
                "A1:D1", "A2:D2", "A8:D8", "A9:D9", "A10:D10", "A11:D11", "A12:D12", "A13:D13",
                "A14:D14", "B15:D15",
                "A17:D17",
            ],
            "texts": [
                ("A1", "客户投诉处理单"), ("A2", "一、投诉信息"), ("A3", "投诉编号"),
                ("C3", "投诉日期"),
                ("D3", "    年   月   日"), ("A4", "客户名称*"), ("C4", "联系人"),
                ("A5", "联系电话"), ("C5", "产品型号"),
                ("A6", "投诉等级*"), ("C6", "投诉方式"), ("A7", "牵引逆变柜编组"), ("C7", "影响台数（台）"),
                ("A8", "二、投诉内容与处理"), ("A9", "投诉内容："), ("A11", "原因分析："),
                ("A13", "纠正措施："), ("A15", "是否解决"), ("B15", "□是   □否"), ("A16", "审核"), ("C16", "批准"),
                ("A17", "注：本单由售后服务部填写，一式两联，第一联存档，第二联交责任部门，三个工作日内答复客户。"),
            ],
            "centred": ["A1"],
            "large": [("A1", 18)],
            "lined": ["A2:D16"],
            "shaded": [("A2", GREY), ("A8", GREY)],
            "formats": [("B5", "@")],
            "rules": [
                ("B6", "list", '"一般";"严重";"重大"', ""), ("D6", "list", '"电话投诉";"现场投诉";"微信"', ""),
            ],
            "printed": "A1:D17",
        }
    ]
}  # fmt: skip

CHECK_ITEMS = (
    ("外观", "无破损、无渗漏"), ("电压", "380 V ± 10 %"), ("润滑", "油位在刻度之间"), ("紧固件", "无松动"),
    ("安全装置", "动作可靠"),
)  # fmt: skip
INSPECTION = {
    "sheets": [
        {
            "title": "点检表",
            "widths": [14, 35, 55, 40, 45],
            "heights": [(1, 14)],
            "merged": ["A1:E1", "A2:B2", "A3:B3", "B10:E10", "B11:C11"],
            "texts": [
                ("A1", "设备点检表"), ("A2", "设备名称"), ("D2", "设备编号"), ("A3", "点检日期"), ("D3", "班次"),
                ("A4", "序号"), ("B4", "点检项目"), ("C4", "点检标准"), ("D4", "点检结果"), ("E4", "备注"),
                *((f"A{row}", str(row - 4)) for row in range(5, 10)),
                *((f"B{row}", item) for row, (item, _) in enumerate(CHECK_ITEMS, start=5)),
                *((f"C{row}", standard) for row, (_, standard) in enumerate(CHECK_ITEMS, start=5)),
                *((f"D{row}", "□正常 □异常") for row in range(5, 10)),
                ("A10", "异常处理"), ("A11", "点检人"), ("D11", "点检人签名"),
            ],
            "centred": ["A1", "A4:E4"],
            "large": [("A1", 18)],
            "lined": ["A2:E11"],
            "shaded": [("A4:E4", GREY)],
            "formats": [("C3", "YYYY\"年\"M\"月\"D\"日\"")],
            "rules": [("E3", "list", "$班次.$A$1:$A$3", "")],
        },
        {"title": "班次", "texts": [("A1", "早班"), ("A2", "中班"), ("A3", "夜班")]},
    ]
}  # fmt: skip

REQUEST = {
    "sheets": [
        {
            "title": "备件申请单",
            "widths": [14, 24, 38, 34, 20, 24, 30],
            "heights": [(1, 14), (13, 16)],
            "merged": ["A1:G1", "A2:B2", "A3:B3", "C13:G13", "A13:B13", "A12:D12"],
            "texts": [
                ("A1", "备件申请单"), ("A2", "申请部门："), ("D2", "申请日期："),
                ("A3", "申请人："), ("D3", "紧急程度："),
                ("A5", "序号"), ("B5", "物料编码"), ("C5", "备件名称*"), ("D5", "规格型号"), ("E5", "数量*（件）"),
                ("F5", "单价（元）"), ("G5", "需求日期"), *((f"A{row}", str(row - 5)) for row in range(6, 12)),
                ("A12", "合计（件）"), ("E12", "=SUM(E6:E11)"), ("A13", "用途"),
                ("A14", "制表："), ("D14", "审核："), ("F14", "批准："),
            ],
            "centred": ["A1", "A5:G5"],
            "large": [("A1", 18)],
            "lined": ["A5:G13"],
            "underlined": ["C2", "E2", "C3", "E3"],
            "formats": [("E2", "YYYY/M/D"), ("F6:F11", "#,##0.00"), ("G6:G11", "YYYY-MM-DD"), ("B6:B11", "@")],
            "rules": [("E3", "list", '"一般";"紧急";"特急"', "")],
            "open": ["C2", "E2", "C3", "E3", "B6:G11", "C13"],
            "protected": True,
        }
    ]
}  # fmt: skip

DRAWINGS: dict[str, dict[str, Any]] = {
    "维修服务单": REPAIR,
    "客户投诉处理单": COMPLAINT,
    "设备点检表": INSPECTION,
    "备件申请单": REQUEST,
}
