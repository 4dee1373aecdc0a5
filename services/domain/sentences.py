"""Writes an explanation as sentences, in Chinese and English, with units by name and code.

Times are written in the policy's zone, deadlines that end at midnight as 24:00 of the day before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.instants import FOREVER, Instant, to_datetime
from schemas.records import Contribution
from services.domain import causes, reasons, words
from services.domain.corrections import TIME, instant_of
from services.domain.corrections_told import CorrectedField
from services.domain.deadline_source import Deadline
from services.domain.explanation import Entry, Explanation, Judgement
from services.domain.ranking import STATE
from services.domain.ratings import Call
from services.domain.texts import (
    answered,
    decimal_of,
    fill,
    joined,
    lasting,
    length_of,
    listed,
    percent_of,
)
from services.domain.tracing import Change, Passed
from services.domain.words import Text

_DUES: Final = frozenset({"sign_due", "contact_due", "resolve_due"})
_ENDS: Final = frozenset({*_DUES, "cut_off", "booked"})  # instants at which a day may end
_INSTANTS: Final = frozenset({TIME, *_DUES, "until", "requested_at", "decided_at"})


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
        return fill(words.STATE_SENTENCES[state], unit=unit, ground=ground)

    def judgement(self, judgement: Judgement) -> Text:
        """How and why the order counts in one indicator, or why it does not."""
        contribution = judgement.contribution
        tail = Text("。", ".")
        if judgement.version != self._explanation.rules.version:
            tail = joined(fill(causes.OTHER_VERSION, version=judgement.version), tail)
        if judgement.department:
            tail = joined(fill(causes.DEPARTMENT, unit=self.unit(judgement.department)), tail)
        sentence = fill(
            causes.VERDICTS[judgement.verdict],
            unit=self.unit(contribution.unit if contribution else ""),
            name=self._indicator(judgement.indicator.code),
            share=percent_of(contribution.numerator if contribution else 0),
            because=self._because(judgement),
        )
        return joined(sentence, tail)

    def entry(self, entry: Entry) -> list[Text]:
        """What was told and what counts, and what the event changed or why it changed nothing."""
        told = entry.told
        found = [self._corrected(field) for field in told.fields]
        if told.fate:
            target = told.target or told.event
            found.append(
                fill(
                    causes.FATES[told.fate],
                    time=self.time(target.occurred_at),
                    type=words.EVENTS[target.type],
                )
            )
            return found
        several = len(entry.effects) > 1
        for effect in entry.effects:
            untold = [each for each in effect.changes if not _is_told(each)]
            lines = [self.change(change) for change in untold or effect.changes]
            if effect.why and not effect.changes:
                lines.append(causes.VOID[effect.why])
            version = fill(causes.OTHER_VERSION, version=effect.version)
            found += [joined(line, version) for line in lines] if several else lines
        return found

    def passed(self, passed: Passed) -> Text:
        """A deadline that passes."""
        return causes.PASSED[passed.what]

    def deadline(self, deadline: Deadline) -> Text:
        """Until when something must be done, who says so, and what was counted."""
        step = words.STEPS[deadline.step]
        if deadline.ends_at == FOREVER:
            sentence = fill(causes.RESTS, step=step)
        else:
            sentence = fill(
                causes.DEADLINES[deadline.set_by],
                step=step,
                due=self.due(deadline.ends_at),
                version=deadline.version,
                rule=deadline.rule,
                extensions=deadline.extensions,
                duration=length_of(deadline.duration),
                started_at=self.time(deadline.started_at),
                set_at=self.time(deadline.set_at),
            )
        return joined(sentence, *self._left_out(deadline))

    def contribution(self, contribution: Contribution) -> Text:
        """What one contribution is about: a count, a state, or a rate with its part."""
        name = contribution.indicator
        if name.startswith(STATE):
            state, _, ground = name.removeprefix(STATE).partition(":")
            text = joined(Text("状态：", "state: "), words.STATES[state])
            text = joined(text, Text(f"（{ground}）", f" ({ground})")) if ground else text
        elif name in self._names:
            part = f" {decimal_of(contribution.numerator)} / {contribution.denominator}"
            text = joined(self._names[name], Text(part, part))
        else:
            text = words.COUNTS.get(name, Text(name, name))
        return joined(self.unit(contribution.unit), Text(" · ", " · "), text)

    def unit(self, code: str) -> Text:
        """A unit by name and code."""
        if not code:
            return words.NO_UNIT
        name = self._unit_name(code)
        return Text(f"{name}（{code}）", f"{name} ({code})") if name else Text(code, code)

    def time(self, instant: Instant) -> str:
        """A local time, with seconds only where there are any."""
        local = to_datetime(instant).astimezone(self._zone)
        return f"{local:%Y-%m-%d %H:%M:%S}" if local.second else f"{local:%Y-%m-%d %H:%M}"

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
        is_late = done is not None and due is not None and done > due
        return fill(
            causes.BECAUSE[reason.code],
            at=words.NONE if done is None else self.time(done),
            due=words.UNTIL_RESUMED if due in {None, FOREVER} else self.due(due or 0),
            late=lasting((done or 0) - (due or 0)) if is_late else words.NONE,
            word=_word(reason, source),
            question=words.QUESTIONS.get(source, words.NONE),
            step=words.STEPS.get(reason.step, words.NONE),
            number=reason.number,
            codes=listed(self._indicator(code) for code in reason.codes),
        )

    def _indicator(self, code: str) -> Text:
        return self._names.get(code, Text(code, code))

    def _corrected(self, field: CorrectedField) -> Text:
        known = words.TOLD.get(field.field) or words.FIELDS.get(field.field)
        name = known or Text(field.field, field.field)
        before, after = (self.told(field.field, value) for value in (field.told, field.counts))
        return fill(causes.CORRECTED, name=name, before=before, after=after)

    def told(self, field: str, value: Any) -> Text:
        """A value of an event as people read it."""
        if value is None:
            return words.NONE
        if field in _INSTANTS:
            at = value if isinstance(value, int) else instant_of(value)
            text = self.due(at) if field in _ENDS else self.time(at)
            return Text(text, text)
        if field == "unit":
            return self.unit(value)
        if isinstance(value, bool):
            return words.YES if value else words.NO
        if isinstance(value, Mapping):
            return answered(value)
        text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        return Text(text, text)

    def change(self, change: Change) -> Text:
        """One thing that an event changed."""
        if change.field in words.HAPPENED:
            return fill(words.HAPPENED[change.field], unit=self.unit(str(change.after)))
        is_step = change.field == "booked"
        of = words.STEPS[change.of] if is_step else self._indicator(change.of)
        name = fill(words.FIELDS[change.field], of=of)
        before, after = (
            self._value(change.field, value) for value in (change.before, change.after)
        )
        template = causes.CHANGED if change.before else causes.SET
        return fill(template, name=name, before=before, after=after)

    def _value(self, field: str, value: object) -> Text:
        if isinstance(value, bool):
            return words.YES if value else words.NO
        if isinstance(value, Call):
            at = self.time(value.at)
            return joined(Text(f"{at} ", f"{at} "), answered(value.answers))
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
            days = listed(
                Text(f"{day:%m-%d} {kind.zh}", f"{day:%m-%d} {kind.en}")
                for day, kind in deadline.skipped
            )
            yield fill(causes.SKIPPED, number=len(deadline.skipped), days=days)
        made_up = [each for each in deadline.intervals if each.kind and each.kind.code == "make_up"]
        if made_up:
            days = listed(
                Text(f"{each.day:%m-%d} {each.kind.zh}", f"{each.day:%m-%d} {each.kind.en}")
                for each in made_up
                if each.kind
            )
            yield fill(causes.MADE_UP, days=days)
        if deadline.pauses:
            yield fill(causes.PAUSED, pauses=listed(map(self._pause, deadline.pauses)))

    def _pause(self, pause: tuple[Instant, Instant]) -> Text:
        begins = self.time(pause[0])
        if pause[1] == FOREVER:
            return Text(f"{begins} 起", f"from {begins}")
        ends = self.time(pause[1])
        return Text(f"{begins} 至 {ends}", f"{begins} to {ends}")


def _is_told(change: Change) -> bool:
    """Whether a deadline's own sentence tells the change already."""
    return change.field in _DUES and change.before is None


def _word(reason: reasons.Reason, source: str) -> Text:
    """The word of a reason: an answer, a type, a key of a filter, or a ground as it was told."""
    tables: dict[str, Mapping[str, Text]] = {
        reasons.ANSWERED: words.ANSWERS.get(source, {}),
        reasons.TYPE_NOT_ASSESSED: words.DEMAND_TYPES,
        reasons.FILTER: words.FILTERS,
    }
    word = reason.word
    return tables.get(reason.code, {}).get(word, Text(word, word))
