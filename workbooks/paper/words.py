"""English for the labels of after-sales forms: whole phrases first, then word by word; nothing is guessed by sound."""

import re
import unicodedata
from functools import cache

# Phrases whose usual English is not that of their words.
_PHRASES = """
编号 number|客户名称 customer name|单位名称 organisation name|客户单位 customer|联系人 contact|联系电话 phone
联系方式 contact details|电话 phone|手机 mobile|手机号 mobile|邮箱 email|电子邮箱 email|地址 address|详细地址 address
传真 fax|日期 date|时间 time|备注 remark|说明 note|报修日期 reported on|报修时间 reported at|报修人 reported by
受理日期 accepted on|受理人 accepted by|受理时间 accepted at|接单时间 accepted at|到达时间 arrived at
到场时间 arrived at|离开时间 left at|完成时间 completed at|完成日期 completed on|开始时间 started at|结束时间 ended at
维修日期 repaired on|服务日期 served on|投诉日期 complained on|投诉时间 complained at|发生日期 occurred on
发生时间 occurred at|处理日期 handled on|处理时间 handled at|回访日期 followed up on|申请日期 requested on
需求日期 needed on|点检日期 checked on|填表日期 filled in on|填写日期 filled in on|填表人 filled in by
制表人 drawn up by|申请人 requested by|维修人员 repaired by|维修人 repaired by|服务人员 served by
服务工程师 service engineer|工程师 engineer|处理人 handled by|点检人 checked by|检查人 checked by|经办人 clerk
负责人 person in charge|责任人 person responsible|责任部门 department responsible|申请部门 requesting department
部门 department|产品名称 product name|产品型号 product model|设备名称 equipment name|设备型号 equipment model
设备编号 equipment no|规格型号 specification|型号 model|型号规格 specification|规格 specification|序列号 serial no
出厂编号 serial no|机号 machine no|车号 vehicle no|车厢号 car no|车型 vehicle type|线路 line|项目名称 project name
合同号 contract no|合同编号 contract no|订单号 order no|物料编码 material code|物料号 material no|图号 drawing no
批次号 batch no|故障现象 symptom|故障描述 fault description|故障现象描述 symptom|故障原因 fault cause
故障代码 fault code|故障类型 fault type|故障部位 fault location|故障等级 fault grade|原因分析 cause analysis
处理措施 measures taken|处理方法 measures taken|处理过程 handling|处理结果 result|处理意见 opinion|处理情况 handling
维修内容 repair work|维修结果 repair result|维修费用 repair cost|服务内容 service work|服务类型 service type
服务方式 service mode|服务性质 service type|服务站 service station|站点 station|区域 region|保修状态 warranty
质保状态 warranty|是否保内 in warranty|是否在保 in warranty|是否质保期内 in warranty|保内 in warranty
保外 out of warranty|质保期 warranty period|投诉内容 complaint|投诉类型 complaint type|投诉类别 complaint type
投诉等级 complaint grade|投诉人 complained by|投诉方式 complaint channel|纠正措施 corrective action
预防措施 preventive action|纠正预防措施 corrective and preventive action|客户意见 customer opinion
客户评价 customer rating|客户反馈 customer feedback|满意度 satisfaction|满意程度 satisfaction
回访结果 follow up result|是否更换 replaced|是否解决 solved|是否关闭 closed|是否合格 passed|数量 quantity
申请数量 quantity requested|单价 unit price|金额 amount|小计 subtotal|合计 total|总计 total|总价 total price|单位 unit
工时 working hours|里程 mileage|公里数 mileage|运行里程 mileage|交通费 travel cost|工时费 labour cost
材料费 material cost|备件名称 part name|配件名称 part name|零件名称 part name|物料名称 material name|备件编号 part no
配件编号 part no|更换备件 replaced parts|更换配件 replaced parts|更换备件明细 replaced parts
更换配件明细 replaced parts|备件明细 parts|备件清单 parts|配件清单 parts|申请明细 requested items|点检项目 check item
检查项目 check item|点检内容 check item|点检标准 check standard|检查标准 check standard|点检结果 check result
检查结果 check result|判定 verdict|异常情况 abnormality|异常说明 abnormality|异常处理 abnormality handling
用途 purpose|申请原因 reason|紧急程度 urgency|优先级 priority|收货地址 delivery address|收货人 consignee
快递单号 tracking no|发货方式 shipping|照片 photo|现场照片 photo|故障照片 photo|附件 attachment
维修服务单 repair service form|现场服务单 field service form|客户投诉处理单 customer complaint form
设备点检表 equipment check sheet|备件申请单 parts request form|客户信息 customer|设备信息 equipment|故障信息 fault
服务信息 service|维修信息 repair|投诉信息 complaint|基本信息 basics|处理信息 handling|其他内容 more|其他 other
其它 other
是 yes|否 no|有 yes|电气 electrical|机械 mechanical|软件 software|硬件 hardware|正常 normal|异常 abnormal|合格 passed
不合格 failed|一般 normal|紧急 urgent|特急 very urgent|满意 satisfied|不满意 dissatisfied|非常满意 very satisfied
基本满意 fairly satisfied|已解决 solved|未解决 unsolved|现场 on site|远程 remote|返厂 return to factory
现场维修 on site repair|返厂维修 factory repair|电话指导 phone support|上门 on site|保养 maintenance|维修 repair
安装 installation|调试 commissioning|培训 training|巡检 inspection|严重 serious|轻微 minor|重大 major
产品质量 product quality|服务态度 service attitude|交货期 delivery|包装 packaging|价格 price|电话投诉 phone
微信 wechat|现场投诉 on site|邮件 email|快递 courier|自提 pick up|物流 freight|男 male|女 female|姓名 name
签名 signature|早班 early shift|中班 middle shift|晚班 night shift|夜班 night shift|班次 shift|班组 team|车间 workshop
客户单位名称 customer name|停机时间 downtime|停机时长 downtime|温度 temperature|电压 voltage|电流 current
压力 pressure|派工日期 dispatched on|派工时间 dispatched at|派工人 dispatched by|派工单 dispatch form
完工日期 finished on|完工时间 finished at|开工日期 started on|顾客名称 customer name|顾客单位 customer
顾客意见 customer opinion|顾客投诉处理单 customer complaint form|关闭日期 closed on|要求回复日期 reply due on
回复日期 replied on
要求完成日期 due on|计划完成日期 due on|受理部门 accepting department|是否收费 charged|验证结果 verification result
包装运输 packaging and transport|技术咨询 technical advice|定期保养 regular maintenance|来函 letter|批号 batch no
"""
_WORDS = """
客户 customer|用户 user|单位 organisation|公司 company|部门 department|名称 name|姓名 name|编号 no|单号 no|号码 no
代码 code|编码 code|型号 model|规格 specification|地址 address|电话 phone|日期 date|时间 time|年份 year|月份 month
故障 fault|问题 problem|缺陷 defect|现象 symptom|描述 description|原因 cause|分析 analysis|措施 measures|方案 solution
结果 result|结论 conclusion|意见 opinion|建议 suggestion|评价 rating|反馈 feedback|情况 situation|内容 content
说明 note|备注 remark|要求 requirement|标准 standard|依据 basis|维修 repair|服务 service|检修 overhaul|检查 check
点检 check|巡检 inspection|检验 inspection|检测 test|测试 test|保养 maintenance|安装 installation|调试 commissioning
更换 replacement|处理 handling|处置 handling|回访 follow up|投诉 complaint|申请 request|需求 demand|审批 approval
验收 acceptance|确认 confirmation|发货 shipping|收货 receipt|到货 arrival|入库 stock in|出库 stock out|采购 purchase
设备 equipment|产品 product|系统 system|部件 part|零件 part|备件 part|配件 part|材料 material|物料 material|工具 tool
车辆 vehicle|列车 train|车厢 car|线路 line|项目 item|明细 items|清单 list|信息 information|人员 staff|人 person
负责人 person in charge|工程师 engineer|技术员 technician|操作 operation|数量 quantity|单价 unit price|价格 price
金额 amount|费用 cost|总 total|合计 total|里程 mileage|工时 hours|时长 duration|温度 temperature|湿度 humidity
电压 voltage|电流 current|压力 pressure|重量 weight|长度 length|次数 count|等级 grade|级别 level|类型 type
类别 category|方式 mode|状态 state|性质 nature|范围 scope|是否 whether|质量 quality|安全 safety|质保 warranty
保修 warranty|期限 term|期 period|计划 plan|实际 actual|预计 expected|开始 start|结束 end|完成 completion|到达 arrival
离开 departure|出厂 factory|生产 production|使用 use|运行 operation|停机 downtime|责任 responsible|合同 contract
订单 order|项 item|现场 site|区域 region|站 station|城市 city|省份 province|记录 record|报告 report|登记 register
通知 notice|单 form|表 sheet|书 form|卡 card|上次 last|本次 this|下次 next|原 old|新 new|旧 old|前 before|后 after
改进 improvement|纠正 corrective|预防 preventive|签字 signature|签名 signature|盖章 seal
影响 affected|台数 sets|效果 effect|验证 verification|外观 appearance|功能 function
性能 performance|派工 dispatch|完工 finish|收费 charge|顾客 customer|售后 after sales|受理 acceptance|回复 reply
损失 loss|关闭 closing|交付 delivery|包装 packaging|运输 transport|定期 regular|技术 technical|咨询 advice
审核 review|批准 approval|编制 drawn up by|制表 drawn up by
"""
# YAML reads these as true, false and nothing.
NOT_TEXT = frozenset({"yes", "no", "true", "false", "null", "on", "off", "y", "n"})
_DROPPED = re.compile(r"[的及与和或、/／\s（）()]+")
_CJK = re.compile(r"[\u3400-\u9fff]")
_ASCII = re.compile(r"[a-z0-9]+")


@cache
def _phrases() -> dict[str, str]:
    return _table(_PHRASES)


@cache
def _words() -> dict[str, str]:
    return _table(_WORDS) | _phrases()


def _table(text: str) -> dict[str, str]:
    entries = (entry.split(" ", 1) for line in text.strip().splitlines() for entry in line.split("|"))
    return {zh: en for zh, en in entries}


def english(label: str) -> str | None:
    """The English of *label* in small letters, such as "customer name"; None where a word of it is not known."""
    text = _DROPPED.sub("", unicodedata.normalize("NFKC", label))
    if not text:
        return None
    if text in _phrases():
        return _phrases()[text]
    if not _CJK.search(text):
        words = " ".join(_ASCII.findall(unicodedata.normalize("NFKC", label).lower()))
        return words or None
    found: list[str] = []
    while text:
        ascii_ = _ASCII.match(text.lower())
        word = next(
            (text[:n] for n in range(min(6, len(text)), 0, -1) if text[:n] in _phrases() or text[:n] in _words()), None
        )
        if ascii_:
            found.append(ascii_[0])
            text = text[ascii_.end() :]
        elif word is None:
            return None
        else:
            found.append(_words()[word])
            text = text[len(word) :]
    return " ".join(found)


def snake(words: str | None) -> str | None:
    """*words* as a name in a definition: small ASCII letters, digits and single underscores, at most 40."""
    parts = _ASCII.findall((words or "").lower())
    while parts and parts[0][0].isdigit():
        parts.pop(0)
    name = "_".join(parts)
    return name[:40].rstrip("_") or None


class Names:
    """Names given out one by one, each only once."""

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self._taken = set(taken)

    def give(self, wanted: str | None, otherwise: str) -> str:
        """*wanted*, numbered if it is gone; without one *otherwise* with a number, such as "field_3"."""
        number = 1
        name = wanted or f"{otherwise}_{number}"
        while name in self._taken:
            number += 1
            name = f"{wanted or otherwise}_{number}"
        self._taken.add(name)
        return name
