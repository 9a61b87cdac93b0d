"""
The words of every message, in English and Chinese, filled once when the message is written.

A placeholder is a plain ``$name``; values are inserted as they are and never read as a template again.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template


@dataclass(frozen=True, slots=True)
class Words:
    """Subject and body of one template in one language."""

    subject: str
    body: str

    def fill(self, values: dict[str, str]) -> Words:
        """Return the final text; a missing value is an error, not a gap."""
        return Words(Template(self.subject).substitute(values), Template(self.body).substitute(values))


TEMPLATES: dict[str, dict[str, Words]] = {
    "call_registered": {
        "en": Words(
            "We have registered your repair call $number",
            "Dear $name,\n\nwe have registered your call $number for $asset. "
            "A supervisor looks at it now; you will hear from us at once.\n\n$caution\n\n$company$contact",
        ),
        "zh": Words(
            "您的报修 $number 已登记",
            "$name，您好：\n\n您关于 $asset 的报修 $number 已登记，"
            "主管正在评估，我们会尽快与您联系。\n\n$caution\n\n$company$contact",
        ),
    },
    "guided": {
        "en": Words(
            "How to solve it yourself: $number",
            "Dear $name,\n\nfor your call $number no visit is needed:\n\n$guidance$pictures\n\n"
            "If that does not help, tell us, and somebody comes.\n\n$company$contact",
        ),
        "zh": Words(
            "报修 $number：自助解决方法",
            "$name，您好：\n\n您的报修 $number 无需上门，请按以下方法处理：\n\n$guidance$pictures\n\n"
            "如仍未解决请告知，我们将安排上门。\n\n$company$contact",
        ),
    },
    "order_opened": {
        "en": Words(
            "Your repair order $number: what it will cost",
            "Dear $name,\n\nyour repair is order $number. Estimate before tax: labour $labour, parts $parts, "
            "travel $travel. We ask you before anything costs $beyond.\n\n$company$contact",
        ),
        "zh": Words(
            "您的维修单 $number：费用预估",
            "$name，您好：\n\n您的维修单号为 $number。预估费用（税前）：工时费 $labour，备件费 $parts，"
            "上门费 $travel。如费用$beyond，我们会先征得您的同意。\n\n$company$contact",
        ),
    },
    "visit_promised": {
        "en": Words(
            "Our visit on $day, $window",
            "Dear $name,\n\na technician will arrive on $day between $window (order $number).$named "
            "Please make sure somebody can let us in.$link\n\n$caution\n\n$company$contact",
        ),
        "zh": Words(
            "上门时间：$day $window",
            "$name，您好：\n\n技术员将于 $day $window 上门（维修单 $number）。$named届时请有人在场。$link"
            "\n\n$caution\n\n$company$contact",
        ),
    },
    "visit_promised_again": {
        "en": Words(
            "New time for our visit: $day, $window",
            "Dear $name,\n\nwe are sorry: the visit for order $number moves to $day between $window. "
            "Reason: $reason.$named$link\n\n$company$contact",
        ),
        "zh": Words(
            "上门时间变更：$day $window",
            "$name，您好：\n\n非常抱歉，维修单 $number 的上门时间改为 $day "
            "$window。原因：$reason。$named$link\n\n$company$contact",
        ),
    },
    "technician_released": {
        "en": Words(
            "Somebody else comes for order $number",
            "Dear $name,\n\nwe are sorry: $technician cannot come to you (order $number). Reason: $reason. "
            "A colleague comes at the agreed time, on $day between $window.$link\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number 将由其他技术员上门",
            "$name，您好：\n\n非常抱歉，您指定的技术员 $technician 无法上门（维修单 $number）。"
            "原因：$reason。其他技术员仍将按约定时间 $day $window 上门。$link\n\n$company$contact",
        ),
    },
    "visit_scheduled": {
        "en": Words(
            "$technician will come on $day",
            "Dear $name,\n\n$technician is assigned to your order $number and plans to begin about $start "
            "on $day.\n\n$company$contact",
        ),
        "zh": Words(
            "已为您安排技术员 $technician",
            "$name，您好：\n\n维修单 $number 已安排技术员 $technician，预计 "
            "$day $start 左右开始服务。\n\n$company$contact",
        ),
    },
    "on_the_way": {
        "en": Words(
            "$technician is on the way",
            "Dear $name,\n\n$technician has set out for you (order $number).\n\n$company$contact",
        ),
        "zh": Words(
            "技术员 $technician 已出发",
            "$name，您好：\n\n技术员 $technician 已出发前往您处（维修单 $number）。\n\n$company$contact",
        ),
    },
    "arrived": {
        "en": Words(
            "$technician has arrived",
            "Dear $name,\n\n$technician is with you (order $number).\n\n$company$contact",
        ),
        "zh": Words(
            "技术员 $technician 已到达",
            "$name，您好：\n\n技术员 $technician 已到达（维修单 $number）。\n\n$company$contact",
        ),
    },
    "promise_in_danger": {
        "en": Words(
            "We will be late for order $number",
            "Dear $name,\n\nwe are sorry: we promised to be with you by $end (order $number), and will "
            "probably arrive about $expected. Reason: $reason.$given\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number：上门时间将推迟",
            "$name，您好：\n\n非常抱歉，维修单 $number 原定 $end 前到达，"
            "现预计约 $expected 到达。原因：$reason。$given\n\n$company$contact",
        ),
    },
    "promise_unattended": {
        "en": Words(
            "We cannot come as agreed for order $number",
            "Dear $name,\n\nwe are sorry: we promised to be with you by $end (order $number), and cannot "
            "keep that. Reason: $reason. We call you with a new time.$given\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number：无法按约上门",
            "$name，您好：\n\n非常抱歉，维修单 $number 原定 $end 前到达，现无法按约上门。"
            "原因：$reason。我们会致电与您另约时间。$given\n\n$company$contact",
        ),
    },
    "waiting_for_part": {
        "en": Words(
            "Your order $number waits for a part",
            "Dear $name,\n\nwe wait for a part for order $number and "
            "tell you the new date at once.$given\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number 等待备件",
            "$name，您好：\n\n维修单 $number 正在等待备件，"
            "到货后我们会立即与您约定时间。$given\n\n$company$contact",
        ),
    },
    "compensated": {
        "en": Words(
            "For the delay of order $number: $amount",
            "Dear $name,\n\nwe are sorry for the delay of order $number. Reason: $reason. "
            "For this you receive $amount.\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number：延误补偿 $amount",
            "$name，您好：\n\n维修单 $number 有所延误，非常抱歉。原因：$reason。为此我们将补偿您 $amount。"
            "\n\n$company$contact",
        ),
    },
    "done": {
        "en": Words(
            "Your repair $number is done",
            "Dear $name,\n\nthe work on order $number is done. Thank you for your trust.\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number 已完成",
            "$name，您好：\n\n维修单 $number 的工作已完成，感谢您的信任。\n\n$company$contact",
        ),
    },
    "no_access": {
        "en": Words(
            "We could not reach you for order $number",
            "Dear $name,\n\nour technician found nobody at $address. "
            "Please call us for a new date.\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number：未能入户",
            "$name，您好：\n\n技术员到达 $address 时无人应门，请与我们联系另约时间。\n\n$company$contact",
        ),
    },
    "cancelled": {
        "en": Words(
            "Our visit for order $number is cancelled",
            "Dear $name,\n\nthe visit for order $number will not take place.\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number 的上门已取消",
            "$name，您好：\n\n维修单 $number 的上门服务已取消。\n\n$company$contact",
        ),
    },
    "second_booking": {
        "en": Words(
            "Another time for order $number",
            "Dear $name,\n\nwe missed you at $address. A new visit for order $number is open for you; "
            "please choose its time, and tell us if something stood in the way.$link\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number：请另选上门时间",
            "$name，您好：\n\n我们到 $address 时未能见到您，已为维修单 $number 重新开放预约，"
            "请选择时间；如有不便请告知我们。$link\n\n$company$contact",
        ),
    },
    "loaner_lent": {
        "en": Words(
            "A loaner for order $number",
            "Dear $name,\n\nyour repair takes longer than we agreed. Until it is done you get a loaner, "
            "$unit, at no cost; we tell you when we bring it.\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number：为您提供备用机",
            "$name，您好：\n\n您的维修超出约定时限，修好之前我们免费提供备用机 $unit，"
            "送达时间将另行通知。\n\n$company$contact",
        ),
    },
    "loaner_overdue": {
        "en": Words(
            "Please give back the loaner of order $number",
            "Dear $name,\n\nyour repair is done, and the loaner $unit is still with you. Please let us "
            "fetch it by $day; after that we have to charge $charge.\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number：请归还备用机",
            "$name，您好：\n\n您的设备已修好，备用机 $unit 尚未归还，请于 $day 前安排我们取回，"
            "逾期将按 $charge 收费。\n\n$company$contact",
        ),
    },
    "service_invitation": {
        "en": Words(
            "Your service is due on $day",
            "Dear $name,\n\nby contract $number your next inspection is due on $day. Please tell us which "
            "time suits you.\n\n$company$contact",
        ),
        "zh": Words(
            "定期保养将于 $day 到期",
            "$name，您好：\n\n根据合同 $number，下一次保养将于 $day 到期，请告知方便的上门时间。"
            "\n\n$company$contact",
        ),
    },
    "work_announced": {
        "en": Words(
            "Planned work at $address on $day",
            "Dear $name,\n\nwe announce the work of order $number at $address on $day between $window. "
            "Please tell us soon if that disturbs your business.$link\n\n$company$contact",
        ),
        "zh": Words(
            "$day 在 $address 的计划作业",
            "$name，您好：\n\n维修单 $number 将于 $day $window 在 $address 作业，"
            "如影响经营请尽早告知。$link\n\n$company$contact",
        ),
    },
    "confirm_day": {
        "en": Words(
            "Tomorrow: our visit between $window",
            "Dear $name,\n\nwe come tomorrow, $day, between $window (order $number). Please confirm, or move "
            "the visit if something has changed.$link\n\n$caution\n\n$company$contact",
        ),
        "zh": Words(
            "明天 $window 上门",
            "$name，您好：\n\n我们将于明天（$day）$window 上门（维修单 $number），请确认，"
            "如有变化请改期。$link\n\n$caution\n\n$company$contact",
        ),
    },
    "confirm_hour": {
        "en": Words(
            "We are with you soon: order $number",
            "Dear $name,\n\nour technician comes between $window today (order $number). Please make sure "
            "somebody can let us in.\n\n$caution\n\n$company$contact",
        ),
        "zh": Words(
            "即将上门：维修单 $number",
            "$name，您好：\n\n技术员将于今天 $window 上门（维修单 $number），请确保有人在场。"
            "\n\n$caution\n\n$company$contact",
        ),
    },
    "invoiced": {
        "en": Words(
            "Invoice $invoice for order $number",
            "Dear $name,\n\nthe invoice $invoice over $amount is ready; due on $due.$help"
            "\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number 的发票 $invoice",
            "$name，您好：\n\n发票 $invoice 已开具，金额 $amount，请于 $due 前付款。$help"
            "\n\n$company$contact",
        ),
    },
    "credited": {
        "en": Words(
            "Credit note $credit_note for order $number",
            "Dear $name,\n\nwe have taken back our invoice $invoice: credit note $credit_note over $amount. "
            "What you have paid for it we pay back.\n\n$company$contact",
        ),
        "zh": Words(
            "维修单 $number 的红字账单 $credit_note",
            "$name，您好：\n\n发票 $invoice 已冲销，红字账单 $credit_note，金额 $amount。"
            "如您已付款，我们将退还。\n\n$company$contact",
        ),
    },
    "paid": {
        "en": Words(
            "Receipt $receipt over $amount",
            "Dear $name,\n\nwe have received $amount for order $number, receipt $receipt."
            "\n\n$company$contact",
        ),
        "zh": Words(
            "收款凭证 $receipt：$amount",
            "$name，您好：\n\n我们已收到维修单 $number 的款项 $amount，凭证号 $receipt。\n\n$company$contact",
        ),
    },
}

BY_EVENT = {
    "CallRegistered": "call_registered",
    "CallClosedRemotely": "guided",
    "WorkOrderOpened": "order_opened",
    "VisitPromised": "visit_promised",
    "PromiseInDanger": "promise_in_danger",
    "TechnicianReleased": "technician_released",
    "CompensationGranted": "compensated",
    "VisitScheduled": "visit_scheduled",
    "TechnicianOnTheWay": "on_the_way",
    "TechnicianArrived": "arrived",
    "WaitingForPart": "waiting_for_part",
    "VisitCompleted": "done",
    "VisitFailed": "no_access",
    "VisitCancelled": "cancelled",
    "InvoiceRendered": "invoiced",
    "CreditNoteRendered": "credited",
    "PaymentReceived": "paid",
    "SecondBookingOpened": "second_booking",
    "LoanerLent": "loaner_lent",
    "LoanerOverdue": "loaner_overdue",
}
