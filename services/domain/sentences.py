"""Writes an explanation as sentences, in Chinese and English, with units by name and code.

Times are written in the policy's zone, deadlines that end at midnight as 24:00 of the day before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from schemas.instants import DAY, FOREVER, HOUR, MINUTE, SECOND, Instant, to_datetime
from schemas.policy.deadlines import Duration
from schemas.records import Contribution
from services.domain import causes, reasons, words
from services.domain.corrections import TIME, instant_of
from services.domain.corrections_told import CorrectedField
from services.domain.deadline_source import Deadline
from services.domain.explanation import Entry, Explanation, Judgement
from services.domain.ranking import STATE
from services.domain.ratings import Call
from services.domain.tracing import Change, Passed
from services.domain.words import Text

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, Language]] = ("zh", "en")

_DUES: Final = frozenset({"sign_due", "contact_due", "resolve_due"})
_ENDS: Final = frozenset({*_DUES, "cut_off", "booked"})  # instants at which a day may end
_PARTS: Final = 2  # units that a length of time is written with
_INSTANTS: Final = frozenset({TIME, *_DUES, "until", "requested_at", "decided_at"})
_UNITS: Final = frozenset({"unit"})


class Writer:
    """Writes what was found about one order.

    Args:
        explanation: What was found.
        zone: In which times are written.
        unit_name: The name of a unit by its code; "" if it is not registered.
    """

    def __init__(
        self, explanation: Explanation, zone: ZoneInfo, unit_name: Callable[[str], str]
    ) -> None:
        self._explanation = explanation
        self._zone = zone
        self._unit_name = unit_name
        self._names = {
            indicator.code: Text(indicator.name_zh, indicator.name_en)
            for indicator in (
                *explanation.rules.indicators,
                *(judgement.indicator for judgement in explanation.judgements),
            )
        }

    def state(self) -> Text:
        """The name of the state."""
        state, _, ground = (self._explanation.state or "").partition(":")
        if not state:
            return words.COUNTS["incomplete"]
        if state == "valid" and not self._explanation.rules.counts_callbacks:
            return words.SETTLED
        name = words.STATES[state]
        return Text(f"{name.zh}（{ground}）", f"{name.en} ({ground})") if ground else name

    def headline(self) -> Text:
        """What the state means for the order."""
        state, _, ground = (self._explanation.state or "").partition(":")
        if state == "valid" and not self._explanation.rules.counts_callbacks:
            state = "settled"
        unit = self.unit(self._explanation.lead)
        return _fill(words.STATE_SENTENCES[state], unit=unit, ground=ground)

    def judgement(self, judgement: Judgement) -> Text:
        """How and why the order counts in one indicator, or why it does not."""
        contribution = judgement.contribution
        tail = Text("。", ".")
        if judgement.version != self._explanation.rules.version:
            tail = _joined(_fill(causes.OTHER_VERSION, version=judgement.version), tail)
        if judgement.department:
            tail = _joined(_fill(causes.DEPARTMENT, unit=self.unit(judgement.department)), tail)
        sentence = _fill(
            causes.VERDICTS[judgement.verdict],
            unit=self.unit(contribution.unit if contribution else ""),
            name=self._indicator(judgement.indicator.code),
            share=_share(contribution.numerator if contribution else 0),
            because=self._because(judgement),
        )
        return _joined(sentence, tail)

    def entry(self, entry: Entry) -> list[Text]:
        """What was told and what counts, and what the event changed or why it changed nothing."""
        told = entry.told
        found = [self._corrected(field) for field in told.fields]
        if told.fate:
            target = told.target or told.event
            found.append(
                _fill(
                    causes.FATES[told.fate],
                    time=self.time(target.occurred_at),
                    type=words.EVENTS[target.type],
                )
            )
            return found
        several = len(entry.effects) > 1
        for effect in entry.effects:
            untold = [each for each in effect.changes if not _is_told(each)]
            lines = [self._change(change) for change in untold or effect.changes]
            if effect.why and not effect.changes:
                lines.append(causes.VOID[effect.why])
            version = _fill(causes.OTHER_VERSION, version=effect.version)
            found += [_joined(line, version) for line in lines] if several else lines
        return found

    def passed(self, passed: Passed) -> Text:
        """A deadline that passes."""
        return causes.PASSED[passed.what]

    def deadline(self, deadline: Deadline) -> Text:
        """Until when something must be done, who says so, and what was counted."""
        step = words.STEPS[deadline.step]
        if deadline.ends_at == FOREVER:
            sentence = _fill(causes.RESTS, step=step)
        else:
            sentence = _fill(
                causes.DEADLINES[deadline.set_by],
                step=step,
                due=self.due(deadline.ends_at),
                version=deadline.version,
                rule=deadline.rule,
                extensions=deadline.extensions,
                duration=_duration(deadline.duration),
                started_at=self.time(deadline.started_at),
                set_at=self.time(deadline.set_at),
            )
        return _joined(sentence, *self._left_out(deadline))

    def contribution(self, contribution: Contribution) -> Text:
        """What one contribution is about: a count, a state, or a rate with its part."""
        name = contribution.indicator
        if name.startswith(STATE):
            state, _, ground = name.removeprefix(STATE).partition(":")
            text = _joined(Text("状态：", "state: "), words.STATES[state])
            text = _joined(text, Text(f"（{ground}）", f" ({ground})")) if ground else text
        elif name in self._names:
            share = f" {_thousandths(contribution.numerator)} / {contribution.denominator}"
            text = _joined(self._names[name], Text(share, share))
        else:
            text = words.COUNTS.get(name, Text(name, name))
        return _joined(self.unit(contribution.unit), Text(" · ", " · "), text)

    def unit(self, code: str) -> Text:
        """A unit by name and code."""
        if not code:
            return words.NO_UNIT
        name = self._unit_name(code)
        return Text(f"{name}（{code}）", f"{name} ({code})") if name else Text(code, code)

    def time(self, instant: Instant) -> str:
        """A local time, with seconds only where there are any."""
        local = to_datetime(instant).astimezone(self._zone)
        return f"{local:%Y-%m-%d %H:%M:%S}" if instant % MINUTE else f"{local:%Y-%m-%d %H:%M}"

    def due(self, instant: Instant) -> str:
        """A deadline; midnight is 24:00 of the day that it ends."""
        local = to_datetime(instant).astimezone(self._zone)
        if (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0):
            return f"{local - timedelta(days=1):%Y-%m-%d} 24:00"
        return self.time(instant)

    def _because(self, judgement: Judgement) -> Text:
        reason, numerator = judgement.reason, judgement.indicator.document.numerator
        source = numerator.source if numerator else ""
        done, due = reason.at, reason.due
        is_known = due is not None and due != FOREVER
        return _fill(
            causes.BECAUSE[reason.code],
            at=words.NONE if done is None else self.time(done),
            due=self.due(due) if due is not None and is_known else words.UNTIL_RESUMED,
            late=_lasting(done - due) if done is not None and due is not None else words.NONE,
            word=_word(reason, source),
            question=words.QUESTIONS.get(source, words.NONE),
            step=words.STEPS.get(reason.step, words.NONE),
            number=reason.number,
            codes=_listed(self._indicator(code) for code in reason.codes),
        )

    def _indicator(self, code: str) -> Text:
        return self._names.get(code, Text(code, code))

    def _corrected(self, field: CorrectedField) -> Text:
        name = words.FIELDS.get(field.field, Text(field.field, field.field))
        before, after = (self._told(field.field, value) for value in (field.told, field.counts))
        return _fill(causes.CORRECTED, name=name, before=before, after=after)

    def _told(self, field: str, value: Any) -> Text:
        """A value of an event as people read it."""
        if value is None:
            return words.NONE
        if field in _INSTANTS:
            at = value if isinstance(value, int) else instant_of(value)
            text = self.due(at) if field in _ENDS else self.time(at)
            return Text(text, text)
        if field in _UNITS:
            return self.unit(value)
        if isinstance(value, bool):
            return words.YES if value else words.NO
        if isinstance(value, Mapping):
            return _answers(value)
        text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        return Text(text, text)

    def _change(self, change: Change) -> Text:
        if change.field in words.HAPPENED:
            return _fill(words.HAPPENED[change.field], unit=self.unit(str(change.after)))
        of = words.STEPS.get(change.of) or self._indicator(change.of)
        name = _fill(words.FIELDS[change.field], of=of)
        before, after = (
            self._value(change.field, value) for value in (change.before, change.after)
        )
        template = causes.CHANGED if change.before else causes.SET
        return _fill(template, name=name, before=before, after=after)

    def _value(self, field: str, value: object) -> Text:
        if isinstance(value, bool):
            return words.YES if value else words.NO
        if isinstance(value, Call):
            at = self.time(value.at)
            return _joined(Text(f"{at} ", f"{at} "), _answers(value.answers))
        if isinstance(value, int):
            if value == FOREVER:
                return words.RESTING if field in _DUES else words.UNTIL_RESUMED
            text = self.due(value) if field in _ENDS else self.time(value)
            return Text(text, text)
        if field == "lead" and isinstance(value, str):
            return self.unit(value)
        return Text(value, value) if isinstance(value, str) and value else words.NONE

    def _left_out(self, deadline: Deadline) -> Iterator[Text]:
        """Days off, make-up days and pauses."""
        if deadline.skipped:
            days = _listed(
                Text(f"{day:%m-%d} {kind.zh}", f"{day:%m-%d} {kind.en}")
                for day, kind in deadline.skipped
            )
            yield _fill(causes.SKIPPED, number=len(deadline.skipped), days=days)
        made_up = [each for each in deadline.intervals if each.kind and each.kind.code == "make_up"]
        if made_up:
            days = _listed(
                Text(f"{each.day:%m-%d} {each.kind.zh}", f"{each.day:%m-%d} {each.kind.en}")
                for each in made_up
                if each.kind
            )
            yield _fill(causes.MADE_UP, days=days)
        if deadline.pauses:
            yield _fill(causes.PAUSED, pauses=_listed(map(self._pause, deadline.pauses)))

    def _pause(self, pause: tuple[Instant, Instant]) -> Text:
        begins = self.time(pause[0])
        if pause[1] == FOREVER:
            return Text(f"{begins} 起", f"from {begins}")
        ends = self.time(pause[1])
        return Text(f"{begins} 至 {ends}", f"{begins} to {ends}")


def _is_told(change: Change) -> bool:
    """Whether a deadline's own sentence tells the change already."""
    return change.field in _DUES and change.before is None


def _fill(template: Text, **values: object) -> Text:
    """Put values into their places; those that are texts in their own language."""
    zh = {name: v.zh if isinstance(v, Text) else v for name, v in values.items()}
    en = {name: v.en if isinstance(v, Text) else v for name, v in values.items()}
    return Text(template.zh.format(**zh), template.en.format(**en))


def _joined(*parts: Text) -> Text:
    return Text("".join(part.zh for part in parts), "".join(part.en for part in parts))


def _listed(texts: Iterable[Text]) -> Text:
    found = list(texts)
    return Text("、".join(text.zh for text in found), ", ".join(text.en for text in found))


def _answers(answers: Mapping[str, str]) -> Text:
    known = [
        words.ANSWERS[question].get(answer, Text(answer, answer))
        for question, answer in answers.items()
        if question in words.ANSWERS
    ]
    return _joined(Text("（", "("), _listed(known), Text("）", ")")) if known else words.NONE


def _word(reason: reasons.Reason, source: str) -> Text:
    """The word of a reason: an answer, a type, a key of a filter, or a ground as it was told."""
    tables: dict[str, Mapping[str, Text]] = {
        reasons.ANSWERED: words.ANSWERS.get(source, {}),
        reasons.TYPE_NOT_ASSESSED: words.DEMAND_TYPES,
        reasons.FILTER: words.FILTERS,
    }
    word = reason.word
    return tables.get(reason.code, {}).get(word, Text(word, word))


def _share(thousandths: int) -> str:
    return f"{thousandths / 10:g}" if thousandths % 10 else str(thousandths // 10)


def _thousandths(value: int) -> str:
    whole, rest = divmod(value, 1000)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".")


def _lasting(microseconds: int) -> Text:
    """A length of time by its two greatest units."""
    units = (
        (DAY, " 天", " d"),
        (HOUR, " 小时", " h"),
        (MINUTE, " 分钟", " min"),
        (SECOND, " 秒", " s"),
    )
    zh: list[str] = []
    en: list[str] = []
    for size, name_zh, name_en in units:
        count, microseconds = divmod(microseconds, size)
        if count and len(zh) < _PARTS:
            zh.append(f" {count}{name_zh}")
            en.append(f"{count}{name_en}")
    return Text("".join(zh), " ".join(en)) if zh else Text("不到 1 秒", "less than 1 s")


def _duration(duration: Duration | None) -> Text:
    if duration is None:
        return words.NONE
    if duration.working_days is not None:
        days = duration.working_days
        return Text(f"{days} 个工作日", f"{days} working day{'s' if days > 1 else ''}")
    parts = (
        (duration.days, "天", "days"),
        (duration.hours, "小时", "hours"),
        (duration.minutes, "分钟", "minutes"),
    )
    return _joined(
        Text(
            " ".join(f"{count} {zh}" for count, zh, _ in parts if count),
            " ".join(f"{count} {en}" for count, _, en in parts if count),
        )
    )
