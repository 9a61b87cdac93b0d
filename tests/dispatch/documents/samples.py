"""One full snapshot of each kind of document, with Chinese and Latin names."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

COMPANY: dict[str, Any] = {
    "name": "海湾电器维修有限公司",
    "address": ["滨海路 18 号", "200120 上海"],
    "tax_id": "91310000MA1FL00X0A",
    "phone": "+86 21 5550 0100",
    "bank": "示例银行上海分行",
    "bank_account": "0000 1111 2222 3333",
}
BUYER: dict[str, Any] = {
    "name": "王小明",
    "address": ["人民路 5 号 3 幢 1201 室", "200010 上海"],
    "phone": "+86 138 0000 0000",
    "email": "wang@example.test",
}
SITE = ["人民路 5 号 3 幢 1201 室", "200010 上海"]
ASSET: dict[str, Any] = {
    "name": "壁挂式燃气锅炉 Gas boiler",
    "model": "GB-240 Plus",
    "serial": "SN-2023-004711",
    "location": "厨房 Kitchen",
    "purchased_on": "2023-04-18",
    "warranty_until": "2026-04-17",
}
STROKES = "M20 90 C60 10 80 130 110 70 S160 20 180 80 S230 120 260 60 L300 90 M40 110 L320 100"
ESTIMATE: dict[str, Any] = {
    "currency": "CNY",
    "labour_minor": 30000,
    "parts_minor": 18000,
    "travel_minor": 5000,
}
SIGNATURE: dict[str, Any] = {
    "name": "王小明",
    "signed_at": "2026-03-05T03:10:00Z",
    "role": "客户",
    "strokes": STROKES,
    "width": 400,
    "height": 150,
}
FRAME: dict[str, Any] = {"made_at": "2026-03-05T03:12:00Z", "time_zone": "Asia/Shanghai", "company": COMPANY}


def an_invoice(**changes: Any) -> dict[str, Any]:
    """Return an invoice of 588.00 net with covered lines beside it."""
    return deepcopy(
        FRAME
        | {
            "number": "R-2026-000042",
            "issue_date": "2026-03-05",
            "due_date": "2026-03-19",
            "service_date": "2026-03-05",
            "order_number": "WO-10231",
            "sheet_numbers": ["S-10231-1"],
            "currency": "CNY",
            "buyer": BUYER,
            "site": SITE,
            "asset": ASSET,
            "lines": [
                _line("labour", "锅炉点火系统维修 Repair of ignition", ("1.5", "HUR"), 20000, 30000),
                _line("callout", "上门费 Call-out", ("1", "E48"), 8000, 8000),
                _line("travel", "市区交通 Travel in town", ("12.5", "KMT"), 400, 5000),
                _line("part", "点火电极 Ignition electrode", ("2", "C62"), 9000, 15800, code="IE-88")
                | {"discount_minor": 2200, "note": "会员价"},
                _line("part", "主板 Control board", ("1", "C62"), 86000, 86000, "maker", code="CB-240")
                | {"note": "保修期内，由厂家承担"},
                _line("labour", "年度保养 Yearly care", ("1", "HUR"), 20000, 20000, "contract"),
                _line("labour", "迟到补偿 Late arrival", ("0.25", "HUR"), 20000, 5000, "goodwill"),
            ],
            "taxes": [{"rate": "0.13", "base_minor": 58800, "tax_minor": 7644}],
            "totals": {
                "net_minor": 58800,
                "tax_minor": 7644,
                "gross_minor": 66444,
                "paid_minor": 20000,
                "due_minor": 46444,
            },
            "payments": [
                {
                    "method": "qr",
                    "amount_minor": 20000,
                    "received_at": "2026-03-05T03:05:00Z",
                    "reference": "QR-778812",
                }
            ],
            "payment_hints": ["请在到期日前转账，并注明发票编号 R-2026-000042。"],
            "notes": ["更换下来的零件已交还客户。"],
        }
        | changes
    )


def _line(  # noqa: PLR0917 - the rows above read as a table
    kind: str, text: str, many: tuple[str, str], price: int, net: int, payer: str = "customer", **more: Any
) -> dict[str, Any]:
    return {
        "kind": kind,
        "description": text,
        "quantity": many[0],
        "unit": many[1],
        "unit_price_minor": price,
        "net_minor": net,
        "tax_rate": "0.13",
        "payer": payer,
    } | more


def a_long_invoice(count: int) -> dict[str, Any]:
    """Return an invoice of ``count`` parts at 10.00 each."""
    lines = [
        _line("part", f"配件 Part {n:03d}", ("1", "C62"), 1000, 1000, code=f"P-{n:03d}") for n in range(count)
    ]
    net, tax = 1000 * count, 130 * count
    totals = {"net_minor": net, "tax_minor": tax, "gross_minor": net + tax, "paid_minor": 0}
    return an_invoice(
        lines=lines,
        taxes=[{"rate": "0.13", "base_minor": net, "tax_minor": tax}],
        totals=totals | {"due_minor": net + tax},
        payments=[],
    )


WORK: dict[str, Any] = {
    "parts": [
        {
            "direction": "in",
            "code": "IE-88",
            "name": "点火电极 Ignition electrode",
            "quantity": "2",
            "serial": "EL-55012",
            "lot": "L2601",
            "origin": "original",
        },
        {"direction": "out", "code": "IE-88", "name": "点火电极 Ignition electrode", "quantity": "2"},
        {
            "direction": "in",
            "code": "GK-3",
            "name": "密封圈 Gasket",
            "quantity": "1",
            "origin": "other",
            "note": "原厂缺货，主管批准使用",
        },
    ],
    "measurements": [
        {"name": "CO 含量", "value": "42", "unit": "ppm", "limits": "≤ 100 ppm", "passed": True},
        {
            "name": "燃气压力 Gas pressure",
            "value": "18.2",
            "unit": "mbar",
            "limits": "20 ± 1",
            "passed": False,
        },
        {"name": "出水温度", "value": "58.5", "unit": "°C"},
    ],
    "checklist": [
        {"text": "关闭燃气阀后开始作业", "passed": True},
        {"text": "检漏测试", "passed": True, "note": "皂液法"},
        {"text": "清洁过滤网"},
    ],
}


def a_service_report(**changes: Any) -> dict[str, Any]:
    """Return the signed record of a boiler repair."""
    return deepcopy(
        FRAME
        | WORK
        | {
            "number": "SR-10231-1",
            "order_number": "WO-10231",
            "sheet_number": "S-10231-1",
            "date": "2026-03-05",
            "customer": BUYER,
            "site": SITE,
            "asset": ASSET,
            "technicians": ["李强", "Ada Keller"],
            "result": "solved",
            "problem": "早上没有热水，显示屏出现 E01。\nNo hot water in the morning, display shows E01.",
            "fault": "点火失败 Ignition fails",
            "fault_code": "E01",
            "cause": "点火电极磨损，间隙过大。",
            "action": "更换两支点火电极，调整间隙至 3.5 mm，清洁燃烧器，完成全套测试。",
            "advised": ["烟道密封条老化，建议三个月内更换。"],
            "times": {
                "departed_at": "2026-03-05T00:40:00Z",
                "arrived_at": "2026-03-05T01:02:00Z",
                "started_at": "2026-03-05T01:10:00Z",
                "finished_at": "2026-03-05T02:45:00Z",
                "travel_minutes": 22,
                "work_minutes": 95,
            },
            "use_explained": True,
            "documents_handed_over": ["使用说明书", "检测记录"],
            "rating": 4,
            "rating_comment": "师傅很耐心。",
            "estimate": ESTIMATE,
            "approval": {
                "amount_minor": 58800,
                "currency": "CNY",
                "by": "王小明",
                "at": "2026-03-05T01:30:00Z",
                "channel": "现场",
                "note": "超出报价 11 %，更换密封圈。",
            },
            "signature": SIGNATURE,
            "shown_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }
        | changes
    )


def a_dispatch_sheet(**changes: Any) -> dict[str, Any]:
    """Return the order sheet of a repeat repair at an elderly customer's home."""
    return deepcopy(
        FRAME
        | {
            "number": "S-10231-1",
            "order_number": "WO-10231",
            "date": "2026-03-05",
            "technician": {"name": "李强", "phone": "+86 139 0000 0000"},
            "crew": ["Ada Keller"],
            "window_start": "2026-03-05T01:00:00Z",
            "window_end": "2026-03-05T03:00:00Z",
            "planned_start": "2026-03-05T01:15:00Z",
            "planned_minutes": 75,
            "priority": "high",
            "kind": "快速维修 Quick repair",
            "customer": BUYER | {"contact": "王女士"},
            "site": {
                "address": SITE,
                "access": "门禁呼叫 1201，电梯在左侧。",
                "parking": "地下车库 B2，访客车位。",
                "access_minutes": 4,
                "parking_minutes": 6,
            },
            "needs_care": True,
            "problem": "没有热水，显示屏出现 E01。No hot water, display shows E01.",
            "asset": ASSET,
            "history": [
                {"date": "2026-02-20", "fault": "E01 点火失败", "action": "清洁电极", "technician": "张伟"},
                {
                    "date": "2025-03-11",
                    "fault": "年度保养",
                    "action": "全套检查，更换滤网",
                    "technician": "李强",
                },
            ],
            "solved_before": [
                {"date": "2026-01-12", "model": "B 20", "cause": "点火电极积碳", "action": "更换点火电极"},
                {"date": "2025-11-30", "cause": "气压低", "action": "调整减压阀"},
            ],
            "repeat_of": "WO-10102",
            "skills": [{"name": "燃气锅炉 Gas boiler", "level": 3}, {"name": "电气 Electrical"}],
            "certificates": [
                {"name": "燃气安装证 Gas fitter", "number": "GC-7781", "valid_until": "2027-01-31"},
                {"name": "电工证 Electrician", "valid_until": "2026-02-28"},
            ],
            "parts": [
                {"code": "IE-88", "name": "点火电极 Ignition electrode", "quantity": "2", "place": "车上 A3"},
                {"code": "CB-240", "name": "主板 Control board", "quantity": "1", "place": "仓库领取"},
            ],
            "checklist": ["关闭燃气阀后开始作业", "检漏测试", "清洁过滤网", "CO 测量", "向客户讲解使用方法"],
            "cautions": ["家中有狗，先打电话。"],
            "estimate": ESTIMATE,
        }
        | changes
    )


def a_pick_list(**changes: Any) -> dict[str, Any]:
    """Return what a technician loads for two visits; the pumps have numbers of their own."""
    return deepcopy(
        FRAME
        | {
            "number": "P-07-2026-03-05",
            "date": "2026-03-05",
            "technician": {"name": "李强"},
            "store": "北区 North",
            "parts": [
                {
                    "code": "IE-88",
                    "name": "点火电极 Ignition electrode",
                    "quantity": "3",
                    "sheet_numbers": ["S-10231-1", "S-10240-1"],
                },
                {
                    "code": "PU-5",
                    "name": "水泵 Pump",
                    "quantity": "2",
                    "sheet_numbers": ["S-10240-1"],
                    "serialised": True,
                },
            ],
        }
        | changes
    )


def a_handin(**changes: Any) -> dict[str, Any]:
    """Return a hand-in 5.00 short in cash with one sheet missing."""
    return deepcopy(
        FRAME
        | {
            "number": "H-2026-03-05-07",
            "business_date": "2026-03-05",
            "technician": {"name": "李强"},
            "cashier": {"name": "陈静"},
            "handed_in_at": "2026-03-05T09:40:00Z",
            "currency": "CNY",
            "sheets": [
                _sheet("S-10231-1", "WO-10231", "王小明", vouchers=["收据 Q-778812"]),
                _sheet("S-10232-1", "WO-10232", "Café Azur SARL", signed=False),
                _sheet("S-10235-2", "WO-10235", "人民医院后勤部", present=False),
            ],
            "money": [
                {
                    "method": "cash",
                    "collected_minor": 35500,
                    "counted_minor": 35000,
                    "items": 2,
                    "note": "找零差错",
                },
                {"method": "qr", "collected_minor": 20000, "counted_minor": 20000, "items": 1},
                {"method": "cheque", "collected_minor": 120050, "counted_minor": 120050, "items": 1},
            ],
            "stock": [
                {"code": "IE-88", "name": "点火电极 Ignition electrode", "expected": "4", "counted": "4"},
                {"code": "GK-3", "name": "密封圈 Gasket", "expected": "10", "counted": "9"},
            ],
            "remarks": ["少 5.00 元现金，由本人承担。"],
            "technician_signature": SIGNATURE
            | {"name": "李强", "signed_at": "2026-03-05T09:40:00Z", "role": ""},
        }
        | changes
    )


def _sheet(number: str, order: str, customer: str, **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "order_number": order,
        "customer": customer,
        "signed": True,
        "present": True,
    } | more


SAMPLES: dict[str, Any] = {
    "invoice": an_invoice,
    "service_report": a_service_report,
    "dispatch_sheet": a_dispatch_sheet,
    "handin": a_handin,
    "pick_list": a_pick_list,
}
